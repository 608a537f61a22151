/* attribute.c - attributes of the node that is read, by name, with the type that the operator's definition gives them. */
#include "importing.h"

#include <string.h>

const Onnx__AttributeProto *nas__attribute(const nas__importing *i, const char *name)
{
    for (size_t k = 0; k < i->at->n_attribute; k++)
        if (i->at->attribute[k]->name && strcmp(i->at->attribute[k]->name, name) == 0)
            return i->at->attribute[k];
    return NULL;
}

bool nas__has_attribute(const nas__importing *i, const char *name)
{
    return nas__attribute(i, name) != NULL;
}

static nas_status wrong_type(const nas__importing *i, const char *name, const char *wanted)
{
    return nas__refuse(i, NAS_DATA, "attribute %s is no %s", name, wanted);
}

nas_status nas__int_attribute(const nas__importing *i, const char *name, int64_t usual,
                              int64_t *value)
{
    const Onnx__AttributeProto *a = nas__attribute(i, name);
    *value = a ? a->i : usual;
    if (a && !a->has_i)
        return wrong_type(i, name, "whole number");
    return NAS_OK;
}

nas_status nas__float_attribute(const nas__importing *i, const char *name, float usual,
                                float *value)
{
    const Onnx__AttributeProto *a = nas__attribute(i, name);
    *value = a ? a->f : usual;
    if (a && !a->has_f)
        return wrong_type(i, name, "number");
    return NAS_OK;
}

nas_status nas__text_attribute(const nas__importing *i, const char *name, const char *usual,
                               char value[32])
{
    const Onnx__AttributeProto *a = nas__attribute(i, name);
    const char *text = a ? (const char *)a->s.data : usual;
    const size_t length = a ? a->s.len : strlen(usual);
    if (a && (!a->has_s || length > 31 || memchr(text, 0, length)))
        return wrong_type(i, name, "text that is known");
    if (length)
        memcpy(value, text, length);
    value[length] = '\0';
    return NAS_OK;
}

nas_status nas__ints_attribute(const nas__importing *i, const char *name, const int64_t **values,
                               int *count)
{
    const Onnx__AttributeProto *a = nas__attribute(i, name);
    *values = a ? a->ints : NULL;
    *count = a ? (int)a->n_ints : 0;
    if (a && (a->has_i || a->has_f || a->has_s || a->n_ints > 64))
        return wrong_type(i, name, "list of whole numbers");
    return NAS_OK;
}

/* A list of numbers that old opsets have as an attribute and new ones as an input. */
nas_status nas__list(nas__importing *i, const char *name, int input, const int64_t **list,
                     int *count)
{
    const nas__constant *given;
    NAS_TRY(nas__ints_attribute(i, name, list, count));
    NAS_TRY(nas__numbers(i, input, &given));
    if (given && nas__axes_count(&given->axes) > 64)
        NAS__REFUSE(i, NAS_DATA, "%s has over 64 numbers", name);
    if (given) {
        *list = given->numbers;
        *count = (int)nas__axes_count(&given->axes);
    }
    return NAS_OK;
}

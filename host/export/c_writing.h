/* c_writing.h - what the files of the C exporter share: c.c the two files, c_layers.c a call for each layer. */
#ifndef NAS_EXPORT_C_WRITING_H
#define NAS_EXPORT_C_WRITING_H

#include "exporter.h"

typedef struct nas__writing {
    const nas_model *model;
    nas__workspace workspace;
    nas__c_names names;
    bool uses[32];        /* of nas__pieces */
    bool activations[16]; /* of nas_activation */
    bool functions[16];   /* of nas_function */
    nas_text body; /* the calls of layers, written first: they tell which pieces are needed */
    nas_text source, header;
} nas__writing;

/* Calls of all layers into the body, with what they use. */
void nas__c_write_body(nas__writing *w);
/* The functions that the body calls, into the source. */
void nas__c_write_functions(nas__writing *w);
bool nas__c_needs_maths(const nas__writing *w);
/* "weight_3": of a norm "scale_3" and "shift_3". */
const char *nas__c_weight_name(const nas_model_layer *layer, char text[48]);
const char *nas__c_bias_name(const nas_model_layer *layer, char text[48]);
/* The shortest number that reads back as the same float, as C writes it. */
void nas__c_add_float(nas_text *text, float value);

#endif

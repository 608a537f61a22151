/* saved_model.h - model files of any graph without training one. */
#ifndef NAS_TESTS_SAVED_MODEL_H
#define NAS_TESTS_SAVED_MODEL_H

#include "nas_test.h"

#include <clnas/net.h>

/* A file as nas_net_save makes it, with random values that the reference gets, too. */
void save_random(const nas_graph *graph, nas_reference *reference, const char *path,
                 const char *classes, const char *preprocessing);

#endif

/* exporter.h - what the files of this room share.
 *
 *   model.c       a saved network as layers with weights     exporter.c  the list of exporters
 *   c.c           one C file and its header                  c_layers.c  the lines of its layers
 *   c_run.c       … compiled and run
 *   workspace.c   memory for the values between layers       pieces/     the functions that such C files are made of
 */
#ifndef NAS_EXPORT_EXPORTER_H
#define NAS_EXPORT_EXPORTER_H

#include <clnas/export.h>

/* A function of generated C, pieces/NAME.c, embedded by CMakeLists.txt. */
typedef struct nas__piece {
    const char *name;
    const char *const *lines; /* ends with NULL */
} nas__piece;
extern const nas__piece nas__pieces[]; /* ends with a NULL name */

/* Floats of the value of each layer, one after the other where both are needed at a time. */
typedef struct nas__workspace {
    uint64_t *at; /* of each layer; NAS__NOWHERE: the caller's input or output */
    uint64_t floats;
} nas__workspace;
#define NAS__NOWHERE UINT64_MAX

/* Norms and activations write over what they read where nobody else reads it.  `own_input`: layer 0 has a place, too.  The caller frees `at`. */
nas_status nas__workspace_plan(const nas_model *model, bool own_input, nas__workspace *workspace);

/* What the C file "path/to/My net.c" calls things. */
typedef struct nas__c_names {
    char name[64], upper[64];   /* My_net, MY_NET: begin all its names */
    char header[NAS_PATH_SIZE]; /* path/to/My net.h */
    char base[NAS_PATH_SIZE];   /* My net.h */
} nas__c_names;
/* NAS_CONFIG: does not end with .c, or no #include can say it. */
nas_status nas__c_names_of(const char *path, nas__c_names *names);

/* nas_exporter.run of `c`. */
nas_status nas__c_run(const nas_model *model, const char *path, const float *inputs, int samples,
                      float *outputs);

#endif

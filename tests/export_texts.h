/* export_texts.h - exported JSON and pictures against the graph (export_texts.c). */
#ifndef NAS_EXPORT_TEXTS_H
#define NAS_EXPORT_TEXTS_H

#include <clnas/export.h>

/* Of the model file `saved`, whose graph it is, with norms kept and folded; files go to `folder`, `what` is for messages. */
void check_texts(const nas_graph *graph, const char *saved, const char *folder, const char *what);

#endif

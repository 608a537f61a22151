/* weights.h - tensors of a weights file, by name. */
#ifndef NAS_NET_WEIGHTS_H
#define NAS_NET_WEIGHTS_H

#include <clnas/net.h>

const nas_safetensor *nas__find_tensor(const nas_safetensors *file, const char *name); /* or NULL */
/* F32 of this shape? */
bool nas__has_dims(const nas_safetensor *tensor, const nas_parameter *spec);
/* "NODE.PARAMETER", as in a net's file. */
void nas__tensor_name(int node, const nas_parameter *spec, char *name, size_t size);

#endif

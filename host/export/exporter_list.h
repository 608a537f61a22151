/* exporter_list.h - every exporter, one line each.  C builds the registry from it; CMake compiles host/export/NAME.c, which defines
 * `const nas_exporter nas__exporter_NAME`. */
NAS_EXPORTER(c)
NAS_EXPORTER(onnx)
NAS_EXPORTER(torch)
NAS_EXPORTER(safetensors)
NAS_EXPORTER(json)
NAS_EXPORTER(dot)

/* kernel_sources.h - the OpenCL sources that the build embedded (cmake/embed.cmake writes the table).
 *
 * A source is a file of cl/ with its includes in place, as an array of lines (each ends with \n) in
 * the form clCreateProgramWithSource takes.  `#line` directives inside make build logs name the real
 * file.  Private to the device room. */
#ifndef NAS_DEVICE_KERNEL_SOURCES_H
#define NAS_DEVICE_KERNEL_SOURCES_H

typedef struct nas_kernel_source {
    const char *name; /* "conv2d" for cl/conv2d.cl */
    const char *const *lines;
    unsigned line_count;
    const char *hash; /* 32 hex digits of the text, includes in place */
} nas_kernel_source;

/* The source of cl/NAME.cl, or NULL. */
const nas_kernel_source *nas__kernel_source(const char *name);
/* The index-th source, or NULL behind the last. */
const nas_kernel_source *nas__kernel_source_at(unsigned index);

#endif

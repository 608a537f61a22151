/* template.h - what the files of the template space share; what the space is says template.c. */
#ifndef NAS_SPACE_TEMPLATE_H
#define NAS_SPACE_TEMPLATE_H

#include "supergraph.h"

enum { NAS__SEGMENTS = 8, NAS__BLOCKS = 16 };

/* In the order of the options' words. */
enum { NAS__BLOCK_PLAIN, NAS__BLOCK_RESIDUAL, NAS__BLOCK_BOTTLENECK, NAS__BLOCK_INVERTED };
#define NAS__BLOCK_KINDS "plain|residual|bottleneck|inverted"
enum {
    NAS__PATTERN_CHAIN,
    NAS__PATTERN_BRANCHES,
    NAS__PATTERN_DENSE,
    NAS__PATTERN_LATERAL,
    NAS__PATTERN_GIVEN,
    NAS__PATTERN_FREE
};
#define NAS__PATTERNS "chain|branches|dense|lateral|given|free"
enum { NAS__JOIN_ADD, NAS__JOIN_CONCAT };
#define NAS__JOINS "add|concat"
enum { NAS__WIDTHS_ANY, NAS__WIDTHS_NO_SHRINK };
enum { NAS__SIZES_SMALLEST, NAS__SIZES_LARGEST, NAS__SIZES_MATCH };

typedef struct nas__segment_options {
    nas_int_list block, depth, width, stride, kernel, expansion, squeeze;
    nas_int_list reads; /* only of a segment's own */
} nas__segment_options;

typedef struct nas__template_options {
    int64_t segments, stem, min_size;
    nas_int_list pattern, join;
    int shrink, activation;
    double mmacs;
    struct {
        int widths, blocks, sizes;
        nas_int_list depth;
    } constraints;
    nas__segment_options shared, own[NAS__SEGMENTS];
} nas__template_options;

/* Lots of a segment as a whole, then those that its blocks share or have each for itself. */
enum { NAS__LOT_BLOCK, NAS__LOT_DEPTH, NAS__LOT_WIDTH, NAS__LOT_STRIDE, NAS__SEGMENT_LOTS };
enum { NAS__LOT_KERNEL, NAS__LOT_EXPANSION, NAS__LOT_SQUEEZE, NAS__BLOCK_LOTS };
/* Their names. */
extern const char *const nas__template_segment_lots[NAS__SEGMENT_LOTS];
extern const char *const nas__template_block_lots[NAS__BLOCK_LOTS];

typedef struct nas__template_segment {
    const nas_int_list *lots[NAS__SEGMENT_LOTS]; /* depth: from, to */
    const nas_int_list *block_lots[NAS__BLOCK_LOTS];
    int depth_min, depth_max;
    int join_at, reads_at[NAS__SEGMENTS]; /* genes, -1: none; reads_at[i]: of source i */
    int at[NAS__SEGMENT_LOTS], block_at[NAS__BLOCKS][NAS__BLOCK_LOTS];
} nas__template_segment;

typedef struct nas__template {
    const nas__template_options *options;
    nas_shape input;
    int classes, count; /* segments */
    int depth_min, depth_max;
    int pattern_at, gene_count;
    bool alike; /* the blocks of a segment share their lots */
    nas__template_segment segment[NAS__SEGMENTS];
} nas__template;

/* One segment as it is really built.  Sources are numbered: 0 is the stem, i + 1 is segment i. */
typedef struct nas__segment_plan {
    unsigned reads; /* bit i: source i */
    int join, block, depth, width, stride;
    int in_factor, factor; /* pixels of the input per pixel where it begins, and where it ends */
    int kernel[NAS__BLOCKS], expansion[NAS__BLOCKS], squeeze[NAS__BLOCKS];
    uint8_t join_gene, genes[NAS__SEGMENT_LOTS], block_genes[NAS__BLOCKS][NAS__BLOCK_LOTS];
} nas__segment_plan;

typedef struct nas__template_plan {
    int pattern; /* choice */
    nas__segment_plan segment[NAS__SEGMENTS];
} nas__template_plan;

/* template_read.c */
void nas__template_read(const nas__template *t, const nas_arch *arch, nas__template_plan *plan);
void nas__template_write(const nas__template *t, const nas__template_plan *plan, nas_arch *arch);
/* What no reading of a row can mend, with a reason. */
nas_status nas__template_fits(const nas__template *t, const nas__template_plan *plan);
/* Reads width and stride of segment j (choices in plan->segment[j].genes) when all earlier ones are read; false when the
 * constraints across segments cannot be kept. */
bool nas__template_read_shape(const nas__template *t, nas__template_plan *plan, int j);
/* Who reads whom and how that is written, from the genes of pattern and reads. */
void nas__template_read_pattern(const nas__template *t, const nas_arch *arch,
                                nas__template_plan *plan);
/* Sources that no segment reads: the head does. */
unsigned nas__template_loose(const nas__template *t, const nas__template_plan *plan);
/* Does segment j, but for its blocks, just go on where j − 1 ended?  Then the two must differ in their blocks. */
bool nas__template_continues(const nas__template *t, const nas__template_plan *plan, int j);
/* Does anything tell segment j from j − 1? */
bool nas__template_shows(const nas__template *t, const nas__template_plan *plan, int j);

/* ---- template_build.c: into a graph, or only counted ----------------------------------------------------- */

/* Block b of a segment. */
typedef struct nas__block_at {
    const nas__template *t;
    const nas__segment_plan *s;
    int b, stride;
} nas__block_at;
nas_status nas__template_block(const nas__block_at *at, nas__build *build, nas__value *value);

/* What segments contain: `segment` turns what segment j reads into its output. */
typedef struct nas__template_content {
    nas_status (*segment)(const nas__template *t, const void *content,
                          const nas__template_plan *plan, int j, nas__build *build,
                          nas__value *value);
    const void *content;
    const char *norm; /* of the segments' blocks, as in nas__build */
} nas__template_content;
/* Stem, segments in the plan's pattern, widths and strides, head. */
nas_status nas__template_network(const nas__template *t, const nas__template_plan *plan,
                                 const nas__template_content *content, nas__build *build);
nas_status nas__template_assemble(const nas__template *t, const nas__template_plan *plan,
                                  nas__build *build);

/* ---- template_words.c ------------------------------------------------------------------------------------- */

/* For the sketch: what was built since the block before is this one, of segment j. */
nas_status nas__template_name_block(const nas__block_at *at, int j, nas__build *build);
void nas__template_describe(const void *state, const nas_arch *arch, nas_text *text);
void nas__template_describe_gene(const void *state, int gene, nas_text *text);
void nas__template_describe_choice(const void *state, int gene, int choice, nas_text *text);

/* ---- template_size.c, template_supergraph.c --------------------------------------------------------------- */

double nas__template_size(const nas__template *t, bool *exact);

nas_status nas__template_supergraph(const void *state, const nas_supergraph_options *options,
                                    nas_graph *graph, nas_gate_table *table);
void nas__template_derive(const void *state, const nas_gate_table *table, const float *weights,
                          nas_arch *arch);
nas_status nas__template_path(const void *state, const nas_gate_table *table, const nas_arch *arch,
                              int choices[NAS_GATE_ROWS]);

#endif

/* What the public headers of clnas declare; written by tools/abi --update, which says what it is for. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define NAS_API __attribute__((visibility("default")))
typedef enum nas_status {
    NAS_OK, NAS_FAILED, NAS_MEMORY, NAS_CONFIG, NAS_NO_DEVICE, NAS_DEVICE, NAS_DEVICE_MEMORY, NAS_STORE, NAS_DATA, NAS_STOPPED, NAS_SHAPE, NAS_BOUND, NAS_NONFINITE, NAS_TIME,
} nas_status;
NAS_API const char *nas_status_name(nas_status status);
NAS_API const char *nas_status_text(nas_status status);
NAS_API int nas_status_exit_code(nas_status status);
NAS_API const char *nas_error_message(void);
NAS_API void nas_error_clear(void);
NAS_API nas_status nas_error_set(nas_status status, const char *file, int line, const char *format,
                                 ...) ;
NAS_API void nas_error_add(const char *format, ...) ;
typedef enum nas_log_level {
    NAS_LOG_ERROR,
    NAS_LOG_WARNING,
    NAS_LOG_INFO,
    NAS_LOG_DEBUG
} nas_log_level;
typedef void (*nas_log_function)(void *user, nas_log_level level, const char *message);
NAS_API void nas_log_set(nas_log_function function, void *user, nas_log_level most_detailed);
NAS_API void nas_log(nas_log_level level, const char *format, ...) ;
NAS_API int nas_format(char *text, size_t size, const char *format, ...) ;
NAS_API int nas_format_list(char *text, size_t size, const char *format, va_list arguments)
    ;
NAS_API int nas_scan(const char *text, const char *format, ...) ;
NAS_API double nas_real_read(const char *text, char **end);
typedef struct nas_text {
    char *data;
    size_t length, capacity;
    bool failed;
} nas_text;
NAS_API void nas_text_add(nas_text *text, const char *string);
NAS_API void nas_text_add_bytes(nas_text *text, const void *bytes, size_t size);
NAS_API void nas_text_format(nas_text *text, const char *format, ...) ;
NAS_API void nas_text_add_word(nas_text *text, const char *word);
NAS_API void nas_text_reset(nas_text *text);
NAS_API void nas_text_clear(nas_text *text);
NAS_API nas_status nas_text_check(const nas_text *text);
NAS_API int nas_character_size(const char *text);
typedef enum nas_value_type {
    NAS_VALUE_NONE,
    NAS_VALUE_BOOL,
    NAS_VALUE_INT,
    NAS_VALUE_REAL,
    NAS_VALUE_TEXT,
    NAS_VALUE_LIST,
    NAS_VALUE_GROUP,
} nas_value_type;
typedef struct nas_value nas_value;
struct nas_value {
    nas_value_type type;
    char *name;
    bool boolean;
    int64_t integer;
    double real;
    char *text;
    nas_value *items;
    int item_count;
    char *file;
    int line;
    bool used;
};
NAS_API void nas_value_clear(nas_value *value);
NAS_API nas_value *nas_value_member(const nas_value *group, const char *name);
NAS_API nas_status nas_value_append(nas_value *parent, const char *name, nas_value **item);
NAS_API nas_status nas_value_copy(const nas_value *from, nas_value *to);
NAS_API nas_status nas_value_parse(const char *text, const char *file, int line, nas_value *value);
NAS_API void nas_value_write(const nas_value *value, int indent, nas_text *text);
typedef enum nas_option_type {
    NAS_OPTION_BOOL,
    NAS_OPTION_INT,
    NAS_OPTION_REAL,
    NAS_OPTION_TEXT,
    NAS_OPTION_CHOICE,
    NAS_OPTION_INT_LIST,
    NAS_OPTION_REAL_LIST,
    NAS_OPTION_CHOICE_LIST,
    NAS_OPTION_TEXT_LIST,
} nas_option_type;
enum { NAS_TEXT_SIZE = 512, NAS_LIST_SIZE = 64 };
typedef struct nas_int_list {
    int count;
    int64_t item[NAS_LIST_SIZE];
} nas_int_list;
typedef struct nas_real_list {
    int count;
    double item[NAS_LIST_SIZE];
} nas_real_list;
typedef struct nas_text_list {
    int count;
    char item[16][NAS_TEXT_SIZE];
} nas_text_list;
typedef struct nas_option {
    const char *name;
    nas_option_type type;
    size_t offset;
    const char *fallback;
    double min, max;
    const char *choices;
    const char *help;
} nas_option;
typedef struct nas_kind {
    const char *name;
    const char *summary;
    const char *paper;
    size_t instance_size;
    const nas_option *options;
} nas_kind;
NAS_API nas_status nas_options_fill(const nas_kind *kind, const nas_value *group,
                                    const char *const *also, void *instance);
NAS_API nas_status nas_options_value(const nas_kind *kind, const void *instance, nas_value *group);
NAS_API nas_status nas_options_fill_pair(const nas_kind *common, const nas_kind *own,
                                         const nas_value *group, void *common_instance,
                                         void *own_instance);
NAS_API nas_status nas_options_value_pair(const nas_kind *common, const nas_kind *own,
                                          const void *common_instance, const void *own_instance,
                                          nas_value *group);
enum { NAS_KINDS_MORE = 64 };
typedef struct nas_kinds {
    const char *noun;
    const char *word;
    const nas_kind *(*at)(int index);
    int count, capacity;
} nas_kinds;
NAS_API int nas_kinds_find(const nas_kinds *kinds, const char *name);
NAS_API nas_status nas_kinds_get(const nas_kinds *kinds, const char *name, int *index);
NAS_API nas_status nas_kinds_check(const nas_kinds *kinds, const nas_kind *kind);
NAS_API const char *nas_nearest_name(const char *name, const char *const *names, int count);
NAS_API bool nas_choice_name(const char *choices, int index, char *word, size_t size);
NAS_API int nas_choice_index(const char *choices, const char *word);
typedef enum nas_stream {
    NAS_STREAM_PROPOSE = 1,
    NAS_STREAM_SPLIT,
    NAS_STREAM_SHUFFLE,
    NAS_STREAM_AUGMENT,
    NAS_STREAM_INIT,
    NAS_STREAM_DROPOUT,
    NAS_STREAM_SYNTHETIC,
    NAS_STREAM_TEST,
    NAS_STREAM_PROXY,
    NAS_STREAM_GATES,
    NAS_STREAM_PATHS,
    NAS_STREAM_RESAMPLE,
} nas_stream;
typedef struct nas_random {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t words[4];
    int left;
} nas_random;
NAS_API void nas_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]);
NAS_API nas_random nas_random_make(uint64_t seed, nas_stream stream, uint32_t a, uint32_t b,
                                   uint32_t c);
NAS_API void nas_random_key(uint64_t seed, nas_stream stream, uint32_t key[2]);
NAS_API uint32_t nas_random_word(nas_random *random);
NAS_API uint32_t nas_random_below(nas_random *random, uint32_t bound);
NAS_API double nas_random_uniform(nas_random *random);
NAS_API double nas_random_normal(nas_random *random);
NAS_API void nas_random_shuffle(nas_random *random, uint32_t *items, uint32_t count);
NAS_API uint64_t nas_hash(const void *data, size_t size, uint64_t seed);
NAS_API void nas_hash_hex(const void *data, size_t size, char hex[33]);
enum { NAS_PATH_SIZE = 1024 };
NAS_API nas_status nas_file_read(const char *path, size_t limit, void **data, size_t *size);
NAS_API nas_status nas_file_replace(const char *path, const void *data, size_t size);
NAS_API nas_status nas_folder_make(const char *path, unsigned mode);
NAS_API nas_status nas_cache_folder(char *path, size_t size);
NAS_API bool nas_cache_part(const char *name, bool make, char *path, size_t size);
enum { NAS_CACHE_HEADER = 56 };
NAS_API bool nas_cache_load(const char *path, const char magic[8], const char key[33], size_t limit,
                            void **file, size_t *size);
NAS_API nas_status nas_cache_store(const char *path, const char magic[8], const char key[33],
                                   void *file, size_t size);
typedef struct nas_csv nas_csv;
NAS_API nas_status nas_csv_open(const char *path, nas_csv **csv);
NAS_API nas_status nas_csv_open_by(const char *path, char delimiter, nas_csv **csv);
NAS_API void nas_csv_close(nas_csv *csv);
NAS_API const char *nas_csv_path(const nas_csv *csv);
NAS_API int nas_csv_columns(const nas_csv *csv);
NAS_API const char *nas_csv_name(const nas_csv *csv, int column);
NAS_API nas_status nas_csv_find(const nas_csv *csv, const char *name, int *column);
NAS_API nas_status nas_csv_next(nas_csv *csv, bool *more);
NAS_API int64_t nas_csv_line(const nas_csv *csv);
NAS_API const char *nas_csv_cell(const nas_csv *csv, int column);
NAS_API nas_status nas_csv_number(const nas_csv *csv, int column, double *value);
NAS_API double nas_now_s(void);
NAS_API double nas_cpu_s(void);
NAS_API int64_t nas_time_ms(void);
NAS_API void nas_version(int *major, int *minor, int *patch);
typedef enum nas_device_type { NAS_DEVICE_CPU, NAS_DEVICE_GPU, NAS_DEVICE_OTHER } nas_device_type;
typedef struct nas_device_info {
    int platform, index;
    char id[16];
    char name[256], vendor[256], platform_name[256];
    char version[256], driver[256], c_version[64], platform_version[256];
    nas_device_type type;
    bool usable;
    char why_not[128];
    bool fp64, sub_groups;
    bool on_host;
    unsigned compute_units, clock_mhz, native_float_lanes;
    uint64_t memory_bytes, allocation_bytes;
    uint64_t cache_bytes, local_bytes, group_items;
    unsigned alignment_bytes;
} nas_device_info;
NAS_API nas_status nas_devices_list(nas_device_info **devices, int *count);
NAS_API nas_status nas_device_select(const nas_device_info *devices, int count, const char *match,
                                     int *chosen);
enum { NAS_DRIVERS = 32, NAS_DRIVER_SIZE = 128 };
typedef struct nas_drivers {
    int count;
    char name[NAS_DRIVERS][NAS_DRIVER_SIZE];
} nas_drivers;
NAS_API void nas_drivers_find(nas_drivers *drivers);
NAS_API nas_status nas_driver_use(const char *driver);
NAS_API const char *nas_driver_alone(void);
typedef struct nas_device nas_device;
typedef struct nas_device_options {
    bool profile;
    bool no_binary_cache;
    int lanes;
    bool untuned;
    bool inexact;
} nas_device_options;
NAS_API nas_status nas_device_open(const char *match, const nas_device_options *options,
                                   nas_device **device);
NAS_API void nas_device_destroy(nas_device *device);
NAS_API const nas_device_info *nas_device_describe(const nas_device *device);
NAS_API int nas_device_lanes(const nas_device *device);
NAS_API bool nas_device_lanes_given(const nas_device *device);
NAS_API nas_status nas_device_finish(nas_device *device);
NAS_API int nas_device_live_objects(const nas_device *device);
enum { NAS_TUNING_VALUES = 12, NAS_TUNING_ROWS = 1024, NAS_TUNING_SIZE = 256 << 10 };
typedef struct nas_tuning_value {
    char name[24];
    int value;
} nas_tuning_value;
typedef struct nas_tuning_row {
    char key[64];
    nas_tuning_value values[NAS_TUNING_VALUES];
    int count;
    bool inexact;
    double gain;
} nas_tuning_row;
typedef struct nas_tuning {
    nas_tuning_row *rows;
    int count, capacity;
    char date[32];
} nas_tuning;
NAS_API void nas_tuning_clear(nas_tuning *tuning);
NAS_API nas_status nas_tuning_copy(const nas_tuning *from, nas_tuning *to);
NAS_API nas_status nas_tuning_set(nas_tuning *tuning, const nas_tuning_row *row);
NAS_API const nas_tuning_row *nas_tuning_find(const nas_tuning *tuning, const char *key);
NAS_API int nas_tuning_value_of(const nas_tuning_row *row, const char *name, int fallback);
NAS_API void nas_tuning_write(const nas_tuning *tuning, const nas_device_info *device,
                              nas_text *text);
NAS_API nas_status nas_tuning_parse(const char *text, size_t size, const char *file,
                                    const nas_device_info *device, nas_tuning *tuning,
                                    bool *current, char why[256]);
NAS_API void nas_tuning_name(const nas_device_info *device, char name[64]);
NAS_API nas_status nas_tuning_path(const nas_device_info *device, char *path, size_t size);
typedef enum nas_tuning_state {
    NAS_TUNING_NONE,
    NAS_TUNING_STALE,
    NAS_TUNING_BROKEN,
    NAS_TUNING_CURRENT
} nas_tuning_state;
NAS_API nas_status nas_tuning_load(const nas_device_info *device, nas_tuning *tuning,
                                   nas_tuning_state *state, char why[256]);
NAS_API nas_status nas_tuning_save(const nas_tuning *tuning, const nas_device_info *device);
NAS_API const nas_tuning *nas_device_tuning(const nas_device *device);
NAS_API nas_status nas_device_set_tuning(nas_device *device, const nas_tuning *tuning,
                                         bool inexact);
typedef struct nas_buffer nas_buffer;
NAS_API nas_status nas_buffer_create(nas_device *device, uint64_t size_bytes, const char *label,
                                     nas_buffer **buffer);
NAS_API void nas_buffer_destroy(nas_buffer *buffer);
NAS_API uint64_t nas_buffer_size(const nas_buffer *buffer);
NAS_API nas_status nas_buffer_read(nas_buffer *buffer, uint64_t offset, uint64_t size, void *to);
NAS_API nas_status nas_buffer_write(nas_buffer *buffer, uint64_t offset, uint64_t size,
                                    const void *from);
NAS_API nas_status nas_buffer_fill(nas_buffer *buffer, uint64_t offset, uint64_t size,
                                   const void *pattern, unsigned pattern_size);
NAS_API nas_status nas_buffer_copy(nas_buffer *from, uint64_t from_offset, nas_buffer *to,
                                   uint64_t to_offset, uint64_t size);
NAS_API nas_status nas_buffer_write_later(nas_buffer *buffer, uint64_t offset, uint64_t size,
                                          const void *from);
typedef struct nas_fence nas_fence;
NAS_API nas_status nas_fence_put(nas_device *device, nas_fence **fence);
NAS_API nas_status
nas_fence_wait(nas_fence *fence);
typedef struct nas_tape nas_tape;
typedef enum nas_argument_type {
    NAS_ARGUMENT_BUFFER,
    NAS_ARGUMENT_INT,
    NAS_ARGUMENT_FLOAT,
    NAS_ARGUMENT_UINT,
    NAS_ARGUMENT_ULONG,
    NAS_ARGUMENT_SHARES,
} nas_argument_type;
typedef struct nas_argument {
    nas_argument_type type;
    nas_buffer *buffer;
    uint64_t
        at;
    int32_t integer;
    float real;
    uint32_t word;
    uint64_t wide;
} nas_argument;
typedef struct nas_launch {
    const char *source;
    const char *kernel;
    const char *defines;
    size_t global[3], local[3];
    const nas_argument *arguments;
    int argument_count;
    const char *label;
} nas_launch;
NAS_API nas_status nas_tape_create(nas_device *device, const char *label, nas_tape **tape);
NAS_API void nas_tape_destroy(nas_tape *tape);
NAS_API nas_status nas_tape_add(nas_tape *tape, const nas_launch *launch);
NAS_API nas_status nas_tape_add_fill(nas_tape *tape, nas_buffer *buffer, uint64_t offset,
                                     uint64_t size, float value);
NAS_API nas_status nas_tape_add_copy(nas_tape *tape, nas_buffer *from, uint64_t from_offset,
                                     nas_buffer *to, uint64_t to_offset, uint64_t size);
typedef struct nas_gemm {
    int m, n, k;
    bool transpose_a, transpose_b;
    float alpha, beta;
    nas_buffer *a, *b, *c;
    uint64_t a_at, b_at, c_at;
    int a_stride, b_stride, c_stride;
} nas_gemm;
NAS_API nas_status nas_tape_add_gemm(nas_tape *tape, const nas_gemm *gemm);
NAS_API void nas_tape_guard(nas_tape *tape, int guard);
NAS_API void nas_tape_guards(nas_tape *tape, const uint32_t *open);
enum { NAS_ALL_SHARDS = -1 };
NAS_API nas_status nas_tape_part(nas_tape *tape, int shards);
NAS_API void nas_tape_shard(nas_tape *tape, int shard);
NAS_API nas_status nas_tape_meet(nas_tape *tape);
NAS_API int nas_tape_length(const nas_tape *tape);
NAS_API nas_status nas_tape_run(nas_tape *tape);
NAS_API nas_status nas_tape_run_part(nas_tape *tape, const uint32_t *open);
typedef struct nas_build_counts {
    int programs;
    int from_source;
    int from_cache;
    double seconds;
} nas_build_counts;
NAS_API nas_build_counts nas_device_builds(const nas_device *device);
typedef struct nas_build_log {
    const char *program;
    char *options;
    bool built;
    char *words;
} nas_build_log;
NAS_API int nas_device_build_log_count(const nas_device *device);
NAS_API const nas_build_log *nas_device_build_log_at(const nas_device *device, int index);
typedef struct nas_profile_row {
    char label[96];
    uint64_t launches;
    double
        seconds;
} nas_profile_row;
NAS_API nas_status nas_device_profile(nas_device *device, nas_profile_row **rows, int *count);
NAS_API void nas_device_profile_reset(nas_device *device);
NAS_API const char *nas_opencl_error_name(int code);
enum {
    NAS_BATCH_MULTIPLE = 16,
    NAS_SHARD_SAMPLES =
        64,
    NAS_SHARDS = 8
};
typedef struct nas_shape {
    int c, h, w;
} nas_shape;
typedef struct nas_tensor {
    nas_buffer *buffer;
    uint64_t at;
    uint64_t count;
} nas_tensor;
NAS_API uint64_t nas_shape_count(nas_shape shape);
NAS_API int nas_batch_padded(int batch);
NAS_API int nas_batch_shards(const nas_device *device, int batch);
NAS_API nas_tensor nas_tensor_view(nas_tensor whole, uint64_t at, uint64_t count);
NAS_API nas_status nas_tensor_read(nas_tensor tensor, float *to);
NAS_API nas_status nas_tensor_write(nas_tensor tensor, const float *from);
NAS_API void nas_chwn_from_nchw(const float *nchw, nas_shape shape, int batch, int n_padded,
                                float *chwn);
NAS_API void nas_nchw_from_chwn(const float *chwn, nas_shape shape, int batch, int n_padded,
                                float *nchw);
typedef struct nas_arena nas_arena;
NAS_API nas_status nas_arena_create(nas_device *device, const char *label, nas_arena **arena);
NAS_API void nas_arena_destroy(nas_arena *arena);
NAS_API nas_status nas_arena_reserve(nas_arena *arena, uint64_t count, int first, int last,
                                     int *reservation);
NAS_API void nas_arena_alternative(nas_arena *arena, int row, int choice);
NAS_API nas_status nas_arena_plan(nas_arena *arena, uint64_t *bytes);
NAS_API nas_status nas_arena_commit(nas_arena *arena);
NAS_API nas_tensor nas_arena_tensor(const nas_arena *arena, int reservation);
typedef enum nas_npy_type {
    NAS_NPY_FLOAT32,
    NAS_NPY_UINT8,
    NAS_NPY_INT32,
    NAS_NPY_INT64,
    NAS_NPY_FLOAT64
} nas_npy_type;
typedef struct nas_npy {
    nas_npy_type type;
    int rank;
    uint64_t dims[8];
    void *data;
    uint64_t size_bytes;
} nas_npy;
NAS_API nas_status nas_npy_read(const char *path, nas_npy *npy);
NAS_API nas_status nas_npy_write(const char *path, nas_npy_type type, int rank,
                                 const uint64_t *dims, const void *data);
NAS_API void nas_npy_clear(nas_npy *npy);
typedef struct nas_safetensor {
    char name[192];
    int rank;
    uint64_t dims[4];
    float *data;
    double *doubles;
} nas_safetensor;
typedef struct nas_safetensors {
    nas_safetensor *tensors;
    int count;
    char **keys, **values;
    int metadata_count;
    void *storage;
} nas_safetensors;
NAS_API nas_status nas_safetensors_write(const char *path, const nas_safetensors *content);
NAS_API nas_status nas_safetensors_read(const char *path, nas_safetensors *content);
NAS_API void nas_safetensors_clear(nas_safetensors *content);
NAS_API const nas_safetensor *nas_safetensors_find(const nas_safetensors *content,
                                                   const char *name);
NAS_API const char *nas_safetensors_value(const nas_safetensors *content, const char *key);
enum {
    NAS_OP_INPUTS =
        40,
    NAS_OP_PARAMETERS = 4,
    NAS_OPTIONS_SIZE = 2304,
    NAS_GATES = 4096
};
typedef enum nas_activation {
    NAS_ACT_NONE,
    NAS_ACT_RELU,
    NAS_ACT_RELU6,
    NAS_ACT_LEAKY_RELU,
    NAS_ACT_SIGMOID,
    NAS_ACT_TANH,
    NAS_ACT_SILU,
    NAS_ACT_HARD_SWISH,
    NAS_ACT_GELU,
    NAS_ACT_STEP,
} nas_activation;
typedef enum nas_function {
    NAS_FUNCTION_CLIP,
    NAS_FUNCTION_HARD_SIGMOID,
    NAS_FUNCTION_LEAKY,
    NAS_FUNCTION_THRESHOLD,
    NAS_FUNCTION_ELU,
    NAS_FUNCTION_CELU,
    NAS_FUNCTION_GELU_TANH,
    NAS_FUNCTION_ERF,
    NAS_FUNCTION_SOFTPLUS,
    NAS_FUNCTION_SOFTSIGN,
} nas_function;
typedef struct nas_read {
    nas_tensor x;
    nas_tensor scale, shift;
    nas_activation activation;
    float slope;
} nas_read;
typedef struct nas_gradient {
    nas_tensor g, z, coefficients;
} nas_gradient;
typedef struct nas_into {
    nas_tensor g;
    bool accumulate;
    nas_read read;
    nas_tensor mean;
    nas_tensor reductions;
} nas_into;
typedef struct nas_step {
    uint32_t real;
    uint32_t slot;
    uint32_t epoch, step;
    uint32_t key[2];
    float lr;
    float drop_path;
    uint32_t time;
    float norm_momentum;
    uint32_t spare[6];
} nas_step;
typedef struct nas_op_call {
    nas_device *device;
    const void *options;
    int node;
    int n, real;
    int first;
    bool ragged;
    bool training;
    bool use_clblast;
    bool paths;
    int input_count;
    nas_shape in_shape[NAS_OP_INPUTS], out_shape;
    nas_read in[NAS_OP_INPUTS];
    nas_tensor out;
    nas_tensor statistics;
    nas_tensor parameters[NAS_OP_PARAMETERS];
    nas_tensor parameter_gradients[NAS_OP_PARAMETERS];
    nas_tensor scratch;
    nas_tensor step;
    nas_tensor labels;
    nas_tensor metrics;
    nas_tensor saved;
    nas_tensor table;
    nas_tensor gates;
    nas_gradient out_gradient;
    nas_into into[NAS_OP_INPUTS];
    nas_tensor
        gate_gradients;
} nas_op_call;
typedef struct nas_op_sizes {
    int statistics_parts;
    int reduction_parts[NAS_OP_INPUTS];
    uint64_t scratch, saved;
    uint64_t
        table;
} nas_op_sizes;
typedef enum nas_init { NAS_INIT_ZERO, NAS_INIT_ONE, NAS_INIT_HE, NAS_INIT_GLOROT } nas_init;
typedef struct nas_parameter {
    const char *name;
    int rank;
    int dims[4];
    nas_init init;
    int fan_in, fan_out;
    bool trained;
    bool decayed;
} nas_parameter;
typedef struct nas_cost {
    uint64_t parameters;
    uint64_t macs;
    uint64_t bytes;
} nas_cost;
typedef struct nas_reference_call {
    const void *options;
    int node, n;
    bool training;
    int input_count;
    nas_shape in_shape[NAS_OP_INPUTS], out_shape;
    const void *in[NAS_OP_INPUTS];
    void *out;
    void *parameters
        [NAS_OP_PARAMETERS];
    const void *out_gradient;
    void *in_gradients[NAS_OP_INPUTS];
    void *parameter_gradients[NAS_OP_PARAMETERS];
    const void *gates;
    void *gate_gradients;
    const int32_t *labels;
    void *scores;
    nas_step step;
} nas_reference_call;
typedef void (*nas_reference_function)(const nas_reference_call *call);
typedef enum nas_fusion {
    NAS_FUSES_READ = 1,
    NAS_FUSES_STATISTICS = 2,
    NAS_FUSES_GRADIENT = 4,
    NAS_FUSES_INTO = 8,
    NAS_FUSES_REDUCTION = 16,
    NAS_FUSES_LENDING = 32,
} nas_fusion;
typedef enum nas_view {
    NAS_VIEW_NONE,
    NAS_VIEW_NORM,
    NAS_VIEW_ACTIVATION,
    NAS_VIEW_IDENTITY,
    NAS_VIEW_LOSS,
} nas_view;
typedef enum nas_channels {
    NAS_CHANNELS_OWN,
    NAS_CHANNELS_KEPT,
    NAS_CHANNELS_MIXED,
    NAS_CHANNELS_JOINED,
} nas_channels;
typedef enum nas_layer_kind {
    NAS_LAYER_IDENTITY,
    NAS_LAYER_CONVOLUTION,
    NAS_LAYER_DENSE,
    NAS_LAYER_MAX_POOL,
    NAS_LAYER_AVERAGE_POOL,
    NAS_LAYER_GLOBAL_AVERAGE,
    NAS_LAYER_NORM,
    NAS_LAYER_ACTIVATION,
    NAS_LAYER_ADD,
    NAS_LAYER_MUL,
    NAS_LAYER_CONCAT,
    NAS_LAYER_SLICE,
    NAS_LAYER_SUBSAMPLE,
    NAS_LAYER_SHUFFLE,
    NAS_LAYER_UPSAMPLE,
    NAS_LAYER_ZERO,
    NAS_LAYER_RESHAPE,
    NAS_LAYER_TRANSPOSE,
    NAS_LAYER_PAD,
    NAS_LAYER_SOFTMAX,
    NAS_LAYER_FUNCTION,
} nas_layer_kind;
typedef struct nas_layer {
    nas_layer_kind kind;
    int kernel[2], stride[2];
    int padding[2];
    int first[2];
    int dilation, groups, from, factor;
    nas_activation activation;
    float slope;
    double epsilon;
    int order[3], before[3], after[3], axis;
    nas_function function;
    float a, b;
} nas_layer;
typedef struct nas_op_case {
    const char
        *options;
    int batch;
    int input_count;
    nas_shape in[4];
} nas_op_case;
typedef enum nas_op_pass { NAS_PASS_FORWARD, NAS_PASS_INPUT, NAS_PASS_WEIGHT } nas_op_pass;
enum {
    NAS_OP_PASSES = 3,
    NAS_TUNING_PLAIN = 3
};
typedef enum nas_label {
    NAS_LABEL_CLASS,
    NAS_LABEL_FLAG,
    NAS_LABEL_NUMBER,
} nas_label;
typedef struct nas_op {
    nas_kind kind;
    int inputs_min, inputs_max;
    nas_view view;
    nas_channels channels;
    unsigned fusion;
    nas_status (*infer)(const void *options, const nas_shape *in, int count, nas_shape *out);
    int (*parameters)(const void *options, const nas_shape *in, int count,
                      nas_parameter parameters[NAS_OP_PARAMETERS]);
    void (*cost)(const void *options, const nas_shape *in, int count, nas_shape out,
                 nas_cost *cost);
    int (*gates)(const void *options, const nas_shape *in, int count, int *first);
    void (*sizes)(const nas_op_call *call, nas_op_sizes *sizes);
    bool (*cheap)(const void *options, const nas_shape *in, int count);
    nas_status (*forward)(const nas_op_call *call, nas_tape *tape);
    nas_status (*backward)(const nas_op_call *call, nas_tape *tape);
    int (*labels)(const void *options, nas_shape in, nas_label *first, nas_label *others);
    int (*candidates)(const nas_op_call *call, nas_op_pass pass, bool inexact, nas_tuning_row *rows,
                      int most);
    nas_reference_function reference_forward[2], reference_backward[2];
    nas_status (*layer)(const void *options, const nas_shape *in, nas_layer *layer);
    const nas_op_case *cases;
} nas_op;
NAS_API const nas_op *nas_op_find(const char *name);
NAS_API const nas_op *const *nas_op_all(int *count);
NAS_API nas_status nas_op_get(const char *name, const nas_op **op);
NAS_API int nas_read_mode(const nas_read *read);
NAS_API int nas_into_mode(const nas_into *into);
NAS_API nas_status nas_pass_materialise(nas_tape *tape, const nas_read *read, nas_shape shape,
                                        int n, nas_tensor y);
NAS_API int nas_pass_parts(nas_shape shape, int n);
NAS_API nas_status nas_pass_statistics(nas_tape *tape, nas_tensor z, nas_shape shape, int n,
                                       int real, nas_tensor statistics);
NAS_API nas_status nas_pass_form(nas_tape *tape, const nas_gradient *gradient, nas_shape shape,
                                 int n, int real, nas_tensor dz);
NAS_API nas_status nas_pass_into(nas_tape *tape, nas_tensor v, const nas_into *into,
                                 nas_shape shape, int n, int real);
NAS_API nas_status nas_pass_reduce(nas_tape *tape, nas_tensor g, nas_tensor z, nas_tensor mean,
                                   nas_shape shape, int n, int real, nas_tensor reductions);
NAS_API nas_status nas_pass_sum(nas_tape *tape, nas_tensor first, nas_tensor others,
                                uint64_t stride, int count, nas_tensor total);
NAS_API uint64_t nas_tap_sign_words(nas_shape shape, int n);
NAS_API nas_status nas_tap_signs(nas_tape *tape, const nas_read *read, nas_shape shape, int n,
                                 nas_tensor words);
NAS_API nas_status nas_tap_distances(nas_tape *tape, nas_tensor words, nas_shape shape, int n,
                                     nas_tensor distances);
NAS_API nas_status nas_tap_saliency(nas_tape *tape, const nas_gradient *gradient, nas_tensor z,
                                    nas_shape shape, int n, int real, nas_tensor sums);
typedef struct nas_norm {
    nas_tensor scale, shift;
    nas_tensor mean, rstd;
    nas_tensor coefficients;
} nas_norm;
typedef struct nas_norm_call {
    nas_tensor gamma, beta;
    nas_tensor running_mean, running_variance;
    nas_tensor step;
    nas_tensor gamma_gradient, beta_gradient;
    nas_tensor
        gate;
    float epsilon, momentum;
    int channels;
    uint64_t count;
    int shards;
    uint64_t stride;
} nas_norm_call;
NAS_API nas_status nas_norm_finish(nas_tape *tape, const nas_norm_call *call, nas_tensor statistics,
                                   int parts, const nas_norm *norm);
NAS_API nas_status nas_norm_frozen(nas_tape *tape, const nas_norm_call *call, const nas_norm *norm);
NAS_API nas_status nas_norm_backward(nas_tape *tape, const nas_norm_call *call,
                                     nas_tensor reductions, int parts, const nas_norm *norm);
NAS_API void nas_norm_call_make(const nas_op_call *node, nas_norm_call *call);
NAS_API void nas_activation_of(const void *options, nas_activation *activation, float *slope);
NAS_API const char *nas_activation_name(nas_activation activation);
NAS_API const char *nas_function_name(nas_function function);
NAS_API double nas_activation_value(nas_activation activation, double slope, double x);
NAS_API double nas_activation_derivative(nas_activation activation, double slope, double x);
typedef enum nas_sample_type { NAS_SAMPLE_UINT8, NAS_SAMPLE_FLOAT32 } nas_sample_type;
typedef enum nas_task {
    NAS_TASK_CLASSIFY,
    NAS_TASK_MULTILABEL,
    NAS_TASK_REGRESS,
} nas_task;
enum { NAS_TASKS = 3 };
NAS_API const char *nas_task_name(nas_task task);
NAS_API const char *nas_task_score(nas_task task);
NAS_API void nas_score_name(nas_task task, const char *split, char *name, size_t size);
typedef struct nas_data_part {
    uint32_t count;
    void *samples;
    int32_t *labels;
    float *
        targets;
    uint32_t *
        groups;
} nas_data_part;
typedef struct nas_image_options {
    nas_int_list
        size;
    int64_t channels;
    int filter;
    int fit;
    int background;
} nas_image_options;
NAS_API extern const nas_kind nas_image_kind;
NAS_API nas_status nas_image_read(const char *path, const nas_image_options *options,
                                  uint8_t *samples);
typedef struct nas_data_content {
    nas_shape shape;
    nas_sample_type type;
    nas_image_options image;
    char *columns;
    int outputs;
    char **names;
    nas_data_part train, test;
} nas_data_content;
NAS_API void nas_data_content_clear(nas_data_content *content);
enum { NAS_DATASET_OPTIONS_SIZE = 40960 };
typedef struct nas_dataset {
    nas_kind kind;
    unsigned tasks;
    nas_status (*open)(const void *options, nas_task task, nas_data_content *content);
} nas_dataset;
NAS_API const nas_dataset *nas_dataset_find(const char *name);
NAS_API const nas_dataset *const *nas_dataset_all(int *count);
typedef enum nas_placement { NAS_PLACE_AUTO, NAS_PLACE_RESIDENT, NAS_PLACE_STREAMED } nas_placement;
typedef struct nas_data_options {
    char type[NAS_TEXT_SIZE];
    int task;
    int64_t valid;
    int64_t train_limit;
    int64_t test_limit;
    bool flip;
    int64_t
        crop;
    int64_t cutout;
    nas_real_list
        class_weights;
    bool balance;
    bool scale_targets;
    nas_real_list mean, std;
    int placement;
} nas_data_options;
NAS_API extern const nas_kind nas_data_kind;
typedef struct nas_data_config {
    nas_data_options common;
    const nas_dataset *dataset;
    union {
        unsigned char bytes[NAS_DATASET_OPTIONS_SIZE];
        double align;
    } options;
} nas_data_config;
NAS_API nas_status nas_data_config_fill(const nas_value *group, nas_data_config *config);
NAS_API nas_status nas_data_config_value(const nas_data_config *config, nas_value *group);
typedef struct nas_data nas_data;
typedef enum nas_split {
    NAS_SPLIT_TRAIN,
    NAS_SPLIT_VALID,
    NAS_SPLIT_TEST,
    NAS_SPLIT_TRAIN_VALID,
} nas_split;
NAS_API const char *nas_split_name(nas_split split);
NAS_API nas_status nas_data_open(const nas_data_config *config, uint64_t seed, nas_data **data);
NAS_API nas_status nas_data_open_group(const nas_value *group, uint64_t seed, nas_data **data);
NAS_API void nas_data_destroy(nas_data *data);
NAS_API const nas_data_config *nas_data_config_of(const nas_data *data);
NAS_API const nas_data_content *nas_data_content_of(const nas_data *data);
NAS_API nas_shape nas_data_shape(const nas_data *data);
NAS_API nas_task nas_data_task(const nas_data *data);
NAS_API int nas_data_outputs(const nas_data *data);
NAS_API const char *nas_data_output_name(const nas_data *data, int output);
NAS_API const uint32_t *nas_data_split(const nas_data *data, nas_split split, uint32_t *count);
NAS_API nas_status nas_data_cut(const nas_data *data, nas_split split, double share, uint64_t seed,
                                uint32_t *samples, uint32_t *count);
NAS_API const double *nas_data_target_mean(const nas_data *data);
NAS_API const double *nas_data_target_std(const nas_data *data);
NAS_API const double *nas_data_class_weights(const nas_data *data);
NAS_API int nas_data_target_rows(const nas_data *data);
NAS_API void nas_data_target_write(const nas_data *data, nas_split split, uint32_t index,
                                   int32_t *words);
NAS_API const double *nas_data_mean(const nas_data *data);
NAS_API const double *nas_data_std(const nas_data *data);
NAS_API uint64_t nas_data_hash(const nas_data *data);
typedef struct nas_reals {
    int count;
    double *item;
} nas_reals;
typedef struct nas_preprocessing {
    bool bytes;
    nas_reals mean, std;
    nas_image_options image;
} nas_preprocessing;
NAS_API nas_status nas_preprocessing_write(const nas_preprocessing *preprocessing, nas_text *text);
NAS_API nas_status nas_preprocessing_read(const char *text, const char *file,
                                          nas_preprocessing *preprocessing);
NAS_API void nas_preprocessing_clear(nas_preprocessing *preprocessing);
NAS_API nas_status nas_preprocessing_mapping(const nas_preprocessing *preprocessing,
                                             float **mapping);
NAS_API nas_status nas_preprocessing_check(const nas_preprocessing *preprocessing, const char *file,
                                           nas_shape input);
NAS_API double nas_sample_scale(bool bytes, double std);
NAS_API double nas_sample_shift(double mean, double std);
typedef struct nas_postprocessing {
    int task;
    nas_real_list mean, std;
} nas_postprocessing;
NAS_API nas_status nas_postprocessing_write(const nas_postprocessing *postprocessing,
                                            nas_text *text);
NAS_API nas_status nas_postprocessing_read(const char *text, const char *file,
                                           nas_postprocessing *postprocessing);
NAS_API double nas_output_number(const nas_postprocessing *postprocessing, int output,
                                 double value);
NAS_API void nas_data_postprocessing(const nas_data *data, nas_postprocessing *postprocessing);
typedef struct nas_data_words {
    nas_text preprocessing;
    nas_text
        classes;
    nas_text postprocessing;
    nas_text columns;
} nas_data_words;
typedef struct nas_table nas_table;
NAS_API nas_status nas_table_open(const char *columns, const char *model, const char *path,
                                  nas_table **table);
NAS_API void nas_table_close(nas_table *table);
NAS_API int nas_table_width(const nas_table *table);
NAS_API nas_status nas_table_next(nas_table *table, float *values, bool *more);
NAS_API nas_status nas_names_read(const char *text, const char *file, int outputs, char ***names);
NAS_API void nas_names_free(char **names);
NAS_API nas_status nas_data_describe(const nas_data *data, nas_data_words *words);
NAS_API void nas_data_words_clear(nas_data_words *words);
typedef struct nas_data_home nas_data_home;
NAS_API nas_status nas_data_home_create(nas_device *device, const nas_data *data,
                                        nas_data_home **home);
NAS_API void nas_data_home_destroy(nas_data_home *home);
NAS_API bool nas_data_home_resident(const nas_data_home *home);
NAS_API uint64_t nas_data_home_bytes(const nas_data_home *home);
NAS_API const nas_data *nas_data_home_data(const nas_data_home *home);
NAS_API nas_device *nas_data_home_device(const nas_data_home *home);
typedef struct nas_batches nas_batches;
typedef struct nas_batches_options {
    int batch;
    bool training;
    bool augment;
    uint64_t seed;
    uint64_t key;
    uint32_t samples;
    const uint32_t *subset;
    uint32_t subset_count;
    bool independent;
} nas_batches_options;
typedef struct nas_batches_target {
    int shards;
    nas_tensor images[NAS_SHARDS];
    nas_tensor
        labels;
    nas_tensor step;
} nas_batches_target;
NAS_API nas_status nas_batches_create(nas_data_home *home, nas_split split,
                                      const nas_batches_options *options,
                                      const nas_batches_target *target, nas_batches **batches);
NAS_API void nas_batches_destroy(nas_batches *batches);
NAS_API int nas_batches_steps(const nas_batches *batches);
NAS_API int nas_batches_real(const nas_batches *batches, int step);
NAS_API const nas_data *nas_batches_data(const nas_batches *batches);
NAS_API uint32_t nas_batches_samples(const nas_batches *batches);
NAS_API nas_status nas_batches_epoch(nas_batches *batches, uint32_t epoch);
NAS_API nas_status nas_batches_load(nas_batches *batches, int step);
NAS_API double nas_batches_target_variance(const nas_batches *batches);
NAS_API const uint32_t *nas_batches_order(const nas_batches *batches);
typedef struct nas_node {
    const nas_op *op;
    int inputs[NAS_OP_INPUTS];
    int input_count;
    nas_shape shape;
    union {
        unsigned char bytes[NAS_OPTIONS_SIZE];
        double align;
    } options;
} nas_node;
typedef struct nas_graph {
    nas_node *nodes;
    int count, capacity;
    int output;
} nas_graph;
NAS_API nas_status nas_graph_init(nas_graph *graph, nas_shape input);
NAS_API void nas_graph_clear(nas_graph *graph);
NAS_API nas_status nas_graph_copy(const nas_graph *from, nas_graph *to);
NAS_API nas_status nas_graph_add(nas_graph *graph, const char *op, const int *inputs,
                                 int input_count, int *node, const char *options, ...)
    ;
NAS_API nas_status nas_graph_add_like(nas_graph *graph, const nas_node *like, const int *inputs,
                                      int *node);
NAS_API nas_status nas_graph_then(nas_graph *graph, const char *op, int *node, const char *options,
                                  ...) ;
NAS_API void nas_graph_cost(const nas_graph *graph, nas_cost *cost);
NAS_API void nas_node_cost(const nas_graph *graph, int node, nas_cost *cost);
NAS_API void nas_node_shapes(const nas_graph *graph, int node, nas_shape shapes[NAS_OP_INPUTS]);
NAS_API int nas_node_parameters(const nas_graph *graph, int node,
                                nas_parameter parameters[NAS_OP_PARAMETERS]);
NAS_API int nas_graph_gates(const nas_graph *graph);
NAS_API void nas_parameter_name(int node, const nas_parameter *spec, char *name, size_t size);
NAS_API uint64_t nas_parameter_count(const nas_parameter *spec);
NAS_API bool nas_parameter_fits(const nas_parameter *spec, const nas_safetensor *tensor);
NAS_API const nas_safetensor *nas_parameter_find(const nas_safetensors *file, int node,
                                                 const nas_parameter *spec);
NAS_API void nas_graph_write(const nas_graph *graph, nas_text *text);
NAS_API void nas_node_write_options(const nas_node *node, nas_text *text);
NAS_API nas_status nas_graph_parse(const char *text, const char *file, nas_graph *graph);
NAS_API nas_status nas_graph_hash(const nas_graph *graph, uint64_t *hash);
typedef struct nas_net nas_net;
typedef enum nas_net_tap {
    NAS_TAP_SIGNS =
        1,
    NAS_TAP_SALIENCY = 2,
} nas_net_tap;
typedef enum nas_recompute {
    NAS_RECOMPUTE_AUTO,
    NAS_RECOMPUTE_NEVER,
    NAS_RECOMPUTE_ALWAYS,
} nas_recompute;
typedef struct nas_loss {
    const char *op;
    char options[96];
} nas_loss;
typedef struct nas_net_options {
    int batch;
    bool training;
    int shards;
    nas_loss loss;
    int slots;
    bool use_clblast;
    bool unfused;
    bool auxiliary;
    bool input_gradient;
    bool paths;
    const int *row_of_gate;
    unsigned taps;
    int features;
    nas_recompute recompute;
} nas_net_options;
typedef struct nas_net_memory {
    uint64_t parameter_bytes;
    uint64_t activation_bytes;
    uint64_t scratch_bytes;
    uint64_t total_bytes;
    uint64_t
        saved_bytes;
} nas_net_memory;
NAS_API nas_status nas_net_create(nas_device *device, const nas_graph *graph,
                                  const nas_net_options *options, nas_net **net);
NAS_API void nas_net_destroy(nas_net *net);
NAS_API nas_status nas_net_measure(nas_device *device, const nas_graph *graph,
                                   const nas_net_options *options, nas_net_memory *memory);
NAS_API const nas_graph *nas_net_graph(const nas_net *net);
NAS_API nas_device *nas_net_device(const nas_net *net);
NAS_API const nas_net_options *nas_net_options_of(const nas_net *net);
NAS_API void nas_net_memory_of(const nas_net *net, nas_net_memory *memory);
typedef struct nas_net_shard {
    int first, real;
    nas_tensor input, output, output_gradient, input_gradient, features;
} nas_net_shard;
NAS_API int nas_net_shard_count(const nas_net *net);
NAS_API nas_net_shard nas_net_shard_at(const nas_net *net, int shard);
NAS_API nas_tensor nas_net_input(const nas_net *net);
NAS_API nas_tensor nas_net_labels(const nas_net *net);
NAS_API int nas_net_label_rows(const nas_net *net, nas_label *first, nas_label *others);
NAS_API nas_tensor nas_net_output(const nas_net *net);
NAS_API nas_tensor
nas_net_output_gradient(const nas_net *net);
NAS_API nas_tensor nas_net_input_gradient(const nas_net *net);
NAS_API nas_tensor nas_net_features(const nas_net *net);
NAS_API nas_tensor nas_net_distances(const nas_net *net);
NAS_API uint64_t
nas_net_sign_count(const nas_net *net);
NAS_API nas_tensor nas_net_saliency(const nas_net *net, int node);
NAS_API nas_tensor nas_net_step_block(const nas_net *net);
NAS_API nas_tensor
nas_net_metrics(const nas_net *net);
NAS_API nas_tensor nas_net_gates(const nas_net *net);
NAS_API nas_tensor nas_net_gate_gradients(const nas_net *net);
NAS_API nas_status nas_net_set_path(nas_net *net, const float *gates);
NAS_API nas_status nas_net_evaluate_choice(nas_net *net, int first, int choices, int choice);
typedef struct nas_strip_mask {
    nas_tensor owners;
    nas_tensor open;
} nas_strip_mask;
NAS_API nas_strip_mask nas_net_strip_mask(const nas_net *net);
typedef struct nas_net_block {
    nas_tensor parameters, gradients;
    uint64_t decayed_count;
    nas_tensor states;
} nas_net_block;
NAS_API nas_net_block nas_net_parameters(const nas_net *net);
typedef struct nas_net_parameter {
    char name[64];
    int node;
    nas_parameter spec;
    nas_tensor tensor, gradient;
} nas_net_parameter;
NAS_API int nas_net_parameter_count(const nas_net *net);
NAS_API const nas_net_parameter *nas_net_parameter_at(const nas_net *net, int index);
NAS_API nas_status nas_net_set_step(nas_net *net, const nas_step *step);
NAS_API nas_status
nas_net_forward(nas_net *net);
NAS_API nas_status nas_net_backward(nas_net *net);
NAS_API nas_status nas_net_backward_gates(nas_net *net);
NAS_API nas_status nas_net_backward_output(nas_net *net);
NAS_API nas_status
nas_net_evaluate(nas_net *net);
typedef struct nas_net_step {
    char *
        key;
    uint64_t macs, bytes;
} nas_net_step;
typedef struct nas_net_steps {
    nas_net_step *item;
    int count;
} nas_net_steps;
NAS_API nas_status nas_net_steps_list(const nas_graph *graph, nas_net_steps *steps);
NAS_API void nas_net_steps_clear(nas_net_steps *steps);
NAS_API nas_status nas_net_record_step(nas_net *net, int step, nas_tape *tape);
NAS_API nas_status nas_net_initialise(nas_net *net, uint64_t seed, uint32_t key_a);
NAS_API void nas_parameter_initialise(const nas_parameter *spec, uint64_t seed, uint32_t key_a,
                                      int node, int parameter, float *values, uint64_t count);
NAS_API nas_status nas_net_save(nas_net *net, const char *path, const char *const *keys,
                                const char *const *values, int pairs);
NAS_API nas_status nas_net_load(nas_net *net, const char *path);
NAS_API nas_status nas_net_take(nas_net *net, const nas_safetensors *content, const char *path);
typedef struct nas_inheritance {
    uint64_t copied;
    uint64_t set;
    uint64_t fresh;
} nas_inheritance;
NAS_API nas_status nas_net_inherit(nas_net *net, const char *path, uint64_t seed, uint32_t key_a,
                                   nas_inheritance *inheritance);
NAS_API nas_status nas_net_inherit_nodes(nas_net *net, const char *path, const int *from,
                                         nas_inheritance *inheritance);
typedef struct nas_reference nas_reference;
NAS_API nas_status nas_reference_create(const nas_graph *graph, const nas_net_options *options,
                                        nas_reference **reference);
NAS_API void nas_reference_destroy(nas_reference *reference);
NAS_API double *nas_reference_input(nas_reference *reference);
NAS_API double *nas_reference_input_gradient(nas_reference *reference);
NAS_API double *nas_reference_value(nas_reference *reference, int node);
NAS_API double *nas_reference_gradient(nas_reference *reference, int node);
NAS_API double *nas_reference_output_gradient(nas_reference *reference);
NAS_API int32_t *nas_reference_labels(nas_reference *reference);
NAS_API double *nas_reference_parameter(nas_reference *reference, int node, int parameter,
                                        double **gradient, uint64_t *count);
NAS_API double *nas_reference_gates(nas_reference *reference, double **gradient);
NAS_API double nas_reference_forward(nas_reference *reference, bool training, const nas_step *step);
NAS_API double nas_reference_total_loss(const nas_reference *reference);
NAS_API void nas_reference_backward(nas_reference *reference,
                                    const nas_step *step);
NAS_API nas_status nas_reference_copy(nas_reference *reference, const nas_net *net);
typedef struct nas_proof {
    bool good;
    int cases;
    double
        error;
    double tolerance;
    char where[128];
    double seconds;
    uint64_t
        bits;
} nas_proof;
NAS_API nas_status nas_prove_op(nas_device *device, const nas_op *op, bool quick, nas_proof *proof);
NAS_API nas_status nas_prove_device_quickly(nas_device *device);
typedef struct nas_model_layer {
    nas_layer what;
    int node;
    int inputs[NAS_OP_INPUTS];
    int input_count;
    nas_shape shape;
    nas_cost cost;
    float *weight, *bias;
    uint64_t weight_count, bias_count;
    float *statistics;
} nas_model_layer;
typedef struct nas_model {
    nas_model_layer *layers;
    int count;
    char *graph;
    char **classes;
    bool
        prepares;
    nas_preprocessing preprocessing;
    bool
        explains;
    nas_postprocessing postprocessing;
    char *
        columns;
    uint64_t parameters;
} nas_model;
typedef enum nas_model_norms {
    NAS_NORMS_FOLDED,
    NAS_NORMS_KEPT,
} nas_model_norms;
NAS_API nas_status nas_model_read(const char *path, nas_model_norms norms, nas_model *model);
NAS_API nas_status nas_model_make(const nas_safetensors *content, const char *path,
                                  nas_model_norms norms, nas_model *model);
NAS_API void nas_model_clear(nas_model *model);
NAS_API nas_shape nas_model_input(const nas_model *model);
NAS_API nas_shape nas_model_output(const nas_model *model);
typedef struct nas_exporter {
    nas_kind kind;
    nas_model_norms norms;
    const char *ending;
    bool imports;
    nas_status (*write)(const nas_model *model, const char *path);
    nas_status (*run)(const nas_model *model, const char *path, const float *inputs, int samples,
                      float *outputs);
} nas_exporter;
NAS_API const nas_exporter *nas_exporter_find(const char *name);
NAS_API const nas_exporter *const *nas_exporter_all(int *count);
typedef struct nas_import_options {
    bool logits;
    bool whole;
} nas_import_options;
NAS_API bool nas_is_onnx(const char *path);
NAS_API nas_status nas_import_onnx(const char *path, const nas_import_options *options,
                                   nas_safetensors *content);
enum { NAS_OPTIMIZER_OPTIONS_SIZE = 256, NAS_OPTIMIZER_MOMENTS = 2 };
typedef struct nas_optimizer_call {
    nas_device *device;
    nas_tensor parameters, gradients;
    uint64_t decayed_count;
    nas_tensor moments[NAS_OPTIMIZER_MOMENTS];
    nas_tensor step;
    nas_tensor scale;
    nas_strip_mask mask;
} nas_optimizer_call;
typedef struct nas_optimizer {
    nas_kind kind;
    int moments;
    double lr;
    nas_status (*record)(const void *options, const nas_optimizer_call *call, nas_tape *tape);
    void (*factors)(const void *options, uint32_t time, double lr, float factor[4]);
} nas_optimizer;
NAS_API const nas_optimizer *nas_optimizer_find(const char *name);
NAS_API const nas_optimizer *const *nas_optimizer_all(int *count);
NAS_API uint64_t nas_clip_scratch(uint64_t count);
NAS_API nas_status nas_clip_record(nas_tape *tape, nas_tensor gradients, const nas_strip_mask *mask,
                                   double clip, nas_tensor scratch, nas_tensor scale);
NAS_API nas_status nas_accumulate_record(const nas_device *device, nas_tape *tape,
                                         nas_tensor gradients, nas_tensor total,
                                         const nas_strip_mask *mask, double scale);
typedef enum nas_schedule {
    NAS_SCHEDULE_CONSTANT,
    NAS_SCHEDULE_STEP,
    NAS_SCHEDULE_COSINE,
    NAS_SCHEDULE_COSINE_RESTART,
    NAS_SCHEDULE_LINEAR,
} nas_schedule;
typedef struct nas_train_options {
    int64_t epochs;
    int64_t batch;
    int64_t micro_batches;
    char optimizer[NAS_TEXT_SIZE];
    double lr, min_lr;
    int schedule;
    double warmup;
    nas_real_list
        milestones;
    double gamma;
    double restart;
    double restart_factor;
    double clip;
    double label_smoothing;
    double
        huber;
    double drop_path;
    int64_t samples;
    int gemm;
    double limit_minutes;
} nas_train_options;
NAS_API extern const nas_kind nas_train_kind;
typedef struct nas_train_config {
    nas_train_options common;
    const nas_optimizer *optimizer;
    union {
        unsigned char bytes[NAS_OPTIMIZER_OPTIONS_SIZE];
        double align;
    } options;
} nas_train_config;
NAS_API nas_status nas_train_config_fill(const nas_value *group, nas_train_config *config);
NAS_API nas_status nas_train_config_value(const nas_train_config *config, nas_value *group);
NAS_API double nas_schedule_lr(const nas_train_options *options, uint64_t step,
                               uint64_t steps_per_epoch);
typedef struct nas_evaluation {
    double loss;
    double
        score;
    uint64_t count;
} nas_evaluation;
NAS_API double nas_score_of(double mean, double variance);
NAS_API double nas_score_variance(const nas_batches *batches);
NAS_API nas_loss nas_train_loss(const nas_train_config *config, const nas_data *data);
NAS_API nas_batches_target nas_train_target(const nas_net *net);
NAS_API nas_status nas_evaluate(nas_net *net, nas_data_home *home, nas_split split,
                                nas_evaluation *evaluation, float *outputs,
                                bool (*go_on)(void *user), void *user);
NAS_API int nas_largest_output(const float *outputs, int count);
NAS_API nas_status nas_evaluate_batches(nas_net *net, nas_batches *batches, bool training,
                                        nas_evaluation *evaluation);
typedef struct nas_trainer nas_trainer;
typedef struct nas_train_progress {
    int epoch, epochs;
    int step, steps;
    double loss, score;
    double lr;
    double images_per_s;
    double seconds;
    bool epoch_done;
} nas_train_progress;
typedef bool (*nas_train_callback)(void *user, const nas_train_progress *progress);
typedef nas_status (*nas_train_before)(void *user, nas_trainer *trainer, const nas_step *step);
typedef nas_status (*nas_train_pass)(void *user, const nas_step *step, int pass);
typedef struct nas_trainer_setup {
    nas_split split;
    const uint32_t *subset;
    uint32_t subset_count;
    uint64_t seed;
    uint64_t key;
    nas_train_callback callback;
    nas_train_before before;
    nas_train_pass pass;
    int passes;
    bool paths;
    const int *row_of_gate;
    uint64_t mark;
    void *user;
} nas_trainer_setup;
NAS_API int nas_train_micro_batch(const nas_train_config *config);
NAS_API nas_step nas_train_micro_step(const nas_train_config *config, const nas_step *step,
                                      int part);
NAS_API nas_net_options nas_train_net_options(const nas_train_config *config, const nas_data *data,
                                              const nas_device *device);
NAS_API nas_status nas_trainer_create(nas_data_home *home, const nas_graph *graph,
                                      const nas_train_config *config,
                                      const nas_trainer_setup *setup, nas_trainer **trainer);
NAS_API void nas_trainer_destroy(nas_trainer *trainer);
NAS_API nas_status nas_trainer_run(nas_trainer *trainer, int epoch);
NAS_API nas_status nas_trainer_evaluate(nas_trainer *trainer, nas_split split,
                                        nas_evaluation *evaluation);
NAS_API nas_net *nas_trainer_net(const nas_trainer *trainer);
NAS_API int nas_trainer_epoch(const nas_trainer *trainer);
NAS_API int nas_trainer_steps(const nas_trainer *trainer);
NAS_API bool nas_trainer_epoch_result(const nas_trainer *trainer, nas_evaluation *result);
NAS_API nas_status nas_trainer_load_batch(nas_trainer *trainer);
NAS_API nas_tensor nas_trainer_moment(const nas_trainer *trainer, int index);
NAS_API nas_status nas_trainer_attach(nas_trainer *trainer, const char *name, nas_tensor tensor);
NAS_API nas_status nas_trainer_attach_values(nas_trainer *trainer, const char *name, double *values,
                                             uint64_t count);
NAS_API nas_status nas_trainer_save(nas_trainer *trainer, const char *path);
NAS_API void nas_trainer_autosave(nas_trainer *trainer, const char *path, double every_s);
NAS_API nas_status nas_trainer_save_due(nas_trainer *trainer, bool now);
NAS_API nas_status nas_trainer_load(nas_trainer *trainer, const char *path);
enum { NAS_GENES = 254, NAS_CHOICES = 255 };
typedef struct nas_arch {
    uint16_t count;
    uint8_t genes[NAS_GENES];
} nas_arch;
typedef struct nas_gene {
    char name[32];
    int choices;
    bool ordered;
    int group;
} nas_gene;
NAS_API bool nas_arch_equal(const nas_arch *a, const nas_arch *b);
NAS_API uint64_t nas_arch_hash(const nas_arch *arch);
NAS_API int nas_arch_distance(const nas_arch *a, const nas_arch *b);
NAS_API void nas_arch_write(const nas_arch *arch, const nas_gene *genes, nas_text *text);
NAS_API nas_status nas_arch_parse(const char *text, nas_arch *arch);
enum { NAS_GATE_ROWS = 256 };
typedef struct nas_gate_row {
    int choices;
    int first;
    int none;
    int skip;
    const char
        *part;
    int group;
    int around;
} nas_gate_row;
typedef struct nas_gate_table {
    nas_gate_row rows[NAS_GATE_ROWS];
    int count;
    int choices;
    int gates;
    int row_of_gate[NAS_GATES];
} nas_gate_table;
typedef struct nas_supergraph_options {
    int partial;
    bool affine;
    bool running;
} nas_supergraph_options;
enum { NAS_SKETCH_CELLS = 4, NAS_SKETCH_NODES = 16, NAS_SKETCH_EDGES = 48, NAS_SKETCH_PARTS = 256 };
typedef struct nas_sketch_node {
    char name[40];
    bool operation;
} nas_sketch_node;
typedef struct nas_sketch_edge {
    int from, to;
    char operation[40];
} nas_sketch_edge;
typedef struct nas_sketch_cell {
    char name[32];
    int node_count, edge_count;
    nas_sketch_node nodes[NAS_SKETCH_NODES];
    nas_sketch_edge edges[NAS_SKETCH_EDGES];
} nas_sketch_cell;
typedef struct nas_sketch_part {
    char name[64];
    int last;
    int cell;
} nas_sketch_part;
typedef struct nas_sketch {
    int cell_count, part_count;
    nas_sketch_cell cells[NAS_SKETCH_CELLS];
    nas_sketch_part parts[NAS_SKETCH_PARTS];
} nas_sketch;
typedef struct nas_space {
    nas_kind kind;
    nas_status (*begin)(const void *options, nas_shape input, int classes, void **state);
    void (*end)(void *state);
    int (*genes)(const void *state, nas_gene *genes);
    void (*canonical)(const void *state, nas_arch *arch);
    nas_status (*valid)(const void *state, const nas_arch *arch);
    nas_status (*build)(const void *state, const nas_arch *arch, nas_graph *graph);
    void (*describe)(const void *state, const nas_arch *arch, nas_text *text);
    nas_status (*sketch)(const void *state, const nas_arch *arch, nas_graph *graph,
                         nas_sketch *sketch);
    void (*describe_gene)(const void *state, int gene, nas_text *text);
    void (*describe_choice)(const void *state, int gene, int choice, nas_text *text);
    double (*size)(const void *state, bool *exact);
    nas_status (*named)(const void *state, const char *name, nas_arch *arch);
    const char *const *names;
    nas_status (*parse)(const void *state, const char *text, nas_arch *arch);
    void (*key)(const void *state, const nas_arch *arch, nas_text *text);
    int (*path_count)(const void *state);
    void (*paths)(const void *state, const nas_arch *arch, float *features);
    int (*reads_size)(const void *state, const nas_arch *arch, int group);
    nas_status (*supergraph)(const void *state, const nas_supergraph_options *options,
                             nas_graph *graph, nas_gate_table *table);
    void (*derive)(const void *state, const nas_gate_table *table, const float *weights,
                   nas_arch *arch);
    nas_status (*path)(const void *state, const nas_gate_table *table, const nas_arch *arch,
                       int choices[NAS_GATE_ROWS]);
} nas_space;
NAS_API const nas_space *nas_space_find(const char *name);
NAS_API const nas_space *const *nas_space_all(int *count);
NAS_API nas_status nas_space_get(const char *name, const nas_space **space);
NAS_API nas_status nas_space_register(const nas_space *space);
typedef struct nas_cost_bounds {
    uint64_t parameters_max, macs_max, bytes_max;
} nas_cost_bounds;
typedef struct nas_domain {
    const nas_space *space;
    void *options;
    void *state;
    nas_shape input;
    int classes;
    int count;
    nas_gene genes[NAS_GENES];
    nas_cost_bounds bounds;
} nas_domain;
NAS_API nas_status nas_domain_open(const nas_space *space, const nas_value *group,
                                   const char *const *also, nas_shape input, int classes,
                                   nas_domain **domain);
NAS_API nas_status nas_domain_open_group(const nas_value *group, nas_shape input, int classes,
                                         nas_domain **domain);
NAS_API void nas_domain_close(nas_domain *domain);
NAS_API nas_status nas_domain_check(const nas_domain *domain, const nas_arch *arch);
NAS_API void nas_domain_canonical(const nas_domain *domain, nas_arch *arch);
NAS_API nas_status nas_domain_valid(const nas_domain *domain, const nas_arch *arch);
NAS_API nas_status nas_domain_build(const nas_domain *domain, const nas_arch *arch,
                                    nas_graph *graph);
NAS_API nas_status nas_domain_cost(const nas_domain *domain, const nas_arch *arch, nas_cost *cost);
NAS_API void nas_domain_write(const nas_domain *domain, const nas_arch *arch, nas_text *text);
NAS_API void nas_domain_describe(const nas_domain *domain, const nas_arch *arch, nas_text *text);
NAS_API nas_status nas_domain_sketch(const nas_domain *domain, const nas_arch *arch,
                                     nas_graph *graph, nas_sketch *sketch);
NAS_API void nas_domain_describe_gene(const nas_domain *domain, int gene, nas_text *text);
NAS_API void nas_domain_describe_choice(const nas_domain *domain, int gene, int choice,
                                        nas_text *text);
NAS_API void nas_domain_key(const nas_domain *domain, const nas_arch *arch, nas_text *text);
NAS_API nas_status nas_domain_read(const nas_domain *domain, const char *text, nas_arch *arch);
NAS_API bool nas_domain_size(const nas_domain *domain, double *size, bool *exact);
NAS_API int nas_domain_feature_count(const nas_domain *domain);
NAS_API void nas_domain_features(const nas_domain *domain, const nas_arch *arch, float *features);
NAS_API int nas_domain_reads_size(const nas_domain *domain, const nas_arch *arch, int gene);
NAS_API int nas_domain_path_count(const nas_domain *domain);
NAS_API void nas_domain_paths(const nas_domain *domain, const nas_arch *arch, float *features);
NAS_API nas_status nas_domain_supergraph(const nas_domain *domain,
                                         const nas_supergraph_options *options, nas_graph *graph,
                                         nas_gate_table *table);
NAS_API nas_status nas_domain_derive(const nas_domain *domain, const nas_gate_table *table,
                                     const float *weights, nas_arch *arch);
NAS_API nas_status nas_domain_path(const nas_domain *domain, const nas_gate_table *table,
                                   const nas_arch *arch, int choices[NAS_GATE_ROWS]);
NAS_API nas_status nas_domain_sample(const nas_domain *domain, nas_random *random, nas_arch *arch);
typedef enum nas_mutation {
    NAS_MUTATE_ONE,
    NAS_MUTATE_RATE,
    NAS_MUTATE_STEP,
} nas_mutation;
NAS_API nas_status nas_domain_mutate(const nas_domain *domain, const nas_arch *parent,
                                     nas_mutation kind, double rate, nas_random *random,
                                     nas_arch *child);
typedef enum nas_crossover {
    NAS_CROSS_NONE,
    NAS_CROSS_UNIFORM,
    NAS_CROSS_ONE_POINT,
} nas_crossover;
NAS_API void nas_domain_cross(const nas_domain *domain, const nas_arch *first,
                              const nas_arch *second, nas_crossover kind, nas_random *random,
                              nas_arch *child);
NAS_API nas_status nas_domain_neighbours(const nas_domain *domain, const nas_arch *arch,
                                         nas_arch **list, int *count);
typedef struct nas_adam {
    double rate, beta1, beta2, epsilon;
    double clip;
} nas_adam;
typedef struct nas_weights {
    int count;
    int64_t steps;
    double *value, *gradient, *first, *second;
} nas_weights;
NAS_API nas_status nas_weights_create(int count, nas_weights *weights);
NAS_API void nas_weights_clear(nas_weights *weights);
NAS_API void nas_weights_step(nas_weights *weights, const nas_adam *adam);
typedef enum nas_policy_kind { NAS_POLICY_TABLE, NAS_POLICY_LSTM } nas_policy_kind;
typedef struct nas_policy_shape {
    nas_policy_kind kind;
    int hidden, layers;
    double temperature;
    double tanh_constant;
    double anew;
    double op_tanh;
    double skip_target;
} nas_policy_shape;
typedef struct nas_policy nas_policy;
NAS_API nas_status nas_policy_create(const nas_domain *domain, const nas_policy_shape *shape,
                                     uint64_t seed, nas_policy **policy);
NAS_API void nas_policy_destroy(nas_policy *policy);
NAS_API nas_weights *nas_policy_weights(nas_policy *policy);
NAS_API void nas_policy_lay_under(nas_policy *policy, const nas_arch *row);
NAS_API double nas_policy_draw(nas_policy *policy, nas_random *random, nas_arch *row);
NAS_API double nas_policy_look(nas_policy *policy, const nas_arch *row, double *entropy);
NAS_API double nas_policy_penalty(const nas_policy *policy);
typedef struct nas_policy_push {
    double chance, bonus, pull;
} nas_policy_push;
NAS_API void nas_policy_learn(nas_policy *policy, const nas_arch *row, const nas_policy_push *push);
typedef struct nas_mlp_shape {
    int inputs, layers, units;
    int members;
    int epochs, batch;
    double rate;
} nas_mlp_shape;
typedef struct nas_mlp {
    nas_mlp_shape shape;
    nas_weights *members;
    double mean, deviation;
    double *activations;
    double *errors;
    int widest;
} nas_mlp;
NAS_API nas_status nas_mlp_create(const nas_mlp_shape *shape, nas_mlp *mlp);
NAS_API void nas_mlp_clear(nas_mlp *mlp);
NAS_API nas_status nas_mlp_fit(nas_mlp *mlp, const double *features, const double *targets,
                               int rows, uint64_t seed, uint32_t key);
NAS_API void nas_mlp_predict(nas_mlp *mlp, const double *features, double *mean, double *deviation);
NAS_API double nas_mlp_loss(nas_mlp *mlp, int member, const double *features, const double *targets,
                            int rows);
typedef enum nas_trial_status {
    NAS_TRIAL_QUEUED,
    NAS_TRIAL_RUNNING,
    NAS_TRIAL_COMPLETE,
    NAS_TRIAL_FAILED,
    NAS_TRIAL_ALIAS,
} nas_trial_status;
enum { NAS_METRICS = 32, NAS_CURVES = 8, NAS_NAME_SIZE = 48 };
typedef struct nas_metric {
    char name[NAS_NAME_SIZE];
    double value;
    bool measured;
} nas_metric;
typedef struct nas_curve {
    char name[NAS_NAME_SIZE];
    int count;
    double *values;
} nas_curve;
typedef struct nas_owner {
    char host[128];
    int64_t pid, start;
} nas_owner;
typedef struct nas_trial {
    int index;
    char *arch;
    double budget;
    int parent;
    int from;
    char *note;
    int64_t seen;
    nas_trial_status status;
    int alias;
    int metric_count;
    nas_metric *metrics;
    int curve_count;
    nas_curve curves[NAS_CURVES];
    char *derived;
    char reason[256];
    int64_t revision;
    int64_t token;
    int attempts;
    nas_owner owner;
    char device[128];
    int64_t created_ms, started_ms, ended_ms, heartbeat_ms;
    double progress;
    double seconds;
} nas_trial;
NAS_API void nas_trial_init(nas_trial *trial);
NAS_API void nas_trial_clear(nas_trial *trial);
NAS_API nas_status nas_trial_copy(const nas_trial *from, nas_trial *to);
NAS_API bool nas_trial_final(const nas_trial *trial);
NAS_API const char *nas_trial_status_name(nas_trial_status status);
NAS_API nas_status nas_trial_set_metric(nas_trial *trial, const char *name, double value,
                                        bool measured);
NAS_API double nas_trial_metric(const nas_trial *trial, const char *name);
NAS_API bool nas_trial_has_metric(const nas_trial *trial, const char *name);
NAS_API nas_status nas_trial_add_point(nas_trial *trial, const char *name, double value);
NAS_API size_t nas_trial_derived_length(const nas_trial *trial);
NAS_API nas_status nas_trial_set_derived(nas_trial *trial, const char *text);
NAS_API void nas_trial_canonical(const nas_trial *trial, nas_text *text);
typedef enum nas_goal { NAS_GOAL_MAX, NAS_GOAL_MIN } nas_goal;
enum { NAS_OBJECTIVES = 8 };
typedef struct nas_objective {
    char metric[NAS_NAME_SIZE];
    nas_goal goal;
} nas_objective;
typedef struct nas_bound {
    char metric[NAS_NAME_SIZE];
    double min, max;
} nas_bound;
typedef struct nas_objectives {
    int count;
    nas_objective item[NAS_OBJECTIVES];
    int bound_count;
    nas_bound bounds[NAS_OBJECTIVES];
} nas_objectives;
NAS_API double nas_objective_score(const nas_objective *objective, const nas_trial *trial);
NAS_API double nas_bound_violation(const nas_objectives *objectives, const nas_trial *trial);
NAS_API int nas_pareto_front(const double *scores, int count, int objectives, int *front);
NAS_API bool nas_pareto_dominates(const double *a, const double *b, int objectives);
typedef struct nas_checkpoint {
    int trial;
    char kind[32];
    char path[NAS_TEXT_SIZE];
    double score;
    uint64_t size_bytes;
} nas_checkpoint;
typedef enum nas_store_mode { NAS_STORE_READ, NAS_STORE_WRITE } nas_store_mode;
typedef struct nas_store {
    const char *name;
    nas_status (*create)(const char *path);
    nas_status (*open)(const char *path, nas_store_mode mode, void **handle);
    void (*close)(void *handle);
    nas_status (*begin)(void *handle, bool write);
    nas_status (*end)(void *handle, bool keep);
    nas_status (*get)(void *handle, const char *key, nas_text *value, bool *found);
    nas_status (*set)(void *handle, const char *key, const char *value);
    nas_status (*put_trial)(void *handle, const nas_trial *trial);
    nas_status (*get_trial)(void *handle, int index, nas_trial *trial, bool *found);
    nas_status (*put_heartbeat)(void *handle, int index, int64_t heartbeat_ms, double progress);
    nas_status (*changes)(void *handle, int64_t since,
                          nas_status (*each)(void *user, const nas_trial *trial), void *user);
    nas_status (*put_checkpoint)(void *handle, const nas_checkpoint *checkpoint);
    nas_status (*drop_checkpoint)(void *handle, const char *path);
    nas_status (*checkpoints)(void *handle,
                              nas_status (*each)(void *user, const nas_checkpoint *checkpoint),
                              void *user);
} nas_store;
NAS_API const nas_store *nas_store_sqlite(void);
NAS_API const nas_store *nas_store_memory(void);
typedef struct nas_study nas_study;
typedef struct nas_study_about {
    const char *name;
    const char *config;
    const char *options;
} nas_study_about;
NAS_API nas_status nas_study_create(const char *path, const nas_study_about *about,
                                    nas_study **study);
NAS_API nas_status nas_study_open(const char *path, nas_store_mode mode, nas_study **study);
NAS_API void nas_study_close(nas_study *study);
NAS_API const char *nas_study_path(const nas_study *study);
NAS_API nas_status nas_study_get(nas_study *study, const char *key, nas_text *value, bool *found);
NAS_API nas_status nas_study_set(nas_study *study, const char *key, const char *value);
NAS_API nas_status nas_study_sync(nas_study *study);
NAS_API int nas_study_count(const nas_study *study);
NAS_API int64_t nas_study_revision(const nas_study *study);
NAS_API int nas_study_open_count(const nas_study *study);
NAS_API const nas_trial *nas_study_trial(const nas_study *study, int index);
NAS_API const nas_trial *nas_study_result(const nas_study *study, int index);
NAS_API int64_t nas_study_result_revision(const nas_study *study, int index);
NAS_API int nas_study_best(const nas_study *study, const nas_objective *objective, int k,
                           int *indices);
NAS_API nas_status nas_study_front(const nas_study *study, const nas_objectives *objectives,
                                   int *indices, int *count);
NAS_API void nas_study_canonical(const nas_study *study, nas_text *text);
enum { NAS_ATTEMPTS = 3, NAS_LEASE_MS = 60000 };
NAS_API void nas_study_set_limits(nas_study *study, int attempts, int64_t lease_ms);
NAS_API nas_status nas_owner_self(nas_owner *owner);
NAS_API nas_status nas_owner_process(int64_t pid, nas_owner *owner);
NAS_API void nas_owner_outside(int64_t lease_ms, nas_owner *owner);
typedef enum nas_owner_state { NAS_OWNER_ALIVE, NAS_OWNER_DEAD, NAS_OWNER_UNKNOWN } nas_owner_state;
NAS_API nas_owner_state nas_owner_look(const nas_owner *owner);
typedef struct nas_claim {
    int index;
    int64_t token;
    int attempt;
} nas_claim;
NAS_API nas_status nas_study_claim(nas_study *study, int index, const nas_trial *proposal,
                                   const nas_owner *owner, nas_claim *claim, bool *taken);
NAS_API nas_status nas_study_enqueue(nas_study *study, const nas_trial *proposal, int *index);
NAS_API nas_status nas_study_reclaim(nas_study *study, const nas_owner *owner, const char *device,
                                     nas_claim *claim, bool *found);
NAS_API void nas_study_avoid(nas_study *study, int index, int64_t for_ms);
NAS_API nas_status nas_study_heartbeat(nas_study *study, const nas_claim *claim, double progress,
                                       bool *held);
NAS_API nas_status nas_study_commit(nas_study *study, const nas_claim *claim,
                                    const nas_trial *result, bool *accepted);
NAS_API nas_status nas_study_reset_attempts(nas_study *study);
NAS_API nas_status nas_study_release(nas_study *study, const nas_claim *claim, const char *reason,
                                     bool counts);
NAS_API nas_status nas_study_put_checkpoint(nas_study *study, const nas_checkpoint *checkpoint);
NAS_API nas_status nas_study_drop_checkpoint(nas_study *study, const char *path);
NAS_API nas_status nas_study_checkpoints(nas_study *study, nas_checkpoint **list, int *count);
typedef nas_status (*nas_eval_meter)(void *user, const nas_arch *arch, const nas_graph *graph,
                                     nas_trial *result);
typedef struct nas_eval_setting {
    const nas_value *group;
    nas_device *device;
    const nas_data *data;
    const nas_domain *domain;
    const nas_train_config *train;
    const nas_objectives *objectives;
    const nas_value *strategy;
    uint64_t seed;
    nas_eval_meter meter;
    void *meter_user;
} nas_eval_setting;
typedef bool (*nas_eval_callback)(void *user, double progress);
typedef struct nas_eval_call {
    const nas_arch *arch;
    double budget;
    const char *from;
    double limit_s;
    const char *paused;
    const nas_trial *begun;
    const char *draft;
    double draft_s;
    int repeat;
    nas_eval_callback callback;
    void *user;
} nas_eval_call;
typedef struct nas_evaluator {
    nas_kind kind;
    const char *const *
        metrics;
    bool pure;
    bool needs_device;
    bool shared;
    bool (*simulates)(const void *options);
    nas_status (*prepare)(const void *options, const nas_eval_setting *setting, void **state);
    nas_status (*score)(void *state, const nas_eval_call *call, const nas_graph *graph,
                        nas_trial *result);
    nas_status (*keep)(void *state, const char *path);
    nas_status (*pause)(void *state, const char *path);
    void (*finish)(void *state);
} nas_evaluator;
NAS_API const nas_evaluator *nas_evaluator_find(const char *name);
NAS_API const nas_evaluator *const *nas_evaluator_all(int *count);
NAS_API nas_status nas_evaluator_get(const char *name, const nas_evaluator **evaluator);
NAS_API nas_status nas_evaluator_register(const nas_evaluator *evaluator);
NAS_API nas_status nas_evaluator_simulates(const nas_value *group, bool *simulates);
NAS_API nas_status nas_evaluator_of(const nas_value *group, const nas_evaluator **evaluator);
typedef struct nas_eval nas_eval;
NAS_API nas_status nas_eval_create(const nas_eval_setting *setting, nas_eval **eval);
NAS_API void nas_eval_destroy(nas_eval *eval);
NAS_API const nas_evaluator *nas_eval_kind(const nas_eval *eval);
NAS_API nas_status nas_eval_score(nas_eval *eval, const nas_eval_call *call, nas_trial *result);
NAS_API nas_status nas_eval_begin(const nas_domain *domain, const nas_objectives *objectives,
                                  const nas_arch *arch, nas_graph *graph, nas_trial *result);
NAS_API nas_status nas_eval_finish(const nas_objectives *objectives, nas_trial *result);
NAS_API nas_status nas_eval_keep(nas_eval *eval, const char *path);
NAS_API nas_status nas_eval_pause(nas_eval *eval, const char *path);
NAS_API void nas_latency_write(const nas_gate_table *table, uint64_t graph_hash,
                               const nas_device_info *device, int batch, const double *seconds,
                               nas_text *text);
typedef struct nas_inference nas_inference;
enum { NAS_MEASURE_BATCH = 65536 };
NAS_API nas_net_options nas_inference_options(const nas_device *device, int batch);
NAS_API nas_status nas_inference_create(nas_device *device, const nas_graph *graph, int batch,
                                        nas_inference **inference);
NAS_API void nas_inference_destroy(nas_inference *inference);
NAS_API nas_net *nas_inference_net(const nas_inference *inference);
NAS_API nas_status nas_inference_sample(nas_inference *inference, double *seconds);
NAS_API double nas_inference_settle(const double *samples, int count);
NAS_API nas_status nas_inference_latency(nas_device *device, const nas_graph *graph, int batch,
                                         double limit_s, double *seconds);
typedef struct nas_step_row {
    char *step;
    int batch;
    double warm_s, cold_s;
    uint64_t macs, bytes;
} nas_step_row;
enum { NAS_LATENCY_SHARES = 4, NAS_LATENCY_MODELS = 16 };
typedef struct nas_latency_model {
    int batch;
    double share[NAS_LATENCY_SHARES];
} nas_latency_model;
typedef struct nas_step_table {
    char device[128], driver[128];
    uint64_t space;
    char hash[33];
    nas_latency_model models[NAS_LATENCY_MODELS];
    int model_count;
    nas_step_row *rows;
    int count, capacity;
} nas_step_table;
NAS_API nas_status nas_step_table_read(const char *path, nas_step_table *table);
NAS_API void nas_step_table_write(const nas_step_table *table, nas_text *text);
NAS_API void nas_step_table_clear(nas_step_table *table);
NAS_API nas_status nas_step_table_add(nas_step_table *table, const nas_step_row *row);
NAS_API void nas_step_table_sort(nas_step_table *table);
NAS_API const nas_step_row *nas_step_table_find(const nas_step_table *table, int batch,
                                                const char *step);
NAS_API const nas_latency_model *nas_step_table_model(const nas_step_table *table,
                                                      int batch);
typedef struct nas_latency_prediction {
    double seconds;
    int steps, known;
} nas_latency_prediction;
NAS_API nas_status nas_step_table_predict(const nas_step_table *table, const nas_graph *graph,
                                          int batch, nas_latency_prediction *prediction);
NAS_API nas_status nas_step_table_terms(const nas_step_table *table, const nas_net_steps *steps,
                                        int batch, double terms[NAS_LATENCY_SHARES], int *known);
NAS_API nas_status nas_latency_fit(const double *x, const double *y, int rows, int columns,
                                   double share[NAS_LATENCY_SHARES]);
NAS_API nas_status nas_supernet_graph(const nas_value *strategy, const nas_domain *domain,
                                      nas_graph *graph, nas_gate_table *table);
NAS_API nas_status nas_supernet_inherit(const nas_value *strategy, const nas_domain *domain,
                                        const nas_arch *arch, const char *path, nas_net *net,
                                        nas_inheritance *inheritance);
NAS_API nas_status nas_supernet_options(const nas_value *strategy, const nas_train_config *train,
                                        const nas_data *data, const nas_device *device,
                                        const nas_gate_table *table, nas_net_options *options);
typedef struct nas_clock {
    double limit_s;
    double now_s;
} nas_clock;
NAS_API bool nas_clock_take(nas_clock *clock, const nas_trial *result);
NAS_API uint64_t nas_eval_key(const nas_arch *arch, int repeat);
NAS_API bool nas_bound_reason(const nas_objectives *objectives, const nas_trial *trial,
                              char *reason, size_t size);
NAS_API void nas_objective_scores(const nas_objectives *objectives, const nas_trial *trial,
                                  double scores[NAS_OBJECTIVES]);
typedef struct nas_seen {
    int index;
    nas_arch arch;
    double budget;
    int parent;
    int from;
    const char
        *note;
    bool failed;
    double
        score[NAS_OBJECTIVES];
    double violation;
    const nas_trial *result;
} nas_seen;
typedef struct nas_search nas_search;
typedef struct nas_outlook {
    const nas_search *search;
    int index;
    int seen_count;
    int pending_count;
    const nas_seen *const *pending;
} nas_outlook;
NAS_API int nas_outlook_find(const nas_outlook *outlook, const nas_arch *arch);
NAS_API const nas_seen *nas_outlook_seen(const nas_outlook *outlook, const nas_arch *arch);
NAS_API int nas_outlook_distinct(const nas_outlook *outlook);
typedef enum nas_proposal_kind {
    NAS_PROPOSE_TRIAL,
    NAS_PROPOSE_WAIT,
    NAS_PROPOSE_DONE,
} nas_proposal_kind;
enum { NAS_NOTE_SIZE = 2048 };
typedef struct nas_proposal {
    nas_proposal_kind kind;
    nas_arch arch;
    double budget;
    int parent;
    int from;
    char note[NAS_NOTE_SIZE];
} nas_proposal;
typedef struct nas_setting {
    const void *options;
    const nas_value *group;
    const nas_domain *domain;
    const nas_objectives *objectives;
    uint64_t seed;
    double budget;
    int lookahead;
    bool weights;
    int given_count;
    const nas_arch *given;
} nas_setting;
typedef struct nas_strategy {
    nas_kind kind;
    int objectives_max;
    int lookahead_max;
    const char *evaluator;
    nas_status (*begin)(const nas_setting *setting, void **state);
    nas_status (*observe)(void *state, const nas_seen *trial);
    nas_status (*propose)(void *state, const nas_outlook *outlook, nas_proposal *proposal);
    void (*end)(void *state);
    const char *const *also;
    bool (*wants_weights)(const void *state, int trial);
} nas_strategy;
NAS_API const nas_strategy *nas_strategy_find(const char *name);
NAS_API const nas_strategy *const *nas_strategy_all(int *count);
NAS_API nas_status nas_strategy_get(const char *name, const nas_strategy **strategy);
NAS_API nas_status nas_strategy_register(const nas_strategy *strategy);
NAS_API nas_status nas_strategy_fill(const nas_strategy *strategy, const nas_value *group,
                                     const char *const *also, void *instance);
NAS_API nas_status nas_strategy_value(const nas_strategy *strategy, const nas_value *group,
                                      const void *instance, nas_value *complete);
typedef struct nas_search_setting {
    const nas_strategy *strategy;
    const nas_value *group;
    const char *const *also;
    const nas_domain *domain;
    nas_objectives objectives;
    uint64_t seed;
    double budget;
    int lookahead;
    int trials_max;
    bool reuse;
    bool weights;
    int given_count;
    const nas_arch *given;
} nas_search_setting;
NAS_API nas_status nas_search_create(const nas_search_setting *setting, nas_study *study,
                                     nas_search **search);
NAS_API void nas_search_destroy(nas_search *search);
NAS_API nas_status nas_search_strategy_options(const nas_search *search, nas_value *group);
NAS_API void nas_search_set_limit(nas_search *search, int trials_max);
typedef enum nas_next {
    NAS_NEXT_TRIAL,
    NAS_NEXT_WAIT,
    NAS_NEXT_DONE,
} nas_next;
typedef struct nas_job {
    nas_claim claim;
    nas_arch arch;
    double budget;
    int parent;
    int from;
    const char *note;
} nas_job;
NAS_API nas_status nas_search_next(nas_search *search, const nas_owner *owner, const char *device,
                                   nas_next *next, nas_job *job);
NAS_API nas_status nas_search_observe(nas_search *search);
NAS_API bool nas_search_wants_weights(const nas_search *search, int trial);
NAS_API nas_status nas_search_propose(nas_search *search, nas_next *next, int *index,
                                      nas_proposal *proposal);
enum { NAS_CONFIG_DEVICES = 16, NAS_CONFIG_SIZE = 1 << 20 };
typedef enum nas_order { NAS_ORDER_INDEX, NAS_ORDER_ARRIVAL, NAS_ORDER_AUTO } nas_order;
typedef struct nas_budget {
    int64_t trials;
    double minutes;
    double target;
    int64_t patience;
    double trial_minutes;
    int64_t lookahead;
    int order;
    double lease_s;
    int64_t keep;
    double
        checkpoint_s;
    int64_t keep_paused;
} nas_budget;
typedef struct nas_device_wish {
    char name[NAS_TEXT_SIZE];
    char match[NAS_TEXT_SIZE];
    char driver
        [NAS_TEXT_SIZE];
    bool optional;
    int64_t workers;
} nas_device_wish;
typedef enum nas_measured {
    NAS_MEASURED_LATENCY,
    NAS_MEASURED_THROUGHPUT,
    NAS_MEASURED_MEMORY
} nas_measured;
typedef struct nas_measure {
    char metric[NAS_NAME_SIZE];
    nas_measured what;
    char device[NAS_NAME_SIZE];
    int batch;
    bool predicted;
    char table[NAS_TEXT_SIZE];
} nas_measure;
enum { NAS_MEASURES = 2 * NAS_OBJECTIVES };
typedef struct nas_retrain {
    int64_t top;
    int64_t repeats;
    int with_valid;
    bool baseline;
    bool inherit;
} nas_retrain;
typedef struct nas_config {
    char study[NAS_TEXT_SIZE];
    int64_t seed;
    bool exact;
    nas_value data, space, strategy, evaluate;
    nas_value train, retrain_train;
    nas_value retrain_space, retrain_data;
    nas_budget budget;
    nas_objectives objectives;
    nas_measure measures[NAS_MEASURES];
    int measure_count;
    bool simulated;
    nas_text_list given;
    nas_device_wish devices[NAS_CONFIG_DEVICES];
    int device_count;
    nas_retrain retrain;
} nas_config;
NAS_API nas_status nas_config_read(const char *path, const char *const *overrides,
                                   int override_count, nas_config *config);
NAS_API nas_status nas_config_parse(const char *text, const char *file, const char *folder,
                                    const char *const *overrides, int override_count,
                                    nas_config *config);
NAS_API void nas_config_write(const nas_config *config, nas_text *text);
NAS_API void nas_config_clear(nas_config *config);
NAS_API nas_status nas_config_of_study(nas_study *study, nas_config *config);
NAS_API nas_status nas_config_known(const nas_config *config, const char *path);
NAS_API const nas_kind *const *nas_config_kinds(int *count);
NAS_API nas_status nas_config_tree(const char *text, const char *file, const char *folder,
                                   nas_value *root);
typedef enum nas_event {
    NAS_EVENT_START,
    NAS_EVENT_TICK,
    NAS_EVENT_TRIAL,
    NAS_EVENT_WORKER,
    NAS_EVENT_RETRAIN,
    NAS_EVENT_STOPPING,
    NAS_EVENT_END,
} nas_event;
typedef struct nas_device_use {
    char name[64];
    char device[128];
    const char *
        state;
    int workers;
    int64_t trial;
    double progress;
    int64_t done, failed;
    double
        busy;
    double per_minute;
    double silent_s;
    int lost;
    char trouble[160];
} nas_device_use;
enum { NAS_DEVICE_USES = 32 };
typedef struct nas_progress {
    nas_event event;
    const nas_trial *trial;
    const char *note;
    int64_t done, failed, running;
    int64_t total;
    bool has_best;
    int64_t best_index;
    double best_value;
    const char *best_metric;
    double elapsed_s;
    double run_s;
    double per_minute;
    double eta_s;
    int devices, busy;
    int64_t job, jobs, epoch, epochs;
    const char *job_name;
    nas_device_use uses[NAS_DEVICE_USES];
    int use_count;
} nas_progress;
typedef void (*nas_progress_function)(void *user, const nas_progress *progress);
typedef bool (*nas_cancelled_function)(void *user);
typedef struct nas_search_options {
    const char *study_path;
    bool fresh;
    bool
        go_on;
    const char *
        program;
    const char *device;
    int workers;
    bool no_retrain;
    nas_device *
        open_device;
    nas_progress_function progress;
    nas_cancelled_function cancelled;
    void *user;
} nas_search_options;
typedef struct nas_train_result {
    char name[64];
    int64_t index;
    int repeats;
    char score[16];
    double test_score, test_score_std;
    double test_loss, valid_score;
    uint64_t parameters, macs;
    double seconds;
    char model[NAS_PATH_SIZE];
} nas_train_result;
enum { NAS_TRAIN_RESULTS = 16 };
typedef struct nas_search_report {
    char study_path[NAS_PATH_SIZE];
    char ended_by[128];
    int signal;
    bool was_complete;
    int64_t trials, failed, reused;
    bool has_best;
    int64_t best_index;
    double best_value;
    char best_metric[64];
    double seconds;
    nas_train_result results[NAS_TRAIN_RESULTS];
    int result_count;
    nas_device_use uses[NAS_DEVICE_USES];
    int use_count;
} nas_search_report;
NAS_API nas_status nas_session_study_path(const nas_config *config, char *path, size_t size);
NAS_API nas_status nas_session_search(const nas_config *config, const nas_search_options *options,
                                      nas_search_report *report);
NAS_API nas_status nas_session_resume(const char *study_path, const char *const *overrides,
                                      int override_count, const nas_search_options *options,
                                      nas_search_report *report);
NAS_API void nas_session_interrupt(int signal);
NAS_API int nas_session_worker(int argc, char **argv);
typedef struct nas_ask_options {
    const char *const *overrides;
    int override_count;
    double lease_s;
    int64_t pid;
    double wait_s;
    const char *device;
    nas_cancelled_function cancelled;
    void *user;
} nas_ask_options;
typedef struct nas_asked {
    nas_next next;
    char study_path[NAS_PATH_SIZE];
    nas_claim claim;
    nas_text arch, network, graph;
    double budget;
    int parent;
    int from;
    uint32_t seed;
    nas_objectives objectives;
} nas_asked;
NAS_API nas_status nas_session_ask(const char *path, const nas_ask_options *options,
                                   nas_asked *asked);
NAS_API void nas_asked_clear(nas_asked *asked);
NAS_API nas_status nas_session_tell(const char *study_path, const nas_claim *claim,
                                    const char *arch, const nas_trial *result, nas_trial *stands);
NAS_API nas_status nas_session_tell_progress(const char *study_path, const nas_claim *claim,
                                             double progress);
NAS_API nas_status nas_session_give_back(const char *study_path, const nas_claim *claim,
                                         const char *reason);
typedef struct nas_enqueued {
    int index;
    bool known;
} nas_enqueued;
NAS_API nas_status nas_session_enqueue(const char *path, const nas_ask_options *options,
                                       const char *const *archs, int count, double budget,
                                       nas_enqueued *enqueued);
typedef struct nas_study_view {
    char path[NAS_PATH_SIZE];
    nas_study *study;
    nas_config config;
} nas_study_view;
NAS_API nas_status nas_study_view_open(const char *study_path, nas_study_view *view);
NAS_API void nas_study_view_clear(nas_study_view *view);
NAS_API nas_status nas_study_view_domain(const nas_study_view *view, nas_domain **domain);
NAS_API nas_status nas_study_view_progress(const nas_study_view *view, nas_progress *progress);
NAS_API nas_status nas_study_view_results(const nas_study_view *view, nas_train_result *results,
                                          int limit, int *count);
NAS_API nas_status nas_session_status(const char *study_path, nas_config *config,
                                      nas_progress *progress);
typedef struct nas_watch nas_watch;
typedef enum nas_watch_state {
    NAS_WATCH_SEARCH,
    NAS_WATCH_RETRAIN,
    NAS_WATCH_STOPPED,
    NAS_WATCH_DONE,
} nas_watch_state;
NAS_API const char *nas_watch_state_name(nas_watch_state state);
typedef struct nas_watch_view {
    nas_progress
        progress;
    nas_watch_state state;
    const nas_study *study;
    const nas_config *config;
    int64_t queued, aliases;
    int64_t created_ms;
    int64_t begun_ms;
    int64_t looked_ms;
    double per_minute_all;
    int64_t best_ms;
    const char *best_words;
    char ended_by[128];
    int missing;
} nas_watch_view;
NAS_API nas_status nas_session_watch_open(const char *study_path, nas_watch **watch);
NAS_API nas_status nas_session_watch_update(nas_watch *watch, nas_watch_view *view);
NAS_API void nas_session_watch_close(nas_watch *watch);
NAS_API nas_status nas_session_results(const char *study_path, nas_train_result *results, int limit,
                                       int *count);
typedef struct nas_check_report {
    int genes;
    double size;
    bool size_exact;
    char baseline[1024];
    nas_cost baseline_cost;
    nas_cost largest_cost;
    uint64_t baseline_bytes, largest_bytes;
    double within_bounds;
    uint64_t supernet_parameters, supernet_bytes;
    int supernet_decisions;
    char device[256];
    uint64_t train_samples, valid_samples, test_samples;
} nas_check_report;
typedef struct nas_check_options {
    nas_device *open_device;
    nas_cancelled_function cancelled;
    void *user;
} nas_check_options;
NAS_API nas_status nas_session_check(const nas_config *config, const nas_check_options *options,
                                     nas_check_report *report);
typedef struct nas_retrain_options {
    int64_t trial;
    int64_t epochs;
    int64_t repeats;
    bool with_valid;
    const char *device;
    nas_device *open_device;
    const char *model_path;
    nas_progress_function progress;
    nas_cancelled_function cancelled;
    void *user;
} nas_retrain_options;
NAS_API nas_status nas_session_train(const char *study_path, const nas_retrain_options *options,
                                     nas_train_result *result);
typedef struct nas_finetune_options {
    int64_t epochs;
    bool replace_head;
    const char *device;
    nas_device *open_device;
    const char *model_path;
    nas_progress_function progress;
    nas_cancelled_function cancelled;
    void *user;
} nas_finetune_options;
typedef struct nas_finetune_result {
    char split[16];
    char score[16];
    uint64_t samples;
    double score_before, loss_before, score_after, loss_after;
    uint64_t parameters, macs;
    int epochs;
    double seconds;
} nas_finetune_result;
NAS_API nas_status nas_session_finetune(const char *model_path, const char *data_path,
                                        const nas_finetune_options *options,
                                        nas_finetune_result *result);
typedef struct nas_export_options {
    const char *to;
    const char *output;
    const char *device;
    int64_t trial;
    bool keep_norms;
} nas_export_options;
typedef struct nas_export_report {
    char model[NAS_PATH_SIZE];
    nas_shape input, output;
    uint64_t parameters;
    bool compared;
    int samples;
    double difference;
    char note[256];
} nas_export_report;
NAS_API nas_status nas_session_export(const char *source, const nas_export_options *options,
                                      nas_export_report *report);
typedef struct nas_output_scores {
    char name[64];
    uint64_t support;
    double precision, recall, f1;
    double mae, rmse, r2;
} nas_output_scores;
typedef struct nas_eval_result {
    nas_task task;
    uint64_t samples;
    double score, loss, seconds;
    int outputs;
    nas_output_scores *each;
    uint64_t *confusion;
} nas_eval_result;
NAS_API void nas_eval_result_clear(nas_eval_result *result);
NAS_API bool nas_session_is_model(const char *path);
NAS_API nas_status nas_session_model_graph(const char *path, nas_graph *graph);
typedef struct nas_prediction {
    const char *file;
    int64_t sample;
    nas_task task;
    int outputs;
    const double *values;
    const char *const *names;
    int largest;
} nas_prediction;
typedef nas_status (*nas_prediction_function)(void *user, const nas_prediction *prediction);
typedef struct nas_predict_options {
    const char *device;
    nas_device *open_device;
    int batch;
    nas_prediction_function each;
    nas_cancelled_function cancelled;
    void *user;
} nas_predict_options;
NAS_API nas_status nas_session_predict(const char *model_path, const char *const *files, int count,
                                       const nas_predict_options *options);
typedef struct nas_eval_options {
    const char *split;
    const char *device;
    nas_device *open_device;
    nas_cancelled_function cancelled;
    void *user;
} nas_eval_options;
NAS_API nas_status nas_session_eval(const char *model_path, const char *data,
                                    const nas_eval_options *options, nas_eval_result *result);
NAS_API nas_status nas_report_write(const char *study_path, nas_text *page);
NAS_API const nas_kind *nas_plot_at(int index);
NAS_API nas_status nas_plot_write(const char *name, const char *study_path, nas_text *svg);
typedef enum nas_compare_by {
    NAS_COMPARE_TRIALS,
    NAS_COMPARE_EPOCHS,
    NAS_COMPARE_SECONDS,
    NAS_COMPARE_SIMULATED,
} nas_compare_by;
typedef struct nas_comparison_options {
    nas_compare_by by;
    const char *metric;
    double at;
    double target;
    double level;
} nas_comparison_options;
typedef struct nas_interval {
    double at, low, high;
} nas_interval;
typedef struct nas_compared_study {
    char path[NAS_PATH_SIZE];
    int group;
    int64_t seed;
    int trials;
    bool open;
    double cost;
    double value;
    double area;
    double target_cost;
} nas_compared_study;
typedef struct nas_compared_group {
    char label[256];
    int studies;
    nas_interval value, area;
    double deviation, median;
    double target_cost;
    int reached;
    double *mean, *low, *high;
} nas_compared_group;
typedef enum nas_verdict {
    NAS_VERDICT_FIRST,
    NAS_VERDICT_SECOND,
    NAS_VERDICT_NONE,
    NAS_VERDICT_TOO_FEW,
} nas_verdict;
typedef struct nas_compared_pair {
    int first, second;
    bool paired;
    int first_count, second_count;
    const char *test;
    bool exact;
    double p, adjusted;
    double least;
    nas_interval
        superiority;
    nas_interval difference;
    nas_verdict verdict;
    char sentence[1024];
} nas_compared_pair;
typedef struct nas_comparison {
    nas_compare_by by;
    char metric[NAS_NAME_SIZE];
    char objective[NAS_NAME_SIZE];
    nas_goal goal;
    double level, at, target;
    int study_count;
    nas_compared_study *studies;
    int group_count;
    nas_compared_group *groups;
    int pair_count;
    nas_compared_pair *pairs;
    int point_count;
    double *costs;
    int note_count;
    char (*notes)[1024];
    struct nas__comparison_parts *parts;
} nas_comparison;
NAS_API nas_status nas_comparison_create(const nas_comparison_options *options,
                                         nas_comparison **comparison);
NAS_API void nas_comparison_destroy(nas_comparison *comparison);
NAS_API nas_status nas_comparison_add(nas_comparison *comparison, const char *name,
                                      const nas_study *study, const nas_config *config);
NAS_API nas_status nas_comparison_add_file(nas_comparison *comparison, const char *path);
NAS_API nas_status nas_comparison_judge(nas_comparison *comparison);
NAS_API nas_status nas_comparison_write(const nas_comparison *comparison, nas_text *page);
NAS_API const char *nas_compare_by_name(nas_compare_by by);
NAS_API const char *
nas_verdict_name(nas_verdict verdict);
NAS_API nas_status nas_device_adopt(cl_device_id id, cl_context context, cl_command_queue queue,
                                    const nas_device_options *options, nas_device **device);

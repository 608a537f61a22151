/* base.h - the ground floor: status and messages, text, values, option tables, random numbers,
 * files, hashes, logging.  Knows nothing of devices or networks.
 *
 * Manners that hold in every header of clnas:
 *   - Fallible functions return nas_status; results come in trailing out-parameters, which are left
 *     untouched on failure.  One message per thread tells what, where and the next step.
 *   - create/destroy for heap objects, init/clear for values; destroy and clear take NULL or zero.
 *   - Arguments are lent unless the name says `take`.
 *   - The library never prints and never exits.
 *
 * Threads:
 *   - An object is used by one thread at a time, with all that hangs on it: a device with its buffers, tapes, nets and trainers; a
 *     study with its search.  Different objects know nothing of each other: any number of threads work on their own at once.
 *   - A call works in the thread that makes it, and calls back (progress, cancelled, evaluators, spaces …) from that thread alone.
 *     Several searches may run in one process at a time, each called by a thread of its own.
 *   - Messages of failures are per thread.  The log function is one for the process and is called by whoever has something to
 *     say, also by threads of the library: it must bear several at once.
 *   - What changes the process comes before threads do: nas_log_set, nas_space_register and its like, nas_driver_use (also by a config
 *     that names a driver), the environment.  nas_session_interrupt may come at any time, from anywhere.
 *   - Nothing is carried over a fork.
 */
#ifndef CLNAS_BASE_H
#define CLNAS_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
/* Seen from outside the library, whose other symbols are hidden. */
#define NAS_API __attribute__((visibility("default")))
/* The compiler checks arguments from number `first` on against the format in number `at`. */
#define NAS_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
/* The same for scanf. */
#define NAS_SCANF(at, first) __attribute__((__format__(__scanf__, at, first)))
#else
#define NAS_API
#define NAS_PRINTF(at, first)
#define NAS_SCANF(at, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status and messages ------------------------------------------------------------------- */

/* name, exit code of the programs, text */
#define NAS_STATUS_LIST(X)                                                                         \
    X(OK, 0, "done")                                                                               \
    X(FAILED, 1, "failed")                                                                         \
    X(MEMORY, 1, "out of host memory")                                                             \
    X(CONFIG, 2, "usage or config")                                                                \
    X(NO_DEVICE, 3, "no usable device")                                                            \
    X(DEVICE, 4, "device or kernel error")                                                         \
    X(DEVICE_MEMORY, 4, "out of device memory")                                                    \
    X(STORE, 5, "study store")                                                                     \
    X(DATA, 6, "data set")                                                                         \
    X(STOPPED, 7, "stopped early, resumable")                                                      \
    X(SHAPE, 1, "shapes do not fit")                                                               \
    X(BOUND, 1, "over a bound")                                                                    \
    X(NONFINITE, 1, "not a finite number")                                                         \
    X(TIME, 1, "over its time limit")

/* What a function came to; the texts are those of the list above. */
typedef enum nas_status {
#define NAS_STATUS_ENUM(name, exit_code, text) NAS_##name,
    NAS_STATUS_LIST(NAS_STATUS_ENUM)
#undef NAS_STATUS_ENUM
} nas_status;

NAS_API const char *nas_status_name(nas_status status); /* "DEVICE" */
NAS_API const char *nas_status_text(nas_status status); /* "device or kernel error" */
NAS_API int nas_status_exit_code(nas_status status);    /* what a program ends with */

/* The calling thread's message of the last failure; "" when there was none.  Valid until the next
 * failure on this thread. */
NAS_API const char *nas_error_message(void);
NAS_API void nas_error_clear(void);
/* Replaces the message and returns `status`, so that failing is one expression (see NAS_FAIL). */
NAS_API nas_status nas_error_set(nas_status status, const char *file, int line, const char *format,
                                 ...) NAS_PRINTF(4, 5);
/* Puts context in front: "loading x: " + message. */
NAS_API void nas_error_add(const char *format, ...) NAS_PRINTF(1, 2);

/* Ends the calling function with `status` and a printf-style message, which says what, where and what to do next. */
#define NAS_FAIL(status, ...) return nas_error_set((status), __FILE__, __LINE__, __VA_ARGS__)
/* Passes a failure up: returns what `call` returned unless that is NAS_OK. */
#define NAS_TRY(call)                                                                              \
    do {                                                                                           \
        nas_status nas_try_status_ = (call);                                                       \
        if (nas_try_status_ != NAS_OK)                                                             \
            return nas_try_status_;                                                                \
    } while (0)
/* For functions that hold something: needs `nas_status status = NAS_OK;` and a label `done:`. */
#define NAS_TRY_DONE(call)                                                                         \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != NAS_OK)                                                                      \
            goto done;                                                                             \
    } while (0)

/* ---- log ------------------------------------------------------------------------------------ */

/* How grave a message is; a level includes those above it. */
typedef enum nas_log_level {
    NAS_LOG_ERROR,
    NAS_LOG_WARNING,
    NAS_LOG_INFO,
    NAS_LOG_DEBUG
} nas_log_level;
/* Gets one message, without a newline, which is lent for the call.  May be called by any thread. */
typedef void (*nas_log_function)(void *user, nas_log_level level, const char *message);

/* Where messages go (NULL: nowhere, the default).  Process-wide; set it before threads start.  It is called by any thread, also
 * by several at once. */
NAS_API void nas_log_set(nas_log_function function, void *user, nas_log_level most_detailed);
/* To that function, when `level` is detailed enough for it; else nothing happens. */
NAS_API void nas_log(nas_log_level level, const char *format, ...) NAS_PRINTF(2, 3);

/* ---- text: a growing string whose failure is sticky and checked once ------------------------- */

/* snprintf in the C locale, as all that the library writes: a point before decimals, whatever locale the program has. */
NAS_API int nas_format(char *text, size_t size, const char *format, ...) NAS_PRINTF(3, 4);
/* vsnprintf in the C locale. */
NAS_API int nas_format_list(char *text, size_t size, const char *format, va_list arguments)
    NAS_PRINTF(3, 0);
/* sscanf in the C locale. */
NAS_API int nas_scan(const char *text, const char *format, ...) NAS_SCANF(2, 3);
/* strtod in the C locale. */
NAS_API double nas_real_read(const char *text, char **end);

/* A zeroed one is empty. */
typedef struct nas_text {
    char *data;              /* NUL-terminated once anything was added; else NULL */
    size_t length, capacity; /* bytes without the NUL; bytes there is room for */
    bool failed;             /* an allocation failed; further adds do nothing */
} nas_text;

/* Each appends; a failed allocation sets `failed`. */
NAS_API void nas_text_add(nas_text *text, const char *string);
/* Any bytes, NUL too. */
NAS_API void nas_text_add_bytes(nas_text *text, const void *bytes, size_t size);
/* As printf does. */
NAS_API void nas_text_format(nas_text *text, const char *format, ...) NAS_PRINTF(2, 3);
/* A word as a shell takes it: between quotes where it must be. */
NAS_API void nas_text_add_word(nas_text *text, const char *word);
NAS_API void nas_text_reset(nas_text *text); /* length 0, memory kept */
NAS_API void nas_text_clear(nas_text *text);
NAS_API nas_status nas_text_check(const nas_text *text); /* NAS_MEMORY if failed */
/* Bytes of the UTF-8 character that `text` begins with; 0: it begins with none, or is at its end. */
NAS_API int nas_character_size(const char *text);

/* ---- values: what a config file or an override says, with the place where it says it --------- */

/* What a value is. */
typedef enum nas_value_type {
    NAS_VALUE_NONE,
    NAS_VALUE_BOOL,
    NAS_VALUE_INT,
    NAS_VALUE_REAL,
    NAS_VALUE_TEXT,
    NAS_VALUE_LIST,  /* items without names */
    NAS_VALUE_GROUP, /* items with names */
} nas_value_type;

typedef struct nas_value nas_value;
/* A value and, of a list or group, all below it, which it owns.  A zeroed one is none. */
struct nas_value {
    nas_value_type type; /* which of the following counts */
    char *name;          /* inside a group, else NULL */
    bool boolean;        /* of NAS_VALUE_BOOL */
    int64_t integer;     /* of NAS_VALUE_INT */
    double real;         /* of NAS_VALUE_REAL */
    char *text;          /* of NAS_VALUE_TEXT */
    nas_value *items;    /* of lists and groups */
    int item_count;
    char *file; /* where it stands; NULL when unknown */
    int line;   /* from 1; 0: unknown */
    bool used;  /* set by whoever read it, so that the rest can be refused by name */
};

NAS_API void nas_value_clear(nas_value *value);
/* The member called `name`, or NULL.  Works on NULL and on non-groups (NULL). */
NAS_API nas_value *nas_value_member(const nas_value *group, const char *name);
/* Appends an empty item (named, for a group).  The returned pointer lasts until the next append. */
NAS_API nas_status nas_value_append(nas_value *parent, const char *name, nas_value **item);
/* Deep, with names and places.  `to` is overwritten and owns what it gets. */
NAS_API nas_status nas_value_copy(const nas_value *from, nas_value *to);
/* Scalars and lists as people write them in configs and on the command line:
 * `true`, `12`, `0.5`, `"text"` or bare text, `[1, 2]`, `( {a = 1;}, … )`, `{ a = 1; b = [..]; }`. */
NAS_API nas_status nas_value_parse(const char *text, const char *file, int line, nas_value *value);
/* Back to that notation; `indent` < 0 keeps it on one line. */
NAS_API void nas_value_write(const nas_value *value, int indent, nas_text *text);

/* ---- option tables: one row per option drives parsing, ranges, help, docs and the study ------- */

/* What an option is, and what it fills in the instance. */
typedef enum nas_option_type {
    NAS_OPTION_BOOL,        /* bool */
    NAS_OPTION_INT,         /* int64_t */
    NAS_OPTION_REAL,        /* double; integers accepted */
    NAS_OPTION_TEXT,        /* char[NAS_TEXT_SIZE] */
    NAS_OPTION_CHOICE,      /* int: index into choices */
    NAS_OPTION_INT_LIST,    /* nas_int_list; a single number is a list of one */
    NAS_OPTION_REAL_LIST,   /* nas_real_list */
    NAS_OPTION_CHOICE_LIST, /* nas_int_list of indices */
    NAS_OPTION_TEXT_LIST,   /* nas_text_list */
} nas_option_type;

enum { NAS_TEXT_SIZE = 512, NAS_LIST_SIZE = 64 };

/* A list of whole numbers in an instance. */
typedef struct nas_int_list {
    int count;
    int64_t item[NAS_LIST_SIZE]; /* the first `count` count */
} nas_int_list;
/* A list of numbers. */
typedef struct nas_real_list {
    int count;
    double item[NAS_LIST_SIZE]; /* the first `count` count */
} nas_real_list;
/* A list of texts, each NUL-terminated. */
typedef struct nas_text_list {
    int count;
    char item[16][NAS_TEXT_SIZE]; /* the first `count` count */
} nas_text_list;

/* One row of an option table.  All texts are literals as a rule; the table lends them. */
typedef struct nas_option {
    const char *name;     /* "lr", or "augment.flip" inside a sub-group; NULL ends a table */
    nas_option_type type; /* what the field at `offset` is */
    size_t offset;        /* of the field in the instance */
    const char *fallback; /* the default, in config notation; NULL: the option must be given */
    double min, max;      /* of numbers and of list items; both 0: any */
    const char *choices;  /* "sgd|adam|adamw" for CHOICE and CHOICE_LIST */
    const char *help;     /* one sentence, with the unit */
} nas_option;

/* Head of every descriptor that people add (op, optimizer, data set, space, strategy …). */
typedef struct nas_kind {
    const char *name;          /* as configs and graphs write it */
    const char *summary;       /* one line */
    const char *paper;         /* source, "arXiv 1802.01548", or NULL */
    size_t instance_size;      /* bytes of the options instance, zeroed before it is filled */
    const nas_option *options; /* ends with a NULL name; NULL: none */
} nas_kind;

/* Fills `instance` (kind->instance_size bytes) with defaults, then with the members of `group`
 * (NULL: defaults only).  Members named in `also` (NULL-terminated list, may be NULL) are skipped:
 * the caller reads them.  Unknown members, wrong types and ranges fail with file:line and, for a
 * name, the nearest known one. */
NAS_API nas_status nas_options_fill(const nas_kind *kind, const nas_value *group,
                                    const char *const *also, void *instance);
/* The effective options as a group value (every option, defaults included). */
NAS_API nas_status nas_options_value(const nas_kind *kind, const void *instance, nas_value *group);
/* Two tables from one group (options that all data sets share, and the chosen one's own): a member that is in
 * neither is refused.  And back: `*group` becomes one group with both. */
NAS_API nas_status nas_options_fill_pair(const nas_kind *common, const nas_kind *own,
                                         const nas_value *group, void *common_instance,
                                         void *own_instance);
/* Back: `*group` gets all options of both, and is the caller's to clear. */
NAS_API nas_status nas_options_value_pair(const nas_kind *common, const nas_kind *own,
                                          const void *common_instance, const void *own_instance,
                                          nas_value *group);
/* A list of descriptors, each of which begins with its nas_kind: spaces, strategies, evaluators.  What the library brings stands
 * first; a program adds its own with nas_space_register and its like, before anything looks into the list: adding is not
 * guarded against threads that read. */
enum { NAS_KINDS_MORE = 64 /* a program may add to each list */ };

/* What is known of such a list; the list itself, of its own type, stays where it is. */
typedef struct nas_kinds {
    const char *noun;                 /* "search space", in messages */
    const char *word;                 /* "space", for `clnas describe` */
    const nas_kind *(*at)(int index); /* 0 … count − 1 */
    int count, capacity;
} nas_kinds;
NAS_API int nas_kinds_find(const nas_kinds *kinds, const char *name); /* −1: none */
/* Like find, with a message that names the nearest one. */
NAS_API nas_status nas_kinds_get(const nas_kinds *kinds, const char *name, int *index);
/* May this kind be added?  NAS_CONFIG says what is wrong with it: a name that is taken or cannot be written in a config, an
 * option outside of the instance or with a default that it refuses itself, no room. */
NAS_API nas_status nas_kinds_check(const nas_kinds *kinds, const nas_kind *kind);

/* The name among `names` that is closest to `name`, or NULL when none is near. */
NAS_API const char *nas_nearest_name(const char *name, const char *const *names, int count);
/* Copies the i-th word of "a|b|c" to `word` (size bytes); false when there is none. */
NAS_API bool nas_choice_name(const char *choices, int index, char *word, size_t size);
NAS_API int nas_choice_index(const char *choices, const char *word); /* -1: none */

/* ---- random numbers: counter-based Philox4x32-10 (Salmon et al., SC'11) ----------------------- */

/* Nothing is ever stored: who draws says for what.  A key is (seed, stream); the counter is
 * (a, b, c) chosen by the caller plus the draw index.  Streams are the enumeration below, so one more draw in
 * one place shifts nothing elsewhere.  cl/philox.clh gives the same numbers. */
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
    NAS_STREAM_GATES,    /* first architecture weights, and their noise */
    NAS_STREAM_PATHS,    /* paths through a supernet */
    NAS_STREAM_RESAMPLE, /* which trials a bootstrap draws again */
} nas_stream;

/* A stream of numbers that is being drawn from; a plain value, may be copied. */
typedef struct nas_random {
    uint32_t key[2];     /* nas_random_key */
    uint32_t counter[4]; /* [0] counts draws of four words; [1..3] are the caller's a, b, c */
    uint32_t words[4];   /* drawn, the last `left` not yet given */
    int left;            /* unused words */
} nas_random;

/* Philox4x32-10 itself: the four words of (counter, key). */
NAS_API void nas_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]);
/* The stream of these numbers, at its beginning. */
NAS_API nas_random nas_random_make(uint64_t seed, nas_stream stream, uint32_t a, uint32_t b,
                                   uint32_t c);
/* The key of (seed, stream), for kernels that draw themselves. */
NAS_API void nas_random_key(uint64_t seed, nas_stream stream, uint32_t key[2]);
/* 32 uniform bits. */
NAS_API uint32_t nas_random_word(nas_random *random);
NAS_API uint32_t nas_random_below(nas_random *random, uint32_t bound); /* unbiased; bound ≥ 1 */
NAS_API double nas_random_uniform(nas_random *random);                 /* [0, 1), 32 bits */
NAS_API double nas_random_normal(nas_random *random); /* Box–Muller, one of two */
/* Fisher and Yates; every order as likely. */
NAS_API void nas_random_shuffle(nas_random *random, uint32_t *items, uint32_t count);

/* ---- hashes, files ------------------------------------------------------------------------------ */

NAS_API uint64_t nas_hash(const void *data, size_t size, uint64_t seed); /* XXH3, 64 bits */
NAS_API void nas_hash_hex(const void *data, size_t size, char hex[33]);  /* XXH3, 128 bits */

enum { NAS_PATH_SIZE = 1024 }; /* bytes of a path, the NUL included */
/* A whole regular file, at most `limit` bytes; a NUL is added behind the end.  free() the data.  NAS_FAILED: no such file, or it cannot be read. */
NAS_API nas_status nas_file_read(const char *path, size_t limit, void **data, size_t *size);
/* Temporary file in the same folder, write, fsync, rename, fsync of the folder: either the old file
 * or the whole new one is there after any crash. */
NAS_API nas_status nas_file_replace(const char *path, const void *data, size_t size);
/* Creates the folder and its parents; existing ones are fine. */
NAS_API nas_status nas_folder_make(const char *path, unsigned mode);
/* $XDG_CACHE_HOME/clnas (or ~/.cache/clnas), overridden by CLNAS_CACHE; not created. */
NAS_API nas_status nas_cache_folder(char *path, size_t size);
/* Its folder `name`; made where `make`.  False: there is none that is ours alone (0700, our user). */
NAS_API bool nas_cache_part(const char *name, bool make, char *path, size_t size);
/* Cached files (host/base/cache.c has the layout): `size` bytes of content stand behind NAS_CACHE_HEADER bytes that these two read and
 * fill.  `magic`: kind and version; `key`: of all that the content depends on (nas_hash_hex).  False: no such file that is whole and
 * has this key; what is wrong with it is logged.  `*file` is from malloc. */
enum { NAS_CACHE_HEADER = 56 };
/* Reads one; false as above. */
NAS_API bool nas_cache_load(const char *path, const char magic[8], const char key[33], size_t limit,
                            void **file, size_t *size);
/* Fills the header of `file`, behind which there are `size` bytes, and writes both as nas_file_replace does. */
NAS_API nas_status nas_cache_store(const char *path, const char magic[8], const char key[33],
                                   void *file, size_t size);
/* ---- CSV ---------------------------------------------------------------------------------------- */

/* A CSV file (RFC 4180), plain or gzipped, read row by row; the first row names the columns.  Cells are lent until the next
 * row is read.  What is no such file fails with NAS_DATA and file:line (host/base/csv.c tells what is refused). */
typedef struct nas_csv nas_csv;
/* Opens it and reads the names.  NAS_DATA: missing, or no CSV. */
NAS_API nas_status nas_csv_open(const char *path, nas_csv **csv);
/* The same with cells that another character delimits: ';', a tab. */
NAS_API nas_status nas_csv_open_by(const char *path, char delimiter, nas_csv **csv);
NAS_API void nas_csv_close(nas_csv *csv);
NAS_API const char *nas_csv_path(const nas_csv *csv);             /* as it was opened */
NAS_API int nas_csv_columns(const nas_csv *csv);                  /* how many */
NAS_API const char *nas_csv_name(const nas_csv *csv, int column); /* of a column, from 0; lent */
/* Column of that name.  NAS_CONFIG with the nearest name: none; NAS_DATA: two. */
NAS_API nas_status nas_csv_find(const nas_csv *csv, const char *name, int *column);
/* The next row, which has a cell for every column; `*more` false: there is none. */
NAS_API nas_status nas_csv_next(nas_csv *csv, bool *more);
NAS_API int64_t nas_csv_line(const nas_csv *csv); /* in which the row begins, from 1 */
/* Of the row; lent until the next one. */
NAS_API const char *nas_csv_cell(const nas_csv *csv, int column);
/* Of a cell; NaN where it is empty; NAS_DATA: something else. */
NAS_API nas_status nas_csv_number(const nas_csv *csv, int column, double *value);

/* ---- time --------------------------------------------------------------------------------------- */

NAS_API double nas_now_s(void);    /* monotonic, seconds */
NAS_API double nas_cpu_s(void);    /* processor time of all threads of this process, seconds */
NAS_API int64_t nas_time_ms(void); /* wall clock, milliseconds since 1970 UTC */
/* Of the library that runs, as PROJECT_VERSION says it. */
NAS_API void nas_version(int *major, int *minor, int *patch);

#ifdef __cplusplus
}
#endif
#endif

/* study.h - what the files of this room share: the opened study, numbers as text, stores' paths. */
#ifndef NAS_STUDY_STUDY_H
#define NAS_STUDY_STUDY_H

#include <clnas/study.h>

/* 2: trial."from".  3: trial.derived. */
enum { NAS__SCHEMA = 3 };

/* The last moment of the year 9999: a later time is none, and sums of times stay far from overflow. */
#define NAS__TIME_MAX INT64_C(253402300799999)

struct nas_study {
    const nas_store *store;
    void *handle;
    nas_store_mode mode;
    char *path;
    /* the mirror */
    nas_trial **trials; /* by index, without gaps; each stays where it is */
    int count, capacity;
    int holes; /* of them not read yet: 0 outside of a pull */
    int64_t revision;
    int *open; /* indices of lines that are not final, ascending */
    int open_count, open_capacity;
    /* limits */
    int attempts;
    int64_t lease_ms;
    int avoided; /* a lost trial left to others until avoided_until_ms; -1: none */
    int64_t avoided_until_ms;
};

/* Doubles as C99 hex floats ("0x1.8p+1", "nan", "-inf"), independent of the locale; exact. */
void nas__hex_write(double value, nas_text *text);
bool nas__hex_read(const char **text, double *value); /* moves `*text` behind it */

/* "~latency_ms=0x1p+1;parameters=0x1p+14", "valid_accuracy=0x1p-1,0x1.8p-1;…" and back. */
void nas__metrics_write(const nas_trial *trial, nas_text *text);
nas_status nas__metrics_read(const char *text, nas_trial *trial);
void nas__curves_write(const nas_trial *trial, nas_text *text);
nas_status nas__curves_read(const char *text, nas_trial *trial);

/* Inside a transaction: the mirror takes in what changed. */
nas_status nas__study_pull(nas_study *study);
/* The mirror takes in one line, after it has become durable. */
nas_status nas__study_apply(nas_study *study, const nas_trial *trial);
nas_status nas__study_writable(const nas_study *study);
/* Of an owner outside of clnas; 0: a process. */
int64_t nas__owner_lease_ms(const nas_owner *owner);

#endif

/* study_folder.h - a study in a folder of the test's own, claims and results in a line each, and this program again in another role. */
#ifndef STUDY_FOLDER_H
#define STUDY_FOLDER_H

#include "nas_test.h"

#include <clnas/study.h>

#include <sys/types.h>

extern char folder[64], study_path[96];
extern const nas_study_about about;

/* A test between making the folder and removing it. */
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int make_folder(void **state);
int remove_folder(void **state);
nas_study *create(void);
nas_study *open_mode(nas_store_mode mode);
nas_claim claim_as(nas_study *study, const nas_owner *owner, const char *arch);
nas_claim claim_next(nas_study *study, const char *arch);
nas_claim claim_from(nas_study *study, int from);
bool commit_value(nas_study *study, const nas_claim *claim, double value);
void pause_ms(long ms);
uint64_t draw(uint32_t a, uint32_t bound);
/* This program again; its output comes through `output`. */
pid_t start(const char *role, const char *a, const char *b, int *output);
int wait_for(pid_t pid);
/* Every whole number in the output, marked in `done`; returns how many. */
int read_numbers(int output, unsigned char *done, int limit);
void fill(nas_study *study);
void assert_filled(nas_study *study);
int fail_role(const char *doing);

#endif

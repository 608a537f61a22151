/* section_repeat.c - everything that is needed to do the search again: versions, devices, commands, the config in full.
 *
 * A study repeats from its config alone: every option is in it, and random numbers come from its seed.  So the config that the study
 * began with is printed whole, to be copied into a file; where a resume has changed it, what was in effect at the end, too. */
#include "sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 32 };

static nas_status stored(const nas__subject *subject, const char *key, nas_text *value)
{
    bool found = false;
    nas_text_reset(value);
    return nas_study_get(subject->view.study, key, value, &found);
}

/* The devices that trials record, each once. */
static void add_devices(const nas__subject *subject, nas__pairs *facts, nas_text *words)
{
    const char *seen[DEVICES];
    int count = 0;
    for (int i = 0; i < subject->count; i++) {
        const char *device = nas_study_trial(subject->study, i)->device;
        bool known = !*device;
        for (int k = 0; k < count && !known; k++)
            known = strcmp(seen[k], device) == 0;
        if (!known && count < DEVICES)
            seen[count++] = device;
    }
    for (int i = 0; i < count; i++)
        nas_text_format(words, "%s%s", i ? "; " : "", seen[i]);
    nas__pairs_take(facts, "Devices that worked", words);
}

static nas_status write_facts(const nas__subject *subject, nas_text *page)
{
    nas__pairs facts = {.count = 0};
    nas_text words = {0};
    int major, minor, patch;
    nas_status status = stored(subject, "program", &words);
    if (status == NAS_OK)
        nas__pairs_take(&facts, "Made by", &words);
    if (status == NAS_OK)
        status = stored(subject, "created", &words);
    if (status == NAS_OK) {
        const int64_t created = words.data ? strtoll(words.data, NULL, 10) : 0;
        nas_text_reset(&words);
        nas__time_words(&words, created);
        nas__pairs_take(&facts, "Begun on", &words);
    }
    nas_version(&major, &minor, &patch);
    nas_text_reset(&words);
    nas_text_format(&words, "clnas %d.%d.%d", major, minor, patch);
    nas__pairs_take(&facts, "This page by", &words);
    nas_text_format(&words, "%lld", (long long)subject->config->seed);
    nas__pairs_take(&facts, "Seed", &words);
    add_devices(subject, &facts, &words);
    if (status == NAS_OK)
        status = stored(subject, "data", &words);
    if (status == NAS_OK)
        nas__pairs_take(&facts, "Hash of the data", &words);
    nas__pairs_write(&facts, page, nas__page_facts);
    nas_text_clear(&words);
    return status;
}

/* "clnas show 'my.study:17'" in a line of its own, with what follows the study. */
static void add_command(const char *command, const char *study, const char *more, nas_text *words)
{
    nas_text_format(words, "clnas %s ", command);
    nas_text_add_word(words, study);
    nas_text_format(words, "%s\n", more);
}

static void write_commands(const nas__subject *subject, nas_text *page)
{
    const char *path = subject->view.path;
    nas_text words = {0}, best = {0};
    nas_text_add(&words, "# the config below in a file, then\nclnas search FILE.cfg\n\n"
                         "# this study: go on, look at it, compare two runs of it\n");
    add_command("resume", path, "", &words);
    add_command("trials", path, "", &words);
    add_command("trials", path, " --canonical | sha256sum", &words);
    if (subject->best_count > 0) {
        nas_text_format(&best, "%s:%d", path, subject->best[0]);
        const char *trial = nas__part(&best, page);
        nas_text_add(&words,
                     "\n# the best network: look at it, train it again, take it elsewhere\n");
        add_command("show", trial, "", &words);
        add_command("train", trial, "", &words);
        add_command("export", trial, " --to onnx -o net.onnx", &words);
    }
    nas__page_code(page, nas__part(&words, page));
    nas_text_clear(&words);
    nas_text_clear(&best);
}

nas_status nas__section_repeat(nas__subject *subject, nas_text *page)
{
    nas_text config = {0}, options = {0};
    nas_status status = write_facts(subject, page);
    if (status == NAS_OK)
        status = stored(subject, "config", &config);
    if (status == NAS_OK)
        status = stored(subject, "options", &options);
    if (status == NAS_OK) {
        write_commands(subject, page);
        nas__page_fold_begin(page, "The config, every option with its value");
        nas__page_code(page, nas__part(&config, page));
        nas__page_fold_end(page);
    }
    if (status == NAS_OK && config.data && options.data && strcmp(config.data, options.data) != 0) {
        nas__page_fold_begin(page, "In effect at the end: as devices and resumes have changed it");
        nas__page_code(page, nas__part(&options, page));
        nas__page_fold_end(page);
    }
    nas_text_clear(&config);
    nas_text_clear(&options);
    return status;
}

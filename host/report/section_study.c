/* section_study.c - what was searched and how, and how far it is: big numbers, one sentence, a list of facts.
 *
 * The whole config stands at the end of the page; here is what a reader wants to know first, in the words of the descriptors
 * (`clnas describe`), with only those options that are not the defaults. */
#include "sections.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- how far it is ------------------------------------------------------------------------------------------------- */

static void write_figures(const nas__subject *subject, nas_text *page)
{
    const nas_progress *p = &subject->progress;
    nas__pairs figures = {.count = 0};
    nas_text value = {0};
    char label[NAS_NAME_SIZE + 32];
    if (p->has_best) {
        nas__metric_value(&value, p->best_metric, p->best_value);
        snprintf(label, sizeof label, "best %s", p->best_metric);
        nas__pairs_take(&figures, label, &value);
    }
    nas__number_words(&value, (double)p->done);
    if (p->total > 0) {
        nas_text_add(&value, " of ");
        nas__number_words(&value, (double)p->total);
    }
    nas__pairs_take(&figures, "trials done", &value);
    if (p->failed > 0) {
        nas__number_words(&value, (double)p->failed);
        nas__pairs_take(&figures, "of them failed", &value);
    }
    if (p->running > 0) {
        nas__number_words(&value, (double)p->running);
        nas__pairs_take(&figures, "running now", &value);
    }
    if (subject->result_count > 0 && isfinite(subject->results[0].test_score)) {
        nas__metric_value(&value, subject->results[0].score, subject->results[0].test_score);
        snprintf(label, sizeof label, "test %s, retrained", subject->results[0].score);
        nas__pairs_take(&figures, label, &value);
    }
    nas__number_duration(&value, p->run_s);
    nas__pairs_take(&figures, "running time", &value);
    nas__pairs_write(&figures, page, nas__page_figures);
    nas_text_clear(&value);
}

/* "The search goes on: 7.1 trials a minute, about 3:20 to go." */
static void write_state(const nas__subject *subject, nas_text *page)
{
    const nas_progress *p = &subject->progress;
    nas_text words = {0};
    if (p->running > 0) {
        nas_text_add(&words, "The search goes on");
        if (p->per_minute > 0) {
            nas_text_add(&words, ", with ");
            nas__number_words(&words, p->per_minute);
            nas_text_add(&words, " trials a minute");
        }
        if (p->eta_s >= 0) {
            nas_text_add(&words, " and about ");
            nas__number_duration(&words, p->eta_s);
            nas_text_add(&words, " to go");
        }
        nas_text_add(&words, ": this page shows it as it was when the page was made.");
    } else if (subject->count == 0) {
        nas_text_add(&words, "No trial has begun yet.");
    } else if (p->total > 0 && p->done >= p->total) {
        nas_text_add(&words, "All trials of the budget are done.");
    } else {
        nas_text_add(&words, "Nothing runs now. Unless another end of the budget was reached, the "
                             "search can go on: clnas resume ");
        nas_text_add_word(&words, subject->view.path);
    }
    if (!p->has_best && subject->count > 0)
        nas_text_add(&words, " There is no complete network yet.");
    nas__page_words(page, nas__part(&words, page));
    nas_text_clear(&words);
}

/* ---- facts --------------------------------------------------------------------------------------------------------- */

#define NAS__KIND(found) ((found) ? &(found)->kind : NULL)

static void add_space(nas__subject *subject, nas__pairs *facts, nas_text *words)
{
    const nas_config *config = subject->config;
    const nas_space *space = nas_space_find(nas__group_type(&config->space));
    const nas_domain *domain = nas__subject_domain(subject);
    double size = 0;
    bool exact = false;
    nas__group_words(words, &config->space, NAS__KIND(space));
    nas__pairs_take(facts, "Space", words);
    const bool countable = domain && domain->space->size;
    if (countable && !nas_domain_size(domain, &size, &exact)) {
        facts->failed = true; /* there was no memory to count in */
    } else if (countable) {
        nas__number_words(words, size);
        nas_text_add(words, exact ? " architectures" : " architectures at most");
        nas_text_format(words, ", written as %d genes", domain->count);
        nas__pairs_take(facts, "Its size", words);
    }
}

static void add_data(nas__subject *subject, nas__pairs *facts, nas_text *words)
{
    const nas_config *config = subject->config;
    const nas_dataset *dataset = nas_dataset_find(nas__group_type(&config->data));
    const nas_domain *domain = nas__subject_domain(subject);
    const nas_value *path = nas_value_member(&config->data, "path");
    nas_text_add(words, nas__group_type(&config->data));
    if (dataset)
        nas_text_format(words, ": %s", dataset->kind.summary);
    if (path && path->text && *path->text)
        nas_text_format(words, ". Path: %s", path->text);
    nas__pairs_take(facts, "Data", words);
    if (domain) {
        nas_text_format(words, "%d × %d × %d in, %d out", domain->input.c, domain->input.h,
                        domain->input.w, domain->classes);
    } else {
        nas_text_add(words, subject->no_domain);
    }
    nas__pairs_take(facts, domain ? "Shape" : "Not opened", words);
}

static void add_devices(const nas__subject *subject, nas__pairs *facts, nas_text *words)
{
    const nas_config *config = subject->config;
    for (int i = 0; i < config->device_count; i++) {
        const nas_device_wish *wish = &config->devices[i];
        nas_text_format(words, "%s%s (%s)", i ? ", " : "", wish->name, wish->match);
        if (wish->workers > 1)
            nas_text_format(words, " with %lld workers", (long long)wish->workers);
    }
    if (config->device_count == 0)
        nas_text_add(words, "the best one there was");
    nas__pairs_take(facts, "Devices", words);
}

static void add_training(const nas__subject *subject, nas__pairs *facts, nas_text *words)
{
    const nas_config *config = subject->config;
    const nas_evaluator *evaluator = nas_evaluator_find(nas__group_type(&config->evaluate));
    nas__group_words(words, &config->evaluate, NAS__KIND(evaluator));
    nas__pairs_take(facts, "Evaluation", words);
    if (config->train.item_count > 0 && strcmp(nas__group_type(&config->evaluate), "table") != 0) {
        nas__settings_words(words, &config->train, &nas_train_kind);
        nas__pairs_take(facts, "Training", words);
    }
    if (config->retrain.top > 0) {
        nas_text_format(words, "the best %lld, %lld %s, on %s", (long long)config->retrain.top,
                        (long long)config->retrain.repeats,
                        config->retrain.repeats == 1 ? "time" : "times",
                        config->retrain.with_valid ? "the training and validation splits"
                                                   : "the training split");
        nas__pairs_take(facts, "Retraining", words);
    }
}

static void write_facts(nas__subject *subject, nas_text *page)
{
    const nas_config *config = subject->config;
    const nas_strategy *strategy = nas_strategy_find(nas__group_type(&config->strategy));
    nas__pairs facts = {.count = 0};
    nas_text words = {0};
    nas__objectives_words(&words, &config->objectives);
    nas__pairs_take(&facts, "Objectives", &words);
    nas__bounds_words(&words, &config->objectives);
    nas__pairs_take(&facts, "Bounds", &words);
    add_data(subject, &facts, &words);
    add_space(subject, &facts, &words);
    nas__group_words(&words, &config->strategy, NAS__KIND(strategy));
    nas__pairs_take(&facts, "Strategy", &words);
    add_training(subject, &facts, &words);
    nas__budget_words(&words, config);
    nas__pairs_take(&facts, "Budget", &words);
    add_devices(subject, &facts, &words);
    nas_text_format(&words, "%lld", (long long)config->seed);
    nas__pairs_take(&facts, "Seed", &words);
    nas__pairs_write(&facts, page, nas__page_facts);
    nas_text_clear(&words);
}

nas_status nas__section_study(nas__subject *subject, nas_text *page)
{
    write_figures(subject, page);
    write_state(subject, page);
    write_facts(subject, page);
    return NAS_OK;
}

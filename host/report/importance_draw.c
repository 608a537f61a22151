/* importance_draw.c - the importance of genes as bars, and what to make of them in words.
 *
 * Next: importance.c has the method. */
#include "drawing.h"
#include "importance.h"

#include <math.h>

/* The share, and what each choice came to: "sep_conv_3x3: 0.912 of 17". */
static void hover(const void *user, int i, nas_text *text)
{
    const nas__importance *importance = user;
    const nas__gene_importance *gene = &importance->genes[i];
    nas_text_format(text, "%s: ", gene->name);
    nas__number_percent(text, gene->share);
    if (isfinite(gene->low)) {
        nas_text_add(text, ", 95 % between ");
        nas__number_percent(text, gene->low);
        nas_text_add(text, " and ");
        nas__number_percent(text, gene->high);
    }
    for (int c = 0; c < importance->domain->genes[gene->gene].choices; c++) {
        if (gene->choices[c].count == 0)
            continue;
        nas_text_add(text, "\n");
        nas_domain_describe_choice(importance->domain, gene->gene, c, text);
        nas_text_add(text, ": ");
        nas__number_words(text, gene->choices[c].mean);
        nas_text_format(text, " of %d", gene->choices[c].count);
    }
}

void nas__importance_draw(const nas__importance *importance, const char *metric, bool alone,
                          nas_text *svg)
{
    const char *names[NAS__IMPORTANCE_SHOWN];
    double share[NAS__IMPORTANCE_SHOWN], place[NAS__IMPORTANCE_SHOWN];
    double low[NAS__IMPORTANCE_SHOWN], high[NAS__IMPORTANCE_SHOWN];
    nas_text title = {0};
    int count = 0;
    for (; count < importance->count && count < NAS__IMPORTANCE_SHOWN; count++) {
        const nas__gene_importance *gene = &importance->genes[count];
        names[count] = gene->name;
        share[count] = gene->share;
        place[count] = count;
        low[count] = gene->low;
        high[count] = gene->high;
    }
    nas_text_format(&title, "Importance of genes for %s", metric);
    const nas__chart chart = {
        .title = nas__part(&title, svg),
        .x_label = "share of the variance that the gene explains by itself",
        .percent = true,
        .series_count = 1,
        .series = {{.mark = NAS__BARS,
                    .count = count,
                    .x = share,
                    .y = place,
                    .low = low,
                    .high = high,
                    .hover = hover,
                    .user = importance}},
        .categories = names,
        .category_count = count,
    };
    nas__chart_draw(&chart, alone, svg);
    nas_text_clear(&title);
}

/* Shown genes that went along with another one, the first three by name. */
static void warn_of_partners(const nas__importance *importance, nas_text *text)
{
    int found = 0;
    for (int g = 0; g < importance->count && g < NAS__IMPORTANCE_SHOWN; g++) {
        const nas__gene_importance *gene = &importance->genes[g];
        if (gene->association < NAS__IMPORTANCE_WARNS || ++found > 3)
            continue;
        nas_text_add(text, found == 1 ? " Careful: in these trials " : ", and ");
        nas_text_format(text, "\"%s\" went along with \"", gene->name);
        nas_domain_describe_gene(importance->domain, gene->partner, text);
        nas_text_add(text, "\" (V = ");
        nas__number_fixed(text, gene->association, 2, false);
        nas_text_add(text, ")");
    }
    if (found > 3)
        nas_text_format(text, ", and %d more", found - 3);
    if (found > 0)
        nas_text_add(text, "; what one does cannot be told from what the other does.");
}

void nas__importance_words(const nas__importance *importance, nas_text *text)
{
    nas_text_format(text, "From %d trials", importance->trials);
    if (importance->budget > 0) {
        nas_text_add(text, " with a budget of ");
        nas__number_words(text, importance->budget);
    }
    if (importance->other_budget > 0)
        nas_text_format(text, " (%d with another budget are left out)", importance->other_budget);
    nas_text_add(text, ": the share of the variance between them that a gene explains by itself, "
                       "corrected for chance, with a 95 % interval by bootstrap. What genes do "
                       "only together is in none of the shares.");
    if (importance->count > NAS__IMPORTANCE_SHOWN)
        nas_text_format(text, " The %d most important of %d genes are shown.",
                        NAS__IMPORTANCE_SHOWN, importance->count);
    if (importance->fixed > 0)
        nas_text_format(text, " Of %d more all trials took the same choice.", importance->fixed);
    warn_of_partners(importance, text);
}

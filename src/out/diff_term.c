/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a comparison for a terminal: who was compared, a summary, and the sites that differ. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

#include "out/diff.h"
#include "out/term_priv.h"

#define INDENT	  3
#define MAX_TYPES 4

static void put_item(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put_item(struct line *l, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line_item(l, text);
}

static void put_watch(struct line *l, const char *name, const struct compare_watch *w)
{
	char n[48];

	line_style(l, STYLE_BOLD);
	line_printf(l, "%s ", name);
	line_style(l, STYLE_PLAIN);
	line_text(l, w->n_files ? w->files[0] : "?");
	if (w->n_files > 1)
		line_printf(l, " and %zu more", w->n_files - 1);
	line_text(l, ": ");
	if (w->comm && *w->comm)
		line_item(l, w->comm);
	if (w->processes != 1)
		put_item(l, "%" PRIu64 " processes", w->processes);
	if (w->hosts > 1)
		put_item(l, "%" PRIu64 " hosts", w->hosts);
	if (isfinite(w->duration_s))
		put_item(l, "watched for %s", fmt_duration(n, sizeof(n), w->duration_s));
	if (w->rss_bytes != REPORT_UNKNOWN)
		put_item(l, "RSS %s", fmt_bytes(n, sizeof(n), (double)w->rss_bytes));
	if (isfinite(w->rss_growth_bytes_per_s))
		line_item(l, term_rate(n, sizeof(n), w->rss_growth_bytes_per_s, false));
	if (w->processes) {
		line_text(l, "  ");
		term_class(l, w->verdict);
	}
	line_end(l);
}

static void put_count(struct line *l, uint64_t n, const char *words)
{
	if (n)
		put_item(l, "%" PRIu64 " %s", n, words);
}

static void put_summary(struct line *l, const struct compare *c)
{
	const uint64_t *n = c->count;

	line_style(l, STYLE_BOLD);
	line_text(l, c->differs	  ? "B differs from A: "
		     : !c->n_rows ? "Nothing grows in A, nor in B."
				  : "No difference that is more than chance: ");
	line_style(l, STYLE_PLAIN);
	put_count(l, n[COMPARE_NEW], "new");
	put_count(l, n[COMPARE_GREW], "grew");
	put_count(l, n[COMPARE_SHRANK], "shrank");
	put_count(l, n[COMPARE_GONE], "gone");
	put_count(l, n[COMPARE_SAME], "the same");
	put_count(l, n[COMPARE_UNSURE], "with too few samples to tell");
	line_end(l);
	if (c->a.processes > 1 || c->b.processes > 1) {
		line_pad(l, INDENT);
		line_put(l, "rates are of one process, on the average of those with its command "
			    "line");
	}
}

static const char *unit_of(const struct report_site *s)
{
	return s->kind > KIND_MMAP ? term_units(s) : "blocks";
}

static void put_rate(struct line *l, const struct compare_row *row, double v)
{
	const struct report_site *s = row->site;
	char n[48];

	if (!(v > 0)) {
		line_text(l, "nothing");
	} else if (!strcmp(row->unit, "bytes")) {
		line_text(l, term_rate(n, sizeof(n), v, s->estimated));
	} else {
		line_printf(l, "+%s %s/s", fmt_count(n, sizeof(n), v), unit_of(s));
	}
}

static void put_change(struct line *l, const struct compare_row *row)
{
	static const enum style style[COMPARE_MAX] = {
		[COMPARE_NEW] = STYLE_RED,     [COMPARE_GREW] = STYLE_RED,
		[COMPARE_SHRANK] = STYLE_CYAN, [COMPARE_GONE] = STYLE_CYAN,
		[COMPARE_UNSURE] = STYLE_DIM,  [COMPARE_SAME] = STYLE_DIM,
	};
	static const char *const word[COMPARE_MAX] = {
		[COMPARE_NEW] = "NEW",	 [COMPARE_GREW] = "GREW",     [COMPARE_SHRANK] = "shrank",
		[COMPARE_GONE] = "gone", [COMPARE_UNSURE] = "unsure", [COMPARE_SAME] = "same",
	};

	line_style(l, style[row->is]);
	line_text(l, word[row->is]);
	line_style(l, STYLE_PLAIN);
	line_text(l, "  ");
	put_rate(l, row, row->a_per_s);
	line_text(l, " -> ");
	put_rate(l, row, row->b_per_s);
	if (isfinite(row->ratio))
		line_printf(l, ", x%.2f (%.2f - %.2f)", row->ratio, row->ratio_low,
			    row->ratio_high);
	if (isfinite(row->chance) && row->is <= COMPARE_GONE)
		line_printf(l, ", chance %s%.1f %%", row->chance < 0.001 ? "below " : "",
			    fmax(100 * row->chance, 0.1));
}

static void put_samples(struct line *l, const struct report_site *s, const char *name)
{
	if (s && s->samples != REPORT_UNKNOWN)
		put_item(l, "%" PRIu64 " in %s", s->samples, name);
}

static void put_facts(struct line *l, const struct compare_row *row)
{
	const struct report_site *s = row->site;

	line_pad(l, INDENT);
	if (row->a && row->b && row->a->verdict != row->b->verdict) {
		term_class(l, row->a->verdict);
		line_text(l, " -> ");
	}
	term_class(l, s->verdict);
	line_text(l, "  samples: ");
	put_samples(l, row->a, "A");
	put_samples(l, row->b, "B");
	put_item(l, "site %s", s->id);
	if (row->part_of)
		put_item(l, "same cause as %.16s", row->part_of);
	if (row->by_line)
		line_item(l, "the same by line number");
	line_end(l);
}

static void put_types(struct line *l, const struct report_site *s)
{
	if (!s->n_types && !s->held_by.path)
		return;
	line_pad(l, INDENT);
	for (size_t i = 0; i < s->n_types && i < MAX_TYPES; i++)
		term_type(l, &s->types[i]);
	if (s->held_by.path) {
		line_text(l, s->n_types ? ", held by " : "held by ");
		line_text(l, s->held_by.path);
	}
	line_end(l);
}

static void put_cause(struct line *l, const struct compare_cause *c)
{
	char a[48], b[48];

	line_style(l, STYLE_BOLD);
	line_printf(l, "One cause, %" PRIu64 " places: ", c->places);
	line_style(l, STYLE_PLAIN);
	line_put(l, "%s -> %s together",
		 c->a_per_s > 0 ? term_rate(a, sizeof(a), c->a_per_s, true) : "nothing",
		 c->b_per_s > 0 ? term_rate(b, sizeof(b), c->b_per_s, true) : "nothing");
}

static void put_row(struct line *l, const struct compare_row *row, size_t rank, bool verbose)
{
	const struct report_site *s = row->site;

	line_end(l);
	if (row->cause.a_per_s > 0 || row->cause.b_per_s > 0)
		put_cause(l, &row->cause);
	line_style(l, STYLE_BOLD);
	line_printf(l, "#%zu ", rank);
	line_style(l, STYLE_PLAIN);
	put_change(l, row);
	line_end(l);
	put_facts(l, row);
	put_types(l, s);
	if (row->is <= COMPARE_GREW)
		term_hint(l, &s->hint);
	term_stack(l, s, verbose);
}

static void put_rows(struct line *l, const struct compare *c, const struct out_term_opts *o)
{
	size_t shown = 0, wanted = 0;

	for (size_t i = 0; i < c->n_rows; i++) {
		if (c->rows[i].is > COMPARE_GONE && !o->verbose)
			continue;
		wanted++;
		if (o->verbose || shown < o->top)
			put_row(l, &c->rows[i], ++shown, o->verbose);
	}
	if (shown < wanted) {
		line_end(l);
		line_put(l, "%zu more differ (-T or -v shows them)", wanted - shown);
	}
}

int diff_term(FILE *f, const struct compare *c, const struct out_term_opts *o)
{
	struct line l;
	int err;

	line_init(&l, f, o->width, o->color);
	put_watch(&l, "A", &c->a);
	put_watch(&l, "B", &c->b);
	put_summary(&l, c);
	put_rows(&l, c, o);
	err = l.err;
	line_fini(&l);
	if (fflush(f) != 0 && err == 0)
		err = errno;
	return err ? fail(-err, "cannot write the comparison: %s", strerror(err)) : 0;
}

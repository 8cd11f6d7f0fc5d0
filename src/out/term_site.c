/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes one site of the terminal report: rank, verdict, rates, types, holder, remedy, stack. */
#include <inttypes.h>
#include <math.h>

#include "out/term_priv.h"
#include "report/descriptors.h"

#define INDENT	   3
#define MAX_TYPES  4   /* types shown without -v */
#define MUCH_WASTE 0.1 /* share of the bytes asked for above which waste is told */

const char *term_units(const struct report_site *s)
{
	static const char *const name[KIND_MAX] = {
		[KIND_OBJECT] = "objects", [KIND_HEAP] = "blocks",    [KIND_MMAP] = "mappings",
		[KIND_FD] = "descriptors", [KIND_THREAD] = "threads",
	};

	if (report_is_child(s))
		return "children";
	return (unsigned)s->kind < KIND_MAX ? name[s->kind] : "objects";
}

/* The same for @n of them, as it is written: "1 block". */
static const char *units_of(const struct report_site *s, const char *n)
{
	static const char *const one[KIND_MAX] = {
		[KIND_OBJECT] = "object", [KIND_HEAP] = "block",    [KIND_MMAP] = "mapping",
		[KIND_FD] = "descriptor", [KIND_THREAD] = "thread",
	};

	if (strcmp(n, "1") != 0 || (unsigned)s->kind >= KIND_MAX)
		return term_units(s);
	return report_is_child(s) ? "child" : one[s->kind];
}

static void put_rates(struct line *l, const struct report_site *s)
{
	const char *about = s->estimated ? "~" : "";
	char text[128], n[48];

	/* if all processes of a merged site have ended it has no rate; descriptors have no bytes */
	if (s->processes && s->verdict <= CLASS_GROWING && !(fabs(s->growth_bytes_per_s) > 0) &&
	    !s->growth_count_per_s) {
		line_item(l, "grew until its processes ended");
		return;
	}
	if (isfinite(s->growth_bytes_per_s))
		line_item(l, term_rate(n, sizeof(n), s->growth_bytes_per_s, s->estimated));
	if (isfinite(s->growth_count_per_s)) {
		fmt_count(n, sizeof(n), fabs(s->growth_count_per_s));
		snprintf(text, sizeof(text), "%s%c%s %s/s", about,
			 s->growth_count_per_s < 0 ? '-' : '+', n, units_of(s, n));
		line_item(l, text);
	}
	if (!isfinite(s->growth_bytes_per_s) && !isfinite(s->growth_count_per_s))
		line_item(l, "growth not known yet");
}

static void put_numbers(struct line *l, const struct report_site *s, bool verbose)
{
	char text[128], n[32];

	put_rates(l, s);
	if (s->estimated && s->samples != REPORT_UNKNOWN) {
		snprintf(text, sizeof(text), "from %" PRIu64 " sample%s", s->samples,
			 s->samples == 1 ? "" : "s");
		line_item(l, text);
	}
	if (isfinite(s->oldest_s)) {
		snprintf(text, sizeof(text), "oldest %s", fmt_duration(n, sizeof(n), s->oldest_s));
		line_item(l, text);
	}
	if (verbose && isfinite(s->confidence)) {
		snprintf(text, sizeof(text), "confidence %.2f", s->confidence);
		line_item(l, text);
	}
	if (s->processes) {
		snprintf(text, sizeof(text), "in %" PRIu64 " process%s", s->processes,
			 s->processes == 1 ? "" : "es");
		line_item(l, text);
	}
	snprintf(text, sizeof(text), "site %s", s->id);
	line_item(l, text);
	if (s->part_of) {
		snprintf(text, sizeof(text), "same cause as %.16s", s->part_of);
		line_item(l, text);
	}
	line_end(l);
}

/* Names the user's own line; of memory without one, the innermost C code, as its sentence does. */
static bool name_place(const struct report_site *s, char *buf, size_t size)
{
	const struct report_frame *caller = report_caller_frame(s), *f = s->stack;
	const struct report_frame *own = caller ? caller : report_own_frame(s);

	if (own)
		snprintf(buf, size, "%s%s:%d", caller ? REPORT_UNKNOWN_CODE : "",
			 file_source_name(own->file), own->line);
	if (own || s->kind == KIND_OBJECT)
		return own;
	while (f < s->stack + s->n_frames && !(f->native && f->module && *f->module))
		f++;
	if (f == s->stack + s->n_frames)
		return false;
	snprintf(buf, size, "%s", file_name(f->module));
	return true;
}

/* Writes the place first, then the growth of all sites of its cause together. */
static void put_headline(struct line *l, const struct report_site *s, const struct term_place *at,
			 bool verbose)
{
	char text[300], n[48];

	line_style(l, STYLE_BOLD);
	line_printf(l, "#%zu ", at->rank);
	line_style(l, STYLE_PLAIN);
	term_class(l, s->verdict);
	line_text(l, "  ");
	if (name_place(s, text, sizeof(text))) {
		line_style(l, STYLE_BOLD);
		line_words(l, text);
		line_style(l, STYLE_PLAIN);
		line_text(l, "  ");
	}
	if (at->places && s->kind <= KIND_MMAP) {
		term_rate(n, sizeof(n), at->bytes_per_s, true);
		snprintf(text, sizeof(text), "%s in %zu places", n, at->places);
		line_words(l, text);
		if (at->parts && at->places == at->parts + 1)
			line_words(l, " (-v shows them)");
		else if (at->parts)
			line_printf(l, " (-v shows %zu)", at->parts + 1);
		line_end(l);
		line_pad(l, INDENT);
		line_text(l, "the first: ");
	}
	put_numbers(l, s, verbose);
	if (at->places && s->kind > KIND_MMAP) {
		line_pad(l, INDENT);
		line_printf(l, "memory that comes with them: %s in %zu place%s",
			    term_rate(n, sizeof(n), at->bytes_per_s, true), at->places - 1,
			    at->places == 2 ? "" : "s");
		line_end(l);
	}
}

/* Writes "~12.3 MiB in ~34 k objects"; false when neither is known. */
static bool put_held(struct line *l, const struct report_site *s)
{
	const char *about = s->estimated ? "~" : "";
	bool has_bytes = isfinite(s->outstanding_bytes);
	char n[32];

	if (has_bytes)
		line_printf(l, "%s%s", about, fmt_bytes(n, sizeof(n), s->outstanding_bytes));
	if (isfinite(s->outstanding_count)) {
		fmt_count(n, sizeof(n), s->outstanding_count);
		line_printf(l, "%s%s%s %s", has_bytes ? " in " : "", about, n, units_of(s, n));
	}
	if (s->kind == KIND_HEAP && s->waste_bytes > MUCH_WASTE * s->outstanding_bytes)
		line_printf(l, " and %s%s lost to rounding up", about,
			    fmt_bytes(n, sizeof(n), s->waste_bytes));
	return has_bytes || isfinite(s->outstanding_count);
}

void term_type(struct line *l, const struct report_type *t)
{
	auto_free char *text = NULL;
	char share[32] = "";

	if (isfinite(t->share))
		term_percent(share, sizeof(share), t->share * 100);
	if (asprintf(&text, "%s%s%s", t->name ? t->name : "?", *share ? " " : "", share) < 0)
		text = NULL;
	line_item(l, text ? text : "?");
}

static void put_types(struct line *l, const struct report_site *s, bool verbose)
{
	size_t n_shown = verbose || s->n_types < MAX_TYPES ? s->n_types : MAX_TYPES;
	char more[32];

	line_pad(l, INDENT);
	if (put_held(l, s))
		line_text(l, s->n_types ? " so far: " : " so far");
	else if (s->n_types == 0)
		line_text(l, "types not known");
	for (size_t i = 0; i < n_shown; i++)
		term_type(l, &s->types[i]);
	if (n_shown < s->n_types) {
		snprintf(more, sizeof(more), "%zu more", s->n_types - n_shown);
		line_item(l, more);
	}
	line_end(l);
}

/* The lines of a remedy keep their indentation. */
void term_hint(struct line *l, const struct report_hint *h)
{
	const char *at = h->text ? h->text : "";

	if (!h->code)
		return;
	line_pad(l, INDENT);
	line_style(l, STYLE_CYAN);
	line_text(l, h->code);
	line_style(l, STYLE_PLAIN);
	if (*at)
		line_text(l, ": ");
	while (*at) {
		auto_free char *one = strndup(at, strcspn(at, "\n"));

		line_words(l, one ? one : "");
		at += strcspn(at, "\n");
		if (*at++ != '\n')
			break;
		line_end(l);
		line_pad(l, 2 * INDENT);
	}
	line_end(l);
}

static void put_holder(struct line *l, const struct report_held *h)
{
	char share[32] = "";

	if (!h->path)
		return;
	line_pad(l, INDENT);
	line_style(l, STYLE_CYAN);
	line_text(l, "held by");
	line_style(l, STYLE_PLAIN);
	if (isfinite(h->share))
		snprintf(share, sizeof(share), " (%.0f %%)", 100 * h->share);
	line_text(l, share);
	line_text(l, ": ");
	line_words(l, h->path);
	line_end(l);
}

/* The words of a reason behind the rate, "no full collection has looked at it yet"; NULL: none. */
static const char *behind_rate(const char *reason)
{
	static const char *const join[] = {"/s; ", "/s, but "};
	const char *at;

	for (size_t i = 0; i < ARRAY_SIZE(join); i++) {
		at = strstr(reason, join[i]);
		if (at)
			return at + strlen(join[i]);
	}
	return NULL;
}

/* Writes the reason of a GROWING site: it says what is missing for a leak. For many processes it is
 * that of one, without its rate, which would stand beside the sum of all. */
static void put_reason(struct line *l, const struct report_site *s, bool verbose)
{
	bool is_sum = s->processes > 1;
	const char *text = s->reason && is_sum ? behind_rate(s->reason) : s->reason;

	if (!text || !*text || (s->verdict != CLASS_GROWING && !verbose))
		return;
	line_pad(l, INDENT);
	line_text(l, is_sum ? "in one of these processes: " : "");
	line_words(l, text);
	line_end(l);
}

static void put_same_hint(struct line *l, const struct report_hint *h, size_t as)
{
	line_pad(l, INDENT);
	line_style(l, STYLE_CYAN);
	line_text(l, h->code);
	line_style(l, STYLE_PLAIN);
	line_put(l, ": as #%zu", as);
}

void term_site(struct line *l, const struct report_site *s, struct term_place at, bool verbose)
{
	line_end(l);
	put_headline(l, s, &at, verbose);
	put_reason(l, s, verbose);
	put_types(l, s, verbose);
	put_holder(l, &s->held_by);
	if (at.as)
		put_same_hint(l, &s->hint, at.as);
	else
		term_hint(l, &s->hint);
	term_stack(l, s, verbose);
}

static bool same_line(const struct report_frame *a, const struct report_frame *b)
{
	return a && b && a->line == b->line && !strcmp(a->file, b->file);
}

/* The line of the program that called for site @k, where that is a part of finding @i that is not
 * shown; else NULL. */
static const struct report_frame *line_of_part(const struct report_process *p, size_t k, size_t i,
					       const size_t *whole, const bool *shown)
{
	return whole[k] == i && !shown[k] ? report_program_frame(&p->sites[k]) : NULL;
}

static void put_part(struct line *l, const struct report_frame *line, double bytes_per_s)
{
	char text[300], n[48];

	snprintf(text, sizeof(text), "%s:%d %s", file_source_name(line->file), line->line,
		 term_rate(n, sizeof(n), bytes_per_s, true));
	line_item(l, text);
}

/* Writes the other lines of the program that have parts of finding @i, with what each grows by. */
static void put_lines(struct line *l, const struct report_process *p, size_t i, const size_t *whole,
		      const bool *shown)
{
	const struct report_frame *own = report_program_frame(&p->sites[i]), *line;
	size_t told = 0;

	for (size_t k = 0; k < p->n_sites; k++) {
		bool is_told;
		double sum = 0;

		line = line_of_part(p, k, i, whole, shown);
		is_told = !line || same_line(line, own);
		for (size_t j = 0; j < k && !is_told; j++)
			is_told = same_line(line, line_of_part(p, j, i, whole, shown));
		for (size_t j = k; j < p->n_sites && !is_told; j++)
			if (same_line(line, line_of_part(p, j, i, whole, shown)) &&
			    isfinite(p->sites[j].growth_bytes_per_s))
				sum += p->sites[j].growth_bytes_per_s;
		if (is_told)
			continue;
		if (!told++) {
			line_pad(l, INDENT);
			line_text(l, "parts of it: ");
		}
		put_part(l, line, sum);
	}
	if (told)
		line_end(l);
}

void term_finding(struct line *l, const struct report_process *p, size_t i, struct term_place at,
		  const size_t *whole, const bool *shown, bool verbose)
{
	term_site(l, &p->sites[i], at, verbose);
	put_lines(l, p, i, whole, shown);
}

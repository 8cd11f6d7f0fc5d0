/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the processes of a host on one screen: the sums first, then those that are not steady,
 * each with its first line. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "out/term_priv.h"

#define TREND_S 30

static void put_sum(struct line *l, const struct report *r)
{
	size_t n[CLASS_MAX] = {0}, early = 0;
	char text[64];

	for (size_t i = 0; i < r->n_processes; i++)
		if (report_is_too_early(&r->processes[i]))
			early++;
		else if ((unsigned)r->processes[i].verdict < CLASS_MAX)
			n[r->processes[i].verdict]++;
	line_style(l, STYLE_BOLD);
	snprintf(text, sizeof(text), "%zu Python process%s", r->n_processes,
		 r->n_processes == 1 ? "" : "es");
	line_text(l, text);
	line_style(l, STYLE_PLAIN);
	line_text(l, r->n_processes ? ": " : "");
	for (int c = 0; c < CLASS_MAX; c++) {
		if (!n[c])
			continue;
		snprintf(text, sizeof(text), "%zu %s", n[c],
			 report_class_name((enum report_class)c));
		line_item(l, text);
	}
	if (early) {
		snprintf(text, sizeof(text), "%zu too early to say", early);
		line_item(l, text);
	}
	line_end(l);
}

/* Writes a sentence, wrapped rather than cut where the terminal is narrow. */
static void __attribute__((format(printf, 2, 3))) put_sentence(struct line *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line_words(l, text);
	line_end(l);
}

/* Tells of processes that could not be looked at: they are not in the sums. */
static void put_not_watched(struct line *l, const struct report *r)
{
	if (r->not_watched)
		put_sentence(l, "%" PRIu64 " process%s could not be looked at; %s%s",
			     r->not_watched, r->not_watched == 1 ? "" : "es",
			     r->not_watched == 1 ? "" : "the last reason: ",
			     r->not_watched_why ? r->not_watched_why : "why is not known");
}

static void put_process(struct line *l, const struct report_process *p)
{
	char text[256], n[32], rate[48];

	term_verdict(l, p);
	line_text(l, "  ");
	term_name(p, text, sizeof(text));
	line_item(l, text);
	if (p->container.id) {
		term_container(&p->container, text, sizeof(text));
		line_item(l, text);
	}
	if (p->exited)
		line_item(l, term_end(p));
	if (p->python_version) {
		snprintf(text, sizeof(text), "CPython %s", p->python_version);
		line_item(l, text);
	}
	if (p->rss_bytes != REPORT_UNKNOWN) {
		snprintf(text, sizeof(text), "RSS %s",
			 fmt_bytes(n, sizeof(n), (double)p->rss_bytes));
		line_item(l, text);
	}
	if (isfinite(p->rss_growth_bytes_per_s))
		line_item(l, term_rate(rate, sizeof(rate), p->rss_growth_bytes_per_s, false));
	line_end(l);
	line_text(l, "      ");
	line_words(l, p->reason ? p->reason : "");
	line_end(l);
}

/* Writes the user's own line of the first site; or notes, which may say why no site stands out. */
static void put_first_line(struct line *l, const struct report *r, const struct report_process *p)
{
	const struct report_site *s = p->sites;
	const struct report_frame *own, *caller;
	char rate[48];

	term_limit(l, r, p, 6);
	if (!p->n_sites || (s->verdict == CLASS_STEADY && p->verdict != CLASS_STEADY)) {
		term_notes(l, p, "      note: ");
		return;
	}
	caller = report_caller_frame(s);
	own = caller ? caller : report_own_frame(s);
	line_text(l, "      ");
	if (own)
		line_printf(l, "%s%s:%d  %s", caller ? REPORT_UNKNOWN_CODE : "", own->file,
			    own->line, own->function ? own->function : "?");
	else
		line_text(l, "no line of Python");
	for (size_t k = 0; k < s->n_types && k < 2; k++) {
		line_text(l, k ? ", " : "  ");
		line_text(l, s->types[k].name ? s->types[k].name : "?");
	}
	if (isfinite(s->growth_bytes_per_s)) {
		line_text(l, "  ");
		line_words(l, term_rate(rate, sizeof(rate), s->growth_bytes_per_s, s->estimated));
	}
	line_end(l);
}

int out_term_sweep(FILE *f, const struct report *r, const struct out_term_opts *o)
{
	size_t shown = 0, left = 0;
	struct line l;
	int err, leaking = 0;

	line_init(&l, f, o->width, o->color);
	term_header(&l, r);
	put_sum(&l, r);
	put_not_watched(&l, r);
	for (size_t i = 0; i < r->n_processes; i++) {
		const struct report_process *p = &r->processes[i];

		if (p->verdict == CLASS_STEADY && !o->verbose)
			continue;
		if (shown == o->top && !o->verbose) {
			left++;
			continue;
		}
		shown++;
		put_process(&l, p);
		put_first_line(&l, r, p);
		if (!leaking && p->verdict == CLASS_LEAK && !p->exited)
			leaking = p->pid;
	}
	if (leaking)
		put_sentence(&l, "what keeps it alive, and all its lines: pyleak-bpf -p %d",
			     leaking);
	if (left)
		put_sentence(&l, "%zu more; --top shows more, --json has all", left);
	if (r->duration_s < TREND_S)
		put_sentence(&l, "watched for %.0f s only: a trend takes %d s at least (-d)",
			     r->duration_s, TREND_S);
	err = l.err;
	if (!err && fflush(f) != 0)
		err = errno;
	line_fini(&l);
	return err ? fail(-err, "cannot write standard output: %s", strerror(err)) : 0;
}

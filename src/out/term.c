/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the report for people: for each process its memory, its verdict and when a limit is
 * reached; then its sites, worst first; then how it was measured, and what was lost. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "out/term_priv.h"
#include "report/notes.h"

#define FIRST_LINE_S 15
#define MAX_TIME_S   253402300800.0 /* the start of the year 10000 */

enum style term_class_style(enum report_class c)
{
	static const enum style style[CLASS_MAX] = {
		[CLASS_LEAK] = STYLE_RED,	[CLASS_GROWING] = STYLE_YELLOW,
		[CLASS_WARMUP] = STYLE_CYAN,	[CLASS_BLOAT] = STYLE_CYAN,
		[CLASS_RETENTION] = STYLE_CYAN, [CLASS_STEADY] = STYLE_GREEN,
	};

	return (unsigned)c < CLASS_MAX ? style[c] : STYLE_PLAIN;
}

char *term_class_word(enum report_class c, char *buf, size_t size)
{
	snprintf(buf, size, "%s", report_class_name(c));
	for (char *at = buf; c <= CLASS_GROWING && *at; at++)
		*at = (char)toupper(*at);
	return buf;
}

void term_class(struct line *l, enum report_class c)
{
	char word[16];

	line_style(l, term_class_style(c));
	line_text(l, term_class_word(c, word, sizeof(word)));
	line_style(l, STYLE_PLAIN);
}

char *term_verdict_word(const struct report_process *p, char *buf, size_t size)
{
	if (!report_is_too_early(p))
		return term_class_word(p->verdict, buf, size);
	snprintf(buf, size, "too early");
	return buf;
}

enum style term_verdict_style(const struct report_process *p)
{
	return report_is_too_early(p) ? STYLE_DIM : term_class_style(p->verdict);
}

void term_verdict(struct line *l, const struct report_process *p)
{
	char word[16];

	line_style(l, term_verdict_style(p));
	line_text(l, term_verdict_word(p, word, sizeof(word)));
	line_style(l, STYLE_PLAIN);
}

char *term_rate(char *buf, size_t size, double bytes_per_s, bool is_estimate)
{
	char n[32];

	fmt_bytes(n, sizeof(n), fabs(bytes_per_s));
	snprintf(buf, size, "%s%c%s/s", is_estimate ? "~" : "", bytes_per_s <= -0.5 ? '-' : '+', n);
	return buf;
}

char *term_percent(char *buf, size_t size, double percent)
{
	double a = fabs(percent);
	int decimals = a == 0 || a >= 9.95 ? 0 : a >= 0.095 ? 1 : 2;

	snprintf(buf, size, "%.*f %%", decimals, percent);
	return buf;
}

static void put_clock(struct line *l, double t)
{
	char text[32] = "";
	struct tm tm;
	time_t s;

	/* a recording may hold a number that is no time, and does not fit the type */
	if (t >= 0 && t < MAX_TIME_S) {
		s = (time_t)t;
		if (localtime_r(&s, &tm))
			strftime(text, sizeof(text), "%H:%M:%S", &tm);
	}
	line_text(l, text);
}

void term_header(struct line *l, const struct report *r)
{
	const bool is_merged = r->n_processes && r->processes[0].n_members;
	char n[32];

	line_style(l, STYLE_BOLD);
	put_clock(l, r->ended_at);
	line_printf(l, is_merged  ? "  merged report"
		       : r->final ? "  final report"
				  : "  report so far");
	line_style(l, STYLE_PLAIN);
	/* merged watches may lie apart in time: none need have lasted from the first to the last */
	if (is_merged && isfinite(r->duration_s)) {
		line_text(l, " of watches since ");
		put_clock(l, r->started_at);
		line_printf(l, ", of %s at most", fmt_duration(n, sizeof(n), r->duration_s));
	} else if (isfinite(r->duration_s)) {
		line_printf(l, ", watched for %s since ",
			    fmt_duration(n, sizeof(n), r->duration_s));
		put_clock(l, r->started_at);
	}
	line_end(l);
}

/* Does a loss make numbers wrong? Not thinned samples, as those that stay count for more, nor a
 * window that is left out, as it only means fewer samples: these are shown with -v only. */
static bool is_missing(const struct report_lost *lost)
{
	return lost->n && strcmp(lost->key, "samples_thinned") != 0 &&
	       strcmp(lost->key, "births_full") != 0;
}

static uint64_t losses(const struct report_process *p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->n_lost; i++)
		if (is_missing(&p->lost[i]) && p->lost[i].n != REPORT_UNKNOWN)
			sum += p->lost[i].n;
	return sum;
}

static void put_memory(struct line *l, const struct report_process *p)
{
	char text[128], n[32], rate[48];

	if (p->rss_bytes != REPORT_UNKNOWN) {
		fmt_bytes(n, sizeof(n), (double)p->rss_bytes);
		term_rate(rate, sizeof(rate), p->rss_growth_bytes_per_s, false);
		if (isfinite(p->rss_growth_bytes_per_s))
			snprintf(text, sizeof(text), "RSS %s (%s)", n, rate);
		else
			snprintf(text, sizeof(text), "RSS %s", n);
		line_item(l, text);
	}
}

char *term_cost(const struct report_process *p, char *buf, size_t size)
{
	char n[32], cpu[48] = "";

	if (isfinite(p->slowdown_pct))
		snprintf(cpu, sizeof(cpu), "%s of its CPU",
			 term_percent(n, sizeof(n), p->slowdown_pct));
	if (isfinite(p->core_pct))
		snprintf(buf, size, "costs %s of a core%s%s%s",
			 term_percent(n, sizeof(n), p->core_pct), *cpu ? " (" : "", cpu,
			 *cpu ? ")" : "");
	else
		snprintf(buf, size, "%s%s", *cpu ? "costs " : "cost not known", cpu);
	return buf;
}

static void put_cost(struct line *l, const struct report_process *p)
{
	char text[96], often[32] = "";

	line_item(l, term_cost(p, text, sizeof(text)));
	if (isfinite(p->stalls_per_s))
		snprintf(often, sizeof(often), ", %.1f a second", p->stalls_per_s);
	if (p->stall_ms > 0) {
		snprintf(text, sizeof(text), "delays up to %.*f ms%s", p->stall_ms < 9.95,
			 p->stall_ms, often);
		line_item(l, text);
	}
}

/* Says how it was measured, so that readers know how far to trust it. */
static void put_probe(struct line *l, const struct report_process *p)
{
	char text[128], n[32];
	uint64_t lost = losses(p);
	bool grows = p->verdict <= CLASS_GROWING || p->verdict == CLASS_RETENTION;

	line_text(l, "  measured: ");
	if (grows && isfinite(p->explained)) {
		term_percent(n, sizeof(n), p->explained * 100);
		snprintf(text, sizeof(text), "sites explain %s of the growth", n);
		line_item(l, text);
	}
	/* many processes with different probes have no one name for them */
	if (p->mechanism || !(p->on_s > 0)) {
		snprintf(text, sizeof(text), "probe %s", p->mechanism ? p->mechanism : "none");
		line_item(l, text);
	}
	if (isfinite(p->on_s)) {
		snprintf(text, sizeof(text), "on for %.1f s", p->on_s);
		line_item(l, text);
	}
	put_cost(l, p);
	if (isfinite(p->coverage)) {
		term_percent(n, sizeof(n), p->coverage * 100);
		snprintf(text, sizeof(text), "coverage %s", n);
		line_item(l, text);
	}
	if (lost)
		snprintf(text, sizeof(text), "%s not counted (see below)",
			 fmt_count(n, sizeof(n), (double)lost));
	line_item(l, lost ? text : "nothing lost");
	line_end(l);
}

char *term_container(const struct report_container *c, char *buf, size_t size)
{
	if (c->pod)
		snprintf(buf, size, "in pod %s", c->pod);
	else if (c->name)
		snprintf(buf, size, "in container %s", c->name);
	else
		snprintf(buf, size, "in a container of %s",
			 c->runtime ? c->runtime : "an unknown runtime");
	return buf;
}

static void put_process_line(struct line *l, const struct report_process *p)
{
	char text[256];

	line_style(l, STYLE_BOLD);
	term_name(p, text, sizeof(text));
	line_item(l, text);
	line_style(l, STYLE_PLAIN);
	if (p->container.id) {
		term_container(&p->container, text, sizeof(text));
		line_item(l, text);
	}
	if (p->ns_pid > 0 && p->ns_pid != p->pid) {
		snprintf(text, sizeof(text), "pid %d in its container", p->ns_pid);
		line_item(l, text);
	}
	if (p->exited)
		line_item(l, p->n_members > 1 && !p->goes_on ? "have ended" : term_end(p));
	if (p->python_version) {
		snprintf(text, sizeof(text), "CPython %s%s", p->python_version,
			 p->free_threaded ? " free-threaded" : "");
		line_item(l, text);
	}
	put_memory(l, p);
	line_end(l);
}

static void put_verdict(struct line *l, const struct report_process *p)
{
	if (!p->reason || !*p->reason)
		return;
	line_text(l, "  ");
	if (!report_is_too_early(p)) {
		term_verdict(l, p);
		if (p->verdict != CLASS_STEADY && isfinite(p->confidence))
			line_printf(l, " (confidence %.2f)", p->confidence);
		line_text(l, ": ");
	}
	line_words(l, p->reason);
	line_end(l);
}

/* Chooses the sites that are shown. Without @verbose, steady ones are left out, and sites whose
 * cause has a first site (@whole) with at least as bad a verdict. NULL when memory ran out. */
static bool *choose_shown(const struct report_process *p, const size_t *whole, bool verbose)
{
	bool *is = calloc(p->n_sites + 1, sizeof(*is));

	for (size_t i = 0; is && i < p->n_sites; i++) {
		const struct report_site *s = &p->sites[i], *w = &p->sites[whole[i]];

		is[i] = verbose ||
			(s->verdict != CLASS_STEADY && (w == s || w->verdict > s->verdict));
	}
	return is;
}

/* Did a sweep only read its size and the counters of its heap? */
static bool was_not_probed(const struct report_process *p)
{
	return !p->mechanism && p->on_s <= 0 && !p->n_members;
}

/* Says how much was watched so far without finding a site that grows. */
static void put_nothing_yet(struct line *l, const struct report *r, const struct report_process *p)
{
	char text[160], n[32];

	line_text(l, "  no site grows so far");
	if (p->windows || p->survivors) {
		snprintf(text, sizeof(text),
			 ": %" PRIu64 " window%s on births, %s object%s of them followed",
			 p->windows, p->windows == 1 ? "" : "s",
			 fmt_count(n, sizeof(n), (double)p->survivors),
			 p->survivors == 1 ? "" : "s");
		line_words(l, text);
	}
	if (r->duration_s < FIRST_LINE_S && p->windows)
		line_words(l, "; a line is called a leak after 15 s at the earliest");
	line_end(l);
}

/* Says that no site grows, as far as that is known: of a short watch it was said above that it is
 * not, and where the process grows one was missed. */
static void put_none(struct line *l, const struct report_process *p)
{
	if (was_not_probed(p))
		line_put(l, "  not probed: no line of it was looked for");
	else if (!report_is_too_early(p))
		line_put(l, p->verdict <= CLASS_GROWING ? "  no site that grows was found"
							: "  no site grows");
}

/* The rank of the first shown site above site @i that has the same remedy; 0 = none. */
static size_t same_hint(const struct report_process *p, size_t i, const bool *shown)
{
	const struct report_hint *h = &p->sites[i].hint, *other;
	size_t rank = 0;

	for (size_t k = 0; k < i && h->code && h->text; k++) {
		rank += shown[k];
		other = &p->sites[k].hint;
		if (shown[k] && other->code && other->text && !strcmp(other->code, h->code) &&
		    !strcmp(other->text, h->text))
			return rank;
	}
	return 0;
}

static struct term_place place_of(const struct report_process *p, size_t i, size_t rank,
				  const size_t *whole, const bool *shown)
{
	struct term_place at = {.rank = rank,
				.as = same_hint(p, i, shown),
				.bytes_per_s = p->sites[i].growth_bytes_per_s};

	if (!isfinite(at.bytes_per_s)) /* descriptors have no size, but memory may come with them */
		at.bytes_per_s = 0;
	for (size_t k = 0; k < p->n_sites; k++) {
		if (shown[k] || k == i || whole[k] != i)
			continue;
		at.parts++;
		if (isfinite(p->sites[k].growth_bytes_per_s))
			at.bytes_per_s += p->sites[k].growth_bytes_per_s;
	}
	if (at.parts || p->sites[i].unlisted)
		at.places = 1 + at.parts + p->sites[i].unlisted;
	at.bytes_per_s += (double)p->sites[i].unlisted_bytes_per_s;
	return at;
}

static void put_sites(struct line *l, const struct report *r, const struct report_process *p,
		      const struct out_term_opts *o)
{
	auto_free size_t *whole = report_wholes(p);
	auto_free bool *is_shown = whole ? choose_shown(p, whole, o->verbose) : NULL;
	size_t shown = 0, left = 0;
	bool grows = false;

	for (size_t i = 0; i < p->n_sites; i++)
		grows = grows || p->sites[i].verdict <= CLASS_GROWING;
	if (!grows && r->final)
		put_none(l, p);
	else if (!grows)
		put_nothing_yet(l, r, p);
	for (size_t i = 0; is_shown && i < p->n_sites; i++) {
		if (!is_shown[i])
			continue;
		if (o->top && shown >= o->top)
			left++;
		else
			term_finding(l, p, i, place_of(p, i, ++shown, whole, is_shown), whole,
				     is_shown, o->verbose);
	}
	if (left) {
		line_end(l);
		line_put(l, "%zu more site%s: --top shows more, --json has all", left,
			 left == 1 ? "" : "s");
	}
}

char *term_lost(const struct report_lost *lost, char *buf, size_t size)
{
	const char *what = lost->text ? lost->text : lost->key;

	if (lost->n == REPORT_UNKNOWN)
		snprintf(buf, size, "not counted, number not known: %s", what);
	else
		snprintf(buf, size, "not counted, %" PRIu64 " time%s: %s", lost->n,
			 lost->n == 1 ? "" : "s", what);
	return buf;
}

static void put_loss(struct line *l, const struct report_lost *lost)
{
	char text[256];

	line_text(l, "  ");
	line_words(l, term_lost(lost, text, sizeof(text)));
	line_end(l);
}

void term_notes(struct line *l, const struct report_process *p, const char *lead)
{
	char text[512];

	for (size_t i = 0; i < p->n_notes; i++) {
		line_text(l, lead);
		line_words(l, report_note_text(p, i, text, sizeof(text)));
		line_end(l);
	}
}

static void put_remarks(struct line *l, const struct report_process *p, bool verbose)
{
	if (p->n_sites)
		line_end(l);
	if (!was_not_probed(p))
		put_probe(l, p);
	term_notes(l, p, "  note: ");
	for (size_t i = 0; i < p->n_lost; i++)
		if (verbose ? p->lost[i].n : is_missing(&p->lost[i]))
			put_loss(l, &p->lost[i]);
}

static void put_process(struct line *l, const struct report *r, const struct report_process *p,
			const struct out_term_opts *o)
{
	put_process_line(l, p);
	put_verdict(l, p);
	term_hint(l, &p->hint);
	if (p->fds.eta_s < p->memory.eta_s) /* they end first */
		term_fds(l, p, o->verbose);
	term_limit(l, r, p, 2);
	if (r->final || o->verbose)
		term_parts(l, p);
	term_baseline(l, p, o->verbose);
	if (!(p->fds.eta_s < p->memory.eta_s))
		term_fds(l, p, o->verbose);
	put_sites(l, r, p, o);
	put_remarks(l, p, o->verbose);
}

/* Writes all processes as one, then a line about each. */
static void put_tree(struct line *l, const struct report *r, const struct out_term_opts *o)
{
	put_process(l, r, r->tree->merged, o);
	term_tree(l, r);
	for (size_t i = 0; i < r->n_processes; i++) {
		put_process_line(l, &r->processes[i]);
		put_verdict(l, &r->processes[i]);
	}
}

int out_term(FILE *f, const struct report *r, const struct out_term_opts *o)
{
	struct line l;
	int err;

	line_init(&l, f, o->width, o->color);
	term_header(&l, r);
	if (r->tree)
		put_tree(&l, r, o);
	else if (!r->n_processes)
		line_printf(&l, "  no process was reported");
	for (size_t i = 0; i < r->n_processes && !r->tree; i++) {
		if (i > 0)
			line_end(&l);
		put_process(&l, r, &r->processes[i], o);
	}
	line_end(&l);
	err = l.err;
	line_fini(&l);
	if (fflush(f) != 0 && err == 0)
		err = errno;
	return err ? fail(-err, "cannot write standard output: %s", strerror(err)) : 0;
}

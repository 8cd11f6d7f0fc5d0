/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges a process: by the sites that account for its growth, or by the shape of its memory if no
 * site says anything. */
#include "base/thresholds.h"
#include "report/descriptors.h"
#include "report/findings.h"
#include "verdict/verdict.h"

#include <math.h>

static bool has_moved(const struct report_process *p, double bytes)
{
	double rss = p->rss_bytes == REPORT_UNKNOWN ? 0 : (double)p->rss_bytes;

	return bytes >= fmax(PROCESS_MOVED_BYTES, PROCESS_MOVED_PART * rss);
}

/* "at shop.py:25" */
static const char *place_of(struct report *r, const struct report_site *s)
{
	const struct report_frame *f = report_own_frame(s), *caller = report_caller_frame(s);

	if (caller)
		return report_printf(r, "by " REPORT_UNKNOWN_CODE "%s:%d",
				     file_source_name(caller->file), caller->line);
	if (f)
		return report_printf(r, "at %s:%d", file_source_name(f->file), f->line);
	for (size_t i = 0; i < s->n_frames; i++)
		if (s->stack[i].native && s->stack[i].module && *s->stack[i].module &&
		    (s->kind != KIND_OBJECT || !s->stack[i].minor))
			return report_printf(r, "by %s", file_name(s->stack[i].module));
	return s->kind == KIND_OBJECT ? "outside of any line that is known" : "";
}

static const struct {
	const char *what;
	bool is_many; /* "grow", not "grows" */
} subject[KIND_MAX] = {
	[KIND_OBJECT] = {"objects allocated", true}, [KIND_HEAP] = {"memory allocated", false},
	[KIND_MMAP] = {"memory mapped", false},	     [KIND_FD] = {"descriptors opened", true},
	[KIND_THREAD] = {"threads started", true},
};

/* "objects allocated at shop.py:25" */
static const char *subject_of(struct report *r, const struct report_site *s)
{
	const char *what = report_is_child(s) ? "child processes started" : subject[s->kind].what;
	const char *place = place_of(r, s);

	return report_printf(r, "%s%s%s", what, *place ? " " : "", place);
}

/* The sentence on a site, with its subject. A site's reason begins with verb and rate, "grows by
 * 1.2 KiB/s; ..."; where its cause has several places, the rate is that of all. */
static const char *about(struct report *r, const struct report_process *p,
			 const struct report_site *s)
{
	struct report_cause c = report_cause_of(p, s);
	bool is_many = subject[s->kind].is_many, grows = !strncmp(s->reason, "grows ", 6);
	bool is_sum = c.places > 1 && s->kind <= KIND_MMAP;
	const char *behind = is_sum ? strstr(s->reason, "/s") : NULL;
	const char *verb = !grows ? "grew" : is_many ? "grow" : "grows";
	char rate[32];

	if (behind)
		return report_printf(r, "%s %s by %s/s in %zu places%s", subject_of(r, s), verb,
				     fmt_bytes(rate, sizeof(rate), c.bytes_per_s), c.places,
				     behind + 2);
	return report_printf(r, "%s %s%s", subject_of(r, s), grows && is_many ? "grow " : "",
			     s->reason + (grows && is_many ? 6 : 0));
}

static void by_site(struct report *r, struct report_process *p, const struct report_site *s)
{
	p->verdict = s->verdict;
	p->confidence = s->confidence;
	if (s->reason)
		p->reason = about(r, p, s);
}

static bool climbs(const struct curve *c, double beyond)
{
	return curve_grows(c) && c->slope > PROCESS_NOISE && c->slope * c->since_s > beyond;
}

/* Growth by lines: leaks, what may become one, and what a bound will stop. */
struct lines {
	const struct report_site *leak, *other; /* the first of each, by which most is lost */
	double leaks, others, bounded;		/* bytes per second */
	size_t n;
	bool ends; /* it leaks something that has a hard limit of its own */
};

static struct lines lines_of(const struct report_process *p)
{
	auto_free size_t *whole = report_wholes(p);
	struct lines l = {0};

	for (size_t i = 0; i < p->n_sites; i++) {
		const struct report_site *s = &p->sites[i];
		/* part of a leak: it has the same cause */
		bool is_leak = s->verdict == CLASS_LEAK ||
			       (whole && p->sites[whole[i]].verdict == CLASS_LEAK);
		double *sum = is_leak ? &l.leaks : s->is_bounded ? &l.bounded : &l.others;
		const struct report_site **first = is_leak ? &l.leak : &l.other;

		if (s->verdict > CLASS_GROWING)
			continue;
		*first = *first ? *first : s;
		if (s->kind > KIND_MMAP)
			l.ends |= is_leak;
		else if (s->growth_bytes_per_s > 0)
			*sum += s->growth_bytes_per_s;
		l.n += s->kind <= KIND_MMAP && sum != &l.bounded;
	}
	return l;
}

/* Growth of the process without what a bound will stop. A recent step of RSS says nothing against
 * lines that have grown for longer. */
static double growth_of(const struct report_process *p, const struct lines *l)
{
	double lines = l->leaks + l->others;

	return climbs(&p->rss_curve, PROCESS_CLIMB_BYTES) && p->rss_curve.since_s >= LEAK_RUN_S
		       ? fmax(lines, p->rss_curve.slope - l->bounded)
		       : lines;
}

static const char *rate_at(struct report *r, const struct report_process *p,
			   const struct report_site *s)
{
	char rate[32];

	return report_printf(r, "%s grow%s by %s/s", subject_of(r, s),
			     subject[s->kind].is_many ? "" : "s",
			     fmt_bytes(rate, sizeof(rate), report_cause_of(p, s).bytes_per_s));
}

/* Names the first site when it is no leak yet, but may lose more than the leak that was told. */
static void add_greater(struct report *r, struct report_process *p, const struct report_site *lead)
{
	const struct report_site *s = &p->sites[0];
	const char *text = s != lead && s->kind <= KIND_MMAP ? rate_at(r, p, s) : NULL;

	if (text && p->reason)
		p->reason = report_printf(r, "%s; %s, but %s not sure to be a leak", p->reason,
					  text, subject[s->kind].is_many ? "are" : "is");
}

/* Adds the sum of all lines when the one that was told is a small part of it. */
static void add_sum(struct report *r, struct report_process *p, const struct lines *l,
		    const struct report_site *lead)
{
	double sum = l->leaks + l->others;
	char rate[32];

	if (p->reason && l->n >= PROCESS_LINES && lead->kind <= KIND_MMAP &&
	    report_cause_of(p, lead).bytes_per_s < PROCESS_MOST * sum)
		p->reason = report_printf(r, "%s; %zu places grow by %s/s together", p->reason,
					  l->n, fmt_bytes(rate, sizeof(rate), sum));
}

static double sum_of(const struct lines *l)
{
	return l->leaks + l->others + l->bounded;
}

/* Tells of live objects where these grow by more: they fill memory that was free, and the report
 * tells p->explained of them. */
static const char *rest_of(struct report *r, const struct report_process *p)
{
	struct lines l = lines_of(p);
	double grows = p->rss_curve.slope, live = p->live_curve.slope;
	bool is_live = curve_grows(&p->live_curve) && live > grows;
	double part = fmin(1, sum_of(&l) / (is_live ? live : grows));
	const char *type = verdict_rest_type(r, p, grows - sum_of(&l));
	const char *lives = "";
	char rate[32];

	if (is_live)
		lives = report_printf(r, ", its live objects by %s/s",
				      fmt_bytes(rate, sizeof(rate), live));
	return report_printf(
		r,
		"the process grows by %s/s%s, and the lines that are known explain %.0f %% of "
		"%s%s%s",
		fmt_bytes(rate, sizeof(rate), grows), lives, 100 * part, is_live ? "that" : "it",
		type ? "; " : "", type ? type : "");
}

/* Judges growth that no line stands out for; it may be in memory that is not watched. */
static void by_rest(struct report *r, struct report_process *p)
{
	p->verdict = CLASS_GROWING;
	p->confidence = PROCESS_UNEXPLAINED;
	p->reason = rest_of(r, p);
}

bool verdict_outgrows(const struct report_process *p, const struct curve *c)
{
	struct lines l = lines_of(p);

	return climbs(c, PROCESS_CLIMB_BYTES) && sum_of(&l) < PROCESS_MOST * c->slope;
}

/* Adds that RSS grows by far more than the lines explain. p->explained alone does not say so: it
 * may be a share of live objects, which grow into memory that was free. */
static void add_rest(struct report *r, struct report_process *p)
{
	bool has_rest = p->explained < PROCESS_MOST && verdict_outgrows(p, &p->rss_curve);
	const char *text = has_rest ? rest_of(r, p) : NULL;

	if (text && p->reason)
		p->reason = report_printf(r, "%s; but %s", p->reason, text);
}

void verdict_add_leak(struct report *r, struct report_process *p)
{
	const struct report_site *leak = lines_of(p).leak;
	const char *text = leak && p->verdict != CLASS_LEAK ? rate_at(r, p, leak) : NULL;

	if (text && p->reason)
		p->reason = report_printf(r, "%s; besides, %s, a leak", p->reason, text);
}

/* Adds that the process is young: one that keeps things for a minute grows for a minute after each
 * start. */
static void add_age(struct report *r, struct report_process *p)
{
	char age[32];

	if (p->reason && !p->exited && p->age_s > 0 && p->age_s < PROCESS_YOUNG_S)
		p->reason = report_printf(r,
					  p->is_told_later ? "%s; the process was only %s old"
							   : "%s; the process is only %s old",
					  p->reason, fmt_duration(age, sizeof(age), p->age_s));
}

static bool comes_back(const struct curve *c)
{
	return c->shape == CURVE_GIVEN_BACK || c->shape == CURVE_TEETH ||
	       c->shape == CURVE_PERIODIC;
}

/* Bytes that have levelled off, or swing, by the sites and the curves. A climb by less than these
 * may be the same memory, seen later or measured in another way. */
static double settled_bytes(const struct report_process *p)
{
	const struct curve *curve[] = {&p->live_curve, &p->rss_curve};
	double bytes = 0;

	for (size_t i = 0; i < p->n_sites; i++) {
		const struct report_site *s = &p->sites[i];

		if (s->verdict == CLASS_WARMUP && s->kind <= KIND_MMAP && s->outstanding_bytes > 0)
			bytes += s->outstanding_bytes;
	}
	for (size_t i = 0; i < ARRAY_SIZE(curve); i++)
		if (curve[i]->shape == CURVE_LEVELLED)
			bytes = fmax(bytes, curve[i]->gain);
		else if (comes_back(curve[i]))
			bytes = fmax(bytes, curve[i]->height);
	return bytes;
}

static bool is_lost(const struct report_process *p, const char *key)
{
	size_t i = 0;

	while (i < p->n_lost && (!p->lost[i].n || strcmp(p->lost[i].key, key) != 0))
		i++;
	return i < p->n_lost;
}

/* Says why no line stands out, and when one will, as far as that is known: it takes so many seen
 * births, and those of the stretch that grows, as far as it was watched, have been seen. */
static const char *no_line(struct report *r, const struct report_process *p, double blocks_per_s)
{
	double seen_per_s = blocks_per_s * p->coverage;
	double watched_s = fmin(p->live_curve.since_s, p->watched_to_s - p->watched_from_s);
	double s = fmax(LEAK_AGE_S, LEAK_SAMPLES / seen_per_s) - fmax(watched_s, 0);
	const char *more = "";
	char time[32];

	if (is_lost(p, "windows_refused") && !(p->coverage > 0))
		return "no line can be told: no window was opened, for the sake of the process or "
		       "the host";
	if (is_lost(p, "births_unseen"))
		return "this build of CPython makes objects in places that are not known, and no "
		       "line is told of their size";
	if (p->mode && strcmp(p->mode, "growth") == 0 && p->coverage > 0)
		return "no line stands out, and births are not watched any more";
	if (!(seen_per_s > 0) || s > PROCESS_LONG_S)
		return "no line stands out yet";
	if (s >= 1)
		more = report_printf(r, "; %s more at least", fmt_duration(time, sizeof(time), s));
	return report_printf(r,
			     "no line stands out yet: births are watched for %.*f %% of the time%s",
			     p->coverage < 0.1, 100 * p->coverage, more);
}

static void add_type(struct report *r, struct report_process *p, double bytes_per_s)
{
	const char *type = verdict_type(r, p, false);

	if (!type)
		type = verdict_bigger(r, p, bytes_per_s);
	if (type && p->reason)
		p->reason = report_printf(r, "%s; %s", p->reason, type);
}

/* Does RSS climb with falls in between, while some objects stay? Where the pools cannot be read
 * only RSS shows growth of objects, and it falls when their allocator gives memory back. */
static bool climbs_torn(const struct report_process *p, double beyond)
{
	const struct curve *c = &p->rss_curve;

	return c->is_torn && p->survivors && p->n_series &&
	       p->series[p->n_series - 1].heap_bytes == REPORT_UNKNOWN &&
	       c->slope > PROCESS_NOISE && c->slope * c->since_s > beyond;
}

/* Judges memory that rises by more than @beyond while no line stands out; false: it does not. */
static bool by_growth(struct report *r, struct report_process *p, double beyond,
		      double blocks_per_s)
{
	bool live = climbs(&p->live_curve, beyond + PROCESS_COUNT_BYTES);
	const struct curve *c = live ? &p->live_curve : &p->rss_curve;
	const char *raw;
	char rate[32];

	beyond += PROCESS_CLIMB_BYTES;
	if (!live && !climbs(c, beyond) && !climbs_torn(p, beyond))
		return false;
	fmt_bytes(rate, sizeof(rate), c->slope);
	p->verdict = CLASS_GROWING;
	p->confidence = PROCESS_UNEXPLAINED;
	raw = live && !verdict_type(r, p, true) ? verdict_raw(r, p, c->slope) : NULL;
	p->reason = report_printf(r, "%s by %s/s, but %s",
				  raw	 ? "memory in Python's pools grows"
				  : live ? "Python's live objects grow"
					 : "the process grows",
				  rate, raw ? raw : no_line(r, p, live ? blocks_per_s : 0));
	if (!raw)
		add_type(r, p, c->slope);
	return true;
}

/* Judges growth that only the census counts, as it is too little to be seen in memory. */
static void by_type(struct report *r, struct report_process *p)
{
	const char *type = verdict_type(r, p, false);

	type = type ? type : verdict_type(r, p, true);
	if (!type)
		return;
	p->verdict = CLASS_GROWING;
	p->confidence = PROCESS_UNEXPLAINED;
	p->reason = report_printf(r, "%s, but %s", type, no_line(r, p, 0));
}

static bool by_shape(struct report *r, struct report_process *p)
{
	const struct curve *live = &p->live_curve, *rss = &p->rss_curve;
	const struct curve *c = live->shape == CURVE_LEVELLED ? live : rss;
	char gain[32], time[32];

	if (c->shape == CURVE_LEVELLED && has_moved(p, c->gain)) {
		p->verdict = CLASS_WARMUP;
		p->confidence = 0.7;
		p->reason = report_printf(r, "grew by %s and has been level for %s",
					  fmt_bytes(gain, sizeof(gain), c->gain),
					  fmt_duration(time, sizeof(time), c->since_s));
		return true;
	}
	c = rss->shape == CURVE_FLAT || rss->shape == CURVE_UNKNOWN ? live : rss;
	if (!comes_back(c) || !has_moved(p, c->height))
		return false;
	p->verdict = CLASS_BLOAT;
	p->confidence = 0.7;
	fmt_bytes(gain, sizeof(gain), c->height);
	p->reason =
		c->shape == CURVE_GIVEN_BACK
			? report_printf(r, "grew by %s and gave it back", gain)
			: report_printf(r, "goes up and down by %s and always comes back", gain);
	return true;
}

/* Judges by the lines that account for the growth; a leak that is small beside it is mentioned. */
static void by_lines(struct report *r, struct report_process *p, const struct lines *l)
{
	double grows = growth_of(p, l);
	bool is_leak = l->leak && (l->ends || l->leaks >= PROCESS_LEAK_PART * grows);
	const struct report_site *lead = is_leak ? l->leak : l->other;

	if (lead && (is_leak || !l->leak || l->others >= PROCESS_LEAK_PART * grows)) {
		by_site(r, p, lead);
		add_sum(r, p, l, lead);
		if (is_leak)
			add_greater(r, p, lead);
		add_rest(r, p);
	} else {
		by_rest(r, p);
	}
	verdict_add_leak(r, p);
	if (l->leak)
		add_age(r, p);
	else
		add_type(r, p, growth_of(p, l));
}

/* Judges by lines, else by growth beyond what has levelled off, else by a warm-up, the shape of
 * memory, or the census. */
static void judge(struct report *r, struct report_process *p, double blocks_per_s)
{
	struct lines l = lines_of(p);

	if (l.leak || l.other)
		by_lines(r, p, &l);
	else if (by_growth(r, p, settled_bytes(p), blocks_per_s))
		return;
	else if (p->n_sites && p->sites[0].verdict == CLASS_WARMUP)
		by_site(r, p, &p->sites[0]);
	else if (!by_shape(r, p) && !by_growth(r, p, 0, blocks_per_s))
		by_type(r, p);
}

void verdict_process(struct report *r, struct report_process *p, double blocks_per_s)
{
	p->verdict = CLASS_STEADY;
	p->confidence = 0.5;
	p->reason = "nothing grows";
	if (p->live_curve.shape == CURVE_UNKNOWN && p->rss_curve.shape == CURVE_UNKNOWN)
		report_too_early(p);
	judge(r, p, blocks_per_s);
	if (!p->reason)
		p->reason = "";
}

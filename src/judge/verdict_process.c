/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdict on a process: its worst site, or, when no site says anything, the shape of its
 * memory. */
#include "judge/verdict.h"

#include <math.h>

#define MOVED_PART  0.1		/* of RSS: a move that is worth a word */
#define CLIMB_BYTES (256 << 10) /* less is a page here and there */
#define MOVED_BYTES (1 << 20)	/* and at least so much */
#define YOUNG_S	    120
#define GREATER	    10 /* times as fast */

static bool has_moved(const struct report_process *p, double bytes)
{
	double rss = p->rss_bytes == REPORT_UNKNOWN ? 0 : (double)p->rss_bytes;

	return bytes >= fmax(MOVED_BYTES, MOVED_PART * rss);
}

/* "shop.py:25" */
static const char *place_of(struct report *r, const struct report_site *s)
{
	const struct report_frame *f = report_own_frame(s);
	const char *slash = f ? strrchr(f->file, '/') : NULL;

	return f ? report_printf(r, "%s:%d", slash ? slash + 1 : f->file, f->line) : NULL;
}

static const struct {
	const char *what;
	bool is_many; /* "grow", not "grows" */
} subject[KIND_MAX] = {
	[KIND_OBJECT] = {"objects allocated at", true},
	[KIND_HEAP] = {"memory allocated at", false},
	[KIND_MMAP] = {"memory mapped at", false},
	[KIND_FD] = {"descriptors opened at", true},
	[KIND_THREAD] = {"threads started at", true},
};

/* What is said of a site begins with its verb: "grows by ..." */
static const char *about(struct report *r, const struct report_site *s, const char *place)
{
	bool is_many = subject[s->kind].is_many;
	bool grows = is_many && !strncmp(s->reason, "grows ", 6);

	return report_printf(r, "%s %s %s%s", subject[s->kind].what, place, grows ? "grow " : "",
			     s->reason + (grows ? 6 : 0));
}

static void by_site(struct report *r, struct report_process *p, const struct report_site *s)
{
	const char *place = place_of(r, s);

	p->verdict = s->verdict;
	p->confidence = s->confidence;
	if (s->reason)
		p->reason = place ? about(r, s, place) : s->reason;
}

/* A sure leak comes first however small it is; what grows many times as fast must not be missed for
 * it. */
static void add_greater(struct report *r, struct report_process *p)
{
	const struct report_site *top = &p->sites[0], *most = top;
	char rate[32];
	const char *place;

	for (size_t i = 1; i < p->n_sites; i++)
		if (p->sites[i].verdict == CLASS_GROWING && p->sites[i].kind <= KIND_MMAP &&
		    p->sites[i].growth_bytes_per_s > most->growth_bytes_per_s)
			most = &p->sites[i];
	place = most == top ? NULL : place_of(r, most);
	if (place && p->reason && top->kind <= KIND_MMAP &&
	    most->growth_bytes_per_s > GREATER * top->growth_bytes_per_s)
		p->reason = report_printf(
			r, "%s; %s %s grow%s by %s/s, but %s not sure to be a leak", p->reason,
			subject[most->kind].what, place, subject[most->kind].is_many ? "" : "s",
			fmt_bytes(rate, sizeof(rate), most->growth_bytes_per_s),
			subject[most->kind].is_many ? "are" : "is");
}

static bool climbs(const struct curve *c, double beyond)
{
	return curve_grows(c) && c->slope > VERDICT_NOISE_BYTES_PER_S &&
	       c->slope * c->since_s > beyond + CLIMB_BYTES;
}

/* Nor must growth that no line stands out for, of memory that is not watched perhaps. */
static void add_rest(struct report *r, struct report_process *p)
{
	const struct curve *c = &p->rss_curve;
	char rate[32];

	if (p->reason && p->sites[0].kind <= KIND_MMAP && p->explained < 1.0 / GREATER &&
	    climbs(c, 0))
		p->reason = report_printf(r,
					  "%s; but the process grows by %s/s, and the lines below "
					  "explain %.0f %% of it",
					  p->reason, fmt_bytes(rate, sizeof(rate), c->slope),
					  100 * p->explained);
}

/* What keeps things for a minute grows for a minute, after every start. */
static void add_age(struct report *r, struct report_process *p)
{
	char age[32];

	if (p->reason && !p->exited && p->age_s > 0 && p->age_s < YOUNG_S)
		p->reason = report_printf(r, "%s; the process is only %s old", p->reason,
					  fmt_duration(age, sizeof(age), p->age_s));
}

static bool comes_back(const struct curve *c)
{
	return c->shape == CURVE_GIVEN_BACK || c->shape == CURVE_TEETH ||
	       c->shape == CURVE_PERIODIC;
}

/* What has come to rest, or swings, as far as the sites and one of the curves tell. A climb by less
 * may be the same, seen later or by another measure. */
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

/* Memory rises by more than @beyond, and no line stands out. */
static bool by_growth(struct report *r, struct report_process *p, double beyond)
{
	const struct curve *c = climbs(&p->live_curve, beyond) ? &p->live_curve : &p->rss_curve;
	char rate[32];

	if (!climbs(c, beyond))
		return false;
	fmt_bytes(rate, sizeof(rate), c->slope);
	p->verdict = CLASS_GROWING;
	p->confidence = 0.2;
	p->reason = report_printf(r, "the process grows by %s/s, but no line stands out yet", rate);
	return true;
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

/* What has levelled hides nothing that goes on beside it. */
static void judge(struct report *r, struct report_process *p)
{
	enum report_class worst = p->n_sites ? p->sites[0].verdict : CLASS_STEADY;

	if (worst > CLASS_GROWING && by_growth(r, p, settled_bytes(p)))
		return;
	if (worst <= CLASS_WARMUP)
		by_site(r, p, &p->sites[0]);
	else if (!by_shape(r, p))
		by_growth(r, p, 0);
}

void verdict_process(struct report *r, struct report_process *p)
{
	p->verdict = CLASS_STEADY;
	p->confidence = 0.5;
	p->reason = "nothing grows";
	if (p->live_curve.shape == CURVE_UNKNOWN && p->rss_curve.shape == CURVE_UNKNOWN) {
		p->confidence = 0.1;
		p->reason = "too early to say whether anything grows";
	}
	judge(r, p);
	if (p->verdict == CLASS_LEAK) {
		add_greater(r, p);
		add_rest(r, p);
		add_age(r, p);
	}
	if (!p->reason)
		p->reason = "";
}

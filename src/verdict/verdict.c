/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdict on a site: its memory must rise in a straight line for long enough, and its survivors
 * must keep being born, grow old, and outlive collections. */
#include "verdict/verdict.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/thresholds.h"

/* How sure it is that this line, and no other, makes what grows. */
static double attribution(const struct verdict_evidence *e)
{
	double sure = 1 - SURE_ONE / ((double)e->samples + 1);

	return e->weak ? sure * SURE_WEAK : sure;
}

/* Confidence from the age and number of survivors, where there is no curve (no pools to read). */
static double by_age(const struct verdict_evidence *e)
{
	double few = 1 - 1 / sqrt((double)e->samples + 1), young = e->oldest_s / SURE_AGE_S;

	return few * (young < 1 ? SURE_YOUNG + (1 - SURE_YOUNG) * young : 1);
}

/* How sure it is that a leak will go on. */
static double confidence(const struct verdict_evidence *e)
{
	if (e->curve.shape == CURVE_RISING)
		return e->curve.confidence;
	return e->curve.shape == CURVE_SLOWING ? PACED_SURE : by_age(e);
}

static double time_of(const struct verdict_evidence *e)
{
	if (e->curve.since_s > 0 && e->curve.since_s < 0.5 * e->run_s)
		return e->curve.since_s;
	return e->run_s;
}

/* Seconds for which it has grown as it does now: those of the last stretch, or the run where that
 * stretch is nearly all of it or not known; at least the age of the oldest survivor. The process
 * was not stopped then, as the rate is that of the time when it ran. */
static double grown_s(const struct verdict_evidence *e)
{
	double since = e->curve.since_s, ran = e->run_s - e->stopped_s;

	return fmax(since > 0 && since < LEAK_ALL_ALONG * ran ? since : ran,
		    e->oldest_s - e->stopped_s);
}

/* Did memory also rise before the last stretch, at a pace that differs little? Then it does not
 * matter that the last stretch is short. */
static bool rose_before(const struct curve *c)
{
	double fastest = fmax(c->slope, c->fastest);

	return c->span_s >= LEAK_RUN_S && c->slope >= LEAK_RISE_PART * c->fastest &&
	       c->gain >= LEAK_RISE_PART * fastest * c->span_s;
}

/* Are survivors replaced by younger ones? */
static bool turns_over(const struct verdict_evidence *e)
{
	double span = time_of(e) - e->least_s, part;

	/* Survivors are older than the growth: a store that drops its entries by age, under more
	 * load than before, grows until the first of the new ones are dropped. Those of a leak
	 * would have made memory rise before. */
	if (e->before >= BEFORE_PART && !e->rose && (e->beside || !rose_before(&e->curve)))
		return true;
	if (!(e->mean_age_s > 0) || span < 10 || !e->samples || e->undying)
		return false;
	/* In a leak, ages are spread evenly over the watched time: their mean is half of it, give
	 * or take. If more was watched of late, survivors are younger. */
	if (e->watched_age_s > e->least_s)
		span = fmax(10, fmin(span, 2 * (e->watched_age_s - e->least_s)));
	part = fmin(YOUNG_PART, 0.5 - YOUNG_SURE / sqrt(12 * (double)e->samples));
	return e->mean_age_s < e->least_s + part * span;
}

/* May the gain be chance? Where each of n new objects replaced an older one, there are more or
 * fewer by about sqrt(2 n). */
static bool is_chance(const struct verdict_evidence *e)
{
	return e->born > 0 && e->gained < CHANCE_SURE * sqrt(2 * e->born);
}

/* Do survivors keep coming? Many windows must have met some, or fewer where their container proves
 * it. */
static bool keeps_coming(const struct verdict_evidence *e)
{
	bool is_often = (e->bursts >= LEAK_BURSTS || e->is_kept) && e->samples >= LEAK_SAMPLES &&
			(e->quarters >= LEAK_QUARTERS || e->goes_on);
	bool is_seen = is_often || (e->is_fed && e->bursts >= GOES_ON_BURSTS);

	return is_seen && e->oldest_s >= LEAK_AGE_S && e->run_s >= LEAK_RUN_S;
}

static bool rises(const struct verdict_evidence *e)
{
	if (e->curve.shape == CURVE_UNKNOWN)
		return true;
	/* Others of its size may have slowed down. Under a load that rises a cache keeps its pace,
	 * too, for a while. */
	if (e->curve.shape == CURVE_SLOWING && e->paced_s > 0 && !e->curve.lags &&
	    e->paced_s >= PACED_PART * e->curve.span_s)
		return true;
	return e->curve.shape == CURVE_RISING &&
	       (e->curve.since_s >= LEAK_RISE_S || rose_before(&e->curve));
}

/* Has it gained enough to be called a leak? The sites of one line are taken together. Descriptors
 * and threads are counted, not weighed. */
static bool is_much(const struct verdict_evidence *e, const struct report_site *s)
{
	return s->kind > KIND_MMAP ||
	       fmax(e->growth_bytes_per_s, e->line_bytes_per_s) * grown_s(e) >=
		       fmax(LEAK_BYTES, LEAK_PART * e->process_bytes);
}

/* Are the blocks that came at this pace still there, or have most been given back? */
static bool is_left(const struct verdict_evidence *e, const struct report_site *s)
{
	double time_s = e->curve.since_s > 0 ? e->curve.since_s : e->run_s;

	return s->kind != KIND_HEAP || e->is_kept ||
	       s->outstanding_count >=
		       LEFT_PART * s->growth_count_per_s * fmin(time_s, e->oldest_s);
}

/* May this short line bend? Its second half has brought less than its first, as a cache that fills
 * would. */
static bool may_bend(const struct verdict_evidence *e, const struct report_site *s)
{
	const struct curve *c = &e->curve;

	return s->kind == KIND_OBJECT && c->span_s < YOUNG_LINE_S && !(c->fastest > 0) &&
	       !c->minima && !c->ebbs && c->late > 0 && c->late < YOUNG_LINE_LATE;
}

static bool is_leak(const struct verdict_evidence *e, const struct report_site *s)
{
	return is_much(e, s) && is_left(e, s) && keeps_coming(e) && rises(e) && !may_bend(e, s) &&
	       !turns_over(e) && !e->weak && !is_chance(e) && !e->waits_for_gc && !e->one_block;
}

static char *over_collections(char *buf, size_t size, uint64_t n)
{
	*buf = 0;
	if (n)
		snprintf(buf, size, " over %" PRIu64 " collection%s", n, n == 1 ? "" : "s");
	return buf;
}

/* "1.2 KiB/s"; for descriptors and threads, whose size is not known, their number. */
static char *growth_of(char *buf, size_t size, const struct report_site *s)
{
	char n[32];

	if (s->kind == KIND_FD || s->kind == KIND_THREAD)
		snprintf(buf, size, "%s/s", fmt_count(n, sizeof(n), s->growth_count_per_s));
	else
		snprintf(buf, size, "%s/s", fmt_bytes(n, sizeof(n), s->growth_bytes_per_s));
	return buf;
}

/* "12.0 ± 0.4 objects per 1,000 births of app.Rec, whatever the load", for growth that slows as the
 * load does; else nothing. */
static const char *over_births(struct report *r, const struct verdict_evidence *e,
			       const struct report_stays *s, const char *before)
{
	int digits = s->error < 1 && s->error > 0 ? (int)fmin(ceil(-log10(s->error)), 6) : 0;
	const char *text = NULL;

	if (e->curve.ebbs && s->type && s->is_even)
		text = report_printf(
			r, "%s%.*f ± %.*f objects per 1,000 births of %s, whatever the load",
			before, digits, s->per_1000, digits, s->error, s->type);
	return text ? text : "";
}

static const char *leak_reason(struct report *r, const struct verdict_evidence *e,
			       const struct report_site *s)
{
	char rate[48], time[32], over[48];

	return report_printf(r, "grew by %s for %s%s without levelling off%s%s",
			     growth_of(rate, sizeof(rate), s),
			     fmt_duration(time, sizeof(time), grown_s(e)),
			     over_collections(over, sizeof(over), e->collections),
			     e->curve.ebbs ? ", more slowly while the process did less" : "",
			     over_births(r, e, &s->stays, ": "));
}

static bool bends(const struct verdict_evidence *e)
{
	return e->curve.shape == CURVE_SLOWING && e->curve.points >= CURVE_FEWEST &&
	       e->run_s >= LEAK_RUN_S;
}

/* Does the growth slow down? Not where its own objects are counted: the curve is of all objects of
 * its size. */
static bool slows(const struct verdict_evidence *e)
{
	return bends(e) && !(e->counted_per_s > 0);
}

static const char too_early[] = "too early to call it a leak";

/* Says that the census, or the container, counts an even pace though the curve bends. */
static const char *counted(struct report *r, const struct verdict_evidence *e,
			   const struct report_site *s)
{
	bool with_others = e->counted_per_s > GOES_ON_FASTER * s->growth_count_per_s;
	const char *what = "the census counts", *of = "/s of their type", *text;
	char n[32];

	if (e->counted_in) {
		what = report_printf(r, "the %s that holds them%s gets", e->counted_in,
				     with_others ? " and others" : "");
		of = " entries/s";
	}
	text = report_printf(r, "%s %s%s, about as many of late as before", what,
			     fmt_count(n, sizeof(n), e->counted_per_s), of);
	return text ? text : too_early;
}

/* Says the first reason why this is no leak yet. */
static const char *doubt(struct report *r, const struct verdict_evidence *e,
			 const struct report_site *s)
{
	if (e->one_block)
		return "one block that gets bigger: a buffer, or a container's table";
	if (e->weak && e->run_s >= LEAK_RUN_S)
		return "its objects look alike, and one may have taken another's place";
	if (e->waits_for_gc)
		return "no full collection has looked at it yet";
	if (slows(e) && !e->may_keep_pace && e->curve.fills)
		return "measured by the work done, it slows down, like a cache that fills";
	if (slows(e) && !e->may_keep_pace)
		return e->curve.ebbs ? "it slows down as the process does less: a leak, or a cache "
				       "that is most of what it does"
				     : "it slows down, like a cache that fills";
	if (turns_over(e))
		return "old ones make place for new ones";
	if (is_chance(e))
		return "no more than chance makes of what comes and goes";
	if (!is_left(e, s))
		return "most of what came has been given back";
	if (!is_much(e, s))
		return "too little yet to call it a leak";
	return bends(e) && !slows(e) ? counted(r, e, s) : too_early;
}

static const char *growing_reason(struct report *r, const struct verdict_evidence *e,
				  const struct report_site *s)
{
	char rate[48];

	return report_printf(r, "grows by %s; %s%s", growth_of(rate, sizeof(rate), s),
			     doubt(r, e, s), over_births(r, e, &s->stays, "; "));
}

static const char *warmup_reason(struct report *r, const struct verdict_evidence *e)
{
	char held[32], time[32];

	fmt_bytes(held, sizeof(held), e->levelled_bytes);
	if (e->curve.shape != CURVE_LEVELLED || !(e->curve.since_s > 0))
		return report_printf(r, "grew by %s, then no more", held);
	return report_printf(r, "grew by %s, level for %s since", held,
			     fmt_duration(time, sizeof(time), e->curve.since_s));
}

void verdict_site(struct report *r, const struct verdict_evidence *e, struct report_site *site)
{
	double sure = attribution(e);
	bool is_still = is_chance(e) && e->born >= CHANCE_BORN;

	if (e->growth_bytes_per_s > 0 && is_leak(e, site)) {
		site->verdict = CLASS_LEAK;
		site->reason = leak_reason(r, e, site);
		sure *= confidence(e);
	} else if (e->growth_bytes_per_s > 0 && !is_still) {
		site->verdict = CLASS_GROWING;
		site->reason = growing_reason(r, e, site);
		site->ends = (slows(e) && !e->curve.ebbs && !e->curve.fills) || turns_over(e);
		sure *= by_age(e);
	} else if (e->levelled_bytes >= WARMUP_BYTES) {
		site->verdict = CLASS_WARMUP;
		site->reason = warmup_reason(r, e);
		sure *= SURE_LEVEL;
	} else {
		site->verdict = CLASS_STEADY;
		sure *= SURE_STEADY;
	}
	site->confidence = round(sure * 100) / 100;
}

bool verdict_bounded(struct report *r, const struct report_process *p,
		     const struct verdict_bound *b, struct report_site *site)
{
	char rate[48], most[32], now[32], more[32];
	double to_go = (double)(b->most - (b->entries < b->most ? b->entries : b->most));
	double bytes = b->per_s > 0 ? to_go / b->per_s * site->growth_bytes_per_s : 0;

	if (site->verdict > CLASS_GROWING || !(site->growth_bytes_per_s > 0))
		return false;
	fmt_integer(most, sizeof(most), b->most);
	fmt_integer(now, sizeof(now), b->entries);
	/* memory ends before the container is full: the bound does not count */
	if (p->memory.limit_source && bytes > p->memory.left_low) {
		site->reason = report_printf(
			r, "%s; what holds them is bounded (%s %s), but that would take %s more",
			site->reason, b->name, most, fmt_bytes(more, sizeof(more), bytes));
		return false;
	}
	site->verdict = CLASS_GROWING;
	site->is_bounded = true;
	site->reason =
		report_printf(r, "grows by %s; %s a bounded %s (%s %s, now %s)",
			      growth_of(rate, sizeof(rate), site),
			      to_go > 0 ? "fills" : "has filled", b->what, b->name, most, now);
	return true;
}

void verdict_rests(struct report *r, const char *what, uint64_t entries, double rests_s,
		   struct report_site *site)
{
	char rate[48], n[32], time[32];

	if (site->verdict > CLASS_GROWING)
		return;
	site->verdict = CLASS_GROWING;
	site->ends = true;
	site->reason = report_printf(
		r, "grew by %s, but the %s that holds them has kept its %s entries for %s",
		growth_of(rate, sizeof(rate), site), what, fmt_integer(n, sizeof(n), entries),
		fmt_duration(time, sizeof(time), rests_s));
	site->confidence = round(site->confidence * SURE_RESTS * 100) / 100;
}

void verdict_elsewhere(struct report *r, const char *what, uint64_t entries,
		       struct report_site *site)
{
	char n[32];

	if (site->verdict <= CLASS_GROWING && site->reason)
		site->reason = report_printf(
			r,
			"%s; the %s that was found to hold them stays at %s entries, new ones in "
			"the place of old ones: look for what else holds such objects",
			site->reason, what, fmt_integer(n, sizeof(n), entries));
}

void verdict_excused(struct report *r, const char *why, struct report_site *site)
{
	char rate[48];

	site->verdict = CLASS_GROWING;
	site->reason =
		report_printf(r, "grows by %s; %s", growth_of(rate, sizeof(rate), site), why);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The simple verdict: survivors keep being born, grow old, and outlive collections. */
#include "report/verdict.h"

#include <math.h>

/* A cache of entries that live some seconds has survivors too; what is older than this and keeps
 * coming in most quarters of the run is no cache of that kind. */
#define LEAK_AGE_S    10
#define LEAK_RUN_S    15
#define LEAK_SAMPLES  4
#define LEAK_QUARTERS 2 /* the youngest quarter has nobody old enough yet in a short run */

static double confidence(const struct verdict_evidence *e)
{
	double few = 1 - 1 / sqrt((double)e->samples + 1), young = e->oldest_s / 30;
	double c = few * (young < 1 ? 0.4 + 0.6 * young : 1);

	return e->weak ? c * 0.3 : c;
}

void verdict_site(const struct verdict_evidence *e, struct report_site *site)
{
	bool old = e->oldest_s >= LEAK_AGE_S && e->run_s >= LEAK_RUN_S;
	bool keeps_coming = e->bursts >= 3 && e->quarters >= LEAK_QUARTERS;

	site->verdict = CLASS_GROWING;
	if (!(e->growth_bytes_per_s > 0))
		site->verdict = CLASS_STEADY;
	else if (old && keeps_coming && e->samples >= LEAK_SAMPLES && !e->weak &&
		 !e->waits_for_gc && !e->one_block)
		site->verdict = CLASS_LEAK;
	site->confidence = round(confidence(e) * 100) / 100;
}

/* Descriptors and threads have no size that is known: they are counted. */
static const char *reason_of_count(struct report *r, const struct report_site *top)
{
	const char *what =
		top->kind == KIND_FD ? "descriptors opened" : "threads or children started";
	char rate[32];

	fmt_count(rate, sizeof(rate), top->growth_count_per_s);
	return report_printf(r,
			     top->verdict == CLASS_LEAK
				     ? "%s by one line pile up by %s/s and never end"
				     : "%s by one line grow by %s/s; too early to call it a leak",
			     what, rate);
}

void verdict_process(struct report *r, struct report_process *p)
{
	const struct report_site *top = p->n_sites ? &p->sites[0] : NULL;
	char rate[32];

	p->verdict = CLASS_STEADY;
	p->confidence = 0.5;
	p->reason = "nothing grows";
	if (top && top->verdict <= CLASS_GROWING) {
		p->verdict = top->verdict;
		p->confidence = top->confidence;
		fmt_bytes(rate, sizeof(rate), top->growth_bytes_per_s);
		p->reason = report_printf(
			r,
			top->verdict == CLASS_LEAK
				? "objects of one line pile up by %s/s and are never freed"
				: "one line's objects grow by %s/s; too early to call it a leak",
			rate);
		if (top->kind == KIND_FD || top->kind == KIND_THREAD)
			p->reason = reason_of_count(r, top);
	} else if (p->rss_growth_bytes_per_s > VERDICT_NOISE_BYTES_PER_S) {
		fmt_bytes(rate, sizeof(rate), p->rss_growth_bytes_per_s);
		p->verdict = CLASS_GROWING;
		p->confidence = 0.2;
		p->reason = report_printf(
			r, "the process grows by %s/s, but no line stands out yet", rate);
	}
	if (!p->reason)
		p->reason = "";
}

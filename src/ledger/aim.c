/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <math.h>

#include "ledger/aim.h"

#include "ledger/busy.h"

#define SLEEPS	0.6	 /* of a processor: who uses more is met at work anyhow */
#define MOST_NS 40000000 /* waited for work */
#define STEP_NS 2000000
#define WORKS	0.4	/* of a step */
#define SKIPS	2	/* times the births that a window can pay for: one left out costs a third */
#define REST_NS 1200000 /* without a birth: a piece of work is over */
#define LONGER	1.5	/* than what was seen of it, as long as its end was not */
#define FORGETS 0.25	/* of its length, when a shorter one was seen */
#define LAST_NS 16000000 /* into its work; short ones more often, as most work is short */

static bool end(struct aim *a, bool took_it)
{
	*a = (struct aim){.took_it = took_it, .piece = a->piece};
	return true;
}

bool aim_is_now(struct aim *a, int pid, double of_core, uint64_t now, uint64_t *random,
		uint64_t *due)
{
	uint64_t cpu_ns = a->cpu_ns;
	double part;

	if (a->at_ns > now) {
		*due = a->at_ns;
		return false;
	}
	if (a->at_ns || (a->until_ns && now >= a->until_ns))
		return end(a, true);
	if (!a->until_ns && (a->took_it || of_core > SLEEPS))
		return end(a, false);
	a->cpu_ns = busy_cpu_ns(pid);
	*due = now + STEP_NS;
	if (!a->until_ns) {
		a->until_ns = now + MOST_NS;
	} else if ((double)(a->cpu_ns - cpu_ns) > WORKS * STEP_NS && a->cpu_ns > cpu_ns) {
		part = (double)(random_next(random) >> 40) / (1 << 24);
		a->at_ns = *due = now + (uint64_t)(part * part * LAST_NS);
	}
	return false;
}

uint64_t aim_skip(const struct aim *a, double affords, uint64_t *random)
{
	double part = (double)(random_next(random) >> 40) / (1 << 24);

	if (!a->took_it || a->piece <= affords)
		return 0;
	return (uint64_t)(part * fmin(a->piece, SKIPS * affords));
}

void aim_watch(struct aim *a, uint64_t births, uint64_t now)
{
	if (births != a->births) {
		a->births = births;
		a->born_ns = now;
	} else if (births && now - a->born_ns >= REST_NS && !a->is_over) {
		a->is_over = true;
		a->piece = fmax((double)births, (1 - FORGETS) * a->piece);
	}
}

void aim_closed(struct aim *a)
{
	if (!a->is_over)
		a->piece = fmax(LONGER * (double)a->births, a->piece);
	a->births = 0;
	a->is_over = false;
}

uint64_t aim_left_out(uint64_t skip, uint64_t now)
{
	return skip - ((int64_t)now > 0 ? now : 0);
}

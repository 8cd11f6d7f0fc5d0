/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ledger/aim.h"

#include "base/thread.h"

#define SLEEPS	  0.6	   /* part of a processor: a target that uses more is seen at work anyhow */
#define MOST_NS	  40000000 /* a window waits for work so long */
#define STEP_NS	  2000000  /* from one look to the next */
#define WORKS	  0.4	   /* part of a step: a target that ran for longer is at work */
#define MOST_SKIP 3000	   /* most births left out, but no more than ... */
#define SKIPS	  2	   /* ... times those of a window */
#define LAST_NS	  16000000 /* latest start within work; mostly earlier, as most work is short */

static bool end(struct aim *a, bool took_it)
{
	*a = (struct aim){.took_it = took_it, .usual = a->usual};
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
	a->cpu_ns = process_cpu_ns(pid);
	*due = now + STEP_NS;
	if (!a->until_ns) {
		a->until_ns = now + MOST_NS;
	} else if ((double)(a->cpu_ns - cpu_ns) > WORKS * STEP_NS && a->cpu_ns > cpu_ns) {
		part = (double)(random_next(random) >> 40) / (1 << 24);
		a->at_ns = *due = now + (uint64_t)(part * part * LAST_NS);
	}
	return false;
}

uint64_t aim_skip(const struct aim *a, uint64_t most, uint64_t *random)
{
	if (most > MOST_SKIP)
		most = MOST_SKIP;
	if (most > SKIPS * a->usual)
		most = SKIPS * a->usual;
	return a->took_it && most ? (random_next(random) >> 32) % most : 0;
}

uint64_t aim_left_out(uint64_t skip, uint64_t now)
{
	return skip - ((int64_t)now > 0 ? now : 0);
}

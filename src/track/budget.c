/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Cost of a burst to the target, measured and saved up for. */
#include "track/budget.h"

/* Measured on a virtual machine: one attach and detach costs the target 7 us per site (a page's
 * copy, the breakpoint written and removed, TLB flushes), twice that while the host is busy, and
 * some 150 us in all. */
#define SITE_NS	 8000.0
#define CYCLE_NS 150000.0
/* A birth, all in: trap, walk, record. Measured on 3.11 and 3.13 at 3, 25, 60 and 128
 * frames 1.4-1.5, 1.55-1.8, 2.1-2.5 and 2.9-3.4 us; on 3.9, where each frame is an object of its
 * own and a read of its own, 1.5, 3.3, 6.4 and 12 us. */
#define HIT_NS		 1500.0
#define HIT_FRAME_NS	 13.0
#define HIT_OLD_FRAME_NS 85.0
/* No more than this is carried over: a quiet minute must not pay for a wild second. */
#define MAX_SAVED_NS 60e6

void budget_init(struct budget *b, double overhead, uint64_t now_ns)
{
	memset(b, 0, sizeof(*b));
	b->share = overhead * BUDGET_AIM;
	b->start_ns = b->filled_ns = now_ns;
	b->expected_ns = 10e6;
	b->hit_ns = HIT_NS;
	/* The first burst need not wait for a full account: the start is when one is looked at. */
	b->saved_ns = 10e6;
}

void budget_set_depth(struct budget *b, double frames, bool frames_are_objects)
{
	b->hit_ns = HIT_NS + frames * (frames_are_objects ? HIT_OLD_FRAME_NS : HIT_FRAME_NS);
}

void budget_fill(struct budget *b, uint64_t now_ns)
{
	if (now_ns <= b->filled_ns)
		return;
	b->saved_ns += (double)(now_ns - b->filled_ns) * b->share;
	if (b->saved_ns > MAX_SAVED_NS)
		b->saved_ns = MAX_SAVED_NS;
	b->filled_ns = now_ns;
}

uint64_t budget_next(struct budget *b, uint64_t now_ns, uint32_t random)
{
	double missing, wait;

	budget_fill(b, now_ns);
	missing = b->expected_ns - b->saved_ns;
	wait = missing > 0 ? missing / b->share : 0;
	/* Jitter around the mean, so that windows never keep step with a timer of the target. */
	wait *= 0.75 + 0.5 * (random & 0xffff) / 65536.0;
	if (wait < 20e6)
		wait = 20e6 * (0.75 + 0.5 * (random >> 16) / 65536.0);
	return now_ns + (uint64_t)wait;
}

double budget_spend(struct budget *b, uint64_t now_ns, uint64_t births, uint64_t open_ns,
		    size_t sites)
{
	double cost = (double)births * b->hit_ns + (double)sites * SITE_NS + CYCLE_NS;

	/* A busy target crawls from the first probe to the last: it cannot lose more than that. */
	if (cost > (double)open_ns)
		cost = (double)open_ns;
	budget_fill(b, now_ns);
	b->saved_ns -= cost;
	b->spent_ns += cost;
	b->expected_ns = 0.8 * b->expected_ns + 0.2 * cost;
	return cost;
}

void budget_charge(struct budget *b, double ns)
{
	b->saved_ns -= ns;
	b->spent_ns += ns;
}

void budget_charge_sites(struct budget *b, size_t sites)
{
	budget_charge(b, (double)sites * SITE_NS);
}

void budget_skip(struct budget *b, uint64_t from_ns, uint64_t now_ns)
{
	b->start_ns += now_ns - from_ns;
	b->filled_ns = now_ns;
}

double budget_slowdown(const struct budget *b, uint64_t now_ns)
{
	double ran = (double)(now_ns - b->start_ns);

	return ran > 0 ? b->spent_ns / ran : 0;
}

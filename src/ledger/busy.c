/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ledger/busy.h"

#include "base/thread.h"

#define SMOOTH_NS 5e9

void busy_look(struct busy *b, int pid, uint64_t now_ns)
{
	double span = (double)(now_ns - b->looked_ns), weight, used;
	uint64_t cpu_ns = process_cpu_ns(pid);

	if (!cpu_ns) {
		*b = (struct busy){0};
		return;
	}
	b->used_ns = 0;
	if (b->looked_ns && span > 0 && !b->skips && cpu_ns >= b->cpu_ns) {
		b->used_ns = (double)(cpu_ns - b->cpu_ns);
		used = b->used_ns / span;
		weight = b->is_known && span < SMOOTH_NS ? span / SMOOTH_NS : 1;
		b->of_core += weight * (used - b->of_core);
		b->is_known = true;
	}
	b->skips = false;
	b->looked_ns = now_ns;
	b->cpu_ns = cpu_ns;
}

double busy_of_core(const struct busy *b)
{
	return b->is_known ? b->of_core : 1;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "probe/looks.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/thread.h"
#include "probe/waits_at.h"

/* So long without a look, though we come first: this process was stopped or frozen, or the machine
 * was. No task is stopped with a lock of the kernel's. */
#define OVERSLEPT_NS 500000000
/* Less than taking breakpoints out takes (2 us each on 6.18), and more than all before the first.
 */
#define WORK_NS 40000
#define SITE_NS 1000
#define WAKE_NS 3000 /* to wake up takes less, to take one breakpoint out more */
/* When the lock of all forks is dropped the kernel asks for a grace period, which takes longer than
 * this; until it is over whoever takes the lock waits for none. */
#define WARM_NS 2500000

void looks_begin(struct looks *l, uint64_t now_ns, uint64_t warm_ns)
{
	*l = (struct looks){
		.tid = (int)syscall(SYS_gettid),
		.cpu_ns = thread_cpu_ns(),
		.looked_ns = now_ns,
		.worked_ns = now_ns,
		.is_warm = now_ns - warm_ns < WARM_NS,
	};
	l->looked_cpu_ns = l->cpu_ns;
}

/* The kernel waits until no CPU can be in what was taken out (RCU), or for the lock of all tracing:
 * neither holds what a fork needs. */
bool looks_idle_at(const char *where)
{
	return strstr(where, "rcu") || !strncmp(where, "perf_", 5);
}

/* Did nobody wait for the turn for so long? */
static bool is_for_nobody(const struct looks *l, uint64_t span_ns, bool is_idle, bool comes_first)
{
	return is_idle || l->was_idle || (comes_first && span_ns > OVERSLEPT_NS);
}

/* On a busy host looks may be far apart, and a wait for the kernel to forget is long there: a span
 * that begins or ends in one is taken for it, but for the time that the thread has worked: on one
 * CPU nobody looks meanwhile. A short wait stands before the first breakpoint, too, and the long
 * one is behind the last: only spans that begin and end in one say which it is. */
void looks_note(struct looks *l, uint64_t now_ns, bool is_idle, bool comes_first)
{
	uint64_t span = now_ns - l->looked_ns, cpu = thread_cpu_of_ns(l->tid);
	uint64_t worked = cpu - l->looked_cpu_ns;

	if (is_for_nobody(l, span, is_idle, comes_first) && worked < span)
		l->idle_ns += span - worked;
	l->stretch_ns = is_idle && l->was_idle ? l->stretch_ns + span : 0;
	l->was_idle = is_idle;
	if (worked > WAKE_NS) {
		l->worked_ns = l->looked_ns;
		l->waits += is_idle;
	}
	l->looked_ns = now_ns;
	l->looked_cpu_ns = cpu;
}

/* The kernel waits for a grace period before the first breakpoint, too, when it takes the lock of
 * all forks. Its stack tells that wait from the last; without the right to see it, the time that
 * its thread has worked does, or that a link waits for the second time, or takes a lock for which
 * nobody waits just now. */
bool looks_behind_the_last(const struct looks *l, const struct turn *t, const char *where,
			   bool by_warmth)
{
	char stack[WAITS_STACK];
	uint64_t cpu;

	if (t->is_piecewise || !strstr(where, "rcu"))
		return false;
	if (!waits_stack(0, l->tid, stack, sizeof(stack)))
		return strstr(stack, "rcu") && !strstr(stack, "percpu_down_write") &&
		       !strstr(stack, "register_for_each_vma");
	cpu = thread_cpu_of_ns(l->tid);
	if (t->is_link && (l->waits > 1 || (by_warmth && l->is_warm)))
		return cpu > l->cpu_ns + WAKE_NS + t->sites * SITE_NS;
	return cpu > l->cpu_ns + WORK_NS + t->sites * SITE_NS;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Several sets are taken out side by side. Breakpoints of a uprobe_multi link are out within
 * milliseconds, but to close it takes 25-45 ms more, until the kernel can forget it: one after the
 * other, the target would run into the last set for as long as all before it take. */
#include "base/thread.h"
#include "probe/mechanism_priv.h"

static void *take_out(void *set)
{
	probe_set_off(set);
	return NULL;
}

static void *try_to_take_out(void *set)
{
	probe_set_try_off(set);
	return NULL;
}

/* The turns (turn.h) go on to the next one where nothing is waited for but the kernel. */
void probe_off_together(struct probe_set *const *set, size_t n, bool is_patient)
{
	void *(*out)(void *) = is_patient ? take_out : try_to_take_out;
	pthread_t thread[PROBE_TOGETHER];
	size_t started = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_last = i + 1 == n || started == PROBE_TOGETHER;

		if (!set[i] || !probe_set_is_on(set[i]))
			continue;
		/* Those of other mechanisms wait for what others wait for, too. */
		if (is_last || set[i]->mechanism != PROBE_MULTI ||
		    thread_start(&thread[started], out, set[i]))
			out(set[i]);
		else
			started++;
	}
	while (started)
		pthread_join(thread[--started], NULL);
}

void probe_sets_off(struct probe_set *const *set, size_t n, bool waits)
{
	struct probe_set *on[PROBE_TOGETHER] = {0};
	size_t n_on = 0;

	for (size_t i = 0; i < n && n_on < PROBE_TOGETHER; i++)
		if (set[i] && set[i]->on)
			on[n_on++] = set[i];
	if (n_on && on[0]->ops->off_together)
		on[0]->ops->off_together(on, n_on, waits);
	else if (n_on)
		probe_off_together(on, n_on, true);
	if (n > PROBE_TOGETHER)
		probe_sets_off(set + PROBE_TOGETHER, n - PROBE_TOGETHER, waits);
}

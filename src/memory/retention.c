/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes the evidence for retention from floors at the beginning and of late. */
#include "memory/retention.h"

#include <math.h>
#include <stdio.h>

#include "proc/inside.h"
#include "storage/storage.h"

/* include/linux/sched.h, shown by ps as F: forked, and no exec since */
#define PF_FORKNOEXEC 0x40u

/* The lower number; one that is not known does not count. */
static double lower(double a, double b)
{
	return isnan(a) || b < a ? b : a;
}

void retention_add(struct retention_log *l, double t_s, const double value[KEPT_MAX])
{
	double shared = value[KEPT_SHARED];

	if (!l->n) {
		l->first_s = t_s;
		l->least_shared = NAN;
	}
	l->least_shared = lower(l->least_shared, shared);
	l->reshared = fmax(l->reshared, shared - l->least_shared);
	for (size_t k = 0; k < KEPT_MAX; k++) {
		if (!l->n)
			l->first[k] = value[k];
		else if (l->n < RETENTION_FIRST || isnan(l->first[k]))
			l->first[k] = lower(l->first[k], value[k]);
		l->last[l->n % RETENTION_LAST][k] = value[k];
	}
	l->last_s = t_s;
	l->n++;
}

/* The floor of the last @n readings. */
static double floor_of(const struct retention_log *l, enum kept k, size_t n)
{
	double v = NAN;

	for (size_t i = 0; i < n && i < l->n; i++)
		v = lower(v, l->last[(l->n - 1 - i) % RETENTION_LAST][k]);
	return v;
}

void retention_evidence(const struct retention_log *l, struct retention_evidence *out)
{
	double now[KEPT_MAX], grew[KEPT_MAX], idle = NAN;

	for (size_t k = 0; k < KEPT_MAX; k++) {
		now[k] = floor_of(l, (enum kept)k, RETENTION_LAST);
		grew[k] = floor_of(l, (enum kept)k, RETENTION_GREW) - l->first[k];
	}
	for (size_t i = 0; i < RETENTION_LAST && i < l->n; i++)
		idle = lower(idle, l->last[i][KEPT_POOLS] - l->last[i][KEPT_LIVE]);
	*out = (struct retention_evidence){
		.pools_idle = idle,
		.watched_s = l->n ? l->last_s - l->first_s : 0,
		.grew =
			{
				.rss = grew[KEPT_RSS],
				.anon = grew[KEPT_ANON],
				.private_bytes = grew[KEPT_PRIVATE],
				/* a page that is shared anew is shared with its own children */
				.shared = grew[KEPT_SHARED] + l->reshared,
				.huge = grew[KEPT_HUGE],
				.shmem = grew[KEPT_SHMEM],
				.live = grew[KEPT_LIVE],
				.pools = grew[KEPT_POOLS],
				.malloced = NAN,
				.uncounted = NAN,
				.malloc_slack = NAN,
				.cgroup = grew[KEPT_CGROUP],
				.cgroup_file = grew[KEPT_CGROUP_FILE],
				.io = grew[KEPT_IO],
			},
		.rss = now[KEPT_RSS],
		.huge = now[KEPT_HUGE],
		.malloc_slack = NAN,
		.trimmable = NAN,
		.arenas = NAN,
	};
}

static bool is_forked(int pid)
{
	auto_free char *text = NULL;
	struct proc_stat st;
	size_t len;

	return !proc_slurp(pid, "stat", &text, &len) && !proc_parse_stat(text, &st) &&
	       st.flags & PF_FORKNOEXEC;
}

/* Only the program of the parent is looked at: its stat may wait for an exec of it that hangs. */
bool retention_is_forked(const struct proc *p)
{
	char own[40], parents[40];

	snprintf(own, sizeof(own), "/proc/%d/exe", p->pid);
	snprintf(parents, sizeof(parents), "/proc/%d/exe", p->ppid);
	return p->ppid > 1 && is_forked(p->pid) && storage_is_same(own, parents);
}

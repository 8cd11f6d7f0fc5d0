/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the probes cost the target, and windows where they would cost too much all the time. */
#include <time.h>

#include "track/fds_priv.h"

/* Estimated from figures of 6.18 in a VM (bench/fds.py): trap at the entry, return probe and a walk
 * of some ten frames; and the entry of a function that opened nothing (fcntl for a lock), with its
 * return. */
#define OPEN_NS 3000.0
#define CALL_NS 1800.0
/* By tracepoint there is no trap. */
#define SYSCALL_NS	1500.0
#define SYSCALL_CALL_NS 150.0

#define SMOOTH_NS      1e9
#define OVER_POLLS     4  /* too dear in a row, until windows are used */
#define CALM_WINDOWS   10 /* cheap enough in a row, until they are not */
#define WINDOW_NS      20000000
#define WINDOW_SITE_NS 15000.0 /* breakpoints in and out, each */

static double cost_of(const struct fds *f, uint64_t opened, uint64_t calls)
{
	bool probes = f->spec.means == FDS_LIBC;

	return (double)opened * (probes ? OPEN_NS : SYSCALL_NS) +
	       (double)calls * (probes ? CALL_NS : SYSCALL_CALL_NS);
}

/* What was spent since the last time. */
static double count(struct fds *f)
{
	uint64_t opened = f->ctl->opened, calls = f->ctl->calls;
	double cost = cost_of(f, opened - f->opened, calls - f->calls);

	f->opened = opened;
	f->calls = calls;
	f->spent_ns += cost;
	return cost;
}

static void watch_always(struct fds *f, double cost, double span)
{
	double weight = span / SMOOTH_NS < 1 ? span / SMOOTH_NS : 1;

	f->cost_share += weight * (cost / span - f->cost_share);
	f->over = f->cost_share > f->spec.share ? f->over + 1 : 0;
	if (f->over < OVER_POLLS)
		return;
	log_debug("descriptors cost %.2f %%: windows from here on", 100 * f->cost_share);
	f->in_windows = f->was_in_windows = true;
	f->calm = 0;
	f->saved_ns = 0;
	f->window_cost_ns = f->cost_share * WINDOW_NS;
	fds_off(f);
}

static void window(struct fds *f)
{
	const struct timespec wait = {.tv_nsec = WINDOW_NS};
	size_t sites = 0;
	double cost, share;

	for (size_t i = 0; i < f->libc.n_files; i++)
		sites += f->libc.file[i].n_one + 2 * f->libc.file[i].n_many;
	if (fds_on(f))
		return;
	nanosleep(&wait, NULL);
	cost = count(f);
	share = cost / WINDOW_NS;
	f->calm = share < f->spec.share / 2 ? f->calm + 1 : 0;
	if (f->calm >= CALM_WINDOWS) {
		f->in_windows = false;
		f->over = 0;
		f->cost_share = share;
		return;
	}
	fds_off(f);
	f->spent_ns += (double)sites * WINDOW_SITE_NS;
	f->window_cost_ns = cost + (double)sites * WINDOW_SITE_NS;
	f->saved_ns -= f->window_cost_ns;
}

void fds_cost_poll(struct fds *f, uint64_t now_ns)
{
	double span = (double)(now_ns - f->counted_ns), cost = count(f);

	if (span < 1e6)
		return;
	f->counted_ns = now_ns;
	if (!f->in_windows) {
		watch_always(f, cost, span);
		return;
	}
	f->saved_ns += span * f->spec.share;
	if (f->saved_ns > 4 * f->window_cost_ns)
		f->saved_ns = 4 * f->window_cost_ns;
	if (f->saved_ns >= f->window_cost_ns)
		window(f);
}

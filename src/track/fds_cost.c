/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Meters what the probes cost the target, and opens windows where they would cost too much all the
 * time. */
#include <stdio.h>
#include <time.h>

#include "track/fds_priv.h"

/* Estimated from figures of 6.18 in a VM (bench/fds.py). A call that opens something: trap at the
 * entry, return probe and a walk of some ten frames. One that does not (fcntl for a lock): its
 * entry and return. */
#define OPEN_NS 3000.0
#define CALL_NS 1800.0
/* More where the function has no byte that the kernel emulates, so that an instruction is stepped
 * over (fcntl's of glibc 2.36). */
#define STEP_NS 8400.0
/* Tracepoints have no trap. */
#define SYSCALL_NS	1500.0
#define SYSCALL_CALL_NS 150.0
/* That of fork has a walk in it, too. */
#define START_NS SYSCALL_NS

#define OVER_POLLS   4	/* polls in a row that were too dear before windows are used */
#define OVER_AT_ONCE 8	/* times its share: windows are used at once */
#define CALM_WINDOWS 10 /* windows in a row that were cheap before they end */
#define WINDOW_NS    20000000

/* Cost of calls. Failed ones (accept() without a client, open() without a file) pay for a return,
 * too. */
static double cost_of(const struct fds *f, uint64_t opened, uint64_t failed, uint64_t calls)
{
	double more = 2 * f->spec.account->price.event_more_ns; /* entry and return */
	double step = f->libc.steps_one * STEP_NS;

	if (f->spec.means != FDS_LIBC)
		return (double)opened * SYSCALL_NS + (double)(calls + failed) * SYSCALL_CALL_NS;
	return (double)opened * (OPEN_NS + more + step) + (double)failed * (CALL_NS + more + step) +
	       (double)calls * (CALL_NS + more + (f->libc.steps_many ? STEP_NS : 0));
}

/* Cost of the calls since the last time, with those that met a window's probes while its sets went
 * in, one after the other, or out. */
static double count(struct fds *f)
{
	const struct pl_fd_ctl *ctl = f->ctl;
	uint64_t opened = ctl->opened, failed = ctl->failed + ctl->unrecorded;
	uint64_t calls = ctl->calls + ctl->unrecorded_many;
	double cost = cost_of(f, opened - f->opened, failed - f->failed, calls - f->calls);

	f->opened = opened;
	f->failed = failed;
	f->calls = calls;
	return cost;
}

/* Charges threads and children that were started. Their tracepoint stays in, so that their cost is
 * no reason for windows; but it leaves less to those. */
static void charge_starts(struct fds *f)
{
	struct account *a = f->spec.account;
	uint64_t started = f->ctl->started, n = started - f->started;

	f->started = started;
	if (a->counted_ns >= a->begun_ns) /* what came before is not told */
		account_charge(a, (double)n * START_NS);
}

/* Would windows look at too many processes? */
static bool is_crowded(const struct fds *f)
{
	return f->spec.means == FDS_LIBC && probe_host_is_crowded();
}

static double planting_ns(const struct fds *f)
{
	size_t sites = 0;

	for (size_t i = 0; i < f->libc.n_files; i++)
		sites += f->libc.file[i].n_one + 2 * f->libc.file[i].n_many;
	return account_planting_ns(f->spec.account, sites);
}

static void begin_windows(struct fds *f, double expected_ns, unsigned calm)
{
	f->in_windows = true;
	f->calm = calm;
	account_begin(f->spec.account, expected_ns, clock_ns());
}

/* Once: later ones differ in numbers alone. That another one had its turn is over soon. */
static void note_refused(struct fds *f, int err)
{
	if (err == -EBUSY && !f->is_refused)
		snprintf(f->note, sizeof(f->note),
			 "descriptors could not be watched at times: %.200s", fail_text());
	f->is_refused |= err == -EBUSY;
}

int fds_stay(struct fds *f)
{
	int err = fds_on(f, probe_set_insist);

	if (err != -EAGAIN && err != -EBUSY)
		return err;
	note_refused(f, err);
	begin_windows(f, planting_ns(f), CALM_WINDOWS - 1);
	return 0;
}

/* From now on a part of what is opened has no line. */
static void close_window(struct fds *f)
{
	f->was_in_windows = true;
	fds_off(f);
}

static void watch_always(struct fds *f)
{
	struct account *a = f->spec.account;

	f->over = a->of_late > a->share ? f->over + 1 : 0;
	if (f->over < OVER_POLLS && a->of_late <= OVER_AT_ONCE * a->share)
		return;
	if (is_crowded(f)) {
		snprintf(f->note, sizeof(f->note),
			 "descriptors have no lines any more: too many are opened to see each, and "
			 "windows would look at all processes of this host each time");
		fds_close_sets(f);
		return;
	}
	log_debug("descriptors cost %.2f %%: windows from here on", 100 * a->of_late);
	begin_windows(f, a->of_late * WINDOW_NS, 0);
	close_window(f);
}

static void window(struct fds *f)
{
	const struct timespec wait = {.tv_nsec = WINDOW_NS};
	struct account *a = f->spec.account;
	double cost, met, share;
	int err = fds_on(f, probe_set_on);

	if (err == -ENOTSUP) {
		snprintf(f->note, sizeof(f->note), "descriptors have no lines any more: %.240s",
			 fail_text());
		fds_close_sets(f);
	}
	if (err) {
		note_refused(f, err);
		/* starts to save for the next window */
		account_begin(a, a->expected_ns, clock_ns());
		return;
	}
	cost = count(f); /* of calls while sets went in */
	nanosleep(&wait, NULL);
	met = count(f);
	cost += met;
	share = met / WINDOW_NS;
	f->calm = share < a->share / 2 ? f->calm + 1 : 0;
	/* where windows look at too many processes, the first one stays */
	if (f->calm >= CALM_WINDOWS || is_crowded(f)) {
		f->in_windows = false;
		f->over = 0;
		account_charge(a, cost);
		a->of_late = share;
		return;
	}
	close_window(f);
	account_window(a, clock_ns(), cost + count(f) + planting_ns(f));
}

void fds_cost_poll(struct fds *f, uint64_t now_ns)
{
	struct account *a = f->spec.account;

	if (now_ns < a->counted_ns + 1000000)
		return;
	charge_starts(f);
	if (fds_means(f) == FDS_NONE)
		return;
	account_count(a, now_ns, count(f));
	if (!f->in_windows)
		watch_always(f);
	else if (account_has_saved(a, now_ns))
		window(f);
}

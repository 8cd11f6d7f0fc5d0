/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Starts and stops the process that holds the probes while a command runs, and tells when it is
 * waited for. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/thread.h"
#include "cli/awaited.h"
#include "cli/cli.h"
#include "cli/stop.h"
#include "confine/confine.h"
#include "probe/guard.h"
#include "probe/host.h"
#include "probe/probe.h"
#include "proc/list.h"

#define PATIENCE_S 2
#define LONG_S	   10		 /* closing many events of tracefs takes seconds */
#define GAP_NS	   1000000000ull /* a caller that waits asks every 50 ms; a longer gap ends a wait */

static bool is_guardian(const struct proc_entry *e)
{
	return e->ppid == getpid() && !strcmp(e->comm, "pyleak-probes");
}

/* Returns the guardian's pid; 0: it is not found. All processes, of which a host may have
 * thousands, are listed only while it is not known. */
static int find_guardian(void)
{
	static _Atomic int known;
	auto_free struct proc_entry *v = NULL;
	struct proc_entry one;
	size_t n = 0;
	int pid = known;

	if (pid && proc_list_one(pid, &one) && is_guardian(&one))
		return pid;
	if (proc_list(&v, &n))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (is_guardian(&v[i])) {
			known = v[i].pid;
			return known;
		}
	return 0;
}

/* Tells which process is waited for, and why. False: there is nothing to tell. */
static bool say_who_is_awaited(bool is_long)
{
	int pid = find_guardian();
	char state = pid ? awaited_state(pid) : 0, held[64];

	if (state && awaited_held(pid, held, sizeof(held)))
		log_line("pyleak-bpf: waits for the process that holds the probes "
			 "(pyleak-probes, %d), which %s",
			 pid, held);
	else if (state && is_long)
		log_line("pyleak-bpf: waits for the process that holds the probes (pyleak-probes, "
			 "%d) to take them out; it is in state %c: where its control group is "
			 "frozen, thaw it, else see docs/KERNEL-HAZARDS.md",
			 pid, state);
	else
		return false;
	return true;
}

/* Shall the wait for the guardian's answer end? The guard's own code asks this while it waits, so
 * this is where a long wait is noticed and told. */
static bool is_given_up(void)
{
	static _Atomic uint64_t asked_ns, next_ns;
	const uint64_t patience_ns = PATIENCE_S * 1000000000ull;
	uint64_t now = clock_ns();

	if (now - atomic_exchange(&asked_ns, now) > GAP_NS) /* a new wait begins */
		next_ns = now + patience_ns;
	else if (now > next_ns)
		next_ns = say_who_is_awaited(false) ? UINT64_MAX : now + patience_ns;
	return stop_is_due();
}

int cli_host_join(void)
{
	if (probe_mount())
		log_debug("%s", fail_text());
	return host_join();
}

int cli_guard_start(bool no_sandbox, struct probe_guard **out)
{
	const struct probe_guard_opts o = {
		.confine = no_sandbox ? NULL : confine_guardian,
		.is_cancelled = is_given_up,
		.ends_with_us = probe_guard_would_end(),
	};
	int err = cli_host_join();

	if (!err)
		err = probe_guard_start(&o, out);
	if (!err)
		stop_alarm_to(probe_guard_alarm_fd(*out), probe_guard_ends_with_us(*out));
	return err;
}

static void *stop_guard(void *guard)
{
	probe_guard_stop(guard);
	return NULL;
}

static bool has_ended(pthread_t thread, time_t within_s)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += within_s;
	return pthread_timedjoin_np(thread, NULL, &until) != ETIMEDOUT;
}

static void await_end(pthread_t thread)
{
	if (has_ended(thread, PATIENCE_S))
		return;
	if (!say_who_is_awaited(false)) {
		if (has_ended(thread, LONG_S - PATIENCE_S))
			return;
		say_who_is_awaited(true);
	}
	pthread_join(thread, NULL);
}

void cli_guard_stop(struct probe_guard *g)
{
	int ends = probe_guard_ends_with_us(g), pid;
	pthread_t thread;

	stop_alarm_to(-1, ends);
	if (!g || thread_start(&thread, stop_guard, g))
		probe_guard_stop(g);
	else
		await_end(thread);
	stop_alarm_to(-1, 0);
	pid = g && !ends ? find_guardian() : 0; /* the guardian may have been left behind */
	if (pid && awaited_state(pid) == 'T')
		log_line("pyleak-bpf: the process that holds the probes (pyleak-probes, %d) was "
			 "stopped, and keeps them in: kill -CONT %d",
			 pid, pid);
}

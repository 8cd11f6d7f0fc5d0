/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A breakpoint copies its page of code, and the copy is charged to the target, with locks held that
 * every fork waits for. Where its cgroup is full the kernel has to reclaim at that moment, and may
 * kill the target, which then cannot end before the change does. So there must be room beforehand.
 */
#include <pthread.h>
#include <stdio.h>

#include "probe/mechanism_priv.h"
#include "proc/limits.h"
#include "proc/list.h"

#define PAGE	   4096ull
#define MARGIN	   (1ull << 20) /* page tables, and what the target takes meanwhile */
#define PLENTY	   (64ull << 20)
#define TAKES	   4 /* bytes a nanosecond: so fast may memory be touched for the first time */
#define PLENTY_NS  1000000000
#define OURS_NS	   10000000000 /* a group that our own mounts show may move to another one */
#define PRESSURE   10.0 /* percent of ten seconds in which nobody could go on for want of it */
#define ASKED_MOST 64
#define CROWDED_NS 10000000000 /* a host fills more slowly */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Processes that had plenty, and until when that is believed. */
static struct {
	int pid;
	uint64_t until_ns;
} had_plenty[ASKED_MOST];

static bool is_known_to_have_plenty(int pid)
{
	bool known;

	pthread_mutex_lock(&lock);
	known = had_plenty[pid % ASKED_MOST].pid == pid &&
		clock_ns() < had_plenty[pid % ASKED_MOST].until_ns;
	pthread_mutex_unlock(&lock);
	return known;
}

static void note_plenty(int pid, uint64_t for_ns)
{
	pthread_mutex_lock(&lock);
	had_plenty[pid % ASKED_MOST].pid = pid;
	had_plenty[pid % ASKED_MOST].until_ns = clock_ns() + for_ns;
	pthread_mutex_unlock(&lock);
}

/* Counting processes reads a file of each, and there are no more of them than threads. In a
 * container without the host's pids most are not seen, and yet may have the same libc: that of an
 * image that many containers share. */
static bool count_crowd(void)
{
	size_t threads = proc_count_threads(), n;

	if (!proc_in_first_pid_ns())
		return !threads || threads > PROBE_LIBC_THREADS;
	if (threads && threads <= PROBE_LIBC_PROCESSES)
		return false;
	n = proc_count(PROBE_LIBC_PROCESSES + 1);
	return !n || n > PROBE_LIBC_PROCESSES;
}

bool probe_host_is_crowded(void)
{
	static pthread_mutex_t counts = PTHREAD_MUTEX_INITIALIZER;
	static bool is_crowded;
	static uint64_t until_ns;
	bool answer;

	pthread_mutex_lock(&counts);
	if (clock_ns() >= until_ns) {
		is_crowded = count_crowd();
		until_ns = clock_ns() + CROWDED_NS;
	}
	answer = is_crowded;
	pthread_mutex_unlock(&counts);
	return answer;
}

/* "full avg10=0.12 ..." of this host; 0 where the kernel does not tell. */
static double pressure(void)
{
	FILE *f = fopen("/proc/pressure/memory", "re");
	double full = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "full avg10=%lf", &full) == 1)
			break;
	if (f)
		fclose(f);
	return full;
}

static int check_group(int pid, size_t pages, const struct proc_cgroup *cg)
{
	uint64_t needs = pages * PAGE + MARGIN, room = proc_room_in(cg);

	/* Above memory.high whoever charges memory may be put to sleep on the spot. */
	room = cg->below_high < room ? cg->below_high : room;
	if (room >= PLENTY)
		note_plenty(pid, room / TAKES < PLENTY_NS ? room / TAKES : PLENTY_NS);
	if (room < needs)
		return fail(-EBUSY,
			    "process %d has %.1f MiB left below its memory limit, and probes would "
			    "take up to %.1f MiB of it: none are set",
			    pid, (double)room / 1048576, (double)needs / 1048576);
	return 0;
}

int probe_check_room(int pid, size_t pages)
{
	const struct proc p = {.pid = pid};
	struct proc_cgroup cg;
	double full;

	if (is_known_to_have_plenty(pid))
		return 0;
	full = pressure();
	if (full > PRESSURE)
		return fail(
			-EBUSY,
			"this host is short of memory (processes stood still for %.0f %% of the "
			"last ten seconds): no probes are set",
			full);
	proc_cgroup_ours(&p, &cg);
	return check_group(pid, pages, &cg);
}

int probe_check_room_theirs(const struct probe_set *s)
{
	const struct proc p = {.pid = s->pid};
	struct proc_cgroup cg;

	if (is_known_to_have_plenty(s->pid))
		return 0;
	proc_cgroup(&p, &cg);
	if (cg.is_theirs)
		return check_group(s->pid, probe_pages(s), &cg);
	note_plenty(s->pid, OURS_NS); /* for the guardian to ask */
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CROWD 3	   /* tasks that want each processor */
#define BRISK (-8) /* six times the share of nice 0 */
#define HASTE (-15)

int thread_start(pthread_t *out, void *(*work)(void *), void *arg)
{
	/* faults of the thread itself: if blocked they would end us without the filter's message */
	static const int own[] = {SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	sigset_t others, before;
	int err;

	sigfillset(&others);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		sigdelset(&others, own[i]);
	pthread_sigmask(SIG_SETMASK, &others, &before);
	err = pthread_create(out, NULL, work, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	return clock_gettime(clock, &ts) ? 0
					 : (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t thread_cpu_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* The clock is the one that pthread_getcpuclockid() gives. */
uint64_t thread_cpu_of_ns(int tid)
{
	return read_clock((clockid_t)(~(unsigned)tid << 3 | 6));
}

uint64_t process_cpu_ns(int pid)
{
	/* the clock that clock_getcpuclockid() gives, with one call more */
	return read_clock((clockid_t)(~(unsigned)pid << 3 | 2));
}

static void at_nice(int nice)
{
	const struct sched_param none = {0};

	/* on Linux these are of this thread alone, not of the process; errors do not matter */
	sched_setscheduler(0, SCHED_OTHER, &none);
	setpriority(PRIO_PROCESS, 0, nice);
}

void thread_calm(void)
{
	at_nice(0);
}

void thread_brisk(void)
{
	at_nice(BRISK);
}

void thread_haste(void)
{
	at_nice(HASTE);
}

bool thread_is_crowded(void)
{
	FILE *f = fopen("/proc/loadavg", "re");
	int running = 0;

	if (!f)
		return false;
	if (fscanf(f, "%*s %*s %*s %d/", &running) != 1)
		running = 0;
	fclose(f);
	return running > CROWD * sysconf(_SC_NPROCESSORS_ONLN);
}

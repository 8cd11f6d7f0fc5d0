/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads clocks. In a time namespace CLOCK_MONOTONIC differs from the host's, and _RAW and _COARSE
 * with it; clocks that do not differ can be set by people. So the difference is taken off. */
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/base.h"

#define SECOND_NS 1000000000u

static uint64_t ahead_ns; /* ours less the host's: may be negative, as sums wrap */

static void find_host(void)
{
	FILE *f = fopen("/proc/self/timens_offsets", "re");
	long long s, ns;

	if (f && fscanf(f, "monotonic %lld %lld", &s, &ns) == 2)
		ahead_ns = (uint64_t)s * SECOND_NS + (uint64_t)ns;
	if (f)
		fclose(f);
}

static bool has_its_childrens(void)
{
	struct stat own, theirs;

	return stat("/proc/self/ns/time", &own) ||
	       stat("/proc/self/ns/time_for_children", &theirs) || own.st_ino == theirs.st_ino;
}

/* Finds the difference. The file has that of children's namespace, in which a program that was
 * started without a fork is not itself before Linux 6.2: then our clock is taken for the host's,
 * and each child looks. */
__attribute__((constructor)) static void begin(void)
{
	if (has_its_childrens())
		find_host();
	else
		pthread_atfork(NULL, NULL, find_host);
}

static uint64_t host_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec - ahead_ns;
}

uint64_t clock_ns(void)
{
	return host_ns(CLOCK_MONOTONIC);
}

uint64_t clock_coarse_ns(void)
{
	return host_ns(CLOCK_MONOTONIC_COARSE);
}

double wall_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct timespec timespec_of_ns(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / SECOND_NS),
		.tv_nsec = (long)(ns % SECOND_NS),
	};
}

struct timespec clock_deadline(uint64_t when_ns)
{
	return timespec_of_ns(when_ns + ahead_ns);
}

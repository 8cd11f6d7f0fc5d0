/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Known patterns of allocator calls, with the truth about what is left. */
#include "native_child.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct child_answer answer;

/* Hidden from the compiler, which otherwise drops pairs and knows sizes too large. */
static size_t hide(size_t n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

static void keep(const void *p, size_t size)
{
	if (answer.n < CHILD_BLOCKS)
		answer.block[answer.n++] = (struct child_block){(uintptr_t)p, size};
	else
		answer.truncated = 1;
}

static uint64_t clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

/* For prices: what others on the machine take does not count. */
static uint64_t cpu_ns(void)
{
	return clock_of(CLOCK_PROCESS_CPUTIME_ID);
}

static void do_malloc(void)
{
	static void *p[1000];

	for (int i = 0; i < 1000; i++)
		p[i] = malloc(hide(100 + (size_t)i));
	for (int i = 0; i < 1000; i++)
		if (i & 1)
			free(p[i]);
		else
			keep(p[i], 100 + (size_t)i);
	free((void *)hide(0));
	keep(malloc(hide(0)), 0);
	if (malloc(hide(SIZE_MAX / 2)))
		abort();
}

static void do_calloc(void)
{
	keep(calloc(hide(3), 1000), 3000);
	keep(calloc(hide(1), 300000), 300000);
	if (calloc(hide(SIZE_MAX / 2), 3))
		abort();
	free(calloc(hide(7), 7));
}

static void do_realloc(void)
{
	char *p = realloc((void *)hide(0), 100), *q;

	p = realloc(p, hide(110));	    /* in place */
	p = realloc(p, hide(5000));	    /* grows or moves */
	p = realloc(p, hide(1 << 20));	    /* to a mapping of its own */
	p = realloc(p, hide(3 << 20));	    /* by mremap */
	q = realloc(p, hide(SIZE_MAX / 2)); /* fails: p is left */
	if (q)
		abort();
	keep(p, 3 << 20);
	p = realloc(malloc(hide(64)), hide(0)); /* frees */
	if (p)
		abort();
	p = reallocarray((void *)hide(0), hide(10), 20);
	p = reallocarray(p, hide(1000), 20);
	keep(p, 20000);
	if (reallocarray(p, hide(SIZE_MAX / 2), 3))
		abort();
}

static void do_aligned(void)
{
	void *p = NULL;

	keep(memalign(64, hide(1000)), 1000);
	keep(aligned_alloc(256, hide(512)), 512);
	keep(valloc(hide(5000)), 5000);
	keep(pvalloc(hide(100)), 100);
	if (posix_memalign(&p, 4096, hide(10000)))
		abort();
	keep(p, 10000);
	p = NULL;
	if (posix_memalign(&p, 3, hide(10)) != EINVAL)
		abort();
	if (posix_memalign(&p, 64, hide(70)))
		abort();
	free(p);
	free(memalign(1024, hide(4000)));
}

static char *map(size_t size, int prot, int flags)
{
	char *p = mmap(NULL, hide(size), prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

static void do_mmap(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	const size_t mib = 1 << 20, kib = 1 << 10;
	char *p = map(mib, rw, 0);

	munmap(p + mib - 256 * kib, 256 * kib); /* tail */
	munmap(p, 64 * kib);			/* head */
	keep(p + 64 * kib, mib - 320 * kib);
	p = map(mib, rw, 0); /* head first */
	munmap(p, 64 * kib);
	munmap(p + mib - 256 * kib, 256 * kib);
	keep(p + 64 * kib, mib - 320 * kib);
	p = map(mib, rw, 0); /* a hole in the middle */
	munmap(p + 512 * kib, 128 * kib);
	keep(p, 512 * kib);
	keep(p + 640 * kib, mib - 640 * kib);
	munmap(map(mib, rw, 0), mib);
	map(mib, PROT_NONE, 0);
	map(mib, rw, MAP_STACK);
	p = mremap(map(mib, rw, 0), mib, hide(4 * mib), MREMAP_MAYMOVE);
	keep(p, 4 * mib);
	p = map(5000, rw, 0); /* counts as two pages */
	keep(p, 8192);
	if (mmap(NULL, 0, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		abort();
}

#define WORKERS 4
#define HELD	200
#define ROUNDS	5000

struct worker {
	pthread_t thread;
	unsigned seed;
	void *p[HELD];
	size_t size[HELD];
};

static void *churn(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned k = (unsigned)rand_r(&w->seed) % HELD;
		size_t size = 1 + (unsigned)rand_r(&w->seed) % 3000;

		switch (rand_r(&w->seed) % 4) {
		case 0:
			free(w->p[k]);
			w->p[k] = malloc(size);
			break;
		case 1:
			w->p[k] = realloc(w->p[k], size);
			break;
		case 2:
			free(w->p[k]);
			w->p[k] = calloc(1, size);
			break;
		default:
			free(w->p[k]);
			w->p[k] = NULL;
			size = 0;
		}
		w->size[k] = size;
	}
	return NULL;
}

static void do_threads(void)
{
	static struct worker w[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++) {
		w[i].seed = i + 1;
		pthread_create(&w[i].thread, NULL, churn, &w[i]);
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(w[i].thread, NULL);
		for (int k = 0; k < HELD; k++)
			if (w[i].p[k])
				keep(w[i].p[k], w[i].size[k]);
	}
}

static void do_pairs(int n)
{
	uint64_t from = cpu_ns();

	for (int i = 0; i < n; i++)
		free((void *)hide((size_t)malloc(hide(600))));
	answer.ns = cpu_ns() - from;
	answer.calls = (uint64_t)n;
}

static void *pairs_thread(void *arg)
{
	(void)arg;
	for (int i = 0; i < CHILD_PAIRS; i++)
		free((void *)hide((size_t)malloc(hide(600))));
	return NULL;
}

static void do_two(void)
{
	pthread_t t;
	uint64_t from = cpu_ns();

	pthread_create(&t, NULL, pairs_thread, NULL);
	pairs_thread(NULL);
	pthread_join(t, NULL);
	answer.ns = cpu_ns() - from;
	answer.calls = 2 * CHILD_PAIRS;
}

/* A leak of one 700-byte block in 500, for about twelve seconds, at full speed. */
static void do_leak(void)
{
	uint64_t end = now_ns() + 12000000000u;
	uint64_t i = 0;

	while (now_ns() < end)
		for (int k = 0; k < 500; k++, i++) {
			char *p = malloc(hide(k ? 300 + (i & 255) : 700));

			memset(p, (int)(i * 7), 32);
			memcpy(p, &i, sizeof(i));
			if (k)
				free(p);
			else
				answer.calls++;
		}
}

/* A leak of 200 small blocks a millisecond, and as much churn, which goes on for a while. */
static void do_flood(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};
	uint64_t begin = now_ns(), ran;

	for (uint64_t i = 0; (ran = now_ns() - begin) < CHILD_FLOOD_NS + CHILD_AFTER_NS;
	     nanosleep(&ms, NULL))
		for (int k = 0; k < 200; k++, i++) {
			free((void *)hide((size_t)malloc(hide(600))));
			if (ran < CHILD_FLOOD_NS) {
				char *p = malloc(hide(40));

				memcpy(p, &i, sizeof(i));
				answer.calls++;
			}
		}
}

/* More than any table has room for. */
static void do_many(void)
{
	for (int i = 0; i < 140000; i++)
		if (!malloc(hide(40)))
			abort();
}

static void run(char what)
{
	answer.n = answer.truncated = 0;
	answer.calls = answer.ns = 0;
	switch (what) {
	case 'm':
		do_malloc();
		break;
	case 'c':
		do_calloc();
		break;
	case 'r':
		do_realloc();
		break;
	case 'a':
		do_aligned();
		break;
	case 'p':
		do_mmap();
		break;
	case 't':
		do_threads();
		break;
	case 's':
		do_pairs(CHILD_PAIRS);
		break;
	case 'S':
		do_pairs(500000);
		break;
	case '2':
		do_two();
		break;
	case 'l':
		do_leak();
		break;
	case 'f':
		do_flood();
		break;
	case 'n':
		do_many();
		break;
	}
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

int native_child_main(int in, int out)
{
	char what;

	while (read(in, &what, 1) == 1) {
		run(what);
		if (write_all(out, (const char *)&answer, sizeof(answer)))
			return 1;
	}
	return 0;
}

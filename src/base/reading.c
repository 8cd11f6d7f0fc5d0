/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stamps of the reads under way. */
#include "base/reading.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct reading_page own;
static struct reading_page *page = &own;

int reading_share(void)
{
	struct reading_page *shared;

	if (page != &own)
		return 0;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return fail(-ENOMEM, "out of memory");
	page = shared;
	return 0;
}

/* A tenth of the price of the exact clock where that one asks the hypervisor. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int reading_begin(void)
{
	static atomic_uint threads;
	/* A place to begin looking, its own for each thread while there are fewer than slots. */
	static _Thread_local unsigned int first = UINT32_MAX;
	static _Thread_local int tid;
	uint64_t now = now_ns();

	if (first == UINT32_MAX)
		first = atomic_fetch_add(&threads, 1) % READING_SLOTS;
	if (!tid)
		tid = (int)syscall(SYS_gettid);
	for (unsigned int i = 0; i < READING_SLOTS; i++) {
		unsigned int slot = (first + i) % READING_SLOTS;
		uint64_t none = 0;

		if (atomic_compare_exchange_strong(&page->slot[slot].since_ns, &none, now)) {
			atomic_store_explicit(&page->slot[slot].tid, tid, memory_order_relaxed);
			first = slot;
			return (int)slot;
		}
	}
	return -EAGAIN;
}

void reading_end(int slot)
{
	atomic_store_explicit(&page->slot[slot].since_ns, 0, memory_order_release);
}

uint64_t reading_oldest_ns(void)
{
	uint64_t oldest = UINT64_MAX, now;

	for (unsigned int i = 0; i < READING_SLOTS; i++) {
		uint64_t since = atomic_load(&page->slot[i].since_ns);

		if (since && since < oldest)
			oldest = since;
	}
	if (oldest == UINT64_MAX)
		return 0;
	now = now_ns();
	return now > oldest ? now - oldest : 1;
}

size_t reading_old(uint64_t age_ns, int *tid, size_t max)
{
	uint64_t now = now_ns();
	size_t n = 0;

	for (unsigned int i = 0; i < READING_SLOTS && n < max; i++) {
		uint64_t since = atomic_load(&page->slot[i].since_ns);

		if (since && now > since && now - since > age_ns)
			tid[n++] = atomic_load(&page->slot[i].tid);
	}
	return n;
}

const struct reading_page *reading_shared(void)
{
	return page;
}

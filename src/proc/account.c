/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The account of what all our readers of one process read. A page may go between the look at it and
 * its reading. The kernel charges the fault of a remote access to who reads (mm_account_fault), so
 * our own count of major faults says what our reads brought in: then the target is short of memory,
 * and we keep back from it for a while.
 */
#include "proc/account_priv.h"

#include <pthread.h>

#define FIRST_WAIT_NS 1000000000ull
#define MAX_WAIT_NS   60000000000ull
#define SECOND_NS     1000000000ull

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct account *all;

struct account *account_get(int pid)
{
	struct account *a;

	pthread_mutex_lock(&lock);
	for (a = all; a && a->pid != pid; a = a->next)
		;
	if (!a) {
		a = calloc(1, sizeof(*a));
		if (a) {
			a->pid = pid;
			a->next = all;
			all = a;
		}
	}
	if (a)
		a->users++;
	pthread_mutex_unlock(&lock);
	return a;
}

void account_put(struct account *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&lock);
	if (!--a->users) {
		struct account **at = &all;

		while (*at != a)
			at = &(*at)->next;
		*at = a->next;
		free(a);
	}
	pthread_mutex_unlock(&lock);
}

void account_bytes(struct account *a, uint64_t now_ns, size_t bytes)
{
	uint64_t second = now_ns / SECOND_NS;
	uint64_t before = atomic_load_explicit(&a->second, memory_order_relaxed);

	if (second != before && atomic_compare_exchange_strong(&a->second, &before, second)) {
		uint64_t of_it = atomic_exchange(&a->second_bytes, 0);

		atomic_store(&a->last_second_bytes, second == before + 1 ? of_it : 0);
	}
	atomic_fetch_add_explicit(&a->bytes, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&a->second_bytes, bytes, memory_order_relaxed);
}

void account_faults(struct account *a, uint64_t now_ns, uint64_t n)
{
	uint64_t wait = atomic_load(&a->wait_ns);

	atomic_fetch_add(&a->faults, n);
	if (account_keeps_back(a, now_ns))
		return;
	/* Long ago: as if it were the first time. */
	if (!wait || now_ns - atomic_load(&a->back_at_ns) > MAX_WAIT_NS)
		wait = FIRST_WAIT_NS / 2;
	wait = 2 * wait < MAX_WAIT_NS ? 2 * wait : MAX_WAIT_NS;
	atomic_store(&a->wait_ns, wait);
	atomic_store(&a->back_at_ns, now_ns + wait);
}

bool account_keeps_back(const struct account *a, uint64_t now_ns)
{
	return now_ns < atomic_load_explicit(&a->back_at_ns, memory_order_relaxed);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/reading.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SHORT_NS     2000000	/* a read waits so long at most for a switch ... */
#define WALK_NS	     50000000	/* ... and a long one so long */
#define POLL_NS	     200000	/* first wait before it looks again; each is twice as long, ... */
#define POLL_MOST_NS 800000	/* ... up to this */
#define FLAG_MOST_NS 1000000000 /* a flag that is further in the future is not to be believed */

static struct reading_page own;
static struct reading_page *page = &own;
static unsigned row;

int reading_share(void)
{
	struct reading_page *shared;

	if (page != &own)
		return 0;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return fail(-ENOMEM, "out of memory");
	atomic_store(&shared->row[0].pid, getpid());
	page = shared;
	return 0;
}

void reading_use(struct reading_page *shared, unsigned ours)
{
	page = shared;
	row = ours;
}

struct reading_page *reading_page(void)
{
	return page;
}

unsigned reading_row(void)
{
	return row;
}

static bool somebody_switches(void)
{
	uint64_t until = atomic_load(&page->switching_ns), now;

	if (!until)
		return false;
	now = clock_ns();
	return now < until && until - now <= FLAG_MOST_NS;
}

/* The kernel's number of this thread; 0 = to be asked. Kept, as a read costs hardly more than to
 * ask.
 */
static _Thread_local int own_tid;

static void forget_tid(void)
{
	own_tid = 0;
}

static int tid_of_this(void)
{
	static atomic_flag is_told = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&is_told))
		pthread_atfork(NULL, NULL, forget_tid);
	if (!own_tid)
		own_tid = (int)syscall(SYS_gettid);
	return own_tid;
}

static int stamp(uint64_t code)
{
	static atomic_uint threads;
	/* the slot to look at first: each thread has its own, as long as there are enough */
	static _Thread_local unsigned int first = UINT32_MAX;
	struct reading_slot *slots = page->row[row].slot;
	uint64_t now = clock_coarse_ns();
	int tid = tid_of_this();

	if (first == UINT32_MAX)
		first = atomic_fetch_add(&threads, 1) % READING_SLOTS;
	for (unsigned int i = 0; i < READING_SLOTS; i++) {
		unsigned int slot = (first + i) % READING_SLOTS;
		int none = 0;

		if (atomic_compare_exchange_strong(&slots[slot].tid, &none, tid)) {
			atomic_store_explicit(&slots[slot].code, code, memory_order_relaxed);
			atomic_store(&slots[slot].since_ns, now); /* before the look at the flag */
			first = slot;
			return (int)slot;
		}
	}
	return -EAGAIN;
}

/* Sets the stamp first and looks at the flag second; the one who switches sets the flag first and
 * looks at the stamps second. So at least one of the two sees the other. */
static int begin(uint64_t code, uint64_t patience_ns)
{
	struct timespec nap = {.tv_nsec = POLL_NS};
	int slot = stamp(code);
	uint64_t until;

	if (slot < 0 || !somebody_switches())
		return slot;
	until = clock_ns() + patience_ns;
	do {
		reading_end(slot);
		nanosleep(&nap, NULL);
		nap.tv_nsec *= nap.tv_nsec < POLL_MOST_NS ? 2 : 1;
		slot = stamp(code);
	} while (slot >= 0 && somebody_switches() && clock_ns() < until);
	return slot;
}

int reading_begin(void)
{
	return begin(0, SHORT_NS);
}

int reading_begin_of(uint64_t code)
{
	return begin(code, SHORT_NS);
}

int reading_begin_walk(uint64_t code)
{
	return begin(code, WALK_NS);
}

void reading_end(int slot)
{
	struct reading_slot *s = &page->row[row].slot[slot];

	atomic_store_explicit(&s->since_ns, 0, memory_order_release);
	atomic_store_explicit(&s->tid, 0, memory_order_release);
}

void reading_abandon(void)
{
	/* not tid_of_this(), which may take a lock */
	int tid = (int)syscall(SYS_gettid);

	for (int i = 0; i < READING_SLOTS; i++)
		if (atomic_load(&page->row[row].slot[i].tid) == tid)
			reading_end(i);
}

uint64_t reading_code_of(int fd)
{
	struct stat st;
	uint64_t key;

	if (fstat(fd, &st))
		return 0;
	/* An overlay shows other devices and inodes, but the same size. It shows the same time,
	 * too, but that may be set while the program runs. */
	key = (uint64_t)st.st_size * 0x9e3779b97f4a7c15u;
	return key ? key : 1;
}

uint64_t reading_oldest_ns(void)
{
	uint64_t oldest = UINT64_MAX, now;

	for (unsigned int i = 0; i < READING_SLOTS; i++) {
		uint64_t since = atomic_load(&page->row[row].slot[i].since_ns);

		if (since && since < oldest)
			oldest = since;
	}
	if (oldest == UINT64_MAX)
		return 0;
	now = clock_coarse_ns();
	return now > oldest ? now - oldest : 1;
}

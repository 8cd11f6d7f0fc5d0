/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which pages of a process may be read, by /proc/PID/pagemap. An answer about an anonymous page
 * that is there is good for a tenth of a second: when it goes meanwhile, that was swapping, and one
 * page comes back. No other answer is kept: what was absent may have come, and a page of a file may
 * have been given up, behind which there is storage.
 */
#include "proc/reader_priv.h"

#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "proc/inside.h"
#include "proc/limits.h"
#include "proc/stamped.h"

#define AHEAD_FIRST  READER_LINE
#define NEED_ROOM    (8u << 20)	  /* of the cgroup: swapping brings neighbours along */
#define RETRIES	     2		  /* where a page is moved, which looks like swapped out */
#define MOVING	     100	  /* times 200 us, in a process without swap */
#define NAPS	     500	  /* of these in a second */
#define BIG	     (64u << 10)  /* a read that is always looked after */
#define USER_END     (1ull << 56) /* of any architecture, with five levels of tables */
#define PM_FILE	     (1ull << 61) /* of a file, or shared */
#define PM_GUARD     (1ull << 58) /* a guard page, which looks like swapped out (6.15) */
#define PM_EXCLUSIVE (1ull << 56) /* memory for certain, and nobody else's */
#define LINE_MASK    (~(uint64_t)(READER_LINE - 1))

static int open_one(int pid, const char *name, const char *what, int *out)
{
	*out = stamped_open(pid, name);
	if (*out >= 0)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return fail(-EPERM, "not allowed to read %s of process %d: %s", what, pid,
			    proc_why_refused());
	if (errno == ENOENT && !strcmp(name, "pagemap") && !access("/proc/self/mem", F_OK) &&
	    access("/proc/self/pagemap", F_OK))
		return fail(-ENOTSUP,
			    "this kernel has no /proc/PID/pagemap (CONFIG_PROC_PAGE_MONITOR): "
			    "what may be read without harm cannot be told");
	if (errno == ENOENT || errno == ESRCH)
		return fail(-ESRCH, "process %d has ended", pid);
	return fail(-errno, "%s of process %d cannot be read: %s", what, pid, strerror(errno));
}

int reader_open(int pid, struct reader **out)
{
	struct reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return fail(-ENOMEM, "out of memory");
	r->pid = pid;
	r->mem = r->pagemap = -1;
	r->account = account_get(pid);
	err = r->account ? 0 : fail(-ENOMEM, "out of memory");
	if (!err)
		err = open_one(pid, "mem", "the memory", &r->mem);
	if (!err)
		err = open_one(pid, "pagemap", "the page tables", &r->pagemap);
	if (err) {
		reader_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	close_fd(&r->mem);
	close_fd(&r->pagemap);
	reader_free_rows(r);
	account_put(r->account);
	free(r);
}

static struct reader_line *line_of(struct reader *r, uint64_t page)
{
	/* Fibonacci hashing: pools lie at strides. */
	return &r->line[(page / READER_LINE * 0x9e3779b97f4a7c15u) >> 55];
}

static bool is_known(struct reader *r, uint64_t page, uint64_t now)
{
	const struct reader_line *l = line_of(r, page);

	return l->key >> READER_LINE == page / READER_LINE + 1 &&
	       (l->key >> page % READER_LINE & 1) && now - l->asked_ns < READER_OLD_NS;
}

bool reader_is_gone(const struct proc *p)
{
	uint64_t entry;

	return stamped_pread(p->reader->pagemap, &entry, sizeof(entry), 0, p->code) == 0;
}

uint64_t proc_code_now(const struct proc *p)
{
	return p->reader && !reader_is_gone(p) ? p->code : 0;
}

/* Entries of whole lines; none where there are none, which the end of the table is. */
static ssize_t read_entries(const struct proc *p, uint64_t page, size_t n, uint64_t *entry)
{
	ssize_t got = stamped_pread(p->reader->pagemap, entry, n * sizeof(*entry),
				    page * sizeof(*entry), p->code);

	if (got > 0) {
		memset((char *)entry + got, 0, n * sizeof(*entry) - (size_t)got);
		return got;
	}
	if (got < 0)
		return errno == EINTR ? -EAGAIN : errno == EAGAIN ? -ENODATA : -EFAULT;
	/* The same answer for places no process has, and for a process that has gone. */
	return reader_is_gone(p) ? -ESRCH : -EFAULT;
}

static bool is_swapped(uint64_t entry)
{
	return (entry & (PM_SWAPPED | PM_GUARD)) == PM_SWAPPED;
}

static bool is_anonymous(uint64_t entry)
{
	return (entry & (PM_PRESENT | PM_FILE)) == PM_PRESENT;
}

/* The kernel calls anonymous what has no page of memory at all: of a device, or the page of zeros.
 */
static bool is_memory(const struct proc *p, uint64_t page, uint64_t entry)
{
	const struct proc_map *m;

	if (entry & PM_EXCLUSIVE)
		return true;
	m = reader_row(p, page * READER_PAGE, true);
	return m && !reader_is_device(m) && !(m->shared && m->inode);
}

static void remember(const struct proc *p, uint64_t page, size_t n, const uint64_t *entry,
		     uint64_t now)
{
	for (size_t i = 0; i < n; i += READER_LINE) {
		struct reader_line *l = line_of(p->reader, page + i);
		uint64_t there = 0;

		for (size_t k = 0; k < READER_LINE; k++)
			if (is_anonymous(entry[i + k]) && is_memory(p, page + i + k, entry[i + k]))
				there |= 1ull << k;
		*l = (struct reader_line){((page + i) / READER_LINE + 1) << READER_LINE | there,
					  now};
	}
}

/* A few pages, and only where there is room for them: at the limit of its cgroup the process would
 * pay with others. */
static bool may_bring(const struct proc *p)
{
	struct account *a = p->reader->account;

	if (atomic_load(&a->room) == ROOM_UNKNOWN)
		atomic_store(&a->room, proc_room(p) < NEED_ROOM ? ROOM_NONE : ROOM_ENOUGH);
	return atomic_load(&a->room) == ROOM_ENOUGH &&
	       atomic_load(&a->brought) < PROC_NEEDED_PAGES &&
	       atomic_fetch_add(&a->brought, 1) < PROC_NEEDED_PAGES;
}

void proc_need(const struct proc *p, bool begin)
{
	if (p->reader)
		p->reader->needed += begin ? 1u : -1u;
}

static enum reader_page judge(const struct proc *p, uint64_t page, uint64_t entry, uint64_t now)
{
	struct account *a = p->reader->account;
	const struct proc_map *m;

	if (is_anonymous(entry))
		return is_memory(p, page, entry) ? READER_MEMORY : READER_REFUSED;
	if (is_swapped(entry))
		return p->read_swapped || (p->reader->needed && may_bring(p)) ? READER_MEMORY
									      : READER_SWAPPED;
	m = reader_row(p, page * READER_PAGE, !(entry & PM_PRESENT));
	if (!(entry & PM_PRESENT))
		return m ? reader_untouched(p, m) : READER_ABSENT;
	if (m && reader_untouched(p, m) == READER_FILE)
		return READER_FILE;
	if (m && reader_is_device(m))
		return READER_REFUSED;
	return account_keeps_back(a, now) ? READER_HELD_BACK : READER_MEMORY;
}

/* A page that the kernel moves elsewhere looks like one that is swapped out, for a moment. In a
 * process that has nothing in swap it can be nothing else. False: waited long enough, of this page
 * and of this second. */
static bool wait_for_moving(const struct proc *p, int times, uint64_t now)
{
	const struct timespec nap = {.tv_nsec = 200 * 1000};
	struct reader *r = p->reader;
	struct proc_memory m;

	if (times < RETRIES)
		return !sched_yield();
	if (proc_memory(p, &m) || m.swap_bytes) {
		r->swapped_ns = now;
		return false;
	}
	if (now / 1000000000 != r->naps_second)
		r->naps = 0;
	r->naps_second = now / 1000000000;
	if (times >= MOVING || r->naps++ >= NAPS)
		return false;
	nanosleep(&nap, NULL);
	return true;
}

/* Asks about pages [page, page + n) and what goes with them, and judges those. */
static ssize_t ask_kernel(const struct proc *p, uint64_t page, size_t n, uint8_t *state,
			  uint64_t now)
{
	struct reader *r = p->reader;
	uint64_t entry[READER_PAGES], from = page & LINE_MASK;
	uint64_t stop = (page / READER_PAGES + 1) * READER_PAGES, to = page + n;
	ssize_t got;

	/* On and on: more at a time. */
	r->ahead = from - r->next_page <= READER_LINE && r->ahead < READER_PAGES ? 2 * r->ahead
		   : from - r->next_page <= READER_LINE				 ? r->ahead
										 : AHEAD_FIRST;
	if (to < from + r->ahead)
		to = from + r->ahead;
	to = (to + READER_LINE - 1) & LINE_MASK;
	to = to < stop ? to : stop;
	r->next_page = to;
	for (int i = 0;; i++) {
		bool swapped = false;

		got = read_entries(p, from, to - from, entry);
		if (got == -EAGAIN && i < RETRIES)
			continue;
		if (got < 0)
			return got;
		for (size_t k = 0; k < n && !swapped; k++)
			swapped = is_swapped(entry[page - from + k]);
		if (!swapped || p->read_swapped || now - r->swapped_ns < READER_OLD_NS)
			break;
		if (!wait_for_moving(p, i, now))
			break;
	}
	remember(p, from, to - from, entry, now);
	for (size_t k = 0; k < n; k++)
		state[k] = (uint8_t)judge(p, page + k, entry[page - from + k], now);
	return (ssize_t)n;
}

ssize_t reader_ask(const struct proc *p, uint64_t page, uint64_t n, uint8_t *state)
{
	uint64_t stop = (page / READER_PAGES + 1) * READER_PAGES, now = clock_coarse_ns();
	size_t known = 0;

	if (page >= USER_END / READER_PAGE)
		return -EFAULT;
	if (n > stop - page)
		n = stop - page;
	if (!account_keeps_back(p->reader->account, now))
		while (known < n && is_known(p->reader, page + known, now))
			state[known++] = READER_MEMORY;
	/* Known pages are read first: the rest is asked about when its turn comes. */
	return known ? (ssize_t)known : ask_kernel(p, page, n, state, now);
}

static uint64_t major_faults(void)
{
	struct rusage r;

	return getrusage(RUSAGE_THREAD, &r) ? 0 : (uint64_t)r.ru_majflt;
}

ssize_t reader_read_memory(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	struct reader *r = p->reader;
	static _Thread_local uint64_t looked_ns;
	uint64_t now = clock_coarse_ns(), before = 0;
	/* Pages that come back on purpose do no harm. */
	bool look = !p->read_swapped && !r->needed && (len >= BIG || now != looked_ns);
	ssize_t got;

	if (look)
		before = major_faults();
	got = stamped_pread(r->mem, buf, len, addr, p->code);
	if (look) {
		uint64_t faults = major_faults() - before;

		looked_ns = now;
		if (faults)
			account_faults(r->account, now, faults);
	}
	if (got > 0)
		account_bytes(r->account, now, (size_t)got);
	return got;
}

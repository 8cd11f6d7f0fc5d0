/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stamp says that a read began and has not ended. Whether it holds the target's mmap_lock the
 * state of its thread tells: one that waits in the kernel does (D; S where a FUSE server is to
 * answer), one that was stopped does not, for it stops on its way out of the kernel. Of a thread in
 * another pid namespace there is the age alone.
 */
#include "probe/readers.h"

#include <stdatomic.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "probe/host.h"
#include "probe/waits_at.h"

#define YOUNG_NS   50000000ull	 /* no read is looked at more closely before */
#define FOREIGN_NS 1000000000ull /* one that cannot be looked at has hung after so long ... */
/* ... or was stopped within it, with its container, and holds nothing. */
#define PAUSED_NS 10000000000ull

enum state { STATE_RUNS, STATE_WAITS, STATE_STOPPED, STATE_GONE };

static bool is_frozen(int pid, int tid)
{
	char where[128];

	waits_at(pid, tid, where, sizeof(where));
	return waits_in_freezer(where);
}

static enum state state_of(int pid, int tid)
{
	char text[512];
	int err = waits_file(pid, tid, "stat", text, sizeof(text));
	const char *at;

	if (err)
		return err == -ENOENT || err == -ESRCH ? STATE_GONE : STATE_WAITS;
	at = strrchr(text, ')');
	switch (at && at[1] ? at[2] : '?') {
	case 'R':
		return STATE_RUNS;
	case 'T':
	case 't':
		return STATE_STOPPED;
	case 'Z':
	case 'X':
		return STATE_GONE;
	}
	return is_frozen(pid, tid) ? STATE_STOPPED : STATE_WAITS;
}

static uint64_t own_namespace(void)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) ? 0 : ns.st_ino;
}

static enum readers judge(const struct reading_row *row, struct reading_slot *slot, uint64_t since,
			  uint64_t now)
{
	uint64_t age = now > since ? now - since : 0;
	int tid = atomic_load(&slot->tid);

	if (age < YOUNG_NS)
		return READERS_BUSY;
	if (atomic_load(&row->namespace) && atomic_load(&row->namespace) != own_namespace())
		return age > PAUSED_NS	  ? READERS_LOST
		       : age > FOREIGN_NS ? READERS_HUNG
					  : READERS_BUSY;
	/* A page of our own has no number in it. */
	switch (state_of(atomic_load(&row->pid) ? atomic_load(&row->pid) : getpid(), tid)) {
	case STATE_GONE:
		if (atomic_compare_exchange_strong(&slot->since_ns, &since, 0))
			atomic_compare_exchange_strong(&slot->tid, &tid, 0);
		return READERS_NONE;
	case STATE_STOPPED:
		return READERS_NONE;
	case STATE_RUNS:
		return READERS_BUSY;
	case STATE_WAITS:
		break;
	}
	return READERS_HUNG;
}

static enum readers look_at_row(struct reading_row *row, uint64_t code, bool is_library,
				bool beside_no_hung)
{
	enum readers worst = READERS_NONE, one;
	uint64_t now = clock_ns();

	for (unsigned i = 0; i < READING_SLOTS && worst != READERS_HUNG; i++) {
		struct reading_slot *slot = &row->slot[i];
		uint64_t since = atomic_load(&slot->since_ns), theirs = atomic_load(&slot->code);
		bool is_other = !is_library && theirs && theirs != code;

		if (!since || (is_other && !beside_no_hung))
			continue;
		one = judge(row, slot, since, now);
		if (is_other && one == READERS_BUSY)
			continue;
		worst = one > worst ? one : worst;
	}
	return worst;
}

enum readers readers_look(uint64_t code, bool is_library, bool beside_no_hung)
{
	struct reading_page *page = reading_page();
	enum readers worst = READERS_NONE, one;

	for (unsigned i = 0; i < READING_ROWS && worst != READERS_HUNG; i++) {
		if (i != reading_row() && !atomic_load(&page->row[i].owner))
			continue;
		one = look_at_row(&page->row[i], code, is_library, beside_no_hung);
		/* Only now: most rows have nothing to say, and this is a system call. */
		if (one != READERS_NONE && host_row_lives(page, i))
			worst = one > worst ? one : worst;
	}
	return worst;
}

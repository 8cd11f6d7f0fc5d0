/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "probe/host.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/mechanism_priv.h"
#include "proc/proc.h"

/* The number goes up when struct reading_page changes. */
#define PAGE_NAME    "pyleak_host2"
#define MAPS_MOST    100000 /* looked at */
#define LOCK_POLL_US 2000
#define ABANDONED_NS 2000000000ull /* the lock, had by one copy for so long, ... */
#define ASKED_NS     1000000000ull /* ... as far as looks no further apart can tell */
#define THE_HOSTS    "/proc/1/root/sys/kernel/tracing/uprobe_events"

/* Open as long as this process lives: says of our row that somebody has it. */
static int row_fd = -1;
static int lock_fd = -1;

/* Everybody can make a map of that name where kernel.unprivileged_bpf_disabled is 0, but only who
 * may load a description of types (CAP_BPF) can give it one. */
static bool is_ours(int fd)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == BPF_MAP_TYPE_ARRAY &&
	       info.btf_id && info.value_size == sizeof(struct reading_page) &&
	       info.map_flags & BPF_F_MMAPABLE && !strcmp(info.name, PAGE_NAME);
}

/* The map of the lowest number, which all copies that look see; -ENOENT: there is none. */
static int find_map(void)
{
	__u32 id = 0;

	for (int i = 0; i < MAPS_MOST; i++) {
		int fd;

		if (bpf_map_get_next_id(id, &id))
			return -errno;
		fd = bpf_map_get_fd_by_id(id);
		if (fd >= 0 && is_ours(fd))
			return fd;
		if (fd >= 0)
			close(fd);
		else if (errno != ENOENT)
			return -errno;
	}
	return -ENOENT;
}

static int describe(struct btf *types, struct bpf_map_create_opts *opts)
{
	int key = btf__add_int(types, "int", 4, 0);
	int value = btf__add_struct(types, "reading_page", sizeof(struct reading_page));
	int err = key < 0 ? key : value < 0 ? value : btf__load_into_kernel(types);

	opts->btf_fd = (__u32)btf__fd(types);
	opts->btf_key_type_id = (__u32)key;
	opts->btf_value_type_id = (__u32)value;
	return err;
}

static int make_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct btf *types = btf__new_empty();
	int fd = types ? describe(types, &opts) : -ENOMEM;

	if (!fd)
		fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, PAGE_NAME, 4, sizeof(struct reading_page),
				    1, &opts);
	btf__free(types);
	return fd;
}

/* Two that make one at the same time both look again, and take that of the lower number. */
static int find_or_make_map(void)
{
	int fd = find_map(), made;

	if (fd != -ENOENT)
		return fd;
	made = make_map();
	if (made < 0)
		return made;
	fd = find_map();
	close(made);
	return fd;
}

static struct reading_page *map_page(void)
{
	auto_close int fd = find_or_make_map();
	void *p;

	if (fd < 0) {
		log_debug("no page for all copies of the tool: %s", strerror(-fd));
		return NULL;
	}
	p = mmap(NULL, sizeof(struct reading_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

static struct flock byte_of(unsigned row, short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = row, .l_len = 1};
}

/* A lock that several may have, on the byte of a row: whoever has one lives. */
static bool is_locked_by_others(unsigned row)
{
	struct flock l = byte_of(row, F_WRLCK);

	return fcntl(row_fd, F_OFD_GETLK, &l) || l.l_type != F_UNLCK;
}

static void clear(struct reading_row *r)
{
	for (unsigned i = 0; i < READING_SLOTS; i++) {
		atomic_store(&r->slot[i].since_ns, 0);
		atomic_store(&r->slot[i].tid, 0);
	}
}

/* The lock on its byte first, or another copy would take the row for that of a dead one. */
static bool take_row(struct reading_page *page, unsigned row, uint64_t name, uint64_t namespace)
{
	struct flock l = byte_of(row, F_RDLCK);
	struct reading_row *r = &page->row[row];
	uint64_t owner = atomic_load(&r->owner);

	if (fcntl(row_fd, F_OFD_SETLK, &l))
		return false;
	if (!is_locked_by_others(row) && atomic_compare_exchange_strong(&r->owner, &owner, name)) {
		clear(r);
		atomic_store(&r->namespace, namespace);
		atomic_store(&r->pid, getpid());
		return true;
	}
	l.l_type = F_UNLCK;
	fcntl(row_fd, F_OFD_SETLK, &l);
	return false;
}

/* A file that all copies of the tool have, for locks alone: a container without a view of tracefs
 * that has the host's pids finds it through the host's process 1. */
static int open_shared(void)
{
	int fd = probe_open_events(O_RDONLY);

	if (fd < 0 && proc_in_first_pid_ns())
		fd = open(THE_HOSTS, O_RDONLY | O_CLOEXEC);
	return fd;
}

static bool join_page(struct reading_page *page)
{
	struct stat ns;
	uint64_t name;

	row_fd = open_shared();
	if (row_fd < 0 || stat("/proc/self/ns/pid", &ns) ||
	    getrandom(&name, sizeof(name), 0) != sizeof(name))
		return false;
	for (unsigned row = 0; row < READING_ROWS; row++)
		if (!is_locked_by_others(row) && take_row(page, row, name | 1, ns.st_ino)) {
			reading_use(page, row);
			return true;
		}
	log_debug("%d copies of the tool run already: this one sees itself alone", READING_ROWS);
	return false;
}

int host_join(void)
{
	struct reading_page *page;

	if (row_fd >= 0)
		return 0;
	page = map_page();

	if (page && join_page(page))
		return 0;
	if (page)
		munmap(page, sizeof(*page));
	close_fd(&row_fd);
	row_fd = -1;
	return reading_share();
}

void host_stamps_see(struct reading_row *r, struct host_stamps *seen)
{
	for (unsigned i = 0; i < READING_SLOTS; i++) {
		seen->since_ns[i] = atomic_load(&r->slot[i].since_ns);
		seen->tid[i] = atomic_load(&r->slot[i].tid);
	}
}

void host_stamps_clear(struct reading_row *r, struct host_stamps *seen)
{
	for (unsigned i = 0; i < READING_SLOTS; i++)
		if (seen->since_ns[i] &&
		    atomic_compare_exchange_strong(&r->slot[i].since_ns, &seen->since_ns[i], 0))
			atomic_compare_exchange_strong(&r->slot[i].tid, &seen->tid[i], 0);
}

bool host_row_lives(struct reading_page *page, unsigned row)
{
	struct reading_row *r = &page->row[row];
	struct host_stamps seen;

	if (row == reading_row())
		return true;
	if (!atomic_load(&r->owner))
		return false;
	host_stamps_see(r, &seen);
	if (is_locked_by_others(row))
		return true;
	host_stamps_clear(r, &seen);
	return false;
}

void host_lock_open(void)
{
	lock_fd = open_shared();
}

bool host_lock_try(void)
{
	return lock_fd < 0 || !flock(lock_fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK;
}

bool host_has_lock(void)
{
	return lock_fd >= 0;
}

void host_lock_drop(void)
{
	if (lock_fd >= 0)
		flock(lock_fd, LOCK_UN);
}

/* As whoever has the turn in this process has found the lock. */
static struct {
	uint64_t last_ns, since_ns; /* since when it has not been had; 0 = it was */
	bool was_abandoned;	    /* it is a stopped copy's, as far as was seen */
} refusals;

/* The lock of all copies. One that has it whenever we ask, for so long, was stopped in the middle
 * of its turn; it is, until we have it. */
static bool is_abandoned(uint64_t now)
{
	if (!refusals.since_ns || (!refusals.was_abandoned && now - refusals.last_ns > ASKED_NS))
		refusals.since_ns = now;
	refusals.last_ns = now;
	refusals.was_abandoned = now - refusals.since_ns > ABANDONED_NS;
	return refusals.was_abandoned;
}

bool host_lock_wait(uint64_t until_ns)
{
	while (!host_lock_try()) {
		bool was_abandoned = refusals.was_abandoned;
		uint64_t now = clock_ns();

		/* One that went on may have let a third have it, who takes no longer than this. */
		if (is_abandoned(now) && (!was_abandoned || now > until_ns))
			return true;
		if (now > until_ns)
			return false;
		usleep(LOCK_POLL_US);
	}
	refusals.since_ns = 0;
	refusals.was_abandoned = false;
	return true;
}

bool host_lock_is_ours(void)
{
	return !refusals.since_ns && host_has_lock();
}

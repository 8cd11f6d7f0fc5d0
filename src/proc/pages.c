/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pages of a process by /proc/PID/pagemap: in memory, swapped out, or never touched.
 *
 * What was read and never written has the kernel's one page of zeros, and an entry that says
 * "present"; whoever reads memory from outside makes such entries. They are not resident (RSS does
 * not count them). Which they are the kernel tells since 6.7 (PAGEMAP_SCAN), before that the page's
 * number does, to who has CAP_SYS_ADMIN.
 */
#include "proc/inside.h"
#include "proc/reader_priv.h"
#include "proc/stamped.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	4096
#define ENTRIES 512 /* of pagemap at once */
#define REGIONS 64
#define PM_PFN	((1ull << 55) - 1) /* 0 without CAP_SYS_ADMIN */

/* As in include/uapi/linux/fs.h of 6.7, which Debian 12's headers are older than. */
struct page_region {
	uint64_t start, end, categories;
};
struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, inverted, mask,
		anyof_mask, return_mask;
};
#define SCAN	   _IOWR('f', 16, struct scan_arg)
#define IS_PRESENT (1u << 3)
#define IS_SWAPPED (1u << 4)
#define IS_PFNZERO (1u << 5)

static ssize_t read_entries(int pagemap, uint64_t code, uint64_t page, uint64_t n, uint64_t *entry)
{
	ssize_t got =
		stamped_pread(pagemap, entry, n * sizeof(*entry), page * sizeof(*entry), code);

	return got < 0 ? -errno : got / (ssize_t)sizeof(*entry);
}

uint64_t proc_piece_end(uint64_t at, uint64_t end)
{
	uint64_t next = (at | (PROC_PIECE - 1)) + 1; /* 0 behind the last */

	return next && next < end ? next : end;
}

/* By the kernel's own search: 0 where it has none. It passes over what has no page tables. */
static uint64_t scan_touched(const struct proc *p, uint64_t addr, uint64_t end)
{
	struct page_region first = {0};
	struct scan_arg arg = {
		.size = sizeof(arg),
		.vec = (uintptr_t)&first,
		.vec_len = 1,
		.max_pages = 1,
		.anyof_mask = IS_PRESENT | IS_SWAPPED,
		.return_mask = IS_PRESENT | IS_SWAPPED,
	};

	for (; addr < end; addr = arg.end) {
		int found;

		arg.start = addr;
		arg.end = proc_piece_end(addr, end);
		found = stamped_search(p->reader->pagemap, SCAN, &arg, p->code);
		if (found)
			return found < 0 ? 0 : first.start;
	}
	return end;
}

uint64_t proc_next_touched(const struct proc *p, uint64_t addr, uint64_t end)
{
	uint64_t entry[ENTRIES], most = 1; /* the first page often is one */

	if (!p->reader)
		return addr;
	for (uint64_t page = addr / PAGE; page * PAGE < end;) {
		uint64_t left = (end - 1) / PAGE - page + 1, n = left < most ? left : most;
		ssize_t got = read_entries(p->reader->pagemap, p->code, page, n, entry);

		if (got <= 0)
			return page * PAGE > addr ? page * PAGE : addr;
		for (ssize_t i = 0; i < got; i++, page++)
			if (entry[i] & (PM_PRESENT | PM_SWAPPED))
				return page * PAGE > addr ? page * PAGE : addr;
		if (most == ENTRIES && page * PAGE < end) {
			uint64_t found =
				scan_touched(p, page * PAGE, (end + PAGE - 1) & -(uint64_t)PAGE);

			if (found)
				return found < end ? found : end;
		}
		most = 8 * most < ENTRIES ? 8 * most : ENTRIES;
	}
	return end;
}

/* Takes PM_PRESENT from the pages of zeros among those; -errno where the kernel does not scan. */
static int scan_zeros(const struct proc *p, uint64_t page, uint64_t n, uint64_t *entry)
{
	struct page_region region[REGIONS];
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = page * PAGE,
		.end = (page + n) * PAGE,
		.vec = (uintptr_t)region,
		.vec_len = REGIONS,
		.mask = IS_PFNZERO,
		.return_mask = IS_PFNZERO,
	};

	while (arg.start < arg.end) {
		int found = stamped_search(p->reader->pagemap, SCAN, &arg, p->code);

		if (found < 0 || arg.walk_end <= arg.start)
			return found < 0 ? -errno : -EIO;
		for (int i = 0; i < found; i++)
			for (uint64_t at = region[i].start; at < region[i].end; at += PAGE)
				entry[at / PAGE - page] &= ~PM_PRESENT;
		arg.start = arg.walk_end;
	}
	return 0;
}

int proc_scan_resident(const struct proc *p, uint64_t start, uint64_t end, proc_run_fn visit,
		       void *ctx)
{
	struct page_region region[REGIONS];
	struct scan_arg arg = {
		.size = sizeof(arg),
		.vec = (uintptr_t)region,
		.vec_len = REGIONS,
		.mask = IS_PRESENT | IS_PFNZERO,
		.inverted = IS_PFNZERO,
		.return_mask = IS_PRESENT,
	};
	int err = 0;

	if (!p->reader)
		return -EBADF;
	for (arg.start = start; arg.start < end && !err; arg.start = arg.walk_end) {
		int found;

		arg.end = proc_piece_end(arg.start, end);
		found = stamped_search(p->reader->pagemap, SCAN, &arg, p->code);
		if (found < 0 || arg.walk_end <= arg.start)
			return found < 0 ? -errno : -EIO;
		for (int i = 0; i < found && !err; i++)
			err = visit(region[i].start, region[i].end, ctx);
		if (!err)
			err = visit(arg.walk_end, arg.walk_end, ctx);
	}
	return err;
}

/* Number of the page of zeros: one that we map ourselves tells. 0: not told. */
static uint64_t zero_page(void)
{
	static _Atomic uint64_t known = 1; /* page frame 1 is nobody's */
	uint64_t entry = 0;

	if (known != 1)
		return known;
	volatile const char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return 0;
	(void)*page;
	auto_close int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read_entries(fd, 0, (uintptr_t)page / PAGE, 1, &entry) != 1)
		entry = 0;
	munmap((void *)page, PAGE);
	known = entry & PM_PFN;
	return known;
}

ssize_t proc_page_entries(const struct proc *p, uint64_t page, uint64_t n, uint64_t *entry)
{
	int pagemap = p->reader ? p->reader->pagemap : -1;
	ssize_t got = pagemap < 0 ? -EBADF : read_entries(pagemap, p->code, page, n, entry);

	if (got <= 0 || !scan_zeros(p, page, (uint64_t)got, entry))
		return got;
	for (ssize_t i = 0; i < got; i++)
		if ((entry[i] & PM_PFN) && (entry[i] & PM_PFN) == zero_page())
			entry[i] &= ~PM_PRESENT;
	return got;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which pages of anonymous memory were ever touched. */
#include "proc/proc_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PAGE	   4096
#define ENTRIES	   32		/* of pagemap at once */
#define PM_SWAPPED (1ull << 62) /* Documentation/admin-guide/mm/pagemap.rst */
#define PM_PRESENT (1ull << 63)

int proc_open_pagemap(const struct proc *p)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", p->pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool proc_any_touched(int pagemap, uint64_t addr, uint64_t len)
{
	uint64_t entry[ENTRIES], end = addr + len - 1;

	if (pagemap < 0 || !len)
		return true;
	for (uint64_t page = addr / PAGE; page <= end / PAGE;) {
		uint64_t left = end / PAGE - page + 1, n = left < ENTRIES ? left : ENTRIES;
		ssize_t got =
			pread(pagemap, entry, n * sizeof(*entry), (off_t)(page * sizeof(*entry)));

		if (got < (ssize_t)sizeof(*entry))
			return true;
		n = (uint64_t)got / sizeof(*entry);
		for (uint64_t i = 0; i < n; i++)
			if (entry[i] & (PM_PRESENT | PM_SWAPPED))
				return true;
		page += n;
	}
	return false;
}

bool proc_page_touched(int pagemap, uint64_t addr)
{
	return proc_any_touched(pagemap, addr, 1);
}

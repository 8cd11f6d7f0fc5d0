/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Anonymous memory: where it is mapped, and which of its pages were ever touched. */
#include "proc/proc_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PAGE	   4096
#define PM_SWAPPED (1ull << 62) /* Documentation/admin-guide/mm/pagemap.rst */
#define PM_PRESENT (1ull << 63)

size_t proc_anon_maps(const struct proc *p, uint64_t (*rows)[2], size_t max)
{
	auto_free char *text = NULL;
	auto_free struct proc_map *v = NULL;
	size_t len, n = 0, k = 0;

	if (proc_slurp(p->pid, "maps", &text, &len) || proc_parse_maps(text, &v, &n))
		return 0;
	for (size_t i = 0; i < n && k < max; i++) {
		/* A kernel may let a process name its mappings: "[anon:...]". */
		if (!v[i].readable || !v[i].writable || v[i].inode ||
		    (*v[i].path && strncmp(v[i].path, "[anon", 5) != 0))
			continue;
		if (k && rows[k - 1][1] == v[i].start) {
			rows[k - 1][1] = v[i].end;
			continue;
		}
		rows[k][0] = v[i].start;
		rows[k++][1] = v[i].end;
	}
	return k;
}

int proc_open_pagemap(const struct proc *p)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", p->pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool proc_page_touched(int pagemap, uint64_t addr)
{
	uint64_t entry;

	return pagemap < 0 ||
	       pread(pagemap, &entry, sizeof(entry), (off_t)(addr / PAGE * sizeof(entry))) !=
		       (ssize_t)sizeof(entry) ||
	       (entry & (PM_PRESENT | PM_SWAPPED));
}

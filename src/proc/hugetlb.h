/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which mappings are of hugetlbfs: RSS does not count their pages. */
#ifndef PYLEAK_PROC_HUGETLB_H
#define PYLEAK_PROC_HUGETLB_H

#include "proc/proc.h"

struct hugetlb {
	uint32_t dev[32]; /* as in struct proc_map */
	size_t n;
};

/* As far as the kernel tells: what it does not is taken for other memory. */
void hugetlb_find(int pid, struct hugetlb *out);
bool hugetlb_has(const struct hugetlb *h, const struct proc_map *m);
/* Those of a text as mountinfo has it, which is cut into rows. */
void hugetlb_add_mounts(struct hugetlb *h, char *text);

#endif

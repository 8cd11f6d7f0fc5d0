/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mappings of hugetlbfs, by the devices that the kernel gives to it: those of mounts are in
 * mountinfo, those of anonymous memory, memfds and System V segments, one for each size of page,
 * are that of a memfd of our own. No file of the target is asked.
 */
#include "proc/hugetlb.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "proc/inside.h"

#define SIZE_SHIFT 26 /* of the logarithm of the page size, in the flags of memfd_create */
#define SIZE_FIRST 16
#define SIZE_LAST  34

static void add(struct hugetlb *h, unsigned major, unsigned minor)
{
	uint32_t dev = major << 20 | minor;

	for (size_t i = 0; i < h->n; i++)
		if (h->dev[i] == dev)
			return;
	if (h->n < ARRAY_SIZE(h->dev))
		h->dev[h->n++] = dev;
}

/* None takes a page: the files are empty. */
static void add_unmounted(struct hugetlb *h)
{
	struct stat st;

	for (unsigned size = SIZE_FIRST; size <= SIZE_LAST; size++) {
		auto_close int fd =
			memfd_create("pyleak", MFD_CLOEXEC | MFD_HUGETLB | size << SIZE_SHIFT);

		if (fd >= 0 && !fstat(fd, &st))
			add(h, major(st.st_dev), minor(st.st_dev));
	}
}

/* Rows of mountinfo: id parent major:minor root point options - type source superoptions. */
void hugetlb_add_mounts(struct hugetlb *h, char *text)
{
	unsigned major, minor;
	char *row;

	while ((row = strsep(&text, "\n"))) {
		const char *tail = strstr(row, " - ");

		if (tail && !strncmp(tail + 3, "hugetlbfs ", 10) &&
		    sscanf(row, "%*s %*s %u:%u ", &major, &minor) == 2)
			add(h, major, minor);
	}
}

void hugetlb_find(int pid, struct hugetlb *out)
{
	auto_free char *theirs = NULL, *ours = NULL;
	size_t len;

	memset(out, 0, sizeof(*out));
	add_unmounted(out);
	if (!proc_slurp(pid, "mountinfo", &theirs, &len))
		hugetlb_add_mounts(out, theirs);
	if (!proc_slurp_path("/proc/self/mountinfo", &ours, &len))
		hugetlb_add_mounts(out, ours);
}

bool hugetlb_has(const struct hugetlb *h, const struct proc_map *m)
{
	if (!m->inode)
		return false;
	for (size_t i = 0; i < h->n; i++)
		if (h->dev[i] == m->dev)
			return true;
	/* As the kernel calls it where it makes no memfds of huge pages. */
	return m->deleted && !(m->dev >> 20) && !strcmp(m->path, "/anon_hugepage");
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What of the mappings is resident: by row from smaps, by page from pagemap. */
#include "proc/proc_priv.h"
#include "proc/source_priv.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define PAGE	4096u
#define ENTRIES 4096 /* of pagemap at once */

static void take_line(struct proc_resident *r, const char *line)
{
	uint64_t kb;

	if (sscanf(line, "Rss: %" SCNu64, &kb) == 1)
		r->rss_bytes = kb * 1024;
}

/* "start-end perms offset dev inode path": "Rss:" begins no row, and no row has a colon there. */
static bool take_row(struct proc_resident *r, const char *line)
{
	uint64_t start, end, inode;
	char perms[5];
	int at = -1;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64 " %n", &start, &end,
		   perms, &inode, &at) != 4 ||
	    at < 0 || start >= end)
		return false;
	line += at;
	r->start = start;
	r->end = end;
	r->writable = perms[0] == 'r' && perms[1] == 'w' ? 1 : perms[0] == '-' ? 2 : 0;
	r->kind = PROC_ROW_ANON;
	if (!strncmp(line, "[heap]", 6))
		r->kind = PROC_ROW_HEAP;
	else if (!strncmp(line, "[stack", 6))
		r->kind = PROC_ROW_STACK;
	else if (inode && strncmp(line, "/dev/zero", 9) != 0 &&
		 strncmp(line, "/anon_hugepage", 14) != 0)
		r->kind = PROC_ROW_FILE;
	return true;
}

static int copy_rows(const struct proc *p, struct proc_resident **out, size_t *n)
{
	const struct proc_source *s = p->source;

	if (!s->rows.n)
		return fail(-ENODATA, "a core file does not say what was resident");
	*out = malloc(s->rows.n * sizeof(**out));
	if (!*out)
		return fail(-ENOMEM, "out of memory");
	memcpy(*out, s->rows.v, s->rows.n * sizeof(**out));
	*n = s->rows.n;
	return 0;
}

int proc_resident_rows(const struct proc *p, struct proc_resident **out, size_t *n)
{
	VEC(struct proc_resident) rows = {0};
	char path[32], line[8192];
	bool is_rest = false, is_known = false; /* of a name that is longer than the line; twice */

	if (p->source)
		return copy_rows(p, out, n);
	snprintf(path, sizeof(path), "/proc/%d/smaps", p->pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return fail(-errno, "%s cannot be read: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		struct proc_resident row = {0}, *r;
		bool skip = is_rest;

		is_rest = !strchr(line, '\n');
		if (skip)
			continue;
		if (!take_row(&row, line)) {
			if (rows.n && !is_known)
				take_line(&rows.v[rows.n - 1], line);
			continue;
		}
		/* Joined with its neighbour while it was read, and told again. */
		is_known = rows.n && row.start < rows.v[rows.n - 1].end;
		r = is_known ? &row : vec_push(&rows);
		if (!r)
			break;
		*r = row;
	}
	fclose(f);
	if (!rows.n)
		return fail(-ESRCH, "process %d has ended", p->pid);
	*out = rows.v;
	*n = rows.n;
	return 0;
}

int proc_resident_pages(const struct proc *p, uint64_t start, uint64_t end, uint8_t *out)
{
	uint64_t entry[ENTRIES], n = (end - start) / PAGE;

	if (p->source)
		return p->source->pages ? p->source->pages(p->source, start, end, out) : -ENODATA;
	auto_close int fd = proc_open_pagemap(p);
	if (fd < 0)
		return -errno;
	for (uint64_t i = 0; i < n;) {
		ssize_t got = proc_page_entries(fd, start / PAGE + i,
						n - i < ENTRIES ? n - i : ENTRIES, entry);

		if (got <= 0)
			return got < 0 ? (int)got : -ESRCH;
		for (ssize_t k = 0; k < got; k++)
			out[i++] = (entry[k] & PM_PRESENT) != 0;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What of the mappings is resident: by row from smaps, by page from pagemap. */
#include "proc/inside.h"
#include "proc/source.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define PAGE	4096u
#define ENTRIES 512 /* of pagemap at once */

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
	return p->source && p->source->pages ? p->source->pages(p->source, start, end, out)
					     : -ENODATA;
}

/* Of a saved process, or where the kernel does not scan: page by page, a piece at a time. */
static ssize_t pages_at(const struct proc *p, uint64_t at, uint64_t n, uint8_t *there)
{
	uint64_t entry[ENTRIES];
	ssize_t got;
	int err;

	if (p->source) {
		err = proc_resident_pages(p, at, at + n * PAGE, there);
		return err ? err : (ssize_t)n;
	}
	got = proc_page_entries(p, at / PAGE, n, entry);
	for (ssize_t i = 0; i < got; i++)
		there[i] = (entry[i] & PM_PRESENT) != 0;
	return got ? got : -ESRCH;
}

int proc_resident_runs(const struct proc *p, uint64_t start, uint64_t end, uint64_t bytes,
		       proc_run_fn visit, void *ctx)
{
	uint64_t run = 0, left = bytes / PAGE;
	uint8_t there[ENTRIES];
	int err = p->source ? -ENOTTY : proc_scan_resident(p, start, end, visit, ctx);

	if (err != -ENOTTY)
		return err;
	err = 0;
	for (uint64_t at = start; at < end && !err && (left || run);) {
		uint64_t n = (end - at) / PAGE;
		ssize_t got = pages_at(p, at, n < ENTRIES ? n : ENTRIES, there);

		if (got < 0)
			return (int)got;
		for (ssize_t i = 0; i < got && !err; i++, at += PAGE) {
			if (there[i] && !run)
				run = at;
			if (there[i] || !run) {
				left -= there[i] && left;
				continue;
			}
			err = visit(run, at, ctx);
			run = 0;
		}
		/* Whoever watches has to know. */
		if (!err && !run)
			err = visit(at, at, ctx);
	}
	return err || !run ? err : visit(run, end, ctx);
}

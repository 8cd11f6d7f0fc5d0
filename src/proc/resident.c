/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells which part of the mappings is resident: by row from smaps or from pagemap, by page from
 * pagemap. */
#include "proc/hugetlb.h"
#include "proc/inside.h"
#include "proc/reader_priv.h"
#include "proc/source.h"
#include "proc/stamped.h"

#include <inttypes.h>
#include <stdio.h>

#define PAGE	4096u
#define ENTRIES 512	      /* of pagemap at once */
#define MOST	(64ull << 30) /* where the kernel does not scan: half a second of CPU */

static void take_line(struct proc_resident *r, const char *line)
{
	uint64_t kb;

	if (sscanf(line, "Rss: %" SCNu64, &kb) == 1)
		r->rss_bytes += kb * 1024;
}

static struct proc_resident row_of(const struct proc_map *m)
{
	struct proc_resident r = {.start = m->start, .end = m->end, .kind = PROC_ROW_ANON};

	r.writable = m->readable && m->writable ? 1 : m->readable ? 0 : 2;
	if (!strncmp(m->path, "[heap]", 6))
		r.kind = PROC_ROW_HEAP;
	else if (!strncmp(m->path, "[stack", 6))
		r.kind = PROC_ROW_STACK;
	else if (m->inode && strncmp(m->path, "/dev/zero", 9) != 0 &&
		 strncmp(m->path, "/anon_hugepage", 14) != 0)
		r.kind = PROC_ROW_FILE;
	return r;
}

/* As in maps: "Rss:" begins no row, and no row has a colon there. */
static bool take_row(struct proc_resident *r, char *line)
{
	struct proc_map m = {0};

	if (!proc_parse_map(line, &m))
		return false;
	*r = row_of(&m);
	return true;
}

/* As proc_join_heap. */
static bool goes_on(const struct proc_resident *r, const struct proc_resident *above)
{
	return r->end == above->start && r->kind == PROC_ROW_HEAP && above->kind == PROC_ROW_HEAP &&
	       r->writable == above->writable;
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

int proc_smaps_rows(struct stamped_lines *from, struct proc_resident **out, size_t *n)
{
	VEC(struct proc_resident) rows = {0};
	bool is_rest = false, is_known = false; /* of a name that is longer than the line; twice */
	char line[8192];
	int err = 0;

	while (!err && stamped_line(from, line, sizeof(line))) {
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
		if (rows.n && goes_on(&rows.v[rows.n - 1], &row)) {
			rows.v[rows.n - 1].end = row.end;
			continue;
		}
		r = is_known ? &row : vec_push(&rows);
		if (r)
			*r = row;
		else
			err = -ENOMEM;
	}
	err = err ? err : from->err;
	if (err) {
		vec_free(&rows);
		return err;
	}
	*out = rows.v;
	*n = rows.n;
	return 0;
}

static int rows_by_smaps(const struct proc *p, struct proc_resident **out, size_t *n)
{
	auto_free struct proc_resident *rows = NULL;
	auto_close int fd = stamped_open(p->pid, "smaps");
	struct stamped_lines from = {.fd = fd, .code = proc_code_now(p), .read = stamped_walk};
	int err = fd < 0 ? -errno : 0;

	/* The walk of another program's memory would be long, and for nothing. */
	if (!err && proc_memory_gone(p))
		err = -ESRCH;
	if (!err)
		err = proc_smaps_rows(&from, &rows, n);

	if (err && err != -ESRCH && err != -ENOENT)
		return fail(err, "/proc/%d/smaps cannot be read: %s", p->pid, strerror(-err));
	/* The kernel tells no more rows of memory that goes meanwhile, as at the end. */
	if (err || !*n || proc_memory_gone(p))
		return fail(-ESRCH, "process %d has ended", p->pid);
	*out = take(rows);
	return 0;
}

int proc_resident_pages(const struct proc *p, uint64_t start, uint64_t end, uint8_t *out)
{
	return p->source && p->source->pages ? p->source->pages(p->source, start, end, out)
					     : -ENODATA;
}

/* Asks page by page, a piece at a time: for a saved process, or where the kernel does not scan. */
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

static int add_bytes(uint64_t start, uint64_t end, void *ctx)
{
	*(uint64_t *)ctx += end - start;
	return 0;
}

static int count_row(const struct proc *p, const struct proc_map *m, uint64_t *bytes)
{
	int err = proc_scan_resident(p, m->start, m->end, add_bytes, bytes);

	if (err != -ENOTTY)
		return err;
	/* Entries of a device's memory look like those of pages. */
	if (m->end - m->start > MOST || reader_is_device(m))
		return 0;
	return proc_resident_runs(p, m->start, m->end, m->end - m->start, add_bytes, bytes);
}

int proc_resident_by_pages(const struct proc *p, struct proc_resident **out, size_t *n)
{
	auto_free char *names = NULL;
	auto_free struct proc_map *maps = NULL;
	auto_free struct proc_resident *rows = NULL;
	struct proc_memory mem = {0};
	struct hugetlb huge = {0};
	size_t unnamed;
	int err = proc_stream_maps(p, &maps, n, &names, &unnamed);

	if (err == -ENOENT || err == -ESRCH)
		return fail(-ESRCH, "process %d has ended", p->pid);
	if (err)
		return fail(err, "/proc/%d/maps cannot be read: %s", p->pid, strerror(-err));
	rows = calloc(*n + 1, sizeof(*rows));
	if (!rows)
		return fail(-ENOMEM, "out of memory");
	if (!proc_memory(p, &mem) && mem.huge_bytes)
		hugetlb_find(p->pid, &huge);
	for (size_t i = 0; i < *n && !err; i++) {
		rows[i] = row_of(&maps[i]);
		/* The kernel's half, [vsyscall], is no memory of the process. */
		if (maps[i].end <= INT64_MAX && !hugetlb_has(&huge, &maps[i]))
			err = count_row(p, &maps[i], &rows[i].rss_bytes);
	}
	if (!*n || err == -ESRCH || proc_memory_gone(p))
		return fail(-ESRCH, "process %d has ended", p->pid);
	if (err)
		return fail(err, "page tables of process %d cannot be read: %s", p->pid,
			    strerror(-err));
	*out = take(rows);
	return 0;
}

int proc_resident_rows(const struct proc *p, struct proc_resident **out, size_t *n)
{
	if (p->source)
		return copy_rows(p, out, n);
	return proc_is_large(p) ? proc_resident_by_pages(p, out, n) : rows_by_smaps(p, out, n);
}

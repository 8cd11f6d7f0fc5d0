/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * /proc/PID/smaps: rows of mappings with what is resident of each; and those of maps, by pagemap.
 *
 * reads: src/proc/resident.c
 */
#include "fuzz/fuzz.h"
#include "proc/inside.h"
#include "proc/reader_priv.h"
#include "proc/source.h"

#include <fcntl.h>

#define PID 99999999

static int visit(uint64_t start, uint64_t end, void *ctx)
{
	uint64_t *last = ctx;

	if (start > end || start < *last)
		abort();
	*last = end;
	return start % 7 == 6 ? -ECANCELED : 0;
}

static int saved_pages(struct proc_source *s, uint64_t start, uint64_t end, uint8_t *out)
{
	for (uint64_t at = start; at < end; at += 4096)
		*out++ = at >> 13 & 1;
	return s->has_memory ? 0 : -ENODATA;
}

/* Runs of pages that are there, of a live process by pagemap, of a saved one by what it has. */
static void runs(struct proc *p, const struct proc_resident *row, size_t n)
{
	struct proc_source source = {.pages = saved_pages, .has_memory = n & 1};
	struct reader r = {.pid = PID, .mem = -1};
	struct proc_resident *copy;
	uint64_t end, last = 0;
	size_t copied;

	r.pagemap = open("/proc/99999999/pagemap", O_RDONLY | O_CLOEXEC);
	p->reader = &r;
	for (size_t i = 0; i < n && i < 8; i++) {
		struct proc_resident *to = vec_push(&source.rows);

		*to = row[i];
		end = row[i].end - row[i].start < 4u << 20 ? row[i].end : row[i].start + (4u << 20);
		last = 0;
		proc_resident_runs(p, row[i].start & ~4095ull, end & ~4095ull, row[i].rss_bytes,
				   visit, &last);
	}
	/* The start of the file, which has entries. */
	last = 0;
	proc_resident_runs(p, 0, 600 * 4096, 40 * 4096, visit, &last);
	p->reader = NULL;
	close_fd(&r.pagemap);
	p->source = &source;
	if (!proc_resident_rows(p, &copy, &copied))
		free(copy);
	last = 0;
	proc_resident_runs(p, 0, 20 * 4096, 8 * 4096, visit, &last);
	p->source = NULL;
	vec_free(&source.rows);
}

/* As of a large process: the same rows, counted page by page. */
static void by_pages(struct proc *p)
{
	struct reader r = {.pid = PID, .mem = -1};
	struct proc_resident *rows;
	size_t n;

	r.pagemap = open("/proc/99999999/pagemap", O_RDONLY | O_CLOEXEC);
	p->reader = &r;
	if (!proc_resident_by_pages(p, &rows, &n)) {
		for (size_t i = 0; i < n; i++)
			if (rows[i].rss_bytes > rows[i].end - rows[i].start)
				abort();
		free(rows);
	}
	p->reader = NULL;
	close_fd(&r.pagemap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc p = {.pid = PID, .pidfd = -1};
	uint8_t page[8];
	struct proc_resident *rows = NULL;
	size_t n = 0;

	fake_only_below("/proc/99999999/");
	fake_file("/proc/99999999/smaps", size ? data : NULL, size);
	fake_file("/proc/99999999/maps", data, size);
	/* The same text as pagemap: words with flags. */
	fake_file("/proc/99999999/pagemap", data, size);
	if (!proc_resident_rows(&p, &rows, &n))
		for (size_t i = 0; i < n; i++)
			if (rows[i].start > rows[i].end)
				abort();
	runs(&p, rows, n);
	by_pages(&p);
	free(rows);
	proc_resident_pages(&p, 0, sizeof(page) * 4096, page);
	return 0;
}

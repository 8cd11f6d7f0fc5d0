/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Gives each resident page to whoever has it: mapping by mapping of smaps; within those of no file,
 * byte by byte. Only resident pages count: a freed chunk whose pages were given back takes no
 * memory. */
#include "base/thread.h"
#include "heap/inside.h"
#include "heap/malloc.h"
#include "heap/parts.h"

#define PAGE	    4096ull
#define GUARD_MAX   (64u << 10)	   /* bytes without access below a thread's stack */
#define ROW_MAX	    (256ull << 30) /* a larger mapping is no heap */
#define MAPPED_TRY  4096	   /* pages of a mapping at which a mapped chunk is looked for */
#define TELL_CHUNKS 4096
#define CHUNK_HEAD  48 /* sizeof(struct malloc_chunk): stays when a free chunk is trimmed */

struct parter {
	struct heap *h;
	struct heap_parts *out;
	struct heap_malloc m;
	/* The present mapping: a bit for each resident page, and for each block of 64 how many come
	 * before. Bits of absent pages take no memory of ours either. */
	uint64_t start, end;
	uint64_t *bit;
	uint32_t *before;
	uint64_t highest;   /* last block with a resident page */
	uint64_t *rest;	    /* counts what nobody claims of this mapping */
	uint64_t joined;    /* end of adjoining mappings: madvise() splits one */
	uint64_t claimed;   /* end of a mapped block that began before */
	size_t arena, area; /* the next ones by address */
};

static bool is_there(const struct parter *p, uint64_t page)
{
	return p->bit[page / 64] >> page % 64 & 1;
}

/* Counts the row's resident pages in front of number @page. */
static uint64_t pages_before(const struct parter *p, uint64_t page)
{
	uint64_t block = page / 64, part = page % 64;
	uint64_t n;

	if (block > p->highest)
		return p->before[p->highest + 1];
	n = p->before[block];
	return part ? n + (uint64_t)__builtin_popcountll(p->bit[block] << (64 - part)) : n;
}

/* The next resident page from number @page on; @end: there is none before. */
static uint64_t next_there(const struct parter *p, uint64_t page, uint64_t end)
{
	while (page < end && page / 64 <= p->highest) {
		uint64_t rest = p->bit[page / 64] >> page % 64;

		if (rest)
			return page + (uint64_t)__builtin_ctzll(rest);
		page = (page / 64 + 1) * 64;
	}
	return end;
}

/* Resident bytes of [a, b) within the mapping. */
static uint64_t resident(const struct parter *p, uint64_t a, uint64_t b)
{
	uint64_t first, last, sum;

	if (a < p->start)
		a = p->start;
	if (b > p->end)
		b = p->end;
	if (a >= b)
		return 0;
	first = (a - p->start) / PAGE;
	last = (b - 1 - p->start) / PAGE;
	sum = (pages_before(p, last + 1) - pages_before(p, first)) * PAGE;
	if (is_there(p, first))
		sum -= a & (PAGE - 1);
	if (is_there(p, last) && (b & (PAGE - 1)))
		sum -= PAGE - (b & (PAGE - 1));
	return sum;
}

static int tell(struct heap *h)
{
	const struct heap_progress at = {.doing = "explaining RSS"};

	return h->watch ? h->watch(&at, h->watch_ctx) : 0;
}

static int count_chunk(const struct heap_chunk *c, void *ctx)
{
	struct parter *p = ctx;
	int err = p->m.chunks % TELL_CHUNKS ? 0 : tell(p->h);
	uint64_t from = (c->start + CHUNK_HEAD + PAGE - 1) & ~(PAGE - 1);
	uint64_t to = (c->start + c->size) & ~(PAGE - 1);
	uint64_t bytes = resident(p, c->start, c->start + c->size);

	if (c->state == HEAP_CHUNK_USED) {
		p->out->malloc_live += bytes;
		return err;
	}
	p->out->malloc_slack += bytes;
	/* other arenas keep their top; what is cached, its thread must give up first */
	if (c->state == HEAP_CHUNK_FREE || (c->state == HEAP_CHUNK_TOP && c->main))
		p->out->trimmable += from < to ? resident(p, from, to) : 0;
	return err;
}

/* Finds blocks with a mapping of their own, by their headers, in memory without an owner so far. */
static void part_gap(struct parter *p, uint64_t from, uint64_t to)
{
	from = (from + PAGE - 1) & ~(PAGE - 1);
	if (from < p->claimed) {
		uint64_t end = p->claimed < to ? p->claimed : to;

		p->out->malloc_live += resident(p, from, end);
		from = end;
	}
	for (unsigned tries = 0; from < to && tries < MAPPED_TRY; tries++) {
		uint64_t page =
			next_there(p, (from - p->start) / PAGE, (to - p->start + PAGE - 1) / PAGE);
		uint64_t size;

		from = p->start + page * PAGE;
		if (from >= to)
			return;
		size = heap_mapped_chunk(p->h, from, to == p->end ? p->joined : to);
		p->claimed = from + size;
		if (size)
			p->out->malloc_live += resident(p, from, from + size);
		else
			*p->rest += resident(p, from, from + PAGE);
		from += size ? size : PAGE;
	}
	if (from < to)
		*p->rest += resident(p, from, to);
}

static int part_area(struct parter *p, const struct heap_area *a)
{
	uint64_t stop = a->start;
	int err = heap_malloc_walk(p->h, &p->m, a, count_chunk, p, &stop);

	/* in front: the arena's struct; behind: what could not be followed */
	p->out->malloc_live += resident(p, a->base, a->start);
	p->out->other += resident(p, stop, a->end);
	return err;
}

/* Parts a mapping by address: Python's arenas, malloc's areas, and what is between them. */
static int part_row(struct parter *p)
{
	const struct heap *h = p->h;
	uint64_t at = p->start;
	int err = 0;

	while (!err && at < p->end) {
		const struct heap_arena *a = NULL;
		const struct heap_area *m = NULL;

		while (p->arena < h->arena.n && h->arena.v[p->arena].end <= at)
			p->arena++;
		while (p->area < p->m.area.n && p->m.area.v[p->area].end <= at)
			p->area++;
		if (p->arena < h->arena.n && h->arena.v[p->arena].start < p->end)
			a = &h->arena.v[p->arena];
		if (p->area < p->m.area.n && p->m.area.v[p->area].base < p->end)
			m = &p->m.area.v[p->area];
		if (a && (!m || a->start < m->base)) {
			if (a->start > at)
				part_gap(p, at, a->start);
			p->out->python_slack += resident(p, a->start > at ? a->start : at, a->end);
			at = a->end;
		} else if (m) {
			if (m->base > at)
				part_gap(p, at, m->base);
			err = part_area(p, m);
			at = m->end;
		} else {
			part_gap(p, at, p->end);
			at = p->end;
		}
	}
	return err;
}

static int add_run(uint64_t start, uint64_t end, void *ctx)
{
	struct parter *p = ctx;

	if (start < p->start || end > p->end)
		return 0;
	for (uint64_t page = (start - p->start) / PAGE; page < (end - p->start) / PAGE; page++)
		p->bit[page / 64] |= 1ull << page % 64;
	if (end > start)
		p->highest = ((end - p->start) / PAGE - 1) / 64;
	return tell(p->h);
}

static int load_row(struct parter *p, const struct proc_resident *r)
{
	size_t blocks = (size_t)((r->end - r->start) / PAGE / 64 + 1);
	int err;

	free(p->bit);
	free(p->before);
	p->bit = calloc(blocks, sizeof(*p->bit));
	p->before = calloc(blocks + 1, sizeof(*p->before));
	if (!p->bit || !p->before)
		return fail(-ENOMEM, "out of memory");
	p->start = r->start;
	p->end = r->end;
	p->highest = 0;
	err = proc_resident_runs(p->h->rt->proc, r->start, r->end, r->rss_bytes, add_run, p);
	for (size_t i = 0; !err && i <= p->highest; i++)
		p->before[i + 1] = p->before[i] + (uint32_t)__builtin_popcountll(p->bit[i]);
	return err;
}

/* Is it a thread's stack? glibc puts pages without access below it. */
static bool is_stack(const struct proc_resident *r, const struct proc_resident *below)
{
	return r->kind == PROC_ROW_STACK ||
	       (r->kind == PROC_ROW_ANON && r->writable == 1 && below && below->writable == 2 &&
		below->kind == PROC_ROW_ANON && below->end == r->start &&
		below->end - below->start <= GUARD_MAX);
}

/* Is it the zeroed end of a file's data? That is a mapping without a file; memory mapped behind it
 * may have become part of it. */
static bool is_bss(const struct proc_resident *r, const struct proc_resident *below)
{
	return r->kind == PROC_ROW_ANON && below && below->kind == PROC_ROW_FILE &&
	       below->writable == 1 && below->end == r->start;
}

static uint64_t joined(const struct proc_resident *r, const struct proc_resident *end)
{
	while (r + 1 < end && r[1].start == r->end && r[1].kind == PROC_ROW_ANON &&
	       r[1].writable == 1)
		r++;
	return r->end;
}

static int part_rows(struct parter *p, const struct proc_resident *r, size_t n)
{
	const struct proc_resident *end = r + n;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++, r++) {
		const struct proc_resident *below = i ? r - 1 : NULL;

		if (!r->rss_bytes)
			continue;
		if (r->start >= p->joined) /* else it is one that adjoins */
			p->joined = joined(r, end);
		p->rest = is_bss(r, below) ? &p->out->file : &p->out->mmap;
		if (r->kind == PROC_ROW_FILE)
			p->out->file += r->rss_bytes;
		else if (is_stack(r, below))
			p->out->stacks += r->rss_bytes;
		else if (r->writable != 1 || r->end - r->start > ROW_MAX || r->end <= r->start)
			p->out->mmap += r->rss_bytes;
		else if (!(err = load_row(p, r)))
			err = part_row(p);
	}
	return err;
}

/* May it hold a heap? Not if it is reserved and unused, nor the shadow of a sanitizer. */
static bool may_be_heap(const struct proc_resident *r)
{
	return r->writable == 1 && r->kind != PROC_ROW_FILE && r->rss_bytes &&
	       r->end - r->start <= ROW_MAX;
}

static int find_areas(struct parter *p, const struct proc_resident *r, size_t n)
{
	auto_free struct heap_row *rows = calloc(n + 1, sizeof(*rows));

	if (!rows)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct heap_row){
			.start = r[i].start,
			.end = r[i].end,
			.anonymous = may_be_heap(&r[i]),
			.brk = r[i].kind == PROC_ROW_HEAP,
			.file = r[i].writable == 1 && r[i].kind == PROC_ROW_FILE,
		};
	return heap_malloc_find(p->h, rows, n, &p->m);
}

/* Splits Python's memory into live and free. Live blocks are counted whether resident or not, so no
 * more than the arenas have. */
static int split_python(struct heap *h, struct heap_parts *out)
{
	struct heap_census c;
	uint64_t live;
	int err = out->python_slack ? heap_census(h, &c) : 0;

	if (err || !out->python_slack)
		return err;
	live = heap_live_bytes(&c);
	out->python_live = live < out->python_slack ? live : out->python_slack;
	out->python_slack -= out->python_live;
	return 0;
}

/* Makes the parts add up to RSS: the kernel's counter is read after smaps. */
static void settle(struct heap *h, struct heap_parts *out)
{
	uint64_t sum = out->python_live + out->python_slack + out->malloc_live + out->malloc_slack +
		       out->mmap + out->file + out->stacks + out->other;
	struct proc_memory mem;

	out->rss = proc_memory(h->rt->proc, &mem) ? sum : mem.rss_bytes;
	if (out->rss > sum)
		out->other += out->rss - sum;
}

int heap_parts(struct heap *h, struct heap_parts *out)
{
	auto_free struct proc_resident *rows = NULL;
	struct parter p = {.h = h, .out = out};
	uint64_t start = thread_cpu_ns();
	size_t n = 0;
	int err;

	memset(out, 0, sizeof(*out));
	err = heap_can_count(h) ? heap_read_arenas(h) : 0;
	if (!err)
		err = proc_resident_rows(h->rt->proc, &rows, &n);
	if (!err)
		err = find_areas(&p, rows, n);
	if (!err)
		err = part_rows(&p, rows, n);
	if (!err)
		err = split_python(h, out);
	if (!err)
		settle(h, out);
	out->broken = p.m.broken;
	out->cost_ns = thread_cpu_ns() - start;
	heap_malloc_free(&p.m);
	free(p.bit);
	free(p.before);
	return err;
}

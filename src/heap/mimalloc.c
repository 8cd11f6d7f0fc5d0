/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds mimalloc's segments and pages: not through heaps of threads, which come and go, but where
 * they must be. A segment begins at a multiple of 32 MiB and has a cookie, its own address xored
 * with a number that is the same in all segments of a process (segment.c, mi_segment_alloc). That
 * also finds what ended threads left. */
#include "heap/mimalloc.h"

#include <unistd.h>

#include "base/thread.h"
#include "heap/inside.h"

#define SEGMENT_SIZE  (32ull << 20)
#define MAX_SEGMENT   (1ull << 40) /* a huge one holds a single block */
#define HEAD_READ     288
#define MAX_PAGE_HEAD 96
#define MAX_ROWS      65536
#define MAX_SEGMENTS  (1u << 20)
#define HUGE_BLOCK    (1ull << 31) /* sizes from here on do not fit the page's record (3.13) */
#define LIST_MASK     (~3ull)	   /* of the list of other threads: flags below */
#define BIN_STEP_FROM 128	   /* four sizes to each power of two from here on */

/* Offsets in mi_segment_t and mi_page_t (Include/internal/mimalloc/mimalloc/types.h). */
struct heap_mi_layout {
	const char *name;
	bool free_threaded;
	uint16_t cookie, slice_entries, info_slices, slices; /* of the segment */
	uint16_t page_size;
	uint8_t block_size, block_size_bytes, used, used_bytes, local_free, thread_free, tag,
		tag_shift, tag_mask;
	uint8_t start; /* offset where the page says where its first block is; 0 = it does not */
};

#define OLD_SEGMENT .cookie = 216, .slice_entries = 248, .info_slices = 232, .slices = 264
#define OLD_PAGE                                                                                \
	.block_size = 28, .block_size_bytes = 4, .used = 24, .used_bytes = 4, .local_free = 32, \
	.thread_free = 40, .tag = 8, .tag_shift = 3, .tag_mask = 15

static const struct heap_mi_layout layouts[] = {
	{"mimalloc 2.1, free-threaded", true, OLD_SEGMENT, .page_size = 96, OLD_PAGE},
	{"mimalloc 2.1", false, OLD_SEGMENT, .page_size = 80, OLD_PAGE},
	/* 3.14.10 and 3.15.2; which 3.14 was the first is not known here: tried after the old. */
	{"mimalloc 2.2", false, .cookie = 224, .slice_entries = 272, .info_slices = 256,
	 .slices = 288, .page_size = 96, .block_size = 40, .block_size_bytes = 8, .used = 32,
	 .used_bytes = 2, .local_free = 24, .thread_free = 56, .tag = 35, .tag_mask = 255,
	 .start = 48},
};

static uint64_t number(const uint8_t *p, size_t at, size_t bytes)
{
	uint64_t v = 0;

	memcpy(&v, p + at, bytes);
	return v;
}

/* Number of slices that a segment says it has; 0 = this is no segment. */
static uint64_t slices_of(const struct heap_mi_layout *l, const uint8_t *head)
{
	uint64_t entries = number(head, l->slice_entries, 8);
	uint64_t info = number(head, l->info_slices, 8);
	uint64_t size = number(head, 32, 8);

	if (!entries || entries > MI_SLICES || !info || info >= entries || size < SEGMENT_SIZE ||
	    size > MAX_SEGMENT || size % MI_SLICE_SIZE)
		return 0;
	return entries;
}

/* Room that mimalloc leaves at the start of a page, so that pages do not share cache lines
 * (_mi_segment_page_start). */
static uint64_t start_gap(uint64_t size)
{
	return size <= 64 ? 3 * size : size <= 512 ? size : 0;
}

/* Parses the record @raw of the page at slice @index. 1 = in use, 0 = not, -1 = makes no sense. */
static int parse_page(const struct heap_mi_layout *l, uint64_t segment, uint64_t index,
		      const uint8_t *raw, struct heap_mi_page *p)
{
	uint64_t slices = number(raw, 0, 4), gap;

	*p = (struct heap_mi_page){
		.head = segment + l->slices + index * l->page_size,
		.size = number(raw, l->block_size, l->block_size_bytes),
		.used = (uint32_t)number(raw, l->used, l->used_bytes),
		.capacity = (uint32_t)number(raw, 10, 2),
		.list = {number(raw, 16, 8), number(raw, l->local_free, 8),
			 number(raw, l->thread_free, 8) & LIST_MASK},
		.tag = raw[l->tag] >> l->tag_shift & l->tag_mask,
	};
	/* A free span has block size 0, the segment's own slices 1. */
	if (p->size <= 1 || !p->used)
		return 0;
	/* Only a huge page, of one block, reaches beyond the slices that are numbered. */
	if (slices > MI_SLICES - index && p->capacity != 1)
		return -1;
	p->area = slices * MI_SLICE_SIZE;
	if (p->size >= HUGE_BLOCK && p->capacity == 1)
		p->size = p->area;
	gap = l->start ? number(raw, l->start, 8) - (segment + index * MI_SLICE_SIZE)
		       : start_gap(p->size);
	if (gap >= p->area)
		return -1;
	p->start = segment + index * MI_SLICE_SIZE + gap;
	p->area -= gap;
	if (p->used > p->capacity || p->size & 7 || p->size > p->area ||
	    p->capacity > p->area / p->size)
		return -1;
	return 1;
}

static int read_pages(const struct heap_mi_layout *l, const struct proc *proc, uint64_t segment,
		      struct heap_mi_page *v, uint64_t *torn)
{
	uint8_t raw[MI_SLICES * MAX_PAGE_HEAD];
	uint8_t head[HEAD_READ];
	uint64_t n, count;
	int k = 0;

	if (proc_read(proc, segment, head, sizeof(head)))
		return -EFAULT;
	n = slices_of(l, head);
	if (!n || proc_read_sparse(proc, segment + l->slices, raw, n * l->page_size))
		return -EFAULT;
	/* The first slices hold the segment itself. */
	for (uint64_t i = number(head, l->info_slices, 8); i < n; i += count) {
		const uint8_t *page = raw + i * l->page_size;
		int got;

		count = number(page, 0, 4);
		if (!count || number(page, 4, 4)) {
			(*torn)++; /* no beginning of a span: cut or joined just now */
			count = 1;
			continue;
		}
		got = parse_page(l, segment, i, page, &v[k]);
		if (got < 0)
			(*torn)++;
		k += got > 0;
	}
	return k;
}

int heap_mi_pages(const struct heap *h, uint64_t addr, struct heap_mi_page *v, uint64_t *torn)
{
	return read_pages(h->mi, h->rt->proc, addr, v, torn);
}

int heap_mi_page_again(const struct heap *h, struct heap_mi_page *p)
{
	uint64_t segment = p->head & ~(SEGMENT_SIZE - 1);
	uint8_t raw[MAX_PAGE_HEAD];

	if (proc_read(h->rt->proc, p->head, raw, h->mi->page_size))
		return -EFAULT;
	return parse_page(h->mi, segment, (p->head - segment - h->mi->slices) / h->mi->page_size,
			  raw, p) > 0
		       ? 0
		       : -EAGAIN;
}

/* Does this layout fit? The page that holds a known object must hold it at the start of a block,
 * and most pages beside it must make sense. */
static bool layout_fits(const struct heap *h, const struct heap_mi_layout *l, uint64_t object,
			uint64_t pre)
{
	auto_free struct heap_mi_page *v = calloc(MI_SLICES, sizeof(*v));
	uint64_t segment = object & ~(SEGMENT_SIZE - 1), torn = 0;
	int n;

	if (!v)
		return false;
	n = read_pages(l, h->rt->proc, segment, v, &torn);
	if (n <= 0 || torn > (uint64_t)n / 8)
		return false;
	for (int i = 0; i < n; i++) {
		uint64_t off = object - pre - v[i].start;

		if (object < v[i].start || off >= v[i].area)
			continue;
		/* Without a GIL the page also says what it holds. */
		return off % v[i].size == 0 && off / v[i].size < v[i].capacity &&
		       v[i].size < 1024 &&
		       (!l->free_threaded || v[i].tag == MI_TAG_GC || v[i].tag == MI_TAG_GC_PRE);
	}
	return false;
}

bool heap_mi_open(struct heap *h)
{
	const struct py_runtime *rt = h->rt;
	uint64_t dict = py_modules(rt), type, cookie, segment = dict & ~(SEGMENT_SIZE - 1), pre;
	struct heap_type t;

	h->mi = NULL;
	h->now_ns = clock_ns();
	if (!py_uses_mimalloc(rt) || !dict ||
	    proc_read_u64(rt->proc, dict + rt->layout.ob_type, &type) ||
	    !heap_type_get(h, type, &t))
		return false;
	pre = t.pre + (rt->allocator == PY_ALLOC_DEBUG ? 16 : 0);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
			const struct heap_mi_layout *l = &layouts[i];

			if (l->free_threaded != rt->free_threaded ||
			    !layout_fits(h, l, dict, pre) ||
			    proc_read_u64(rt->proc, segment + l->cookie, &cookie))
				continue;
			h->mi = l;
			h->mi_cookie = cookie ^ segment;
			log_debug("process %d: %s", rt->proc->pid, l->name);
			heap_mi_read_segments(h); /* a race here is mended by the first census */
			return true;
		}
	log_debug("process %d: the layout of its mimalloc is not known", rt->proc->pid);
	return false;
}

static int add_segment(struct heap *h, uint64_t at)
{
	uint8_t head[HEAD_READ];
	struct heap_arena *a;

	if (proc_read(h->rt->proc, at, head, sizeof(head)) || !slices_of(h->mi, head) ||
	    (number(head, h->mi->cookie, 8) ^ at) != h->mi_cookie)
		return 0;
	if (h->arena.n >= MAX_SEGMENTS)
		return fail(-EILSEQ, "more mimalloc segments than can be");
	a = vec_push(&h->arena);
	if (!a)
		return fail(-ENOMEM, "out of memory for the list of segments");
	a->start = at;
	a->end = a->pools_end = at + number(head, 32, 8);
	return 0;
}

int heap_mi_read_segments(struct heap *h)
{
	const struct proc *p = h->rt->proc;
	auto_free struct proc_row *rows = calloc(MAX_ROWS, sizeof(*rows));
	size_t n = rows ? proc_heap_rows(p, rows, MAX_ROWS) : 0;
	int err = 0;

	if (!n)
		return fail(-EAGAIN, "the maps of the process cannot be read");
	h->arena.n = 0;
	for (size_t i = 0; i < n && !err; i++) {
		uint64_t at = (rows[i].start + SEGMENT_SIZE - 1) & ~(SEGMENT_SIZE - 1);

		while (!err && at < rows[i].end) {
			size_t before = h->arena.n;

			err = add_segment(h, at);
			/* A huge one reaches further. */
			at += h->arena.n > before
				      ? (h->arena.v[before].end - at + SEGMENT_SIZE - 1) &
						~(SEGMENT_SIZE - 1)
				      : SEGMENT_SIZE;
		}
	}
	return err;
}

static void count_page(const struct heap_mi_page *p, struct heap_census *out)
{
	out->pools++;
	if (p->size <= 16 * HEAP_CLASSES)
		out->live[(p->size - 1) / 16] += p->used;
	else
		out->big_bytes += p->used * p->size;
}

int heap_mi_census(struct heap *h, struct heap_census *out)
{
	auto_free struct heap_mi_page *v = calloc(MI_SLICES, sizeof(*v));
	uint64_t start = thread_cpu_ns();
	int err;

	memset(out, 0, sizeof(*out));
	if (!v)
		return fail(-ENOMEM, "out of memory");
	err = heap_mi_read_segments(h);
	if (err)
		return err;
	for (size_t i = 0; i < h->arena.n; i++) {
		int n = heap_mi_pages(h, h->arena.v[i].start, v, &out->torn);

		out->torn += n < 0; /* given back meanwhile */
		out->arenas++;
		out->arena_bytes += h->arena.v[i].end - h->arena.v[i].start;
		for (int k = 0; k < n; k++)
			count_page(&v[k], out);
	}
	out->t_ns = clock_ns();
	out->cost_ns = thread_cpu_ns() - start;
	return 0;
}

/* The block size for a request, as by _mi_bin and the queues in init.c: multiples of 16 up to 128,
 * then steps of an eighth to a quarter of the size. */
uint64_t heap_mi_good_size(uint64_t bytes)
{
	uint64_t step = 16, top;

	if (bytes <= BIN_STEP_FROM)
		return bytes <= 8 ? 8 : (bytes + 15) & ~15ull;
	top = 63 - (uint64_t)__builtin_clzll(bytes - 1);
	step = 1ull << (top - 2);
	return (bytes + step - 1) & ~(step - 1);
}

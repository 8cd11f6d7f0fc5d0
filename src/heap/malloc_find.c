/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds glibc's areas: the brk heap is the main arena's; other arenas have heaps of up to 64 MiB
 * that begin at a multiple of it. None has a symbol: all are told by their shape. */
#include "heap/inside.h"
#include "heap/malloc.h"

#define HEAP_MAX   (64ull << 20) /* HEAP_MAX_SIZE: 2 * DEFAULT_MMAP_THRESHOLD_MAX */
#define MAX_AREAS  65536
#define FLAG_BITS  7ull
#define STATE_TOP  0x60	 /* malloc_state.top: behind mutex, flags, have_fastchunks, fastbinsY[10] */
#define STATE_BINS 0x70	 /* .bins: 127 pairs of pointers, each to itself when it is empty */
#define STATE_SIZE 0x898 /* 2.27 - 2.42 */
#define BINS	   127
#define MIN_EMPTY  64	      /* bins that must be empty: few programs have chunks of all sizes */
#define SCAN_MAX   (4u << 20) /* bytes of libc's writable data */

/* heap_info (malloc/arena.c); 2.35 put the page size behind it. */
struct heap_info {
	uint64_t ar_ptr, prev, size, mprotect_size;
};

static bool is_chunk(const struct heap *h, uint64_t at, uint64_t end)
{
	uint64_t head[2], size;

	if (at + 16 > end || proc_read(h->rt->proc, at, head, sizeof(head)))
		return false;
	size = head[1] & ~FLAG_BITS;
	return size >= 32 && !(size & 15) && size <= end - at;
}

static struct heap_area *add_area(struct heap_malloc *m, uint64_t base, uint64_t end)
{
	struct heap_area *a = m->area.n < MAX_AREAS ? vec_push(&m->area) : NULL;

	if (a)
		*a = (struct heap_area){.base = base, .end = end};
	return a;
}

/* Number of bins of the malloc_state at @state, whose bytes are @w, that point to themselves. */
static unsigned empty_bins(const uint8_t *w, uint64_t state)
{
	unsigned n = 0;

	for (uint64_t i = 0; i < BINS; i++) {
		uint64_t self = state + STATE_BINS + 16 * i - 16;

		n += heap_u64(w + STATE_BINS + 16 * i) == self &&
		     heap_u64(w + STATE_BINS + 16 * i + 8) == self;
	}
	return n;
}

/* Are @w the bytes of the malloc_state at @state that cuts @a into chunks? */
static bool is_main_state(const uint8_t *w, uint64_t state, const struct heap_area *a)
{
	uint64_t top = heap_u64(w + STATE_TOP);

	return top >= a->base && top < a->end && !(top & 15) && empty_bins(w, state) >= MIN_EMPTY;
}

static uint64_t scan_main_state(struct heap *h, const struct heap_row *row,
				const struct heap_area *a)
{
	size_t size = (size_t)(row->end - row->start);
	auto_free uint8_t *w = NULL;

	if (size > SCAN_MAX || size < STATE_SIZE)
		return 0;
	w = malloc(size);
	if (!w || proc_read(h->rt->proc, row->start, w, size))
		return 0;
	for (size_t i = 0; i + STATE_SIZE <= size; i += 8)
		if (is_main_state(w + i, row->start + i, a))
			return row->start + i;
	return 0;
}

/* Finds the main arena's malloc_state, and remembers it: it never moves, and the data of all files
 * is read to find it. */
static uint64_t find_main_state(struct heap *h, const struct heap_row *rows, size_t n,
				const struct heap_area *a)
{
	uint8_t w[STATE_SIZE];
	uint64_t state = 0;

	if (h->main_state && !proc_read(h->rt->proc, h->main_state, w, sizeof(w)) &&
	    is_main_state(w, h->main_state, a))
		return h->main_state;
	for (size_t i = 0; i < n && !state; i++)
		if (rows[i].file)
			state = scan_main_state(h, &rows[i], a);
	if (state) /* there may be none for a piece of the brk heap that is not the last */
		h->main_state = state;
	return state;
}

static void add_brk(struct heap *h, const struct heap_row *rows, size_t n,
		    const struct heap_row *brk, struct heap_malloc *m)
{
	uint64_t first = (brk->start + 15) & ~15ull;
	struct heap_area *a;

	if (!is_chunk(h, first, brk->end))
		return;
	a = add_area(m, brk->start, brk->end);
	if (!a)
		return;
	a->start = first;
	a->main = true;
	a->state = find_main_state(h, rows, n, a);
}

/* The first chunk of a heap that begins with its arena's malloc_state: aligned behind that. */
static uint64_t behind_state(const struct heap *h, const struct heap_info *i, uint64_t end)
{
	static const uint16_t sizes[] = {STATE_SIZE, 0x890, 0x888, 0x8a0,
					 0x848,	     0x840, 0x838, 0x8b0};

	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		uint64_t at = (i->ar_ptr + sizes[k] + 15) & ~15ull, size;

		if (!is_chunk(h, at, end) || proc_read_u64(h->rt->proc, at + 8, &size))
			continue;
		/* another chunk must follow, or the end */
		at += size & ~FLAG_BITS;
		if (at == end || is_chunk(h, at, end))
			return at - (size & ~FLAG_BITS);
	}
	return 0;
}

static void add_heap(struct heap *h, uint64_t base, uint64_t row_end, struct heap_malloc *m)
{
	struct heap_info i;
	struct heap_area *a;
	uint64_t first, end, offset;

	if (proc_read(h->rt->proc, base, &i, sizeof(i)))
		return;
	offset = i.ar_ptr & (HEAP_MAX - 1);
	end = base + i.size;
	if (i.size < 4096 || i.size > HEAP_MAX || (i.size & 15) || i.size > i.mprotect_size ||
	    i.mprotect_size > HEAP_MAX || end > row_end || (i.prev & (HEAP_MAX - 1)) ||
	    (offset != 0x20 && offset != 0x30))
		return;
	if (i.ar_ptr - offset == base)
		first = behind_state(h, &i, end);
	else
		first = is_chunk(h, base + offset, end) ? base + offset : 0;
	if (!first)
		return;
	a = add_area(m, base, end);
	if (!a)
		return;
	a->start = first;
	a->state = i.ar_ptr;
}

/* End of the rows that join: in a forked child, what the heap grew by is a row of its own. */
static uint64_t joined(const struct heap_row *r, const struct heap_row *end)
{
	while (r + 1 < end && r[1].anonymous && r[1].start == r->end)
		r++;
	return r->end;
}

int heap_malloc_find(struct heap *h, const struct heap_row *rows, size_t n, struct heap_malloc *out)
{
	heap_malloc_free(out);
	for (size_t i = 0; i < n; i++) {
		const struct heap_row *r = &rows[i];

		if (r->brk)
			add_brk(h, rows, n, r, out);
		if (!r->anonymous || r->brk)
			continue;
		for (uint64_t base = (r->start + HEAP_MAX - 1) & ~(HEAP_MAX - 1);
		     base >= r->start && base < r->end; base += HEAP_MAX)
			add_heap(h, base, joined(r, rows + n), out);
	}
	return 0;
}

void heap_malloc_free(struct heap_malloc *m)
{
	vec_free(&m->area);
	map64_free(&m->cache);
	memset(m, 0, sizeof(*m));
}

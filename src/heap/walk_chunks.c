/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walks glibc's malloc, chunk by chunk: big strings and buffers that no pool and no GC list knows.
 * Heaps are rows of chunks, each with its size in front: the brk heap, heaps of other threads (64
 * MiB aligned), and chunks with a mapping of their own (malloc/malloc.c, malloc/arena.c). */
#include "heap/walk_priv.h"

#define PREV_INUSE 1ull
#define IS_MMAPPED 2ull
#define FLAG_BITS  7ull
#define MIN_CHUNK  32
#define HEAD	   16 /* prev_size, size */
#define PAGE	   4096ull
#define CHAIN	   6		 /* sound headers in a row: no accident */
#define HEAP_ALIGN (64ull << 20) /* HEAP_MAX_SIZE */
#define MAX_BLOCK  (1ull << 46)
#define MMAP_LEAST \
	(64ull << 10) /* the threshold starts at 128 KiB and only M_MMAP_THRESHOLD lowers it */
#define WINDOW	   (HEAP_WINDOW / 4)
#define MAX_PROBES 16384	  /* pages in a row asked whether a chunk begins there: 64 MiB */
#define MAX_SEARCH (256ull << 30) /* of memory never touched: a third of a second */
#define MAX_ROW	   (1ull << 40)	  /* more is reserved, or the shadow of a sanitizer */
#define STRETCH	   (1ull << 30)	  /* of it at once: whoever watches has to know */
#ifndef WALK_ROWS
#define WALK_ROWS 65536
#endif

struct heap_info {
	uint64_t ar_ptr, prev, size, mprotect_size;
};

/* Bytes of the target at @at: at least @want, else NULL. */
static const uint8_t *look(struct walk *w, uint64_t at, uint64_t end, size_t want)
{
	size_t len = end - at < WINDOW ? (size_t)(end - at) : WINDOW;

	if (span_has(w->win_addr, w->win_addr + w->win_len, at, want))
		return w->win + (at - w->win_addr);
	w->win_len = 0;
	if (want > end - at)
		return NULL;
	if (want > len)
		len = want;
	if (proc_read_sparse(w->h->rt->proc, at, w->win, len)) {
		/* Up to the end of the page, at least. */
		len = (size_t)(PAGE - (at & (PAGE - 1)));
		len = len < want ? want : len;
		if (proc_read_sparse(w->h->rt->proc, at, w->win, len))
			return NULL;
	}
	w->win_addr = at;
	w->win_len = len;
	w->st->bytes_read += len;
	return w->win;
}

static uint64_t size_of(const uint8_t *chunk)
{
	return heap_u64(chunk + 8) & ~FLAG_BITS;
}

static bool is_sound(uint64_t size, uint64_t left)
{
	return size >= MIN_CHUNK && !(size & 15) && size <= left;
}

/* The first address from @at on where several chunks follow each other, behind what is swapped out;
 * @end: there is none. */
static uint64_t find_chunk(struct walk *w, uint64_t at, uint64_t end)
{
	const uint8_t *p = NULL;
	size_t len;

	for (unsigned n = 0; !p && n < MAX_PROBES && at < end; n++) {
		p = look(w, at, end, end - at < PAGE ? end - at : PAGE);
		at = p ? at : (at | (PAGE - 1)) + 1;
	}
	if (!p)
		return end;
	len = w->win_len - (size_t)(p - w->win);
	for (size_t off = 0; off + MIN_CHUNK <= len; off += 16) {
		size_t to = off, n = 0;

		while (n < CHAIN && to + HEAD <= len && is_sound(size_of(p + to), end - at - to)) {
			to += size_of(p + to);
			n++;
		}
		if (n == CHAIN || (n > 1 && at + to == end))
			return at + off;
	}
	return end;
}

/* Was it visited before, as an object of a GC list? */
static bool is_known(const struct walk *w, const struct heap_block *b, const struct walk_found *f)
{
	return (f->type->flags & TPF_HAVE_GC) && map64_get(&w->seen, b->addr + f->object - 16);
}

/* Is it free though the next chunk calls it used? In a thread's cache (before glibc 2.34 only the
 * main thread's), or in a fastbin. */
static bool is_cached(const struct walk *w, uint64_t addr, uint64_t bytes, const uint8_t *p)
{
	return bytes >= 16 && ((w->tcache_key && heap_u64(p + 8) == w->tcache_key) ||
			       heap_in_fastbin(w->h, addr, heap_u64(p), bytes + 8));
}

static int visit_chunk(struct walk *w, uint64_t addr, uint64_t bytes, uint64_t limit)
{
	struct heap_block b = {.addr = addr, .bytes = bytes, .place = HEAP_CHUNK};
	size_t want = bytes < 128 ? (size_t)bytes : 128;
	struct walk_found f;

	if ((w->flags & HEAP_WALK_DATA) && want < bytes)
		want = bytes < HEAP_WINDOW ? (size_t)bytes : HEAP_WINDOW;
	b.data = look(w, addr, limit, want);
	if (!b.data) {
		w->st->unreadable++;
		return 0;
	}
	if (is_cached(w, addr, bytes, b.data))
		return 0;
	b.have = w->win_len - (size_t)(b.data - w->win);
	b.have = b.have < bytes ? b.have : (size_t)bytes;
	b.win = w->win;
	b.win_addr = w->win_addr;
	b.win_len = w->win_len;
	if (!walk_find_object(w, b.data, b.have, bytes, false, &f)) {
		w->st->chunks++;
		return walk_visit(w, &b, NULL);
	}
	if (f.dead) {
		w->st->freelist_blocks++;
		return 0;
	}
	if (is_known(w, &b, &f))
		return 0;
	w->st->chunks++;
	return walk_visit(w, &b, &f);
}

/* Visits chunks in [at, end) up to the top chunk, which reaches the end. */
static int walk_heap(struct walk *w, uint64_t at, uint64_t end)
{
	const uint8_t *p;
	uint64_t size, next_size;
	int err;

	w->win_len = 0;
	while (end - at > MIN_CHUNK) {
		p = look(w, at, end, HEAD);
		size = p ? size_of(p) : 0;
		if (!is_sound(size, end - at)) {
			/* Swapped out; or merged with its neighbour while we read, or overwritten.
			 */
			w->st->unreadable += !p;
			w->st->torn += p != NULL;
			at = find_chunk(w, at + 16, end);
			continue;
		}
		if (end - at - size < HEAD)
			return 0; /* the top */
		p = look(w, at + size, end, HEAD);
		next_size = p ? heap_u64(p + 8) : 0;
		if (next_size & PREV_INUSE) {
			err = visit_chunk(w, at + HEAD, size - 8, end);
			if (err)
				return err;
		}
		at += size;
	}
	return 0;
}

/* Visits a heap of another thread's arena, if one begins at @at. *to: its end. */
static int thread_heap(struct walk *w, uint64_t at, uint64_t end, uint64_t *to)
{
	struct heap_info info;

	if (proc_read(w->h->rt->proc, at, &info, sizeof(info)) || !heap_is_pointer(info.ar_ptr) ||
	    !info.size || info.size > HEAP_ALIGN || (info.size & (PAGE - 1)) ||
	    info.size > end - at || (info.prev & (HEAP_ALIGN - 1)) ||
	    (info.prev ? info.ar_ptr - at < HEAP_ALIGN : info.ar_ptr - at > 128))
		return 0;
	*to = at + info.size;
	w->win_len = 0;
	return walk_heap(w, find_chunk(w, at + sizeof(info), *to), *to);
}

static bool is_mapped_chunk(const uint8_t *p, uint64_t left, uint64_t *bytes)
{
	uint64_t word = heap_u64(p + 8), size = word & ~FLAG_BITS;

	/* Whole pages with the header; 2.43 no longer counts the header in the size. */
	if ((word & FLAG_BITS) != IS_MMAPPED || heap_u64(p) || size < MMAP_LEAST || size > left ||
	    ((size & (PAGE - 1)) && (size & (PAGE - 1)) != PAGE - HEAD))
		return false;
	*bytes = size & (PAGE - 1) ? size : size - HEAD;
	return true;
}

/* A search through mappings in which malloc may have memory of its own. */
struct search {
	struct walk *w;
	bool is_live;
	uint64_t left;	 /* bytes of memory never touched that are still passed page by page */
	unsigned probes; /* pages, since the last find, at which nothing began */
	uint64_t end;	 /* of the rows that adjoin: madvise() splits a chunk, as numpy's are */
	uint64_t done;	 /* up to here a chunk that began before has it */
	uint64_t unread; /* the page behind the last one that could not be read */
};

static void spend(struct search *s, uint64_t bytes)
{
	if (!bytes || !s->left)
		return;
	s->left -= bytes < s->left ? bytes : s->left;
	s->w->st->unsearched += !s->left;
}

/* The next address from @at on to look at; in what seems to be somebody else's memory, only where
 * heaps of threads may begin. */
static uint64_t next_place(struct search *s, uint64_t at, uint64_t end)
{
	uint64_t to = end - at < STRETCH ? end : at + STRETCH;

	if (s->probes > MAX_PROBES || !s->left) {
		to = (at + HEAP_ALIGN - 1) & ~(HEAP_ALIGN - 1);
		return to > at || proc_next_touched(s->w->h->rt->proc, at, at + PAGE) == at
			       ? to
			       : at + PAGE;
	}
	to = proc_next_touched(s->w->h->rt->proc, at, to);
	s->w->st->bytes_read += (to - at) / PAGE * sizeof(uint64_t);
	spend(s, to - at);
	return to;
}

/* Notes that nothing begins at the page whose beginning is @p. */
static void note_nothing(struct search *s, const uint8_t *p)
{
	/* of a saved process, memory never touched reads as zeros */
	if (!s->is_live && !heap_u64(p + 8))
		spend(s, PAGE);
	else
		s->w->st->unsearched += s->probes++ == MAX_PROBES;
}

/* Visits what begins at the page @at. *to: its end. */
static int look_at_page(struct search *s, uint64_t at, uint64_t end, uint64_t *to)
{
	struct walk *w = s->w;
	uint64_t bytes;
	uint8_t p[HEAD] = {0};
	int err = 0;

	*to = at;
	if (!(at & (HEAP_ALIGN - 1)))
		err = thread_heap(w, at, s->end, to);
	s->done = *to;
	if (!err && *to == at) {
		int failed = proc_read(w->h->rt->proc, at, p, sizeof(p));

		w->st->bytes_read += sizeof(p);
		if (failed) {
			w->st->unreadable += s->unread != at;
			s->unread = at + PAGE;
		}
		if (failed || !is_mapped_chunk(p, s->end - at, &bytes)) {
			*to = failed && failed != -ENODATA ? end : at + PAGE;
			note_nothing(s, p);
			return 0;
		}
		w->win_len = 0;
		err = visit_chunk(w, at + HEAD, bytes, at + HEAD + bytes);
		*to = s->done = at + ((bytes + HEAD + PAGE - 1) & ~(PAGE - 1));
	}
	s->probes = 0;
	return err;
}

/* Visits chunks with a mapping of their own, which begin a page; the kernel joins neighbours to one
 * mapping. */
static int mapped_chunks(struct search *s, const struct proc_row *m)
{
	uint64_t at = m->start > s->done ? m->start : s->done, to;
	int err = 0;

	s->probes = m->end - m->start > MAX_ROW ? MAX_PROBES + 1 : 0;
	for (; at < m->end && !err; at = to) {
		err = walk_tell(s->w);
		to = walk_arena_end(s->w, at);
		if (!to)
			to = next_place(s, at, m->end);
		if (to == at && !err)
			err = look_at_page(s, at, m->end, &to);
	}
	return err;
}

int walk_chunks(struct walk *w)
{
	auto_free struct proc_row *rows = calloc(WALK_ROWS, sizeof(*rows));
	const struct proc *p = w->h->rt->proc;
	struct search s = {.w = w, .is_live = proc_is_live(p), .left = MAX_SEARCH};
	size_t n = rows ? proc_heap_rows(p, rows, WALK_ROWS) : 0;
	int err = 0;

	w->tcache_key = heap_tcache_key(w->h);
	for (size_t i = 0, last = 0; i < n && !err; i++) {
		while (last < i || (last + 1 < n && rows[last + 1].start == rows[last].end))
			last++;
		s.end = rows[last].end;
		if (rows[i].is_brk)
			err = walk_heap(w, find_chunk(w, rows[i].start, rows[i].end), rows[i].end);
		else
			err = mapped_chunks(&s, &rows[i]);
	}
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds references in a block that is no object. */
#include "py/objects.h"
#include "py/versions.h"
#include "why/scan_priv.h"

#define KEYS_HEAD   40
#define CACHED_MOST 1032 /* bytes: the largest chunk that glibc's cache of a thread holds */

/* Scans attribute values of 3.11 and 3.12. The array begins with the order in which they were set,
 * written backwards from its end: values not in it are leftovers. The last byte is the size of the
 * prefix, the one before the number of attributes. (A pointer ends in two zero bytes, and a table
 * that is larger than the attributes there may be is something else.) False: this is no such array.
 */
static bool attribute_values(struct scan *s)
{
	const uint8_t *p = s->b->data;

	if (py_values_kind(s->g->h->rt) != PY_VALUES_ORDERED)
		return false;
	for (int64_t n = 8; n <= 40 && n <= s->hi; n += 8) {
		uint8_t used = p[n - 2];
		bool ok = p[n - 1] == n && used <= n - 2 && s->hi < n + 8 * n;

		for (int64_t i = 0; ok && i < used; i++)
			ok = p[n - 3 - i] < n - 2;
		for (int64_t i = 0; ok && i < used; i++)
			scan_emit(s, scan_at(s, n + 8 * p[n - 3 - i]));
		if (ok)
			return true;
	}
	return false;
}

/* Scans keys of a dict without their hashes and the leftovers behind the last, as the head gives
 * their size; mimalloc's blocks are up to a quarter larger. False: no such table, or half read. */
static bool keys_table(struct scan *s, int64_t head)
{
	const struct heap_block *b = s->b;
	uint64_t room = b->bytes - (uint64_t)head;
	struct heap_keys k;

	if (b->have < b->bytes || b->bytes < (uint64_t)head + KEYS_HEAD ||
	    heap_u64(b->data + head) != 1 || !heap_keys_facts(s->g->h->rt, b->data + head, &k))
		return false;
	if (!k.n || k.bytes > room ||
	    room - k.bytes >= 16 + (b->place == HEAP_MIMALLOC ? k.bytes / 4 : 0))
		return false;
	scan_some(s, head + (int64_t)k.entries, k.entry_size / 8 * k.n, k.entry_size / 8,
		  k.entry_size == 24 ? 6 : 3);
	return true;
}

static bool is_wrapper(const struct graph *g, uint64_t addr)
{
	uint32_t node = graph_find(g, addr);

	return node != NODE_NONE && graph_type(g, node)->kind == GRAPH_WRAPPER;
}

/* Is this a node of pybind11's map from C++ objects to wrappers (std::unordered_multimap)? It has
 * the next node or 0, the object's address, and the wrapper, and keeps neither alive. A wrapper's
 * first member is the same address, or, for a second base class, inside the same object. */
static bool names_wrapper(const struct scan *s)
{
	const struct graph *g = s->g;
	const struct proc *p = g->h->rt->proc;
	uint64_t next = scan_at(s, 0), address = scan_at(s, 8), wrapper = scan_at(s, 16), own;
	uint32_t object;

	if (s->hi != 24 || !address || !is_wrapper(g, wrapper) ||
	    proc_read_u64(p, wrapper + PY_BODY + py_more_header(g->h->rt), &own))
		return false;
	/* a struct of the program may look like that: the next node must, too */
	if (next && (proc_read_u64(p, next + 16, &next) || !is_wrapper(g, next)))
		return false;
	object = graph_find_block(g, own, NULL);
	return address == own ||
	       (object != NODE_NONE && object == graph_find_block(g, address, NULL));
}

/* Does it begin with the link of glibc's cache of a thread? The link is mostly to a chunk near by,
 * since glibc 2.32 xored with its page's number; the second word is cleared when the chunk is given
 * out. strdup("") changes only the lowest byte: the rest may look like an address in a heap below 4
 * GiB. */
static bool has_left_link(const struct scan *s)
{
	uint64_t first = scan_at(s, 0), page = s->base >> 12;

	return s->b->place == HEAP_CHUNK && s->hi <= CACHED_MOST && !(first & 0xff) &&
	       !scan_at(s, 8) && (first ^ page) >> 12 == page;
}

/* Scans a buffer. A list's items begin behind the head of the debug hooks, and without a GIL behind
 * their capacity. */
void scan_buffer(struct scan *s)
{
	const struct heap_block *b = s->b;
	int64_t head = (int64_t)heap_debug_head(s->g->h, b->place == HEAP_POOL);
	int64_t items = head + (s->g->h->rt->free_threaded ? 8 : 0);
	const uint64_t *n = map64_get(&s->g->length, b->addr + (uint64_t)items);
	const uint64_t *table = map64_get(&s->g->length, b->addr + (uint64_t)head);
	bool is_table = table && *table == GRAPH_TABLE;

	if (n && !is_table && items + 8 * (int64_t)*n < s->hi)
		s->hi = items + 8 * (int64_t)*n;
	if (names_wrapper(s))
		s->hi = 8;
	if (is_table)
		scan_some(s, head, b->bytes / 8, 2, 1);
	else if (!attribute_values(s) && (n || !keys_table(s, head)))
		scan_words(s, !n && has_left_link(s) ? 8 : 0, s->hi, ~0ull);
	/* the rest of a block that the walk has not read */
	if ((!n || is_table) && b->bytes > b->have)
		scan_direct(s, b->addr + b->have, (b->bytes - b->have) / 8, is_table ? 2 : 1, 1);
}

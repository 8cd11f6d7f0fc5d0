/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* References in memory that an object has outside of its block: a list's items, a dict's keys, the
 * table of a set. */
#include "why/scan_priv.h"

#define PIECE	   (64u << 10)
#define LONG_ARRAY 1024 /* words */
#define MOVES_MOST 2	/* of such a one, while it is being read */

void scan_direct(struct scan *s, uint64_t addr, uint64_t n, unsigned step, unsigned of)
{
	const struct proc *p = s->g->h->rt->proc;
	auto_free uint64_t *buf = malloc(PIECE);
	uint64_t from;

	if (!buf) {
		s->err = -ENOMEM;
		return;
	}
	for (uint64_t done = 0; done < n && !s->err;) {
		uint64_t k = n - done < PIECE / 8 ? n - done : PIECE / 8;

		if (8 * k > s->g->direct_bytes) {
			s->g->unreadable++;
			return;
		}
		s->g->direct_bytes -= 8 * k;
		from = addr + 8 * done;
		if (proc_next_touched(p, from, from + 8 * k) == from + 8 * k) {
			done += k;
			continue;
		}
		if (proc_read_sparse(p, from, buf, 8 * k)) {
			s->g->unreadable++;
			return;
		}
		for (uint64_t i = 0; i < k; i++)
			if (of >> (done + i) % step & 1)
				scan_emit(s, buf[i]);
		done += k;
	}
}

/* The entries of the keys that @a->was points to. False: there are none. */
static bool find_entries(const struct scan *s, struct array *a)
{
	struct heap_keys k;
	uint8_t head[40];

	if (proc_read(s->g->h->rt->proc, a->was, head, sizeof(head)) ||
	    !heap_keys_facts(s->g->h->rt, head, &k))
		return false;
	a->step = (unsigned)k.entry_size / 8;
	a->of = k.entry_size == 24 ? 6 : 3; /* not the hash */
	a->addr = a->was + k.entries;
	a->n = k.n * a->step;
	return true;
}

/* Does its owner point elsewhere by now? Then @a is there. */
static bool has_moved(const struct scan *s, struct array *a)
{
	uint64_t now;

	if (proc_read_u64(s->g->h->rt->proc, a->word, &now) || now == a->was ||
	    !heap_is_pointer(now))
		return false;
	a->was = a->addr = now;
	return true;
}

/* A big one takes long, and what was read may be no more what it was: that its owner still points
 * there says that it is. */
void scan_array(struct scan *s, struct array *a)
{
	size_t begin = s->g->edge.n;

	for (int i = 0; !s->err; i++) {
		scan_direct(s, a->addr, a->n, a->step, a->of);
		if (a->n < LONG_ARRAY || i == MOVES_MOST || !has_moved(s, a) ||
		    (a->is_keys && !find_entries(s, a)))
			return;
		s->g->edge.n = begin;
	}
}

/* A big array is read when its owner is: until the walk comes to it, seconds later, it may have
 * grown and moved, and all that it holds would seem to be held by nobody. One that lies where
 * another block did when they were numbered is no node: what it holds is its owner's. */
static void array(struct scan *s, struct array *a)
{
	const struct graph *g = s->g;
	uint64_t block, bytes;
	uint32_t node = graph_find_block(g, a->was, &block);

	if (node == NODE_NONE || (node >= g->n_pooled && (graph_type(g, node)->addr ||
							  a->was - block > GRAPH_MAX_PREFIX))) {
		if (node != NODE_NONE && graph_is_asked(g, block))
			scan_emit(s, a->was);
		scan_array(s, a);
		return;
	}
	scan_emit(s, a->was);
	if (s->is_new) {
		scan_array(s, a);
		return;
	}
	if (node < g->n_pooled || g->start[node])
		return;
	graph_addr(g, node, &bytes);
	/* It may have grown where it is. */
	a->n = a->n < bytes / 4 ? a->n : bytes / 4;
	a->node = node;
	s->soon = *a;
}

void scan_items(struct scan *s, int64_t off, uint64_t n, unsigned step, unsigned of)
{
	struct array a = {.n = n,
			  .step = step,
			  .of = of,
			  .addr = scan_at(s, off),
			  .was = scan_at(s, off),
			  .word = s->base + (uint64_t)off};

	if (heap_is_pointer(a.was) && n && n <= MAX_ITEMS)
		array(s, &a);
}

void scan_keys(struct scan *s, int64_t off)
{
	struct array a = {.was = scan_at(s, off), .word = s->base + (uint64_t)off, .is_keys = true};
	uint32_t node;
	bool is_big;

	if (!heap_is_pointer(a.was))
		return;
	node = graph_find_block(s->g, a.was, NULL);
	is_big = node == NODE_NONE || node >= s->g->n_pooled;
	if (is_big && (find_entries(s, &a) || (has_moved(s, &a) && find_entries(s, &a))))
		array(s, &a);
	else
		scan_emit(s, a.was);
}

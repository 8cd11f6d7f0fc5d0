/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds references in arrays outside of their object's block: items of a list, keys of a dict,
 * table of a set. */
#include "why/scan_priv.h"

#define PIECE	   (64u << 10)
#define TELL_BYTES (1u << 20)
#define MOVES_MOST 2 /* of an array, while it is being read */

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
		/* one array may be as big as all the rest */
		if (done && !(8 * done % TELL_BYTES))
			s->err = heap_tell(s->g->h, "following pointers", s->g->stats.objects);
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

/* Finds the entries of the keys object at @a->was. False: there are none. */
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

/* Sets the number of words. False: it is 0, or cannot be a length. */
static bool find_length(struct array *a, uint64_t length)
{
	if (a->kind == ARRAY_TABLE && length < MAX_ITEMS)
		length = 2 * (length + 1);
	a->n = length;
	return length && length <= 2 * MAX_ITEMS;
}

/* Reads its address and length again from its owner. */
static bool find_again(const struct scan *s, struct array *a)
{
	uint64_t length;

	a->addr = a->was;
	if (a->kind == ARRAY_KEYS)
		return find_entries(s, a);
	return !proc_read_u64(s->g->h->rt->proc, a->length, &length) && find_length(a, length);
}

/* Does the owner point to another array by now? Then @a is set to that. */
static bool has_moved(const struct scan *s, struct array *a)
{
	uint64_t now;

	if (proc_read_u64(s->g->h->rt->proc, a->word, &now) || now == a->was)
		return false;
	a->was = now;
	if (!heap_is_pointer(now) || !find_again(s, a))
		a->n = 0; /* it was emptied */
	return true;
}

/* A big one takes long, and so may all between its owner and it: what was read may be no more what
 * it was. That its owner still points there says that it is. */
void scan_array(struct scan *s, struct array *a)
{
	size_t begin = s->g->edge.n;

	for (int i = 0; !s->err; i++) {
		scan_direct(s, a->addr, a->n, a->step, a->of);
		if (i == MOVES_MOST || !has_moved(s, a))
			return;
		s->g->edge.n = begin;
	}
}

/* Reads items that a list got since its length was noted: the walk reads its array, in a pool, only
 * to the noted length. */
static void late_items(struct scan *s, const struct array *a, uint64_t room)
{
	const uint64_t *noted = map64_get(&s->g->length, a->was);
	uint64_t n = a->n < room / 8 ? a->n : room / 8;

	if (noted && *noted < n)
		scan_direct(s, a->was + 8 * *noted, n - *noted, 1, 1);
}

/* A big array is read with its owner: seconds later, when the walk comes to it, it may have moved,
 * and nobody would seem to hold its items. If its address had another block when blocks were
 * numbered, it is no node, and its items are its owner's. */
static void array(struct scan *s, struct array *a)
{
	const struct graph *g = s->g;
	uint64_t block, bytes;
	uint32_t node = graph_find_block(g, a->was, &block);

	if (node == NODE_NONE || graph_type(g, node)->addr ||
	    (node >= g->n_pooled && a->was - block > GRAPH_MAX_PREFIX)) {
		if (node != NODE_NONE && graph_is_asked(g, block, 1))
			scan_emit(s, a->was);
		scan_array(s, a);
		return;
	}
	scan_emit(s, a->was);
	if (s->is_new) {
		scan_array(s, a);
		return;
	}
	graph_addr(g, node, &bytes);
	if (node < g->n_pooled && a->kind == ARRAY_ITEMS)
		late_items(s, a, block + bytes - a->was);
	if (node < g->n_pooled || g->start[node])
		return;
	/* it may have grown in place */
	a->n = a->n < bytes / 4 ? a->n : bytes / 4;
	a->node = node;
	s->soon = *a;
}

static void scan_behind(struct scan *s, int64_t off, struct array a, uint64_t length)
{
	a.was = a.addr = scan_at(s, off);
	a.word = s->base + (uint64_t)off;
	if (heap_is_pointer(a.was) && find_length(&a, length))
		array(s, &a);
}

void scan_items(struct scan *s, int64_t off, int64_t length)
{
	const struct array a = {.step = 1, .of = 1, .length = s->base + (uint64_t)length};

	scan_behind(s, off, a, scan_at(s, length));
}

/* Behind its items a tuple may have the dict of a class of Python's, or what a sequence of C code,
 * which no class extends, does not count as items; a named tuple has leftovers. */
void scan_tuple(struct scan *s)
{
	const struct heap_type *t = &s->t->t;
	uint64_t n = scan_at(s, s->g->h->rt->layout.ob_size);
	int64_t from = s->g->h->rt->layout.tuple_item, end = from + 8 * (int64_t)n;

	if (n >= MAX_ITEMS)
		return;
	if (end > s->hi && s->b->bytes > s->b->have)
		scan_direct(s, s->base + (uint64_t)s->hi, (uint64_t)(end - s->hi) / 8, 1, 1);
	if (t->has_dict == HEAP_DICT_SLOT && t->dictoffset < 0)
		end += 8;
	else if ((t->flags & TPF_HEAPTYPE) && !(t->flags & TPF_BASETYPE))
		end = s->hi;
	scan_words(s, from, end, ~0ull);
}

/* Beside each item lies its hash: of a number the number itself. */
void scan_table(struct scan *s, int64_t off, int64_t mask)
{
	const struct array a = {
		.step = 2, .of = 1, .kind = ARRAY_TABLE, .length = s->base + (uint64_t)mask};

	scan_behind(s, off, a, scan_at(s, mask));
}

void scan_keys(struct scan *s, int64_t off)
{
	struct array a = {
		.was = scan_at(s, off), .word = s->base + (uint64_t)off, .kind = ARRAY_KEYS};
	uint32_t node;
	bool is_apart;

	if (!heap_is_pointer(a.was))
		return;
	node = graph_find_block(s->g, a.was, NULL);
	is_apart = node == NODE_NONE || node >= s->g->n_pooled || graph_type(s->g, node)->addr;
	if (is_apart && (find_entries(s, &a) || has_moved(s, &a)))
		array(s, &a);
	else
		scan_emit(s, a.was);
}

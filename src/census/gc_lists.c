/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "census/gc_lists.h"

#include "base/map64.h"
#include "heap/inside.h"

#define MAX_LINKS    5000
#define MAX_GARBAGE  (1u << 20) /* items whose types are read, of all lists together */
#define GARBAGE_READ 1024
#define MAX_TYPES    1024
#define PAGE	     4096
#define LINK_MASK    (~3ull)
#define HEADS_EACH   (PY_GENERATIONS + 1)
#define MAX_HEADS    1024

/* The page that was read last: neighbours in a list are often neighbours in memory. */
struct page {
	uint64_t at;
	uint8_t data[PAGE];
};

static bool next_of(struct heap *h, struct page *page, uint64_t head, uint64_t *next)
{
	uint64_t at = head & ~(uint64_t)(PAGE - 1);

	if (head & 7 || head - at > PAGE - 8)
		return !proc_read_u64(h->rt->proc, head, next);
	if (page->at != at) {
		page->at = 0;
		if (proc_read(h->rt->proc, at, page->data, PAGE))
			return false;
		page->at = at;
	}
	*next = heap_u64(page->data + (head - at));
	return true;
}

static uint64_t length(struct heap *h, uint64_t head)
{
	struct page page = {0};
	uint64_t at = head, n = 0;

	while (next_of(h, &page, at, &at)) {
		at &= LINK_MASK;
		if (at == head)
			return n;
		if (++n > MAX_LINKS || !heap_is_pointer(at & ~4ull))
			break;
	}
	return UINT64_MAX;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a == UINT64_MAX || b == UINT64_MAX ? UINT64_MAX : a + b;
}

static void count_lists(struct heap *h, struct heap_gc_lists *out)
{
	auto_free uint64_t *head = calloc(MAX_HEADS, sizeof(*head));
	size_t n = head ? py_gc_heads(h->rt, head, MAX_HEADS) : 0;

	if (!n) {
		memset(out->generation, 0xff, sizeof(out->generation));
		out->frozen = UINT64_MAX;
	}
	for (size_t i = 0; i < n; i++) {
		size_t g = i % HEADS_EACH;
		uint64_t *to = g < PY_GENERATIONS ? &out->generation[g] : &out->frozen;

		*to = sum(*to, length(h, head[i]));
	}
}

static int add_type(struct heap_gc_lists *out, struct map64 *index, uint64_t type)
{
	uint64_t *at = map64_get(index, type);
	struct heap_gc_type *v;

	if (at) {
		out->type[*at - 1].count++;
		return 0;
	}
	if (!type || out->n_types == MAX_TYPES) {
		out->others++;
		return 0;
	}
	v = reallocarray(out->type, out->n_types + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	out->type = v;
	v[out->n_types++] = (struct heap_gc_type){type, 1};
	at = map64_put(index, type);
	if (!at)
		return -ENOMEM;
	*at = out->n_types;
	return 0;
}

static int add_garbage(struct heap *h, uint64_t list, struct map64 *index, uint64_t *left,
		       struct heap_gc_lists *out)
{
	const struct py_layout *l = &h->rt->layout;
	uint64_t item[GARBAGE_READ], type[GARBAGE_READ], items, n;
	struct proc_req req[GARBAGE_READ];

	if (proc_read_u64(h->rt->proc, list + l->ob_size, &n) ||
	    proc_read_u64(h->rt->proc, list + l->list_item, &items) || n > 1ull << 40)
		return 0;
	out->garbage += n;
	if (n > *left)
		n = *left;
	*left -= n;
	for (uint64_t at = 0; at < n; at += GARBAGE_READ) {
		size_t k = n - at < GARBAGE_READ ? (size_t)(n - at) : GARBAGE_READ;

		if (proc_read(h->rt->proc, items + 8 * at, item, 8 * k))
			return 0;
		for (size_t i = 0; i < k; i++)
			req[i] = (struct proc_req){item[i] + l->ob_type, &type[i], 8, false, false};
		proc_read_many(h->rt->proc, req, k);
		for (size_t i = 0; i < k; i++)
			if (req[i].ok && add_type(out, index, type[i]))
				return fail(-ENOMEM, "out of memory");
	}
	return 0;
}

int heap_gc_lists(struct heap *h, const struct py_gc_state *state, struct heap_gc_lists *out)
{
	struct map64 index = {0};
	uint64_t left = MAX_GARBAGE;
	int err = 0;

	memset(out, 0, sizeof(*out));
	count_lists(h, out);
	for (size_t i = 0; i < state->n_garbage && !err; i++)
		err = add_garbage(h, state->garbage[i], &index, &left, out);
	map64_free(&index);
	return err;
}

void heap_gc_lists_free(struct heap_gc_lists *g)
{
	free(g->type);
	memset(g, 0, sizeof(*g));
}

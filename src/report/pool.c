/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "report/pool.h"

#include <xxhash.h>

#include "base/map64.h"

struct shared {
	size_t n;
	_Alignas(16) char bytes[];
};

struct report_pool {
	struct report *r;
	struct map64 index; /* hash -> struct shared * */
	struct report_room room;
};

int report_pool_new(struct report_pool **out)
{
	struct report_pool *p = calloc(1, sizeof(*p));
	int err = p ? report_new(&p->r) : fail(-ENOMEM, "out of memory");

	if (err) {
		free(p);
		return err;
	}
	*out = p;
	return 0;
}

void report_pool_free(struct report_pool *p)
{
	if (!p)
		return;
	report_free(p->r);
	map64_free(&p->index);
	vec_free(&p->room.text);
	jval_free(&p->room.doc);
	free(p);
}

const void *report_pool_share(struct report_pool *p, const void *from, size_t n)
{
	uint64_t hash = XXH3_64bits(from, n), *at = map64_put(&p->index, hash ? hash : 1);
	struct shared *s = at ? (struct shared *)(uintptr_t)*at : NULL;

	if (s && s->n == n && !memcmp(s->bytes, from, n))
		return s->bytes;
	s = report_alloc(p->r, sizeof(*s) + n);
	if (!s)
		return NULL;
	s->n = n;
	memcpy(s->bytes, from, n);
	/* if two have one hash, the first one is kept */
	if (at && !*at)
		*at = (uintptr_t)s;
	return s->bytes;
}

struct report_room *report_pool_room(struct report_pool *p)
{
	return &p->room;
}

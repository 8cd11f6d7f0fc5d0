/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chooses some objects of one type, each as likely as any other. */
#include "census/census_priv.h"

struct sampler {
	struct census *c;
	const char *name;
	struct map64 verdict; /* address of a type -> 1 yes, 2 no */
	struct heap_object *v;
	size_t n, max;
	uint64_t seen, random;
};

static bool is_wanted(struct sampler *s, uint64_t type)
{
	uint64_t *at = map64_put(&s->verdict, type);
	char name[CENSUS_NAME_SIZE];

	if (!at)
		return false;
	if (!*at) {
		int err = py_type_name(s->c->rt, type, name, sizeof(name));

		s->c->unread_names += err != 0;
		*at = !err && py_name_fits(name, s->name) ? 1 : 2;
	}
	return *at == 1;
}

/* Keeps the k-th object with a chance of max / k, so that all have the same chance in the end. */
static int sample(const struct heap_block *b, void *ctx)
{
	struct sampler *s = ctx;
	size_t i;

	if (!b->object || !is_wanted(s, b->type))
		return 0;
	s->seen++;
	if (s->n < s->max)
		i = s->n++;
	else
		i = (size_t)(random_next(&s->random) % s->seen);
	if (i < s->max)
		s->v[i] = (struct heap_object){.addr = b->object, .type = b->type};
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct report_instance *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void describe(struct census *c, const struct heap_object *o, const char *type, bool values,
		     struct report *r, struct report_instance *out)
{
	char text[128];

	*out = (struct report_instance){
		.address = o->addr,
		.type = type,
		.bytes = o->bytes,
		.refcount = py_refcount(c->rt, o->addr),
		.length = py_length(c->rt, o->addr),
	};
	if (values && !py_repr(c->rt, o->addr, text, sizeof(text)))
		out->repr = report_strdup(r, text);
}

int census_instances(struct census *c, const char *name, size_t max, bool values, struct report *r,
		     struct report_process *p)
{
	struct sampler s = {.c = c, .name = name, .max = max, .random = clock_ns() | 1};
	auto_free struct heap_object *objects = calloc(max + 1, sizeof(*objects));
	struct heap_walk_stats st;
	int err;

	p->instances = report_alloc(r, (max + 1) * sizeof(*p->instances));
	p->instances_of = report_strdup(r, name);
	if (!objects || !p->instances || !p->instances_of)
		return fail(-ENOMEM, "no memory for a report");
	s.v = objects;
	c->unread_names = 0;
	err = heap_walk(c->heap, 0, sample, &s, &st);
	map64_free(&s.verdict);
	if (err)
		return err;
	/* clears the address of objects that died meanwhile */
	heap_read_objects(c->heap, objects, s.n, HEAP_FULL);
	for (size_t i = 0; i < s.n; i++)
		if (objects[i].addr)
			describe(c, &objects[i], p->instances_of, values, r,
				 &p->instances[p->n_instances++]);
	if (p->n_instances)
		qsort(p->instances, p->n_instances, sizeof(*p->instances), by_address);
	return 0;
}

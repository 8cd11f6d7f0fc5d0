/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps names of types by address. A class that dies leaves its address to another, so a name is
 * compared with the present one now and then. */
#include "track/names.h"

#include "base/map64.h"

#define RECHECK_NS 1000000000ull
#define MOST_NAMES 16	      /* names of one address: older texts may still be in use */
#define MOST_BYTES (4u << 20) /* bytes of all names: some 50,000 classes */

struct name {
	struct name *older;
	unsigned number; /* number of names of this address */
	uint64_t checked_ns;
	char text[];
};

struct names {
	const struct py_runtime *rt;
	struct map64 name; /* type -> struct name *, the newest */
	size_t bytes;
	uint64_t left_out;
};

int names_new(const struct py_runtime *rt, struct names **out)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		return fail(-ENOMEM, "out of memory");
	n->rt = rt;
	*out = n;
	return 0;
}

static struct name *name_at(const struct map64 *m, size_t i)
{
	return m->slot[2 * i] ? (struct name *)(uintptr_t)m->slot[2 * i + 1] : NULL;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->name.cap; i++)
		for (struct name *v = name_at(&n->name, i), *older; v; v = older) {
			older = v->older;
			free(v);
		}
	map64_free(&n->name);
	free(n);
}

/* Reads the present name; if it cannot be read, as in a process that has ended, the known one
 * stays. */
static struct name *look(struct names *n, uint64_t type, struct name *known)
{
	char buf[512];
	struct name *new;
	size_t size;

	if (py_type_name(n->rt, type, buf, sizeof(buf)) ||
	    (known && (!strcmp(known->text, buf) || known->number == MOST_NAMES)))
		return known;
	size = strlen(buf) + 1;
	new = n->bytes < MOST_BYTES ? malloc(sizeof(*new) + size) : NULL;
	if (!new) {
		n->left_out++;
		return known;
	}
	n->bytes += sizeof(*new) + size;
	*new = (struct name){.older = known, .number = known ? known->number + 1 : 1};
	memcpy(new->text, buf, size);
	return new;
}

const char *names_type(struct names *n, uint64_t type)
{
	uint64_t *at = map64_get(&n->name, type), now = clock_ns();
	struct name *v = at ? (struct name *)(uintptr_t)*at : NULL;

	if (!v || now - v->checked_ns > RECHECK_NS) {
		v = look(n, type, v);
		/* only what has a name gets a place: any number may be said to be a type */
		at = v ? map64_put(&n->name, type) : NULL;
		if (at) {
			*at = (uintptr_t)v;
			v->checked_ns = now;
		}
	}
	return at ? v->text : "?";
}

uint64_t names_left_out(const struct names *n)
{
	return n->left_out;
}

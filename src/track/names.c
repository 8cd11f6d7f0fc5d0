/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of types by address. */
#include "track/names.h"

#include "base/map64.h"

struct names {
	const struct py_runtime *rt;
	struct map64 name; /* type -> char * */
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

void names_free(struct names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->name.cap; i++)
		if (n->name.slot[2 * i])
			free((void *)(uintptr_t)n->name.slot[2 * i + 1]);
	map64_free(&n->name);
	free(n);
}

const char *names_type(struct names *n, uint64_t type)
{
	uint64_t *v = map64_put(&n->name, type);
	char buf[512], *copy;

	if (!v)
		return "?";
	if (*v)
		return (const char *)(uintptr_t)*v;
	if (py_type_name(n->rt, type, buf, sizeof(buf)))
		return "?";
	copy = strdup(buf);
	*v = (uintptr_t)copy;
	return copy ? copy : "?";
}

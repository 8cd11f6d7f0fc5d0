/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a census found, from one report into another. */
#include "report/report.h"

static int copy_rows(struct report *r, const struct report_class_row *from, size_t n,
		     struct report_class_row **out)
{
	struct report_class_row *v = report_alloc(r, (n + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		v[i] = from[i];
		v[i].name = report_strdup(r, from[i].name);
		if (!v[i].name)
			return -ENOMEM;
	}
	*out = v;
	return 0;
}

static int copy_gc(struct report *r, const struct report_gc *from, struct report_gc **out)
{
	struct report_gc *g = report_alloc(r, sizeof(*g));

	if (!g)
		return -ENOMEM;
	*g = *from;
	*out = g;
	return copy_rows(r, from->garbage_types, from->n_garbage_types, &g->garbage_types);
}

/* Its losses come behind those that are there. Keys and texts are constants. */
static int add_lost(struct report *r, const struct report_process *from, struct report_process *to)
{
	struct report_lost *v = report_alloc(r, (to->n_lost + from->n_lost + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	if (to->n_lost)
		memcpy(v, to->lost, to->n_lost * sizeof(*v));
	if (from->n_lost)
		memcpy(v + to->n_lost, from->lost, from->n_lost * sizeof(*v));
	to->lost = v;
	to->n_lost += from->n_lost;
	return 0;
}

int report_copy_population(struct report *r, const struct report_process *from,
			   struct report_process *to)
{
	int err = copy_rows(r, from->classes, from->n_classes, &to->classes);

	if (!err && from->gc)
		err = copy_gc(r, from->gc, &to->gc);
	if (!err && from->pools) {
		to->pools = report_alloc(r, sizeof(*to->pools));
		if (to->pools)
			*to->pools = *from->pools;
		else
			err = -ENOMEM;
	}
	if (!err)
		err = add_lost(r, from, to);
	to->n_classes = err ? 0 : from->n_classes;
	return err ? fail(err, "no memory for a report") : 0;
}

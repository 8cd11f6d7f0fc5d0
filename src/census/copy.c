/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "census/copy.h"

#include "report/shape.h"

/* Adds the losses of @from. Their keys and texts are constants, so pointers will do. */
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

int census_copy(struct report *r, const struct report_process *from, struct report_process *to)
{
	bool has;

	to->classes = shape_copy(r, &shape_class_row, from->classes, from->n_classes);
	to->gc = from->gc ? shape_copy(r, &shape_gc, from->gc, 1) : NULL;
	to->pools = from->pools ? shape_copy(r, &shape_pools, from->pools, 1) : NULL;
	has = to->classes && !from->gc == !to->gc && !from->pools == !to->pools &&
	      !add_lost(r, from, to);
	to->counted_from_s = from->counted_from_s;
	to->counted_to_s = from->counted_to_s;
	to->n_classes = has ? from->n_classes : 0;
	return has ? 0 : fail(-ENOMEM, "no memory for a report");
}

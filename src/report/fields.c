/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is asked of every member alike. */
#include "report/shape.h"

size_t field_count(const struct field *f, const void *base)
{
	return *(const size_t *)((const char *)base + f->n_offset);
}

bool shape_is_absent(const struct shape *s, const void *at)
{
	const void *first = (const char *)at + s->v->offset;

	return s->v->kind == FIELD_INT ? !*(const int *)first : !*(const void *const *)first;
}

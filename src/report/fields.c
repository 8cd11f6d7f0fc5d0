/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Treats all members of a structure alike: clears and merges them. */
#include <math.h>

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

static void clear(const struct field *f, void *at)
{
	switch (f->kind) {
	case FIELD_COUNT:
		*(uint64_t *)at = REPORT_UNKNOWN;
		break;
	case FIELD_NUMBER:
	case FIELD_AMOUNT:
	case FIELD_SHARE:
	case FIELD_TIME:
		*(double *)at = NAN;
		break;
	case FIELD_GROUP:
	case FIELD_PART:
	case FIELD_INSIDE:
		shape_clear(f->of, at);
		break;
	default: /* 0 already: the memory was zeroed */
		break;
	}
}

void shape_clear(const struct shape *s, void *base)
{
	shape_each(f, s) clear(f, (char *)base + f->offset);
}

void report_memory_init(struct report_memory *m)
{
	memset(m, 0, sizeof(*m));
	shape_clear(&shape_limits, m);
	m->left_high = NAN;
}

void report_process_init(struct report_process *p)
{
	memset(p, 0, sizeof(*p));
	shape_clear(&shape_process, p);
	p->verdict = CLASS_STEADY;
	p->memory.left_high = NAN;
	p->counted_from_s = p->counted_to_s = NAN;
}

void report_process_end(struct report_process *p)
{
	p->exited = true;
	p->memory.eta_s = p->memory.eta_low_s = p->memory.eta_high_s = NAN;
	p->fds.eta_s = NAN;
}

/* Adds a number to a sum, if it is known; a sum of unknown ones stays unknown. */
static void sum_numbers(double *to, double more)
{
	if (!isfinite(*to))
		*to = more;
	else if (isfinite(more))
		*to += more;
}

static void sum_counts(uint64_t *to, uint64_t more)
{
	if (*to == REPORT_UNKNOWN)
		*to = more;
	else if (more != REPORT_UNKNOWN)
		*to += more;
}

static void sum(enum field_kind kind, void *to, const void *from)
{
	if (kind == FIELD_FLAG)
		*(bool *)to |= *(const bool *)from;
	else if (kind == FIELD_COUNT || kind == FIELD_TALLY)
		sum_counts(to, *(const uint64_t *)from);
	else
		sum_numbers(to, *(const double *)from);
}

static void same(const char **to, const char *word, bool first)
{
	if (first)
		*to = word;
	else if (!*to || !word || strcmp(*to, word) != 0)
		*to = NULL;
}

static void merge(const struct field *f, void *to, const void *from, bool first)
{
	if (f->kind == FIELD_GROUP || f->kind == FIELD_PART)
		shape_merge(f->of, to, from, first);
	else if (f->merge == MERGE_SUM)
		sum(f->kind, to, from);
	else if (f->merge == MERGE_MOST)
		*(double *)to = fmax(*(double *)to, *(const double *)from);
	else if (f->merge == MERGE_SAME)
		same(to, *(const char *const *)from, first);
}

void shape_merge(const struct shape *s, void *to, const void *from, bool first)
{
	shape_each(f, s) merge(f, (char *)to + f->offset, (const char *)from + f->offset, first);
}

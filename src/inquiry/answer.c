/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "inquiry/answer.h"

#include <math.h>

static bool grows(const struct why_path *p)
{
	size_t i = 0;

	while (i < p->n && !(p->step[i].growth > 0))
		i++;
	return i < p->n;
}

static void put_first(struct why_answer *a, size_t i)
{
	const struct why_path first = a->path[0];

	a->path[0] = a->path[i];
	a->path[i] = first;
}

void answer_growing_first(struct why_answer *a, double least)
{
	for (size_t i = 1; i < a->n && !grows(&a->path[0]); i++)
		if (a->path[i].share >= least && grows(&a->path[i]))
			put_first(a, i);
}

/* The part of the objects that hang on the container with most of them. */
static double most_held(const struct why_path *p)
{
	double most = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->step[i].entries != WHY_UNKNOWN)
			most = fmax(most, p->step[i].share);
	return most;
}

void answer_program_first(struct why_answer *a)
{
	for (size_t i = 1; i < a->n; i++)
		if ((a->path[0].root == WHY_STATIC || a->path[0].root == WHY_INTERPRETER) &&
		    a->path[i].root < WHY_INTERPRETER &&
		    most_held(&a->path[i]) > fmax(most_held(&a->path[0]), a->path[0].share))
			put_first(a, i);
}

double answer_share_in(const struct why_answer *a, uint64_t container)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < a->path[i].n; k++)
			if (a->path[i].step[k].addr == container)
				return a->path[i].step[k].share;
	return 0;
}

double answer_share_of_first(const struct why_answer *a)
{
	double sum = a->path[0].share;

	for (size_t i = 1; a->path[0].root == WHY_NOBODY && i < a->n; i++)
		sum += a->path[i].root == WHY_NOBODY ? a->path[i].share : 0;
	return fmin(sum, 1);
}

void answer_count_entries(const struct why_answer *a, size_t seen, struct holder_fact *f)
{
	bool is_known = f->fill.addr && f->fill.addr == a->branch && a->n_behind < WHY_BEHIND;

	f->objects = (uint32_t)(f->holder.in_container * (double)a->sampled + 0.5);
	f->entries = is_known ? (uint32_t)a->n_behind : 0;
	f->new_entries = (uint32_t)seen;
}

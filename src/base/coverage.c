/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/coverage.h"

#include <math.h>

/* Windows that are taken together, as a single one may come late, or be short, by chance. */
#define FEW 4

static void join(struct coverage_point *a, const struct coverage_point *b)
{
	double on = a->on_s + b->on_s;

	a->at_s = (a->at_s * a->on_s + b->at_s * b->on_s) / on;
	a->on_s = on;
}

static void halve(struct coverage *c)
{
	for (size_t i = 0; i < COVERAGE_POINTS / 2; i++) {
		c->v[i] = c->v[2 * i];
		join(&c->v[i], &c->v[2 * i + 1]);
	}
	c->n = COVERAGE_POINTS / 2;
	c->width_s = 2 * (c->v[c->n - 1].begin_s - c->v[0].begin_s) / (double)COVERAGE_POINTS;
}

void coverage_add(struct coverage *c, uint64_t from_ns, uint64_t to_ns)
{
	const struct coverage_point p = {.begin_s = (double)from_ns / 1e9,
					 .at_s = ((double)from_ns + (double)to_ns) / 2e9,
					 .on_s = ((double)to_ns - (double)from_ns) / 1e9};

	if (to_ns <= from_ns)
		return;
	if (c->n && p.begin_s < c->v[c->n - 1].begin_s + c->width_s) {
		join(&c->v[c->n - 1], &p);
		return;
	}
	if (c->n == COVERAGE_POINTS)
		halve(c);
	c->v[c->n++] = p;
}

double coverage_age_s(const struct coverage *c, uint64_t from_ns, uint64_t now_ns, double least_s)
{
	double now = (double)now_ns / 1e9, from = (double)from_ns / 1e9, sum = 0, on = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct coverage_point *p = &c->v[i];

		if (p->at_s < from || now - p->at_s < least_s)
			continue;
		sum += p->on_s * (now - p->at_s);
		on += p->on_s;
	}
	return on > 0 ? sum / on : 0;
}

/* Measures from the start of one window to that of another, as the gap between them is known.
 */
double coverage_at(const struct coverage *c, uint64_t start_ns, uint64_t born_ns)
{
	double born = (double)born_ns / 1e9, on = 0, span;
	size_t low = 0, end = c->n ? c->n - 1 : 0, first;

	while (low < end) { /* the first one that began later, else the last one */
		size_t mid = (low + end) / 2;

		if (c->v[mid].begin_s <= born)
			low = mid + 1;
		else
			end = mid;
	}
	first = end > FEW ? end - FEW : 0;
	for (size_t i = first; i < end; i++)
		on += c->v[i].on_s;
	if (end) {
		span = c->v[end].begin_s - c->v[first].begin_s;
	} else { /* one window alone */
		on = c->n ? c->v[0].on_s : 0;
		span = c->n ? 2 * c->v[0].at_s - c->v[0].begin_s - (double)start_ns / 1e9 : 0;
	}
	return on > 0 && span > 0 ? fmin(on / span, 1) : 0;
}

double coverage_share(const struct coverage *c, uint64_t from_ns, uint64_t to_ns)
{
	double from = (double)from_ns / 1e9, to = (double)to_ns / 1e9, on = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct coverage_point *p = &c->v[i];

		if (p->at_s >= from - p->on_s / 2 && p->at_s <= to + p->on_s / 2)
			on += p->on_s;
	}
	return on < to - from ? on / (to - from) : on > 0;
}

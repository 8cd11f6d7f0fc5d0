/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The series of native sites. While every block is seen, a point a second. In windows a point comes
 * when the samples of one more window are old enough to count: it tells of the time since the
 * window before it, in which growth is taken to be even: the way to it is a straight line. */
#include "base/thresholds.h"
#include "track/native_priv.h"

#define MOST_STEPS 8 /* points at most for one window */

/* The age at which samples count at the latest. */
static uint64_t age_ns(const struct native *n)
{
	return n->spec.older_ns > BURST_AGE_NS ? n->spec.older_ns : BURST_AGE_NS;
}

void native_series_start(struct native *n, uint64_t now_ns)
{
	n->burst.told_ns = n->table.point_window_ns = now_ns;
	n->burst.n_young = n->burst.telling = 0;
	n->table.told_s = (double)(now_ns + age_ns(n) - n->start_ns) / 1e9;
}

void native_series_closed(struct native_burst *b, uint64_t closed_ns)
{
	if (b->n_young == ARRAY_SIZE(b->young))
		b->n_young--; /* it is told together with the next one */
	b->closed_ns = closed_ns;
	b->telling++;
	b->young[b->n_young++] = closed_ns;
}

/* The last window whose samples have come to that age. */
static uint64_t window_told(struct native *n, uint64_t now_ns)
{
	struct native_burst *b = &n->burst;

	while (b->n_young && b->young[0] + age_ns(n) <= now_ns) {
		b->told_ns = b->young[0];
		memmove(b->young, b->young + 1, --b->n_young * sizeof(*b->young));
	}
	return b->told_ns;
}

/* Halves the points: keeps the newer one of each pair. */
static void halve(struct site_row *r)
{
	size_t first = r->n_points && !(r->n_points & 1), kept = 0;

	for (size_t k = first; k < r->n_points; k += 2)
		r->points[kept++] = r->points[k];
	r->n_points = kept;
}

/* Adds points on a line from the last point to the present numbers. */
static void add_line(struct site_row *r, double now_s, size_t steps)
{
	struct native_point from = r->points[r->n_points - 1];

	for (size_t i = 1; i <= steps; i++) {
		double part = (double)i / (double)steps;

		r->points[r->n_points++] = (struct native_point){
			.t_s = from.t_s + part * (now_s - from.t_s),
			.bytes = from.bytes + part * (r->bytes - from.bytes),
			.count = from.count + part * (r->count - from.count),
		};
	}
}

/* Adds a window's points to a site. A new site had nothing at the window before. */
static void tell_window(const struct native_table *t, struct site_row *r, double now_s,
			size_t steps)
{
	if (!r->n_points)
		r->points[r->n_points++] = (struct native_point){.t_s = t->told_s};
	if (r->count > r->points[r->n_points - 1].count * (1 + NATIVE_MET_PART)) {
		r->met++;
		r->met_s = now_s;
	}
	add_line(r, now_s, steps);
}

/* Points of a window that keep the least distance. */
static size_t steps_of(const struct native_table *t, double now_s)
{
	double gaps = (now_s - t->told_s) / t->point_gap_s;

	return gaps > MOST_STEPS ? MOST_STEPS : gaps > 1 ? (size_t)gaps : 1;
}

void native_series_add(struct native *n, uint64_t now_ns)
{
	struct native_table *t = &n->table;
	bool by_windows = n->state == NATIVE_BURST, is_told, is_full = false;
	uint64_t told_ns = by_windows ? window_told(n, now_ns) : 0;
	double now_s = (double)(now_ns - n->start_ns) / 1e9;
	size_t steps;

	if (t->last_point_s > 0 && now_s - t->last_point_s < t->point_gap_s * 0.9)
		return;
	t->last_point_s = now_s;
	for (size_t i = 0; i < t->rows.n; i++)
		is_full = is_full || t->rows.v[i].n_points >= NATIVE_POINTS - MOST_STEPS;
	if (is_full)
		t->point_gap_s *= 2;
	steps = steps_of(t, now_s);
	is_told = told_ns != t->point_window_ns;
	for (size_t i = 0; i < t->rows.n; i++) {
		struct site_row *r = &t->rows.v[i];

		if (is_full)
			halve(r);
		if (!by_windows || r->key.kind != PL_KIND_HEAP)
			r->points[r->n_points++] = (struct native_point){now_s, r->bytes, r->count};
		else if (is_told)
			tell_window(t, r, now_s, steps);
	}
	if (is_told)
		t->told_s = now_s;
	t->point_window_ns = told_ns;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/traffic.h"

#include <math.h>
#include <xxhash.h>

#include "base/thresholds.h"

/* The part of a window's births by which a stack gets one of the last rows. */
#define MUCH 0.01

static void join_neighbours(struct traffic *t)
{
	t->n_moments = TRAFFIC_MOMENTS / 2;
	t->most *= 2;
	for (size_t m = 0; m < t->n_moments; m++)
		t->until_ns[m] = t->until_ns[2 * m + 1];
	for (size_t i = 0; i < t->n_rows; i++) {
		struct traffic_row *row = &t->row[i];

		for (size_t m = 0; m < t->n_moments; m++)
			row->n[m] = row->n[2 * m] + row->n[2 * m + 1];
		memset(&row->n[t->n_moments], 0, sizeof(row->n) / 2);
	}
}

/* The row of a stack. Half of them go to whoever comes first. */
static struct traffic_row *row_of(struct traffic *t, uint64_t stack, bool is_much)
{
	size_t i = 1;

	while (i < t->n_rows && t->row[i].stack != stack)
		i++;
	if (i < t->n_rows)
		return &t->row[i];
	if (i == TRAFFIC_STACKS || (i >= TRAFFIC_STACKS / 2 && !is_much))
		return &t->row[0];
	t->row[i] = (struct traffic_row){.stack = stack};
	t->n_rows = i + 1;
	return &t->row[i];
}

void traffic_add(struct traffic *t, const struct map64 *births, uint64_t now_ns)
{
	double all = 0;

	if (!t->n_rows)
		t->n_rows = t->most = 1;
	if (!t->n_moments || t->windows == t->most) {
		if (t->n_moments == TRAFFIC_MOMENTS)
			join_neighbours(t);
		t->n_moments++;
		t->windows = 0;
	}
	t->windows++;
	t->until_ns[t->n_moments - 1] = now_ns;
	for (size_t i = 0; i < births->cap; i++)
		all += births->slot[2 * i] ? (double)births->slot[2 * i + 1] : 0;
	for (size_t i = 0; i < births->cap; i++) {
		uint64_t n = births->slot[2 * i + 1];

		if (births->slot[2 * i])
			row_of(t, births->slot[2 * i], (double)n >= MUCH * all)
				->n[t->n_moments - 1] += (uint32_t)n;
	}
}

size_t traffic_moment(const struct traffic *t, uint64_t ns)
{
	size_t m = 0;

	while (m < t->n_moments && t->until_ns[m] < ns)
		m++;
	return m;
}

uint64_t traffic_root(const char *function, const char *file)
{
	const char *name = strrchr(file, '/');

	if (!strcmp(name ? name + 1 : file, "threading.py"))
		return 0;
	return XXH64(file, strlen(file), XXH64(function, strlen(function), 0)) | 1;
}

/* ---- Did a site keep its part? ---- */

/* The moments that are compared: the first half of what the site keeps, and what came since. */
struct halves {
	size_t from, middle, to;
};

/* Objects kept for each birth, and the relative variance of that: by how the moments scatter, and
 * at least that of a count. */
static double kept_part(const struct traffic_kept *k, const double *born, size_t from, size_t to,
			double *variance)
{
	double n = 0, births = 0, off = 0, squares = 0;

	for (size_t m = from; m < to; m++) {
		n += k->n[m];
		births += born[m];
		squares += k->squares[m];
	}
	for (size_t m = from; m < to && births > 0; m++)
		off += pow(k->n[m] - born[m] * n / births, 2);
	*variance = n > 0 ? fmax(off, squares) / (n * n) : INFINITY;
	return births > 0 ? n / births : INFINITY;
}

/* The part kept of later births, over that of the first; 0 = there were none at first. */
static double change(const struct traffic_kept *k, const double *born, const struct halves *h,
		     double *error)
{
	double before, since;
	double first = kept_part(k, born, h->from, h->middle, &before);
	double later = kept_part(k, born, h->middle, h->to, &since);

	*error = sqrt(before + since);
	return first < INFINITY ? later / first : 0;
}

/* Parts the time where half of what was kept had come. */
static bool halve(const struct traffic_kept *k, struct halves *h)
{
	double all = 0, sum = 0;

	for (size_t m = h->from; m < h->to; m++)
		all += k->n[m];
	for (h->middle = h->from; h->middle < h->to && sum < all / 2; h->middle++)
		sum += k->n[h->middle];
	return h->middle >= h->from + TRAFFIC_FEWEST && h->to >= h->middle + TRAFFIC_FEWEST;
}

/* The first moment from @m on in which all births count, if there are none before; they may have
 * begun in the middle of the one before. */
static size_t whole_from(const double *v, size_t m, size_t to)
{
	size_t first = m;

	while (first < to && !(v[first] > 0))
		first++;
	return first > m ? first + 1 : m;
}

/* May births of this row be hits of the cache that the site fills, if it does? */
static bool may_be_hits(const struct traffic_row *row, const struct traffic_kept *k)
{
	return !row->root || !k->root || row->root == k->root;
}

enum traffic_pace traffic_judge(const struct traffic *t, const struct traffic_kept *k)
{
	double sum[TRAFFIC_MOMENTS] = {0}, born[TRAFFIC_MOMENTS], all = 0, ahead = 0, surely = 0;
	struct halves h = {.to = t->n_moments};
	bool has_hits = false;
	double error = 0;

	while (h.to && t->until_ns[h.to - 1] > k->until_ns)
		h.to--;
	h.from = whole_from(k->n, 0, h.to);
	if (!halve(k, &h))
		return TRAFFIC_UNKNOWN;
	for (size_t i = 0; i < t->n_rows; i++) {
		double births = 0, part = 0;
		struct halves own = h;

		for (size_t m = h.from; m < h.to; m++) {
			births += born[m] = t->row[i].n[m];
			sum[m] += born[m];
		}
		if (!(births > 0))
			continue;
		all += births;
		own.from = whole_from(born, h.from, h.to);
		if (halve(k, &own))
			part = change(k, born, &own, &error);
		if (part >= TRAFFIC_KEEPS)
			continue;
		ahead += births;
		if (!(part > 0) || !may_be_hits(&t->row[i], k))
			continue;
		has_hits |= part * (1 + error) < TRAFFIC_KEEPS;
		surely += part * (1 + TRAFFIC_SURE * error) < CURVE_BENT ? births : 0;
	}
	if (2 * surely > all)
		return TRAFFIC_BEHIND;
	change(k, sum, &h, &error);
	return has_hits || ahead > TRAFFIC_BESIDE * all || error > TRAFFIC_ERROR * (1 - k->ebbed)
		       ? TRAFFIC_UNKNOWN
		       : TRAFFIC_EVEN;
}

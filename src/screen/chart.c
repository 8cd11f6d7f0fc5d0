/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "screen/chart.h"

#include <math.h>

#define LEVELS	  8    /* heights of one cell */
#define SCALE	  11   /* columns of the numbers at the left */
#define LEAST	  0.05 /* of the highest value: smaller changes are drawn as level */
#define MAX_COLS  1024
#define SEE_LIMIT 3

/* Returns the character of a cell that is filled up to @level. */
static const char *block(const struct canvas *c, int level)
{
	static const char *const utf8[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {" ", "_", ".", "-", "=", "+", "*", "%", "#"};

	level = level < 0 ? 0 : level > LEVELS ? LEVELS : level;
	return c->is_ascii ? ascii[level] : utf8[level];
}

struct range {
	double lo, hi;
};

static struct range range_of(const struct chart_point *v, size_t n)
{
	struct range r = {INFINITY, -INFINITY};

	for (size_t i = 0; i < n; i++) {
		r.lo = v[i].v < r.lo ? v[i].v : r.lo;
		r.hi = v[i].v > r.hi ? v[i].v : r.hi;
	}
	return r;
}

/* Finds a value for each of @cols columns of equal time: the last one that was known by then; NAN:
 * none. */
static void resample(const struct chart_point *v, size_t n, double *out, int cols)
{
	double first = n ? v[0].t_s : 0, span = n ? v[n - 1].t_s - first : 0, last = NAN;
	size_t k = 0;

	for (int i = 0; i < cols; i++) {
		double until = first + span * (i + 1) / cols + 1e-9;

		for (; k < n && v[k].t_s <= until; k++)
			last = isfinite(v[k].v) ? v[k].v : last;
		out[i] = last;
	}
}

void chart_spark(struct canvas *c, int row, int col, int cols, int style,
		 const struct chart_point *v, size_t n)
{
	struct range r = range_of(v, n);
	double at[MAX_COLS], least = LEAST * fabs(r.hi);
	int level;

	cols = cols < MAX_COLS ? cols : MAX_COLS;
	if (!(r.lo <= r.hi) || cols < 1)
		return;
	resample(v, n, at, cols);
	for (int i = 0; i < cols; i++) {
		level = r.hi - r.lo > least
				? 1 + (int)round((LEVELS - 1) * (at[i] - r.lo) / (r.hi - r.lo))
				: 1;
		if (isfinite(at[i]))
			canvas_put(c, row, col + i, col + cols, style, block(c, level));
	}
}

/* Returns the range that is drawn. A level curve lies in the middle of its own scale; the limit is
 * in the range when it is near. */
static struct range scale_of(struct range r, double limit)
{
	double least = LEAST * fabs(r.hi) > 65536 ? LEAST * fabs(r.hi) : 65536;
	double middle = (r.lo + r.hi) / 2;

	if (r.hi - r.lo < least)
		r = (struct range){middle - least / 2, middle + least / 2};
	if (limit > r.hi && limit < SEE_LIMIT * r.hi)
		r.hi = limit;
	r.lo = r.lo - (r.hi - r.lo) / 8;
	r.lo = r.lo < 0 ? 0 : r.lo;
	return r;
}

static void put_scale(struct canvas *c, const struct chart_area *a, struct range r, double limit)
{
	char text[32];
	bool is_limit = limit == r.hi;
	int style = is_limit ? STYLE_RED : STYLE_DIM;

	canvas_right(c, a->row, a->col, a->col + SCALE - 1, style,
		     fmt_bytes(text, sizeof(text), r.hi));
	if (a->rows > 1)
		canvas_right(c, a->row + a->rows - 1, a->col, a->col + SCALE - 1, STYLE_DIM,
			     fmt_bytes(text, sizeof(text), r.lo));
	for (int i = 0; i < a->rows; i++)
		canvas_put(c, a->row + i, a->col + SCALE - 1, a->col + SCALE, STYLE_DIM,
			   c->is_ascii ? "|" : "│");
	for (int i = a->col + SCALE; is_limit && i < a->col + a->cols; i++)
		canvas_put(c, a->row, i, i + 1, STYLE_RED, c->is_ascii ? "-" : "╌");
}

void chart_bytes(struct canvas *c, const struct chart_area *a, const struct chart_point *v,
		 size_t n)
{
	struct range r = range_of(v, n);
	double at[MAX_COLS];
	int cols = a->cols - SCALE;

	cols = cols < MAX_COLS ? cols : MAX_COLS;
	if (!(r.lo <= r.hi) || cols < 1 || a->rows < 1)
		return;
	r = scale_of(r, a->limit);
	put_scale(c, a, r, a->limit);
	resample(v, n, at, cols);
	for (int i = 0; i < cols; i++) {
		double share = (at[i] - r.lo) / (r.hi - r.lo);
		int level = isfinite(share) ? (int)round(share * LEVELS * a->rows) : 0;

		for (int k = 0; k < a->rows && level > 0; k++, level -= LEVELS)
			canvas_put(c, a->row + a->rows - 1 - k, a->col + SCALE + i,
				   a->col + a->cols, STYLE_CYAN, block(c, level));
	}
}

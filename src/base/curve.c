/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges in two steps: first teeth are looked for, as their minima count and their maxima do not;
 * then stretches are cut off from the left at each change of slope, until the last one is straight.
 * The shape is how that one differs from those before. */
#include "base/curve.h"

#include <math.h>

#include "base/fit.h"
#include "base/rest.h"
#include "base/teeth.h"
#include "base/thresholds.h"

#define MOST_POINTS  48 /* most points of a look, as fits cost the square of their number */
#define MOST_ZOOMS   12
#define MOST_CHANGES 8

/* The points of one look: floors of evenly wide times. */
struct look {
	size_t n;
	double t[MOST_POINTS], v[MOST_POINTS];
	double noise; /* standard deviation from point to point */
};

const char *curve_shape_name(enum curve_shape s)
{
	static const char *const name[CURVE_SHAPES] = {
		[CURVE_UNKNOWN] = "unknown",   [CURVE_FLAT] = "flat",
		[CURVE_RISING] = "rising",     [CURVE_SLOWING] = "slowing",
		[CURVE_LEVELLED] = "levelled", [CURVE_TEETH] = "teeth",
		[CURVE_PERIODIC] = "periodic", [CURVE_GIVEN_BACK] = "given back",
	};

	return (unsigned)s < CURVE_SHAPES ? name[s] : "unknown";
}

/* The time for which point @i stands: until the next one, but at most twice as long as its
 * neighbours: otherwise it is a gap, in which the tool or the machine stood still. */
static double width_at(const double *t, size_t n, size_t i)
{
	double before = i ? t[i] - t[i - 1] : 0, after = i + 2 < n ? t[i + 2] - t[i + 1] : 0;

	return fmin(t[i + 1] - t[i], 2 * fmax(before, after));
}

/* Takes a look at the points from @from on. Old points stand for longer than young ones, and the
 * floor of a longer time is lower: so all get the width of the widest. */
static void look_at(const struct curve_points *p, double from, struct look *out)
{
	const double *t = p->t, *v = p->v;
	size_t first = 0, n = p->n;
	double width, start;

	memset(out, 0, sizeof(*out));
	while (first < n && t[first] < from)
		first++;
	if (first == n)
		return;
	start = t[first];
	width = (t[n - 1] - start) / (MOST_POINTS - 1);
	for (size_t i = first; i + 1 < n; i++)
		width = fmax(width, width_at(t, n, i) * 0.75);
	for (size_t i = first; i < n; i++) {
		double *low = &out->v[out->n - (out->n > 0)];

		if (out->n && t[i] < out->t[out->n - 1] + width) {
			*low = fmin(*low, v[i]);
			continue;
		}
		if (out->n == MOST_POINTS)
			break;
		out->t[out->n] = t[i];
		out->v[out->n++] = v[i];
	}
	out->noise = fit_noise(out->t, out->v, out->n, p->grain);
}

static bool is_rising(const struct fit_line *f, double span, double grain)
{
	double rise = f->slope * span;

	return f->low > 0 && f->slope > 3 * fit_error(f) && rise > 2.5 * f->spread &&
	       rise >= 3 * grain;
}

/* How far values usually move within a bucket and come back: the height of teeth that are too
 * narrow to be seen in old points. */
static double commotion(const struct curve_points *p)
{
	double move[MOST_POINTS], step = p->n ? (p->t[p->n - 1] - p->t[0]) / MOST_POINTS : 0;
	size_t n = 0;

	/* chosen evenly in time, as most points are young and narrow */
	for (size_t i = 0; p->top && i < p->n && n < MOST_POINTS; i++)
		while (n < MOST_POINTS && p->t[i] - p->t[0] >= (double)n * step)
			move[n++] = p->top[i] - p->v[i];
	return fit_median(move, n);
}

/* New maxima up to a time, with the pauses between them: batches come with pauses. */
struct records {
	double longest; /* pause between two of them */
	double last_s, last;
	size_t at; /* the point of the last one */
};

static struct records records_until(const struct curve_points *p, double until, double noise)
{
	struct records r = {.last_s = p->n ? p->t[0] : 0, .last = p->n ? p->v[0] : 0};

	for (size_t i = 0; i < p->n && p->t[i] <= until; i++) {
		if (p->v[i] < r.last + 3 * noise)
			continue;
		r.longest = fmax(r.longest, p->t[i] - r.last_s);
		r.last_s = p->t[i];
		r.last = p->v[i];
		r.at = i;
	}
	return r;
}

/* Is a rise one more batch, and no change? It comes after a pause about as long as one before, and
 * pause and batch together gained hardly faster than all before. */
static bool is_batch(const struct curve_points *p, const struct records *r, double noise)
{
	double since_s = p->t[p->n - 1] - r->last_s, before_s = r->last_s - p->t[0], pause;
	size_t next = r->at + 1;

	while (next < p->n && p->v[next] < r->last + 3 * noise)
		next++;
	if (next == p->n || next - r->at < CURVE_FEWEST)
		return false;
	pause = p->t[next] - r->last_s;
	return pause * CURVE_PAUSES >= r->longest && pause <= CURVE_PAUSES * r->longest &&
	       (p->v[p->n - 1] - r->last) * before_s <=
		       CURVE_PAUSES * (r->last - p->v[0]) * since_s;
}

/* Finds a change of slope in a look; false: none that can be believed. @least: the smallest rise or
 * fall since then that stands out of the scatter. */
static bool find_change(const struct curve_points *p, const struct look *l, double least,
			double gain, struct fit_bend *b)
{
	double more, rest;
	struct records r;

	if (!fit_change(l->t, l->v, l->n, CURVE_FEWEST, l->noise, b))
		return false;
	r = records_until(p, b->at, l->noise);
	more = fabs(b->after - b->before);
	rest = l->t[l->n - 1] - b->at;
	return b->gain >= gain && more >= CURVE_CHANGE_SURE * b->error &&
	       more >= CURVE_CHANGE_PART * fmax(fabs(b->after), fabs(b->before)) &&
	       more * rest > least &&
	       (b->after > b->before ? !is_batch(p, &r, l->noise)
				     : rest > CURVE_PAUSES * r.longest);
}

/* Measures the scatter about a line through all of a look (@least), and about lines through each of
 * its halves (@clear), which a change in the middle does not raise: the latter is for clear
 * changes.
 */
static void scatter_of(const struct look *l, double usual, double *least, double *clear)
{
	size_t half = l->n / 2;
	struct fit_line all, a, b;

	fit_theil_sen(l->t, l->v, l->n, &all);
	fit_theil_sen(l->t, l->v, half + 1, &a);
	fit_theil_sen(l->t + half, l->v + half, l->n - half, &b);
	usual *= CURVE_USUAL;
	*least = fmax(CURVE_CHANGE_SURE * fmax(all.spread, l->noise), usual);
	*clear = fmin(*least,
		      fmax(CURVE_CHANGE_SURE * fmax(fmax(a.spread, b.spread), l->noise), usual));
}

/* Finds a change of slope after @from. One of the last minutes is a point or two of a look at
 * hours: so the later two thirds, third, two ninths, ... are looked at, too, where points are
 * closer. */
static bool change_after(const struct curve_points *p, double from, double usual,
			 struct fit_bend *b)
{
	double end = p->t[p->n - 1], span = end - from, least = 0, clear = 0;
	struct look l;

	for (unsigned zoom = 0; zoom < MOST_ZOOMS; zoom++, span *= zoom % 2 ? 2 / 3.0 : 0.5) {
		look_at(p, end - span, &l);
		if (l.n < 2 * CURVE_FEWEST + 2)
			return false;
		if ((zoom % 2 == 0 && find_change(p, &l, least, CURVE_CHANGE_GAIN, b)) ||
		    (zoom && find_change(p, &l, clear, CURVE_CHANGE_CLEAR, b)))
			return true;
		if (zoom == 0)
			scatter_of(&l, usual, &least, &clear);
	}
	return false;
}

struct before {
	double steep_until, slowest; /* end of the steepest stretch, and the slowest slope since */
};

/* Cuts stretches off until the last one is straight. */
static void last_stretch(const struct curve_points *p, struct look *l, struct curve *out,
			 struct before *was)
{
	double from = p->t[0], usual = commotion(p);
	struct fit_bend b;

	for (unsigned i = 0; i < MOST_CHANGES && change_after(p, from, usual, &b); i++) {
		was->slowest = fmin(was->slowest, b.before);
		if (b.before > out->fastest) {
			out->fastest = b.before;
			*was = (struct before){b.at, INFINITY};
		}
		from = b.at;
	}
	look_at(p, from, l);
}

static double mean(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum / (double)n;
}

/* Slope of the second half over that of the first, from means of the first, middle and last points.
 */
static double late_part(const double *t, const double *v, size_t n)
{
	size_t few = n / CURVE_FEWEST, at[] = {0, (n - few) / 2, n - few};
	double x[ARRAY_SIZE(at)], y[ARRAY_SIZE(at)], before;

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		x[i] = mean(t + at[i], few);
		y[i] = mean(v + at[i], few);
	}
	before = (y[1] - y[0]) / (x[1] - x[0]);
	return before > 0 ? (y[2] - y[1]) / (x[2] - x[1]) / before : 1;
}

static bool is_saturation(const struct fit_saturation *s, double slope)
{
	return s->gain > CURVE_CHANGE_GAIN / 2.0 && s->amplitude > 0 && s->low < 0.5 * slope;
}

/* Is the stretch a saturation? A single dip bends a line a little, too, so a slight bend must be a
 * good fit. */
static bool saturates(const struct look *l, double slope)
{
	struct fit_saturation s;

	return fit_saturating(l->t, l->v, l->n, l->noise, &s) && is_saturation(&s, slope) &&
	       (s.gain >= CURVE_SLIGHT_GAIN || late_part(l->t, l->v, l->n) < CURVE_SLIGHT);
}

/* Is all of it one saturation, or a power of time, though a bend was found in it? Two lines that
 * meet, or a saturation that goes on in a line, follow a power of time for a while: there is a line
 * only if one of them fits better. */
static bool slows_all_along(const struct curve_points *p, double slope)
{
	struct fit_saturation s;
	struct fit_bend b;
	struct look l;
	double left, point;

	look_at(p, p->t[0], &l);
	if (!fit_saturating(l.t, l.v, l.n, l.noise, &s))
		return false;
	if (is_saturation(&s, slope))
		return true;
	if (!fit_change(l.t, l.v, l.n, CURVE_FEWEST, l.noise, &b))
		return false;
	left = fmin(s.left, b.left);
	point = fmax(left / (double)l.n, l.noise * l.noise);
	return fit_power(l.t, l.v, l.n) - left < CURVE_NO_BETTER * point;
}

static double halves_ratio(const struct look *l)
{
	struct fit_line a, b;
	size_t half = l->n / 2;

	if (l->n < 2 * CURVE_FEWEST)
		return 1;
	fit_theil_sen(l->t, l->v, half + 1, &a);
	fit_theil_sen(l->t + half, l->v + half, l->n - half, &b);
	if (!(a.slope > 0))
		return 1;
	return (b.slope + fit_error(&b)) / fmax(a.slope - fit_error(&a), a.slope * 0.2);
}

/* May a stretch that is straight, but flat beside those before, be the end of a saturation? How
 * long the slope took to fall so far gives the time constant; over some of these the end would be
 * bent. */
static bool is_tail(const struct curve_points *p, const struct curve *c, double steep_until)
{
	double middle = p->t[p->n - 1] - c->since_s / 2;

	return c->since_s < CURVE_TAIL * (middle - steep_until) / log(c->fastest / c->slope);
}

/* Is there a corner, as when a store that fills at an even pace is full? Two lines that meet fit it
 * much better than a saturation or a power of time, which have no corners. */
static bool has_corner(const struct curve_points *p)
{
	struct fit_saturation s;
	struct fit_bend b;
	struct look l;

	look_at(p, p->t[0], &l);
	return fit_change(l.t, l.v, l.n, CURVE_FEWEST, l.noise, &b) &&
	       fit_saturating(l.t, l.v, l.n, l.noise, &s) &&
	       fmin(s.left, fit_power(l.t, l.v, l.n)) > CURVE_CORNER * b.left;
}

static bool bends(const struct look *l, double slope)
{
	return saturates(l, slope) || halves_ratio(l) < CURVE_BENT;
}

static void judge_rise(const struct curve_points *p, const struct look *l, const struct before *was,
		       struct curve *out)
{
	bool ended = out->slope < CURVE_NEARLY * out->fastest;
	/* no saturation is slower in between */
	bool rested = ended && was->slowest < CURVE_RESTED * out->slope;
	bool bent = !rested && out->fastest * CURVE_BENT > out->slope;
	bool is_small = out->slope * out->since_s < CURVE_TAIL_GRAINS * p->grain;

	out->shape = CURVE_RISING;
	if ((ended && is_small) || (ended && !rested && is_tail(p, out, was->steep_until)) ||
	    (bent ? slows_all_along(p, out->slope) : bends(l, out->slope)))
		out->shape = ended ? CURVE_LEVELLED : CURVE_SLOWING;
	out->is_past_corner =
		out->shape == CURVE_LEVELLED && !is_small && !bends(l, out->slope) && has_corner(p);
}

static void judge_rest(const struct look *l, double peak, double base, struct curve *out)
{
	double now = l->n ? l->v[l->n - 1] : 0;

	out->shape = CURVE_FLAT;
	if (peak - base > CURVE_TOOTH_NOISE * l->noise && peak - now > 0.5 * (peak - base))
		out->shape = CURVE_GIVEN_BACK;
	else if (out->fastest > 0 && now - base > CURVE_TOOTH_NOISE * l->noise)
		out->shape = out->high < CURVE_LEVEL_PART * out->fastest ? CURVE_LEVELLED
									 : CURVE_SLOWING;
}

/* Judges the last stretch. @falls_on: the fall of a tooth goes on; later it is one of the teeth. */
static void judge_stretches(const struct curve_points *p, bool falls_on, struct curve *out)
{
	struct fit_line f;
	struct look l;
	struct before was = {p->t[0], INFINITY};
	double peak;

	look_at(p, p->t[0], &l);
	peak = l.v[0];
	for (size_t i = 1; i < l.n; i++)
		peak = fmax(peak, l.v[i]);
	last_stretch(p, &l, out, &was);
	fit_theil_sen(l.t, l.v, l.n, &f);
	out->slope = f.slope;
	out->low = f.low;
	out->high = f.high;
	out->since_s = l.n ? l.t[l.n - 1] - l.t[0] : 0;
	/* a rise that has come back to where it began is none */
	if (is_rising(&f, out->since_s, p->grain) && !(falls_on && l.v[l.n - 1] <= f.level))
		judge_rise(p, &l, &was, out);
	else
		judge_rest(&l, peak, p->v[0], out);
}

static void skip_to(struct curve_points *p, double when)
{
	while (p->n > 1 && p->t[0] < when) {
		p->t++;
		p->v++;
		if (p->top)
			p->top++;
		p->n--;
	}
}

/* How often a straight rise of that length went on, as measured (docs/SCORING.md): it is oftener
 * for long ones, as most caches and start-up phases have ended by then. */
static double confidence_of(const struct curve *c)
{
	double sure = 0.8 + 0.0867 * log10(fmax(c->since_s, 1) / 20);

	if (c->slope < 1.2 * (c->high - c->low)) /* five errors: hardly above the noise */
		sure -= 0.1;
	return fmin(fmax(sure, 0.3), 0.98);
}

static void judge_all(struct curve_points p, const struct teeth *m, struct curve *out)
{
	if (teeth_are_over(&p, m))
		skip_to(&p, m->t[m->n - 1]);
	else if (m->n > 1)
		teeth_judge(m, p.grain, out);
	if (!out->minima && p.n >= CURVE_FEWEST)
		judge_stretches(&p, m->falls_on, out);
}

/* Judges the points from @from_s on by themselves. False: they are too few. */
static bool judge_from(struct curve_points p, double from_s, const struct curve *whole,
		       struct teeth *m, struct curve *out)
{
	*out = (struct curve){.points = whole->points,
			      .span_s = whole->span_s,
			      .gain = whole->gain,
			      .height = whole->height};
	skip_to(&p, from_s);
	if (p.n < CURVE_FEWEST)
		return false;
	teeth_find(&p, m);
	judge_all(p, m, out);
	return true;
}

/* Judges the stretch since a high peak at the start, as beside that peak it is small and its teeth
 * are not seen. A rise there is a line if it lasts several times as long as all before; the last of
 * small teeth may look like a rise, and is none. */
static void judge_since_peak(const struct curve_points *p, const struct teeth *m, struct curve *out)
{
	double peak_s = m->low_t - p->t[0], since_s = p->t[p->n - 1] - m->low_t;
	bool is_line = out->shape == CURVE_RISING;
	struct teeth rest;
	struct curve c;

	if ((is_line && (out->minima || out->since_s > since_s)) ||
	    !judge_from(*p, m->low_t, out, &rest, &c))
		return;
	if (c.minima)
		c.height = rest.height;
	if (is_line ? c.minima && c.shape != CURVE_RISING
		    : c.shape == CURVE_RISING && since_s >= CURVE_TEETH_OVER * peak_s)
		*out = c;
}

/* Judges the curve without the rest that it begins with: rest and bend together may look like a
 * line, or like two. */
static void judge_since_rest(const struct curve_points *p, double rest_s, struct curve *out)
{
	struct teeth m;
	struct curve c;

	if (!judge_from(*p, p->t[0] + rest_s, out, &m, &c))
		return;
	c.late = out->late;
	if (c.shape == CURVE_SLOWING || c.shape == CURVE_LEVELLED)
		*out = c;
}

void curve_judge(const struct curve_points *p, struct curve *out)
{
	struct teeth m;
	double rest_s;

	memset(out, 0, sizeof(*out));
	out->points = p->n;
	if (p->n < CURVE_FEWEST)
		return;
	out->span_s = p->t[p->n - 1] - p->t[0];
	out->gain = p->v[p->n - 1] - p->v[0];
	out->late = late_part(p->t, p->v, p->n);
	teeth_find(p, &m);
	out->height = m.height;
	judge_all(*p, &m, out);
	if (m.falls_on)
		judge_since_peak(p, &m, out);
	rest_s = rest_s_at_start(p, out->gain);
	if (rest_s > 0 && out->shape == CURVE_RISING && !out->minima)
		judge_since_rest(p, rest_s, out);
	if (out->shape == CURVE_RISING || out->is_past_corner)
		out->confidence = confidence_of(out);
}

bool curve_grows(const struct curve *c)
{
	return c->shape == CURVE_RISING || c->shape == CURVE_SLOWING;
}

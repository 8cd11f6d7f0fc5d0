/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Synthetic series with a known truth, as many as one likes from a seed. */
#ifndef PYLEAK_TESTS_CURVES_H
#define PYLEAK_TESTS_CURVES_H

#include "base/base.h"
#include "base/series.h"

#include <math.h>

enum kind {
	KIND_FLAT_NOISE,
	KIND_WANDERING, /* noise with a memory */
	KIND_STEPS,	/* one to three, then none */
	KIND_SAW,	/* teeth on a flat floor */
	KIND_WAVES,
	KIND_WARMUP, /* saturation, time constant 10 s .. 1 h */
	KIND_LIMIT,  /* filled at one rate, then full */
	KIND_SPIKE,  /* given back */
	FIRST_LEAK,
	KIND_LINE = FIRST_LEAK,
	KIND_LINE_WANDERING,
	KIND_LINE_SAW,
	KIND_LINE_WAVES,
	KIND_WARMUP_LINE,
	KIND_LATE,    /* nothing for long, then a leak */
	KIND_BATCHES, /* a step per batch, for ever */
	LAST_DRAWN = KIND_BATCHES,
	/* Innocent, but nothing in the numbers says so yet: reported apart. */
	KIND_OPEN_WARMUP, /* watched for less than 0.7 time constants */
	KIND_OPEN_LIMIT,  /* not full yet */
	KIND_POWER,	  /* ever more slowly, and never full: drawn by itself */
	CURVE_KINDS
};

static const char *const curve_kind_name[CURVE_KINDS] = {
	"noise",
	"wandering",
	"steps",
	"saw-teeth",
	"waves",
	"warm-up",
	"limit",
	"spike",
	"leak",
	"leak + wandering",
	"leak + saw",
	"leak + waves",
	"warm-up + leak",
	"late leak",
	"batches",
	"warm-up, begun",
	"limit, not reached",
	"power of time",
};

struct draw {
	enum kind kind;
	uint64_t random;
	double run_s, step_s;
	double noise, memory; /* sd of the scatter; its memory from reading to reading */
	double height;	      /* of teeth, waves, steps, saturation */
	double period, tau, since, until, slope;
	double phase;
	double wander;
};

static double uniform(struct draw *d)
{
	return (double)(random_next(&d->random) >> 11) / (double)(1ull << 53);
}

static double between(struct draw *d, double a, double b) /* even in the logarithm */
{
	return a * pow(b / a, uniform(d));
}

static double normal(struct draw *d)
{
	double u = uniform(d) + 1e-12;

	return sqrt(-2 * log(u)) * cos(6.283185307 * uniform(d));
}

static bool is_leak(enum kind k)
{
	return k >= FIRST_LEAK && k <= LAST_DRAWN;
}

static bool is_open(enum kind k)
{
	return k > LAST_DRAWN;
}

static void draw_leak(struct draw *d)
{
	double rise = d->noise * between(d, 15, 300);

	d->slope = rise / d->run_s;
	if (d->kind == KIND_WARMUP_LINE) {
		d->tau = d->run_s / between(d, 5, 30);
		d->slope = d->height * between(d, 0.5, 4) / d->run_s;
	}
	if (d->kind == KIND_LATE) {
		d->since = d->run_s * (0.3 + 0.5 * uniform(d));
		d->slope = rise / (d->run_s - d->since);
	}
	if (d->kind == KIND_LINE_SAW || d->kind == KIND_LINE_WAVES) {
		d->period = d->run_s / between(d, 6, 60);
		d->slope = d->height * between(d, 0.5, 5) / d->run_s;
	}
	if (d->kind == KIND_BATCHES) {
		d->period = d->run_s / between(d, 6, 60);
		d->slope = d->height / d->period;
	}
}

/* Time scales of the watch and of what is watched are drawn apart, evenly in the logarithm: how
 * often something that has risen for so long goes on is then a matter of the numbers alone. */
static void draw_begin(struct draw *d, uint64_t seed, unsigned number)
{
	memset(d, 0, sizeof(*d));
	d->random = ((seed * 1000003 + number + 1) * 0x9e3779b97f4a7c15ull) | 1;
	for (int i = 0; i < 8; i++)
		random_next(&d->random);
	d->kind = (enum kind)(number % (LAST_DRAWN + 1));
	d->run_s = between(d, 18, 14400);
	d->step_s = d->run_s < 100 ? 0.25 : d->run_s < 3600 ? 1 : 5;
	d->noise = between(d, 0.5, 30);
	d->height = d->noise * between(d, 15, 300);
	d->period = d->run_s / between(d, 3, 40);
	d->phase = uniform(d);
	d->tau = between(d, 10, 3600);
	d->until = between(d, 10, 3600);
	if (is_leak(d->kind))
		draw_leak(d);
	if (d->kind == KIND_WARMUP && d->run_s < 0.7 * d->tau)
		d->kind = KIND_OPEN_WARMUP;
	if (d->kind == KIND_LIMIT && d->run_s < 1.1 * d->until)
		d->kind = KIND_OPEN_LIMIT;
	if (is_open(d->kind)) /* as much as a leak would have shown */
		d->height *= fmax(1, (d->kind == KIND_OPEN_LIMIT ? d->until : d->tau) / d->run_s);
	if (d->kind == KIND_WANDERING || d->kind == KIND_LINE_WANDERING)
		d->memory = exp(-d->step_s / (d->run_s / between(d, 20, 400)));
}

/* The misses of a cache whose keys are asked for as words of a language are. */
static void draw_power(struct draw *d, uint64_t seed, unsigned number)
{
	draw_begin(d, seed, number);
	d->kind = KIND_POWER;
	d->memory = 0;
	d->height = d->noise * between(d, 15, 300);
	d->since =
		d->run_s / between(d, 5, 300); /* at the first reading it has gone on for so long */
	d->phase = 0.2 + 0.45 * uniform(d);
}

static double draw_steps(const struct draw *d, double t)
{
	double v = 0;

	for (int i = 0; i < 1 + (int)(3 * d->phase); i++)
		v += t > d->run_s * (0.15 + 0.2 * i) ? d->height : 0;
	return v;
}

static double draw_shape(const struct draw *d, double t)
{
	double turn = t / d->period + d->phase, leak = d->slope * t;

	switch (d->kind) {
	case KIND_STEPS:
		return draw_steps(d, t);
	case KIND_SAW:
		return d->height * (turn - floor(turn));
	case KIND_WAVES:
		return d->height * sin(6.283185307 * turn);
	case KIND_WARMUP:
	case KIND_OPEN_WARMUP:
		return d->height * (1 - exp(-t / d->tau));
	case KIND_LIMIT:
	case KIND_OPEN_LIMIT:
		return d->height * fmin(t / d->until, 1);
	case KIND_SPIKE:
		return t > d->run_s * 0.2 && t < d->run_s * (0.3 + 0.4 * d->phase) ? d->height : 0;
	case KIND_LINE:
	case KIND_LINE_WANDERING:
		return leak;
	case KIND_LINE_SAW:
		return leak + d->height * (turn - floor(turn));
	case KIND_LINE_WAVES:
		return leak + d->height * sin(6.283185307 * turn);
	case KIND_WARMUP_LINE:
		return leak + d->height * (1 - exp(-t / d->tau));
	case KIND_LATE:
		return t > d->since ? d->slope * (t - d->since) : 0;
	case KIND_BATCHES:
		return d->height * floor(turn);
	case KIND_POWER:
		return d->height * (pow(t / d->since + 1, d->phase) - 1) /
		       (pow(d->run_s / d->since + 1, d->phase) - 1);
	default:
		return 0;
	}
}

static double draw_value(struct draw *d, double t)
{
	double e = d->noise * normal(d);

	d->wander = d->memory * d->wander + sqrt(1 - d->memory * d->memory) * e;
	return 1e5 + draw_shape(d, t) + d->wander;
}

#endif

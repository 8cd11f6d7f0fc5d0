/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compares a run with earlier ones, by medians: one odd run among them changes nothing. */
#include "report/baseline.h"

#include <math.h>
#include <stdio.h>

#include "base/fit.h"
#include "base/program.h"

/* A number is unusual if it exceeds the median by some deviations, a share, and a step that
 * matters. */
#define DEVIATIONS 4
#define SHARE	   0.25
/* Bytes that the run must have grown by: over a few seconds any program has a slope. */
#define GROWN_LEAST (1 << 20)

static const struct {
	const char *name;
	double step;
} numbers[BASELINE_MAX] = {
	[BASELINE_RSS] = {"rss_bytes", 16 << 20},
	[BASELINE_HEAP] = {"heap_bytes", 8 << 20},
	[BASELINE_GROWTH] = {"growth_bytes_per_s", 16 << 10},
	[BASELINE_FDS] = {"fds", 16},
	[BASELINE_THREADS] = {"threads", 4},
};

const char *baseline_name(enum baseline_number k)
{
	return numbers[k].name;
}

void baseline_free(struct baseline *b)
{
	vec_free(&b->services);
}

/* Names the script, or the module of -m; NULL: neither is known. */
static const char *program(const struct report_process *p)
{
	char by;
	size_t n = p->n_cmdline, at = program_word(p->cmdline, n, &by);

	if (by == 'm') { /* -mNAME, or -m NAME */
		const char *module = strchr(p->cmdline[at], 'm') + 1;

		return *module ? module : at + 1 < n ? p->cmdline[at + 1] : NULL;
	}
	return by || at >= n || !strcmp(p->cmdline[at], "-") ? NULL : file_name(p->cmdline[at]);
}

const char *baseline_service_name(struct report *r, const struct report_process *p)
{
	bool python = p->n_cmdline && !strncmp(file_name(p->cmdline[0]), "python", 6);
	const char *name = python ? program(p) : NULL;

	name = report_printf(r, "%.100s", name ? name : p->comm ? p->comm : "");
	return name ? name : "";
}

static struct baseline_service *find(const struct baseline *b, const char *name)
{
	for (size_t i = 0; i < b->services.n; i++)
		if (!strcmp(b->services.v[i].name, name))
			return &b->services.v[i];
	return NULL;
}

static struct baseline_run run_of(const struct report *r, const struct report_process *p)
{
	const struct report_series *last = p->n_series ? &p->series[p->n_series - 1] : NULL;
	struct baseline_run run = {.at = r->ended_at, .duration_s = r->duration_s};

#define KNOWN(x) ((x) == REPORT_UNKNOWN ? NAN : (double)(x))
	run.v[BASELINE_RSS] = KNOWN(p->rss_bytes);
	run.v[BASELINE_HEAP] = last ? KNOWN(last->heap_bytes) : NAN;
	run.v[BASELINE_GROWTH] = p->rss_growth_bytes_per_s;
	run.v[BASELINE_FDS] = last ? KNOWN(last->fds) : NAN;
	run.v[BASELINE_THREADS] = last ? KNOWN(last->threads) : NAN;
#undef KNOWN
	return run;
}

/* Finds the usual number, and the limit above which one is unusual. False: too few runs know it. */
static bool usual(const struct baseline_service *s, enum baseline_number k, double duration_s,
		  double *typical, double *limit)
{
	double v[BASELINE_RUNS], off[BASELINE_RUNS], room, step = numbers[k].step;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!isnan(s->run[i].v[k]))
			v[n++] = s->run[i].v[k];
	if (n < BASELINE_LEAST)
		return false;
	*typical = fit_median(v, n);
	for (size_t i = 0; i < n; i++)
		off[i] = fabs(v[i] - *typical);
	/* 1.48: from the median deviation to a standard deviation */
	room = DEVIATIONS * 1.48 * fit_median(off, n);
	if (k == BASELINE_GROWTH && duration_s > 0)
		step = fmax(step, GROWN_LEAST / duration_s);
	*limit = *typical + fmax(room, fmax(SHARE * fabs(*typical), step));
	return true;
}

void baseline_judge(const struct baseline *b, struct report *r, struct report_process *p)
{
	struct report_baseline *out = &p->baseline;
	const struct baseline_run run = run_of(r, p);
	const struct baseline_service *s;

	out->service = baseline_service_name(r, p);
	s = find(b, out->service);
	out->runs = s ? s->n : 0;
	out->departures = report_alloc(r, BASELINE_MAX * sizeof(*out->departures));
	out->n_departures = 0;
	for (enum baseline_number k = 0; s && out->departures && k < BASELINE_MAX; k++) {
		struct report_departure d = {.name = baseline_name(k), .value = run.v[k]};

		if (usual(s, k, run.duration_s, &d.typical, &d.limit) && d.value > d.limit)
			out->departures[out->n_departures++] = d;
	}
}

int baseline_learn(struct baseline *b, const struct report *r, const struct report_process *p)
{
	struct baseline_service *s;

	/* a leak that is remembered would be usual after some runs */
	if (!p->baseline.service || p->verdict == CLASS_LEAK || p->baseline.n_departures ||
	    !(r->duration_s >= BASELINE_SHORT_S))
		return 0;
	s = find(b, p->baseline.service);
	if (!s) {
		if (b->services.n == BASELINE_SERVICES)
			return 0;
		s = vec_push(&b->services);
		if (!s)
			return fail(-ENOMEM, "out of memory");
		snprintf(s->name, sizeof(s->name), "%s", p->baseline.service);
	}
	if (s->n == BASELINE_RUNS)
		memmove(s->run, s->run + 1, --s->n * sizeof(*s->run));
	s->run[s->n++] = run_of(r, p);
	return 0;
}

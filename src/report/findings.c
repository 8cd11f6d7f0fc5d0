/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sites of one cause as one finding, with their sum. */
#include <math.h>
#include <stdio.h>

#include "report/findings.h"

static void begin(struct report_finding *f, const struct report_site *s, const char **ids)
{
	f->frame = report_own_frame(s);
	f->id = s->id;
	f->kind = s->kind;
	f->verdict = s->verdict;
	f->confidence = s->confidence;
	f->growth_bytes_per_s = s->growth_bytes_per_s;
	f->growth_count_per_s = s->growth_count_per_s;
	f->outstanding_bytes = s->outstanding_bytes;
	f->hint = s->hint;
	f->held_by = s->held_by;
	f->sites = ids;
	f->sites[0] = s->id;
	f->n_sites = 1;
}

/* The number as a report tells it, so that one that is read back has the same sums. */
static double as_told(double v)
{
	char text[32];

	if (fabs(v) >= 1e5)
		return round(v * 10) / 10;
	snprintf(text, sizeof(text), "%.6g", v);
	return strtod(text, NULL);
}

static void add(double *sum, double more)
{
	if (isfinite(more))
		*sum = (isfinite(*sum) ? as_told(*sum) : 0) + as_told(more);
}

/* Blocks and objects are not counted together. */
static void join(struct report_finding *f, const struct report_site *s)
{
	add(&f->growth_bytes_per_s, s->growth_bytes_per_s);
	add(&f->outstanding_bytes, s->outstanding_bytes);
	if (s->kind == f->kind)
		add(&f->growth_count_per_s, s->growth_count_per_s);
	f->sites[f->n_sites++] = s->id;
}

/* @place[i]: one more than where the finding is whose first site is @i; 0 = it is none. */
static void count(const struct report_process *p, const size_t *whole, struct report_findings *out,
		  size_t *place)
{
	for (size_t i = 0; i < p->n_sites; i++)
		if (whole[i] == i && p->sites[i].verdict != CLASS_STEADY)
			place[i] = ++out->n;
	for (size_t i = 0; i < p->n_sites; i++)
		if (place[whole[i]])
			out->v[place[whole[i]] - 1].n_sites++;
}

int report_findings(const struct report_process *p, struct report_findings *out)
{
	auto_free size_t *whole = report_wholes(p);
	auto_free size_t *place = calloc(p->n_sites + 1, sizeof(*place));
	const char **ids;

	*out = (struct report_findings){
		.v = calloc(p->n_sites + 1, sizeof(*out->v)),
		.ids = calloc(p->n_sites + 1, sizeof(*out->ids)),
	};
	if (!whole || !place || !out->v || !out->ids)
		return -ENOMEM;
	count(p, whole, out, place);
	ids = out->ids;
	for (size_t i = 0; i < p->n_sites; i++) {
		struct report_finding *f = place[i] ? &out->v[place[i] - 1] : NULL;
		size_t n = f ? f->n_sites : 0;

		if (f)
			begin(f, &p->sites[i], ids);
		ids += n;
	}
	for (size_t i = 0; i < p->n_sites; i++)
		if (whole[i] != i && place[whole[i]])
			join(&out->v[place[whole[i]] - 1], &p->sites[i]);
	return 0;
}

void report_findings_free(struct report_findings *f)
{
	free(f->v);
	free(f->ids);
}

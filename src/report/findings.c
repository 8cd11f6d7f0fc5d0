/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Joins sites of one cause to one finding, with their sum. */
#include <math.h>
#include <stdio.h>

#include "report/findings.h"

static void add_place(struct report_cause *c, const struct report_site *s)
{
	if (!(s->growth_bytes_per_s > 0))
		return;
	c->places++;
	c->bytes_per_s += s->growth_bytes_per_s;
}

struct report_cause report_cause_of(const struct report_process *p, const struct report_site *first)
{
	struct report_cause c = {first->unlisted, (double)first->unlisted_bytes_per_s};

	for (size_t i = 0; i < p->n_sites; i++) {
		const char *of = p->sites[i].part_of;

		if (&p->sites[i] == first || (of && !strcmp(of, first->id)))
			add_place(&c, &p->sites[i]);
	}
	return c;
}

struct unlisted {
	double bytes_per_s, count_per_s, bytes;
};

static uint64_t whole_number(double v)
{
	return v > 0 ? (uint64_t)llround(v) : 0;
}

static void leave_out(struct report_site *first, const struct report_site *s, struct unlisted *sum)
{
	sum->bytes_per_s += isfinite(s->growth_bytes_per_s) ? s->growth_bytes_per_s : 0;
	sum->bytes += isfinite(s->outstanding_bytes) ? s->outstanding_bytes : 0;
	if (s->kind == first->kind && isfinite(s->growth_count_per_s))
		sum->count_per_s += s->growth_count_per_s;
	first->unlisted++;
	first->unlisted_bytes_per_s = whole_number(sum->bytes_per_s);
	first->unlisted_count_per_s = whole_number(sum->count_per_s);
	first->unlisted_bytes = whole_number(sum->bytes);
}

struct report_cause report_end_list(struct report_process *p, size_t most)
{
	auto_free size_t *whole = p->n_sites > most ? report_wholes(p) : NULL;
	auto_free struct unlisted *sum = calloc(most + 1, sizeof(*sum));
	struct report_cause all = {0};

	for (size_t i = 0; whole && sum && i < most; i++)
		sum[i] = (struct unlisted){(double)p->sites[i].unlisted_bytes_per_s,
					   (double)p->sites[i].unlisted_count_per_s,
					   (double)p->sites[i].unlisted_bytes};
	for (size_t i = most; i < p->n_sites; i++) {
		add_place(&all, &p->sites[i]);
		if (sum && whole && whole[i] < most)
			leave_out(&p->sites[whole[i]], &p->sites[i], &sum[whole[i]]);
	}
	p->n_sites = p->n_sites < most ? p->n_sites : most;
	return all;
}

/* Rounds as the JSON does, so that a report that is read back has the same sums. */
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
	if (s->unlisted) {
		add(&f->growth_bytes_per_s, (double)s->unlisted_bytes_per_s);
		add(&f->growth_count_per_s, (double)s->unlisted_count_per_s);
		add(&f->outstanding_bytes, (double)s->unlisted_bytes);
	}
	f->hint = s->hint;
	f->held_by = s->held_by;
	f->sites = ids;
	f->sites[0] = s->id;
	f->n_sites = 1;
}

/* Adds a site to a finding. Counts are added for sites of one kind only. */
static void join(struct report_finding *f, const struct report_site *s)
{
	add(&f->growth_bytes_per_s, s->growth_bytes_per_s);
	add(&f->outstanding_bytes, s->outstanding_bytes);
	if (s->kind == f->kind)
		add(&f->growth_count_per_s, s->growth_count_per_s);
	f->sites[f->n_sites++] = s->id;
}

/* Counts findings and their sites. @place[i]: the place + 1 of the finding whose first site is @i;
 * 0 = there is none. */
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

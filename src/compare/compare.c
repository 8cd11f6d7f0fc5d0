/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compare/compare.h"

#include <math.h>

#include "base/map64.h"
#include "base/thresholds.h"
#include "compare/causes.h"
#include "compare/chance.h"
#include "compare/pairs.h"
#include "report/merge.h"

static const char *change_name(enum compare_change c)
{
	static const char *const name[COMPARE_MAX] = {
		[COMPARE_NEW] = "new",	 [COMPARE_GREW] = "grew",     [COMPARE_SHRANK] = "shrank",
		[COMPARE_GONE] = "gone", [COMPARE_UNSURE] = "unsure", [COMPARE_SAME] = "same",
	};

	return (unsigned)c < COMPARE_MAX ? name[c] : "same";
}

/* ---- The two watches. ---- */

static struct compare_watch watch_of(const struct report *r)
{
	const struct report_process *p = r->n_processes ? r->processes : NULL;
	struct compare_watch w = {
		.started_at = r->started_at,
		.ended_at = r->ended_at,
		.duration_s = r->duration_s,
		.on_s = NAN,
		.rss_bytes = REPORT_UNKNOWN,
		.rss_growth_bytes_per_s = NAN,
		.verdict = CLASS_STEADY,
		.confidence = NAN,
		.all = p,
	};

	if (!p)
		return w;
	w.processes = p->n_members ? report_members(p) : 1;
	w.comm = p->comm;
	w.on_s = p->on_s;
	w.rss_bytes = p->rss_bytes;
	w.rss_growth_bytes_per_s = p->rss_growth_bytes_per_s;
	w.verdict = p->verdict;
	w.confidence = p->confidence;
	return w;
}

/* Was the watch without probes, as that of a sweep or a census? Then it sees no lines. */
static bool has_no_probes(const struct compare_watch *w)
{
	return w->all && w->all->mode && !strcmp(w->all->mode, "growth") && !(w->on_s > 0);
}

static double n_close(const struct compare_watch *w)
{
	return (double)(w->all && w->all->n_close ? w->all->n_close : w->processes);
}

/* Mean seconds for which a process was watched. Samples come in proportion to that: births are
 * watched for a part of the time, or not at all. */
static double exposure(const struct compare_watch *w, enum report_kind kind)
{
	double n = n_close(w);

	if (has_no_probes(w) || !(n > 0))
		return 0;
	if (kind == KIND_OBJECT && isfinite(w->on_s))
		return w->on_s / n;
	return isfinite(w->duration_s) ? w->duration_s : 0;
}

/* ---- One site of both. ---- */

double compare_mean(double v, const struct report_site *s, const struct compare_watch *w)
{
	uint64_t n = s->of_processes ? s->of_processes : w->processes;

	return n ? v / (double)n : 0;
}

static bool is_counted(const struct report_site *s)
{
	return !isfinite(s->growth_bytes_per_s);
}

static double rate_of(const struct report_site *s, bool counted, const struct compare_watch *w)
{
	double v;

	if (!s)
		return 0;
	v = counted ? s->growth_count_per_s : s->growth_bytes_per_s;
	return v > 0 && isfinite(v) ? compare_mean(v, s, w) : 0;
}

/* The site's independent samples. */
static double samples_of(const struct report_site *s)
{
	if (s->independent > 0)
		return s->independent;
	return s->samples == REPORT_UNKNOWN ? 1 : fmax((double)s->samples / DIFF_CLUSTER, 1);
}

/* The chance that @s, which grew in @in, was not seen in @other though it grew there, too. */
static double chance_of_end(const struct report_site *s, const struct compare_watch *in,
			    const struct compare_watch *other)
{
	double n = s->of_processes ? (double)s->of_processes : n_close(in);
	double here =
		s->kind == KIND_OBJECT && s->of_on_s > 0 ? s->of_on_s : n * exposure(in, s->kind);
	/* as many processes run its program there, if there are as many */
	double there = fmin(n, n_close(other)) * exposure(other, s->kind);
	double expected = here > 0 ? samples_of(s) * there / here : 0;

	/* a shorter watch has not judged all lines yet */
	if (!(other->duration_s >= LEAK_RUN_S))
		return 1;
	/* births were watched for a part of the time in one watch, all the time in the other */
	if (s->kind == KIND_OBJECT && isfinite(in->on_s) != isfinite(other->on_s))
		return 1;
	return chance_of_none(expected / DIFF_UNSEEN);
}

static void test(struct compare *c, struct compare_row *row)
{
	bool counted = is_counted(row->site);
	struct chance found;

	row->unit = counted ? "count" : "bytes";
	row->a_per_s = rate_of(row->a, counted, &c->a);
	row->b_per_s = rate_of(row->b, counted, &c->b);
	row->ratio = row->ratio_low = row->ratio_high = row->chance = NAN;
	if (row->a && row->b && row->a_per_s > 0 && row->b_per_s > 0) {
		found = chance_of_ratio(row->a_per_s, samples_of(row->a), row->b_per_s,
					samples_of(row->b));
		row->ratio = found.ratio;
		row->ratio_low = found.low;
		row->ratio_high = found.high;
		row->chance = found.p;
	} else if (row->a && row->a_per_s > 0) {
		row->chance = chance_of_end(row->a, &c->a, &c->b);
	} else if (row->b && row->b_per_s > 0) {
		row->chance = chance_of_end(row->b, &c->b, &c->a);
	}
}

static enum compare_change direction(const struct compare_row *row)
{
	if (row->b_per_s > row->a_per_s)
		return row->a ? COMPARE_GREW : COMPARE_NEW;
	return row->b ? COMPARE_SHRANK : COMPARE_GONE;
}

static bool is_much(const struct compare_row *row)
{
	return !isfinite(row->ratio) || row->ratio >= DIFF_LEAST || row->ratio <= 1 / DIFF_LEAST;
}

/* The change of a row without a proven difference: the same, unless the rates may differ by a
 * factor of two. */
static enum compare_change no_change(const struct compare_row *row)
{
	if (!isfinite(row->chance))
		return COMPARE_SAME;
	if (!isfinite(row->ratio))
		return COMPARE_UNSURE;
	return row->ratio_low > 0.5 && row->ratio_high < 2 ? COMPARE_SAME : COMPARE_UNSURE;
}

static int decide(struct compare *c)
{
	auto_free double *p = calloc(c->n_rows + 1, sizeof(*p));
	double limit;
	size_t n = 0;

	if (!p)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < c->n_rows; i++)
		if (isfinite(c->rows[i].chance))
			p[n++] = c->rows[i].chance;
	limit = chance_limit(p, n, c->level);
	for (size_t i = 0; i < c->n_rows; i++) {
		struct compare_row *row = &c->rows[i];

		row->is = row->chance <= limit && is_much(row) ? direction(row) : no_change(row);
		row->change = change_name(row->is);
		c->count[row->is]++;
		c->differs |= row->is <= COMPARE_GONE;
		c->has_leak |= row->is <= COMPARE_GREW && row->site->verdict == CLASS_LEAK;
	}
	return 0;
}

/* ---- Their order. ---- */

static double weight(const struct compare_row *row)
{
	enum report_kind kind = row->site->kind;
	double v = fabs(row->b_per_s - row->a_per_s);

	return kind == KIND_FD	     ? v * ORDER_FD_BYTES
	       : kind == KIND_THREAD ? v * ORDER_THREAD_BYTES
				     : v;
}

static int group(const struct compare_row *row)
{
	return row->is <= COMPARE_GREW ? 0 : row->is <= COMPARE_GONE ? 1 : (int)row->is;
}

static int by_weight(const void *pa, const void *pb)
{
	const struct compare_row *a = pa, *b = pb;
	double x = weight(a), y = weight(b);
	int c = group(a) - group(b);

	if (!c)
		c = (x < y) - (x > y);
	return c ? c : strcmp(a->site->id, b->site->id);
}

static int count_hosts(struct compare_watch *w)
{
	size_t n = 0;
	int err = w->all ? report_count_hosts(w->all, &n) : 0;

	w->hosts = !w->all ? 0 : n ? n : 1;
	return err;
}

int compare_reports(const struct report *a, const struct report *b, struct compare *out)
{
	int err;

	*out = (struct compare){
		.version = b->version, .level = DIFF_LEVEL, .a = watch_of(a), .b = watch_of(b)};
	err = count_hosts(&out->a);
	if (!err)
		err = count_hosts(&out->b);
	if (!err)
		err = pairs_find(out->a.all, out->b.all, &out->rows, &out->n_rows);
	for (size_t i = 0; i < out->n_rows && !err; i++)
		test(out, &out->rows[i]);
	if (!err)
		err = decide(out);
	if (!err && out->n_rows)
		qsort(out->rows, out->n_rows, sizeof(*out->rows), by_weight);
	if (!err)
		err = causes_find(out);
	if (err)
		compare_free(out);
	return err;
}

void compare_free(struct compare *c)
{
	free(c->rows);
	c->rows = NULL;
	c->n_rows = 0;
}

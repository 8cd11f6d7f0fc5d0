/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Steps rules on one process: when one fires, when it ends, and the sentence for it. */
#include "alert/alert.h"

#include <math.h>
#include <stdio.h>

#include "report/memory.h"

#define DIGITS_MOST 9 /* of a TiB, that is a KiB */

void metrics_share_ram(struct metrics *m, size_t n)
{
	double all = NAN;

	for (size_t i = 0; i < n; i++)
		if (m[i].is_of_ram && isfinite(m[i].v[METRIC_ETA]))
			all = report_eta_together(all, m[i].v[METRIC_ETA]);
	for (size_t i = 0; i < n; i++)
		if (m[i].is_of_ram && isfinite(m[i].v[METRIC_ETA]))
			m[i].v[METRIC_ETA] = all;
}

static bool is_met(const struct alert_rule *r, double value)
{
	if (value == r->value)
		return r->or_equal;
	return r->below ? value < r->value : value > r->value;
}

static enum alert_event step_unknown(struct alert_state *s, double now_s)
{
	if (!s->unknown)
		s->unknown_s = now_s;
	s->unknown = true;
	if (s->told || now_s - s->unknown_s < ALERT_UNKNOWN_S)
		return ALERT_NOTHING;
	s->told = true;
	return ALERT_UNKNOWN;
}

enum alert_event alert_step(const struct alert_rule *r, struct alert_state *s, double value,
			    double now_s)
{
	bool holds;

	if (isnan(value))
		return step_unknown(s, now_s);
	s->unknown = false;
	holds = is_met(r, value);
	if (holds && !s->holds)
		s->since_s = now_s;
	s->holds = holds;
	if (!holds && s->firing) {
		s->firing = false;
		return ALERT_ENDS;
	}
	if (!holds || s->firing || now_s - s->since_s < r->for_s ||
	    (s->fired && now_s - s->fired_s < ALERT_AGAIN_S))
		return ALERT_NOTHING;
	s->firing = s->fired = true;
	s->fired_s = now_s;
	return ALERT_FIRES;
}

/* Writes bytes with so many digits behind the point. */
static char *show_finer(double v, int digits, char *buf, size_t size)
{
	static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t i = 0;

	for (; i + 1 < ARRAY_SIZE(unit) && fabs(v) >= 1024; i++)
		v /= 1024;
	snprintf(buf, size, "%.*f %s", digits, v, unit[i]);
	return buf;
}

static char *show_bytes(double v, int digits, char *buf, size_t size)
{
	return digits ? show_finer(v, digits, buf, size) : fmt_bytes(buf, size, v);
}

/* Writes a rate per the time that the rule was given in: minute, hour or day. */
static char *show_rate(const struct alert_rule *r, double v, int digits, char *buf, size_t size)
{
	const char *per = r->per_s == 60      ? "min"
			  : r->per_s == 3600  ? "h"
			  : r->per_s == 86400 ? "d"
					      : "s";
	char n[32];

	snprintf(buf, size, "%s/%s", show_bytes(v * fmax(r->per_s, 1), digits, n, sizeof(n)), per);
	return buf;
}

static char *show_time(double s, int digits, char *buf, size_t size)
{
	if (!isinf(s) && !digits)
		return fmt_duration(buf, size, s);
	if (isinf(s))
		snprintf(buf, size, "never");
	else
		snprintf(buf, size, "%.*f s", digits - 1, s);
	return buf;
}

/* @digits: 0 = as everywhere, else so many behind the point. */
static char *show(const struct alert_rule *r, double v, int digits, char *buf, size_t size)
{
	switch (r->metric) {
	case METRIC_FDS:
	case METRIC_THREADS:
		if (!digits)
			return fmt_count(buf, size, v);
		snprintf(buf, size, "%.*f", digits - 1, v);
		return buf;
	case METRIC_ETA:
		return show_time(v, digits, buf, size);
	case METRIC_LIMIT:
		snprintf(buf, size, "%.*f %%", digits, v);
		return buf;
	case METRIC_GROWTH:
		return show_rate(r, v, digits, buf, size);
	default:
		return show_bytes(v, digits, buf, size);
	}
}

/* Writes both with as many digits as tell them apart. */
static void show_apart(const struct alert_rule *r, double value, char *a, char *b, size_t size)
{
	int digits = 0;

	do {
		show(r, value, digits, a, size);
		show(r, r->value, digits, b, size);
	} while (value != r->value && !strcmp(a, b) && ++digits <= DIGITS_MOST);
}

char *alert_sentence(const struct alert_rule *r, double value, char *buf, size_t size)
{
	bool holds = is_met(r, value);
	char a[48], b[48], c[32], lasting[48] = "";
	bool under = value < r->value;

	if (holds && r->for_s > 0)
		snprintf(lasting, sizeof(lasting), ", for %s",
			 fmt_duration(c, sizeof(c), r->for_s));
	show_apart(r, value, a, b, sizeof(a));
	snprintf(buf, size, "%s is %s%s, %s %s%s", metric_name(r->metric), holds ? "" : "back at ",
		 a,
		 value == r->value ? "at"
		 : under	   ? "below"
				   : "above",
		 b, lasting);
	return buf;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Steps rules on one process: when one fires, when it ends, and the sentence for it. */
#include "alert/alert.h"

#include <math.h>
#include <stdio.h>

#include "report/memory.h"

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

/* Writes a rate per the time that the rule was given in: minute, hour or day. */
static char *show_rate(const struct alert_rule *r, double v, char *buf, size_t size)
{
	const char *per = r->per_s == 60      ? "min"
			  : r->per_s == 3600  ? "h"
			  : r->per_s == 86400 ? "d"
					      : "s";
	char n[32];

	snprintf(buf, size, "%s/%s", fmt_bytes(n, sizeof(n), v * fmax(r->per_s, 1)), per);
	return buf;
}

static char *show(const struct alert_rule *r, double v, char *buf, size_t size)
{
	switch (r->metric) {
	case METRIC_FDS:
	case METRIC_THREADS:
		return fmt_count(buf, size, v);
	case METRIC_ETA:
		if (isinf(v)) {
			snprintf(buf, size, "never");
			return buf;
		}
		return fmt_duration(buf, size, v);
	case METRIC_LIMIT:
		snprintf(buf, size, "%.0f %%", v);
		return buf;
	case METRIC_GROWTH:
		return show_rate(r, v, buf, size);
	default:
		return fmt_bytes(buf, size, v);
	}
}

char *alert_sentence(const struct alert_rule *r, double value, char *buf, size_t size)
{
	bool holds = is_met(r, value);
	char a[48], b[48], c[32], lasting[48] = "";
	bool under = value < r->value;

	if (holds && r->for_s > 0)
		snprintf(lasting, sizeof(lasting), ", for %s",
			 fmt_duration(c, sizeof(c), r->for_s));
	snprintf(buf, size, "%s is %s%s, %s %s%s", metric_name(r->metric), holds ? "" : "back at ",
		 show(r, value, a, sizeof(a)),
		 value == r->value ? "at"
		 : under	   ? "below"
				   : "above",
		 show(r, r->value, b, sizeof(b)), lasting);
	return buf;
}

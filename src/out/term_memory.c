/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Says when a limit of memory will be reached, and how a run compares with earlier ones. */
#include <math.h>
#include <stdio.h>

#include "out/term_priv.h"

#define NEAR_S (30 * 86400.0) /* a limit further away is no news */

static void put_departure(struct line *l, const struct report_departure *d)
{
	const char *name = d->name ? d->name : "";
	bool bytes = strstr(name, "bytes") != NULL, rate = strstr(name, "_per_s") != NULL;
	char value[32], typical[32], text[160];

	if (bytes) {
		fmt_bytes(value, sizeof(value), d->value);
		fmt_bytes(typical, sizeof(typical), d->typical);
	} else {
		fmt_count(value, sizeof(value), d->value);
		fmt_count(typical, sizeof(typical), d->typical);
	}
	snprintf(text, sizeof(text), "%.*s %s%s (usually %s%s)", (int)strcspn(name, "_"), name,
		 value, rate ? "/s" : "", typical, rate ? "/s" : "");
	line_item(l, text);
}

void term_baseline(struct line *l, const struct report_process *p, bool verbose)
{
	const struct report_baseline *b = &p->baseline;
	char text[200];

	if (!b->service || (!b->n_departures && !verbose && b->runs >= BASELINE_LEAST))
		return;
	if (b->n_departures)
		snprintf(text, sizeof(text),
			 "  unlike its %llu earlier runs (%s): ", (unsigned long long)b->runs,
			 b->service);
	else if (b->runs < BASELINE_LEAST)
		snprintf(text, sizeof(text),
			 "  baseline of %s: still learning, %llu run%s so far%s", b->service,
			 (unsigned long long)b->runs, b->runs == 1 ? "" : "s",
			 p->verdict == CLASS_LEAK ? "; one that leaks is not learned from" : "");
	else
		snprintf(text, sizeof(text), "  as in its %llu earlier runs (%s)",
			 (unsigned long long)b->runs, b->service);
	line_style(l, b->n_departures ? STYLE_YELLOW : STYLE_PLAIN);
	line_text(l, text);
	line_style(l, STYLE_PLAIN);
	for (size_t i = 0; i < b->n_departures; i++)
		put_departure(l, &b->departures[i]);
	line_end(l);
}

/* Is its time to the limit that of its own growth, though others use up the same RAM? A merged
 * report has added up the growth of all. */
static bool is_told_alone(const struct report *r, const struct report_process *p)
{
	size_t others = 0;

	for (size_t i = 0; i < r->n_processes; i++)
		others += r->processes[i].pid != p->pid && report_takes_ram(&r->processes[i]);
	return others && report_takes_ram(p) && !p->n_members;
}

void term_limit(struct line *l, const struct report *r, const struct report_process *p, int indent)
{
	const struct report_memory *m = &p->memory;
	char text[512], eta[32], low[32], high[32], bytes[32];
	const char *what = m->limit_refuses ? "allocations fail" : "killed";
	const char *name = m->limit_name ? m->limit_name : "?";
	const char *alone = is_told_alone(r, p) ? ", by its growth alone" : "";

	if (!m->limit_source || !(m->eta_s <= NEAR_S))
		return;
	fmt_duration(eta, sizeof(eta), m->eta_s);
	fmt_duration_like(low, sizeof(low), m->eta_low_s, m->eta_s);
	fmt_bytes(bytes, sizeof(bytes), (double)m->limit_bytes);
	if (isfinite(m->eta_high_s))
		snprintf(text, sizeof(text), "at this rate %s in %s (%s - %s): %s, limit %s%s",
			 what, eta, low,
			 fmt_duration_like(high, sizeof(high), m->eta_high_s, m->eta_s), name,
			 bytes, alone);
	else
		snprintf(text, sizeof(text), "at this rate %s in %s (%s at least): %s, limit %s%s",
			 what, eta, low, name, bytes, alone);
	line_pad(l, indent);
	line_words(l, text);
	line_end(l);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sentence about the end: when, and at which limit. */
#include <math.h>

#include "out/term_priv.h"

#define NEAR_S (30 * 86400.0) /* further away it is no news */

void term_limit(struct line *l, const struct report_process *p)
{
	const struct report_memory *m = &p->memory;
	char text[512], eta[32], low[32], high[32], bytes[32];
	const char *what = m->limit_refuses ? "allocations fail" : "killed";

	if (!m->limit_source || !(m->eta_s <= NEAR_S))
		return;
	fmt_duration(eta, sizeof(eta), m->eta_s);
	fmt_duration(low, sizeof(low), m->eta_low_s);
	fmt_bytes(bytes, sizeof(bytes), (double)m->limit_bytes);
	if (isfinite(m->eta_high_s))
		snprintf(text, sizeof(text), "at this rate %s in %s (%s - %s): %s, limit %s", what,
			 eta, low, fmt_duration(high, sizeof(high), m->eta_high_s), m->limit_name,
			 bytes);
	else
		snprintf(text, sizeof(text), "at this rate %s in %s (%s at least): %s, limit %s",
			 what, eta, low, m->limit_name, bytes);
	line_text(l, "  ");
	line_words(l, text);
	line_end(l);
}

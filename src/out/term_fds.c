/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Says how many descriptors are open, and when their limit is reached: of many processes in the one
 * that reaches it first. */
#include <inttypes.h>
#include <math.h>

#include "out/term_priv.h"

#define NEAR_S (30 * 86400.0) /* a limit further away is no news */

static void put_origin(char *buf, size_t size, const struct report_fds *f)
{
	int n = 0;

	*buf = 0;
	if (f->at_attach)
		n = snprintf(buf, size, "%" PRIu64 " from before", f->at_attach);
	if (f->no_line && n >= 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, "%s%" PRIu64 " of no known line", n ? ", " : "",
			 f->no_line);
}

/* Says whose they are, in a report on many processes. */
static void put_owner(struct line *l, const struct report_fds *f)
{
	char text[256];

	if (!f->of_pid)
		return;
	snprintf(text, sizeof(text), "in pid %" PRIu64 "%s%.200s:", f->of_pid,
		 f->of_host ? " on " : "", f->of_host ? f->of_host : "");
	line_words(l, text);
	line_text(l, " ");
}

void term_fds(struct line *l, const struct report_process *p, bool verbose)
{
	const struct report_fds *f = &p->fds;
	char text[256], origin[128], n[32], eta[32];

	if (!f->means || (!verbose && !(f->growth_per_s > 0)))
		return;
	put_origin(origin, sizeof(origin), f);
	snprintf(text, sizeof(text), "%" PRIu64 " descriptor%s open%s%s%s", f->open,
		 f->open == 1 ? "" : "s", *origin ? " (" : "", origin, *origin ? ")" : "");
	line_text(l, "  ");
	put_owner(l, f);
	line_words(l, text);
	if (f->growth_per_s > 0) {
		snprintf(text, sizeof(text), ", +%s/s", fmt_count(n, sizeof(n), f->growth_per_s));
		line_words(l, text);
	}
	if (f->eta_s <= NEAR_S) {
		snprintf(text, sizeof(text),
			 "; the limit of %" PRIu64 " is reached in %s, and open() fails then",
			 f->limit, fmt_duration(eta, sizeof(eta), f->eta_s));
		line_words(l, text);
	}
	line_end(l);
}

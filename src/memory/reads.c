/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "memory/reads.h"

#include <stdio.h>

static const char *swapped_in_words(const struct proc *p, struct report *r)
{
	char text[256], size[32];
	struct proc_memory m;

	if (proc_memory(p, &m) || !m.swap_bytes)
		return "a page is swapped out and was not read";
	snprintf(text, sizeof(text),
		 "%s are swapped out and were not read; --swapped of census and why reads them, "
		 "which brings them back into memory",
		 fmt_bytes(size, sizeof(size), (double)m.swap_bytes));
	return report_strdup(r, text);
}

void reads_lost(const struct proc *p, struct report *r, struct report_lost *to)
{
	struct proc_reads n;

	proc_reads(p, &n);
	to[0] = (struct report_lost){"pages_swapped",
				     n.swapped ? swapped_in_words(p, r) : "a page is swapped out",
				     n.swapped};
	to[1] = (struct report_lost){
		"reads_held_back",
		"a page of a file was not read, because the process was short of memory",
		n.held_back};
	to[2] = (struct report_lost){
		"pages_brought_in",
		"a page went between our look at it and its reading, which brought it back",
		n.faults};
}

void reads_add_lost(const struct proc *p, struct report *r, struct report_process *out)
{
	struct report_lost *v = report_alloc(r, (out->n_lost + READS_ROWS) * sizeof(*v));

	if (!v)
		return;
	if (out->n_lost)
		memcpy(v, out->lost, out->n_lost * sizeof(*v));
	reads_lost(p, r, v + out->n_lost);
	out->lost = v;
	out->n_lost += READS_ROWS;
}

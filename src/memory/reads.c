/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "memory/reads.h"

#include <stdio.h>

#include "base/lost.h"

/* Says how much is swapped out, if that is known. */
static void say_swapped(const struct proc *p, struct report *r, struct report_lost *to)
{
	char text[256], size[32];
	struct proc_memory m;

	if (proc_memory(p, &m) || !m.swap_bytes)
		return;
	snprintf(text, sizeof(text),
		 "%s are swapped out and were not read; --swapped of census and why reads them, "
		 "which brings them back into memory",
		 fmt_bytes(size, sizeof(size), (double)m.swap_bytes));
	to->text = report_strdup(r, text);
}

void reads_lost(const struct proc *p, struct report *r, struct report_lost *to)
{
#define X(id, key, text) {key, text, 0},
	static const struct report_lost row[READS_ROWS] = {READS_LOST(X)};
#undef X
	struct proc_reads n;

	proc_reads(p, &n);
	memcpy(to, row, sizeof(row));
	to[0].n = n.swapped;
	to[1].n = n.held_back;
	to[2].n = n.faults;
	if (n.swapped)
		say_swapped(p, r, &to[0]);
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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes folded stacks with two numbers, as flamegraph.pl reads them: bytes per second by which one
 * process grew, in A and in B. It shows in red where B grew more; with --negate, where A did. */
#include "out/diff.h"
#include "out/folded.h"

int diff_folded(FILE *f, const struct compare *c)
{
	const char *comm = c->b.comm ? c->b.comm : c->a.comm;

	for (size_t i = 0; i < c->n_rows; i++) {
		const struct compare_row *row = &c->rows[i];
		bool grows = row->a_per_s >= 0.5 || row->b_per_s >= 0.5;

		if (!grows || strcmp(row->unit, "bytes") != 0)
			continue;
		folded_text(f, comm ? comm : "?");
		fputc(';', f);
		folded_stack(f, row->site);
		fprintf(f, " %.0f %.0f\n", row->a_per_s, row->b_per_s);
	}
	return fflush(f) || ferror(f) ? -(errno ? errno : EIO) : 0;
}

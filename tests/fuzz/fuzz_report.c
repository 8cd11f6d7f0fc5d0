/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Saved reports that lie, read and merged.
 *
 * reads: src/base/jval.c src/report/read.c src/report/fields.c
 * reads: src/report/merge.c src/report/merge_sites.c src/report/merge_programs.c
 * reads: src/report/merge_causes.c
 */
#include "fuzz/fuzz.h"
#include "report/merge.h"
#include "report/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size}, part;
	struct report *r[3] = {NULL}, *out = NULL;
	size_t n = 0;

	while (in.n && n < ARRAY_SIZE(r)) {
		part = in_part(&in);
		if (!report_read(fake_path(part.p, part.n), &r[n]))
			n++;
	}
	if (n && !report_merge(r, n, false, &out))
		report_free(out);
	return 0;
}

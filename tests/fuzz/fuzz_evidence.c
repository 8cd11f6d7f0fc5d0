/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Evidence out of somebody's recording, and the report that is made of it.
 *
 * reads: src/record/wire.c src/record/evidence_io.c src/evidence/evidence.c src/judge/judge.c
 * reads: src/judge/sites.c src/judge/native.c src/judge/holders.c src/verdict/fill.c
 * reads: src/judge/memory.c src/judge/interleave.c src/judge/estimate.c src/judge/estimate_counts.c
 * reads: src/judge/estimate_classes.c src/judge/finish.c src/judge/fds.c
 */
#include "fuzz/fuzz.h"
#include "record/evidence_io.h"
#include "judge/judge.h"
#include "out/out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct out_term_opts to = {.top = 50, .verbose = true, .width = 100};
	struct report *r;
	struct evidence *e;
	FILE *f;

	if (report_new(&r))
		return 0;
	e = report_alloc(r, sizeof(*e));
	r->processes = report_alloc(r, sizeof(*r->processes));
	if (!evidence_read(data, size, r, e) && !judge(e, r, r->processes)) {
		r->n_processes = 1;
		r->final = true;
		f = fopen("/dev/null", "we");
		if (f) {
			out_term(f, r, &to);
			out_json(f, r);
			fclose(f);
		}
	}
	report_free(r);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A baseline file that lies, and a report that is judged by it.
 *
 * reads: src/report/baseline.c src/report/baseline_read.c
 */
#include "fuzz/fuzz.h"
#include "report/baseline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *argv[] = {"python3", "-m", "app", "x", NULL};
	struct fuzz_in in = {data, size};
	uint8_t how = in_u8(&in);
	struct report_process p = {.cmdline = argv, .n_cmdline = how & 3, .comm = "python3"};
	struct baseline b;
	struct report *r;
	char *word;
	FILE *f;
	int err;

	p.rss_bytes = in_u64(&in);
	p.rss_growth_bytes_per_s = (double)(int64_t)in_u64(&in);
	f = fopen(fake_path(in.p, in.n), "re");
	err = baseline_read(f, "fuzz", &b);
	fclose(f);
	if (err)
		return 0;
	word = in_text(&in);
	argv[how >> 2 & 3] = word;
	if (!report_new(&r)) {
		r->duration_s = 60;
		baseline_judge(&b, r, &p);
		p.verdict = CLASS_STEADY;
		p.baseline.n_departures = 0;
		baseline_learn(&b, r, &p);
		report_free(r);
	}
	baseline_free(&b);
	free(word);
	return 0;
}

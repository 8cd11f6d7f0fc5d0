/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A hostile report in every format: terminal, files, Prometheus.
 *
 * reads: src/out/term.c src/out/term_site.c src/out/term_stack.c src/out/term_memory.c
 * reads: src/out/term_parts.c src/out/term_fds.c src/out/term_sweep.c src/out/term_tree.c
 * reads: src/out/line.c src/out/census.c src/out/json.c src/out/json_writer.c
 * reads: src/out/folded.c src/out/speedscope.c src/out/pprof.c src/out/pprof_tables.c
 * reads: src/out/html.c src/out/frames.c
 * reads: src/serve/metrics.c src/base/utf8.c
 */
#include "fuzz/fuzz.h"
#include "out/out.h"
#include "report/read.h"
#include "serve/serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct out_term_opts o = {.top = in_u8(&in)};
	struct serve_metrics_opts m = {.processes = 1 + (unsigned)o.top % 4, .sites = 3};
	uint8_t how = in_u8(&in);
	struct report *r;
	char *text;
	size_t len;

	o.color = how & 1;
	o.verbose = how & 2;
	o.width = how & 4 ? (how >> 3) * 5 : 0;
	if (report_read(fake_path(in.p, in.n), &r))
		return 0;
	out_term(fuzz_sink(), r, &o);
	out_census(fuzz_sink(), r, &o);
	out_term_sweep(fuzz_sink(), r, &o);
	out_json(fuzz_sink(), r);
	out_folded(fuzz_sink(), r);
	out_speedscope(fuzz_sink(), r);
	out_pprof(fuzz_sink(), r);
	out_html(fuzz_sink(), r);
	if (!serve_metrics(r, &m, &text, &len))
		free(text);
	report_free(r);
	return 0;
}

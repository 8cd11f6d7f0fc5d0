/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A hostile report in every format: terminal, full screen, files, Prometheus.
 *
 * reads: src/out/term.c src/out/term_site.c src/out/term_stack.c src/out/term_memory.c
 * reads: src/out/term_parts.c src/out/term_fds.c src/out/term_sweep.c src/out/term_tree.c
 * reads: src/out/line.c src/out/census.c src/out/json.c src/out/json_writer.c
 * reads: src/out/folded.c src/out/speedscope.c src/out/pprof.c src/out/pprof_tables.c
 * reads: src/out/html.c src/out/frames.c
 * reads: src/serve/metrics.c src/base/utf8.c src/report/copy.c
 * reads: src/screen/canvas.c src/screen/sites.c src/screen/processes.c src/screen/pages.c
 * reads: src/screen/rows.c src/screen/frame.c src/screen/chart.c src/screen/history.c
 */
#include "fuzz/fuzz.h"
#include "out/out.h"
#include "report/read.h"
#include "screen/view.h"
#include "serve/serve.h"

/* Each page, at a size and in a character set that the input chooses. */
static void on_screen(const struct report *r, uint8_t size)
{
	static const uint32_t keys[] = {VIEW_ENTER, 't', 'f', 'm', 'l', VIEW_BACK, VIEW_END, 'n'};
	struct report *copy;
	struct canvas c;
	struct view v;

	if (report_copy(r, &copy))
		abort();
	view_init(&v);
	v.is_ascii = size & 1;
	strcpy(v.find, "a");
	view_show(&v, copy);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (canvas_init(&c, 1 + size % 50, 1 + size, v.is_ascii))
			abort();
		view_draw(&v, &c);
		canvas_print(&c, fuzz_sink());
		canvas_free(&c);
		view_key(&v, keys[i]);
	}
	view_free(&v);
	report_free(copy);
}

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
	on_screen(r, how);
	if (!serve_metrics(r, &m, &text, &len))
		free(text);
	map64_free(&m.left_out);
	report_free(r);
	return 0;
}

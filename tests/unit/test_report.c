/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The report's arena, site ids and order. */
#include <math.h>

#include "report/findings.h"
#include "sample_report.h"

static void id_of(const struct report_frame *f, size_t n, char out[17])
{
	report_site_id(f, n, KIND_OBJECT, out);
	assert_int_equal(strspn(out, "0123456789abcdef"), 16);
	assert_int_equal(out[16], '\0');
}

/* Saved reports are joined by this number: it may never change. */
static void site_id_stays_what_it_was(void **state)
{
	const struct report_frame f[] = {
		{.function = "add", .file = "/srv/app.py", .line = 42},
		{.function = "<module>", .file = "/srv/app.py", .line = 50},
	};
	char id[17];

	(void)state;
	id_of(f, 2, id);
	assert_string_equal(id, "7e82306b9df3549d");
}

/* One line may leak objects, blocks and descriptors. */
static void site_ids_tell_kinds_apart(void **state)
{
	const struct report_frame f[] = {{.function = "add", .file = "/srv/app.py", .line = 42}};
	char id[KIND_MAX][17];

	(void)state;
	for (size_t k = 0; k < KIND_MAX; k++) {
		report_site_id(f, 1, (enum report_kind)k, id[k]);
		for (size_t i = 0; i < k; i++)
			assert_string_not_equal(id[i], id[k]);
	}
}

/* The same line called from any cell of a notebook is one site; its own place always counts. */
static void site_ids_of_callers_that_live_for_one_call(void **state)
{
	static const struct report_frame rows[][2] = {
		{{.function = "f", .file = "a", .line = 1}, {.function = "m", .file = "<cell>"}},
		{{.function = "f", .file = "a", .line = 1},
		 {.function = "<module>", .file = "<string>", .line = 7}},
		{{.function = "f", .file = "a", .line = 1},
		 {.function = "<module>", .file = "/tmp/ipykernel_7/31.py", .line = 2}},
		{{.function = "f", .file = "a", .line = 1}, {.function = "?", .file = "?"}},
		{{.function = "f", .file = "a", .line = 1},
		 {.function = "price", .file = "/tmp/ipykernel_7/31.py", .line = 2}},
		{{.function = "f", .file = "a", .line = 1},
		 {.function = "<module>", .file = "/usr/lib/ipykernel_launcher.py", .line = 2}},
		{{.function = "f", .file = "a", .line = 1}, {.function = "g", .file = "a"}},
		{{.function = "f", .file = "a", .line = 1},
		 {.function = "_call", .file = "<frozen importlib._bootstrap>", .line = 9}},
		{{.function = "f", .file = "<cell>", .line = 1}, {.function = "g", .file = "a"}},
		{{.function = "f", .file = "<cell>", .line = 2}, {.function = "g", .file = "a"}},
	};
	char id[ARRAY_SIZE(rows)][17];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		id_of(rows[i], 2, id[i]);
	for (size_t i = 1; i < 4; i++)
		assert_string_equal(id[0], id[i]);
	for (size_t i = 3; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 3; k < i; k++)
			assert_string_not_equal(id[i], id[k]);
}

static void site_ids_tell_stacks_apart(void **state)
{
	static const struct report_frame rows[][2] = {
		{{.function = "ab", .file = "c", .line = 1}, {.function = "d", .file = "e"}},
		{{.function = "a", .file = "bc", .line = 1}, {.function = "d", .file = "e"}},
		{{.function = "abc", .file = "", .line = 1}, {.function = "d", .file = "e"}},
		{{.function = "ab", .file = "c", .line = 2}, {.function = "d", .file = "e"}},
		{{.function = "d", .file = "e"}, {.function = "ab", .file = "c", .line = 1}},
		{{.function = "ab", .file = "c", .line = 1}, {.function = "de", .file = ""}},
		{{.native = true, .module = "m", .offset = 1}, {.native = true, .module = "n"}},
		{{.native = true, .module = "m", .offset = 2}, {.native = true, .module = "n"}},
	};
	char id[ARRAY_SIZE(rows)][17];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		id_of(rows[i], 2, id[i]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(id[i], id[k]);
	}
	id_of(rows[0], 1, id[1]);
	assert_string_not_equal(id[0], id[1]);
}

static void native_frames_do_not_change_the_id_of_a_python_stack(void **state)
{
	const struct report_frame f[] = {
		{.native = true, .function = "malloc_caller", .module = "libx.so", .offset = 64},
		{.function = "add", .file = "/srv/app.py", .line = 42},
	};
	char with[17], without[17];

	(void)state;
	id_of(f, 2, with);
	id_of(f + 1, 1, without);
	assert_string_equal(with, without);
}

static void sites_are_sorted_by_what_is_expected_to_be_lost(void **state)
{
	static const char want[] = "abcdefghij";
	struct report_site v[] = {
		{.id = "j", .verdict = CLASS_STEADY, .growth_bytes_per_s = 1e9},
		{.id = "h", .verdict = CLASS_LEAK, .growth_bytes_per_s = NAN},
		{.id = "i", .verdict = CLASS_WARMUP, .growth_bytes_per_s = 50},
		{.id = "f", .verdict = CLASS_LEAK, .growth_bytes_per_s = 17000, .confidence = 0.8},
		{.id = "d",
		 .verdict = CLASS_GROWING,
		 .growth_bytes_per_s = 151000,
		 .confidence = 0.8},
		{.id = "g",
		 .verdict = CLASS_GROWING,
		 .growth_bytes_per_s = 300000,
		 .confidence = 0.8,
		 .is_bounded = true},
		{.id = "e",
		 .verdict = CLASS_LEAK,
		 .growth_bytes_per_s = 17000,
		 .confidence = 0.8,
		 .outstanding_bytes = 9},
		{.id = "c",
		 .verdict = CLASS_LEAK,
		 .kind = KIND_FD,
		 .growth_count_per_s = 1,
		 .growth_bytes_per_s = NAN,
		 .confidence = 0.8},
		{.id = "b", .verdict = CLASS_LEAK, .growth_bytes_per_s = 2e6, .confidence = 0.8},
		{.id = "a",
		 .verdict = CLASS_LEAK,
		 .kind = KIND_THREAD,
		 .growth_count_per_s = 1,
		 .growth_bytes_per_s = NAN,
		 .confidence = 0.8},
	};
	struct report_process p = {.sites = v, .n_sites = ARRAY_SIZE(v)};

	(void)state;
	report_sort(&p);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		assert_int_equal(v[i].id[0], want[i]);
	report_sort(&(struct report_process){0});
}

static void arena_gives_zeroed_aligned_memory_of_any_size(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 17, 4096, 65536, 1 << 20, 3};
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned char *p = report_alloc(r, sizes[i]);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, sizes[i]);
	}
	assert_null(report_alloc(r, SIZE_MAX));
	assert_null(report_alloc(r, SIZE_MAX / 2 + 1));
	assert_string_equal(report_strdup(r, "caf\xe9"), "caf\xe9");
	assert_string_equal(report_printf(r, "%s %d", "pid", 7), "pid 7");
	report_free(r);
	report_free(NULL);
}

static void new_report_knows_tool_and_host(void **state)
{
	struct report *r;

	(void)state;
	assert_int_equal(report_new(&r), 0);
	assert_true(*r->version && *r->kernel && *r->arch);
	assert_int_equal(r->n_processes, 0);
	report_free(r);
}

static void every_class_and_kind_has_its_word(void **state)
{
	(void)state;
	assert_string_equal(report_class_name(CLASS_LEAK), "leak");
	assert_string_equal(report_class_name(CLASS_RETENTION), "retention");
	assert_string_equal(report_kind_name(KIND_MMAP), "mmap");
	for (int c = 0; c < CLASS_MAX; c++)
		assert_true(strlen(report_class_name((enum report_class)c)) > 3);
	for (int k = 0; k < KIND_MAX; k++)
		assert_true(strlen(report_kind_name((enum report_kind)k)) > 1);
}

/* Objects that the standard library makes are the line's that asked for them. */
static void the_own_frame_is_not_of_the_library(void **state)
{
	static const struct {
		const char *file;
		bool is_library;
	} row[] = {
		{"/usr/lib/python3.11/json/decoder.py", true},
		{"/usr/lib64/python3.12/json/decoder.py", true},
		{"/usr/lib/python3/dist-packages/requests/api.py", true},
		{"/home/x/.pyenv/versions/3.13t/lib/python3.13t/queue.py", true},
		{"/usr/lib64/python312.zip/json/decoder.py", true},
		{"/srv/lib/python_tools/lib/python3.11/site-packages/x.py", true},
		{"<frozen importlib._bootstrap>", true},
		{"/srv/lib/python_tools/x.py", false},
		{"/srv/lib64/python/x.py", false},
		{"/srv/mylib64/python3.11/x.py", false},
		{"x.py", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct report_frame f[] = {{.function = "inner", .file = row[i].file, .line = 1},
					   {.function = "asks", .file = "/srv/app.py", .line = 2}};
		const struct report_site s = {.stack = f, .n_frames = 2};

		if (report_own_frame(&s) != &f[row[i].is_library])
			fail_msg("%s", row[i].file);
	}
}

/* A line of a library is told with the folder: nobody looks for serving.py in his own code then. */
static void the_name_of_a_library_s_file_says_so(void **state)
{
	static const struct {
		const char *file, *name;
	} row[] = {
		{"/usr/lib/python3/dist-packages/werkzeug/serving.py", "werkzeug/serving.py"},
		{"/venv/lib/python3.12/site-packages/six.py", "site-packages/six.py"},
		{"/usr/lib/python3.11/queue.py", "python3.11/queue.py"},
		{"/lib/python3", "lib/python3"},
		{"<frozen runpy>", "<frozen runpy>"},
		{"/srv/app/queue.py", "queue.py"},
		{"queue.py", "queue.py"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_string_equal(file_source_name(row[i].file), row[i].name);
}

/* The package of an installed program is its own, and the script that starts it is not. */
static void the_script_in_bin_is_not_the_program(void **state)
{
#define PACKAGES "/usr/lib/python3/dist-packages/"
	struct report_frame f[] = {
		{.function = "parse", .file = "/usr/lib/python3.11/email/parser.py", .line = 4},
		{.function = "keep", .file = PACKAGES "mitmproxy/flow.py", .line = 3},
		{.function = "run", .file = PACKAGES "werkzeug/serving.py", .line = 9},
		{.function = "main", .file = PACKAGES "mitmproxy/tools/main.py", .line = 5},
		{.function = "<module>", .file = "/usr/bin/mitmdump", .line = 33},
	};
	struct report_site s = {.stack = f, .n_frames = ARRAY_SIZE(f)};

	(void)state;
	assert_ptr_equal(report_own_frame(&s), &f[1]);
	/* In no package: the innermost line there is. */
	f[3].file = "/usr/lib/python3.11/runpy.py";
	assert_ptr_equal(report_own_frame(&s), &f[0]);
	/* A script that does its work itself. */
	f[4].function = "serve";
	assert_ptr_equal(report_own_frame(&s), &f[4]);
	f[4].function = "<module>";
	s.stack = &f[4];
	s.n_frames = 1;
	assert_ptr_equal(report_own_frame(&s), &f[4]);
}

/* A line that starts an event loop asks for nothing of what the loop calls. */
static void who_starts_a_loop_is_not_the_program(void **state)
{
	struct report_frame f[] = {
		{.function = "accept", .file = "/usr/lib/python3.11/socket.py", .line = 294},
		{.function = "BaseEventLoop._run_once",
		 .file = "/usr/lib/python3.11/asyncio/base_events.py",
		 .line = 1922},
		{.function = "BaseEventLoop.run_forever",
		 .file = "/usr/lib/python3.11/asyncio/base_events.py",
		 .line = 607},
		{.function = "main", .file = "/srv/app.py", .line = 9},
		{.function = "<module>", .file = "/srv/app.py", .line = 12},
	};
	struct report_site s = {.stack = f, .n_frames = ARRAY_SIZE(f)};

	(void)state;
	assert_ptr_equal(report_own_frame(&s), &f[0]);
	assert_null(report_program_frame(&s));
	f[4].function = "job"; /* one of many that are run */
	assert_ptr_equal(report_own_frame(&s), &f[3]);
	f[4].function = "<module>";
	f[2].function = "BaseEventLoop.call_soon";
	assert_ptr_equal(report_own_frame(&s), &f[3]);
	f[2].file = "/srv/asyncio/mine.py"; /* the program's own */
	assert_ptr_equal(report_own_frame(&s), &f[2]);
}

/* A library's function starts it for the program, which `python -m` or a script in /usr/bin runs.
 */
static void who_starts_a_loop_by_a_wrapper_is_not_the_program(void **state)
{
	struct report_frame f[] = {
		{.function = "parse", .file = PACKAGES "aiohttp/http.py", .line = 7},
		{.function = "run_until_complete",
		 .file = "/usr/lib/python3.11/asyncio/base_events.py",
		 .line = 650},
		{.function = "run_app", .file = PACKAGES "aiohttp/web.py", .line = 544},
		{.function = "main", .file = "/srv/app/__main__.py", .line = 9},
		{.function = "<module>", .file = "/srv/app/__main__.py", .line = 12},
		{.function = "_run_code", .file = "<frozen runpy>", .line = 88},
		{.function = "_run_module_as_main",
		 .file = "/usr/lib/python3.9/runpy.py",
		 .line = 197},
	};
	struct report_site s = {.stack = f, .n_frames = 5};

	(void)state;
	assert_ptr_equal(report_own_frame(&s), &f[0]);
	s.n_frames = ARRAY_SIZE(f);
	assert_ptr_equal(report_own_frame(&s), &f[0]);
	f[5].function = f[6].function = "serve"; /* whatever it is called */
	assert_ptr_equal(report_own_frame(&s), &f[0]);
	f[1].function = "call_soon";
	assert_ptr_equal(report_own_frame(&s), &f[3]);
	f[1].function = "run_until_complete";
	f[3].file = PACKAGES "click/core.py";
	f[4].file = "/usr/bin/uvicorn";
	s.n_frames = 5;
	assert_ptr_equal(report_own_frame(&s), &f[0]);
}

/* Frames that the interpreter puts in, and what is not known. */
static void a_frame_without_a_line_is_nobodys(void **state)
{
	struct report_frame f[] = {
		{.function = "open", .file = "/usr/lib/python3.14/logging/__init__.py", .line = 7},
		{.function = "__init__", .file = "__init__"},
		{.function = "?", .file = "?"},
		{.function = "asks", .file = "/srv/app.py", .line = 2},
	};
	struct report_site s = {.stack = f, .n_frames = ARRAY_SIZE(f)};

	(void)state;
	assert_ptr_equal(report_own_frame(&s), &f[3]);
	s.stack = &f[1];
	s.n_frames = 2;
	assert_null(report_own_frame(&s));
}

/* Its caller made nothing: it is told as that. */
static void code_without_a_name_is_not_its_caller(void **state)
{
	struct report_frame f[] = {
		{.native = true, .function = "malloc", .module = "libc.so.6"},
		{.function = "?", .file = "?"},
		{.function = "run_code", .file = "/usr/lib/python3.11/code.py", .line = 90},
		{.function = "asks", .file = "/srv/app.py", .line = 2},
	};
	struct report_site s = {.stack = f, .n_frames = ARRAY_SIZE(f)};

	(void)state;
	assert_ptr_equal(report_own_frame(&s), &f[1]);
	assert_ptr_equal(report_caller_frame(&s), &f[3]);
	assert_null(report_program_frame(&s));
	s.n_frames = 3;
	assert_ptr_equal(report_caller_frame(&s), &f[2]);
	s.n_frames = 2;
	assert_null(report_own_frame(&s));
	assert_null(report_caller_frame(&s));
	s.stack = &f[2];
	assert_ptr_equal(report_own_frame(&s), &f[3]);
	assert_null(report_caller_frame(&s));
}

static void frames_of_libraries_outside_of_the_program(void **state)
{
	struct report_frame f[] = {
		{.function = "dumps", .file = "/usr/lib/python3.11/json/__init__.py", .line = 7},
		{.function = "answer", .file = "/srv/app.py", .line = 3},
		{.function = "run", .file = PACKAGES "werkzeug/serving.py", .line = 9},
		{.function = "<module>", .file = "/usr/bin/gunicorn", .line = 8},
	};
	struct report_site s = {.stack = f, .n_frames = ARRAY_SIZE(f)};

	(void)state;
	assert_int_equal(report_outer_frames(&s), 2);
	s.n_frames = 2;
	assert_int_equal(report_outer_frames(&s), 0);
	s.n_frames = 1;
	assert_int_equal(report_outer_frames(&s), 0); /* there is nothing else */
	s.n_frames = 0;
	assert_int_equal(report_outer_frames(&s), 0);
	/* A frame that 3.13 puts in is nobody's own: nothing is folded around it. */
	f[1].file = "__init__";
	f[1].line = 0;
	s.n_frames = ARRAY_SIZE(f);
	assert_int_equal(report_outer_frames(&s), 0);
}

/* One finding for all that a line called for: the sum of the bytes, and of things of one kind. */
static void sites_of_one_cause_are_one_finding(void **state)
{
	struct report_frame f[] = {
		{.function = "subplots", .file = PACKAGES "matplotlib/pyplot.py", .line = 1769},
		{.function = "job", .file = "/srv/plots.py", .line = 16},
	};
	struct report_site v[] = {
		{.id = "000000000000000a",
		 .stack = f,
		 .n_frames = 2,
		 .growth_bytes_per_s = 100,
		 .growth_count_per_s = 1,
		 .outstanding_bytes = 1000,
		 .confidence = 0.8},
		{.id = "000000000000000b",
		 .part_of = "000000000000000a",
		 .verdict = CLASS_GROWING,
		 .growth_bytes_per_s = 50,
		 .growth_count_per_s = 2,
		 .outstanding_bytes = NAN},
		{.id = "000000000000000c",
		 .part_of = "000000000000000a",
		 .kind = KIND_HEAP,
		 .growth_bytes_per_s = 7,
		 .growth_count_per_s = 9,
		 .outstanding_bytes = 5},
		{.id = "000000000000000d", .verdict = CLASS_WARMUP, .growth_bytes_per_s = NAN},
		{.id = "000000000000000e", .verdict = CLASS_STEADY},
	};
	struct report_process p = {.sites = v, .n_sites = ARRAY_SIZE(v)};
	struct report_findings found;
	struct report_cause left;

	(void)state;
	assert_int_equal(report_findings(&p, &found), 0);
	assert_int_equal(found.n, 2);
	assert_string_equal(found.v[0].id, "000000000000000a");
	assert_int_equal(found.v[0].frame->line, 16);
	assert_true(found.v[0].growth_bytes_per_s == 157 && found.v[0].growth_count_per_s == 3);
	assert_true(found.v[0].outstanding_bytes == 1005 && found.v[0].confidence == 0.8);
	assert_int_equal(found.v[0].n_sites, 3);
	assert_string_equal(found.v[0].sites[0], "000000000000000a");
	assert_string_equal(found.v[0].sites[2], "000000000000000c");
	assert_null(found.v[1].frame);
	assert_true(isnan(found.v[1].growth_bytes_per_s));
	assert_int_equal(found.v[1].n_sites, 1);
	report_findings_free(&found);
	/* The sums have what the list leaves out. */
	assert_int_equal(report_cause_of(&p, &v[0]).places, 3);
	left = report_end_list(&p, 2);
	assert_true(p.n_sites == 2 && left.places == 1 && left.bytes_per_s == 7);
	assert_true(v[0].unlisted == 1 && v[1].unlisted == 0);
	assert_int_equal(report_cause_of(&p, &v[0]).places, 3);
	assert_true(report_cause_of(&p, &v[0]).bytes_per_s == 157);
	assert_int_equal(report_findings(&p, &found), 0);
	assert_int_equal(found.n, 1);
	assert_true(found.v[0].growth_bytes_per_s == 157 && found.v[0].growth_count_per_s == 3);
	assert_true(found.v[0].outstanding_bytes == 1005 && found.v[0].n_sites == 2);
	report_findings_free(&found);
	/* A list that ends once more, as that of a merged report, keeps what it had. */
	left = report_end_list(&p, 1);
	assert_true(v[0].unlisted == 2 && left.places == 1);
	assert_true(report_cause_of(&p, &v[0]).bytes_per_s == 157);
	p.n_sites = 0;
	assert_int_equal(report_findings(&p, &found), 0);
	assert_int_equal(found.n, 0);
	report_findings_free(&found);
}

/* A chain, as processes of a merge make them, a site that is not there, and one of itself. */
static void parts_are_of_what_is_whole(void **state)
{
	struct report_site v[] = {
		{.id = "000000000000000a", .part_of = "000000000000000b"},
		{.id = "000000000000000b", .part_of = "000000000000000c"},
		{.id = "000000000000000c", .growth_bytes_per_s = 1},
		{.id = "000000000000000d", .part_of = "000000000000000e"},
		{.id = "000000000000000f", .part_of = "000000000000000f"},
	};
	struct report_process p = {.sites = v, .n_sites = ARRAY_SIZE(v)};

	(void)state;
	report_sort(&p);
	for (size_t i = 0; i < p.n_sites; i++)
		if (!strcmp(v[i].id, "000000000000000b"))
			assert_string_equal(v[i].part_of, "000000000000000c");
		else
			assert_null(v[i].part_of);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_of_what_is_whole),
		cmocka_unit_test(sites_of_one_cause_are_one_finding),
		cmocka_unit_test(the_script_in_bin_is_not_the_program),
		cmocka_unit_test(who_starts_a_loop_is_not_the_program),
		cmocka_unit_test(who_starts_a_loop_by_a_wrapper_is_not_the_program),
		cmocka_unit_test(a_frame_without_a_line_is_nobodys),
		cmocka_unit_test(code_without_a_name_is_not_its_caller),
		cmocka_unit_test(frames_of_libraries_outside_of_the_program),
		cmocka_unit_test(site_id_stays_what_it_was),
		cmocka_unit_test(site_ids_tell_stacks_apart),
		cmocka_unit_test(site_ids_of_callers_that_live_for_one_call),
		cmocka_unit_test(site_ids_tell_kinds_apart),
		cmocka_unit_test(native_frames_do_not_change_the_id_of_a_python_stack),
		cmocka_unit_test(sites_are_sorted_by_what_is_expected_to_be_lost),
		cmocka_unit_test(arena_gives_zeroed_aligned_memory_of_any_size),
		cmocka_unit_test(new_report_knows_tool_and_host),
		cmocka_unit_test(every_class_and_kind_has_its_word),
		cmocka_unit_test(the_own_frame_is_not_of_the_library),
		cmocka_unit_test(the_name_of_a_library_s_file_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

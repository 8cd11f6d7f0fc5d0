/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The terminal report: golden files, widths, and nothing that a terminal would obey. */
#include "sample_report.h"

#include <locale.h>
#include <time.h>
#include <unistd.h>

#include "out/line.h"
#include "out/out.h"

static char *render(const struct report *r, const struct out_term_opts *o, size_t *size)
{
	char *text;
	FILE *f = open_memstream(&text, size);

	assert_int_equal(out_term(f, r, o), 0);
	fclose(f);
	return text;
}

static const struct {
	const char *golden;
	struct out_term_opts o;
	bool interim;
} rows[] = {
	{"report.txt", {.top = 10}, false},
	{"report-verbose.txt", {.top = 10, .verbose = true}, false},
	{"report-color-80.txt", {.top = 10, .color = true, .width = 80}, false},
	{"report-narrow-40.txt", {.top = 10, .width = 40}, false},
	{"report-top-1.txt", {.top = 1}, true},
};

static void reports_are_as_in_the_golden_files(void **state)
{
	struct report *r = sample_report();
	size_t size;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *text;

		r->final = !rows[i].interim;
		text = render(r, &rows[i].o, &size);
		golden_compare(rows[i].golden, text, size);
		free(text);
	}
	report_free(r);
}

static void no_line_is_wider_than_the_screen(void **state)
{
	struct report *r = sample_report();
	size_t size;

	(void)state;
	for (int width = 20; width < 120; width++) {
		char *text = render(r, &(struct out_term_opts){.width = width}, &size);

		for (char *p = strtok(text, "\n"); p; p = strtok(NULL, "\n"))
			assert_true(line_columns(p) <= width);
		free(text);
	}
	report_free(r);
}

static void target_cannot_command_the_terminal(void **state)
{
	struct report *r = sample_report();
	size_t size;
	char *text = render(r, &(struct out_term_opts){.verbose = true}, &size);

	(void)state;
	for (size_t i = 0; i < size; i++)
		assert_true((unsigned char)text[i] >= 0x20 || text[i] == '\n');
	assert_non_null(strstr(text, "p\\x1b[2Jarse"));
	assert_non_null(strstr(text, "caf\\xe9/\\u202emod\xc3\xbcl.py:9"));
	free(text);
	report_free(r);
}

static void very_long_names_are_bounded(void **state)
{
	struct report *r = sample_report();
	char *name = malloc(1 << 20), *text;
	size_t size;

	(void)state;
	memset(name, 'x', (1 << 20) - 1);
	name[(1 << 20) - 1] = '\0';
	sample_leak[0].function = name;
	text = render(r, &(struct out_term_opts){0}, &size);
	sample_leak[0].function = "Registry.remember";
	assert_true(size < 20000);
	free(text);
	free(name);
	report_free(r);
}

static void what_grows_says_what_is_missing_for_a_leak(void **state)
{
	struct report *r = sample_report();
	struct report_site *s = r->processes->sites;
	size_t size;

	(void)state;
	assert_true(s[0].verdict == CLASS_LEAK && s[1].verdict == CLASS_GROWING);
	s[1].reason = "grows by 4.0 KiB/s; too early to call it a leak";
	for (int verbose = 0; verbose < 2; verbose++) {
		auto_free char *text =
			render(r, &(struct out_term_opts){.verbose = verbose}, &size);

		assert_non_null(
			strstr(text, "   grows by 4.0 KiB/s; too early to call it a leak\n"));
		assert_int_equal(strstr(text, s[0].reason) != NULL, verbose);
	}
	report_free(r);
}

static void sums_of_processes_have_no_reason_of_one(void **state)
{
	struct report *r = sample_report();
	struct report_site *s = r->processes->sites;
	size_t size;

	(void)state;
	s[1].reason = "grows by 4.0 KiB/s; too early to call it a leak";
	s[1].processes = 3;
	for (int verbose = 0; verbose < 2; verbose++) {
		auto_free char *text =
			render(r, &(struct out_term_opts){.verbose = verbose}, &size);

		assert_null(strstr(text, s[1].reason));
		assert_non_null(strstr(text, "   in one of these processes: too early to call it "
					     "a leak\n"));
	}
	s[1].reason = "grew by 6.6 KiB/s, but the dict that holds them has kept its 9 entries "
		      "for 14 s";
	for (int verbose = 0; verbose < 2; verbose++) {
		auto_free char *text =
			render(r, &(struct out_term_opts){.verbose = verbose}, &size);

		assert_null(strstr(text, "6.6 KiB/s, but"));
		assert_non_null(strstr(text, "processes: the dict that holds them has kept"));
	}
	s[1].processes = 0;
	report_free(r);
}

/* Others of the host grow too: the time is shorter than that of each. */
static void a_forecast_by_one_of_many_says_so(void **state)
{
	const struct out_term_opts o = {.top = 1};
	struct report_process v[2] = {sample_processes[0], sample_processes[0]};
	struct report *r = sample_report();
	size_t size;

	(void)state;
	r->processes = v;
	r->n_processes = 2;
	v[1].pid++;
	for (size_t i = 0; i < 4; i++) {
		char *text;

		for (size_t k = 0; k < 2; k++)
			v[k].memory.limit_source = i ? "ram" : "cgroup";
		v[1].exited = i == 2;
		v[1].memory.eta_s = i == 3 ? NAN : v[0].memory.eta_s;
		text = render(r, &o, &size);
		assert_non_null(strstr(text, "killed in"));
		assert_int_equal(strstr(text, ", by its growth alone\n") != NULL, i == 1);
		free(text);
	}
	report_free(r);
}

static void what_was_done_is_told_while_nothing_grows(void **state)
{
	struct report *r = sample_report();
	struct report_process one = r->processes[0];
	const struct out_term_opts o = {.top = 10};
	size_t size;
	char *text;

	(void)state;
	one.n_sites = 0;
	one.windows = 14;
	one.survivors = 1340;
	r->processes = &one;
	r->n_processes = 1;
	r->final = false;
	r->duration_s = 8;
	text = render(r, &o, &size);
	assert_non_null(strstr(
		text, "\n  no site grows so far: 14 windows on births, 1.3 k objects of "
		      "them followed; a line is called a leak after 15 s at the earliest\n"));
	free(text);
	one.windows = one.survivors = 1;
	text = render(r, &o, &size);
	assert_non_null(strstr(text, ": 1 window on births, 1 object of them followed;"));
	free(text);
	report_free(r);
}

/* No more is said than is known: of a short watch nothing, and where the process grows a site was
 * missed. */
static void a_final_report_says_whether_a_site_grows(void **state)
{
	static const char *const told[] = {"\n  no site grows\n",
					   "\n  no site that grows was found\n",
					   "\n  too early to say whether anything grows\n"};
	struct report *r = sample_report();
	struct report_process one = r->processes[0];
	size_t size;

	(void)state;
	one.n_sites = 0;
	r->processes = &one;
	r->n_processes = 1;
	for (int i = 0; i < 3; i++) {
		char *text;

		one.verdict = i == 1 ? CLASS_GROWING : CLASS_STEADY;
		if (i == 2)
			report_too_early(&one);
		text = render(r, &(struct out_term_opts){.top = 10}, &size);
		assert_non_null(strstr(text, told[i]));
		assert_int_equal(!strstr(text, " site"), i == 2);
		assert_int_equal(!strstr(text, "sites explain 93 % of the growth"), i != 1);
		free(text);
	}
	report_free(r);
}

/* A thread of a library takes memory: there is no line of Python to name. */
static void memory_without_a_line_is_named_by_its_library(void **state)
{
	struct report_frame f[] = {{.native = true, .module = "", .function = "malloc"},
				   {.native = true, .module = "/usr/lib/libx.so.1", .offset = 64}};
	struct report_site s = {.kind = KIND_HEAP,
				.verdict = CLASS_LEAK,
				.outstanding_bytes = 2048,
				.outstanding_count = 1,
				.growth_bytes_per_s = 1024,
				.growth_count_per_s = 0,
				.oldest_s = 20,
				.stack = f,
				.n_frames = ARRAY_SIZE(f)};
	struct report *r = sample_report();
	struct report_process one = r->processes[0];
	size_t size;

	(void)state;
	one.sites = &s;
	one.n_sites = 1;
	r->processes = &one;
	r->n_processes = 1;
	for (int i = 0; i < 2; i++) {
		char *text;

		s.kind = i ? KIND_OBJECT : KIND_HEAP;
		text = render(r, &(struct out_term_opts){.top = 10}, &size);
		assert_int_equal(!strstr(text, "#1 LEAK  libx.so.1  +1.0 KiB/s"), i);
		assert_non_null(strstr(text, i ? " in 1 object so far\n" : " in 1 block so far\n"));
		free(text);
	}
	report_free(r);
}

static void code_without_a_name_is_named_by_who_called_it(void **state)
{
	struct report_frame f[] = {{.function = "?", .file = "?"},
				   {.function = "run", .file = "/srv/rules.py", .line = 7}};
	struct report *r = sample_report();
	struct report_site s = r->processes[0].sites[0];
	struct report_process one = r->processes[0];
	size_t size;
	char *text;

	(void)state;
	s.verdict = CLASS_LEAK;
	s.stack = f;
	s.n_frames = ARRAY_SIZE(f);
	one.sites = &s;
	one.n_sites = 1;
	r->processes = &one;
	r->n_processes = 1;
	text = render(r, &(struct out_term_opts){.top = 10}, &size);
	assert_non_null(strstr(text, "#1 LEAK  unknown code called at rules.py:7  "));
	free(text);
	report_free(r);
}

/* Nobody has looked whether a site of it grows. */
static void no_line_was_looked_for_in_one_that_was_not_probed(void **state)
{
	struct report *r = sample_report();
	struct report_process one = r->processes[0];
	const struct out_term_opts o = {.top = 10};
	size_t size;
	char *text;

	(void)state;
	one.n_sites = 0;
	one.mechanism = NULL;
	one.on_s = one.coverage = 0;
	r->processes = &one;
	r->n_processes = 1;
	text = render(r, &o, &size);
	assert_non_null(strstr(text, "\n  not probed: no line of it was looked for\n"));
	assert_null(strstr(text, "no site grows"));
	assert_null(strstr(text, "measured: "));
	free(text);
	report_free(r);
}

/* The headline is for all of a cause, and -v promises no more than is listed. */
static void places_that_are_not_listed_are_in_the_sum(void **state)
{
	struct report_site site[3] = {
		{.id = "000000000000000a", .growth_bytes_per_s = 1024, .unlisted = 3749},
		{.id = "000000000000000b", .growth_bytes_per_s = 2048},
		{.id = "000000000000000c", .growth_bytes_per_s = 1024}};
	static const struct {
		size_t n;
		uint64_t unlisted;
		const char *want;
	} t[] = {{1, 3749, " in 3750 places\n"},
		 {3, 3749, " in 3752 places (-v shows 3)\n"},
		 {3, 0, "~+4.0 KiB/s in 3 places (-v shows them)\n"}};
	struct report *r = sample_report();
	struct report_process one = r->processes[0];
	size_t size;

	(void)state;
	site[1].part_of = site[2].part_of = site[0].id;
	one.sites = site;
	r->processes = &one;
	r->n_processes = 1;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char *text;

		one.n_sites = t[i].n;
		site[0].unlisted = t[i].unlisted;
		site[0].unlisted_bytes_per_s = t[i].unlisted ? 250000 : 0;
		text = render(r, &(struct out_term_opts){.top = 10}, &size);
		assert_non_null(strstr(text, t[i].want));
		assert_true(!strstr(text, "~+1.0 KiB/s in"));
		free(text);
	}
	report_free(r);
}

/* A descriptor has no size: its number comes first, and memory that it keeps has its own line. */
static void memory_that_comes_with_descriptors_is_told_apart(void **state)
{
	struct report_site site[2] = {{.id = "000000000000000a",
				       .kind = KIND_FD,
				       .growth_count_per_s = 6.6,
				       .growth_bytes_per_s = NAN},
				      {.id = "000000000000000b", .growth_bytes_per_s = 45056}};
	struct report *r = sample_report();
	struct report_process one = r->processes[0];
	size_t size;
	char *text;

	(void)state;
	site[1].part_of = site[0].id;
	one.sites = site;
	one.n_sites = ARRAY_SIZE(site);
	r->processes = &one;
	r->n_processes = 1;
	text = render(r, &(struct out_term_opts){.top = 10}, &size);
	assert_non_null(strstr(text, "#1 LEAK  +6.6 descriptors/s"));
	assert_non_null(
		strstr(text, "\n   memory that comes with them: ~+44.0 KiB/s in 1 place\n"));
	free(text);
	report_free(r);
}

/* Other lines of the program are told with the finding that has their sites, each once. */
static void lines_that_have_parts_of_a_finding_are_told(void **state)
{
	static const char said[] =
		"\n   parts of it: codec.py:44 ~+3.0 KiB/s, mail.py:7 ~+512 B/s\n";
	struct report_frame line[] = {
		{.function = "keep", .file = "/srv/shop.py", .line = 12},
		{.function = "encode", .file = "/srv/codec.py", .line = 44},
		{.function = "send", .file = "/srv/mail.py", .line = 7},
		{.function = "read", .file = "/usr/lib/python3.11/socket.py", .line = 9},
	};
	struct report_site site[] = {
		{.id = "000000000000000a", .growth_bytes_per_s = 4096, .stack = &line[0]},
		{.id = "000000000000000b", .growth_bytes_per_s = 2048, .stack = &line[1]},
		{.id = "000000000000000c", .growth_bytes_per_s = 1024, .stack = &line[1]},
		{.id = "000000000000000d", .growth_bytes_per_s = 512, .stack = &line[2]},
		{.id = "000000000000000e", .growth_bytes_per_s = 512, .stack = &line[3]},
		{.id = "000000000000000f", .growth_bytes_per_s = NAN, .stack = &line[0]},
	};
	struct report *r = sample_report();
	struct report_process one = r->processes[0];
	size_t size;

	(void)state;
	one.sites = site;
	one.n_sites = ARRAY_SIZE(site);
	for (size_t i = 0; i < ARRAY_SIZE(site); i++) {
		site[i].n_frames = 1;
		site[i].part_of = i ? site[0].id : NULL;
	}
	r->processes = &one;
	r->n_processes = 1;
	for (int verbose = 0; verbose < 2; verbose++) {
		char *text = render(r, &(struct out_term_opts){.top = 10, .verbose = verbose > 0},
				    &size);

		assert_true(!strstr(text, said) == (verbose > 0));
		free(text);
	}
	report_free(r);
}

static const struct {
	const char *name, *in;
	int want;
} widths[] = {
	{"empty", "", 0},	   {"ASCII", "abc", 3},
	{"umlaut", "\xc3\xbc", 1}, {"escape", "\x1b", 4},
	{"stray byte", "\xff", 4}, {"right-to-left override", "\xe2\x80\xae", 6},
};

static void a_sweep_tells_why_there_is_no_line(void **state)
{
	static const char *note = "births are not watched: a change of probes took 2.3 s";
	struct report *r = sample_report();
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	r->processes[0].notes = &note;
	r->processes[0].n_notes = 1;
	/* A line that is known needs no excuse; one that is steady is not why the process grows. */
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			r->processes[0].sites[0].verdict = CLASS_STEADY;
		if (i == 2)
			r->processes[0].n_sites = 0;
		rewind(f);
		assert_int_equal(out_term_sweep(f, r, &(struct out_term_opts){.top = 10}), 0);
		assert_int_equal(strstr(text, "      note: births are not watched") != NULL, i > 0);
		assert_int_equal(strstr(text, "registry.py:42") != NULL, i == 0);
		assert_non_null(strstr(text, "\n      at this rate killed in"));
	}
	fclose(f);
	free(text);
	report_free(r);
}

static void a_sweep_tells_of_those_it_could_not_look_at(void **state)
{
	struct report *r = sample_report();
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	r->not_watched = 3;
	r->not_watched_why = "process 7 (x) cannot be read";
	assert_int_equal(out_term_sweep(f, r, &(struct out_term_opts){.top = 10}), 0);
	assert_non_null(strstr(text, "\n3 processes could not be looked at; the last reason: "
				     "process 7 (x) cannot be read\n"));
	fclose(f);
	free(text);
	report_free(r);
}

static void what_to_do_is_told_whole_on_a_narrow_terminal(void **state)
{
	const struct out_term_opts opts = {.top = 10, .width = 40};
	struct report *r = sample_report();
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	r->duration_s = 15;
	assert_int_equal(out_term_sweep(f, r, &opts), 0);
	assert_non_null(strstr(text, "\nwhat keeps it alive, and all its lines:"));
	assert_non_null(strstr(text, "pyleak-bpf -p "));
	assert_non_null(strstr(text, "\nwatched for 15 s only: a trend takes 30"));
	assert_non_null(strstr(text, "s at least (-d)\n"));
	fclose(f);
	free(text);
	report_free(r);
}

static void an_item_longer_than_a_line_is_told_whole(void **state)
{
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);
	struct line l;

	(void)state;
	line_init(&l, f, 20, false);
	line_text(&l, "RSS: ");
	line_item(&l, "7.2 MiB files");
	line_item(&l, "11.1 MiB Python objects (+92.7 KiB/s)");
	line_item(&l, "1 KiB");
	line_end(&l);
	line_fini(&l);
	fclose(f);
	assert_string_equal(text, "RSS: 7.2 MiB files,\n    11.1 MiB Python\n"
				  "    objects (+92.7\n    KiB/s), 1 KiB\n");
	free(text);
}

/* A note below says so, too. */
static void one_that_goes_on_is_not_said_to_have_ended(void **state)
{
	struct report *r = sample_report();
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	r->processes[0].exited = true;
	r->processes[0].goes_on = "runs another program now";
	r->n_processes = 1;
	for (int i = 0; i < 2; i++) {
		rewind(f);
		if (i)
			assert_int_equal(out_term_sweep(f, r, &(struct out_term_opts){.top = 10}),
					 0);
		else
			assert_int_equal(out_term(f, r, &(struct out_term_opts){.top = 10}), 0);
		assert_null(strstr(text, "has ended"));
		assert_non_null(strstr(text, ", runs another program now, CPython "));
	}
	r->processes[0].n_members = 2;
	r->processes[0].goes_on = "not watched any more";
	rewind(f);
	assert_int_equal(out_term(f, r, &(struct out_term_opts){.top = 10}), 0);
	assert_null(strstr(text, "have ended"));
	assert_non_null(strstr(text, ", not watched any more, CPython "));
	fclose(f);
	free(text);
	report_free(r);
}

static void columns_are_counted_as_shown(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++)
		if (line_columns(widths[i].in) != widths[i].want)
			fail_msg("%s: %d", widths[i].name, line_columns(widths[i].in));
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return;
	assert_int_equal(line_columns("\xe6\xbc\xa2\xe5\xad\x97"), 4);
	setlocale(LC_CTYPE, "C");
}

static void colour_needs_a_terminal(void **state)
{
	FILE *f = tmpfile();

	(void)state;
	assert_false(out_want_color(f, false));
	assert_int_equal(out_width(f), 0);
	fclose(f);
}

static void failed_write_is_reported(void **state)
{
	struct report *r = sample_report();
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	assert_int_equal(out_term(f, r, &(struct out_term_opts){0}), -ENOSPC);
	fclose(f);
	report_free(r);
}

/* Sentences of failures name processes and files. */
static void nor_by_what_is_said_on_standard_error(void **state)
{
	char text[256] = "";
	FILE *f = tmpfile();
	int before = dup(STDERR_FILENO);

	(void)state;
	assert_non_null(f);
	dup2(fileno(f), STDERR_FILENO);
	log_line("caf\xc3\xa9 (%s): 100 %%", "a\n\x1b[2Jb\xc2\x9b\xff\tc");
	log_warn("%s", "d\re");
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	assert_string_equal(text, "caf\xc3\xa9 (a\\x0a\\x1b[2Jb\\u009b\\xff c): 100 %\n"
				  "pyleak-bpf: d\\x0de\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_are_as_in_the_golden_files),
		cmocka_unit_test(no_line_is_wider_than_the_screen),
		cmocka_unit_test(target_cannot_command_the_terminal),
		cmocka_unit_test(nor_by_what_is_said_on_standard_error),
		cmocka_unit_test(very_long_names_are_bounded),
		cmocka_unit_test(what_grows_says_what_is_missing_for_a_leak),
		cmocka_unit_test(sums_of_processes_have_no_reason_of_one),
		cmocka_unit_test(a_forecast_by_one_of_many_says_so),
		cmocka_unit_test(what_was_done_is_told_while_nothing_grows),
		cmocka_unit_test(a_final_report_says_whether_a_site_grows),
		cmocka_unit_test(memory_without_a_line_is_named_by_its_library),
		cmocka_unit_test(code_without_a_name_is_named_by_who_called_it),
		cmocka_unit_test(no_line_was_looked_for_in_one_that_was_not_probed),
		cmocka_unit_test(places_that_are_not_listed_are_in_the_sum),
		cmocka_unit_test(memory_that_comes_with_descriptors_is_told_apart),
		cmocka_unit_test(lines_that_have_parts_of_a_finding_are_told),
		cmocka_unit_test(a_sweep_tells_why_there_is_no_line),
		cmocka_unit_test(a_sweep_tells_of_those_it_could_not_look_at),
		cmocka_unit_test(what_to_do_is_told_whole_on_a_narrow_terminal),
		cmocka_unit_test(an_item_longer_than_a_line_is_told_whole),
		cmocka_unit_test(one_that_goes_on_is_not_said_to_have_ended),
		cmocka_unit_test(columns_are_counted_as_shown),
		cmocka_unit_test(colour_needs_a_terminal),
		cmocka_unit_test(failed_write_is_reported),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

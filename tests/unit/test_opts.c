/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The option parser and the command line of `watch`. */
#include "command/watch_opts.h"
#include "unit.h"

#include <math.h>

#define MAX_WORDS 30

/* One command line, split at spaces. */
static int parse(const char *line, struct watch_opts *out)
{
	static char copy[256];
	char *argv[MAX_WORDS + 2] = {(char *)"pyleak-bpf"};
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w && argc <= MAX_WORDS; w = strtok(NULL, " "))
		argv[argc++] = w;
	return watch_opts_parse(argc, argv, out);
}

static const struct {
	const char *line, *says; /* a piece of the sentence */
} bad[] = {
	{"", "-p PID"},
	{"-p", "-p/--pid needs a value"},
	{"--pid", "-p/--pid needs a value"},
	{"-p 0", "from 1 on"},
	{"-p -5", "from 1 on"},
	{"-p 12x", "12x"},
	{"-p 1,", "from 1 on"},
	{"-p ,1", "from 1 on"},
	{"-p 99999999999999999999", "from 1 on"},
	{"-p 1 --top -1", "from 1 to 10000"},
	{"-p 1 --top 0", "from 1 to 10000"},
	{"-p 1 --top 1.5", "from 1 to 10000"},
	{"-p 1 --overhead 500", "from 0.1 to 50"},
	{"-p 1 --overhead 0", "from 0.1 to 50"},
	{"-p 1 --overhead nan", "from 0.1 to 50"},
	{"-p 1 --overhead 1e1", "from 0.1 to 50"},
	{"-p 1 --overhead 0x3", "from 0.1 to 50"},
	{"-p 1 --overhead 1.2.3", "from 0.1 to 50"},
	{"-p 1 -i 0", "from 0.1 to 86400"},
	{"-p 1 -d inf", "-d/--duration"},
	{"-p 1 -o -1", "-o/--older"},
	{"-p 1 -z 4q", "512, 4k or 1M"},
	{"-p 1 -z -4", "512, 4k or 1M"},
	{"-p 1 -z 99999999999G", "512, 4k or 1M"},
	{"-p 1 -z 2k -Z 1k", "larger than"},
	{"-p 1 --mode exact", "auto"},
	{"-p 1 --mode", "--mode needs a value"},
	{"-p 1 --quiet=3", "takes no value"},
	{"-p 1 --json=", "file name"},
	{"-p 1 --nonsense", "--nonsense"},
	{"-p 1 -X", "-X"},
	{"-p 1 -qX", "-X"},
	{"-p 1 --o 5", "--older, --overhead, --output"},
	{"-p a,b", "one name"},
	{"-p a -p b", "one name at a time"},
	{"-p 1 extra", "extra"},
	{"-p 1 -- python3 app.py", "one of them"},
	{"python3 app.py", "python3"},
	{"-p 1 --children --baseline f", "--baseline"},
	{"--", "which process"},
};

static void bad_usage_has_one_clear_sentence(void **state)
{
	struct watch_opts o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(bad[i].line, &o) != -EINVAL)
			fail_msg("accepted: %s", bad[i].line);
		if (!strstr(fail_text(), bad[i].says) || strchr(fail_text(), '\n'))
			fail_msg("%s: %s", bad[i].line, fail_text());
	}
}

static void defaults_are_those_of_the_help(void **state)
{
	struct watch_opts o;

	(void)state;
	assert_int_equal(parse("-p 7", &o), 0);
	assert_int_equal(o.pids.n, 1);
	assert_int_equal(o.pids.v[0], 7);
	assert_true(isnan(o.interval_s)); /* it is another on a screen */
	assert_true(o.duration_s == 0 && o.overhead_pct == 3);
	assert_int_equal(o.top, 10);
	assert_int_equal(o.older_ms, 500);
	assert_int_equal(o.min_size, 0);
	assert_true(o.max_size == UINT64_MAX);
	assert_null(o.mode); /* auto, without being asked for */
	assert_null(o.files.path[OUT_json]);
	assert_false(o.is_quiet || o.no_color || o.verbose);
}

static void every_option_is_understood(void **state)
{
	struct watch_opts o;

	(void)state;
	assert_int_equal(parse("-p 7,8 -p 9,7 -i 0.5 -d 60 -T 3 -o 0 -z 4k -Z 1M", &o), 0);
	assert_int_equal(o.pids.n, 3);
	assert_int_equal(o.pids.v[2], 9);
	assert_true(o.interval_s == 0.5 && o.duration_s == 60);
	assert_int_equal(o.top, 3);
	assert_int_equal(o.older_ms, 0);
	assert_int_equal(o.min_size, 4096);
	assert_int_equal(o.max_size, 1 << 20);
	assert_int_equal(parse("-p7 --mode auto --overhead=0.5 --json - -qvv --no-color", &o), 0);
	assert_true(o.overhead_pct == 0.5 && o.is_quiet && o.no_color);
	assert_int_equal(o.verbose, 2);
	assert_string_equal(o.files.path[OUT_json], "-");
	assert_int_equal(parse("--children -d 5 -- python3 -q app.py", &o), 0);
	assert_true(o.children && !o.is_quiet && !o.pids.n);
	assert_string_equal(o.command[0], "python3");
	assert_string_equal(o.command[1], "-q");
	assert_string_equal(o.command[2], "app.py");
}

static void help_and_version_need_no_process(void **state)
{
	struct watch_opts o;

	(void)state;
	assert_int_equal(parse("--help", &o), 0);
	assert_true(o.want_help);
	assert_int_equal(parse("-V", &o), 0);
	assert_true(o.want_version);
}

static void too_many_processes_are_refused(void **state)
{
	char line[1024] = "", *argv[] = {(char *)"pyleak-bpf", (char *)"-p", line, NULL};
	struct watch_opts o;
	size_t used = 0;

	(void)state;
	for (int i = 1; i <= OPTS_MAX_PIDS; i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%d", i > 1 ? "," : "",
					 i);
	assert_int_equal(watch_opts_parse(3, argv, &o), 0);
	assert_int_equal(o.pids.n, OPTS_MAX_PIDS);
	snprintf(line + used, sizeof(line) - used, ",100000");
	assert_int_equal(watch_opts_parse(3, argv, &o), -EINVAL);
	assert_non_null(strstr(fail_text(), "at most"));
}

static void help_fits_a_terminal_and_names_every_option(void **state)
{
	static const char *const names[] = {"--pid",	  "--interval", "--duration", "--top",
					    "--older",	  "--min-size", "--max-size", "--mode",
					    "--overhead", "--json",	"--quiet",    "--verbose",
					    "--no-color", "--help",	"--version"};
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	watch_opts_help(f);
	fclose(f);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_non_null(strstr(text, names[i]));
	for (char *p = strtok(text, "\n"); p; p = strtok(NULL, "\n"))
		if (strlen(p) > 82)
			fail_msg("too long: %s", p);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_usage_has_one_clear_sentence),
		cmocka_unit_test(defaults_are_those_of_the_help),
		cmocka_unit_test(every_option_is_understood),
		cmocka_unit_test(help_and_version_need_no_process),
		cmocka_unit_test(too_many_processes_are_refused),
		cmocka_unit_test(help_fits_a_terminal_and_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

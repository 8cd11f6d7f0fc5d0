/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Alert rules: what they mean, what is refused and how, when they fire and end. */
#include "alert/alert.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/alerts.h"
#include "alert/hook.h"
#include "out/event.h"
#include "unit.h"

static void rules_mean_what_they_say(void **state)
{
	static const struct {
		const char *text;
		struct alert_rule want;
	} rows[] = {
		{"rss>2G", {NULL, METRIC_RSS, false, false, 2147483648.0, 0, 0}},
		{" rss >= 1.5 GiB ", {NULL, METRIC_RSS, false, true, 1610612736.0, 0, 0}},
		{"pss<10MB", {NULL, METRIC_PSS, true, false, 10485760.0, 0, 0}},
		{"swap>0", {NULL, METRIC_SWAP, false, false, 0, 0, 0}},
		{"heap>100k for 90", {NULL, METRIC_HEAP, false, false, 102400, 90, 0}},
		{"growth>1M/min for 10m",
		 {NULL, METRIC_GROWTH, false, false, 1048576 / 60.0, 600, 60}},
		{"growth > 3600 k/h", {NULL, METRIC_GROWTH, false, false, 1024, 0, 3600}},
		{"fds>=900", {NULL, METRIC_FDS, false, true, 900, 0, 0}},
		{"threads<=2 for 1h30m", {NULL, METRIC_THREADS, true, true, 2, 5400, 0}},
		{"limit>90%", {NULL, METRIC_LIMIT, false, false, 90, 0, 0}},
		{"eta<1h", {NULL, METRIC_ETA, true, false, 3600, 0, 0}},
		{"limit>0.5%", {NULL, METRIC_LIMIT, false, false, 0.5, 0, 0}},
		{"eta<90", {NULL, METRIC_ETA, true, false, 90, 0, 0}},
	};
	struct alert_rule r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct alert_rule *w = &rows[i].want;

		if (alert_parse(rows[i].text, &r))
			fail_msg("%s: %s", rows[i].text, fail_text());
		assert_string_equal(r.text, rows[i].text);
		assert_int_equal(r.metric, w->metric);
		assert_int_equal(r.below, w->below);
		assert_int_equal(r.or_equal, w->or_equal);
		assert_true(fabs(r.value - w->value) < 1e-6 * (1 + w->value));
		assert_true(r.for_s == w->for_s && r.per_s == w->per_s);
	}
}

static void mistakes_are_refused_with_what_was_meant(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"rrs>2G", "did you mean 'rss'?"},
		{"RSS>2G", "did you mean 'rss'?"},
		{"grwoth>1M/min", "did you mean 'growth'?"},
		{"thread>3", "did you mean 'threads'?"},
		{"temperature>3", "there are rss, pss"},
		{"rss", "must stand between"},
		{"rss=2G", "must stand between"},
		{"rss=>2G", "did you mean '>='?"},
		{"rss!2G", "must stand between"},
		{"rss>", "not understood"},
		{"rss>-2", "not understood"},
		{"rss>2GG", "not understood"},
		{"rss>1e9", "not understood"},
		{"rss>1.2.3", "not understood"},
		{"rss>2M/min", "not understood"},
		{"growth>1M", "'growth>1M/min for 10m'"},
		{"growth>1M/fortnight", "not understood"},
		{"eta<1x", "not understood"},
		{"eta>1h", "did you mean 'eta<1h'?"},
		{"eta >= 90 for 1m", "did you mean 'eta<90 for 1m'?"},
		{"limit>900%", "would never fire"},
		{"limit>0.9", "write '90%' or '0.9%'"},
		{"rss>2G fro 10m", "did you mean 'for'?"},
		{"rss>2G for", "behind 'for' comes a time"},
		{"rss>2G for ever", "behind 'for' comes a time"},
		{"rss>2G for 10m now", "behind 'for' comes a time"},
		{"rss>2G and fds>3", "Only 'for 10m'"},
		{"", "a rule is like"},
		{">2", "a rule is like"},
		{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx>2", "there are"},
	};
	struct alert_rule r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (alert_parse(rows[i].text, &r) != -EINVAL)
			fail_msg("'%s' was accepted", rows[i].text);
		if (!strstr(fail_text(), rows[i].says))
			fail_msg("'%s': %s", rows[i].text, fail_text());
	}
}

static void a_rule_fires_once_after_its_time_and_ends(void **state)
{
	struct alert_state s = {0};
	struct alert_rule r;

	(void)state;
	assert_int_equal(alert_parse("fds>10 for 5s", &r), 0);
	assert_int_equal(alert_step(&r, &s, 11, 100), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, 11, 104), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, 10, 104.5), ALERT_NOTHING); /* starts anew */
	assert_int_equal(alert_step(&r, &s, 12, 105), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, NAN, 109), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, 12, 110), ALERT_FIRES);
	assert_int_equal(alert_step(&r, &s, 12, 111), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, NAN, 112), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, 9, 113), ALERT_ENDS);
	assert_int_equal(alert_step(&r, &s, 9, 114), ALERT_NOTHING);
	/* flutter */
	assert_int_equal(alert_step(&r, &s, 11, 120), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, 11, 126), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, 11, 110 + ALERT_AGAIN_S), ALERT_FIRES);
}

static void without_a_time_a_rule_fires_at_once(void **state)
{
	struct alert_state s = {0};
	struct alert_rule r;
	char text[200];

	(void)state;
	assert_int_equal(alert_parse("eta<1h", &r), 0);
	assert_int_equal(alert_step(&r, &s, INFINITY, 1), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, 3600, 2), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, 3599, 3), ALERT_FIRES);
	assert_string_equal(alert_sentence(&r, 1800, text, sizeof(text)),
			    "eta is 30 m 00 s, below 60 m 00 s");
	assert_string_equal(alert_sentence(&r, INFINITY, text, sizeof(text)),
			    "eta is back at never, above 60 m 00 s");
}

/* Two workers that would each take an hour, one that rests, one with less in a cgroup. */
static void ram_is_used_up_by_all_that_grow(void **state)
{
	struct metrics m[] = {{.is_of_ram = true, .v[METRIC_ETA] = 3600},
			      {.is_of_ram = true, .v[METRIC_ETA] = INFINITY},
			      {.is_of_ram = false, .v[METRIC_ETA] = 600},
			      {.is_of_ram = true, .v[METRIC_ETA] = 3600},
			      {.is_of_ram = true, .v[METRIC_ETA] = NAN}};

	(void)state;
	metrics_share_ram(m, ARRAY_SIZE(m));
	assert_true(fabs(m[0].v[METRIC_ETA] - 1800) < 1e-6);
	assert_true(isinf(m[1].v[METRIC_ETA]) && isnan(m[4].v[METRIC_ETA]));
	assert_true(m[2].v[METRIC_ETA] == 600);
	assert_true(fabs(m[3].v[METRIC_ETA] - 1800) < 1e-6);
	m[3].v[METRIC_ETA] = 0;
	metrics_share_ram(m, ARRAY_SIZE(m));
	assert_true(m[0].v[METRIC_ETA] == 0);
}

static void a_rate_is_told_as_it_was_asked_for(void **state)
{
	struct alert_rule r;
	char text[128];

	(void)state;
	assert_int_equal(alert_parse("growth>1K/min", &r), 0);
	assert_string_equal(alert_sentence(&r, 1024, text, sizeof(text)),
			    "growth is 60.0 KiB/min, above 1.0 KiB/min");
	assert_int_equal(alert_parse("growth > 2M/hour", &r), 0);
	assert_string_equal(alert_sentence(&r, 1024, text, sizeof(text)),
			    "growth is 3.5 MiB/h, above 2.0 MiB/h");
	assert_int_equal(alert_parse("growth>1K/s", &r), 0);
	assert_string_equal(alert_sentence(&r, 2048, text, sizeof(text)),
			    "growth is 2.0 KiB/s, above 1.0 KiB/s");
}

static void a_value_close_to_the_rule_has_more_digits(void **state)
{
	static const struct {
		const char *rule, *want;
		double value;
	} row[] = {
		{"rss>2G", "rss is back at 2.0 GiB, at 2.0 GiB", 2147483648.0},
		{"rss>2G", "rss is 2.1 GiB, above 2.0 GiB", 2254857830.0},
		{"rss>2G", "rss is 2.01 GiB, above 2.00 GiB", 2160000000.0},
		{"rss>2G", "rss is 2.000004 GiB, above 2.000000 GiB", 2147483648.0 + 4096},
		{"rss>128M", "rss is 128.4 MiB, above 128.0 MiB", 134600000.0},
		{"limit>90%", "limit is 90.3 %, above 90.0 %", 90.3},
		{"fds>1000", "fds is 1024, above 1000", 1024},
		{"eta<2h", "eta is back at 7205 s, above 7200 s", 7205},
		{"eta<30", "eta is 29.8 s, below 30.0 s", 29.8},
		{"growth>1K/s", "growth is 1.02 KiB/s, above 1.00 KiB/s", 1044},
	};
	struct alert_rule r;
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(alert_parse(row[i].rule, &r), 0);
		alert_sentence(&r, row[i].value, text, sizeof(text));
		assert_string_equal(text, row[i].want);
	}
}

static void a_value_that_stays_unknown_is_told_once(void **state)
{
	struct alert_state s = {0};
	struct alert_rule r;

	(void)state;
	assert_int_equal(alert_parse("pss>1G", &r), 0);
	assert_int_equal(alert_step(&r, &s, NAN, 100), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, 1, 150), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, NAN, 151), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, NAN, 150 + ALERT_UNKNOWN_S), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, NAN, 151 + ALERT_UNKNOWN_S), ALERT_UNKNOWN);
	assert_int_equal(alert_step(&r, &s, NAN, 1000), ALERT_NOTHING);
	assert_int_equal(alert_step(&r, &s, 2e9, 1001), ALERT_FIRES);
}

static void an_event_is_one_line_of_json(void **state)
{
	const struct event e = {
		.time = 1700000000.25,
		.event = "alert",
		.state = "firing",
		.rule = "rss>2G",
		.name = "rss",
		.value = 2147483649,
		.limit = 2147483648,
		.pid = 7,
		.comm = "py\n\"x\"",
		.text = "rss is high",
	};
	char *line = out_event_line(&e);

	(void)state;
	assert_non_null(line);
	assert_string_equal(line,
			    "{\"event\": \"alert\", \"state\": \"firing\", "
			    "\"time\": \"2023-11-14T22:13:20.250Z\", \"rule\": \"rss>2G\", "
			    "\"name\": \"rss\", \"value\": 2147483649, \"limit\": 2147483648, "
			    "\"for_s\": 0, \"pid\": 7, \"comm\": \"py\\n\\\"x\\\"\", "
			    "\"text\": \"rss is high\"}\n");
	free(line);
}

/* Runs the hook until the tool ends, and gives its first line, or ours about it. */
static void said_of_hook(const char *command, char *const *env, char text[256])
{
	FILE *said = tmpfile();
	int was = dup(STDERR_FILENO);
	struct helper h;

	assert_non_null(said);
	fflush(stderr);
	dup2(fileno(said), STDERR_FILENO);
	assert_int_equal(hook_open(&h, command), 0);
	hook_start(&h, env, "rss>1M");
	hook_close(&h);
	dup2(was, STDERR_FILENO);
	close(was);
	rewind(said);
	assert_non_null(fgets(text, 256, said));
	fclose(said);
}

static void a_hook_that_outlives_the_tool_is_told(void **state)
{
	char *env[] = {NULL}, text[256];
	int pid = 0;

	(void)state;
	said_of_hook("exec sleep 30", env, text);
	assert_int_equal(sscanf(text,
				"pyleak-bpf: the hook for 'rss>1M' goes on without the tool: "
				"process %d",
				&pid),
			 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

static void a_hook_is_told_what_happens_now(void **state)
{
	char state_is[] = "PYLEAK_STATE=firing", *env[] = {state_is, NULL}, text[256];

	(void)state;
	setenv("PYLEAK_STATE", "resolved", 1); /* of a hook that started the tool */
	setenv("PYLEAK_STATE_OF_MINE", "stays", 1);
	said_of_hook("echo $PYLEAK_STATE $PYLEAK_STATE_OF_MINE", env, text);
	unsetenv("PYLEAK_STATE");
	unsetenv("PYLEAK_STATE_OF_MINE");
	assert_string_equal(text, "firing stays\n");
}

static bool at_the_second_look(void)
{
	static unsigned n;

	return n++;
}

/* A thousand events, more than a pipe has room for. */
static void fire(struct alerts *a)
{
	struct metrics m = {.v = {[METRIC_RSS] = 2}};

	for (unsigned i = 0; i < 1000; i++) {
		a->state[0][0] = (struct alert_state){0};
		alerts_check(a, 0, 1, "python", &m, i);
	}
}

static void a_pipe_that_nobody_reads_holds_up_nobody(void **state)
{
	const char *rule = "rss>1";
	char dir[] = "/tmp/pyleak-alert-XXXXXX", pipe[64];
	struct alerts a;
	int reader;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(pipe, sizeof(pipe), "%s/pipe", dir);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	alarm(20);
	assert_int_equal(alerts_init(&rule, 1, &a), 0);
	assert_int_equal(alerts_open(&a, pipe, NULL, at_the_second_look), -ECANCELED);
	reader = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(alerts_open(&a, pipe, NULL, at_the_second_look), 0);
	a.is_quiet = true;
	fire(&a);
	assert_true(a.log_failed);
	alarm(0);
	alerts_close(&a);
	close(reader);
	unlink(pipe);
	rmdir(dir);
}

static void a_line_that_is_cut_is_told_with_its_cause(void **state)
{
	const char *rule = "rss>1";
	char path[] = "/tmp/pyleak-alert-XXXXXX", text[256] = "";
	int said[2], was = dup(STDERR_FILENO), file = mkstemp(path);
	struct rlimit limit, small;
	struct alerts a;

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(pipe(said), 0);
	assert_int_equal(alerts_init(&rule, 1, &a), 0);
	assert_int_equal(alerts_open(&a, path, NULL, at_the_second_look), 0);
	a.is_quiet = true;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){100, limit.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	fflush(stderr);
	dup2(said[1], STDERR_FILENO);
	setrlimit(RLIMIT_FSIZE, &small);
	fire(&a);
	setrlimit(RLIMIT_FSIZE, &limit);
	dup2(was, STDERR_FILENO);
	close(was);
	assert_true(read(said[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "pyleak-bpf: the alert log cannot be written: File too large\n");
	alerts_close(&a);
	close(said[0]);
	close(said[1]);
	close(file);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_mean_what_they_say),
		cmocka_unit_test(mistakes_are_refused_with_what_was_meant),
		cmocka_unit_test(a_rule_fires_once_after_its_time_and_ends),
		cmocka_unit_test(without_a_time_a_rule_fires_at_once),
		cmocka_unit_test(ram_is_used_up_by_all_that_grow),
		cmocka_unit_test(a_rate_is_told_as_it_was_asked_for),
		cmocka_unit_test(a_value_close_to_the_rule_has_more_digits),
		cmocka_unit_test(a_value_that_stays_unknown_is_told_once),
		cmocka_unit_test(an_event_is_one_line_of_json),
		cmocka_unit_test(a_hook_that_outlives_the_tool_is_told),
		cmocka_unit_test(a_hook_is_told_what_happens_now),
		cmocka_unit_test(a_pipe_that_nobody_reads_holds_up_nobody),
		cmocka_unit_test(a_line_that_is_cut_is_told_with_its_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Baselines: learning, departing, and files that are none. */
#include "report/baseline.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out/out.h"
#include "unit.h"

static char path[] = "/tmp/pyleak-baseline-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	return fd < 0 ? -1 : 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static const char *words[] = {"/usr/bin/python3", "-X", "dev", "-u", "/srv/app/web.py", "--port"};

/* A run of @mib MiB. */
static struct report *run(double mib, enum report_class verdict)
{
	struct report_process *p;
	struct report *r;

	assert_int_equal(report_new(&r), 0);
	p = report_alloc(r, sizeof(*p));
	assert_non_null(p);
	memset(p, 0, sizeof(*p));
	p->comm = "python3";
	p->cmdline = words;
	p->n_cmdline = ARRAY_SIZE(words);
	p->rss_bytes = (uint64_t)(mib * 1048576);
	p->rss_growth_bytes_per_s = 100;
	p->verdict = verdict;
	p->series = report_alloc(r, sizeof(*p->series));
	*p->series = (struct report_series){.heap_bytes = REPORT_UNKNOWN, .fds = 20, .threads = 3};
	p->n_series = 1;
	r->processes = p;
	r->n_processes = 1;
	r->duration_s = 60;
	return r;
}

/* Judged, learned; the number of departures. */
static size_t one(struct baseline *b, double mib, enum report_class verdict)
{
	struct report *r = run(mib, verdict);
	size_t n;

	baseline_judge(b, r, r->processes);
	n = r->processes->baseline.n_departures;
	if (n)
		assert_string_equal(r->processes->baseline.departures[0].name, "rss_bytes");
	assert_string_equal(r->processes->baseline.service, "web.py");
	assert_int_equal(baseline_learn(b, r, r->processes), 0);
	report_free(r);
	return n;
}

static int read_file(const char *name, struct baseline *out)
{
	FILE *f = fopen(name, "r");
	int err;

	assert_non_null(f);
	err = baseline_read(f, name, out);
	fclose(f);
	return err;
}

static int write_file(const struct baseline *b)
{
	FILE *f = fopen(path, "w");
	int err;

	assert_non_null(f);
	err = out_baseline(f, b);
	return fclose(f) ? -EIO : err;
}

static void a_run_unlike_the_others_is_told_and_not_learned(void **state)
{
	struct baseline b = {0};

	(void)state;
	assert_int_equal(one(&b, 100, CLASS_STEADY), 0);
	assert_int_equal(one(&b, 900, CLASS_STEADY), 0); /* too little known yet */
	assert_int_equal(one(&b, 104, CLASS_STEADY), 0);
	assert_int_equal(one(&b, 96, CLASS_WARMUP), 0);
	assert_int_equal(one(&b, 102, CLASS_STEADY), 0);
	assert_int_equal(b.services.v[0].n, 5);
	assert_int_equal(one(&b, 300, CLASS_STEADY), 1);
	assert_int_equal(one(&b, 103, CLASS_LEAK), 0);
	assert_int_equal(b.services.v[0].n, 5);		/* neither was learned */
	assert_int_equal(one(&b, 50, CLASS_STEADY), 0); /* less is no alarm */
	for (int i = 0; i < 2 * BASELINE_RUNS; i++)
		assert_int_equal(one(&b, 100 + i % 7, CLASS_STEADY), 0);
	assert_int_equal(b.services.v[0].n, BASELINE_RUNS);
	assert_int_equal(b.services.n, 1);
	baseline_free(&b);
}

/* Departures of a run that grows by @kib KiB a second. */
static size_t growing(const struct baseline *b, double kib, double duration_s)
{
	struct report *r = run(100, CLASS_STEADY);
	size_t n;

	r->duration_s = duration_s;
	r->processes->rss_growth_bytes_per_s = kib * 1024;
	baseline_judge(b, r, r->processes);
	n = r->processes->baseline.n_departures;
	if (n)
		assert_string_equal(r->processes->baseline.departures[0].name,
				    "growth_bytes_per_s");
	report_free(r);
	return n;
}

static void a_slope_of_a_few_seconds_is_no_departure(void **state)
{
	struct baseline b = {0};

	(void)state;
	for (int i = 0; i < 5; i++)
		one(&b, 100, CLASS_STEADY);
	assert_int_equal(growing(&b, 72, 6), 0); /* less than half a megabyte in all */
	assert_int_equal(growing(&b, 200, 6), 1);
	assert_int_equal(growing(&b, 20, 60), 1); /* 1.2 MiB */
	assert_int_equal(growing(&b, 20, 600), 1);
	assert_int_equal(growing(&b, 12, 600), 0);
	baseline_free(&b);
}

static void a_baseline_read_back_is_the_same(void **state)
{
	struct baseline b = {0}, again;

	(void)state;
	for (int i = 0; i < 5; i++)
		one(&b, 100 + i, CLASS_STEADY);
	assert_int_equal(write_file(&b), 0);
	assert_int_equal(read_file(path, &again), 0);
	assert_int_equal(again.services.n, 1);
	assert_string_equal(again.services.v[0].name, "web.py");
	assert_int_equal(again.services.v[0].n, 5);
	for (size_t i = 0; i < 5; i++) {
		const struct baseline_run *x = &b.services.v[0].run[i];
		const struct baseline_run *y = &again.services.v[0].run[i];

		for (enum baseline_number k = 0; k < BASELINE_MAX; k++)
			assert_true(x->v[k] == y->v[k] || (isnan(x->v[k]) && isnan(y->v[k])));
	}
	baseline_free(&b);
	baseline_free(&again);
}

static void put(const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void files_that_are_none_are_told_so(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"", "cut short"},
		{"{\"schema\": \"pyleak-bpf/baseline/1\", \"serv", "cut short"},
		{"hello", "cut short or no JSON"},
		{"[]", "no baseline"},
		{"{\"schema\": \"pyleak-bpf/report/1\"}", "no baseline"},
		{"{\"schema\": 7}", "no baseline"},
		{"{\"schema\": \"pyleak-bpf/baseline/2\"}",
		 "this tool reads pyleak-bpf/baseline/1"},
	};
	struct baseline b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put(rows[i].text, strlen(rows[i].text));
		assert_int_equal(read_file(path, &b), -EINVAL);
		if (!strstr(fail_text(), rows[i].says) || !strstr(fail_text(), path))
			fail_msg("%s: %s", rows[i].text, fail_text());
		assert_int_equal(b.services.n, 0);
	}
	assert_int_equal(baseline_read(NULL, "nothing", &b), 0);
	assert_int_equal(b.services.n, 0);
	assert_true(read_file("/", &b) < 0);
}

/* Every cut of a good file is refused or whole; lies are unknown numbers. */
static void cut_anywhere_and_lies(void **state)
{
	static const char lies[] =
		"{\"schema\": \"pyleak-bpf/baseline/1\", \"services\": [7, {\"service\": \"x\"}, "
		"{\"service\": \"y\", \"runs\": [1, null, {\"rss_bytes\": \"many\", \"fds\": "
		"1e999, "
		"\"threads\": [1]}, {}]}]}";
	struct baseline b = {0};
	char text[4096];
	size_t n;
	FILE *f;

	(void)state;
	one(&b, 100, CLASS_STEADY);
	assert_int_equal(write_file(&b), 0);
	baseline_free(&b);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	for (size_t i = 0; i + 2 < n; i++) {
		put(text, i);
		assert_int_equal(read_file(path, &b), -EINVAL);
	}
	put(lies, sizeof(lies) - 1);
	assert_int_equal(read_file(path, &b), 0);
	assert_int_equal(b.services.n, 1);
	assert_true(isnan(b.services.v[0].run[0].v[BASELINE_RSS]));
	assert_int_equal(one(&b, 100, CLASS_STEADY), 0);
	baseline_free(&b);
}

static void services_are_named_by_what_they_run(void **state)
{
	static const struct {
		const char *cmdline[6], *name;
	} rows[] = {
		{{"/usr/bin/python3.11", "/srv/a/worker.py", "-x"}, "worker.py"},
		{{"python3", "-m", "http.server", "80"}, "http.server"},
		{{"python3", "-u", "-W", "error", "x.py"}, "x.py"},
		{{"python3", "-Im", "http.server"}, "http.server"},
		{{"python3", "-mhttp.server"}, "http.server"},
		{{"python3", "-Wignore::c", "-bX", "dev", "x.py"}, "x.py"},
		{{"python3", "-c", "pass"}, "comm"},
		{{"python3", "-m"}, "comm"},
		{{"python3", "-", "--queue"}, "comm"},
		{{"python3", "-Ic", "import secret"}, "comm"},
		{{"python3"}, "comm"},
		{{"gunicorn: master [web]"}, "comm"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct report_process p = {.comm = "comm",
					   .cmdline = (const char **)rows[i].cmdline};
		struct report *r;

		while (p.n_cmdline < 6 && rows[i].cmdline[p.n_cmdline])
			p.n_cmdline++;
		assert_int_equal(report_new(&r), 0);
		assert_string_equal(baseline_service_name(r, &p), rows[i].name);
		report_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_unlike_the_others_is_told_and_not_learned),
		cmocka_unit_test(a_slope_of_a_few_seconds_is_no_departure),
		cmocka_unit_test(a_baseline_read_back_is_the_same),
		cmocka_unit_test(files_that_are_none_are_told_so),
		cmocka_unit_test(cut_anywhere_and_lies),
		cmocka_unit_test(services_are_named_by_what_they_run),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Metrics: what is left out to keep their number bounded is counted, each series once. */
#include <math.h>
#include <stdio.h>

#include "report/report.h"
#include "serve/serve.h"
#include "unit.h"

#define SITES	  12
#define PROCESSES 4

static struct report_site site[PROCESSES][SITES];
static struct report_process process[PROCESSES];

/* Workers of one program, which have their sites in common. */
static struct report *workers(void)
{
	struct report *r;

	assert_int_equal(report_new(&r), 0);
	for (size_t i = 0; i < PROCESSES; i++) {
		report_process_init(&process[i]);
		process[i].pid = (int)(100 + i);
		process[i].comm = "worker";
		process[i].sites = site[i];
		process[i].n_sites = SITES;
		for (size_t k = 0; k < SITES; k++)
			snprintf(site[i][k].id, sizeof(site[i][k].id), "%016zu", k + 1);
	}
	r->version = "0.0.0";
	r->processes = process;
	r->n_processes = 2;
	return r;
}

static void scrape(const struct report *r, struct serve_metrics_opts *o, uint64_t want)
{
	char line[64], *text;
	size_t len;

	snprintf(line, sizeof(line), "\npyleak_series_dropped_total %u\n", (unsigned)want);
	assert_int_equal(serve_metrics(r, o, &text, &len), 0);
	assert_non_null(strstr(text, line));
	free(text);
}

static void a_series_is_dropped_once(void **state)
{
	struct serve_metrics_opts o = {.processes = 2, .sites = 10};
	struct report *r = workers();

	(void)state;
	for (int i = 0; i < 3; i++)
		scrape(r, &o, 2); /* of the program: both workers have these two */
	r->n_processes = 3;
	for (int i = 0; i < 3; i++)
		scrape(r, &o, 2 + 5); /* one process more, by five gauges */
	r->n_processes = 4;
	for (int i = 0; i < 3; i++)
		scrape(r, &o, 2 + 10);
	r->n_processes = 2;
	scrape(r, &o, 2 + 10);
	site[1][SITES - 1].kind = KIND_FD; /* the same stack, another thing */
	for (int i = 0; i < 3; i++)
		scrape(r, &o, 3 + 10);
	map64_free(&o.left_out);
	report_free(r);
}

/* In months more processes are left out than are remembered, most of which have ended. */
static void what_is_still_left_out_is_not_dropped_again(void **state)
{
	struct serve_metrics_opts o = {.processes = 1, .sites = SITES};
	struct report *r = workers();
	unsigned gone = 0;

	(void)state;
	r->n_processes = 3;
	process[1].pid = 7;
	for (; gone < 20000; gone++) {
		char *text;
		size_t len;

		process[2].pid = (int)(100 + gone);
		assert_int_equal(serve_metrics(r, &o, &text, &len), 0);
		free(text);
	}
	scrape(r, &o, 5 * (1 + gone));
	assert_in_range(o.left_out.n, 1, 1 << 15);
	map64_free(&o.left_out);
	report_free(r);
}

static unsigned occurrences(const char *text, const char *of)
{
	unsigned n = 0;

	while ((text = strstr(text, of))) {
		text += strlen(of);
		n++;
	}
	return n;
}

/* The metrics of three workers, one site each, which make two series; to be freed. */
static char *two_series(struct report *r)
{
	struct serve_metrics_opts o = {.processes = 3, .sites = 1};
	char *text;
	size_t len;

	r->n_processes = 3;
	assert_int_equal(serve_metrics(r, &o, &text, &len), 0);
	assert_int_equal(occurrences(text, "\npyleak_site_outstanding_bytes{"), 2);
	map64_free(&o.left_out);
	return text;
}

/* Bytes that a scrape cannot take are shown as "?". */
static void names_that_are_shown_alike_are_one_series(void **state)
{
	struct report *r = workers();

	(void)state;
	process[0].comm = "caf\xc3\xa9";
	process[1].comm = "caf\xc3\xa8";
	process[2].comm = "caf\xc3";
	free(two_series(r));
	report_free(r);
}

/* Descriptors have no bytes; a worker of which nothing is known yet takes nothing from the other.
 */
static void bytes_of_sites_are_left_out_where_not_known(void **state)
{
	static const char *const name[] = {"\npyleak_site_growth_bytes_per_second{",
					   "\npyleak_site_outstanding_bytes{"};
	struct serve_metrics_opts o = {.processes = 2, .sites = 1};
	struct report_site was[2] = {site[0][0], site[1][0]};
	struct report *r = workers();
	char *text;
	size_t len;

	(void)state;
	site[0][0].growth_bytes_per_s = site[0][0].outstanding_bytes = NAN;
	for (unsigned shown = 0; shown < 2; shown++) {
		double v = shown ? 5.5 : NAN;

		site[1][0].growth_bytes_per_s = site[1][0].outstanding_bytes = v;
		assert_int_equal(serve_metrics(r, &o, &text, &len), 0);
		for (size_t i = 0; i < ARRAY_SIZE(name); i++)
			assert_int_equal(occurrences(text, name[i]), shown);
		assert_int_equal(occurrences(text, "\npyleak_site_info{"), 1);
		assert_int_equal(occurrences(text, "} 5.5\n"), 2 * shown);
		free(text);
	}
	site[0][0] = was[0];
	site[1][0] = was[1];
	map64_free(&o.left_out);
	report_free(r);
}

/* Two workers have the site in common, and one of them is judged to leak there. */
static void a_site_is_told_by_its_worst_verdict(void **state)
{
	struct serve_metrics_opts o = {.processes = 2, .sites = 1};
	struct report *r = workers();
	char *text;
	size_t len;

	(void)state;
	site[0][0].verdict = CLASS_GROWING;
	site[1][0].verdict = CLASS_LEAK;
	assert_int_equal(serve_metrics(r, &o, &text, &len), 0);
	assert_int_equal(occurrences(text, "\npyleak_site_info{"), 1);
	assert_non_null(strstr(text, "verdict=\"leak\""));
	free(text);
	site[0][0].verdict = site[1][0].verdict = 0;
	report_free(r);
}

/* Two users have a container of that name. */
static void no_two_series_have_the_same_labels(void **state)
{
	static const char labels[] =
		"pyleak_site_outstanding_bytes{site=\"0000000000000001\",kind=\"object\",comm="
		"\"worker\",container=\"web\",pod=\"\",namespace=\"\"} ";
	struct report *r = workers();
	char *text;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		process[i].container.id = i ? "aaaa" : "bbbb";
		process[i].container.name = "web";
		site[i][0].outstanding_bytes = 100;
	}
	/* This one is in another pod. */
	process[2].container.pod = "shop";
	text = two_series(r);
	assert_int_equal(occurrences(text, labels), 1);
	assert_int_equal(atoi(strstr(text, labels) + strlen(labels)), 200);
	free(text);
	report_free(r);
}

/* One that is left out of the metrics takes of it, too; of one in a cgroup, one that rests and one
 * that has ended nothing is to be feared. */
static void ram_is_used_up_by_all_that_grow(void **state)
{
	struct serve_metrics_opts o = {.processes = 1, .sites = 1};
	struct report *r = workers();

	(void)state;
	r->n_processes = PROCESSES;
	for (int k = 0; k < 2; k++) {
		char *text;
		size_t len;

		for (size_t i = 0; i < PROCESSES; i++) {
			process[i].memory.limit_source = k ? "cgroup" : "ram";
			process[i].memory.eta_s = i < 2 ? 3600 : NAN;
		}
		process[3].exited = true;
		process[3].memory.eta_s = 60;
		assert_int_equal(serve_metrics(r, &o, &text, &len), 0);
		assert_int_equal(occurrences(text, "\npyleak_ram_eta_seconds 1800\n"), !k);
		assert_int_equal(occurrences(text, "pyleak_ram_eta_seconds"), k ? 0 : 3);
		assert_int_equal(occurrences(text, k ? "pid=\"100\",limit=\"cgroup\"} 3600\n"
						     : "pid=\"100\",limit=\"ram\"} 3600\n"),
				 1);
		free(text);
	}
	map64_free(&o.left_out);
	report_free(r);
}

/* As in the text of a sweep: nobody knows that it is steady. */
static void one_that_is_too_early_is_not_steady(void **state)
{
	struct serve_metrics_opts o = {.processes = PROCESSES, .sites = 1};
	struct report *r = workers();
	char *text;
	size_t len;

	(void)state;
	r->n_processes = 3;
	report_too_early(&process[2]);
	assert_int_equal(serve_metrics(r, &o, &text, &len), 0);
	assert_int_equal(occurrences(text, "\npyleak_processes{class=\"steady\"} 2\n"), 1);
	assert_int_equal(occurrences(text, "\npyleak_processes{class=\"too_early\"} 1\n"), 1);
	assert_int_equal(occurrences(text, "pid=\"101\",class=\"steady\"} 1\n"), 1);
	assert_int_equal(occurrences(text, "pid=\"102\",class=\"too_early\"} 1\n"), 1);
	free(text);
	map64_free(&o.left_out);
	report_free(r);
}

/* The RAM of a host is more than ten digits. */
static void bytes_are_exact(void **state)
{
	struct serve_metrics_opts o = {.processes = 1, .sites = 1};
	struct report *r = workers();
	char *text;
	size_t len;

	(void)state;
	r->n_processes = 1;
	process[0].memory.limit_source = "ram";
	process[0].memory.limit_bytes = 25276063744;
	process[0].rss_growth_bytes_per_s = 160301.17654321;
	assert_int_equal(serve_metrics(r, &o, &text, &len), 0);
	assert_int_equal(occurrences(text, "} 25276063744\n"), 1);
	assert_int_equal(occurrences(text, "} 160301.1765\n"), 1);
	free(text);
	map64_free(&o.left_out);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_series_is_dropped_once),
		cmocka_unit_test(ram_is_used_up_by_all_that_grow),
		cmocka_unit_test(one_that_is_too_early_is_not_steady),
		cmocka_unit_test(what_is_still_left_out_is_not_dropped_again),
		cmocka_unit_test(no_two_series_have_the_same_labels),
		cmocka_unit_test(a_site_is_told_by_its_worst_verdict),
		cmocka_unit_test(bytes_of_sites_are_left_out_where_not_known),
		cmocka_unit_test(names_that_are_shown_alike_are_one_series),
		cmocka_unit_test(bytes_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

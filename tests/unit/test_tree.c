/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Workers as one process: what runs grows, what has ended only counts; written, read and printed.
 */
#include <math.h>
#include <unistd.h>

#include "out/out.h"
#include "out/term_priv.h"
#include "report/merge.h"
#include "report/read.h"
#include "sample_report.h"

static struct report *workers(struct report_tree *t, struct report_process *merged)
{
	struct report *r = sample_report();
	struct report_process *v = report_alloc(r, 3 * sizeof(*v));

	v[0] = v[1] = v[2] = sample_processes[0];
	v[1].pid = 1300;
	/* A number that was used before, by one that has ended. */
	v[2].exited = true;
	r->processes = v;
	r->n_processes = 3;
	assert_int_equal(report_merge_processes(r, v, 3, merged), 0);
	*t = (struct report_tree){.started = 1004,
				  .watched = 2,
				  .short_lived = 1000,
				  .not_python = 1,
				  .not_watched = 1,
				  .no_start = 1,
				  .merged = merged};
	r->tree = t;
	return r;
}

static const struct report_site *site_of(const struct report_process *p, const char *id)
{
	for (size_t i = 0; i < p->n_sites; i++)
		if (!strcmp(p->sites[i].id, id))
			return &p->sites[i];
	fail_msg("no site %s", id);
	return NULL;
}

static void those_that_have_ended_count_but_do_not_grow(void **state)
{
	struct report_process merged;
	struct report_tree t;
	struct report *r = workers(&t, &merged);
	const struct report_site *one = &sample_processes[0].sites[0], *all;

	(void)state;
	all = site_of(&merged, one->id);
	assert_int_equal(all->processes, 3);
	assert_true(fabs(all->outstanding_count - 3 * one->outstanding_count) < 1);
	assert_true(fabs(all->growth_bytes_per_s - 2 * one->growth_bytes_per_s) < 1);
	assert_int_equal(merged.n_members, 3);
	assert_int_equal(merged.rss_bytes, 2 * sample_processes[0].rss_bytes);
	assert_int_equal(merged.verdict, CLASS_LEAK);
	report_free(r);
}

static char *written(const struct report *r)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(out_json(f, r), 0);
	fclose(f);
	return text;
}

static struct report *read_back(const char *text)
{
	char path[] = "/tmp/pyleak-tree-XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	struct report *r = NULL;

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	assert_int_equal(report_read(path, &r), 0);
	unlink(path);
	return r;
}

/* Twice: what is no UTF-8 is replaced when it is first written. */
static void a_tree_read_back_is_the_same(void **state)
{
	struct report_process merged;
	struct report_tree t;
	struct report *r = workers(&t, &merged), *second, *third;
	char *text = written(r), *retold, *again;

	(void)state;
	second = read_back(text);
	assert_non_null(second->tree);
	assert_int_equal(second->tree->started, 1004);
	assert_int_equal(second->tree->short_lived, 1000);
	assert_int_equal(second->tree->merged->n_members, 3);
	assert_int_equal(second->tree->merged->n_sites, merged.n_sites);
	retold = written(second);
	third = read_back(retold);
	again = written(third);
	assert_string_equal(retold, again);
	report_free(r);
	report_free(second);
	report_free(third);
	free(text);
	free(retold);
	free(again);
}

static void the_sums_come_first(void **state)
{
	const struct out_term_opts o = {.top = 3};
	struct report_process merged;
	struct report_tree t;
	struct report *r = workers(&t, &merged);
	char *text = NULL, *sums, *line, *one;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(out_term(f, r, &o), 0);
	fclose(f);
	sums = strstr(text, "3 processes of gunicorn");
	line = strstr(text, "children: 1.0 k started, 2 watched, 1.0 k too short-lived");
	one = strstr(text, "pid 1300 gunicorn");
	if (!sums || !line || !one || !(sums < line && line < one))
		fail_msg("%s", text);
	/* The sites are those of all, told once. */
	assert_non_null(strstr(text, "#1 "));
	assert_null(strstr(strstr(text, "#1 ") + 1, "#1 "));
	assert_null(strstr(text, "just started"));
	report_free(r);
	free(text);
}

static void who_is_too_young_to_be_told_is_said(void **state)
{
	struct report_tree t = {.started = 54, .watched = 50, .not_watched = 3};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct line l;

	(void)state;
	line_init(&l, f, 0, false);
	term_tree(&l, &(struct report){.tree = &t});
	line_fini(&l);
	fclose(f);
	assert_non_null(strstr(text, "-v says why), 1 just started\n"));
	free(text);
}

/* Workers that are replaced, the second half when the first has been summed up already. */
static void what_watching_costs_is_summed_over_the_time(void **state)
{
	struct report *r = sample_report();
	struct report_process v[4], past, all;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		v[i] = sample_processes[0];
		v[i].core_pct = 1;
		v[i].watched_from_s = 100 + 10 * (double)i;
		v[i].watched_to_s = 110 + 10 * (double)i;
	}
	assert_int_equal(report_merge_processes(r, v, 4, &all), 0);
	assert_true(fabs(all.core_pct - 1) < 1e-9);
	assert_int_equal(report_merge_processes(r, v, 2, &past), 0);
	v[1] = past;
	assert_int_equal(report_merge_processes(r, v + 1, 3, &all), 0);
	assert_true(fabs(all.core_pct - 1) < 1e-9);
	assert_true(all.watched_from_s == 100 && all.watched_to_s == 140);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_watching_costs_is_summed_over_the_time),
		cmocka_unit_test(those_that_have_ended_count_but_do_not_grow),
		cmocka_unit_test(a_tree_read_back_is_the_same),
		cmocka_unit_test(the_sums_come_first),
		cmocka_unit_test(who_is_too_young_to_be_told_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two watches: of the same thing they hardly ever differ, a doubling is found, and who is who. */
#include <math.h>

#include "base/thresholds.h"
#include "compare/chance.h"
#include "compare/compare.h"
#include "unit.h"

#define SITES  20
#define ROUNDS 1000

static uint64_t seed = 0x5eed;

static double uniform(void)
{
	return ((double)(random_next(&seed) >> 11) + 0.5) / 9007199254740992.0;
}

static unsigned poisson(double mean)
{
	double p = 0;
	unsigned n = 0;

	while ((p -= log(uniform())) < mean)
		n++;
	return n;
}

/* A site whose events come by chance, @each objects at a time; what a report would say of it. */
static struct report_site site_of(size_t number, double events, unsigned each)
{
	double n = poisson(events);
	struct report_site s = {
		.id_by = "source",
		.verdict = CLASS_LEAK,
		.samples = (uint64_t)n * each,
		.independent = n,
		.growth_bytes_per_s = n * each * 100,
		.growth_count_per_s = n * each,
	};

	snprintf(s.id, sizeof(s.id), "%016zx", number + 1);
	return s;
}

struct watch {
	struct report_site site[SITES];
	struct report_process p;
	struct report r;
};

/* @times: how much faster the first leaks. As in a report, one sample is no site. */
static void watch(struct watch *w, double times)
{
	memset(w, 0, sizeof(*w));
	report_process_init(&w->p);
	for (size_t i = 0; i < SITES; i++) {
		double events = (i ? 3 + 15.0 * (double)i : 150) * (i ? 1 : times);
		struct report_site s = site_of(i, events, 1 + (unsigned)i % 7);

		if (s.independent >= 2)
			w->site[w->p.n_sites++] = s;
	}
	w->p.pid = 1;
	w->p.sites = w->site;
	w->p.on_s = 1;
	w->r = (struct report){
		.version = "0", .processes = &w->p, .n_processes = 1, .duration_s = 20};
}

static void watches_of_the_same_thing_do_not_differ(void **state)
{
	struct watch a, b;
	unsigned differ = 0;

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct compare c;

		watch(&a, 1);
		watch(&b, 1);
		assert_int_equal(compare_reports(&a.r, &b.r, &c), 0);
		differ += c.differs;
		compare_free(&c);
	}
	print_message("%u of %u pairs of watches of the same thing differ\n", differ, ROUNDS);
	assert_true(differ <= ROUNDS * DIFF_LEVEL);
}

static void a_doubling_is_found(void **state)
{
	struct watch a, b;
	unsigned found = 0, others = 0;

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct compare c;

		watch(&a, 1);
		watch(&b, 2);
		assert_int_equal(compare_reports(&a.r, &b.r, &c), 0);
		found += c.rows[0].is == COMPARE_GREW && !strcmp(c.rows[0].b->id, a.site[0].id);
		others += c.count[COMPARE_NEW] + c.count[COMPARE_SHRANK] + c.count[COMPARE_GONE];
		compare_free(&c);
	}
	print_message("found in %u of %u pairs, and %u others beside it\n", found, ROUNDS, others);
	assert_true(found >= ROUNDS * 95 / 100);
	assert_true(others <= ROUNDS * DIFF_LEVEL);
}

/* The interval holds the truth as often as it says. */
static void intervals_hold_the_truth(void **state)
{
	unsigned holds = 0;

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		double a = 40 + poisson(60), b = 40 + poisson(60);
		struct chance c;

		a = poisson(a);
		b = poisson(2 * b);
		c = chance_of_ratio(a, a, b, b);
		holds += c.low <= 2 && c.high >= 2;
	}
	assert_true(holds >= ROUNDS * 95 / 100);
}

static struct report report_of(struct report_process *p, struct report_site *s, size_t n)
{
	report_process_init(p);
	p->pid = 7;
	p->sites = s;
	p->n_sites = n;
	p->on_s = 5;
	return (struct report){.version = "0", .processes = p, .n_processes = 1, .duration_s = 20};
}

static struct report_site leak(const char *id, uint64_t samples)
{
	struct report_site s = {.verdict = CLASS_LEAK,
				.id_by = "source",
				.samples = samples,
				.independent = (double)samples,
				.growth_bytes_per_s = 1000,
				.growth_count_per_s = 10};

	snprintf(s.id, sizeof(s.id), "%s", id);
	return s;
}

static void what_one_report_alone_has_is_new_or_gone(void **state)
{
	struct report_site in_a[] = {leak("00000000000000aa", 100), leak("00000000000000ab", 3)},
			   in_b[] = {leak("00000000000000ba", 100)};
	struct report_process a, b;
	struct report ra = report_of(&a, in_a, 2), rb = report_of(&b, in_b, 1);
	struct compare c;

	(void)state;
	assert_int_equal(compare_reports(&ra, &rb, &c), 0);
	assert_int_equal(c.n_rows, 3);
	assert_int_equal(c.rows[0].is, COMPARE_NEW);
	assert_ptr_equal(c.rows[0].b, &in_b[0]);
	assert_null(c.rows[0].a);
	assert_int_equal(c.rows[1].is, COMPARE_GONE);
	assert_int_equal(c.rows[2].is, COMPARE_UNSURE); /* three samples may fail to come */
	assert_true(c.has_leak && c.differs);
	assert_true(isnan(c.rows[0].ratio));
	compare_free(&c);
	/* Nothing follows from what a short watch does not tell. */
	rb.duration_s = 9;
	assert_int_equal(compare_reports(&ra, &rb, &c), 0);
	assert_int_equal(c.count[COMPARE_GONE], 0);
	compare_free(&c);
	rb.duration_s = 20;
	/* A watch that saw a twentieth of that would not have seen it either. */
	b.on_s = 0.25;
	b.n_sites = 0;
	assert_int_equal(compare_reports(&ra, &rb, &c), 0);
	assert_int_equal(c.count[COMPARE_GONE], 0);
	assert_false(c.differs);
	compare_free(&c);
}

static enum compare_change only_in_a(struct report *ra, struct report *rb)
{
	enum compare_change is;
	struct compare c;

	assert_int_equal(compare_reports(ra, rb, &c), 0);
	assert_int_equal(c.n_rows, 1);
	is = c.rows[0].is;
	compare_free(&c);
	return is;
}

static void what_was_not_watched_is_not_gone(void **state)
{
	struct report_site in_a = leak("00000000000000aa", 100);
	struct report_process a, b;
	struct report ra = report_of(&a, &in_a, 1), rb = report_of(&b, NULL, 0);

	(void)state;
	assert_int_equal(only_in_a(&ra, &rb), COMPARE_GONE);
	b.on_s = 0;
	assert_int_equal(only_in_a(&ra, &rb), COMPARE_UNSURE);
	/* For how long it was is known of one watch alone. */
	b.on_s = NAN;
	assert_int_equal(only_in_a(&ra, &rb), COMPARE_UNSURE);
	a.on_s = NAN;
	assert_int_equal(only_in_a(&ra, &rb), COMPARE_GONE);
	/* Births were not watched, blocks of C code were. */
	in_a.kind = KIND_HEAP;
	b.on_s = 0;
	b.mode = "auto";
	assert_int_equal(only_in_a(&ra, &rb), COMPARE_GONE);
	b.mode = "growth";
	assert_int_equal(only_in_a(&ra, &rb), COMPARE_UNSURE);
}

/* Two processes with a rate each are not twice as much as one. */
static void rates_are_of_one_process(void **state)
{
	struct report_site in_a = leak("00000000000000aa", 100),
			   in_b = leak("00000000000000aa", 200);
	struct report_member two[] = {{.hostname = "x"}, {.hostname = "y"}};
	struct report_process a, b;
	struct report ra = report_of(&a, &in_a, 1), rb = report_of(&b, &in_b, 1);
	struct compare c;

	(void)state;
	in_b.growth_bytes_per_s *= 2;
	b.on_s *= 2;
	b.members = two;
	b.n_members = 2;
	assert_int_equal(compare_reports(&ra, &rb, &c), 0);
	assert_int_equal(c.b.processes, 2);
	assert_int_equal(c.b.hosts, 2);
	assert_int_equal(c.rows[0].is, COMPARE_SAME);
	assert_float_equal(c.rows[0].b_per_s, 1000, 1e-9);
	compare_free(&c);
}

/* Reports of older versions have other ids; where lines are equal, they are the same. */
static void ids_of_another_kind_are_compared_by_line(void **state)
{
	struct report_frame f = {.function = "add", .file = "/srv/app.py", .line = 4, .place = 3};
	struct report_site old = leak("", 100), new = leak("", 100), other = leak("", 100);
	struct report_frame moved = f;
	struct report_process a, b;
	struct report ra = report_of(&a, &old, 1), rb = report_of(&b, &new, 1);
	struct compare c;

	(void)state;
	old.stack = new.stack = &f;
	moved.place = 7;
	other.stack = &moved;
	old.n_frames = new.n_frames = other.n_frames = 1;
	old.id_by = NULL;
	report_line_id(&old, old.id);
	report_site_id(new.stack, 1, KIND_OBJECT, new.id);
	report_site_id(other.stack, 1, KIND_OBJECT, other.id);
	assert_string_not_equal(old.id, new.id);
	assert_int_equal(compare_reports(&ra, &rb, &c), 0);
	assert_int_equal(c.n_rows, 1);
	assert_true(c.rows[0].by_line);
	compare_free(&c);
	/* Both by their text: the line is the same, and the code is not. */
	a.sites = &other;
	assert_int_equal(compare_reports(&ra, &rb, &c), 0);
	assert_int_equal(c.n_rows, 2);
	compare_free(&c);
}

static void reports_of_nothing(void **state)
{
	struct report none = {.version = "0", .duration_s = NAN};
	struct report_site in_b = leak("00000000000000aa", 100);
	struct report_process b;
	struct report rb = report_of(&b, &in_b, 1);
	struct compare c;

	(void)state;
	assert_int_equal(compare_reports(&none, &none, &c), 0);
	assert_int_equal(c.n_rows, 0);
	assert_false(c.differs);
	assert_int_equal(compare_reports(&none, &rb, &c), 0);
	assert_int_equal(c.rows[0].is, COMPARE_UNSURE); /* nobody looked */
	compare_free(&c);
}

static void several_are_believed_together(void **state)
{
	const double p[] = {0.5, 0.012, 0.03, 0.9};

	(void)state;
	assert_float_equal(chance_limit(p, 4, 0.05), 0.012, 1e-12);
	assert_true(chance_limit(p + 2, 2, 0.05) < 0.03 + 1e-12);
	assert_true(chance_limit(NULL, 0, 0.05) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watches_of_the_same_thing_do_not_differ),
		cmocka_unit_test(a_doubling_is_found),
		cmocka_unit_test(intervals_hold_the_truth),
		cmocka_unit_test(what_one_report_alone_has_is_new_or_gone),
		cmocka_unit_test(what_was_not_watched_is_not_gone),
		cmocka_unit_test(rates_are_of_one_process),
		cmocka_unit_test(ids_of_another_kind_are_compared_by_line),
		cmocka_unit_test(reports_of_nothing),
		cmocka_unit_test(several_are_believed_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

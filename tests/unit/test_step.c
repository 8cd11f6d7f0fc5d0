/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One step between two lines is no rate; steps, and a new pace, are. */
#include "unit.h"

#include <math.h>

#include "base/step.h"

#define N    40
#define KIB  1024.0
#define STEP (3500 * KIB)

struct series_of {
	double t[N], v[N], top[N];
};

/* 410 KiB a second, a step at second @at, and @then KiB a second from there. */
static struct trend_points line(struct series_of *s, size_t at, double then)
{
	double v = 22000 * KIB;

	for (size_t i = 0; i < N; i++) {
		s->t[i] = (double)i;
		s->v[i] = v;
		s->top[i] = v + KIB;
		v += (i + 1 < at ? 410 : then) * KIB + (i + 1 == at ? STEP : 0);
	}
	return (struct trend_points){N, s->t, s->v, s->top};
}

static double slope_of(const struct trend_points *p)
{
	struct step_room room;
	const struct trend_points q = step_take_out(p, &room);
	struct trend_fit fit;

	trend_points_fit(&q, &fit);
	return fit.slope / KIB;
}

static bool is_kept(const struct trend_points *p)
{
	struct step_room room;

	return step_take_out(p, &room).v == p->v;
}

static void one_step_is_no_rate(void **state)
{
	struct series_of s;

	(void)state;
	for (size_t at = 6; at <= N - 3; at++) {
		struct trend_points p = line(&s, at, 410);

		assert_true(fabs(slope_of(&p) - 410) < 1);
		p.top = NULL;
		assert_true(fabs(slope_of(&p) - 410) < 1);
	}
}

static void a_new_pace_is_one(void **state)
{
	struct series_of s;

	(void)state;
	for (int then = 0; then <= 820; then += 820) {
		struct trend_points p = line(&s, 30, then);

		assert_true(is_kept(&p));
	}
}

/* A batch now and then, over a line; and a start that is short yet. */
static void steps_that_come_again_are_growth(void **state)
{
	struct series_of s;
	struct trend_points p = line(&s, 30, 410);

	(void)state;
	for (size_t i = 15; i < N; i++)
		s.v[i] += 0.6 * STEP;
	assert_true(is_kept(&p));
	p = line(&s, 5, 410);
	assert_true(is_kept(&p));
	p = line(&s, N - 2, 410);
	assert_true(is_kept(&p));
	p = line(&s, 30, 410);
	for (size_t i = 0; i < N; i++)
		s.v[i] += (i % 3 - 1.0) * STEP / 4; /* it is in the scatter */
	assert_true(is_kept(&p));
	p.n = 1;
	assert_true(is_kept(&p));
	p.n = 0;
	assert_true(is_kept(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_step_is_no_rate),
		cmocka_unit_test(a_new_pace_is_one),
		cmocka_unit_test(steps_that_come_again_are_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

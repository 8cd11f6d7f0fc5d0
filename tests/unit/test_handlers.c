/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The evaluator as handlers that jump to each other: found in this program, which is built so. */
#include "places/evaluator.h"
#include "self.h"

struct state {
	const uint8_t *code;
	int sum;
};
typedef int (*handler)(struct state *st, int last);

/* The section of the table; compilers choose .data.rel.ro. */
#ifndef TABLE
#define TABLE
#endif
extern const handler handlers_table[256];

#define NEXT(st, x) return handlers_table[*(st)->code++](st, x)

__attribute__((noinline)) int handlers_error(struct state *st, int last);
int handlers_error(struct state *st, int last)
{
	return st->sum - last;
}

static int handlers_end(struct state *st, int last)
{
	return st->sum + last;
}

#define HANDLER(n)                                        \
	static int h##n(struct state *st, int last)       \
	{                                                 \
		if (last < 0)                             \
			return handlers_error(st, 0x##n); \
		st->sum += 0x##n * last;                  \
		NEXT(st, 0x##n);                          \
	}
#define LOW(X, of)  X(of##0) X(of##1) X(of##2) X(of##3) X(of##4) X(of##5) X(of##6) X(of##7)
#define HIGH(X, of) X(of##8) X(of##9) X(of##a) X(of##b) X(of##c) X(of##d) X(of##e) X(of##f)
#define ROW(X, of)  LOW(X, of) HIGH(X, of)
#define ALL(X)	    ROW(X, 0) ROW(X, 1) ROW(X, 2) ROW(X, 3) ROW(X, 4) ROW(X, 5) ROW(X, 6) ROW(X, 7)
ALL(HANDLER)

#define NAME(n) h##n,
#define X8(x)	x, x, x, x, x, x, x, x
TABLE const handler handlers_table[256] = {
	ALL(NAME) X8(handlers_end), X8(handlers_end), X8(handlers_end), X8(handlers_end),
	X8(handlers_end),	    X8(handlers_end), X8(handlers_end), X8(handlers_end),
	X8(handlers_end),	    X8(handlers_end), X8(handlers_end), X8(handlers_end),
	X8(handlers_end),	    X8(handlers_end), X8(handlers_end), X8(handlers_end),
};

/* Found by its name. */
int _PyEval_EvalFrameDefault(const uint8_t *code);
__attribute__((noinline)) int _PyEval_EvalFrameDefault(const uint8_t *code)
{
	struct state st = {.code = code};
	int sum = handlers_table[*st.code++](&st, 1);

	return sum + st.sum; /* so that it is no jump */
}

static bool holds(const struct code_range *v, size_t n, const void *p)
{
	uint64_t at = (uintptr_t)p;

	for (size_t i = 0; i < n; i++)
		if (at - v[i].start < v[i].end - v[i].start)
			return true;
	return false;
}

static size_t find(int minor, struct code_range *out, size_t max)
{
	struct proc *p = self_open();
	struct py_runtime rt = {.minor = minor, .proc = p};
	size_t n;

	assert_int_equal(dso_open("/proc/self/exe", &rt.dso), 0);
	assert_true(py_load_bias(p, proc_find_map(p, (uintptr_t)find), rt.dso, &rt.bias));
	n = places_evaluator(&rt, out, max);
	dso_close(rt.dso);
	proc_close(p);
	return n;
}

static void test_handlers_are_the_evaluator(void **state)
{
	static const uint8_t code[] = {1, 2, 3, 200};
	struct code_range v[512];
	size_t n = find(14, v, ARRAY_SIZE(v));

	(void)state;
	assert_int_equal(_PyEval_EvalFrameDefault(code), 2 * (1 + 2 + 6) + 3);
	assert_true(n > 0);
	for (size_t i = 0; i < ARRAY_SIZE(handlers_table); i++)
		assert_true(holds(v, n, (const void *)(uintptr_t)handlers_table[i]));
	assert_true(holds(v, n, (const void *)(uintptr_t)handlers_error));
	/* It stays below the handlers, and stands for no frame. */
	assert_false(holds(v, n, (const void *)(uintptr_t)_PyEval_EvalFrameDefault));
	assert_false(holds(v, n, (const void *)(uintptr_t)find));
}

static void test_before_there_were_handlers(void **state)
{
	struct code_range v[512];
	size_t n = find(13, v, ARRAY_SIZE(v));

	(void)state;
	assert_true(holds(v, n, (const void *)(uintptr_t)_PyEval_EvalFrameDefault));
	assert_false(holds(v, n, (const void *)(uintptr_t)handlers_table[0]));
}

static void test_too_many_are_cut(void **state)
{
	struct code_range v[2];

	(void)state;
	assert_in_range(find(14, v, ARRAY_SIZE(v)), 1, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handlers_are_the_evaluator),
		cmocka_unit_test(test_before_there_were_handlers),
		cmocka_unit_test(test_too_many_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where Python's memory lies, or how much of it lives, cannot be read: then no part is told, rather
 * than all of it as another one. */
#include "heap/inside.h"
#include "heap/malloc.h"
#include "heap/parts.h"
#include "unit.h"

#define MIB 1048576ull

static int of_arenas, of_census;

static int read_arenas(void)
{
	return of_arenas ? fail(of_arenas, "the list of arenas moved while it was read") : 0;
}

static int count(struct heap_census *c)
{
	*c = (struct heap_census){.big_bytes = MIB};
	return of_census ? fail(of_census, "out of memory") : 0;
}

/* One mapping, an arena. */
static int give_rows(struct proc_resident **rows, size_t *n)
{
	*n = 1;
	*rows = calloc(1, sizeof(**rows));
	assert_non_null(*rows);
	**rows = (struct proc_resident){.start = 64 * MIB,
					.end = 68 * MIB,
					.rss_bytes = 4 * MIB,
					.kind = PROC_ROW_ANON,
					.writable = 1};
	return 0;
}

#define heap_can_count(h)		  ((void)(h), true)
#define heap_read_arenas(h)		  ((void)(h), read_arenas())
#define heap_census(h, c)		  ((void)(h), count(c))
#define heap_malloc_find(h, rows, n, out) ((void)(h), (void)(rows), (void)(n), (void)(out), 0)
#define proc_resident_rows(p, rows, n)	  ((void)(p), give_rows(rows, n))
#define proc_resident_runs(p, from, to, bytes, visit, ctx) \
	((void)(p), (void)(bytes), visit(from, to, ctx))
#define proc_memory(p, m) ((void)(p), (void)(m), -ESRCH)

#include "heap/parts.c"

static int parts_of(struct heap_parts *out)
{
	struct heap_arena arena = {.start = 64 * MIB, .end = 68 * MIB};
	struct py_runtime rt = {.minor = 11};
	struct heap h = {.rt = &rt, .arena = {.v = &arena, .n = 1}};

	return heap_parts(&h, out);
}

static void what_cannot_be_read_is_nothing_else(void **state)
{
	struct heap_parts parts;

	(void)state;
	assert_int_equal(parts_of(&parts), 0);
	assert_int_equal(parts.python_live, MIB);
	assert_int_equal(parts.python_slack, 3 * MIB);
	assert_int_equal(parts.mmap + parts.other, 0);
	of_arenas = -EAGAIN;
	assert_int_equal(parts_of(&parts), -EAGAIN);
	of_arenas = 0;
	of_census = -ENOMEM;
	assert_int_equal(parts_of(&parts), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_read_is_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An array that is read when its owner is, of this process. */
#include "unit.h"

#include <errno.h>
#include <unistd.h>

#include "why/scan_priv.h"

#define MIB (1u << 20)

struct watcher {
	unsigned seen, last; /* times it was told; the one at which it wants no more */
};

static int watch(const struct heap_progress *at, void *ctx)
{
	struct watcher *w = ctx;

	(void)at;
	return ++w->seen == w->last ? -ECANCELED : 0;
}

/* One may be as big as all the rest: the pace, the deadline and Ctrl-C are the watcher's. */
static void a_big_array_is_told_of_and_can_be_left(void **state)
{
	static uint64_t array[16 * MIB / 8];

	(void)state;
	memset(array, 0xff, sizeof(array));
	for (unsigned last = 0; last < 5; last += 4) {
		struct watcher w = {.last = last};
		struct py_runtime rt = {0};
		struct heap h = {.rt = &rt, .watch = watch, .watch_ctx = &w};
		struct graph g = {.h = &h, .direct_bytes = 64 * MIB};
		struct scan s = {.g = &g};
		struct proc *p;

		assert_int_equal(proc_open(getpid(), &p), 0);
		rt.proc = p;
		scan_direct(&s, (uintptr_t)array, ARRAY_SIZE(array), 1, 1);
		assert_int_equal(s.err, last ? -ECANCELED : 0);
		assert_int_equal(w.seen, last ? last : 15);
		assert_int_equal(g.unreadable, 0);
		proc_close(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_big_array_is_told_of_and_can_be_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Full collections of a collector whose counters are in the memory of this process. */
#include "unit/self.h"

#include "py/py_priv.h"

enum { OLDEST = 912 / 8, ITEM = 64 / 8, COLLECTIONS = 16 / 8, RINGS = 1112 / 8 };

/* The rings of 3.15.0rc1 end with the index of the oldest one's newest item; later releases go on
 * with a number that is even while they stay. */
static void rings_need_nothing_behind_them(void **state)
{
	struct {
		uint64_t interps, interp[2], gc[20], rings[RINGS + 1];
	} w = {.rings = {[RINGS] = 0xbad}};
	struct proc *self = self_open();
	struct py_runtime rt = {.proc = self, .minor = 15, .runtime = (uintptr_t)&w};
	uint64_t full = 0;

	(void)state;
	rt.layout.interp_next = 8;
	rt.layout.interp_gc = sizeof(w.interp);
	rt.layout.gc_stats = 104;
	w.interps = (uintptr_t)w.interp;
	assert_int_equal(py_full_collections(&rt, &full), -ENODATA);
	w.gc[104 / 8] = (uintptr_t)w.rings;
	for (uint64_t n = 0; n < 8; n++) {
		w.rings[OLDEST + n % 3 * ITEM + COLLECTIONS] = n;
		assert_int_equal(py_full_collections(&rt, &full), 0);
		assert_int_equal(full, n);
	}
	proc_close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_need_nothing_behind_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a search begins in static data: this program's own, beside a heap of one block. */
#include "unit/self.h"

#include "why/roots.h"

#define FLAGS 21	/* tp_flags, in words */
#define BLOCK 0x2005500 /* where the block is: the flags of a class that extends list */

static uint64_t runtime, interp[8], metaclass[FLAGS + 1], class[FLAGS + 1];
static volatile uint64_t holder;

static bool begins_at(const struct reach *r, const volatile uint64_t *word)
{
	for (size_t i = 0; i < r->root.n; i++)
		if (r->root.v[i].kind >= REACH_LIBRARY && r->root.v[i].kind <= REACH_STATIC &&
		    r->root.v[i].at == (uintptr_t)word)
			return true;
	return false;
}

/* A class of a library, and one of CPython's own. */
static void the_flags_of_a_class_are_no_address(void **state)
{
	(void)state;
	runtime = (uintptr_t)interp;
	holder = class[FLAGS] = BLOCK;
	class[1] = metaclass[1] = (uintptr_t)metaclass;
	metaclass[FLAGS] = TPF_TYPE | 1 << 12; /* it is ready */
	for (int is_python = 0; is_python < 2; is_python++) {
		struct graph_block block = {BLOCK, 64, 0};
		struct graph_region region = {BLOCK, BLOCK + 64, 0, 1, NULL};
		struct graph_type types[] = {{.kind = GRAPH_BUFFER}};
		uint16_t type[] = {0};
		struct py_runtime rt = {
			.runtime = (uintptr_t)&runtime,
			.type_type = (uintptr_t)metaclass,
			.layout = {.ob_type = 8, .tp_flags = 8 * FLAGS},
		};
		struct heap h = {.rt = &rt, .static_end = is_python ? UINT64_MAX : 0};
		struct graph g = {.h = &h,
				  .types = {types, 1, 1},
				  .type = {type, 1, 1},
				  .block = {&block, 1, 1},
				  .region = {&region, 1, 1},
				  .n = 1};
		struct reach r = {.g = &g};
		struct proc *p = self_open();

		rt.proc = p;
		assert_int_equal(reach_find_roots(&r), 0);
		assert_true(begins_at(&r, &holder));
		assert_false(begins_at(&r, &class[FLAGS]));
		class[1] = 0; /* it is no class */
		reach_free(&r);
		r = (struct reach){.g = &g};
		assert_int_equal(reach_find_roots(&r), 0);
		assert_true(begins_at(&r, &class[FLAGS]));
		class[1] = (uintptr_t)metaclass;
		reach_free(&r);
		proc_close(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_flags_of_a_class_are_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a container was that has been freed, another one may lie. The memory that is read is ours.
 */
#include "inquiry/fills.h"
#include "py/py_priv.h"
#include "unit/self.h"

#define S    1000000000ull
#define LIST (1ull << 25)
#define DICT (1ull << 29)

static uint64_t type[3][64], object[16];

static void put(const struct py_layout *l, uint64_t *at, uint64_t *of, uint64_t flags)
{
	memcpy((uint8_t *)at + l->ob_type, &(uint64_t){(uintptr_t)of}, 8);
	memcpy((uint8_t *)at + l->tp_flags, &(uint64_t){flags | PY_TPFLAGS_READY}, 8);
}

static void become(const struct py_layout *l, uint64_t *of, uint64_t entries)
{
	memcpy((uint8_t *)object + l->ob_type, &(uint64_t){(uintptr_t)of}, 8);
	memcpy((uint8_t *)object + (of == type[1] ? l->ob_size : l->dict_used), &entries, 8);
}

static void what_lies_there_now_is_not_the_container(void **state)
{
	struct proc *self = self_open();
	struct py_private priv = {.build = py_table(11)};
	struct py_layout *l = &priv.build.layout;
	struct py_runtime rt = {.proc = self,
				.priv = &priv,
				.minor = 11,
				.layout = *l,
				.type_type = (uintptr_t)type[0]};
	struct fill f = {.addr = (uintptr_t)object, .first = 10, .last = 10, .calm = 10};
	struct fill_steps steps = {0};

	(void)state;
	put(l, type[0], type[0], PY_TPFLAGS_TYPE_SUBCLASS);
	put(l, type[1], type[0], LIST);
	put(l, type[2], type[0], DICT);
	for (uint64_t i = 1; i < 4; i++) {
		become(l, type[1], 10 * i);
		fill_look(&f, &steps, &rt, i * S);
		assert_int_equal(f.last, 10 * i);
	}
	become(l, type[2], 5000);
	fill_look(&f, &steps, &rt, 4 * S);
	assert_int_equal(f.addr, 0);
	assert_int_equal(f.last, 30);
	/* Found there, it is one like any other. */
	f = (struct fill){.addr = (uintptr_t)object, .first = 5000, .last = 5000, .calm = 5000};
	become(l, type[2], 5100);
	fill_look(&f, &steps, &rt, 5 * S);
	assert_int_equal(f.last, 5100);
	proc_close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lies_there_now_is_not_the_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

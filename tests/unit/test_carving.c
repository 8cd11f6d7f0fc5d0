/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Objects in memory that was handed out for the first time: pools are made up here, in the memory
 * of this program, and every block of them holds an object. */
#include "inquiry/carving.h"
#include "heap/inside.h"
#include "unit/self.h"

#define POOL 16384
#define TYPE 0x7000

static uint8_t pool[HEAP_CLASSES][POOL] __attribute__((aligned(POOL)));
static uint64_t list[2 * HEAP_CLASSES];

/* Where a pool's header has its class and how far it is carved. */
static uint32_t *class_of(unsigned cls)
{
	return (uint32_t *)(void *)(pool[cls] + 36);
}

static uint32_t *next_of(unsigned cls)
{
	return (uint32_t *)(void *)(pool[cls] + 40);
}

bool heap_has_pools(const struct heap *h)
{
	(void)h;
	return true;
}

bool heap_has_mimalloc(const struct heap *h)
{
	(void)h;
	return false;
}

int heap_class_for(const struct heap *h, uint64_t bytes)
{
	(void)h;
	return (int)(bytes / 16 - 1);
}

bool heap_type_get(struct heap *h, uint64_t addr, struct heap_type *out)
{
	(void)h;
	(void)addr;
	*out = (struct heap_type){0};
	return true;
}

int heap_object_in_block(struct heap *h, uint64_t block, uint64_t size, uint64_t *obj,
			 uint64_t *type)
{
	(void)h;
	(void)size;
	*obj = block;
	*type = TYPE;
	return 0;
}

size_t heap_read_objects(struct heap *h, struct heap_object *v, size_t n, enum heap_depth depth)
{
	(void)h;
	(void)depth;
	for (size_t i = 0; i < n; i++) {
		unsigned cls = (unsigned)((v[i].addr - (uintptr_t)pool) / POOL);

		v[i].parts = 1;
		v[i].part[0].cls = (int)cls;
		v[i].part[0].bytes = 16 * (cls + 1);
	}
	return n;
}

/* Carves so many blocks of each class between two looks; @told: how many objects are told of. */
static size_t look(const unsigned carved[HEAP_CLASSES], size_t told[HEAP_CLASSES])
{
	struct proc *self = self_open();
	struct py_runtime rt = {.proc = self,
				.usedpools = (uintptr_t)list,
				.allocator = PY_ALLOC_PYMALLOC,
				.layout = {.pool_size = POOL}};
	struct heap h = {.rt = &rt};
	struct carved v[CARVED_MAX];
	struct carving at = {0};
	size_t n;

	memset(told, 0, HEAP_CLASSES * sizeof(*told));
	for (unsigned c = 0; c < HEAP_CLASSES; c++) {
		list[2 * c] = (uintptr_t)pool[c];
		*(uint32_t *)(void *)pool[c] = 1; /* in use */
		*class_of(c) = c;
		*next_of(c) = HEAP_POOL_HEAD;
	}
	assert_int_equal(carving_begin(&h, &at), 0);
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		*next_of(c) += carved[c] * 16 * (c + 1);
	n = carving_end(&h, &at, v, CARVED_MAX);
	assert_in_range(n, 0, CARVED_MAX);
	for (size_t i = 0; i < n; i++)
		told[v[i].cls]++;
	proc_close(self);
	return n;
}

/* The last block may be the one that is taken next. */
static void all_but_the_last_are_told_of(void **state)
{
	const unsigned carved[HEAP_CLASSES] = {[3] = 10, [20] = 1, [25] = 5};
	size_t told[HEAP_CLASSES];

	(void)state;
	assert_int_equal(look(carved, told), 9 + 4);
	assert_int_equal(told[3], 9);
	assert_int_equal(told[25], 4);
}

static void one_class_has_all_the_room(void **state)
{
	const unsigned carved[HEAP_CLASSES] = {[3] = 200};
	size_t told[HEAP_CLASSES];

	(void)state;
	assert_int_equal(look(carved, told), CARVED_MAX);
}

static void small_blocks_leave_room_for_big_ones(void **state)
{
	const unsigned carved[HEAP_CLASSES] = {[1] = 200, [2] = 200, [3] = 100, [20] = 20};
	unsigned all[HEAP_CLASSES];
	size_t told[HEAP_CLASSES];

	(void)state;
	assert_int_equal(look(carved, told), CARVED_MAX);
	assert_int_equal(told[20], CARVED_MAX / 4);
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		all[c] = 20;
	assert_int_equal(look(all, told), CARVED_MAX);
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		assert_int_equal(told[c], CARVED_MAX / HEAP_CLASSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_the_last_are_told_of),
		cmocka_unit_test(one_class_has_all_the_room),
		cmocka_unit_test(small_blocks_leave_room_for_big_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pools that are not read: swapped out for a while, or not in turn. */
#include "heap/heap.h"
#include "heap/recall.h"

#include "unit/self.h"

static uint64_t out_from, out_to; /* of our memory: said to be swapped out */

static size_t read_many_in(const struct proc *p, struct proc_req *v, size_t n)
{
	size_t good = proc_read_many(p, v, n);

	for (size_t i = 0; i < n; i++) {
		v[i].swapped = v[i].addr >= out_from && v[i].addr < out_to;
		good -= v[i].swapped && v[i].ok;
		v[i].ok &= !v[i].swapped;
	}
	return good;
}

#define proc_read_many read_many_in
#include "heap/census.c"

/* One census of one pool: what it counts for. */
static int count(struct recall *r, uint64_t arena, bool is_out, uint32_t cls, uint32_t live)
{
	struct recall_pool *p;

	assert_true(recall_begin(r, 1));
	p = &recall_next(r, arena)->pool[3];
	if (!is_out)
		recall_note(p, cls, live);
	else if (!recall_missed(p))
		return 0;
	return (int)p->live - p->late;
}

static void swapping_is_no_freeing(void **state)
{
	struct recall r = {0};

	(void)state;
	assert_int_equal(count(&r, 0x100000, false, 5, 40), 40);
	assert_int_equal(count(&r, 0x100000, true, 0, 0), 40);
	assert_int_equal(count(&r, 0x100000, true, 0, 0), 40);
	assert_int_equal(count(&r, 0x100000, false, 5, 44), 44);
	assert_int_equal(count(&r, 0x100000, false, 7, 2), 2);
	/* Another arena knows nothing of it. */
	assert_int_equal(count(&r, 0x200000, true, 0, 0), 0);
	recall_free(&r);
}

static void coming_back_is_no_growth(void **state)
{
	struct recall r = {0};

	(void)state;
	assert_int_equal(count(&r, 0x100000, true, 0, 0), 0);
	assert_int_equal(count(&r, 0x100000, false, 5, 40), 0);
	assert_int_equal(count(&r, 0x100000, false, 5, 45), 5);
	assert_int_equal(count(&r, 0x100000, true, 0, 0), 5);
	assert_int_equal(count(&r, 0x100000, false, 5, 30), -10);
	/* Emptied, and taken by blocks of another size: all of those are new. */
	assert_int_equal(count(&r, 0x100000, false, 9, 12), 12);
	recall_free(&r);
}

static void arenas_come_and_go(void **state)
{
	struct recall r = {0};

	(void)state;
	for (uint64_t round = 0; round < 20; round++) {
		assert_true(recall_begin(&r, 100));
		for (uint64_t i = round; i < round + 100; i++) {
			struct recall_pool *p = &recall_next(&r, (i + 1) << 20)->pool[0];

			/* Each was told of once, when it came. */
			if (i < round + 99 && round)
				assert_true(recall_missed(p) && p->live == i);
			else
				recall_note(p, 1, (uint32_t)i);
		}
	}
	recall_free(&r);
}

#define POOL   4096u
#define ARENA  (RECALL_POOLS * POOL)
#define ARENAS 4 /* of which the last comes later */

/* A heap of our own, of blocks of 32 bytes. */
static struct {
	struct {
		uint64_t address, pool_address;
		uint32_t free_pools, pools;
		uint64_t more[3];
	} arena[ARENAS];
	uint64_t arenas, maxarenas;
	uint8_t *memory;
	struct proc *self;
	struct py_runtime rt;
	struct heap *heap;
} fake;

static void set_pool(size_t arena, size_t pool, uint32_t cls, uint32_t live)
{
	uint32_t *head = (uint32_t *)(fake.memory + arena * ARENA + pool * POOL);

	head[0] = live;
	head[9] = cls;
}

static void fill(uint32_t live)
{
	for (size_t i = 0; i < ARENAS * RECALL_POOLS; i++)
		set_pool(i / RECALL_POOLS, i % RECALL_POOLS, 1, live);
}

static void make_heap(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.memory = aligned_alloc(POOL, ARENAS * ARENA);
	assert_non_null(fake.memory);
	for (size_t i = 0; i < ARENAS; i++) {
		fake.arena[i].address = (uintptr_t)fake.memory + i * ARENA;
		fake.arena[i].pool_address = fake.arena[i].address + ARENA;
	}
	fake.arenas = (uintptr_t)fake.arena;
	fake.maxarenas = ARENAS - 1;
	fake.self = self_open();
	fake.rt = (struct py_runtime){.proc = fake.self,
				      .minor = 9,
				      .layout = {.pool_size = POOL, .arena_size = ARENA},
				      .usedpools = (uintptr_t)&fake.arenas,
				      .arenas = (uintptr_t)&fake.arenas,
				      .maxarenas = (uintptr_t)&fake.maxarenas};
	assert_int_equal(heap_open(&fake.rt, &fake.heap), 0);
}

static void free_heap(void)
{
	heap_close(fake.heap);
	proc_close(fake.self);
	free(fake.memory);
}

static uint64_t count_blocks(bool in_turn, unsigned cls)
{
	struct heap_census c;

	assert_int_equal(in_turn ? heap_census_in_turn(fake.heap, &c) : heap_census(fake.heap, &c),
			 0);
	assert_int_equal(c.pools, c.arenas * RECALL_POOLS);
	assert_int_equal(c.torn + c.swapped, 0);
	return c.live[cls];
}

/* Until nothing has changed for long. All of it is right meanwhile. */
static void come_to_rest(uint32_t live)
{
	for (unsigned i = 0; i <= HEAP_TURN; i++)
		assert_int_equal(count_blocks(true, 1), fake.maxarenas * RECALL_POOLS * live);
}

static void calm_pools_are_read_in_turn(void **state)
{
	const uint64_t pools = (ARENAS - 1) * RECALL_POOLS;
	unsigned waited = 0;

	(void)state;
	make_heap();
	fill(10);
	come_to_rest(10);
	/* A change of all is seen by an eighth of them; then they are not calm any more. */
	fill(20);
	assert_int_equal(count_blocks(true, 1), pools * 10 + pools / HEAP_TURN * 10);
	come_to_rest(20);
	/* One that becomes empty, and one of another size, at the end of a turn at most. */
	set_pool(0, 5, 7, 3);
	set_pool(2, 9, 1, 0);
	while (count_blocks(true, 1) != (pools - 2) * 20)
		assert_true(++waited < HEAP_TURN);
	assert_int_equal(count_blocks(true, 7), 3);
	/* A census that is not in turn reads all headers. */
	fill(20);
	for (waited = 0; count_blocks(true, 1) != pools * 20;)
		assert_true(++waited < HEAP_TURN);
	come_to_rest(20);
	fill(30);
	assert_int_equal(count_blocks(false, 1), pools * 30);
	free_heap();
}

static void fewer_are_read_the_longer_nothing_changes(void **state)
{
	const uint64_t pools = (ARENAS - 1) * RECALL_POOLS;

	(void)state;
	for (unsigned part = 2; part <= HEAP_TURN; part *= 2) {
		make_heap();
		fill(10);
		for (unsigned i = 0; i < part; i++)
			assert_int_equal(count_blocks(true, 1), pools * 10);
		fill(20);
		assert_int_equal(count_blocks(true, 1), pools * 10 + pools / part * 10);
		assert_int_equal(count_blocks(true, 1), pools * 20);
		free_heap();
	}
}

static void an_arena_that_changes_is_read(void **state)
{
	const uint64_t all = RECALL_POOLS, part = RECALL_POOLS / HEAP_TURN;

	(void)state;
	make_heap();
	fill(10);
	come_to_rest(10);
	fill(20);
	fake.arena[1].free_pools++; /* given back: counted at once, where others wait */
	assert_int_equal(count_blocks(true, 1), all * 20 + 2 * (part * 20 + (all - part) * 10));
	come_to_rest(20);
	fake.maxarenas++; /* a new one */
	come_to_rest(20);
	fill(30);
	fake.arena[0].address = 0;
	assert_int_equal(count_blocks(true, 1), 3 * (part * 30 + (all - part) * 20));
	free_heap();
}

/* With debug hooks it is the arenas alone that tell pymalloc from malloc. */
static void one_failed_reading_is_not_the_end(void **state)
{
	struct heap_census c;
	const uint64_t live = (ARENAS - 1) * RECALL_POOLS * 10;

	(void)state;
	make_heap();
	fake.rt.allocator = PY_ALLOC_DEBUG;
	fill(10);
	assert_int_equal(count_blocks(false, 1), live);
	fake.arenas = 16; /* no memory is there */
	assert_int_not_equal(heap_census(fake.heap, &c), 0);
	assert_true(heap_in_arena(fake.heap, fake.arena[0].address));
	assert_true(heap_can_count(fake.heap));
	fake.arenas = (uintptr_t)fake.arena;
	assert_int_equal(count_blocks(false, 1), live);
	free_heap();
}

/* Memory in use is that of the process, in memory or swap, less what the pools have free. */
static void pools_that_are_swapped_out_are_pools(void **state)
{
	const uint64_t pools = (ARENAS - 1) * RECALL_POOLS;
	struct heap_census c;

	(void)state;
	make_heap();
	fill(10);
	for (int turn = 0; turn < 2; turn++)
		for (unsigned out = 0; out <= RECALL_POOLS; out += 16) {
			out_from = (uintptr_t)fake.memory;
			out_to = out_from + out * POOL;
			assert_int_equal(count_blocks(turn, 1), pools * 10);
		}
	/* those that were never read are not known */
	heap_close(fake.heap);
	assert_int_equal(heap_open(&fake.rt, &fake.heap), 0);
	assert_int_equal(heap_census(fake.heap, &c), 0);
	assert_int_equal(c.swapped, RECALL_POOLS);
	assert_int_equal(c.pools, pools - RECALL_POOLS);
	out_to = 0;
	free_heap();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(swapping_is_no_freeing),
		cmocka_unit_test(coming_back_is_no_growth),
		cmocka_unit_test(pools_that_are_swapped_out_are_pools),
		cmocka_unit_test(arenas_come_and_go),
		cmocka_unit_test(calm_pools_are_read_in_turn),
		cmocka_unit_test(fewer_are_read_the_longer_nothing_changes),
		cmocka_unit_test(an_arena_that_changes_is_read),
		cmocka_unit_test(one_failed_reading_is_not_the_end),
	};

	return cmocka_run_group_tests_name("recall", tests, NULL, NULL);
}

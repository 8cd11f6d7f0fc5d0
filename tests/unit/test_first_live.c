/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The first readings of a watch: memory is read before the pools are counted. */
#include "heap/inside.h"
#include "session/session_priv.h"
#include "unit/self.h"

#define LIVE 2000

static int failing; /* how often the pools cannot be counted */
static int counts;

static int count_blocks(struct heap_census *c)
{
	*c = (struct heap_census){.t_ns = 1, .big_bytes = LIVE};
	counts++;
	return failing-- > 0 ? fail(-EIO, "the list of arenas moved while it was read") : 0;
}

#define heap_can_count(h)	   ((void)(h), true)
#define heap_census(h, c)	   ((void)(h), count_blocks(c))
#define py_full_collections(rt, n) ((void)(rt), *(n) = 0)
#include "session/pools.c"

extern const struct source_ops memory_source;

static struct {
	struct session s;
	struct py_runtime rt;
	struct heap heap;
	struct pools pools;
	struct evidence e;
	struct report *r;
} k;

static void begin(void)
{
	memset(&k, 0, sizeof(k));
	k.heap.rt = k.s.rt = &k.rt;
	k.s.heap = &k.heap;
	k.rt.proc = k.s.proc = self_open();
	k.s.time.origin_ns = k.s.time.start_ns = clock_ns();
	assert_int_equal(open_pools(&k.pools, &k.s), 0);
}

static void end(void)
{
	close_pools(&k.pools);
	proc_close((struct proc *)(uintptr_t)k.rt.proc);
}

/* Reads memory once a second, as often as the pools are counted then. */
static void watch(void)
{
	auto_free void *memory = calloc(1, memory_source.size);

	begin();
	assert_non_null(memory);
	assert_int_equal(report_new(&k.r), 0);
	assert_int_equal(memory_source.open(memory, &k.s), 0);
	for (unsigned s = 0; s < 9; s++)
		memory_source.step(memory, k.s.time.origin_ns + s * 1000000000ull);
	assert_int_equal(memory_source.observe(memory, &(struct observation){.now_ns = clock_ns(),
									     .r = k.r,
									     .scratch = k.r,
									     .e = &k.e}),
			 0);
	memory_source.close(memory);
	end();
}

/* All that lived at the start is no growth. */
static void what_lives_is_counted_before_it_is_told(void **state)
{
	(void)state;
	watch();
	assert_int_equal(k.e.memory.live.n, k.e.memory.rss.n);
	assert_float_equal(k.e.memory.live.v[0], LIVE, 0);
	assert_int_equal(k.e.seen.series[0].heap_bytes, LIVE);
	report_free(k.r);
}

static void what_cannot_be_counted_yet_is_not_nothing(void **state)
{
	const struct trend_points *live = &k.e.memory.live;

	(void)state;
	failing = 2;
	watch();
	assert_int_equal(live->n + 2, k.e.memory.rss.n);
	assert_float_equal(live->t[0], 2, 1e-9);
	assert_float_equal(live->v[0], LIVE, 0);
	assert_float_equal(live->top[0], LIVE, 0);
	assert_true(k.e.seen.series[1].heap_bytes == REPORT_UNKNOWN);
	assert_int_equal(k.e.seen.series[2].heap_bytes, LIVE);
	report_free(k.r);
}

/* A census of a large heap takes long: its turn, a moment later, needs no other. */
static void the_first_count_is_not_made_twice(void **state)
{
	uint64_t due_ns;

	(void)state;
	begin();
	counts = failing = 0;
	assert_int_equal(heap_live_bytes(pools_census(k.s.pools)), LIVE);
	due_ns = count(&k.pools, clock_ns());
	assert_int_equal(counts, 1);
	assert_true(due_ns > clock_ns());
	count(&k.pools, due_ns);
	assert_int_equal(counts, 2);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lives_is_counted_before_it_is_told),
		cmocka_unit_test(what_cannot_be_counted_yet_is_not_nothing),
		cmocka_unit_test(the_first_count_is_not_made_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a saved process, of whose CPython there is no code, has the arenas of pymalloc: this test
 * is the process. */
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "proc/source.h"
#include "py/py_priv.h"
#include "unit/self.h"

#define ARENAS 32768u
#define USED   20000u
#define INDEX  3 /* of the arena that has the pool */
#define POOLS  (64ull << 32)
#define LIES   (1u << 15) /* if nothing bounded the search, 32768 arenas would be read for each */

struct arena {
	uint64_t address, pool_address, pools, freepools, next, prev;
};

/* Our own data is that of a CPython 3.11: pymalloc's usedpools, which is found by its symbol, a
 * pool, and, far from each other, the pointer to the arenas and their number. */
static uint64_t fake_runtime[512], fake_interpreter[512];
static uint64_t usedpools[64] __attribute__((used));
static _Alignas(16384) uint64_t fake_pool[2048] __attribute__((used));
static struct {
	const struct arena *table;
	uint64_t apart[70];
	uint32_t odd, number;
} state __attribute__((used));
static const struct arena *lies[LIES] __attribute__((used));

static struct py_private priv;
static struct py_runtime rt;
static struct arena *table;

static ssize_t read_ourselves(struct proc_source *s, uint64_t addr, void *buf, size_t len)
{
	struct iovec to = {buf, len}, from = {(void *)(uintptr_t)addr, len};
	ssize_t got;

	(void)s;
	/* A million arenas are read, one by one. */
	if (addr >= (uintptr_t)table && addr + len <= (uintptr_t)(table + ARENAS)) {
		memcpy(buf, (const void *)(uintptr_t)addr, len);
		return (ssize_t)len;
	}
	got = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	return got < 0 ? 0 : got;
}

static struct proc_source source = {.read = read_ourselves};
static struct proc saved = {.source = &source}, *self;

static int begin(void **unused)
{
	struct dso_sym sym;

	(void)unused;
	table = mmap(NULL, ARENAS * sizeof(*table), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(table, MAP_FAILED);
	self = self_open();
	saved.maps = self->maps;
	saved.n_maps = self->n_maps;
	priv.build = py_table(11);
	rt = (struct py_runtime){.proc = &saved,
				 .priv = &priv,
				 .minor = 11,
				 .layout = priv.build.layout,
				 .walk = priv.build.walk,
				 .runtime = (uintptr_t)fake_runtime};
	assert_int_equal(dso_open("/proc/self/exe", &rt.dso), 0);
	assert_int_equal(dso_symbol(rt.dso, "usedpools", &sym), 0);
	rt.bias = (uintptr_t)usedpools - sym.addr;
	fake_runtime[rt.layout.runtime_interpreters / 8] = (uintptr_t)fake_interpreter;
	/* Objects/obmalloc.c, PTA() and PT(): one class has a pool. */
	for (size_t c = 0; c < 32; c++)
		usedpools[2 * c] = usedpools[2 * c + 1] = (uintptr_t)&usedpools[2 * c] - 16;
	usedpools[0] = usedpools[1] = (uintptr_t)fake_pool;
	fake_pool[3] = (uintptr_t)usedpools - 16;
	fake_pool[4] = INDEX;
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	dso_close(rt.dso);
	proc_close(self);
	return 0;
}

/* The first @used are in use, the others a list. */
static void make_table(uint32_t used)
{
	memset(table, 0, ARENAS * sizeof(*table));
	for (uint32_t i = 0; i < ARENAS; i++) {
		uint64_t at =
			i == INDEX ? (uintptr_t)fake_pool : (1ull << 44) + ((uint64_t)i << 20);

		if (i < used)
			table[i] = (struct arena){
				.address = at, .pool_address = at + 16384, POOLS + 63};
		else if (i + 1 < ARENAS)
			table[i].next = (uintptr_t)&table[i + 1];
	}
	state.table = table;
	state.number = ARENAS;
}

static bool found(void)
{
	rt.usedpools = rt.arenas = rt.maxarenas = 0;
	py_find_obmalloc(&rt);
	return rt.usedpools;
}

static void their_number_lies_anywhere(void **unused)
{
	const uint64_t *at;

	(void)unused;
	make_table(USED);
	assert_true(found());
	at = (const uint64_t *)(uintptr_t)rt.arenas;
	assert_int_equal(*at, (uintptr_t)table);
	assert_int_equal(rt.maxarenas, (uintptr_t)&state.number);
	/* Is it nowhere, there is no table. */
	state.number = 0;
	assert_false(found());
}

/* Any number will do that leaves out none in use. */
static void most_may_be_given_back(void **unused)
{
	uint32_t n;

	(void)unused;
	make_table(100);
	assert_true(found());
	memcpy(&n, (const void *)(uintptr_t)rt.maxarenas, sizeof(n));
	assert_in_range(n, 128, ARENAS);
	assert_int_equal(n & (n - 1), 0);
}

static void what_looks_like_one_arena_is_no_table(void **unused)
{
	static const struct arena no[] = {
		{(1ull << 44) + 8, (1ull << 44) + 16384, POOLS + 63, 0, 0, 0},
		{1ull << 44, 1ull << 43, POOLS + 63, 0, 0, 0},
		{1ull << 44, (1ull << 44) + (2u << 20), POOLS + 63, 0, 0, 0},
		{1ull << 44, (1ull << 44) + 16384, POOLS + 65, 0, 0, 0},
		{1ull << 44, (1ull << 44) + 16384, 65ull << 32, 0, 0, 0},
		{1ull << 44, (1ull << 44) + 16384, 0, 0, 0, 0},
		{0, 0, 0, 0, 8, 0},
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		make_table(USED);
		table[INDEX + 1] = no[i];
		assert_false(found());
	}
	/* Zeros are no list. */
	make_table(INDEX + 1);
	memset(table + INDEX + 1, 0, 16 * sizeof(*table));
	assert_false(found());
}

/* There the number changes, and is asked for again. */
static void a_live_process_has_code_to_ask(void **unused)
{
	(void)unused;
	make_table(USED);
	rt.proc = self;
	assert_false(found());
	rt.proc = &saved;
}

/* Each word could be the pointer: the limit is of CPU time. */
static void the_search_has_an_end(void **unused)
{
	const struct itimerval limit = {.it_value.tv_sec = 60}, off = {0};

	(void)unused;
	make_table(USED);
	state.number = 0;
	for (size_t i = 0; i < LIES; i++)
		lies[i] = table;
	setitimer(ITIMER_PROF, &limit, NULL);
	assert_false(found());
	setitimer(ITIMER_PROF, &off, NULL);
	memset(lies, 0, sizeof(lies));
}

/* A CPython of 3.12 or newer; how many pools an arena has depends on where it begins, too. */
static void arenas_may_be_of_a_huge_page(void **unused)
{
	static struct {
		uint64_t usedpools[64];
		const struct arena *table;
		uint32_t number;
	} of_interpreter;
	static const uint64_t pools[] = {63, 64, 127, 128};

	(void)unused;
	make_table(1);
	for (size_t c = 0; c < 32; c++)
		of_interpreter.usedpools[2 * c] = of_interpreter.usedpools[2 * c + 1] =
			(uintptr_t)&of_interpreter.usedpools[2 * c] - 16;
	of_interpreter.table = table;
	of_interpreter.number = ARENAS;
	fake_interpreter[8] = (uintptr_t)&of_interpreter;
	for (size_t i = 0; i < ARRAY_SIZE(pools); i++) {
		rt.layout.interp_obmalloc = 64;
		rt.layout.arena_size = 1 << 20;
		table[0].pools = pools[i] << 32;
		assert_true(found());
		assert_int_equal(rt.layout.arena_size, pools[i] > 64 ? 2 << 20 : 1 << 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(their_number_lies_anywhere),
		cmocka_unit_test(most_may_be_given_back),
		cmocka_unit_test(what_looks_like_one_arena_is_no_table),
		cmocka_unit_test(a_live_process_has_code_to_ask),
		cmocka_unit_test(the_search_has_an_end),
		cmocka_unit_test(arenas_may_be_of_a_huge_page),
	};

#ifdef __SANITIZE_ADDRESS__
	return 0; /* what lies beside what in our data is then the sanitizer's affair */
#endif
	return cmocka_run_group_tests(tests, begin, end);
}

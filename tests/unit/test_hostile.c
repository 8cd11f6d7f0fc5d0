/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Only a process or a file that lies says these things, one lie at a time. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "why/graph.h"
#include "census/own_size.h"
#include "heap/parts.h"
#include "saved/snapshot_priv.h"
#include "py/py_priv.h"
#include "track/names.h"
#include "unit/self.h"
#include "saved/saved.h"

#include "py/check.c"

/* Items of no size: a type's word for it. */
static void items_may_have_no_size(void **state)
{
	static const enum heap_kind kinds[] = {HEAP_K_BYTES, HEAP_K_TUPLE, HEAP_K_INT};
	struct py_runtime rt = {.minor = 11, .layout = {.ob_type = 8, .ob_size = 16}};
	uint64_t object[4] = {1, 0, 1000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct heap_type t = {.basicsize = 24, .kind = (uint8_t)kinds[i]};
		struct heap_block b = {
			.addr = 0x100000,
			.bytes = sizeof(object),
			.object = 0x100000,
			.data = (const uint8_t *)object,
			.have = sizeof(object),
			.facts = &t,
		};
		struct heap_own own;

		heap_own_of(&rt, &b, &own);
		assert_int_equal(own.bytes, 24);
	}
}

static void put(int fd, const void *p, size_t size)
{
	assert_int_equal(write(fd, p, size), (ssize_t)size);
}

static void put_record(int fd, enum snap_type type, const void *data, size_t size)
{
	char packed[4096];
	struct snap_record r = {.type = type, .size = size};

	r.stored = ZSTD_compress(packed, sizeof(packed), data, size, 1);
	assert_false(ZSTD_isError(r.stored));
	r.hash = snap_hash(packed, r.stored);
	r.head_hash = snap_record_hash(&r, NULL);
	put(fd, &r, sizeof(r));
	put(fd, packed, r.stored);
}

/* A snapshot of next to nothing, with these rows of what was resident. */
static int open_with_rows(const struct proc_resident *rows, size_t n, struct proc **out)
{
	static const char process[] = "pid 1\nmemory 4096 4096 0 0 0 1\n";
	static const char maps[] = "100000-200000 rw-p 0 0:0 0 \n";
	struct snap_head head = {.magic = SNAP_MAGIC, .version = SNAP_VERSION, .page = SNAP_PAGE};
	char path[64];
	int err;

	auto_close int fd = memfd_create("snapshot", MFD_CLOEXEC);
	assert_true(fd >= 0);
	head.hash = snap_hash(&head, offsetof(struct snap_head, hash));
	put(fd, &head, sizeof(head));
	put_record(fd, SNAP_PROCESS, process, strlen(process));
	put_record(fd, SNAP_CMDLINE, "x", 2);
	put_record(fd, SNAP_MAPS, maps, strlen(maps));
	put_record(fd, SNAP_RESIDENT, rows, n * sizeof(*rows));
	put_record(fd, SNAP_END, "", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = saved_open(path, out);
	return err;
}

static void rows_of_a_snapshot_are_whole_pages(void **state)
{
	static const struct proc_resident good[] = {{0x100000, 0x180000, 4096, PROC_ROW_ANON, 1},
						    {0x180000, 0x200000, 0, PROC_ROW_HEAP, 1}};
	static const struct proc_resident bad[] = {
		{0x100000, 0x101001, 4096, PROC_ROW_ANON, 1},
		{0x100001, 0x102000, 4096, PROC_ROW_ANON, 1},
		{0x101000, 0x100000, 4096, PROC_ROW_ANON, 1},
		{0x100000, 0x100000, 4096, PROC_ROW_ANON, 1},
		{0x100000, 0x101000, 4096, 77, 1},
		{0x100000, 1ull << 63, 4096, PROC_ROW_ANON, 1},
	};
	struct proc_resident twice[2] = {good[0], good[0]};
	struct proc *p;

	(void)state;
	if (open_with_rows(good, ARRAY_SIZE(good), &p))
		fail_msg("%s", fail_text());
	proc_close(p);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(open_with_rows(&bad[i], 1, &p), -EINVAL);
	assert_int_equal(open_with_rows(twice, 2, &p), -EINVAL);
}

/* A class in our own memory, as 3.11 has it: `type` is its own type, all are static. */
static void a_class_may_take_the_place_of_another(void **state)
{
	static uint64_t type[64], class[64];
	struct proc *self = self_open();
	struct py_runtime rt = {.proc = self,
				.minor = 11,
				.layout = {.ob_type = 8, .tp_name = 24, .tp_flags = 168},
				.type_type = (uintptr_t)type};
	const struct timespec wait = {.tv_sec = 1, .tv_nsec = 100000000};
	struct names *names;
	const char *first;

	(void)state;
	type[1] = class[1] = (uintptr_t)type;
	type[168 / 8] = 1ull << 31 | 1ull << 12;
	class[168 / 8] = 1ull << 12;
	class[3] = (uintptr_t) "app.First";
	assert_int_equal(names_new(&rt, &names), 0);
	first = names_type(names, (uintptr_t) class);
	assert_string_equal(first, "app.First");
	class[3] = (uintptr_t) "app.Second";
	nanosleep(&wait, NULL);
	assert_string_equal(names_type(names, (uintptr_t) class), "app.Second");
	assert_string_equal(first, "app.First"); /* whoever has it keeps it */
	/* A type that has ended keeps its name. */
	class[1] = 0;
	nanosleep(&wait, NULL);
	assert_string_equal(names_type(names, (uintptr_t) class), "app.Second");
	assert_string_equal(names_type(names, 0x1000), "?");
	names_free(names);
	proc_close(self);
}

/* Our own data is that of a CPython 3.11 without code, whose pymalloc has two symbols. */
static uint64_t fake_runtime[512], fake_interpreter[512];
static uint64_t usedpools[64] __attribute__((used));
static struct {
	uint64_t n;
	const void *table;
} fake_arenas __attribute__((used));
static _Alignas(16384) uint64_t fake_pool[2048];
#define LYING_WORDS (4u << 20)
static uint64_t lying[LYING_WORDS] __attribute__((used));

static void open_ourselves(const struct proc *self, struct py_private *priv, struct py_runtime *rt)
{
	struct dso_sym sym;

	priv->build = py_table(11);
	*rt = (struct py_runtime){.proc = self,
				  .priv = priv,
				  .minor = 11,
				  .layout = priv->build.layout,
				  .walk = priv->build.walk,
				  .runtime = (uintptr_t)fake_runtime};
	assert_int_equal(dso_open("/proc/self/exe", &rt->dso), 0);
	assert_int_equal(dso_symbol(rt->dso, "usedpools", &sym), 0);
	rt->bias = (uintptr_t)usedpools - sym.addr;
	assert_true(rt->layout.runtime_interpreters < sizeof(fake_runtime));
	fake_runtime[rt->layout.runtime_interpreters / 8] = (uintptr_t)fake_interpreter;
}

/* One pool of the smallest class, the others have none: Objects/obmalloc.c, PTA() and PT(). */
static void make_usedpools(void)
{
	for (size_t c = 0; c < 32; c++)
		usedpools[2 * c] = usedpools[2 * c + 1] = (uintptr_t)&usedpools[2 * c] - 16;
	usedpools[0] = usedpools[1] = (uintptr_t)fake_pool;
	fake_pool[3] = (uintptr_t)usedpools - 16; /* its prev; arena and size class are 0 */
}

/* Each word could begin usedpools, and be the table of the arenas, as far as its neighbours say. */
static void a_search_for_pools_has_an_end(void **state)
{
	auto_free uint64_t *table = calloc(6, sizeof(*table));
	void *there = mmap((void *)0x100010000, 16384, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	/* The limit is of CPU time: without a bound it takes half an hour. */
	const struct itimerval limit = {.it_value.tv_sec = 60}, off = {0};
	struct proc *self = self_open();
	struct py_private priv = {0};
	struct py_runtime rt;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* what lies beside what in our data is then the sanitizer's affair */
#endif
	assert_ptr_not_equal(there, MAP_FAILED);
	assert_non_null(table);
	for (size_t i = 0; i < LYING_WORDS; i++)
		lying[i] = (uintptr_t)there;
	open_ourselves(self, &priv, &rt);
	setitimer(ITIMER_PROF, &limit, NULL);
	py_find_obmalloc(&rt);
	assert_int_equal(rt.usedpools, 0);
	make_usedpools();
	py_find_obmalloc(&rt);
	assert_int_equal(rt.usedpools, 0);
	setitimer(ITIMER_PROF, &off, NULL);
	/* The true one is found behind some of them. */
	memset(&lying[1000], 0, sizeof(lying) - 1000 * sizeof(lying[0]));
	table[0] = (uintptr_t)fake_pool;
	fake_arenas.n = 16;
	fake_arenas.table = table;
	py_find_obmalloc(&rt);
	assert_int_equal(rt.usedpools, (uintptr_t)usedpools);
	assert_int_equal(rt.maxarenas, (uintptr_t)&fake_arenas.n);
	assert_int_equal(rt.arenas, (uintptr_t)&fake_arenas.table);
	dso_close(rt.dso);
	munmap(there, 16384);
	proc_close(self);
}

static _Alignas(512) uint64_t passing[2048][64];
static uint64_t passed[64]; /* usedpools without a symbol */
static volatile bool passes;

/* Each pool is the first of its class for a moment. */
static void *pass(void *arg)
{
	volatile uint64_t *first = passed;

	for (size_t i = 0; passes; i++) {
		volatile uint64_t *now = passing[i % ARRAY_SIZE(passing)];

		now[3] = (uintptr_t)passed - 16;
		first[0] = first[1] = (uintptr_t)now;
		passing[(i + ARRAY_SIZE(passing) - 1) % ARRAY_SIZE(passing)][3] = 0;
		usleep(20);
	}
	return arg;
}

/* A big segment takes time to search: its first pools are others by then. */
static void pools_that_come_and_go_are_found(void **state)
{
	auto_free uint64_t *table = calloc(6, sizeof(*table));
	struct proc *self = self_open();
	struct py_private priv = {0};
	struct py_runtime rt;
	pthread_t thread;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	assert_non_null(table);
	memset(lying, 0, sizeof(lying));
	table[0] = (uintptr_t)passing;
	fake_arenas.n = 16;
	fake_arenas.table = table;
	memset(usedpools, 0, sizeof(usedpools));
	for (size_t c = 0; c < 32; c++)
		passed[2 * c] = passed[2 * c + 1] = (uintptr_t)&passed[2 * c] - 16;
	open_ourselves(self, &priv, &rt);
	rt.layout.pool_size = sizeof(passing[0]);
	passes = true;
	assert_int_equal(pthread_create(&thread, NULL, pass, NULL), 0);
	py_find_obmalloc(&rt);
	passes = false;
	pthread_join(thread, NULL);
	assert_int_equal(rt.usedpools, (uintptr_t)passed);
	dso_close(rt.dso);
	proc_close(self);
}

#define ARENAS (1u << 18)

/* So many arenas, with 64 pools each, are 16 million headers to read. */
static void a_list_of_arenas_is_not_believed(void **state)
{
	struct {
		uint64_t address, pool_address, more[4];
	} *arena = calloc(ARENAS, sizeof(*arena));
	uint64_t arenas = (uintptr_t)arena, maxarenas = ARENAS;
	struct proc *self = self_open();
	struct py_runtime rt = {.proc = self,
				.minor = 11,
				.layout = {.pool_size = 16384, .arena_size = 1u << 20},
				.usedpools = (uintptr_t)&arenas,
				.arenas = (uintptr_t)&arenas,
				.maxarenas = (uintptr_t)&maxarenas};
	struct heap_census census;
	struct heap *heap;

	(void)state;
	assert_non_null(arena);
	for (uint64_t i = 0; i < ARENAS; i++)
		arena[i].address = arena[i].pool_address = (1ull << 44) + (i << 20);
	assert_int_equal(heap_open(&rt, &heap), 0);
	/* Nothing was carved yet: nothing to read. */
	assert_int_equal(heap_census(heap, &census), 0);
	for (uint64_t i = 0; i < ARENAS; i++)
		arena[i].pool_address += 1u << 20;
	assert_int_equal(heap_census(heap, &census), -EILSEQ);
	heap_close(heap);
	free(arena);
	proc_close(self);
}

#define MAX_BLOCKS 1000

/* A list of one object, a great many times: an edge is memory of ours too. */
static int references(uint64_t n)
{
	auto_free uint64_t *word = calloc(n, sizeof(*word));
	struct proc *self = self_open();
	struct py_runtime rt = {.proc = self, .minor = 10};
	struct heap h = {.rt = &rt};
	struct graph g = {
		.h = &h, .max_blocks = MAX_BLOCKS, .max_edges = graph_max_edges(MAX_BLOCKS)};
	const struct heap_block b = {.addr = 0x100000,
				     .bytes = 8 * n,
				     .data = (const uint8_t *)word,
				     .have = 8 * n,
				     .place = HEAP_CHUNK};
	int err;

	assert_non_null(word);
	for (uint64_t i = 0; i < n; i++)
		word[i] = b.addr;
	*vec_push(&g.types) = (struct graph_type){.kind = GRAPH_BUFFER};
	*vec_push(&g.type) = 0;
	*vec_push(&g.block) = (struct graph_block){.addr = b.addr, .bytes = (uint32_t)b.bytes};
	*vec_push(&g.region) =
		(struct graph_region){.start = b.addr, .end = b.addr + b.bytes, .to = 1};
	g.start = calloc(1, sizeof(*g.start));
	g.n = 1;
	err = graph_scan(&g, &b, 0);
	graph_free(&g);
	return err;
	proc_close(self);
}

static void references_are_limited_as_blocks_are(void **state)
{
	(void)state;
	assert_int_equal(references(4 * MAX_BLOCKS), 0);
	assert_int_equal(references(4 * MAX_BLOCKS + 1), -E2BIG);
}

/* Stacks that lead in circles, of as many threads as are looked at. */
static void stacks_are_read_within_bounds(void **state)
{
	static uint64_t tstate[MAX_LOOKED][128], cframe[64], frame[64], code[64];
	const struct itimerval limit = {.it_value.tv_sec = 30}, off = {0};
	const struct py_build b = py_table(11);
	struct proc *self = self_open();
	struct py_runtime rt = {.proc = self,
				.minor = 11,
				.layout = b.layout,
				.walk = b.walk,
				.runtime = (uintptr_t)fake_runtime,
				.code_type = 1};

	(void)state;
	fake_runtime[b.layout.runtime_interpreters / 8] = (uintptr_t)fake_interpreter;
	fake_interpreter[b.layout.interp_threads / 8] = (uintptr_t)tstate[0];
	for (size_t i = 0; i < MAX_LOOKED; i++) {
		tstate[i][b.layout.tstate_interp / 8] = (uintptr_t)fake_interpreter;
		tstate[i][b.walk.tstate_frame / 8] = (uintptr_t)cframe;
		if (i + 1 < MAX_LOOKED)
			tstate[i][b.layout.tstate_next / 8] = (uintptr_t)tstate[i + 1];
	}
	cframe[b.walk.cframe_frame / 8] = (uintptr_t)frame;
	frame[b.walk.frame_back / 8] = (uintptr_t)frame;
	frame[b.walk.frame_code / 8] = (uintptr_t)code;
	setitimer(ITIMER_PROF, &limit, NULL);
	assert_int_equal(check_frames(&rt), -ENOTSUP);
	setitimer(ITIMER_PROF, &off, NULL);
	fake_interpreter[b.layout.interp_threads / 8] = 0;
	proc_close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_may_have_no_size),
		cmocka_unit_test(rows_of_a_snapshot_are_whole_pages),
		cmocka_unit_test(a_list_of_arenas_is_not_believed),
		cmocka_unit_test(references_are_limited_as_blocks_are),
		cmocka_unit_test(a_class_may_take_the_place_of_another),
		cmocka_unit_test(a_search_for_pools_has_an_end),
		cmocka_unit_test(pools_that_come_and_go_are_found),
		cmocka_unit_test(stacks_are_read_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

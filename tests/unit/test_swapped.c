/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory of which some pages are swapped out: what lies there is neither gone nor all there is.
 * This test is the process, and says which of its pages are out. */
#include <sys/mman.h>

#include "heap/walk_priv.h"
#include "py/py_priv.h"
#include "unit/self.h"

static uint64_t out_from, out_to;

static bool is_out(uint64_t addr, size_t len)
{
	return addr < out_to && addr + len > out_from;
}

static int read_in(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	return is_out(addr, len) ? -ENODATA : proc_read(p, addr, buf, len);
}

static int read_sparse_in(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	return is_out(addr, len) ? -ENODATA : proc_read_sparse(p, addr, buf, len);
}

static size_t read_many_in(const struct proc *p, struct proc_req *v, size_t n)
{
	size_t good = 0;

	for (size_t i = 0; i < n; i++) {
		int err = read_in(p, v[i].addr, v[i].buf, v[i].len);

		v[i].ok = !err;
		v[i].swapped = err == -ENODATA;
		good += !err;
	}
	return good;
}

#define proc_read	 read_in
#define proc_read_sparse read_sparse_in
#define proc_read_many	 read_many_in
#include "heap/object.c"
#include "heap/types.c"
#include "heap/walk_chunks.c"

#define PAGES  32
#define MAPPED (MMAP_LEAST + PAGE)

static uint64_t type_type[64], type[64];
static struct py_runtime rt;
static struct heap heap;
static uint8_t *memory;

static int begin(void **state)
{
	(void)state;
	out_from = out_to = 0;
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED)
		return -1;
	memset(memory, 0x11, PAGES * PAGE);
	rt = (struct py_runtime){.proc = self_open(),
				 .minor = 11,
				 .layout = py_table(11).layout,
				 .type_type = (uintptr_t)type_type};
	heap = (struct heap){.rt = &rt, .now_ns = 1};
	/* a static type, ready */
	type[rt.layout.ob_type / 8] = (uintptr_t)type_type;
	type[rt.layout.tp_flags / 8] = 1ull << 12;
	type[rt.layout.tp_basicsize / 8] = 128;
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(heap.type);
	free(heap.group);
	munmap(memory, PAGES * PAGE);
	proc_close((struct proc *)(uintptr_t)rt.proc);
	return 0;
}

static void put_out(const void *from, size_t len)
{
	out_from = (uintptr_t)from;
	out_to = out_from + len;
}

/* Makes an object of the type at @at, and reads it. */
static struct heap_object read_at(uint8_t *at)
{
	const uint64_t word[2] = {1, (uintptr_t)type};
	struct heap_object o = {.addr = (uintptr_t)at, .type = (uintptr_t)type};

	memcpy(at, word, sizeof(word));
	heap_read_objects(&heap, &o, 1, HEAP_IDENTITY);
	return o;
}

static void a_type_that_goes_out_is_still_one(void **state)
{
	struct heap_object o;
	struct heap_type t;

	(void)state;
	assert_true(heap_type_get(&heap, (uintptr_t)type, &t));
	put_out(type, sizeof(type));
	o = read_at(memory); /* a second later: it is looked at again */
	assert_int_equal(o.addr, (uintptr_t)memory);
	assert_false(o.swapped);
}

static void of_an_unknown_type_that_is_out_nothing_is_known(void **state)
{
	struct heap_object o;

	(void)state;
	put_out(type, sizeof(type));
	o = read_at(memory);
	assert_int_equal(o.addr, 0);
	assert_true(o.swapped);
	/* Another type than it was: gone, whatever is out. */
	o.addr = (uintptr_t)memory;
	o.type = (uintptr_t)type_type;
	heap_read_objects(&heap, &o, 1, HEAP_IDENTITY);
	assert_int_equal(o.addr, 0);
	assert_false(o.swapped);
}

static void an_object_may_end_on_a_page_that_is_out(void **state)
{
	static const struct {
		unsigned before; /* bytes of it on the first page */
		bool is_out;
	} v[] = {{16, true}, {64, true}, {112, true}, {128, false}, {160, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct heap_object o;

		put_out(memory + PAGE, PAGE);
		o = read_at(memory + PAGE - v[i].before);
		assert_int_equal(o.swapped, v[i].is_out);
		assert_int_equal(!o.addr, v[i].is_out);
	}
}

static int count(const struct heap_block *b, void *ctx)
{
	unsigned *n = ctx;

	(void)b;
	(*n)++;
	return 0;
}

static void put_word(size_t at, uint64_t word)
{
	memcpy(memory + at, &word, sizeof(word));
}

static void begin_walk(struct walk *w, struct heap_walk_stats *st, unsigned *n)
{
	*st = (struct heap_walk_stats){0};
	*n = 0;
	*w = (struct walk){.h = &heap, .visit = count, .ctx = n, .st = st};
	w->win = malloc(HEAP_WINDOW);
	assert_non_null(w->win);
}

static void chunks_behind_a_page_that_is_out_are_found(void **state)
{
	const unsigned each = 64, in_page = PAGE / each, all = PAGES * in_page - 1;
	uint64_t start = (uintptr_t)memory, stop = start + PAGES * PAGE;
	static struct walk w;
	struct heap_walk_stats st;
	unsigned n;

	(void)state;
	for (size_t at = 0; at < PAGES * PAGE; at += each)
		put_word(at + 8, each | PREV_INUSE);
	begin_walk(&w, &st, &n);
	assert_int_equal(walk_heap(&w, start, stop), 0);
	assert_int_equal(n, all);
	assert_int_equal(st.unreadable, 0);
	free(w.win);
	/* Missing is what begins there, and what lies before: nothing tells whether it is in use.
	 */
	put_out(memory + 3 * PAGE, 2 * PAGE);
	begin_walk(&w, &st, &n);
	assert_int_equal(walk_heap(&w, start, stop), 0);
	assert_int_equal(n, all - 2 * in_page - 1);
	assert_int_equal(st.unreadable, 1);
	assert_int_equal(st.torn, 0);
	free(w.win);
	/* All of the rest is out. */
	put_out(memory + 3 * PAGE, (PAGES - 3) * PAGE);
	begin_walk(&w, &st, &n);
	assert_int_equal(walk_heap(&w, start, stop), 0);
	assert_int_equal(n, 3 * in_page - 1);
	free(w.win);
}

static void mappings_behind_a_page_that_is_out_are_found(void **state)
{
	const struct proc_row row = {.start = (uintptr_t)memory,
				     .end = (uintptr_t)memory + PAGES * PAGE};
	static struct walk w;
	struct search s = {.w = &w, .is_live = true, .left = MAX_SEARCH, .end = row.end};
	struct heap_walk_stats st;
	unsigned n;

	(void)state;
	put_word(5 * PAGE, 0);
	put_word(5 * PAGE + 8, MAPPED | IS_MMAPPED);
	put_out(memory + PAGE, 3 * PAGE);
	begin_walk(&w, &st, &n);
	assert_int_equal(mapped_chunks(&s, &row), 0);
	assert_int_equal(n, 1);
	assert_int_equal(st.unreadable, 1); /* a part, of three pages */
	free(w.win);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_type_that_goes_out_is_still_one, begin, end),
		cmocka_unit_test_setup_teardown(of_an_unknown_type_that_is_out_nothing_is_known,
						begin, end),
		cmocka_unit_test_setup_teardown(an_object_may_end_on_a_page_that_is_out, begin,
						end),
		cmocka_unit_test_setup_teardown(chunks_behind_a_page_that_is_out_are_found, begin,
						end),
		cmocka_unit_test_setup_teardown(mappings_behind_a_page_that_is_out_are_found, begin,
						end),
	};

	return cmocka_run_group_tests_name("swapped", tests, NULL, NULL);
}

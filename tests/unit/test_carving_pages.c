/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Blocks of mimalloc's pages that were handed out between two looks: pages and their lists of free
 * blocks are made up here, in the memory of this program. */
#include "heap/inside.h"
#include "heap/mimalloc.h"
#include "inquiry/carving_pages.h"
#include "unit/self.h"

#define BLOCKS 64
#define SIZE   64

static uint64_t block[BLOCKS][SIZE / 8];
static struct heap_mi_page page; /* as it is now */
static struct py_runtime rt;
static struct heap heap = {.rt = &rt};
static struct heap_arena segment = {.start = 0x2000000};

int heap_mi_pages(const struct heap *h, uint64_t addr, struct heap_mi_page *v, uint64_t *torn)
{
	(void)h;
	(void)torn;
	assert_int_equal(addr, segment.start);
	v[0] = page;
	return 1;
}

int heap_mi_page_again(const struct heap *h, struct heap_mi_page *p)
{
	(void)h;
	if (p->head != page.head)
		return -EFAULT;
	*p = page;
	return 0;
}

static uint64_t at(unsigned i)
{
	return (uintptr_t)block[i];
}

/* A page of @capacity blocks, of which those from @from on are free and on the list in order. */
static void cut(unsigned from, unsigned capacity)
{
	for (unsigned i = from; i < capacity; i++)
		block[i][0] = i + 1 < capacity ? at(i + 1) : 0;
	page = (struct heap_mi_page){.head = 7,
				     .start = at(0),
				     .size = SIZE,
				     .used = from,
				     .capacity = capacity,
				     .list = {from < capacity ? at(from) : 0},
				     .tag = MI_TAG_GC};
}

static int begin(struct carving *c)
{
	*c = (struct carving){0};
	return carving_pages_begin(&heap, c);
}

static void check(const struct carving *c, unsigned from, unsigned to)
{
	struct carved_range r[CARVING_PAGES];

	assert_int_equal(carving_pages_end(&heap, c, r), from < to);
	if (from == to)
		return;
	assert_int_equal(r[0].start, at(0));
	assert_int_equal(r[0].cls, SIZE / 16 - 1);
	assert_int_equal(r[0].from, from * SIZE);
	assert_int_equal(r[0].to, to * SIZE);
}

static void set_up(void)
{
	rt = (struct py_runtime){
		.proc = self_open(), .allocator = PY_ALLOC_MIMALLOC, .free_threaded = true};
	heap.arena.v = &segment;
	heap.arena.n = 1;
}

static void tear_down(void)
{
	proc_close((struct proc *)(uintptr_t)rt.proc);
}

static void what_the_border_passed_was_handed_out(void **state)
{
	struct carving c;

	(void)state;
	set_up();
	cut(5, 30);
	assert_int_equal(begin(&c), 0);
	check(&c, 5, 5);
	page.list[0] = at(12);
	check(&c, 5, 12);
	cut(40, 60); /* its list was used up, and more was cut */
	check(&c, 5, 40);
	page.list[0] = 0;
	check(&c, 5, 60);
	page.list[0] = at(2); /* a block that was given back */
	check(&c, 5, 60);
	tear_down();
}

static void a_list_in_another_order_has_no_border(void **state)
{
	struct carving c;

	(void)state;
	set_up();
	cut(5, 30);
	block[20][0] = at(22);
	block[22][0] = at(21);
	assert_int_equal(begin(&c), -ENODATA);
	cut(5, 30);
	block[29][0] = at(3); /* one behind the end is not cut, but was given back */
	assert_int_equal(begin(&c), -ENODATA);
	cut(5, 30);
	block[12][0] = 1; /* handed out */
	assert_int_equal(begin(&c), -ENODATA);
	cut(30, 30);
	assert_int_equal(begin(&c), -ENODATA);
	tear_down();
}

static void pages_of_others_are_left_alone(void **state)
{
	struct carving c;

	(void)state;
	set_up();
	cut(5, 30);
	page.tag = MI_TAG_MEM;
	assert_int_equal(begin(&c), -ENODATA);
	rt.free_threaded = false; /* then no page tells */
	assert_int_equal(begin(&c), 0);
	page.size = 2 * SIZE; /* used again, for other blocks */
	check(&c, 5, 5);
	page.size = SIZE;
	page.head = 8;
	check(&c, 5, 5);
	rt.allocator = PY_ALLOC_DEBUG;
	assert_int_equal(begin(&c), -ENODATA);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_border_passed_was_handed_out),
		cmocka_unit_test(a_list_in_another_order_has_no_border),
		cmocka_unit_test(pages_of_others_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

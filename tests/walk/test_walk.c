/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The BPF walker, compiled for the host, over memory recorded from every CPython (data/, made by
 * record.py) and over memory made up here: deep, torn, cyclic, random. */
#include <dirent.h>
#include <stdio.h>
#include <linux/types.h>

#include "pyleak/abi.h"
#include "unit/unit.h"
#include "walk/layouts.h"

#define MAX_WORDS 8192
#define PAGE(a)	  ((a) & ~4095ULL)

/* The memory of the target: sorted words; pages without any are not there. */
struct word {
	__u64 addr, value;
};

static struct memory {
	struct word w[MAX_WORDS];
	size_t n, reads;
	__u64 fsbase;
	bool is_random;
	unsigned int seed;
} mem;

static size_t first_from(__u64 addr)
{
	size_t lo = 0, hi = mem.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (mem.w[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int is_there(__u64 page)
{
	size_t i = first_from(page);

	return i < mem.n && PAGE(mem.w[i].addr) == page;
}

static int random_read(void *dst, __u32 size)
{
	for (__u32 i = 0; i < size; i++)
		((__u8 *)dst)[i] = rand_r(&mem.seed) >> 7;
	return rand_r(&mem.seed) % 64 == 0;
}

static int walk_read(void *dst, __u32 size, __u64 addr)
{
	memset(dst, 0, size);
	mem.reads++;
	if (mem.is_random)
		return random_read(dst, size);
	for (__u64 p = PAGE(addr); p < addr + size; p += 4096)
		if (!is_there(p))
			return -1;
	for (size_t i = first_from(addr - 7); i < mem.n && mem.w[i].addr < addr + size; i++) {
		for (int b = 0; b < 8; b++) {
			__u64 at = mem.w[i].addr + b - addr;

			if (at < size)
				((__u8 *)dst)[at] = mem.w[i].value >> (8 * b);
		}
	}
	return 0;
}

static __u64 walk_fsbase(void)
{
	return mem.fsbase;
}

#define PYLEAK_HOST
#include "walk.h"

static struct scratch scratch;

static int by_addr(const void *a, const void *b)
{
	const struct word *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static void put(__u64 addr, __u64 value)
{
	assert_true(mem.n < MAX_WORDS);
	mem.w[mem.n++] = (struct word){addr, value};
}

/* ---- recorded memory ---- */

struct recorded {
	char name[64];
	int held;
	struct pl_walk walk;
	struct pl_frame frames[PL_MAX_FRAMES];
	size_t n;
};

static void begin_case(struct recorded *c, int minor, const char *line)
{
	memset(&mem, 0, sizeof(mem));
	memset(c, 0, sizeof(*c));
	c->walk = layout_of(minor);
	assert_int_equal(sscanf(line, "case %63s %d %llx", c->name, &c->held, &mem.fsbase), 3);
}

static void set_walk(struct recorded *c, int minor, const char *line)
{
	unsigned int how, module, key;
	unsigned long long addr, offset;

	assert_int_equal(sscanf(line, "walk how=%x addr=%llx module=%x offset=%llx key=%x", &how,
				&addr, &module, &offset, &key),
			 5);
	c->walk.tstate_how = how;
	c->walk.tstate_addr = addr;
	c->walk.tls_module = module;
	c->walk.tls_offset = offset;
	c->walk.pthread_key = key;
	if (minor < 15)
		return;
	/* _Py_tss_gilstate lies in front of _Py_tss_tstate */
	c->walk.gilstate_how = how == PL_TSTATE_TLS ? PL_GILSTATE_TLS : PL_GILSTATE_DTV;
	c->walk.gilstate_offset = offset - 8;
}

static void add_frames(struct recorded *c, const char *line)
{
	struct pl_frame f;
	int count;

	assert_int_equal(sscanf(line, "f %llx %llx %d", &f.code, &f.instr, &count), 3);
	while (count-- > 0) {
		assert_true(c->n < PL_MAX_FRAMES);
		c->frames[c->n++] = f;
	}
}

static void clear_marks(void)
{
	for (size_t i = 0; i < scratch.stack.n; i++)
		scratch.stack.frames[i].code &= ~PL_FRAME_ENTRY;
}

static void check_walk(const char *file, const struct recorded *c, int held)
{
	__u64 id = walk_thread(&c->walk, &scratch, PL_MAX_FRAMES, held);

	clear_marks();

	if (scratch.stack.n != c->n ||
	    memcmp(scratch.stack.frames, c->frames, c->n * sizeof(c->frames[0])))
		fail_msg("%s %s held=%d: %u frames, not the %zu recorded (or others)", file,
			 c->name, held, scratch.stack.n, c->n);
	assert_int_equal(scratch.stack.flags, 0);
	assert_int_equal(scratch.why, c->n ? 0 : 1 + PL_LOST_NO_TSTATE);
	assert_true(c->n ? id != 0 && id == scratch.stack.id : id == 0);
}

static void end_case(const char *file, const struct recorded *c)
{
	qsort(mem.w, mem.n, sizeof(mem.w[0]), by_addr);
	check_walk(file, c, 0);
	/* A thread that certainly holds the GIL may ask shorter. */
	if (c->held)
		check_walk(file, c, 1);
}

static int replay(const char *dir, const char *file)
{
	static struct recorded c;
	char path[4096], line[256];
	int minor = 0, cases = 0;
	unsigned long long addr, value;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_int_equal(sscanf(line, "minor %d", &minor), 1);
	assert_in_range(minor, PY_FIRST_MINOR, py_last_minor());
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == 'c') {
			if (cases++)
				end_case(file, &c);
			begin_case(&c, minor, line);
		} else if (sscanf(line, "w %llx %llx", &addr, &value) == 2) {
			put(addr, value);
		} else if (line[0] == 'f') {
			add_frames(&c, line);
		} else {
			set_walk(&c, minor, line);
		}
	}
	fclose(f);
	end_case(file, &c);
	return cases;
}

static void yields_the_stacks_of_every_recorded_python(void **state)
{
	const char *dir = "tests/walk/data";
	int files = 0, cases = 0;
	struct dirent *e;
	DIR *d = opendir(dir); /* from the top of the tree */

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, "3.", 2))
			continue;
		cases += replay(dir, e->d_name);
		files++;
	}
	closedir(d);
	assert_int_equal(files, py_last_minor() - PY_FIRST_MINOR + 1);
	assert_true(cases >= 10 * files);
}

/* ---- made-up memory: a 3.11 thread with its frames on a data stack ---- */

#define TSTATE_PTR 0x1000ULL
#define TSTATE	   0x2000ULL
#define CFRAME	   0x3000ULL
#define DATASTACK  0x700000ULL /* the page before is not there */
#define FRAME_GAP  120ULL

static const struct pl_walk *made_up(void)
{
	static struct pl_walk w;

	memset(&mem, 0, sizeof(mem));
	w = layout_of(11);
	w.tstate_addr = TSTATE_PTR;
	mem.fsbase = 0x9000;
	put(TSTATE_PTR, TSTATE);
	put(TSTATE + 56, CFRAME);
	put(TSTATE + 152, mem.fsbase);
	return &w;
}

static __u64 frame_at(size_t i)
{
	return DATASTACK + 24 + i * FRAME_GAP;
}

static void put_frame(__u64 addr, __u64 code, __u64 back, __u64 instr, __u8 owner)
{
	put(addr + 32, code);
	put(addr + 48, back);
	put(addr + 56, instr);
	put(addr + 64, (__u64)owner << 40);
}

/* @n frames; the one at the lowest address is the outermost. */
static const struct pl_walk *chain(size_t n)
{
	const struct pl_walk *w = made_up();

	put(CFRAME + 8, n ? frame_at(n - 1) : 0);
	for (size_t i = 0; i < n; i++)
		put_frame(frame_at(i), 0x10000 + 2 * i, i ? frame_at(i - 1) : 0, 0x20000 + i, 0);
	return w;
}

static __u64 walk_max(const struct pl_walk *w, __u32 max)
{
	qsort(mem.w, mem.n, sizeof(mem.w[0]), by_addr);
	mem.reads = 0;
	return walk_thread(w, &scratch, max, 1);
}

static __u64 walk(const struct pl_walk *w)
{
	return walk_max(w, PL_MAX_FRAMES);
}

static void put_word(__u64 addr, __u64 value)
{
	for (size_t i = 0; i < mem.n; i++)
		if (mem.w[i].addr == addr)
			mem.w[i].value = value;
}

static void keeps_128_frames_and_marks_the_rest(void **state)
{
	static const struct {
		size_t depth, max, n;
		__u32 flags;
	} rows[] = {
		{1, 128, 1, 0},
		{127, 128, 127, 0},
		{128, 128, 128, 0},
		{129, 128, 128, PL_STACK_TRUNCATED},
		{1000, 128, 128, PL_STACK_TRUNCATED},
		{33, 32, 32, PL_STACK_TRUNCATED},
		{32, 32, 32, 0},
		{200, 4000000000, 128, PL_STACK_TRUNCATED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(walk_max(chain(rows[i].depth), rows[i].max));
		assert_int_equal(scratch.stack.n, rows[i].n);
		assert_int_equal(scratch.stack.flags, rows[i].flags);
		assert_int_equal(scratch.stack.frames[0].code, 0x10000 + 2 * (rows[i].depth - 1));
		assert_int_equal(scratch.why, 0);
	}
}

static void reads_neighbours_in_one_go_and_never_outside(void **state)
{
	(void)state;
	/* 25 frames, 3,000 bytes, within one page: state, cframe, frame, one window */
	walk(chain(25));
	assert_int_equal(scratch.stack.n, 25);
	assert_int_equal(mem.reads, 4);
	/* more pages, more windows; the page before the data stack is not there, and not missed */
	walk(chain(128));
	assert_int_equal(scratch.stack.n, 128);
	assert_int_equal(scratch.stack.flags, 0);
	assert_in_range(mem.reads, 5, 12);
}

static void marks_a_stack_that_cannot_be_read_to_its_end(void **state)
{
	const struct pl_walk *w = chain(50);
	__u64 whole = walk(w), id;

	(void)state;
	put_word(frame_at(20) + 48, 0xdead0000);
	id = walk(w);
	assert_int_equal(scratch.stack.n, 30);
	assert_int_equal(scratch.stack.flags, PL_STACK_BROKEN);
	assert_int_equal(scratch.why, 1 + PL_LOST_STACK_UNREADABLE);
	assert_true(id && id != whole);

	put_word(CFRAME + 8, 0xdead0000);
	assert_int_equal(walk(w), 0);
	assert_int_equal(scratch.why, 1 + PL_LOST_STACK_UNREADABLE);
	put_word(TSTATE + 56, 0xdead0000);
	assert_int_equal(walk(w), 0);
	assert_int_equal(scratch.why, 1 + PL_LOST_STACK_UNREADABLE);
}

static void ends_a_cycle(void **state)
{
	const struct pl_walk *w = chain(10);

	(void)state;
	put_word(frame_at(0) + 48, frame_at(9));
	assert_true(walk(w));
	assert_int_equal(scratch.stack.n, PL_MAX_FRAMES);
	assert_int_equal(scratch.stack.flags, PL_STACK_TRUNCATED);
	/* of shims alone: no frame is ever kept */
	for (size_t i = 0; i < 10; i++)
		put_word(frame_at(i) + 64, 3ULL << 40);
	assert_int_equal(walk(w), 0);
	assert_int_equal(scratch.stack.n, 0);
}

static void passes_over_shims(void **state)
{
	const struct pl_walk *w = chain(100);

	(void)state;
	for (size_t i = 0; i < 100; i += 2)
		put_word(frame_at(i) + 64, 3ULL << 40);
	assert_true(walk(w));
	assert_int_equal(scratch.stack.n, 50);
	/* each frame has a shim below: each was called from C */
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(scratch.stack.frames[i].code,
				 (0x10000 + 2 * (99 - 2 * i)) | PL_FRAME_ENTRY);
	assert_int_equal(scratch.stack.flags, 0);
}

static void marks_calls_from_c(void **state)
{
	const struct pl_walk *w = chain(60);

	(void)state;
	/* a shim in the middle, and 3.11's byte */
	put_word(frame_at(40) + 64, 3ULL << 40);
	put_word(frame_at(20) + 64, 1ULL << 32);
	assert_true(walk(w));
	assert_int_equal(scratch.stack.n, 59);
	for (size_t i = 0; i < 59; i++)
		assert_int_equal(scratch.stack.frames[i].code & PL_FRAME_ENTRY,
				 i == 59 - 41 || i == 59 - 21);
}

static void follows_frames_anywhere(void **state)
{
	const struct pl_walk *w = made_up();
	__u64 heap = 0x88880010, other = 0x540ff0; /* across the end of a page */

	(void)state;
	/* data stack -> generator in the heap -> another chunk -> data stack again */
	put(CFRAME + 8, frame_at(2));
	put_frame(frame_at(2), 0x12, heap, 0x22, 0);
	put_frame(heap, 0x13, other, 0x23, 1);
	put(other, 0);
	put_frame(other, 0x14, frame_at(1), 0x24, 0);
	put_frame(frame_at(1), 0x15, frame_at(0), 0x25, 0);
	put_frame(frame_at(0), 0x16, 0, 0x26, 0);
	assert_true(walk(w));
	assert_int_equal(scratch.stack.n, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(scratch.stack.frames[i].code, 0x12 + i);
		assert_int_equal(scratch.stack.frames[i].instr, 0x22 + i);
	}
	/* both frames further down lay in the first window */
	assert_int_equal(mem.reads, 6);
}

static void an_id_names_one_stack(void **state)
{
	const struct pl_walk *w = chain(40);
	__u64 id = walk(w);

	(void)state;
	assert_int_equal(id, walk(w));
	for (size_t i = 0; i < 40; i++) {
		put_word(frame_at(i) + 56, 0x20001 + i);
		assert_int_not_equal(id, walk(w));
		put_word(frame_at(i) + 56, 0x20000 + i);
		put_word(frame_at(i) + 32, 0x10001 + 2 * i);
		assert_int_not_equal(id, walk(w));
		put_word(frame_at(i) + 32, 0x10000 + 2 * i);
	}
	assert_int_equal(id, walk(w));
	assert_int_not_equal(id, walk_max(w, 39)); /* cut is another stack */
}

/* The thread that asks is not the one that holds the GIL. */
static void takes_no_other_threads_state(void **state)
{
	const struct pl_walk *w = chain(3);

	(void)state;
	walk(w);
	assert_int_equal(walk_thread(w, &scratch, 128, 0), scratch.stack.id);
	mem.fsbase = 0xa000;
	assert_int_equal(walk_thread(w, &scratch, 128, 0), 0);
	assert_int_equal(scratch.why, 1 + PL_LOST_NO_TSTATE);
	put_word(TSTATE_PTR, 0); /* nobody holds it */
	assert_int_equal(walk_thread(w, &scratch, 128, 1), 0);
}

static void survives_random_memory(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 40000; i++) {
		const struct pl_walk w = layout_of(py_last_minor() - (int)(i % 8));

		memset(&mem, 0, sizeof(mem));
		mem.is_random = true;
		mem.seed = i;
		walk_thread(&w, &scratch, i % 300, i & 1);
		assert_true(scratch.stack.n <= PL_MAX_FRAMES && scratch.stack.n <= i % 300);
		assert_true(mem.reads <= WALK_STEPS + 10);
		assert_true(!scratch.stack.id == !scratch.stack.n);
	}
}

/* The third library's variable: glibc's table has two words for each, musl's one. */
static void finds_a_thread_local_variable_with_each_libc(void **state)
{
	struct pl_walk w = {.tstate_how = PL_TSTATE_DTV, .tls_module = 3, .tls_offset = 0x20};

	(void)state;
	memset(&mem, 0, sizeof(mem));
	mem.fsbase = 0x1000;
	put(0x1008, 0x2000);
	put(0x2000 + 8 * 3, 0x3000);
	put(0x2000 + 16 * 3, 0x4000);
	put(0x3020, 7);
	put(0x4020, 8);
	assert_int_equal(walk_running(&w), 8);
	w.dtv_is_musl = 1;
	assert_int_equal(walk_running(&w), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_thread_local_variable_with_each_libc),
		cmocka_unit_test(yields_the_stacks_of_every_recorded_python),
		cmocka_unit_test(keeps_128_frames_and_marks_the_rest),
		cmocka_unit_test(reads_neighbours_in_one_go_and_never_outside),
		cmocka_unit_test(marks_a_stack_that_cannot_be_read_to_its_end),
		cmocka_unit_test(ends_a_cycle),
		cmocka_unit_test(passes_over_shims),
		cmocka_unit_test(marks_calls_from_c),
		cmocka_unit_test(follows_frames_anywhere),
		cmocka_unit_test(an_id_names_one_stack),
		cmocka_unit_test(takes_no_other_threads_state),
		cmocka_unit_test(survives_random_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

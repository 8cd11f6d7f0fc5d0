/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stacks of code that lives shortly: its address is the next one's. The memory that is read is
 * ours, so that each moment can be made. */
#include "base/map64.h"
#include "py/py_priv.h"
#include "stacks/stacks.h"
#include "unit/self.h"

#define TABLE 64
#define STACK 4711
#define UNITS (1 << 16) /* of bytecode */

enum { CELL, APP, CODES };

struct world {
	struct proc *self;
	struct py_private priv;
	struct py_runtime rt;
	struct stacks *stacks;
	struct pl_stack *rec;
	uint64_t unicode[64], code_type[64];
	_Alignas(8) uint8_t name[4][128], code[CODES][512], table[2][TABLE + 64];
};

static void put_word(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

static const uint8_t *text(struct world *w, size_t i, const char *s)
{
	const struct py_layout *l = &w->rt.layout;
	uint8_t *to = w->name[i];

	memset(to, 0, sizeof(w->name[i]));
	put_word(to + l->ob_type, w->rt.unicode_type);
	put_word(to + l->str_length, strlen(s));
	to[l->str_state] = 1 << 2 | 1 << 5 | 1 << 6; /* kind 1, compact, ASCII */
	memcpy(to + l->str_ascii_data, s, strlen(s));
	return to;
}

/* Every instruction is of the first line. */
static void write_code(struct world *w, size_t i, const uint8_t *function, const uint8_t *file,
		       unsigned line)
{
	const struct py_layout *l = &w->rt.layout;
	uint8_t *c = w->code[i], *table = w->table[i];
	uint32_t first = line;

	memset(table, 0, sizeof(w->table[i]));
	put_word(table + l->ob_size, TABLE);
	memset(table + l->bytes_data, 0xd8 | 7, TABLE);
	memset(c, 0, sizeof(w->code[i]));
	put_word(c + l->ob_type, w->rt.code_type);
	put_word(c + l->ob_size, UNITS);
	put_word(c + l->code_qualname, (uintptr_t)function);
	put_word(c + l->code_filename, (uintptr_t)file);
	put_word(c + l->code_linetable, (uintptr_t)table);
	memcpy(c + l->code_firstlineno, &first, sizeof(first));
}

/* The kernel half says: the cell, called by the program. */
static const struct stack *tell(struct world *w)
{
	w->rec->id = STACK;
	w->rec->n = CODES;
	for (size_t i = 0; i < CODES; i++)
		w->rec->frames[i] = (struct pl_frame){
			.code = (uintptr_t)w->code[i],
			.instr = (uintptr_t)w->code[i] + w->rt.layout.code_code + 2,
		};
	stacks_add(w->stacks, w->rec, sizeof(*w->rec));
	return stacks_current(w->stacks, STACK);
}

static void a_cell(struct world *w, size_t at, const char *function, unsigned line)
{
	write_code(w, CELL, text(w, at, function), w->name[2], line);
}

static int make(void **state)
{
	struct world *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);

	assert_non_null(w);
	memset(w, 0, sizeof(*w));
	w->self = self_open();
	w->priv.build = py_table(11);
	w->rt = (struct py_runtime){.proc = w->self,
				    .priv = &w->priv,
				    .minor = 11,
				    .layout = w->priv.build.layout,
				    .walk = w->priv.build.walk,
				    .unicode_type = (uintptr_t)w->unicode,
				    .code_type = (uintptr_t)w->code_type};
	w->rec = calloc(1, sizeof(*w->rec));
	assert_non_null(w->rec);
	text(w, 2, "<cell>");
	write_code(w, APP, text(w, 3, "serve"), w->name[2], 30);
	a_cell(w, 0, "first", 7);
	assert_int_equal(stacks_new(&w->rt, &w->stacks), 0);
	*state = w;
	return 0;
}

static int drop(void **state)
{
	struct world *w = *state;

	stacks_free(w->stacks);
	proc_close(w->self);
	free(w->rec);
	free(w);
	return 0;
}

static void assert_forgotten(struct world *w, size_t n)
{
	uint64_t *keys;

	assert_int_equal(stacks_take_stale(w->stacks, &keys), n);
	if (n)
		assert_int_equal(keys[0], STACK);
	free(keys);
}

static void code_that_lives_stays_what_it_is(void **state)
{
	struct world *w = *state;
	const struct stack *first = tell(w);

	assert_string_equal(py_code_function(first->frame[CELL].code), "first");
	assert_true(stacks_verify(w->stacks, (struct stack *)(uintptr_t)first));
	assert_forgotten(w, 0);
	assert_ptr_equal(tell(w), first);
	assert_int_equal(first->id, STACK);
}

/* The next cell has the address of the last: another stack, of the same hash. */
static void the_next_cell_is_another_stack(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w);
	const struct stack *next;

	a_cell(w, 1, "second", 9);
	assert_false(stacks_verify(w->stacks, first));
	assert_false(stacks_verify(w->stacks, first));
	assert_forgotten(w, 1); /* once */
	next = tell(w);
	assert_ptr_not_equal(next, first);
	assert_int_not_equal(next->id, first->id);
	assert_string_equal(py_code_function(next->frame[CELL].code), "second");
	/* Who had the first one has it still. */
	assert_ptr_equal(stacks_find(w->stacks, STACK), first);
	assert_string_equal(py_code_function(first->frame[CELL].code), "first");
	assert_ptr_equal(stacks_find(w->stacks, next->id), next);
}

/* Told again, though nobody has found the first to be stale. */
static void what_is_not_stale_is_not_told_twice(void **state)
{
	struct world *w = *state;
	const struct stack *first = tell(w);

	a_cell(w, 1, "second", 9);
	assert_ptr_equal(tell(w), first);
}

static void the_same_source_again_is_the_same_stack(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w);
	uint64_t told_ns = first->told_ns;

	a_cell(w, 1, "first", 7); /* other strings, with the same text */
	assert_false(stacks_verify(w->stacks, first));
	assert_forgotten(w, 1);
	assert_ptr_equal(tell(w), first);
	assert_int_equal(stacks_count(w->stacks), 1);
	assert_true(first->told_ns > told_ns);
	assert_true(stacks_verify(w->stacks, first));
	a_cell(w, 0, "first", 8);
	assert_false(stacks_verify(w->stacks, first));
	assert_forgotten(w, 1); /* each time anew */
}

/* Told once in a window, of code that lives for one call: another call's may have its hash. */
static void other_code_in_its_place_is_known(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w);

	assert_false(stacks_place_is_shared(w->stacks, first));
	a_cell(w, 1, "first", 7); /* the same source again */
	assert_false(stacks_verify(w->stacks, first));
	assert_false(stacks_place_is_shared(w->stacks, first));
	a_cell(w, 0, "first", 8);
	usleep(250000); /* it is looked again */
	assert_true(stacks_place_is_shared(w->stacks, first));
	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_true(stacks_place_is_shared(w->stacks, first));
}

static void code_that_is_gone_leaves_its_place_alone(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w);

	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_false(stacks_verify(w->stacks, first));
	assert_false(stacks_place_is_shared(w->stacks, first));
}

/* What is not sure has no name; what is around it keeps its own. */
static void only_the_frame_that_is_gone_is_unknown(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w), *without;

	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_false(stacks_verify(w->stacks, first));
	without = stacks_without_stale(w->stacks, first);
	assert_non_null(without);
	assert_int_not_equal(without->id, first->id);
	assert_null(without->frame[CELL].code);
	assert_string_equal(py_code_function(without->frame[APP].code), "serve");
	assert_int_equal(without->frame[APP].line, first->frame[APP].line);
	assert_ptr_equal(stacks_find(w->stacks, without->id), without);
	assert_ptr_equal(stacks_without_stale(w->stacks, first), without);
	assert_ptr_equal(stacks_current(w->stacks, STACK), first);
}

/* Code of exec() and eval(): what ran there was of no file, at whatever line. */
static void exec_has_no_line_any_more(void **state)
{
	struct world *w = *state;
	const struct stack *without;
	struct stack *first;

	a_cell(w, 0, "<module>", 7);
	first = (struct stack *)(uintptr_t)tell(w);
	assert_true(first->frame[CELL].line > 0);
	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	assert_false(stacks_verify(w->stacks, first));
	without = stacks_without_stale(w->stacks, first);
	assert_string_equal(py_code_file(without->frame[CELL].code), "<cell>");
	assert_int_equal(without->frame[CELL].line, 0);
}

/* A block has the hash alone: which of the two made it is not known. */
static void what_has_the_hash_alone_is_of_neither(void **state)
{
	struct world *w = *state;
	const struct stack *first = tell(w), *by;
	struct map64 keep = {0};
	uint64_t *gone;
	size_t n;

	assert_ptr_equal(stacks_by_key(w->stacks, STACK), first);
	assert_forgotten(w, 0);
	a_cell(w, 1, "second", 9);
	usleep(250000); /* it is looked again */
	assert_ptr_equal(stacks_by_key(w->stacks, STACK), first);
	assert_forgotten(w, 1);
	assert_ptr_not_equal(tell(w), first);
	for (size_t again = 0; again < 3; again++) {
		by = stacks_by_key(w->stacks, STACK);
		assert_int_not_equal(by->id, STACK);
		assert_ptr_equal(stacks_find(w->stacks, by->id), by);
		assert_null(by->frame[CELL].code);
		assert_string_equal(py_code_function(by->frame[APP].code), "serve");
		assert_string_equal(py_code_function(first->frame[CELL].code), "first");
		/* The first comes back; then the process has ended. */
		if (again == 0) {
			map64_put(&keep, STACK);
			assert_int_equal(stacks_trim(w->stacks, &keep, &gone, &n), 0);
			free(gone);
			a_cell(w, 0, "first", 7);
			assert_ptr_equal(tell(w), first);
		} else {
			memset(w->code, 0, sizeof(w->code));
		}
	}
	map64_free(&keep);
}

/* No other code was told: a cell that is gone keeps its blocks. */
static void what_is_gone_keeps_the_name_of_its_blocks(void **state)
{
	struct world *w = *state;
	const struct stack *first = tell(w);

	memset(w->code, 0, sizeof(w->code));
	usleep(250000);
	assert_ptr_equal(stacks_by_key(w->stacks, STACK), first);
	assert_string_equal(py_code_function(first->frame[CELL].code), "first");
	assert_forgotten(w, 1);
}

/* A terminal's cells have names of their own: at an address where one was another may have run. */
static void the_name_of_an_older_cell_is_not_told(void **state)
{
	struct world *w = *state;
	const struct stack *without;
	struct stack *first;

	a_cell(w, 0, "<module>", 7);
	first = (struct stack *)(uintptr_t)tell(w);
	a_cell(w, 1, "<module>", 9); /* of the same name */
	assert_false(stacks_verify(w->stacks, first));
	without = stacks_without_stale(w->stacks, first);
	assert_string_equal(py_code_file(without->frame[CELL].code), "<cell>");
	text(w, 3, "<cell 2>");
	write_code(w, CELL, text(w, 0, "<module>"), w->name[3], 11);
	first->without = NULL; /* later */
	without = stacks_without_stale(w->stacks, first);
	assert_null(without->frame[CELL].code);
	/* Nor when that one is gone. */
	memset(w->code[CELL], 0, sizeof(w->code[CELL]));
	first->without = NULL;
	without = stacks_without_stale(w->stacks, first);
	assert_null(without->frame[CELL].code);
}

static void what_is_forgotten_is_told_anew(void **state)
{
	struct world *w = *state;
	struct stack *first = (struct stack *)(uintptr_t)tell(w);
	struct map64 keep = {0};
	const struct stack *next;
	uint64_t *gone, id;
	size_t n;

	a_cell(w, 1, "second", 9);
	stacks_verify(w->stacks, first);
	next = tell(w);
	id = next->id;
	/* An old meaning goes: the kernel half keeps the hash. */
	map64_put(&keep, id);
	assert_int_equal(stacks_trim(w->stacks, &keep, &gone, &n), 0);
	assert_int_equal(n, 0);
	free(gone);
	assert_null(stacks_find(w->stacks, STACK));
	assert_ptr_equal(stacks_current(w->stacks, STACK), next);
	/* The present one goes: the kernel half is to tell it again. */
	map64_clear(&keep);
	assert_int_equal(stacks_trim(w->stacks, &keep, &gone, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(gone[0], STACK);
	free(gone);
	map64_free(&keep);
	next = tell(w);
	assert_int_equal(next->id, STACK);
	assert_string_equal(py_code_function(next->frame[CELL].code), "second");
}

/* Code whose bytecode the instruction is not in is not the code that ran. */
static void an_instruction_of_other_code_has_no_name(void **state)
{
	struct world *w = *state;
	uint64_t addr = (uintptr_t)w->code[CELL], first = addr + w->rt.layout.code_code;
	const struct stack *st = tell(w);
	struct py_code *c;

	assert_string_equal(py_code_function(st->frame[APP].code), "serve");
	for (size_t i = 0; i < CODES; i++)
		w->rec->frames[i].instr += UNITS * 2 - 4 * i;
	w->rec->id = STACK + 1;
	stacks_add(w->stacks, w->rec, sizeof(*w->rec));
	st = stacks_current(w->stacks, STACK + 1);
	assert_null(st->frame[CELL].code);
	assert_int_equal(st->frame[CELL].line, 0);
	assert_string_equal(py_code_function(st->frame[APP].code), "serve"); /* its last one */

	assert_int_equal(py_code_read(&w->rt, addr, &c), 0);
	assert_int_equal(py_code_line(&w->rt, c, first - 2), 7); /* not begun */
	assert_int_equal(py_code_line(&w->rt, c, first - 4), -ESTALE);
	assert_int_equal(py_code_line(&w->rt, c, first + 2 * UNITS - 2), 7);
	assert_int_equal(py_code_line(&w->rt, c, first + 2 * UNITS), -ESTALE);
	/* With copies for threads it may be in one that is gone, while the code is there. */
	w->rt.layout.code_tlbc = w->rt.layout.code_code - 8;
	assert_int_equal(py_code_line(&w->rt, c, first + 2 * UNITS), 0);
	a_cell(w, 1, "second", 9);
	assert_int_equal(py_code_line(&w->rt, c, first + 2 * UNITS), -ESTALE);
	py_code_free(c);
	/* To 3.10 the number before the first. */
	w->rt.walk.instr_kind = PL_INSTR_LASTI_UNITS;
	assert_int_equal(py_code_read(&w->rt, addr, &c), 0);
	assert_int_equal(py_code_line(&w->rt, c, (uint32_t)-1), 9);
	py_code_free(c);
}

/* A build of 3.13, where the cell's instructions are two lines below its first. */
static struct stack *tell_of_3_13(struct world *w)
{
	static const uint8_t two_down[] = {0x80 | 13 << 3 | 7, 2 << 1};

	w->priv.build = py_table(13);
	w->rt.minor = 13;
	w->rt.layout = w->priv.build.layout;
	w->rt.walk = w->priv.build.walk;
	text(w, 2, "app.py");
	write_code(w, APP, text(w, 3, "serve"), w->name[2], 30);
	a_cell(w, 0, "grow", 7);
	for (size_t i = 0; i < CODES; i++)
		memcpy(w->table[i] + w->rt.layout.bytes_data, two_down, sizeof(two_down));
	return (struct stack *)(uintptr_t)tell(w);
}

/* The loop of the caller was compiled, with what it calls. */
static void where_the_jit_runs_a_birth_has_no_line(void **state)
{
	struct world *w = *state;
	struct stack *st = tell_of_3_13(w);
	const int32_t traces[] = {1, 4};

	assert_true(stacks_verify(w->stacks, st));
	assert_false(py_jit_runs(&w->rt));
	assert_int_equal(st->frame[CELL].line, 9);
	put_word(w->code[APP] + w->rt.layout.code_linetable + 16, (uintptr_t)traces);
	assert_true(stacks_verify(w->stacks, st));
	assert_true(py_jit_runs(&w->rt));
	assert_int_equal(st->frame[CELL].line, 7);
	assert_int_equal(st->frame[APP].line, 32); /* a call tells its line */
}

static void what_is_no_array_of_traces_is_none(void **state)
{
	static const int32_t others[][2] = {{0, 4}, {5, 4}, {1, 257}, {-1, 4}};
	struct world *w = *state;
	struct stack *st = tell_of_3_13(w);
	uint8_t *member = w->code[CELL] + w->rt.layout.code_linetable + 16;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		put_word(member, (uintptr_t)others[i]);
		assert_true(stacks_verify(w->stacks, st));
		assert_false(py_jit_runs(&w->rt));
	}
	put_word(member, 8);
	assert_true(stacks_verify(w->stacks, st));
	assert_int_equal(st->frame[CELL].line, 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(code_that_lives_stays_what_it_is),
		TEST(the_next_cell_is_another_stack),
		TEST(what_is_not_stale_is_not_told_twice),
		TEST(the_same_source_again_is_the_same_stack),
		TEST(only_the_frame_that_is_gone_is_unknown),
		TEST(exec_has_no_line_any_more),
		TEST(the_name_of_an_older_cell_is_not_told),
		TEST(what_has_the_hash_alone_is_of_neither),
		TEST(what_is_gone_keeps_the_name_of_its_blocks),
		TEST(an_instruction_of_other_code_has_no_name),
		TEST(what_is_forgotten_is_told_anew),
		TEST(other_code_in_its_place_is_known),
		TEST(code_that_is_gone_leaves_its_place_alone),
		TEST(where_the_jit_runs_a_birth_has_no_line),
		TEST(what_is_no_array_of_traces_is_none),
	};

	return cmocka_run_group_tests_name("stacks", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Births at one address, of which the last alone owns it: of unknown type, or with a record that is
 * written after it was numbered. Every object that is asked for is there. */
#include "base/map64.h"
#include "ladder/ladder.h"
#include "unit/self.h"

#define TYPE  0x7000
#define ADDR  0x10000
#define OTHER 0x20000
#define THIRD 0x30000
#define STACK 1

static bool is_finalized;
static uint64_t content; /* of all */
static uint64_t gone;	 /* all are there but this one */

size_t heap_read_objects(struct heap *h, struct heap_object *v, size_t n, enum heap_depth depth)
{
	(void)h;
	(void)depth;
	for (size_t i = 0; i < n; i++)
		v[i] = (struct heap_object){.addr = v[i].addr == gone ? 0 : v[i].addr,
					    .type = v[i].type,
					    .fp = {.n = 1, .content = content},
					    .parts = 1,
					    .part[0].cls = (int)(v[i].type & 1),
					    .is_finalized = is_finalized && v[i].addr == ADDR};
	return n;
}

bool heap_is_gone(const struct heap *h)
{
	(void)h;
	return false;
}

bool heap_same_object(const struct heap_fingerprint *then, const struct heap_fingerprint *now)
{
	return then->n == now->n;
}

static struct {
	struct stacks *stacks;
	struct ladder *ladder;
	struct pl_birth ring[PL_BIRTH_SLOTS];
	uint64_t births, first; /* the first of this window */
} k;

static int set_up(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	is_finalized = false;
	content = gone = 0;
	assert_int_equal(stacks_new(NULL, &k.stacks), 0);
	return ladder_new(NULL, k.stacks, &k.ladder);
}

static int tear_down(void **state)
{
	(void)state;
	ladder_free(k.ladder);
	stacks_free(k.stacks);
	return 0;
}

static void number(uint64_t object, uint64_t type)
{
	k.ring[k.births++] = (struct pl_birth){.object = object, .type = type, .stack = STACK};
}

static void write_down(uint64_t i)
{
	k.ring[i].lap = 1;
}

static void bear(uint64_t object, uint64_t type)
{
	number(object, type);
	write_down(k.births - 1);
}

static void look(void)
{
	ladder_look(k.ladder, k.ring, k.first, k.births, 1, 1, false);
}

static void admit(void)
{
	ladder_kill_new(k.ladder, k.ring, k.first, k.births);
	ladder_admit(k.ladder);
	k.first = k.births;
}

static void assert_alive(size_t n)
{
	size_t have;
	const struct sample *s = ladder_samples(k.ladder, &have);

	assert_int_equal(have, n);
	if (n)
		assert_int_equal(s->addr, OTHER);
}

static void one_of_unknown_type_owns_its_address(void **state)
{
	(void)state;
	bear(ADDR, TYPE);
	bear(OTHER, TYPE);
	bear(ADDR, 0);
	look();
	admit();
	assert_alive(1);
}

static void one_born_during_the_look_kills(void **state)
{
	(void)state;
	bear(ADDR, TYPE);
	bear(OTHER, TYPE);
	look();
	bear(ADDR, TYPE);
	admit();
	assert_alive(1);
}

static void one_written_after_the_look_kills(void **state)
{
	(void)state;
	bear(ADDR, TYPE);
	bear(OTHER, TYPE);
	number(ADDR, TYPE);
	look();
	write_down(k.births - 1);
	admit();
	assert_alive(1);
}

static void one_that_stays_unwritten_may_be_any(void **state)
{
	(void)state;
	bear(ADDR, TYPE);
	number(ADDR, TYPE);
	bear(OTHER, TYPE);
	look();
	admit();
	assert_alive(0);
}

/* Its birth is that of its second life. */
static void one_that_its_end_kept_has_no_line(void **state)
{
	(void)state;
	is_finalized = true;
	bear(ADDR, TYPE);
	bear(OTHER, TYPE);
	look();
	admit();
	assert_alive(1);
}

/* The newest are looked at; those before the first of them are none of the window. */
static void what_a_look_has_no_room_for_is_told(void **state)
{
	size_t n;

	(void)state;
	for (uint64_t i = 0; i < 8192 + 100; i++)
		bear(ADDR + 64 * i, TYPE);
	assert_int_equal(ladder_look(k.ladder, k.ring, k.first, k.births, 1, 1, false), 100);
	assert_int_equal(ladder_looked_at(k.ladder, &n)[8191].birth, 100);
	ladder_drop_look(k.ladder, k.births);
	assert_int_equal(ladder_look(k.ladder, k.ring, k.first + 200, k.births, 1, 1, false), 0);
}

static uint64_t last_nth(void)
{
	size_t n;
	const struct sample *s = ladder_samples(k.ladder, &n);

	assert_true(n > 0);
	return s[n - 1].nth;
}

/* Those that were dropped, and died, were born too; what came during the look belongs to no window.
 * Types are of the class that their last bit says. */
static void births_of_a_type_are_counted(void **state)
{
	struct ladder_aim even = {.classes = 1ull << heap_class_index(0)};
	struct ladder_aim other = {.type = {TYPE + 3}, .n_types = 1};

	(void)state;
	bear(ADDR, TYPE);
	bear(ADDR, TYPE + 1);
	bear(ADDR, TYPE);
	bear(OTHER, TYPE);
	look();
	bear(ADDR + 64, TYPE);
	admit();
	assert_int_equal(last_nth(), 3);
	/* A window on places where bodies of its class are born sees all; one on other types may
	 * not. */
	bear(ADDR, TYPE);
	look();
	ladder_keep(k.ladder, &even);
	admit();
	assert_int_equal(last_nth(), 4);
	other.classes = even.classes;
	bear(ADDR, TYPE + 2); /* whose class was not known */
	bear(OTHER, TYPE + 3);
	look();
	ladder_keep(k.ladder, &other);
	admit();
	assert_int_equal(last_nth(), 0);
	/* Not those of a window whose record is not whole. */
	bear(ADDR, TYPE);
	number(ADDR, TYPE);
	look();
	admit();
	write_down(k.births - 1);
	bear(ADDR, TYPE);
	look();
	admit();
	assert_int_equal(last_nth(), 5);
}

/* Births of a type were counted whose samples are dropped: those that stay are no share of them. */
static void one_of_a_type_that_was_missed_has_no_number(void **state)
{
	(void)state;
	bear(OTHER, TYPE);
	look();
	admit();
	assert_int_equal(last_nth(), 1);
	ladder_drop_partial(k.ladder, 1, &(struct ladder_aim){.classes = 2});
	assert_int_equal(last_nth(), 1);
	ladder_drop_partial(k.ladder, 1, &(struct ladder_aim){.classes = 1});
	assert_alive(1);
	assert_int_equal(last_nth(), 0);
}

static void bear_of(uint64_t object, uint64_t stack)
{
	bear(object, TYPE);
	k.ring[k.births - 1].stack = stack;
}

static uint64_t relieved(uint64_t stack)
{
	const uint64_t *n =
		map64_get(ladder_deaths(k.ladder), evidence_likes(stack, content ? content : 77));

	return n ? *n : 0;
}

/* Two stacks' objects at one address, in one window, and one that is followed by its own. */
static void live_and_let_die(void)
{
	bear_of(ADDR, 5);
	bear_of(ADDR, 6);
	bear_of(OTHER, 7);
	bear_of(OTHER, 7);
	look();
	admit();
}

/* By another stack's of the same content, once that is known to be that of many. */
static void who_dies_for_another_is_counted(void **state)
{
	(void)state;
	live_and_let_die();
	live_and_let_die();
	assert_int_equal(relieved(5), 0);
	content = 77;
	live_and_let_die();
	live_and_let_die();
	assert_int_equal(relieved(5), 1);
	live_and_let_die();
	assert_int_equal(relieved(5), 2);
	assert_int_equal(relieved(6) + relieved(7), 0);
	for (int i = 0; i < 30; i++)
		bear_of(ADDR, 5); /* one of them may be met at the end of a window */
	live_and_let_die();
	assert_int_equal(relieved(5), 3);
	bear_of(ADDR, 5);
	bear_of(ADDR, 6);
	look();
	ladder_drop_look(k.ladder, 2); /* its record is not whole */
	admit();
	assert_int_equal(relieved(5), 3);
}

/* A window that has one birth at the address. */
static void live_until_the_next(uint64_t stack)
{
	bear_of(ADDR, stack);
	look();
	ladder_kill_new(k.ladder, k.ring, k.first, k.births);
	ladder_kill_old(k.ladder, k.ring, k.first, k.births);
	ladder_admit(k.ladder);
	k.first = k.births;
}

/* At any age: there may be as many more whose heirs no window saw. */
static void who_is_relieved_between_windows_is_counted(void **state)
{
	(void)state;
	content = 77;
	live_until_the_next(5);
	live_until_the_next(6);
	assert_int_equal(relieved(5), 0); /* not known to be the content of many */
	live_until_the_next(5);
	assert_int_equal(relieved(6), 1);
	live_until_the_next(5); /* by its own, too: a line that keeps what it makes ends none */
	assert_int_equal(relieved(5), 1);
	live_until_the_next(6);
	assert_int_equal(relieved(5), 2);
	content = 78;
	live_until_the_next(0);
	live_until_the_next(0);
	assert_int_equal(relieved(EVIDENCE_NO_FRAME), 0);
	live_until_the_next(6);
	assert_int_equal(relieved(EVIDENCE_NO_FRAME), 1);
	live_until_the_next(0);
	ladder_climb(k.ladder, clock_ns() + 4000000000);
	live_until_the_next(6);
	assert_int_equal(relieved(EVIDENCE_NO_FRAME), 2);
	content = 77;
	assert_int_equal(relieved(6), 1);
}

/* A birth in a later window. */
static void kill_at(uint64_t addr)
{
	bear(addr, TYPE);
	ladder_kill_old(k.ladder, k.ring, k.first, k.births);
	k.first = k.births;
}

static void assert_survive(size_t n)
{
	ladder_climb(k.ladder, clock_ns() + 4000000000);
	assert_alive(n);
}

/* Wherever they are on the ladder: those behind one that has died move up. */
static void those_that_have_moved_are_killed_all_the_same(void **state)
{
	(void)state;
	bear(THIRD, TYPE); /* the last birth comes first */
	bear(OTHER, TYPE);
	bear(ADDR, TYPE);
	look();
	admit();
	gone = ADDR;
	assert_survive(2);
	kill_at(ADDR);
	assert_survive(2);
	gone = 0;
	bear(ADDR, TYPE);
	look();
	admit();
	assert_survive(3);
	kill_at(THIRD);
	kill_at(THIRD);
	assert_survive(2);
	kill_at(ADDR);
	assert_survive(1);
	kill_at(OTHER);
	assert_survive(0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_of_unknown_type_owns_its_address),
		TEST(one_born_during_the_look_kills),
		TEST(one_written_after_the_look_kills),
		TEST(one_that_stays_unwritten_may_be_any),
		TEST(one_that_its_end_kept_has_no_line),
		TEST(what_a_look_has_no_room_for_is_told),
		TEST(births_of_a_type_are_counted),
		TEST(one_of_a_type_that_was_missed_has_no_number),
		TEST(who_dies_for_another_is_counted),
		TEST(who_is_relieved_between_windows_is_counted),
		TEST(those_that_have_moved_are_killed_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

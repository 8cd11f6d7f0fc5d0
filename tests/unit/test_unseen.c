/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which size classes are refused, when they are lifted, and when all places are to be looked at:
 * objects in new memory are made up here, and births of them are on record or not. */
#include "inquiry/unseen.h"
#include "py/shape.h"
#include "unit/self.h"

#define CLS   3
#define TYPE  0x7000
#define OTHER 0x8000
#define BIG   9	  /* another class */
#define MANY  300 /* looks in a row, docs/SCORING.md */

static struct carved there[CARVED_MAX];
static size_t n_there;
static struct proc *self;

static bool reads_mimalloc;

bool heap_has_mimalloc(const struct heap *h)
{
	(void)h;
	return reads_mimalloc;
}

int carving_begin(struct heap *h, struct carving *out)
{
	(void)h;
	(void)out;
	return 0;
}

size_t carving_end(struct heap *h, const struct carving *c, struct carved *out, size_t max)
{
	(void)h;
	(void)c;
	assert_true(n_there <= max);
	memcpy(out, there, n_there * sizeof(*out));
	return n_there;
}

static struct {
	struct py_runtime rt;
	struct pl_stats stats;
	struct pl_birth births[PL_BIRTH_SLOTS];
	pl_birth_died died[PL_BIRTH_SLOTS];
	struct unseen u;
	struct unseen_view v;
	uint64_t refused;
	unsigned told;
	char why[400];
	int cls;
	bool is_lossy; /* births are lost in each look */
} k;

static void note_refusal(void *ctx, uint64_t classes, const char *why)
{
	(void)ctx;
	k.refused = classes;
	k.told++;
	snprintf(k.why, sizeof(k.why), "%s", why);
}

static void set_up(void)
{
	unseen_free(&k.u);
	memset(&k, 0, sizeof(k));
	k.cls = CLS;
	self = self_open();
	k.rt.proc = self;
	k.v = (struct unseen_view){&k.rt, NULL, k.births, k.died, &k.stats, note_refusal, NULL};
}

static void tear_down(void)
{
	proc_close(self);
	unseen_free(&k.u);
}

/* One look, in which objects of @type have come in new memory. */
static void look(const struct ladder_aim *aim, uint64_t type, size_t seen, size_t missed)
{
	uint64_t first = k.stats.births;

	memset(k.u.due_ns, 0, sizeof(k.u.due_ns));
	unseen_begin(&k.u, &k.v, aim);
	for (n_there = 0; n_there < seen + missed; n_there++) {
		uint64_t addr = 0x10000 + 64 * n_there;

		there[n_there] = (struct carved){addr, type, k.cls, true};
		if (n_there < seen)
			k.births[k.stats.births++ % PL_BIRTH_SLOTS] =
				(struct pl_birth){.object = addr, .type = type};
	}
	k.stats.lost[PL_LOST_BIRTHS_FULL] += k.is_lossy;
	unseen_end(&k.u, &k.v);
	unseen_settle(&k.u, &k.v, first, NULL, 0);
}

/* One look, in which objects were born again where others of @type had been. */
static void look_again(uint64_t type, size_t seen, size_t missed)
{
	uint64_t first = k.stats.births;
	struct sample s[16] = {0};

	memset(k.u.due_ns, 0, sizeof(k.u.due_ns));
	n_there = 0;
	unseen_begin(&k.u, &k.v, NULL);
	for (size_t i = 0; i < seen + missed; i++) {
		uint64_t at = k.stats.births++;

		s[i] = (struct sample){
			.addr = 0x10000 + 64 * i, .type = type, .parts = 1, .birth = at};
		s[i].part[0].cls = (uint8_t)k.cls;
		k.births[at % PL_BIRTH_SLOTS] =
			(struct pl_birth){.object = s[i].addr, .type = type};
		k.died[at % PL_BIRTH_SLOTS] = i >= seen;
	}
	unseen_end(&k.u, &k.v);
	unseen_settle(&k.u, &k.v, first, s, seen + missed);
}

static void see(unsigned looks, uint64_t type)
{
	for (unsigned i = 0; i < looks; i++)
		look(NULL, type, 1, 0);
}

static void miss(void)
{
	for (int i = 0; i < 3; i++)
		look(NULL, TYPE, 10, 5);
}

static void the_heap_of_some_builds_is_not_asked(void **state)
{
	struct py_shape debian = {.minor = 13,
				  .has_births = true,
				  .inlines_births = true,
				  .lto = PY_YES,
				  .bolt = PY_NO,
				  .libc = PY_LIBC_GLIBC,
				  .compiler = "GCC 14.2.0"};
	struct py_runtime rt = {.shape = &debian};
	bool is_asked;

	(void)state;
	for (enum py_allocator a = PY_ALLOC_PYMALLOC; a <= PY_ALLOC_OTHER; a++) {
		rt.allocator = a;
		reads_mimalloc = true;
		*debian.compiler = 'G';
		is_asked = a == PY_ALLOC_PYMALLOC || a == PY_ALLOC_MIMALLOC;
		assert_int_equal(!unseen_not_asked(&rt, NULL), is_asked);
		assert_null(unseen_doubt(&rt, NULL));
		*debian.compiler = '\0';
		assert_int_equal(!unseen_doubt(&rt, NULL), is_asked);
		reads_mimalloc = false;
		assert_int_equal(!unseen_doubt(&rt, NULL), a == PY_ALLOC_PYMALLOC);
	}
}

static void a_class_is_lifted_when_all_births_were_seen_for_long(void **state)
{
	(void)state;
	set_up();
	miss();
	assert_int_equal(k.refused, 1 << CLS);
	assert_int_equal(k.told, 1);
	see(MANY - 1, TYPE);
	look(NULL, TYPE, 10, 1);
	assert_int_equal(k.told, 1);
	see(MANY - 1, TYPE);
	assert_int_equal(k.refused, 1 << CLS);
	assert_true(k.u.missed);
	see(1, TYPE);
	assert_int_equal(k.refused, 0);
	assert_int_equal(k.told, 2);
	assert_int_equal(k.u.missed, 0);
	tear_down();
}

static void what_is_not_met_says_nothing(void **state)
{
	(void)state;
	set_up();
	miss();
	see(2 * MANY, OTHER);
	assert_int_equal(k.refused, 1 << CLS);
	tear_down();
}

/* Looks at deaths of another type would have taken a rebirth behind a death for the object before.
 */
static void a_rebirth_is_lifted_by_looks_at_its_type(void **state)
{
	(void)state;
	set_up();
	k.stats.dying = TYPE;
	for (int i = 0; i < 3; i++)
		look_again(TYPE, 10, 5);
	assert_int_equal(k.refused, 1 << CLS);
	k.stats.dying = TYPE + 1;
	for (int i = 0; i < 2 * MANY; i++)
		look_again(TYPE, 1, 0);
	assert_int_equal(k.refused, 1 << CLS);
	k.stats.dying = 0; /* deaths of no type are probed */
	for (int i = 0; i < 2 * MANY; i++)
		look_again(TYPE, 1, 0);
	assert_int_equal(k.refused, 1 << CLS);
	k.stats.dying = TYPE;
	for (int i = 0; i < MANY; i++)
		look_again(TYPE, 1, 0);
	assert_int_equal(k.refused, 0);
	tear_down();
}

static void a_class_is_lifted_once(void **state)
{
	(void)state;
	set_up();
	miss();
	see(MANY, TYPE);
	assert_int_equal(k.refused, 0);
	miss();
	see(2 * MANY, TYPE);
	assert_int_equal(k.refused, 1 << CLS);
	tear_down();
}

static void a_stale_object_refuses_no_other_size(void **state)
{
	(void)state;
	set_up();
	miss();
	assert_int_equal(k.refused, 1 << CLS);
	assert_non_null(strstr(k.why, "of 49 to 64 bytes"));
	k.cls = BIG;
	look(NULL, TYPE, 3, 3);
	assert_int_equal(k.refused, 1 << CLS);
	assert_int_equal(k.told, 1);
	look(NULL, TYPE, 0, 1);
	assert_int_equal(k.refused, 1 << CLS | 1 << BIG);
	assert_int_equal(k.told, 2);
	assert_non_null(strstr(k.why, "of 145 to 160 bytes"));
	tear_down();
}

static void many_sizes_have_one_sentence(void **state)
{
	char last[sizeof(k.why)];

	(void)state;
	set_up();
	for (k.cls = 0; k.cls < HEAP_CLASSES; k.cls++) {
		snprintf(last, sizeof(last), "%s", k.why);
		miss();
		assert_true(k.refused >> k.cls & 1);
		assert_int_equal(strcmp(last, k.why) != 0, k.cls < 7);
	}
	tear_down();
}

static void a_look_at_a_few_places_proves_nothing(void **state)
{
	const struct ladder_aim size = {.classes = 1 << CLS}, type = {.type = {TYPE}, .n_types = 1};

	(void)state;
	set_up();
	for (int i = 0; i < 20; i++) {
		look(i & 1 ? &size : &type, TYPE, 10, 10);
		assert_true(k.u.is_suspect);
	}
	assert_int_equal(k.refused, 0);
	/* The next is at all places, and they show everything. */
	look(NULL, TYPE, 20, 0);
	assert_false(k.u.is_suspect);
	tear_down();
}

static void a_look_at_a_few_places_knows_what_it_should_see(void **state)
{
	const struct ladder_aim size = {.classes = 1 << CLS}, type = {.type = {TYPE}, .n_types = 1};
	const struct ladder_aim elsewhere = {.classes = 1 << (CLS + 1)};

	(void)state;
	set_up();
	look(&elsewhere, TYPE, 0, 20);
	assert_false(k.u.is_suspect);
	look(&type, OTHER, 0, 20);
	assert_false(k.u.is_suspect);
	look(&size, OTHER, 20, 3); /* stale objects */
	assert_false(k.u.is_suspect);
	look(&size, OTHER, 20, 6);
	assert_true(k.u.is_suspect);
	miss();
	look(&size, TYPE, 0, 20); /* no line is told of it anyhow */
	assert_false(k.u.is_suspect);
	tear_down();
}

static void an_object_in_the_place_of_a_dead_one_is_suspect(void **state)
{
	const struct ladder_aim size = {.classes = 1 << CLS};
	struct sample s = {.addr = 0x10000, .type = TYPE, .parts = 1, .part = {{.cls = CLS}}};

	(void)state;
	set_up();
	for (int dead = 0; dead < 2; dead++) {
		n_there = 0;
		unseen_begin(&k.u, &k.v, &size);
		k.died[0] = (pl_birth_died)dead;
		k.stats.births = 1;
		unseen_end(&k.u, &k.v);
		unseen_settle(&k.u, &k.v, 0, &s, 1);
		assert_int_equal(k.u.is_suspect, dead);
	}
	tear_down();
}

/* A look misses one of ten births, so many times; between two of these are fifty looks at @births
 * each. */
static void miss_now_and_then(int times, size_t births, bool is_lossy)
{
	for (int i = 0; i < times; i++) {
		assert_int_equal(k.refused, 0);
		look_again(TYPE, 10, 1);
		k.is_lossy = is_lossy;
		for (int n = 0; n < 50; n++)
			look(NULL, TYPE, births, 0);
		k.is_lossy = false;
	}
}

/* It does something now and then, and is looked at all the time. */
static void misses_of_a_program_that_rests_add_up(void **state)
{
	(void)state;
	set_up();
	miss_now_and_then(4, 0, false);
	assert_int_equal(k.refused, 1 << CLS);
	tear_down();
}

static void rare_misses_of_a_busy_program_do_not(void **state)
{
	(void)state;
	set_up();
	miss_now_and_then(20, 1, false);
	assert_int_equal(k.refused, 0);
	tear_down();
}

/* Some of its births were lost: what is thrown away takes nothing away either. */
static void looks_that_are_thrown_away_do_not_count(void **state)
{
	(void)state;
	set_up();
	miss_now_and_then(4, 1, true);
	assert_int_equal(k.refused, 1 << CLS);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_heap_of_some_builds_is_not_asked),
		cmocka_unit_test(a_class_is_lifted_when_all_births_were_seen_for_long),
		cmocka_unit_test(what_is_not_met_says_nothing),
		cmocka_unit_test(a_rebirth_is_lifted_by_looks_at_its_type),
		cmocka_unit_test(a_class_is_lifted_once),
		cmocka_unit_test(a_stale_object_refuses_no_other_size),
		cmocka_unit_test(many_sizes_have_one_sentence),
		cmocka_unit_test(a_look_at_a_few_places_proves_nothing),
		cmocka_unit_test(a_look_at_a_few_places_knows_what_it_should_see),
		cmocka_unit_test(an_object_in_the_place_of_a_dead_one_is_suspect),
		cmocka_unit_test(misses_of_a_program_that_rests_add_up),
		cmocka_unit_test(rare_misses_of_a_busy_program_do_not),
		cmocka_unit_test(looks_that_are_thrown_away_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which type's deaths are looked at, and for how long: samples and types are made up here. */
#include "inquiry/deaths.h"
#include "places/places.h"
#include "storage/storage.h"
#include "unit.h"

#define PLAIN	 0x7000 /* ends at CODE */
#define LIKEWISE 0x8000
#define ELSEWISE 0x9000
#define KEPT	 0xa000 /* has a finalizer */
#define CODE	 0x400100
#define BIAS	 0x400000
#define FD	 77

static struct {
	struct sample s[2];
	size_t n;
	struct py_runtime rt;
	struct pl_stats stats;
	uint64_t random, offset;
	unsigned read, opened, closed, switched;
	int find_err, open_err, on_err;
	bool is_silent;
	struct deaths d;
	struct deaths_view v;
} k;

struct probe_set {
	int unused;
} the_set;

const struct sample *ladder_samples(const struct ladder *l, size_t *n)
{
	(void)l;
	*n = k.n;
	return k.s;
}

uint64_t py_type_dealloc(const struct py_runtime *rt, uint64_t type)
{
	(void)rt;
	return type == KEPT ? 0 : type == ELSEWISE ? CODE + 64 : CODE;
}

int dso_fd(const struct dso *d)
{
	(void)d;
	return FD;
}

int storage_ask(int fd, enum storage_question what)
{
	assert_int_equal(fd, FD);
	assert_int_equal(what, STORAGE_READ);
	return k.is_silent ? -EREMOTE : 0;
}

int places_find_entry_at(const struct dso *d, uint64_t addr, const char *name, uint32_t args_mask,
			 struct places_point *out)
{
	(void)d, (void)name, (void)args_mask;
	k.read++;
	*out = (struct places_point){.addr = addr, .offset = addr + 1, .site = {.reg = 3}};
	return k.find_err;
}

void dso_forget_bytes(struct dso *d)
{
	(void)d;
}

int probe_set_open(enum probe_mechanism m, const struct probe_set_spec *spec,
		   struct probe_set **out)
{
	(void)m;
	assert_int_equal(spec->n, 1);
	k.offset = spec->offsets[0];
	k.opened++;
	*out = k.open_err ? NULL : &the_set;
	return k.open_err;
}

void probe_set_close(struct probe_set *s)
{
	k.closed += s != NULL;
}

int probe_set_on(struct probe_set *s)
{
	assert_ptr_equal(s, &the_set);
	k.switched++;
	return k.on_err;
}

static int set_up(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	k.random = 1;
	k.rt.bias = BIAS;
	k.v = (struct deaths_view){.rt = &k.rt, .stats = &k.stats, .random = &k.random};
	return 0;
}

static void look_at(uint64_t type, uint8_t rung)
{
	k.s[0] = (struct sample){.addr = 0x10, .type = type, .rung = rung};
	k.n = 1;
	deaths_choose(&k.d, &k.v);
}

static void without_survivors_there_is_nothing_to_ask(void **state)
{
	(void)state;
	deaths_choose(&k.d, &k.v);
	look_at(PLAIN, 0);
	assert_int_equal(k.opened, 0);
	deaths_on(&k.d, &k.stats);
	assert_int_equal(k.switched, 0);
}

static void a_survivors_type_is_asked_for_four_looks(void **state)
{
	(void)state;
	look_at(PLAIN, 1);
	assert_int_equal(k.stats.dying, PLAIN);
	assert_int_equal(k.stats.dying_reg, 3);
	assert_int_equal(k.offset, CODE - BIAS + 1);
	deaths_on(&k.d, &k.stats);
	assert_int_equal(k.switched, 1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(k.stats.dying, PLAIN);
		look_at(ELSEWISE, 1);
	}
	assert_int_equal(k.stats.dying, ELSEWISE);
	assert_int_equal(k.opened, 2);
	assert_int_equal(k.closed, 1);
	deaths_free(&k.d);
	assert_int_equal(k.closed, 2);
}

static void types_that_end_at_one_place_share_its_probe(void **state)
{
	(void)state;
	look_at(PLAIN, 1);
	for (int i = 0; i < 4; i++)
		look_at(LIKEWISE, 1);
	assert_int_equal(k.stats.dying, LIKEWISE);
	assert_int_equal(k.opened, 1);
	assert_int_equal(k.closed, 0);
}

static void types_that_may_keep_an_object_are_not_asked(void **state)
{
	(void)state;
	look_at(PLAIN, 1);
	for (int i = 0; i < 4; i++)
		look_at(KEPT, 1);
	assert_null(k.d.set);
	assert_int_equal(k.stats.dying, 0);
	assert_int_equal(k.closed, 1);
	deaths_on(&k.d, &k.stats);
	assert_int_equal(k.switched, 0);
	for (int i = 0; i < 4; i++)
		look_at(PLAIN, 1);
	assert_int_equal(k.opened, 2);
}

static void code_is_read_once_for_each_function(void **state)
{
	(void)state;
	for (int i = 0; i < 16; i++)
		look_at(i / 4 % 2 ? ELSEWISE : PLAIN, 1);
	assert_int_equal(k.opened, 4);
	assert_int_equal(k.read, 2);
}

static void code_without_a_place_is_not_read_again(void **state)
{
	(void)state;
	k.find_err = -ENOENT;
	for (int i = 0; i < 16; i++)
		look_at(i / 4 % 2 ? KEPT : PLAIN, 1);
	assert_int_equal(k.read, 1);
	assert_int_equal(k.opened, 0);
	assert_null(k.d.set);
	assert_int_equal(k.stats.dying, 0);
}

/* A look is as good without, but no proof that the type is seen to be born again. */
static void a_type_is_asked_about_while_its_probe_is_in(void **state)
{
	(void)state;
	k.on_err = -EAGAIN;
	look_at(PLAIN, 1);
	assert_int_equal(k.stats.dying, PLAIN);
	deaths_on(&k.d, &k.stats);
	assert_int_equal(k.stats.dying, 0);
	for (int i = 0; i < 4; i++)
		look_at(PLAIN, 1);
	assert_int_equal(k.stats.dying, PLAIN);
}

static void what_fails_for_now_is_tried_again(void **state)
{
	(void)state;
	k.open_err = -EAGAIN;
	for (int i = 0; i < 4; i++)
		look_at(PLAIN, 1);
	assert_int_equal(k.opened, 1);
	assert_int_equal(k.stats.dying, 0);
	k.open_err = 0;
	look_at(PLAIN, 1);
	assert_int_equal(k.opened, 2);
	assert_non_null(k.d.set);
	assert_int_equal(k.stats.dying, PLAIN);
}

static void storage_that_is_silent_is_not_read(void **state)
{
	(void)state;
	k.is_silent = true;
	look_at(PLAIN, 1);
	assert_int_equal(k.read, 0);
	k.is_silent = false;
	for (int i = 0; i < 4; i++)
		look_at(PLAIN, 1);
	assert_int_equal(k.read, 1);
	assert_int_equal(k.opened, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_survivors_there_is_nothing_to_ask, set_up),
		cmocka_unit_test_setup(a_survivors_type_is_asked_for_four_looks, set_up),
		cmocka_unit_test_setup(types_that_end_at_one_place_share_its_probe, set_up),
		cmocka_unit_test_setup(types_that_may_keep_an_object_are_not_asked, set_up),
		cmocka_unit_test_setup(code_is_read_once_for_each_function, set_up),
		cmocka_unit_test_setup(code_without_a_place_is_not_read_again, set_up),
		cmocka_unit_test_setup(a_type_is_asked_about_while_its_probe_is_in, set_up),
		cmocka_unit_test_setup(what_fails_for_now_is_tried_again, set_up),
		cmocka_unit_test_setup(storage_that_is_silent_is_not_read, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Objects that went into a container that rests, or elsewhere: the oldest do not tell. */
#include "unit.h"

#include "base/thresholds.h"
#include "session/holders_priv.h"
#include "session/survivors.h"

#define S     1000000000ull
#define TABLE 0x5000
#define OLD   100
#define CAME  20 /* since second 100, when the table began to rest */

static struct sample sample[OLD + CAME];

const struct sample *survivors_samples(const struct survivors *v, size_t *n)
{
	(void)v;
	*n = ARRAY_SIZE(sample);
	return sample;
}

struct watched {
	struct session s;
	struct holders h;
	struct found found;
	struct question q;
	struct why_answer a;
};

/* The oldest are in a table of theirs that has rested for 20 s while others came. */
static void set_up(struct watched *w)
{
	*w = (struct watched){.h.s = &w->s, .a = {.branch = TABLE, .sampled = INQUIRY_ADDR}};
	w->h.found.v = &w->found;
	w->h.found.n = 1;
	w->found.fact = (struct holder_fact){
		.id = "00000000000000aa",
		.kind = KIND_OBJECT,
		.holder.in_container = 1,
		.is_one = true,
		.fill = {.addr = TABLE,
			 .first = 1000,
			 .last = 1000,
			 .calm = 1000,
			 .first_ns = 50 * S,
			 .calm_ns = 100 * S,
			 .last_ns = 120 * S},
	};
	w->q = (struct question){
		.id = "00000000000000aa", .kind = KIND_OBJECT, .stack = {7}, .n_stacks = 1};
	for (size_t i = 0; i < ARRAY_SIZE(sample); i++) {
		sample[i] = (struct sample){.addr = 16 * (i + 1),
					    .stack = 7,
					    .weight = 1,
					    .rung = SURVIVED_RUNGS,
					    .born_ns = 60 * S + i};
		if (i >= OLD)
			sample[i].born_ns = 101 * S + i;
		if (i < WHY_BEHIND)
			w->a.behind[w->a.n_behind++] = sample[i].addr;
		if (w->q.n_sizes < REPLACED_SIZES) {
			w->q.born_s[w->q.n_sizes] = (double)i;
			w->q.bytes[w->q.n_sizes++] = 64;
		}
	}
}

/* An answer about all of them, and a look. */
static void answered(struct watched *w, bool young)
{
	w->q.n = w->q.n_since = w->q.later = 0;
	w->q.since_ns = young ? w->found.fact.fill.calm_ns : 0;
	for (size_t i = 0; i < ARRAY_SIZE(sample); i++)
		question_take(&w->q, sample[i].addr, sample[i].born_ns);
	holders_note_replacing(&w->h, &w->found, &w->q, &w->a);
	holders_find_replacing(&w->h);
	map64_free(&w->h.replaced);
}

static void where_the_youngest_go_is_asked_once(void **state)
{
	struct watched w;

	(void)state;
	set_up(&w);
	w.h.inquiry.n_q = 1;
	w.h.inquiry.q[0] = w.q;
	holders_ask_young(&w.h);
	assert_int_equal(w.h.inquiry.q[0].since_ns, 0);
	assert_false(holders_ask_doubted(&w.h));
	/* The oldest are in the table, and it rests. */
	answered(&w, false);
	assert_true(w.found.fact.has_new_entries);
	assert_false(w.found.fact.replaces);
	holders_ask_young(&w.h);
	assert_int_equal(w.h.inquiry.q[0].since_ns, 100 * S);
	assert_true(holders_ask_doubted(&w.h));
	assert_false(holders_ask_doubted(&w.h));
	answered(&w, true);
	assert_true(w.found.fact.replaces);
	assert_false(w.found.is_doubted);
}

static void what_came_must_be_in_it(void **state)
{
	struct watched w;

	(void)state;
	for (int i = 0; i < 2; i++) {
		double elsewhere = CAME - REPLACED_ENOUGH + (i ? 0.5 : -0.5);

		set_up(&w);
		w.found.fact.holder.in_container = 1 - elsewhere / INQUIRY_ADDR;
		answered(&w, true);
		assert_int_equal(w.found.fact.replaces, !i);
		/* It was known before, and then they go elsewhere. */
		w.found.fact.holder.in_container = 1;
		answered(&w, true);
		assert_true(w.found.fact.replaces);
		w.found.fact.holder.in_container = 1 - elsewhere / INQUIRY_ADDR;
		answered(&w, true);
		assert_int_equal(w.found.fact.replaces, !i);
	}
}

/* Those that have come since the answer may have gone elsewhere, but the container tells. */
static void what_came_later_is_not_known(void **state)
{
	struct watched w;

	(void)state;
	set_up(&w);
	answered(&w, true);
	assert_int_equal(w.found.known_ns, sample[ARRAY_SIZE(sample) - 1].born_ns);
	w.found.fact.replaces = false;
	w.found.known_ns = sample[OLD + REPLACED_ENOUGH - 2].born_ns;
	holders_find_replacing(&w.h);
	assert_false(w.found.fact.replaces);
	assert_true(w.found.is_doubted);
	w.found.known_ns++;
	holders_find_replacing(&w.h);
	assert_true(w.found.fact.replaces);
	map64_free(&w.h.replaced);
}

static void the_youngest_are_among_those_asked_for(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct question q = {.since_ns = i ? 900 : 0};
		size_t n = 0;

		for (uint64_t k = 1; k <= 1000; k++)
			n += question_take(&q, k, k);
		assert_int_equal(n, i ? 1000 : INQUIRY_ADDR);
		assert_int_equal(q.n, INQUIRY_ADDR);
		assert_int_equal(q.n_since, i ? 101 : 0);
		assert_int_equal(q.youngest_ns, i ? 1000 : INQUIRY_ADDR);
		for (size_t k = 0; k < INQUIRY_OLDEST; k++)
			assert_int_equal(q.addr[k], k + 1);
		n = 0;
		for (size_t k = INQUIRY_OLDEST; k < INQUIRY_ADDR; k++)
			n += q.addr[k];
		/* Each of the last, once. */
		for (size_t k = INQUIRY_OLDEST; k < INQUIRY_ADDR; k++)
			n -= i ? 1000 - INQUIRY_ADDR + k + 1 : k + 1;
		assert_int_equal(n, 0);
	}
}

/* Memory of C code that the ways lead on through holds them all when what is behind it is as new as
 * they are; old entries with something new in each are containers of their own. */
static void memory_of_c_code_is_one_holder(void **state)
{
	struct why_step step = {.addr = TABLE, .entries = WHY_UNKNOWN, .share = 0.97};
	struct why_path path = {.step = &step, .n = 1, .share = 0.3};
	struct watched w;

	(void)state;
	set_up(&w);
	w.a.path = &path;
	w.a.n = 1;
	assert_true(holders_share_in_c(&w.h, &w.a) == 0);
	w.a.branch_in_c = true;
	assert_true(holders_share_in_c(&w.h, &w.a) == 0.97);
	for (size_t i = 0; i < w.a.n_behind; i++)
		w.a.behind[i] += 8;
	assert_true(holders_share_in_c(&w.h, &w.a) == 0);
	/* A few are the fields of a struct. */
	set_up(&w);
	w.a = (struct why_answer){.branch = TABLE, .branch_in_c = true, .path = &path, .n = 1};
	w.a.behind[w.a.n_behind++] = sample[0].addr;
	w.a.behind[w.a.n_behind++] = sample[1].addr;
	assert_true(holders_share_in_c(&w.h, &w.a) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_the_youngest_go_is_asked_once),
		cmocka_unit_test(what_came_must_be_in_it),
		cmocka_unit_test(what_came_later_is_not_known),
		cmocka_unit_test(the_youngest_are_among_those_asked_for),
		cmocka_unit_test(memory_of_c_code_is_one_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

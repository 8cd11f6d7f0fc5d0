/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Both sides of the thresholds for who holds the objects, and for a container that does not grow.
 */
#include "unit.h"

#include <math.h>

#include "base/thresholds.h"
#include "judge/sites_priv.h"
#include "inquiry/fills.h"
#include "session/holders_priv.h"
#include "session/survivors.h"
#include "verdicts.h"

#define S 1000000000ull

/* A list of a hundred that was looked at from second 100 until now. */
static struct fill list(double watched_s)
{
	uint64_t now_ns = (uint64_t)((100 + watched_s) * 1e9);

	return (struct fill){.addr = 0x5000,
			     .what = "list",
			     .first = 100,
			     .first_ns = 100 * S,
			     .last = 100,
			     .last_ns = now_ns,
			     .calm = 100,
			     .calm_ns = 100 * S};
}

static bool is_filling(struct fill f)
{
	struct verdict_bound b;

	return fill_is_filling(&f, &b);
}

static void how_long_it_fills(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		double factor = i ? 1.15 : 0.85;
		struct fill still = list(5 * factor), full = list(60);

		still.most = 2000;
		assert_int_equal(is_filling(still), !i);
		full.most = 110;
		full.last = 110;
		full.full_ns = full.last_ns - (uint64_t)(20 * factor * 1e9);
		assert_int_equal(is_filling(full), !i);
	}
}

static void how_long_it_rests(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		double factor = i ? 1.15 : 0.85;
		struct fill f = list(3 * factor), g = list(10), h = list(8 * factor);

		assert_int_equal(fill_rests_s(&f, 100) > 0, i);
		assert_int_equal(fill_rests_s(&g, 0.4 * factor) > 0, i); /* four came */
		g.last = 150;						 /* of a thousand */
		assert_int_equal(fill_rests_s(&g, 100 * factor) > 0, i);
		assert_int_equal(fill_replaces(&h, 8, 100, false), i);
	}
}

/* Each takes the place of another. */
static void what_is_replaced(void **state)
{
	double born_s[10], bytes[10];
	struct fill f = list(10);

	(void)state;
	assert_false(fill_replaces(&f, 7, 100, false));
	assert_true(fill_replaces(&f, 7, 100, true));
	assert_false(fill_has_new_entries(2, 2));
	assert_true(fill_has_new_entries(3, 3));
	assert_false(fill_has_new_entries(100, 26));
	assert_true(fill_has_new_entries(100, 34));
	for (int i = 0; i < 2; i++) {
		double more = 1000 * 0.02 * (i ? 1.15 : 0.85);

		for (size_t k = 0; k < 10; k++) {
			born_s[k] = (double)k;
			bytes[k] = 1000 + more * (double)k / 9;
		}
		assert_int_equal(fill_keeps_size(born_s, bytes, 10), !i);
	}
	assert_false(fill_keeps_size(born_s, (double[10]){0}, 7));
	assert_true(fill_keeps_size(born_s, (double[10]){0}, 8));
}

/* A full store wavers. */
static void what_a_store_wavers_by(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fill f = list(10);

		f.calm = 100000;
		f.last = 100001 + (uint64_t)(500 * (i ? 1.15 : 0.85));
		fill_moved(&f, &(struct fill_steps){.addr = f.addr, .is_still = true}, f.last);
		assert_int_equal(f.calm_ns == f.last_ns, i);
	}
}

/* A list of @n entries that gets @step more each @every s, until @until; then it stands still. */
static double rests_after(uint64_t n, uint64_t step, unsigned every, unsigned until, unsigned now)
{
	struct fill f = {.addr = 1, .first = n, .last = n, .calm = n};
	struct fill_steps steps = {0};

	for (unsigned t = 1; t <= now; t++) {
		f.last_ns = t * S;
		n += t % every || t > until ? 0 : step;
		fill_moved(&f, &steps, n);
	}
	return (double)(f.last_ns - f.calm_ns) / 1e9;
}

/* Looks are seconds apart: what had grown at each of them has not paused between any two. */
static void what_grew_at_each_look_rests_from_the_last(void **state)
{
	struct fill f = {.addr = 1, .first = 1292, .last = 1292, .calm = 1292};
	struct fill_steps steps = {0};
	unsigned t = 0;

	(void)state;
	for (t = 1; t <= 10; t++) {
		f.last_ns = t * 3 * S;
		fill_moved(&f, &steps, 1292 + 285 * t);
	}
	for (; t <= 12; t++) {
		f.last_ns = t * 3 * S;
		fill_moved(&f, &steps, f.last);
		/* One still look may be a pause of the requests. */
		assert_true(fill_rests_s(&f, 94) == (t == 11 ? 0 : (t - 10) * 3));
	}
}

/* A container of @n entries, looked at each three seconds: @more come in between, and now and then
 * there are @less fewer than it has at most. */
static struct fill watched(uint64_t n, uint64_t more, uint64_t less, unsigned looks)
{
	struct fill f = {.addr = 1, .first = n, .last = n, .calm = n};
	struct fill_steps steps = {0};

	for (unsigned i = 1; i <= looks; i++) {
		uint64_t now = n + i * more - (i * 7 % 5 < 2 ? less : 0);

		f.last_ns = i * 3 * S;
		fill_moved(&f, &steps, now);
	}
	return f;
}

/* Little beside what it has, and beside what a rate says that is far too high. */
static void what_rises_at_each_look_has_not_kept_its_entries(void **state)
{
	struct fill f;

	(void)state;
	for (unsigned looks = 2; looks < 40; looks++) {
		f = watched(11800, 20, 0, looks);
		assert_true(fill_rests_s(&f, 153) == 0);
		assert_false(fill_lags(&f, 153));
		assert_false(fill_replaces(&f, REPLACED_ENOUGH, 1200, false));
		/* One that wavers by as much rests. */
		f = watched(11800, 0, 40, looks);
		assert_true(fill_rests_s(&f, 153) > 0);
	}
	for (int i = 0; i < 2; i++) {
		f = watched(11800, 20, 0, 10);
		double gain = (double)(f.last - f.calm), s = (double)(f.last_ns - f.calm_ns) / 1e9;

		assert_int_equal(
			fill_rests_s(&f, gain / s / REST_RISE_PART * (i ? 1.15 : 0.85)) > 0, i);
	}
	/* It rose, and then no more. */
	f = watched(11800, 20, 0, 20);
	for (unsigned i = 1; i <= 5; i++) {
		struct fill_steps steps = {.addr = f.addr, .grew_ns = f.calm_ns, .is_still = true};

		f.last_ns += 3 * S;
		fill_moved(&f, &steps, f.last);
	}
	assert_true(fill_rests_s(&f, 153) > 3);
}

/* A window of the last second has 20 batches in it, or 21. */
static void what_wavers_by_more_than_a_few_lags(void **state)
{
	struct fill f;

	(void)state;
	for (int i = 0; i < 2; i++) {
		f = watched(4200, 0, 200, 39);
		f.first = 4000; /* at the first look it had fewer */
		assert_int_equal(fill_lags(&f, i ? 100 : 1), i);
	}
	/* Something that grows as slowly as that may be of many. */
	f = watched(4200, 10, 200, 39);
	assert_false(fill_lags(&f, 100));
	/* Too few looks. */
	f = watched(4200, 0, 200, REST_READS - 3);
	f.first = 4000;
	assert_false(fill_lags(&f, 100));
}

/* gc.garbage grows at each collection, and rests in between; a store that is full just rests. */
static void what_grows_in_steps_rests_between_them(void **state)
{
	const uint64_t n = 40000;

	(void)state;
	/* Steps of 7 s, the last at 28 s: it should have grown again at 35 s. */
	assert_true(rests_after(n, 2000, 7, 28, 34) == 0);
	assert_true(rests_after(n, 2000, 7, 28, 38) == 0);
	assert_true(rests_after(n, 2000, 7, 28, 48) > 9);
	/* Each second until then, and no more: it has rested since. */
	assert_true(rests_after(n, 300, 1, 28, 34) > 4);
	/* So little, in steps or not, is wavering: two steps of 21 s. */
	assert_true(rests_after(n, (uint64_t)(n * REST_STEPS_PART * 0.45), 21, 42, 50) > 7.9);
	assert_true(rests_after(n, (uint64_t)(n * REST_STEPS_PART * 0.55), 21, 42, 50) == 0);
	/* A step that is little beside what came before at once is none. */
	assert_true(rests_after(100, 100000, 1, 1, 30) > 27);
}

/* A list of @n entries of which @left are left, and that gets @more a second for @s seconds. */
static struct fill emptied(uint64_t n, uint64_t left, uint64_t more, unsigned s)
{
	struct fill f = {.addr = 1, .first = n, .last = n, .calm = n, .what = "list"};
	struct fill_steps steps = {0};

	for (unsigned t = 1; t <= 30; t++) {
		f.last_ns = t * S;
		fill_moved(&f, &steps, n);
	}
	for (unsigned t = 0; t <= s; t++) {
		f.last_ns = (31 + t) * S;
		fill_moved(&f, &steps, left + more * t);
	}
	return f;
}

static void what_was_emptied_does_not_rest(void **state)
{
	struct fill f = emptied(10000, 0, 40, 70);
	double since_s;

	(void)state;
	assert_true(fill_is_cut(&f, 70, &since_s) && since_s == 70);
	assert_true(fill_rests_s(&f, 40) == 0);
	assert_true(fill_goes_on(&f, 40, GOES_ON_APART));
	/* At the very look, too. */
	f = emptied(10000, 0, 40, 0);
	assert_true(fill_is_cut(&f, 100, &since_s));
	/* Until it has had more than ever. */
	f = emptied(1000, 0, 40, 26);
	assert_false(fill_is_cut(&f, 1, &since_s));
	for (int i = 0; i < 2; i++) {
		double factor = i ? 1.15 : 0.85;

		f = emptied(1000, (uint64_t)(1000 * CUT_PART * factor), 4, 10);
		assert_int_equal(fill_is_cut(&f, 1, &since_s), !i);
		f = emptied((uint64_t)(CUT_FEWEST * factor), 0, 0, 10);
		assert_int_equal(fill_is_cut(&f, 1, &since_s), i);
		/* Objects that lived through it count once all have been looked at since. */
		f = emptied(10000, 0, 40, (unsigned)(CUT_LOOKED_S * factor));
		assert_int_equal(fill_is_cut(&f, 1000, &since_s), !i);
		f = emptied(10000, 0, 40, 80);
		assert_int_equal(fill_is_cut(&f, 80 * CUT_OUTLIVED * factor, &since_s), !i);
		/* Emptied once, and no more: it had been looked at for half a minute. */
		f = emptied(100000, 0, 40, (unsigned)(CUT_ENDS_S * factor));
		assert_int_equal(fill_is_cut(&f, 1, &since_s), !i);
		f.before_ns = 1000 * S;
		f.last_ns = f.cut_ns + (uint64_t)(1000 * CUT_ENDS_PART * factor * 1e9);
		assert_int_equal(fill_is_cut(&f, 1, &since_s), !i);
	}
}

/* Sessions that come and go: eighty, now and then less than half of the most there ever were. */
static void what_only_wavers_is_not_emptied(void **state)
{
	static const uint64_t n[] = {80, 92, 70, 104, 88, 122, 100, 82, 66, 56, 72, 94};
	struct fill f = {.addr = 1, .first = 80, .last = 80, .calm = 80};
	struct fill_steps steps = {0};

	(void)state;
	for (unsigned t = 1; t <= 240; t++) {
		f.last_ns = t * 3 * S;
		fill_moved(&f, &steps, n[t % ARRAY_SIZE(n)]);
	}
	assert_int_equal(f.peak, 0);
	assert_true(fill_rests_s(&f, 10) > 100);
}

/* A cache of at most 500 that throws out a third when it has 750 gets six more each three seconds:
 * at how many of @looks was it said to fill? */
static unsigned told_as_filling(struct fill *f, unsigned looks)
{
	struct fill_steps steps = {0};
	unsigned told = 0;
	uint64_t n = f->last;

	for (unsigned i = 0; i < looks; i++) {
		n = n + 6 > 750 ? 500 : n + 6;
		fill_read(f, &steps, n, f->last_ns + 3 * S);
		told += is_filling(*f);
	}
	return told;
}

static void what_is_thrown_out_in_batches_fills(void **state)
{
	static const uint64_t first[] = {100, 499, 530, 740};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		struct fill f = list(0);
		uint64_t full;

		f.most = 500;
		f.first = f.last = f.calm = first[i];
		/* But for those at which it had just been emptied. */
		assert_true(told_as_filling(&f, 200) >= 200 - 200 / 41 - 1);
		/* Where it stands still it is full, over its bound or not. */
		full = f.last;
		for (int t = 0; t < 10; t++)
			fill_read(&f, &(struct fill_steps){0}, full, f.last_ns + 3 * S);
		assert_false(is_filling(f));
		fill_read(&f, &(struct fill_steps){0}, 752, f.last_ns + 3 * S);
		assert_int_equal(f.addr, 0);
	}
}

struct held {
	struct evidence e;
	struct holder_fact fact;
	struct report_site site;
	struct report_process p;
};

static struct held *held(struct held *h)
{
	*h = (struct held){.fact = {.id = "00000000000000aa",
				    .kind = KIND_OBJECT,
				    .is_known = true,
				    .holder = {.root = "module", .path = "module app", .share = 1}},
			   .site = {.id = "00000000000000aa",
				    .kind = KIND_OBJECT,
				    .verdict = CLASS_LEAK,
				    .confidence = 0.8,
				    .growth_bytes_per_s = 1e4,
				    .growth_count_per_s = 100,
				    .outstanding_count = 50,
				    .reason = "grew"}};
	h->e.holder = &h->fact;
	h->e.n_holders = 1;
	h->e.start_ns = 100 * S;
	h->e.now_ns = 200 * S;
	h->p.sites = &h->site;
	h->p.n_sites = 1;
	return h;
}

static void an_answer_is_waited_for(void **state)
{
	struct held h;

	(void)state;
	for (int i = 0; i < 2; i++) {
		held(&h)->fact.is_known = false;
		h.e.asks = !i;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, CLASS_GROWING);
		assert_non_null(strstr(h.site.reason, i ? "was not found" : "is being looked up"));
	}
	held(&h);
	holders_tell(&h.e, report, &h.p);
	assert_int_equal(h.site.verdict, CLASS_LEAK);
}

/* Nothing is looked for any more when the watch is over. */
static void a_final_report_waits_for_no_answer(void **state)
{
	struct held h;

	(void)state;
	report->final = true;
	for (int asks = 0; asks < 2; asks++) {
		held(&h)->fact.is_known = false;
		h.e.asks = asks;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, CLASS_GROWING);
		assert_non_null(strstr(h.site.reason, "was not found"));
		assert_true(!asks == !strstr(h.site.reason, "in this time"));
	}
	report->final = false;
}

/* Nor of a process that has ended; a report that is kept, as by a sweep, does not say what goes on
 * when it is read. */
static void what_is_told_later_promises_no_answer(void **state)
{
	static const char *const told[] = {"is being looked up", "was not known yet",
					   "was not found in this time",
					   "was not found in this time"};
	struct held h;

	(void)state;
	for (int i = 0; i < 4; i++) {
		held(&h)->fact.is_known = false;
		h.e.asks = true;
		h.e.seen.is_told_later = i & 1;
		h.e.seen.exited = i & 2;
		holders_tell(&h.e, report, &h.p);
		assert_non_null(strstr(h.site.reason, told[i]));
	}
}

/* The collector frees what only a cycle holds, but may not look into memory of C code on the way.
 */
static void a_cycle_through_c_outlives_collections(void **state)
{
	struct survivor v[] = {{.collections = 1}, {.collections = 5}};
	struct held h;

	(void)state;
	for (int i = 0; i < 8; i++) {
		bool through_c = i & 1, is_old = i & 2, outlived = i & 4;

		held(&h)->fact.holder.root = "cycle";
		h.fact.holder.through_c = through_c;
		h.e.now_ns = 1000 * S;
		h.site.oldest_s = BLOCK_WAITS_S * (is_old ? 1.15 : 0.85);
		v[1].born_ns = (uint64_t)((1000 - h.site.oldest_s) * 1e9) + 1;
		h.e.objects.v = v;
		h.e.objects.n = ARRAY_SIZE(v);
		v[0].born_ns = v[1].born_ns - S; /* older than all of the site */
		h.e.objects.collections = 5 + CYCLE_OUTLIVES - !outlived;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, i == 7 ? CLASS_LEAK : CLASS_GROWING);
	}
}

/* Blocks that only a cycle owns, the oldest of @oldest_s, as old as the survivor @v. */
static void cycle_of_blocks(struct held *h, struct survivor *v, double oldest_s)
{
	held(h)->fact.holder.root = "cycle";
	h->fact.kind = h->site.kind = KIND_HEAP;
	h->e.now_ns = 1000 * S;
	h->site.oldest_s = oldest_s;
	v->born_ns = (uint64_t)((1000 - oldest_s) * 1e9) + 1;
}

/* Blocks that only a cycle owns wait for a full collection that comes after the oldest of them:
 * those of the process's life before could not free them. */
static void blocks_in_a_cycle_outlive_a_collection(void **state)
{
	struct survivor v = {.collections = 5};
	struct held h;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool is_old = i & 1, outlived = i & 2;

		cycle_of_blocks(&h, &v, BLOCK_WAITS_S * (is_old ? 1.15 : 0.85));
		h.e.objects =
			(struct evidence_objects){.v = &v, .n = 1, .collections = 5 + outlived};
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, i == 3 ? CLASS_LEAK : CLASS_GROWING);
	}
}

/* Where no object tells, they wait for ten minutes; where one has seen none for as long, on and on.
 */
static void blocks_in_a_cycle_do_not_wait_for_ever(void **state)
{
	struct survivor v = {.collections = 5};
	struct held h;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool is_old = i & 1, is_told = i & 2;

		cycle_of_blocks(&h, &v, 600 * (is_old ? 1.15 : 0.85));
		h.e.objects = (struct evidence_objects){.v = &v, .n = is_told, .collections = 5};
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, i == 1 ? CLASS_LEAK : CLASS_GROWING);
	}
	/* One that came later does not know. */
	v.born_ns = 500 * S;
	h.site.verdict = CLASS_LEAK;
	holders_tell(&h.e, report, &h.p);
	assert_int_equal(h.site.verdict, CLASS_LEAK);
}

/* Pages of a database that @module keeps; @f has room for three frames. */
static void pages_of(struct held *h, struct report_frame *f, const char *module)
{
	f[0] = (struct report_frame){.native = true, .minor = true, .module = "/usr/lib/libc.so.6"};
	f[1] = (struct report_frame){.native = true, .module = module};
	f[2] = (struct report_frame){.function = "ban", .file = "bans.py", .line = 7};
	held(h);
	h->site.kind = h->fact.kind = KIND_HEAP;
	h->site.stack = f;
	h->site.n_frames = 3;
	h->site.outstanding_bytes = 1.2e6;
	h->site.outstanding_count = 351;
}

/* Pages of a database: big blocks of SQLite, and not too many of them. */
static void pages_of_a_database_are_a_cache(void **state)
{
	static const struct {
		double bytes, count;
		const char *module;
		enum report_class verdict;
	} row[] = {
		{4e6, 900, "/usr/lib/libsqlite3.so.0.8.6", CLASS_GROWING},
		{4194304 * 0.85, 900, "/usr/lib/libsqlite3.so.0", CLASS_GROWING},
		{4194304 * 1.15, 900, "/usr/lib/libsqlite3.so.0", CLASS_LEAK},
		{1024 * 1.15 * 100, 100, "/usr/lib/libsqlite3.so.0", CLASS_GROWING},
		{1024 * 0.85 * 100, 100, "/usr/lib/libsqlite3.so.0", CLASS_LEAK},
		{4e6, 900, "/usr/lib/libmysqlite3.so", CLASS_LEAK},
	};

	struct report_class_row one = {
		.name = "sqlite3.Connection", .count = 1, .tracked = 1, .gain = NAN, .late = NAN};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct report_frame f[3];
		struct held h;

		pages_of(&h, f, row[i].module);
		h.p.classes = &one;
		h.p.n_classes = 1;
		h.site.outstanding_bytes = row[i].bytes;
		h.site.outstanding_count = row[i].count;
		holders_tell(&h.e, report, &h.p);
		if (h.site.verdict != row[i].verdict)
			fail_msg("row %zu: %s", i, h.site.reason);
		assert_int_equal(h.site.is_bounded, row[i].verdict == CLASS_GROWING);
	}
}

/* Each connection has a cache of its own: pages of ever more connections have no bound. */
static void pages_of_ever_more_connections_are_a_leak(void **state)
{
	static const struct {
		struct report_class_row census;
		bool has_line;
		enum report_class verdict;
		const char *says; /* NULL: as a cache with a bound */
	} row[] = {
		{{"sqlite3.Connection", 1, 1, .gain = NAN}, false, CLASS_GROWING, NULL},
		{{"sqlite3.Connection", 8, 8, .gain = 0, .late = NAN}, false, CLASS_GROWING, NULL},
		/* they get more */
		{{"sqlite3.Connection", 904, 904, .gain = 4, .late = 0.4}, false, CLASS_LEAK, ""},
		{{"sqlite3.Connection", 904, 904, .gain = 150, .late = 0.5}, true, CLASS_LEAK, ""},
		/* a pool that filled when the watch began, and a few more: not known */
		{{"sqlite3.Connection", 40, 40, .gain = 39, .late = 0.3},
		 false,
		 CLASS_GROWING,
		 "there are 40, and whether they get more is not known"},
		{{"sqlite3.Connection", 9, 9, .gain = 3, .late = 1},
		 false,
		 CLASS_GROWING,
		 "there are 9, and whether they get more is not known"},
		/* one census */
		{{"sqlite3.Connection", 1631, 1631, .gain = NAN, .late = NAN},
		 false,
		 CLASS_GROWING,
		 "there are 1,631, and whether they get more is not known"},
		/* a line has made some since the census */
		{{"sqlite3.Connection", 1, 1, .gain = NAN},
		 true,
		 CLASS_GROWING,
		 "how many there are is not known"},
		/* a class of the program's own; those that the collector does not track */
		{{"app.Connection", 1, 1, .gain = 0}, false, CLASS_GROWING, "how many there are"},
		{{"sqlite3.Connection", 1, 0, .gain = 0}, false, CLASS_GROWING, "how many"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct report_class_row census = row[i].census;
		struct report_type type = {"sqlite3.Connection", 1};
		struct report_site site[2];
		struct report_frame f[3];
		struct held h;

		pages_of(&h, f, "/usr/lib/libsqlite3.so.0");
		site[0] = h.site;
		site[1] = (struct report_site){.kind = KIND_OBJECT,
					       .verdict = CLASS_GROWING,
					       .types = &type,
					       .n_types = 1};
		h.p.sites = site;
		h.p.n_sites = 1 + row[i].has_line;
		h.p.classes = &census;
		h.p.n_classes = 1;
		holders_tell(&h.e, report, &h.p);
		if (site[0].verdict != row[i].verdict || site[0].is_bounded != !row[i].says ||
		    (row[i].says && !strstr(site[0].reason, row[i].says)))
			fail_msg("row %zu: %s", i, site[0].reason);
	}
}

/* CPython's own code takes tracemalloc's entry for each block, and its data holds it. */
static void tables_of_tracemalloc_are_no_leak(void **state)
{
	static const char c[] = "memory of C code", own[] = "static data of python3.11";
	static const struct {
		bool is_on, by_extension;
		const char *path, *type;
		double share;
		enum report_class verdict;
	} row[] = {
		{true, false, own, c, 0.97, CLASS_GROWING},
		{false, false, own, c, 0.97, CLASS_LEAK},
		{true, true, own, c, 0.97, CLASS_LEAK},
		{true, false, "static data of _ext.so", c, 0.97, CLASS_LEAK},
		{true, false, own, "dict", 0.97, CLASS_LEAK},
		{true, false, own, c, 0.5 * 0.85, CLASS_LEAK},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct report_frame f[] = {
			{.native = true, .minor = true, .module = "/usr/bin/python3.11"},
			{.native = true,
			 .minor = !row[i].by_extension,
			 .module = "/usr/lib/_ext.so"},
			{.function = "req", .file = "app.py", .line = 7},
		};
		struct report_holder_step step = {.edge = "root", .type = row[i].type};
		const char *note;
		struct held h;

		held(&h);
		h.e.native.has_tracemalloc = row[i].is_on;
		h.site.kind = h.fact.kind = KIND_HEAP;
		h.site.stack = f;
		h.site.n_frames = ARRAY_SIZE(f);
		h.fact.holder.root = "static";
		h.fact.holder.path = row[i].path;
		h.fact.holder.share = row[i].share;
		h.fact.holder.step = &step;
		h.fact.holder.n = 1;
		note = tracemalloc_tell(&h.e, report, &h.p);
		if (h.site.verdict != row[i].verdict)
			fail_msg("row %zu: %s", i, h.site.reason);
		assert_int_equal(note != NULL, row[i].is_on);
		assert_int_equal(note && strstr(note, "grow by 9.8 KiB/s"),
				 row[i].verdict == CLASS_GROWING);
	}
}

static void most_hang_from_a_living_root(void **state)
{
	struct held h;

	(void)state;
	held(&h)->fact.holder.root = "module";
	h.fact.holder.share = 0.5 * 0.85;
	assert_false(holders_rooted(&h.e, &h.site));
	h.fact.holder.share = 0.5 * 1.15;
	assert_true(holders_rooted(&h.e, &h.site));
}

/* The timers of an event loop hold the requests of the last five seconds, a cycle the older ones,
 * which wait for the collector. */
static void what_holds_many_may_not_grow(void **state)
{
	struct held h;

	(void)state;
	for (int i = 0; i < 8; i++) {
		bool grows = i & 1, is_one = i & 2, is_chain = i & 4;

		held(&h)->fact.holder.root = "frame";
		h.fact.holder.share = h.fact.holder.in_container = 0.6;
		h.fact.holder.is_chain = is_chain;
		h.fact.is_one = is_one;
		h.fact.fill = list(24);
		h.fact.fill.first = h.fact.fill.last = 1000;
		h.fact.fill.last += (uint64_t)(REST_SURE_ADDS * (grows ? 1.15 : 0.85));
		h.fact.fill.calm = h.fact.fill.last;
		assert_int_equal(holders_rooted(&h.e, &h.site), grows || is_chain || is_one);
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict,
				 grows || is_chain || is_one ? CLASS_LEAK : CLASS_GROWING);
	}
	for (int i = 0; i < 2; i++) {
		struct fill f = list(3 * (i ? 1.15 : 0.85)), g = list(10);

		assert_int_equal(fill_lags(&f, 100), i);
		assert_int_equal(fill_lags(&g, 2 * (i ? 1.15 : 0.85)), i); /* twenty came */
	}
}

/* Each call of an extension loses a list of rows, which gets no more of them. */
static void what_is_lost_whole_need_not_grow(void **state)
{
	static const char *const roots[] = {"stack", "unreferenced"};
	struct held h;

	(void)state;
	for (int i = 0; i < 2; i++) {
		held(&h)->fact.holder.root = roots[i];
		h.fact.holder.share = h.fact.holder.in_container = 0.95;
		h.fact.is_one = false;
		h.fact.fill = list(24);
		h.fact.fill.first = h.fact.fill.last = h.fact.fill.calm = 61;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, i ? CLASS_LEAK : CLASS_GROWING);
	}
}

/* Not each block that windows saw, and that was freed, is known to be. */
static void blocks_that_nothing_holds_may_be_freed(void **state)
{
	struct held h;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool is_low = i & 1, is_exact = i & 2;

		held(&h);
		h.fact.kind = h.site.kind = KIND_HEAP;
		h.site.estimated = !is_exact;
		h.fact.holder.root = "unreferenced";
		h.fact.holder.share = 0.8 * (is_low ? 0.85 : 1.15);
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, is_low && !is_exact ? CLASS_GROWING : CLASS_LEAK);
	}
}

/* They may belong to objects in cycles. */
static void young_blocks_are_asked_for(void **state)
{
	struct held h;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool is_young = i & 1, was_asked = i & 2;

		held(&h);
		h.fact.kind = h.site.kind = KIND_HEAP;
		h.fact.is_known = false;
		h.e.n_holders = was_asked;
		h.site.estimated = true;
		h.site.samples = 10;
		h.site.oldest_s = 20 * (is_young ? 0.85 : 1.15);
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict,
				 is_young && !was_asked ? CLASS_GROWING : CLASS_LEAK);
	}
}

/* A list holds them that does not grow; what is in it may, where that has entries. */
static void blocks_hang_from_what_does_not_grow(void **state)
{
	struct report_holder_step step[] = {
		{.edge = "root", .name = "module app :: TIMERS", .type = "list", .entries = 200},
		{.edge = "item", .type = "app.Request", .entries = REPORT_UNKNOWN},
		{.edge = "attribute", .name = "waiters", .type = "collections.deque"},
		{.edge = "item", .type = "memory of C code", .entries = REPORT_UNKNOWN},
	};
	struct held h;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool grows = i & 1, has_more = i & 2;

		held(&h);
		h.fact.kind = h.site.kind = KIND_HEAP;
		h.fact.holder.step = step;
		h.fact.holder.n = ARRAY_SIZE(step);
		h.fact.is_one = true;
		h.fact.holder.in_container = 1;
		h.fact.fill = list(24);
		h.fact.fill.last += (uint64_t)(100 * REST_STEPS_PART * (grows ? 1.2 : 0.8));
		step[2].entries = has_more ? 3 : 0;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, !grows && !has_more ? CLASS_GROWING : CLASS_LEAK);
	}
}

/* One of fifty lists was read, which all grow; so does a table of C code, which nobody reads. */
static void one_of_many_containers_does_not_lag(void **state)
{
	struct report_holder_step step[] = {
		{.edge = "root", .name = "module app :: SHARDS", .type = "dict", .entries = 50},
		{.edge = "value", .type = "list", .entries = 5000},
		{.edge = "item", .type = "numpy.ndarray", .entries = REPORT_UNKNOWN},
	};
	struct held h;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool is_read = i & 1, in_c = i & 2; /* is the list the one that was read? */

		held(&h);
		h.fact.kind = h.site.kind = i ? KIND_HEAP : KIND_OBJECT;
		h.fact.holder.root = "module";
		h.fact.holder.step = step;
		h.fact.holder.n = ARRAY_SIZE(step);
		h.fact.holder.share = 1;
		h.fact.holder.in_container = is_read ? 0.02 : 1;
		h.fact.is_one = !is_read;
		h.fact.fill = list(24);
		h.fact.fill.last += is_read ? 24 : 0;
		step[1].type = in_c ? "memory of C code" : "list";
		step[1].entries = in_c ? REPORT_UNKNOWN : 5000;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, CLASS_LEAK);
	}
}

/* Objects that no collection frees wait for none. */
static void nothing_is_spared_but_what_is_out_of_reach(void **state)
{
	struct held h;

	(void)state;
	held(&h)->fact.holder.root = "unreferenced";
	assert_true(holders_spared(&h.e, &h.site));
	h.fact.holder.share = 0.5 * 0.85;
	assert_false(holders_spared(&h.e, &h.site));
	held(&h)->fact.holder.root = "cycle";
	assert_false(holders_spared(&h.e, &h.site));
	h.fact.holder.gc_known = true;
	assert_true(holders_spared(&h.e, &h.site));
}

/* One of several stores has a bound: it is not to be mended, and says nothing of the others. */
static void a_bound_of_some_is_none_of_all(void **state)
{
	struct report_holder_step step[] = {
		{.edge = "root", .name = "module app :: STORES", .type = "dict", .entries = 2},
		{.edge = "value", .type = "app.Store", .entries = REPORT_UNKNOWN},
		{.edge = "attribute",
		 .name = "items",
		 .type = "dict",
		 .entries = 3000,
		 .growth_per_s = 50,
		 .most = 50000},
		{.edge = "value", .type = "app.Rec", .entries = REPORT_UNKNOWN},
	};
	struct held h;

	(void)state;
	for (int i = 0; i < 2; i++) {
		held(&h)->fact.holder.step = step;
		h.fact.holder.n = ARRAY_SIZE(step);
		h.fact.is_one = i;
		h.fact.fill = list(60);
		h.fact.fill.last = 3000;
		h.fact.fill.most = i ? 50000 : 0;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, CLASS_GROWING);
		assert_non_null(strstr(h.site.reason, i ? "fills a bounded list"
							: "what holds some of them has a bound"));
		assert_null(h.site.hint.code);
		assert_non_null(h.site.held_by.path);
	}
}

/* One ring buffer for each name: all are in the dict of names, which has no bound, and the hint
 * would be of the buffer, which has one and fills too slowly for half a second. */
static void a_bound_is_that_of_the_container_that_is_named(void **state)
{
	struct report_holder_step step[] = {
		{.edge = "root", .name = "module app :: RINGS", .type = "dict", .entries = 8},
		{.edge = "value", .type = "collections.deque", .entries = 60},
		{.edge = "item", .type = "app.Rec", .entries = REPORT_UNKNOWN},
	};
	struct held h;

	(void)state;
	for (int i = 0; i < 2; i++) {
		held(&h)->fact.holder.step = step;
		h.fact.holder.n = ARRAY_SIZE(step);
		h.fact.holder.share = h.fact.holder.in_container = 0.97;
		h.fact.is_one = true;
		h.fact.fill = list(1);
		step[1].most = i ? 3600 : 0;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(!h.site.hint.code, i);
		assert_non_null(h.site.held_by.path);
	}
}

/* A cache filled while it was read, and had all its entries at the look before the last one, too:
 * nothing is to be mended. A leak may pause. */
static void what_has_filled_and_stands_has_no_hint(void **state)
{
	struct report_holder_step step[] = {
		{.edge = "root", .name = "module app :: PAGES", .type = "dict", .entries = 2000},
		{.edge = "value", .type = "app.Page", .entries = REPORT_UNKNOWN},
	};
	struct held h;

	(void)state;
	for (int i = 0; i < 3; i++) {
		held(&h)->fact.holder.step = step;
		h.fact.holder.n = ARRAY_SIZE(step);
		h.fact.is_one = true;
		h.site.verdict = i == 1 ? CLASS_LEAK : CLASS_GROWING;
		h.site.growth_count_per_s = 6;
		h.fact.fill = list(70);
		h.fact.fill.calm = h.fact.fill.last = h.fact.fill.next = 2000;
		h.fact.fill.next_ns = 161 * S;
		h.fact.fill.calm_ns = h.fact.fill.last_ns;
		step[0].growth_per_s = i == 2 ? 24 : 0;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(!h.site.hint.code, i == 0);
		assert_non_null(h.site.held_by.path);
	}
}

static void who_came_into_what_rests(void **state)
{
	struct held h;

	(void)state;
	for (int i = 0; i < 2; i++) {
		double factor = i ? 1.15 : 0.85;

		/* Twenty came in ten seconds: it is no leak. */
		held(&h)->fact.fill = list(10);
		h.fact.has_new_entries = true;
		h.site.growth_count_per_s = 2 * factor;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, i ? CLASS_GROWING : CLASS_LEAK);

		/* Four for each entry: they lie elsewhere, too. */
		held(&h)->fact.fill = list(10);
		h.fact.is_one = true;
		h.site.verdict = CLASS_GROWING;
		h.site.outstanding_count = 400 * factor;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(!strstr(h.site.reason, "has kept"), i);
	}
}

/* A buffer that is flushed each minute is no leak; objects that live through that are. */
/* Keys of a cache: too few were seen to tell whether entries are new, but each is one. */
static void entries_of_what_rests_do_not_grow(void **state)
{
	struct report_holder_step step[] = {
		{.edge = "root", .name = "module app :: pages", .type = "app.LRU"},
		{.edge = "attribute", .name = "d", .type = "dict", .entries = 100},
		{.edge = "key", .type = "int", .entries = REPORT_UNKNOWN},
		{.edge = "item", .type = "app.Note", .entries = REPORT_UNKNOWN},
	};
	struct held h;

	(void)state;
	for (int i = 0; i < 8; i++) {
		bool is_deep = i & 1, is_rare = i & 2, is_of_few = i & 4;

		held(&h)->fact.holder.step = step;
		h.fact.holder.n = ARRAY_SIZE(step) - !is_deep;
		h.fact.holder.share = HOLDER_MOST * (is_of_few ? 0.85 : 1.15);
		h.fact.holder.in_container = 1;
		h.fact.is_one = true;
		h.fact.fill = list(10);
		h.site.growth_count_per_s = REST_SURE_ADDS / 10.0 * (is_rare ? 0.85 : 1.15);
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, i ? CLASS_LEAK : CLASS_GROWING);
		assert_true(i || strstr(h.site.reason, "has kept its 100 entries for 10"));
	}
}

/* A window of the last second: a tuple is made after what is in it, so it is a new entry. What is
 * in an older list, or in an object, may have come later than that. */
static void what_tuples_of_what_rests_hold_does_not_grow(void **state)
{
	static const char *const in[] = {"tuple", "list", "app.Row"};
	struct report_holder_step step[] = {
		{.edge = "root", .name = "module app :: last", .type = "deque", .entries = 100},
		{.edge = "item", .type = "tuple", .entries = 2},
		{.edge = "item", .type = "dict", .entries = 1},
	};
	struct held h;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(in); i++) {
		bool is_chain = i >= ARRAY_SIZE(in);

		held(&h)->fact.holder.step = step;
		step[1].type = in[i % ARRAY_SIZE(in)];
		h.fact.holder.n = ARRAY_SIZE(step);
		h.fact.holder.in_container = 1;
		h.fact.holder.is_chain = is_chain;
		h.fact.is_one = true;
		h.fact.fill = list(10);
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, i ? CLASS_LEAK : CLASS_GROWING);
		assert_true(i || strstr(h.site.reason, "has kept its 100 entries for 10"));
	}
	/* Where the others are is not known, and the deque has no part in what grows. */
	for (size_t i = 0; i <= ARRAY_SIZE(in); i++) {
		bool is_batch = i == ARRAY_SIZE(in); /* in a list of more of them */
		struct report_holder_step deeper[] = {
			{.edge = "root", .name = "app", .type = "list", .entries = 9},
			step[0],
			step[1],
			step[2],
		};

		deeper[2].type = in[i % ARRAY_SIZE(in)];
		held(&h)->fact.holder.step = deeper + !is_batch;
		h.fact.holder.n = ARRAY_SIZE(deeper) - !is_batch;
		h.fact.holder.share = h.fact.holder.in_container = 0.62;
		h.fact.fill = list(10);
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, i ? CLASS_LEAK : CLASS_GROWING);
	}
	/* Not while it gets more. */
	held(&h)->fact.holder.step = step;
	step[1].type = in[0];
	h.fact.holder.n = ARRAY_SIZE(step);
	h.fact.is_one = true;
	h.fact.fill = list(10);
	h.fact.fill.last = 1100;
	step[0].entries = 1100;
	holders_tell(&h.e, report, &h.p);
	assert_int_equal(h.site.verdict, CLASS_LEAK);
}

/* A full cache whose objects look alike: an estimate of how many came is not of how many are there.
 */
static void there_are_no_more_entries_than_the_container_has(void **state)
{
	struct report_holder_step step[] = {
		{.edge = "root", .name = "module app :: cache", .type = "dict"},
		{.edge = "key", .type = "dict", .entries = REPORT_UNKNOWN},
	};
	struct held h;

	(void)state;
	for (int i = 0; i < 8; i++) {
		bool is_part = i & 1, is_another = i & 2, grows = i & 4;

		held(&h)->fact.holder.step = step;
		step[0].entries = is_another ? 90 : 100;
		step[0].growth_per_s = grows ? 5 : 0;
		h.fact.holder.n = ARRAY_SIZE(step);
		h.fact.holder.share = h.fact.holder.in_container = is_part ? 0.99 : 1;
		h.fact.is_one = true;
		h.fact.fill = list(10);
		h.e.now_ns = 114 * S; /* 4 s after it was read */
		h.site.outstanding_count = 200;
		h.site.outstanding_bytes = 20000;
		holders_tell(&h.e, report, &h.p);
		assert_true(h.site.outstanding_count == (i & 3 ? 200 : grows ? 120 : 100));
		assert_true(h.site.outstanding_bytes == 100 * h.site.outstanding_count);
	}
}

/* Two sites of one container: the pages that come with its entries slow down, so its keys do. */
static void entries_slow_down_with_what_comes_with_them(void **state)
{
	struct report_holder_step step[] = {
		{.edge = "root", .name = "module app :: pages", .type = "dict", .entries = 100},
		{.edge = "key", .type = "int", .entries = REPORT_UNKNOWN},
	};
	struct holder_fact fact[2];
	struct report_site site[2];
	struct held h;

	(void)state;
	for (int i = 0; i < 16; i++) {
		bool is_other = i & 1, is_steady = i & 2, is_old = i & 4, is_less = i & 8;

		held(&h)->fact.fill = list(0);
		h.fact.holder.step = step;
		h.fact.holder.n = ARRAY_SIZE(step);
		h.fact.is_one = true;
		fact[0] = fact[1] = h.fact;
		site[0] = site[1] = h.site;
		fact[0].id[0] = site[0].id[0] = 'b';
		fact[0].holder.n = 0;
		fact[0].fill.addr += is_other;
		fact[0].has_new_entries = !is_old;
		site[0].verdict = CLASS_GROWING;
		site[0].ends = !is_steady;
		site[0].growth_bytes_per_s *= is_less ? 0.9 : 1.1;
		h.e.holder = fact;
		h.p.sites = site;
		h.e.n_holders = h.p.n_sites = 2;
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(site[1].verdict, i ? CLASS_LEAK : CLASS_GROWING);
		assert_int_equal(site[1].ends, !i);
		assert_true(i ||
			    strstr(site[1].reason, "what comes with them into the list slows"));
	}
}

static void who_came_into_what_was_emptied(void **state)
{
	struct held h;

	(void)state;
	for (int i = 0; i < 2; i++) {
		held(&h)->fact.fill = emptied(10000, 0, 100, 80);
		h.fact.is_one = true;
		h.site.oldest_s = 80 * CUT_OUTLIVED * (i ? 1.15 : 0.85);
		holders_tell(&h.e, report, &h.p);
		assert_int_equal(h.site.verdict, i ? CLASS_LEAK : CLASS_GROWING);
	}
	assert_non_null(strstr(held(&h)->site.reason, "grew"));
	h.fact.fill = emptied(10000, 0, 100, 40);
	h.fact.is_one = true;
	holders_tell(&h.e, report, &h.p);
	assert_non_null(
		strstr(h.site.reason,
		       "the list that holds them was emptied of 10,000 entries 40 s ago, and "
		       "has 4,000 now"));
	/* Another one has taken its place, as far as can be seen. */
	held(&h)->fact.fill = emptied(10000, 7, 0, 9);
	h.site.outstanding_count = 900;
	h.fact.is_one = true;
	holders_tell(&h.e, report, &h.p);
	assert_non_null(strstr(h.site.reason, "emptied of 10,000 entries 9 s ago, and had 7 then"));
}

static void nothing(void *arg)
{
	(void)arg;
}

/* More of a core is spent on new sites than on those that are known. */
static void a_dear_search_comes_again_rarely(void **state)
{
	static struct session s;
	struct holders h = {.s = &s};
	struct inquiry *in = &h.inquiry;
	struct evidence e = {0};
	struct observation to = {.e = &e};
	void *survivors = calloc(1, survivors_source.size);

	(void)state;
	assert_int_equal(survivors_source.open(survivors, &s), 0);
	assert_int_equal(report_new(&to.r), 0);
	to.scratch = to.r;
	in->worker = (struct worker){.job = nothing};
	in->running = !worker_start(&in->worker);
	assert_true(in->running && worker_await(&in->worker, 10 * S));
	in->cost_ns = S;
	in->ended_ns = 100 * S;
	assert_int_equal(holders_observe(&h, &to), 0);
	assert_false(in->running);
	assert_int_equal(h.next_ns, (100 + 200) * S);
	assert_int_equal(h.soon_ns, (100 + 50) * S);
	/* A site was there that had no answer: its verdict waits for one. */
	in->running = !worker_start(&in->worker);
	assert_true(in->running && worker_await(&in->worker, 10 * S));
	in->cost_ns = S;
	in->ended_ns = 400 * S;
	h.is_open = true;
	assert_int_equal(holders_observe(&h, &to), 0);
	assert_int_equal(h.next_ns, (400 + 50) * S);
	report_free(to.r);
	survivors_source.close(survivors);
	free(survivors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_long_it_fills),
		cmocka_unit_test(how_long_it_rests),
		cmocka_unit_test(what_is_replaced),
		cmocka_unit_test(what_a_store_wavers_by),
		cmocka_unit_test(what_grew_at_each_look_rests_from_the_last),
		cmocka_unit_test(what_rises_at_each_look_has_not_kept_its_entries),
		cmocka_unit_test(what_wavers_by_more_than_a_few_lags),
		cmocka_unit_test(what_grows_in_steps_rests_between_them),
		cmocka_unit_test(what_was_emptied_does_not_rest),
		cmocka_unit_test(what_is_thrown_out_in_batches_fills),
		cmocka_unit_test(what_only_wavers_is_not_emptied),
		cmocka_unit_test(an_answer_is_waited_for),
		cmocka_unit_test(a_final_report_waits_for_no_answer),
		cmocka_unit_test(what_is_told_later_promises_no_answer),
		cmocka_unit_test(a_cycle_through_c_outlives_collections),
		cmocka_unit_test(blocks_in_a_cycle_outlive_a_collection),
		cmocka_unit_test(blocks_in_a_cycle_do_not_wait_for_ever),
		cmocka_unit_test(pages_of_a_database_are_a_cache),
		cmocka_unit_test(pages_of_ever_more_connections_are_a_leak),
		cmocka_unit_test(tables_of_tracemalloc_are_no_leak),
		cmocka_unit_test(most_hang_from_a_living_root),
		cmocka_unit_test(what_holds_many_may_not_grow),
		cmocka_unit_test(what_is_lost_whole_need_not_grow),
		cmocka_unit_test(blocks_that_nothing_holds_may_be_freed),
		cmocka_unit_test(young_blocks_are_asked_for),
		cmocka_unit_test(blocks_hang_from_what_does_not_grow),
		cmocka_unit_test(one_of_many_containers_does_not_lag),
		cmocka_unit_test(nothing_is_spared_but_what_is_out_of_reach),
		cmocka_unit_test(a_bound_of_some_is_none_of_all),
		cmocka_unit_test(a_bound_is_that_of_the_container_that_is_named),
		cmocka_unit_test(what_has_filled_and_stands_has_no_hint),
		cmocka_unit_test(who_came_into_what_rests),
		cmocka_unit_test(entries_of_what_rests_do_not_grow),
		cmocka_unit_test(what_tuples_of_what_rests_hold_does_not_grow),
		cmocka_unit_test(there_are_no_more_entries_than_the_container_has),
		cmocka_unit_test(entries_slow_down_with_what_comes_with_them),
		cmocka_unit_test(who_came_into_what_was_emptied),
		cmocka_unit_test(a_dear_search_comes_again_rarely),
	};

	return cmocka_run_group_tests(tests, begin, end);
}

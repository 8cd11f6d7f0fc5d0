/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The judge alone: this program has nothing of the tool in it but judge, report and base. Evidence
 * is plain data, and so is made here by hand. */
#include "base/thresholds.h"
#include "record/evidence_io.h"
#include "judge/judge.h"
#include "judge/sites_priv.h"
#include "report/findings.h"
#include "record/wire.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <cmocka.h>

#define S	1000000000ull
#define RUN_S	60
#define POINTS	60
#define OBJECTS 400
#define DICT	0x1000
#define LEAKS	0x77 /* stack */
#define OPENS	0x88
#define MALLOCS 0x99
#define CLASS	11 /* of blocks of 192 bytes */

struct world {
	struct evidence e;
	struct survivor object[OBJECTS];
	struct trend_points classes[EVIDENCE_CLASSES];
	double t[POINTS], flat[POINTS], blocks[POINTS], live[POINTS], rss[POINTS], malloced[POINTS];
	struct evidence_frame frame[3];
	struct evidence_stack stack[3];
	struct evidence_type type[1];
	struct native_site native[1];
	struct native_point point[NATIVE_POINTS];
	struct holder_fact holder[2];
	struct report_holder_step step[4];
	struct fd_fact fd[1];
	struct coverage watched;
	struct report_lost lost[2];
	struct report *r; /* of what judge() makes */
	struct report_process p;
};

static struct trend_points series(struct world *w, double *v)
{
	return (struct trend_points){POINTS, w->t, v, v};
}

/* 20 dicts a second that stay, of which one in three is known. */
static void make_objects(struct world *w)
{
	for (size_t i = 0; i < OBJECTS; i++) {
		double born_s = 1 + (double)i * (RUN_S - 2) / OBJECTS, age = RUN_S - born_s;
		uint64_t addr = 0x7f0000000000ull + i * 192;

		w->object[i] = (struct survivor){
			.addr = addr,
			.type = DICT,
			.stack = LEAKS,
			.born_ns = (uint64_t)((100 + born_s) * 1e9),
			.bytes = 184,
			.weight = 1,
			.burst = (uint32_t)(born_s * 4),
			.rung = age > 30   ? 5
				: age > 10 ? 4
				: age > 3  ? 3
				: age > 1  ? 2
					   : 1,
			.parts = 1,
			.gc = true,
			.part = {{addr, 192, CLASS}},
		};
	}
	for (size_t k = 0; k < EVIDENCE_CLASSES; k++)
		w->classes[k] = series(w, k == CLASS ? w->blocks : w->flat);
	coverage_add(&w->watched, 100 * S, (100 + RUN_S) * S);
	w->e.objects = (struct evidence_objects){
		.v = w->object,
		.n = OBJECTS,
		.collections = 9,
		.bursts = 240,
		.watched = &w->watched,
		.coverage = 0.9,
		.classes = w->classes,
		.counted_s = RUN_S,
	};
}

static void make_native(struct world *w)
{
	for (size_t i = 0; i < NATIVE_POINTS; i++)
		w->point[i] = (struct native_point){(double)i, (double)(i * 4096), (double)i};
	w->native[0] = (struct native_site){
		.key = {.stack = MALLOCS, .caller = 0x7f1234, .kind = PL_KIND_HEAP},
		.live_bytes = 63 * 4096,
		.live_count = 63,
		.waste_bytes = NAN,
		.samples = 63,
		.oldest_ns = 58 * S,
		.points = w->point,
		.n_points = NATIVE_POINTS,
	};
	w->e.native = (struct evidence_native){
		.is_watched = true, .is_exact = true, .v = w->native, .n = 1};
}

static void make_rest(struct world *w)
{
	w->step[0] = (struct report_holder_step){"root", "app", NULL, REPORT_UNKNOWN, 0, 0};
	w->step[1] = (struct report_holder_step){"attribute", "seen", "list", 1200, 20, 0};
	w->step[2] = (struct report_holder_step){"item", "i", "dict", 3, 0, 0};
	w->holder[0] = (struct holder_fact){
		.is_known = true,
		.holder = {.root = "module",
			   .path = "module app :: seen (list)",
			   .share = 0.97,
			   .step = w->step,
			   .n = 3,
			   .gc_known = true,
			   .gc_enabled = true},
		.fill = {.addr = 0x5000,
			 .what = "list",
			 .first = 1,
			 .first_ns = 100 * S,
			 .last = 1200,
			 .last_ns = 160 * S,
			 .calm = 1200,
			 .calm_ns = 160 * S},
		.is_one = true,
	};
	w->fd[0] = (struct fd_fact){
		.stack = OPENS,
		.kind = KIND_FD,
		.n = 120,
		.rate = 2,
		.scale = 1,
		.oldest_s = 59,
		.moments = 58,
		.quarters = 4,
		.curve_rate = 2,
		.curve = {.shape = CURVE_RISING,
			  .points = 60,
			  .span_s = 59,
			  .slope = 2,
			  .low = 1.9,
			  .high = 2.1,
			  .since_s = 59,
			  .gain = 118,
			  .confidence = 0.98},
		.facts = {.most = FD_FACT_FILE, .n = 120, .what = "file /var/log/app.log"},
	};
	w->e.holder = w->holder;
	w->e.n_holders = 1;
	w->e.fd = w->fd;
	w->e.n_fds = 1;
}

static void name_stacks(struct world *w)
{
	w->frame[0] = (struct evidence_frame){"handle", "/srv/app.py", 25, false, 3};
	w->frame[1] = (struct evidence_frame){"open_log", "/srv/app.py", 40, false, 7};
	w->frame[2] = (struct evidence_frame){"encode", "/srv/codec.py", 7, true, 11};
	for (size_t i = 0; i < 3; i++)
		w->stack[i] = (struct evidence_stack){(uint64_t[]){LEAKS, OPENS, MALLOCS}[i], false,
						      1, &w->frame[i]};
	w->type[0] = (struct evidence_type){DICT, "dict"};
	w->e.stack = w->stack;
	w->e.n_stacks = 3;
	w->e.type = w->type;
	w->e.n_types = 1;
}

static void make_memory(struct world *w)
{
	struct memory_fact *f = &w->e.memory;

	for (size_t i = 0; i < POINTS; i++) {
		w->t[i] = (double)i;
		w->flat[i] = 500;
		w->blocks[i] = 1000 + 20 * (double)i;
		w->live[i] = w->blocks[i] * 192;
		w->malloced[i] = 1e6 + 4096 * (double)i;
		w->rss[i] = 2e7 + w->live[i] + w->malloced[i];
	}
	f->rss = series(w, w->rss);
	f->live = series(w, w->live);
	f->malloced = series(w, w->malloced);
	f->slope[MEMORY_ANON] = f->slope[MEMORY_USED] = series(w, w->rss);
	f->kept = (struct retention_evidence){.watched_s = RUN_S};
}

static int make(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct report_process *p;

	assert_non_null(w);
	w->e.start_ns = 100 * S;
	w->e.now_ns = (100 + RUN_S) * S;
	w->e.max_size = UINT64_MAX;
	w->e.interpreter = "/usr/bin/python3.11";
	p = &w->e.seen;
	*p = (struct report_process){.pid = 42,
				     .comm = "app",
				     .mode = "auto",
				     .mechanism = "multi",
				     .rss_bytes = 22000000,
				     .coverage = 0.9};
	report_memory_init(&p->memory);
	w->lost[0] = (struct report_lost){"native_stack_missing", "a site has none", 0};
	p->lost = w->lost;
	p->n_lost = 1;
	make_memory(w);
	make_objects(w);
	make_native(w);
	name_stacks(w);
	make_rest(w);
	*state = w;
	return report_new(&w->r);
}

static int drop(void **state)
{
	struct world *w = *state;

	report_free(w->r);
	free(w);
	return 0;
}

static const struct report_site *site_at(const struct report_process *p, const char *function)
{
	for (size_t i = 0; i < p->n_sites; i++)
		if (!strcmp(p->sites[i].stack[0].function, function))
			return &p->sites[i];
	return NULL;
}

/* The text that a user sees of it. */
static char *text_of(const struct report_process *p)
{
	size_t len = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	fprintf(f, "%s %.17g %s %.17g %.17g\n", report_class_name(p->verdict), p->confidence,
		p->reason, p->rss_growth_bytes_per_s, p->explained);
	for (size_t i = 0; i < p->n_sites; i++) {
		const struct report_site *s = &p->sites[i];

		fprintf(f, "%s %s %s %.17g %s %.17g %.17g %zu %s %s %s %s\n", s->id,
			report_kind_name(s->kind), report_class_name(s->verdict), s->confidence,
			s->reason ? s->reason : "-", s->growth_bytes_per_s, s->growth_count_per_s,
			s->n_types, s->n_types ? s->types[0].name : "-",
			s->hint.code ? s->hint.code : "-", s->hint.text ? s->hint.text : "-",
			s->held_by.path ? s->held_by.path : "-");
	}
	for (size_t i = 0; i < p->n_lost; i++)
		fprintf(f, "%s %llu\n", p->lost[i].key, (unsigned long long)p->lost[i].n);
	fclose(f);
	return text;
}

/* The holder of what handle() made is known. */
static void judge_held(struct world *w)
{
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	memcpy(w->holder[0].id, site_at(&w->p, "handle")->id, sizeof(w->holder[0].id));
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
}

static void no_leak_before_its_holder_is_known(void **state)
{
	struct world *w = *state;

	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "was not looked up yet"));
	w->e.asks = true;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "is being looked up"));
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
}

/* The time that was left when it ended is that of nobody. */
static void who_has_ended_runs_out_of_no_descriptors(void **state)
{
	struct world *w = *state;

	w->e.seen.fds = (struct report_fds){
		.means = "libc", .open = 624, .limit = 1024, .growth_per_s = 2, .eta_s = 200};
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(fabs(w->p.fds.eta_s - 200) < 1e-9);
	w->e.seen.exited = true;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.fds.open, 624);
	assert_true(isnan(w->p.fds.eta_s));
}

#define WAYS 260
#define EACH 10

/* So many stacks lead to the line that leaks, with so many of its objects each; as few are of
 * another line. */
struct ways {
	struct survivor object[(WAYS + 1) * EACH];
	struct evidence_frame frame[WAYS + 1][2];
	struct evidence_stack stack[WAYS + 1];
};

static struct ways *make_ways(struct world *w)
{
	struct ways *many = calloc(1, sizeof(*many));

	assert_non_null(many);
	for (size_t i = 0; i < ARRAY_SIZE(many->object); i++) {
		struct survivor *s = &many->object[i];

		*s = w->object[i * OBJECTS / ARRAY_SIZE(many->object)];
		s->addr = s->part[0].addr = 0x7f0000000000ull + i * 192;
		s->stack = 1000 + i % (WAYS + 1);
	}
	for (size_t i = 0; i <= WAYS; i++) {
		many->frame[i][0] = i < WAYS ? w->frame[0] : w->frame[2];
		many->frame[i][1] = (struct evidence_frame){"way", "/srv/app.py", 100 + (int)i,
							    false, 100 + (uint32_t)i};
		many->stack[i] = (struct evidence_stack){1000 + i, false, 2, many->frame[i]};
	}
	for (size_t i = 0; i < POINTS; i++)
		w->blocks[i] += 30 * (double)i;
	w->e.objects.v = many->object;
	w->e.objects.n = ARRAY_SIZE(many->object);
	w->e.stack = many->stack;
	w->e.n_stacks = WAYS + 1;
	w->e.n_fds = w->e.native.n = 0;
	return many;
}

static void a_leak_that_many_ways_lead_to(void **state)
{
	struct world *w = *state;
	struct ways *many = make_ways(w);

	judge_held(w);
	assert_int_equal(w->p.verdict, CLASS_LEAK);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	/* Some are too small for the list, and none for the sums. */
	assert_true(w->p.n_sites < WAYS);
	assert_ptr_equal(site_at(&w->p, "handle"), &w->p.sites[0]);
	assert_int_equal(report_cause_of(&w->p, &w->p.sites[0]).places, WAYS);
	assert_non_null(strstr(w->p.reason, "grew by 8.9 KiB/s in 260 places for "));
	assert_non_null(strstr(w->p.notes[0], "61 more places"));
	free(many);
}

/* Its last object that is old enough is of another size, which does not grow. */
static void the_last_object_of_a_line_says_no_more_than_the_others(void **state)
{
	struct world *w = *state;

	w->object[OBJECTS - 20].part[0].cls = CLASS + 1;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
}

/* A store that grows is a reason in itself; one that is full, or that has one of many, is none. */
static void no_leak_for_what_holds_a_few_of_them(void **state)
{
	struct world *w = *state;
	struct holder_fact *f = &w->holder[0];

	f->is_one = false;
	f->holder.share = 0.17;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	w->step[1].growth_per_s = 0;
	f->fill.last = f->fill.first;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "differs from one to the next"));
	w->step[1].most = w->step[1].entries;
	f->holder.share = 0.7;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "is full"));
	assert_null(site_at(&w->p, "handle")->hint.code);
	/* It fills: what it does not hold is held by something else. */
	w->step[1].most = 2 * w->step[1].entries;
	w->step[1].growth_per_s = 20;
	f->fill.last = f->fill.first + 1000;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "has a bound"));
	w->step[1].most = 0;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
}

/* One table of many, each of which keeps the entries that it has: more objects than these are in
 * the others. Where it holds them all its entries grow. */
static void one_table_of_many_that_rest_has_no_remedy(void **state)
{
	struct world *w = *state;
	struct holder_fact *f = &w->holder[0];

	w->step[1].growth_per_s = 0;
	w->step[1].entries = f->fill.first = f->fill.last = f->fill.calm = 40;
	f->fill.calm_ns = f->fill.first_ns;
	judge_held(w);
	assert_string_equal(site_at(&w->p, "handle")->hint.code, "unbounded-container");
	f->is_one = false;
	f->holder.share = f->holder.in_container = 0.16;
	judge_held(w);
	assert_null(site_at(&w->p, "handle")->hint.code);
}

/* The dict, or the list, that the paths part at has so many, and stays so. */
static void have_names(struct world *w, uint64_t n)
{
	w->step[1].entries = w->holder[0].fill.first = w->holder[0].fill.last = n;
}

/* One for each name, in a dict that stays: they fill, which was not seen within half a second. */
static void ring_buffers_by_name_are_no_leak(void **state)
{
	struct world *w = *state;
	struct holder_fact *f = &w->holder[0];

	w->step[1].growth_per_s = 0;
	have_names(w, 1200);
	w->step[2] = (struct report_holder_step){"value", NULL, "collections.deque", 60, 0, 0};
	w->step[3] = (struct report_holder_step){"item", NULL, "dict", 3, 0, 0};
	f->holder.n = 4;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	w->step[2].most = 3600;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "has a bound"));
	/* More than they may have together are somewhere else. */
	have_names(w, 80);
	w->step[2].most = 3;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	/* Each entry is a dict of seven that the line makes, too. */
	have_names(w, 16);
	w->step[2].entries = w->step[2].most = 10;
	w->step[3].entries = 7;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	w->step[3].entries = 0;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	/* A buffer that is longer than there are names, a few names, and a row that is. */
	have_names(w, 20);
	w->step[2].entries = 100;
	w->step[2].most = 3600;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	have_names(w, 4);
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	have_names(w, 100);
	w->step[3] = (struct report_holder_step){"item", NULL, "list", 200, 0, 0};
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	w->step[1].growth_per_s = 2;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	w->step[1].growth_per_s = 0;
	have_names(w, 1200);
	f->fill.last = f->fill.first + 1000; /* names come, and stay */
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
}

/* A client for each name, which has a cache with a bound, of things that each have a list: what is
 * in those has none. A record of a few keys is what lies in the cache. */
static void a_bound_on_the_way_is_none_of_what_is_behind_it(void **state)
{
	struct world *w = *state;
	struct report_holder_step way[] = {
		w->step[0],
		{"attribute", "clients", "dict", 1200, 0, 0},
		{"attribute", "cache", "dict", 60, 0, 100},
		{"value", NULL, "list", 3, 0, 0},
		{"item", NULL, "dict", 3, 0, 0},
	};
	struct holder_fact *f = &w->holder[0];

	f->fill.first = f->fill.last;
	f->holder.step = way;
	f->holder.n = ARRAY_SIZE(way);
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	way[3].type = "dict";
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	way[3].entries = 20;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	/* So is a row in a deque, as long as there may be more of them than it is long. */
	way[2].type = "collections.deque";
	way[3].edge = "item";
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	way[3].type = "list";
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	way[3].entries = 100;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
}

/* Judged when the census of @from_s to @to_s of the run found that dicts grow by @per_s. */
static const struct report_site *judge_counted(struct world *w, double per_s, double from_s,
					       double to_s)
{
	static struct report_class_row row;

	row = (struct report_class_row){
		.name = "dict", .count = 3000, .tracked = 3000, .gain = per_s * (to_s - from_s)};
	w->e.seen.classes = &row;
	w->e.seen.n_classes = 1;
	w->e.seen.counted_from_s = 100 + from_s;
	w->e.seen.counted_to_s = 100 + to_s;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	return site_at(&w->p, "handle");
}

/* Objects of the same size that nobody saw being born grow in their place. */
static void no_type_grows_beyond_its_census(void **state)
{
	struct world *w = *state;
	const struct report_site *s = judge_counted(w, 19, 2, 57);
	double count = s->growth_count_per_s, bytes = s->growth_bytes_per_s;

	assert_true(fabs(count - 20) < 2);
	assert_null(strstr(s->reason, "census"));
	s = judge_counted(w, 10, 2, 57);
	assert_true(fabs(s->growth_count_per_s - 10) < 0.1);
	assert_non_null(strstr(s->reason, "the census of its types allows no more"));
	s = judge_counted(w, 7, 2, 57);
	assert_true(fabs(s->growth_count_per_s - 7) < 0.1);
	assert_true(fabs(s->growth_bytes_per_s / bytes - 7 / count) < 0.01);
	assert_true(s->outstanding_count < 500);
	assert_non_null(strstr(s->reason, "the census of its types allows no more"));
	assert_null(judge_counted(w, 0, 2, 57));
	/* A few objects say nothing; nor does a missing census, nor a number that fell, but that no
	 * more can have come than there are. */
	assert_true(judge_counted(w, 1, 50, 57)->growth_count_per_s == count);
	assert_true(judge_counted(w, 1, NAN, NAN)->growth_count_per_s == count);
	assert_true(judge_counted(w, NAN, 2, 57)->growth_count_per_s == count);
	((struct report_class_row *)w->e.seen.classes)->count = 400;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "handle");
	assert_true(fabs(s->growth_count_per_s - 400 / 57.0) < 0.3);
	w->e.seen.counted_from_s = w->e.seen.counted_to_s; /* by one census */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(site_at(&w->p, "handle")->growth_count_per_s == s->growth_count_per_s);
}

/* It has met nothing but what the collector tracks, and some of that. */
static void a_census_without_pools_limits_nothing(void **state)
{
	struct report_lost lost = {"census_pools", "", 0};
	struct world *w = *state;
	double count = judge_counted(w, 19, 2, 57)->growth_count_per_s;

	w->e.seen.lost = &lost;
	w->e.seen.n_lost = 1;
	assert_null(judge_counted(w, 0, 2, 57));
	lost.n = 1;
	assert_true(judge_counted(w, 0, 2, 57)->growth_count_per_s == count);
}

/* Every other one is too big for a pool: of these only a rate is known. */
static void what_is_in_no_pool_is_held_too(void **state)
{
	struct world *w = *state;
	const struct report_site *s;

	w->e.native = (struct evidence_native){0};
	for (size_t i = 1; i < OBJECTS; i += 2) {
		w->object[i].bytes = w->object[i].part[0].bytes = 1056;
		w->object[i].part[0].cls = -1;
	}
	for (size_t i = 0; i < POINTS; i++) {
		w->malloced[i] = 1e6 + 20 * 1056 * (double)i;
		w->rss[i] = 2e7 + w->live[i] + w->malloced[i];
	}
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "handle");
	assert_true(fabs(s->growth_count_per_s - 40) < 4);
	assert_true(fabs(s->outstanding_count / (s->growth_count_per_s * RUN_S) - 1) < 0.05);
	assert_true(fabs(s->outstanding_bytes / (s->growth_bytes_per_s * RUN_S) - 1) < 0.05);
}

/* Code that is compiled anew each time: each object has a stack of its own, all are of one line. */
static void what_code_that_ran_once_made_is_held(void **state)
{
	static struct evidence_stack stack[OBJECTS];
	struct world *w = *state;
	const struct report_site *s;

	for (size_t i = 0; i < OBJECTS; i++) {
		w->object[i].stack = 1000 + i;
		stack[i] = (struct evidence_stack){1000 + i, false, 1, w->frame};
	}
	w->e.stack = stack;
	w->e.n_stacks = OBJECTS;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "handle");
	assert_true(fabs(s->growth_count_per_s - 20) < 2);
	assert_true(fabs(s->outstanding_count / (20.0 * RUN_S) - 1) < 0.05);
	assert_true(fabs(s->outstanding_bytes / (20.0 * 192 * RUN_S) - 1) < 0.05);
}

/* A few samples, each of which stands for very many. */
static void no_total_is_more_than_the_census_counts(void **state)
{
	struct world *w = *state;
	const struct report_site *s = judge_counted(w, 19, 2, 57);
	double count = s->outstanding_count, bytes = s->outstanding_bytes;

	((struct report_class_row *)(uintptr_t)w->e.seen.classes)->count = 400;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "handle");
	assert_true(count > 1000);
	assert_true(s->outstanding_count >= 400 && s->outstanding_count < 500);
	assert_true(fabs(s->outstanding_bytes / bytes - s->outstanding_count / count) < 0.01);
	w->e.seen.counted_to_s = 140; /* not of now */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(site_at(&w->p, "handle")->outstanding_count > 1000);
}

/* Together they are told with what the censuses count, each with its part, as long as that is less
 * by more than both errors. A type that comes faster of late may be told with what came then. */
static void no_sites_together_grow_beyond_the_census(void **state)
{
	static const struct {
		double counted, late, told;
	} t[] = {{14, 0.5, 14}, {18.5, 0.5, 20}, {14, 0.7, 20}, {11, 0.6, 13.2}, {25, 0.5, 20}};
	struct world *w = *state;
	struct report_class_row *row;

	for (size_t i = 0; i < OBJECTS; i += 4)
		w->object[i].stack = OPENS;
	w->e.n_fds = 0;
	judge_counted(w, 20, 2, 57);
	row = (struct report_class_row *)(uintptr_t)w->e.seen.classes;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct report_site *s, *other;

		row->gain = 55 * t[i].counted;
		row->late = t[i].late;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "handle");
		other = site_at(&w->p, "open_log");
		assert_true(fabs(s->growth_count_per_s - 0.75 * t[i].told) < 0.4);
		assert_true(fabs(other->growth_count_per_s - 0.25 * t[i].told) < 0.4);
		assert_true(!strstr(other->reason, "the census of its types allows no more") ==
			    (t[i].told == 20));
	}
}

/* Strings of other sizes leave while these come: what all of them gain is no bound. */
static void a_type_of_many_sizes_has_no_sum(void **state)
{
	struct world *w = *state;

	w->e.n_fds = 0;
	w->type[0].name = "str";
	judge_counted(w, 14, 2, 57);
	((struct report_class_row *)w->e.seen.classes)->name = "str";
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(fabs(site_at(&w->p, "handle")->growth_count_per_s - 20) < 0.5);
}

/* Three censuses, the second of which came early, find that about a half came late. */
static void what_began_between_censuses_is_all_of_their_gain(void **state)
{
	struct world *w = *state;
	struct report_class_row *row;

	w->e.n_fds = 0;
	w->e.objects.v += 100; /* the first came after 15.5 s */
	w->e.objects.n -= 100;
	judge_counted(w, 20, 2, 57);
	row = (struct report_class_row *)(uintptr_t)w->e.seen.classes;
	row->gain = 20 * (57 - 15.5);
	row->late = 0.54;
	row->growth_count_per_s = 16; /* a line through all three */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(fabs(site_at(&w->p, "handle")->growth_count_per_s - 20) < 0.5);
}

/* In half of the time it would have made more than came in all of it: others of its size grow. */
static void what_was_met_late_made_no_more_than_came(void **state)
{
	struct world *w = *state;
	struct report_class_row *row;

	w->e.n_fds = 0;
	w->e.objects.v += 200;
	w->e.objects.n -= 200;
	judge_counted(w, 20, 2, 57);
	row = (struct report_class_row *)(uintptr_t)w->e.seen.classes;
	row->late = 0.5;
	for (int k = 0; k < 2; k++) {
		row->growth_count_per_s = k ? 10 : 7;
		row->gain = 55 * row->growth_count_per_s;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_true(fabs(site_at(&w->p, "handle")->growth_count_per_s - (k ? 20 : 7)) <
			    0.5);
	}
}

/* The objects lie outside of the pools, whose memory grows by 40 of them a second. */
static void make_big(struct world *w)
{
	for (size_t i = 0; i < OBJECTS; i++)
		w->object[i].part[0] = (struct survivor_part){w->object[i].addr, 1024, -1};
	for (size_t i = 0; i < POINTS; i++) {
		w->blocks[i] = 500;
		w->malloced[i] = 1e6 + 40960 * (double)i;
	}
	w->e.native = (struct evidence_native){0};
}

/* Big objects have what memory outside of the pools gains, and so would have a table that grows
 * beside them. */
static void no_big_type_grows_beyond_its_census(void **state)
{
	struct world *w = *state;
	const struct report_site *s;
	double count;

	make_big(w);
	s = judge_counted(w, 40, 2, 57);
	count = s->growth_count_per_s;
	assert_true(fabs(count - 40) < 4);
	assert_true(judge_counted(w, 39, 2, 57)->growth_count_per_s == count);
	assert_true(fabs(judge_counted(w, 20, 2, 57)->growth_count_per_s - 20) < 0.2);
	s = judge_counted(w, 4, 2, 57);
	assert_true(fabs(s->growth_count_per_s - 4) < 0.1);
	/* A census sees a part alone of the objects that the collector does not track. */
	((struct report_class_row *)w->e.seen.classes)->tracked = 2900;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(site_at(&w->p, "handle")->growth_count_per_s == count);
}

/* It has big objects of its own: what is known of malloc's blocks takes nothing from them. */
static void big_objects_grow_beside_mimalloc_too(void **state)
{
	struct world *w = *state;
	const struct evidence_native native = w->e.native;
	double count;

	make_big(w);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	count = site_at(&w->p, "handle")->growth_count_per_s;
	assert_true(count > 0);
	w->e.native = native;
	w->e.memory.has_mimalloc = true;
	for (int is_exact = 0; is_exact < 2; is_exact++) {
		w->e.native.is_exact = is_exact;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_true(site_at(&w->p, "handle")->growth_count_per_s == count);
	}
}

/* Censuses have counted these for 55 s. */
static void count_rows(struct world *w, struct report_class_row *row, size_t n)
{
	w->e.seen.classes = row;
	w->e.seen.n_classes = n;
	w->e.seen.counted_from_s = 102;
	w->e.seen.counted_to_s = 157;
}

/* A census counts what no window has met. */
static void a_type_that_grows_is_told_without_a_line(void **state)
{
	struct world *w = *state;
	struct report_class_row row[] = {
		{.name = "<buffer 64>",
		 .count = 9000,
		 .gain = 8000,
		 .growth_count_per_s = 145,
		 .growth_bytes_per_s = 9000},
		{.name = "app.Session",
		 .count = 3000,
		 .gain = 2200,
		 .late = 0.5,
		 .growth_count_per_s = 40,
		 .growth_bytes_per_s = 1920},
	};

	w->e.objects.n = 0;
	w->e.native.n = w->e.n_fds = 0;
	w->e.memory.rss = w->e.memory.live = series(w, w->flat);
	count_rows(w, row, 2);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_GROWING);
	assert_non_null(strstr(w->p.reason, "app.Session objects grow by 40/s"));
	assert_non_null(strstr(w->p.reason, "no line stands out yet"));
	row[1].gain = 1500; /* no straight line: it fell and rose, or has come to rest */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_STEADY);
	row[1].gain = 2200;
	row[1].late = 0.1; /* a cache that is full */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_STEADY);
	row[1].late = 0.5;
	w->e.seen.counted_from_s = 150; /* within a few seconds */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_STEADY);
	w->e.seen.counted_from_s = 102;
	row[1].gain = NAN;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_STEADY);
}

/* Memory of the pools that C code takes by itself has no births: to wait is of no use. */
static void what_is_in_no_object_is_told_without_a_line(void **state)
{
	struct world *w = *state;
	struct report_class_row row[] = {{.name = "<buffer 400>",
					  .count = 18000,
					  .gain = 8000,
					  .late = 0.5,
					  .growth_count_per_s = 145,
					  .growth_bytes_per_s = 58000},
					 {.name = "<buffer malloc>", .growth_bytes_per_s = 9e6},
					 {.name = "app.Session"}};

	w->e.objects.n = 0;
	w->e.native.n = w->e.n_fds = 0;
	w->e.seen.allocator = "pymalloc";
	count_rows(w, row, 3);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_GROWING);
	assert_non_null(strstr(w->p.reason, "145 blocks/s, most of them of 400 bytes, are in no"));
	assert_null(strstr(w->p.reason, "no line stands out yet"));
	row[0].growth_bytes_per_s = 1000; /* not what Python's memory grows by */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "in no object"));
	row[0].growth_bytes_per_s = 58000;
	row[0].late = 0.1; /* a table that is full */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "in no object"));
	row[0].late = 0.5;
	row[2] = (struct report_class_row){.name = "app.Session",
					   .count = 3000,
					   .gain = 8000,
					   .late = 0.5,
					   .growth_count_per_s = 145,
					   .growth_bytes_per_s = 9000}; /* whose they may be */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "in no object"));
	assert_non_null(strstr(w->p.reason, "app.Session"));
	row[2].growth_count_per_s = row[2].gain = 0;
	w->e.seen.allocator = "mimalloc";
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "in no object"));
}

/* It says little, but more than that nothing grows. */
static void a_plain_type_that_grows_is_told_too(void **state)
{
	struct world *w = *state;
	struct report_class_row row = {.name = "list",
				       .count = 8500,
				       .gain = 2150,
				       .growth_count_per_s = 40,
				       .growth_bytes_per_s = 3500};

	w->e.objects.n = 0;
	w->e.native.n = w->e.n_fds = 0;
	w->e.memory.rss = w->e.memory.live = series(w, w->flat);
	count_rows(w, &row, 1);
	for (int i = 0; i < 2; i++) {
		row.late = 0.2 * (i ? 1.15 : 0.85);
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_equal(w->p.verdict, i ? CLASS_GROWING : CLASS_STEADY);
	}
	assert_non_null(strstr(w->p.reason, "list objects grow by 40/s"));
	assert_non_null(strstr(w->p.reason, "--type 'list'"));
	row.name = "x'; reboot; '";
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_non_null(strstr(w->p.reason, "objects grow by 40/s"));
	assert_null(strstr(w->p.reason, "--type"));
	row.name = "<buffer malloc>";
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_STEADY);
}

/* A line of its own says more. */
static void a_type_with_a_line_is_not_told_twice(void **state)
{
	struct world *w = *state;

	w->e.native.n = w->e.n_fds = 0;
	judge_counted(w, 19, 2, 57);
	((struct report_class_row *)w->e.seen.classes)->name = "app.Session";
	((struct report_class_row *)w->e.seen.classes)->late = 0.5;
	((struct report_class_row *)w->e.seen.classes)->growth_count_per_s = 19;
	((struct report_class_row *)w->e.seen.classes)->growth_bytes_per_s = 3000;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_non_null(strstr(w->p.reason, "app.Session objects grow by 19/s"));
	w->type[0].name = "app.Session";
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "app.Session"));
}

/* Few windows of an idle service meet a birth, and those may lie close together: the container that
 * the objects are in tells whether it goes on. */
static void a_container_tells_that_it_goes_on(void **state)
{
	struct world *w = *state;
	struct fill *f = &w->holder[0].fill;

	w->e.objects.n = 90; /* all of the first quarter */
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	f->first_ns = 147 * S; /* not for long enough, at the same pace */
	f->first = 940;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "too early"));
	f->first_ns = 100 * S;
	f->first = 1;
	f->calm_ns = 153 * S; /* no more since */
	judge_held(w);
	assert_int_not_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	f->calm_ns = 160 * S;
	f->first = 601; /* half as many */
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
}

/* Other objects of the same size slow down: the container that these are in did not. */
static void a_container_keeps_its_pace(void **state)
{
	struct world *w = *state;
	struct fill *f = &w->holder[0].fill;
	double per_s, more_work[POINTS];

	for (size_t i = 0; i < POINTS; i++) {
		w->blocks[i] = 1000 + 1600 * (1 - exp(-(double)i / 40));
		more_work[i] = (double)(i * i);
	}
	w->holder[0].has_new_entries = true;
	judge_held(w);
	per_s = site_at(&w->p, "handle")->growth_count_per_s;
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "slows down"));
	for (int k = 0; k < 5; k++) {
		double pace = k == 1 ? 1.2 : 1, seconds = k == 2 ? 17 : 60;

		f->first_ns = f->last_ns - (uint64_t)(seconds * 1e9);
		f->mid_ns = (f->first_ns + f->last_ns) / 2;
		f->mid = f->last - (uint64_t)(per_s * seconds / 2);
		f->first = f->mid - (uint64_t)(pace * per_s * seconds / 2);
		w->holder[0].has_new_entries = k != 3;
		if (k == 4) /* as many entries by the clock, and fewer by the work */
			w->e.memory.work.turns = w->e.memory.work.ran = series(w, more_work);
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_equal(site_at(&w->p, "handle")->verdict, k ? CLASS_GROWING : CLASS_LEAK);
		assert_true(k || site_at(&w->p, "handle")->confidence <= PACED_SURE);
	}
}

/* The same is told by the census of their type, where this line alone makes it. */
static void a_type_keeps_its_pace(void **state)
{
	struct world *w = *state;
	struct report_class_row *row;
	double per_s;

	for (size_t i = 0; i < POINTS; i++)
		w->blocks[i] = 1000 + 1600 * (1 - exp(-(double)i / 40));
	judge_held(w);
	per_s = judge_counted(w, 10, 2, 58)->growth_count_per_s;
	row = (struct report_class_row *)(uintptr_t)w->e.seen.classes;
	for (int k = 0; k < 6; k++) {
		double pace = k == 4 ? 2 * per_s : per_s;

		row->gain = 56 * pace;
		row->growth_count_per_s = pace;
		row->late = k == 1 ? 0.42 : 0.5;
		w->e.seen.counted_from_s = k == 2 ? 140 : 102;
		w->e.seen.counted_to_s = k == 5 ? 140 : 158; /* nothing of late */
		w->type[0].name = k == 3 ? "list" : "dict";
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_equal(site_at(&w->p, "handle")->verdict, k ? CLASS_GROWING : CLASS_LEAK);
	}
}

/* Windows met none but in one short time: the census of their type tells that they keep coming. */
static void a_type_tells_that_it_goes_on(void **state)
{
	struct world *w = *state;
	struct report_class_row *row;
	double per_s;

	judge_held(w);
	w->e.objects.v += 215;
	w->e.objects.n = 60; /* of nine seconds of the third quarter */
	w->holder[0].fill.first_ns = 150 * S;
	per_s = judge_counted(w, 20, 2, 58)->growth_count_per_s;
	row = (struct report_class_row *)(uintptr_t)w->e.seen.classes;
	row->gain = 56 * per_s;
	row->growth_count_per_s = per_s;
	for (int k = 0; k < 2; k++) {
		row->late = k ? 0.5 : 0.4;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_equal(site_at(&w->p, "handle")->verdict, k ? CLASS_LEAK : CLASS_GROWING);
	}
}

/* Others of the size leave, and the class bends. */
static void bend(struct world *w, double most)
{
	for (size_t i = 0; i < POINTS; i++)
		w->blocks[i] = 1000 + most * (1 - exp(-(double)i / 40));
}

/* The container got @per_s for so long, and at first @pace times as many. */
static void put_in(struct world *w, double per_s, double seconds, double pace)
{
	struct fill *f = &w->holder[0].fill;

	f->last = 3000;
	f->first_ns = f->last_ns - (uint64_t)(seconds * 1e9);
	f->mid_ns = (f->first_ns + f->last_ns) / 2;
	f->mid = f->last - (uint64_t)(per_s * seconds / 2);
	f->first = f->mid - (uint64_t)(pace * per_s * seconds / 2);
	f->calm = f->last;
	f->calm_ns = f->last_ns;
}

/* The list that a line's objects are in gets more than its share of a size class that bends: not a
 * cache that fills, and no leak by that alone. */
static void what_gets_as_many_as_before_is_no_cache(void **state)
{
	struct world *w = *state;
	const struct report_site *s;

	bend(w, 1600);
	judge_held(w);
	for (int k = 0; k < 6; k++) {
		put_in(w, k == 5 ? 4.2 : 60, k == 2 ? 17 : 50, k == 1 ? 1.2 : 1);
		w->holder[0].is_one = k != 3;
		w->holder[0].is_known = k != 4;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "handle");
		assert_int_equal(s->verdict, CLASS_GROWING);
		assert_int_equal(s->ends, k > 0);
		/* Nothing follows of 17 seconds, either way. */
		assert_true(!strstr(s->reason, "slows down") == (!k || k == 2));
		assert_true(!strstr(s->reason, "too early") == (k != 2));
		assert_true(!strstr(s->reason,
				    "the list that holds them and others gets 60 "
				    "entries/s, about as many of late as before") == !!k);
	}
	/* As many in both halves, and few since its last middle. */
	put_in(w, 60, 50, 1);
	w->holder[0].fill.next_ns = w->holder[0].fill.last_ns - 10000000000;
	w->holder[0].fill.next = w->holder[0].fill.last - 100;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "slows down"));
}

/* A class that bends makes no cache of what the list that holds them was read too briefly for, or
 * got too few: unless these tell it by more than chance. */
static void too_few_entries_tell_of_no_cache(void **state)
{
	static const struct {
		double per_s, seconds, pace;
		bool slows;
	} c[] = {
		{60, 2, 1, false},    {60, 17, 1, false}, {60, 17, 1.5, true}, {2, 17, 1, true},
		{16, 12, 1.3, false}, {16, 12, 3, true},  {60, 50, 1.2, true}, {6, 10, 1, false},
	};
	struct world *w = *state;

	bend(w, 1600);
	judge_held(w);
	assert_in_range(site_at(&w->p, "handle")->growth_count_per_s, 10, 12);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		const struct report_site *s;

		put_in(w, c[i].per_s, c[i].seconds, c[i].pace);
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "handle");
		assert_int_equal(s->verdict, CLASS_GROWING);
		assert_true(s->ends); /* a cache is still possible */
		assert_true(!strstr(s->reason, "slows down") == !c[i].slows);
		assert_true(!strstr(s->reason, "too early") == c[i].slows);
	}
	/* It has not been read again yet. */
	w->holder[0].fill.first_ns = w->holder[0].fill.last_ns;
	w->holder[0].fill.first = w->holder[0].fill.last;
	w->holder[0].fill.mid_ns = 0;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(site_at(&w->p, "handle")->reason, "slows down"));
}

/* Each entry of the list is a dict with another object in it: the line makes twice as many objects
 * as the list gets entries, and that is no sign that it makes fewer of late. */
static void entries_of_several_objects_keep_their_pace(void **state)
{
	struct world *w = *state;
	const struct report_site *s;

	bend(w, 1600);
	judge_held(w);
	assert_in_range(site_at(&w->p, "handle")->growth_count_per_s, 10, 12);
	w->holder[0].objects = 40;
	w->holder[0].entries = 20;
	for (int k = 0; k < 4; k++) {
		put_in(w, 6, k == 2 ? 17 : 50, k == 3 ? 1.3 : 1);
		w->holder[0].has_new_entries = k; /* old ones may get many objects each */
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "handle");
		assert_int_equal(s->verdict, CLASS_GROWING);
		assert_true(!strstr(s->reason, "slows down") == (k == 1 || k == 2));
		assert_true(!strstr(s->reason, "entries/s, about as many") == (k != 1));
		assert_true(!strstr(s->reason, "too early") == (k != 2));
	}
}

/* The census counts their type, and this line alone makes it; so many go into the list, too: that
 * is the rate, and a leak. */
static void two_counts_tell_the_rate(void **state)
{
	struct world *w = *state;
	struct report_class_row *row;
	const struct report_site *s;
	double told;

	bend(w, 600);
	judge_held(w);
	judge_counted(w, 40, 2, 58);
	row = (struct report_class_row *)(uintptr_t)w->e.seen.classes;
	row->growth_count_per_s = 40;
	row->late = 0.6; /* it came unevenly */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	told = site_at(&w->p, "handle")->growth_count_per_s;
	assert_true(told < 20);
	for (int k = 0; k < 5; k++) {
		row->late = k == 1 ? 0.42 : 0.5;
		put_in(w, k == 2 ? 90 : 40, 30, k == 3 ? 1.2 : 1);
		w->type[0].name = k == 4 ? "list" : "dict";
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "handle");
		assert_int_equal(s->verdict, k ? CLASS_GROWING : CLASS_LEAK);
		assert_true(fabs(s->growth_count_per_s - (k ? told : 40)) < 1e-6);
		assert_true(!strstr(s->reason, "the census and what holds them count 40/s, "
					       "samples ") == !!k);
	}
	/* The class gained as many: it is these that came fast, and ceased. */
	w->type[0].name = "dict";
	put_in(w, 40, 30, 1);
	bend(w, 2000);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "handle");
	assert_int_equal(s->verdict, CLASS_GROWING);
	assert_null(strstr(s->reason, "what holds them count"));
}

/* Three samples make nothing a leak, nor a cache, where the census counts their type. */
static void a_type_that_keeps_its_pace_is_no_cache(void **state)
{
	struct world *w = *state;
	struct report_class_row *row;
	const struct report_site *s;
	double told;

	bend(w, 1600);
	for (size_t i = 0; i < 3; i++)
		w->object[i] = w->object[200 + 40 * i];
	w->e.objects.n = 3;
	told = judge_counted(w, 40, 2, 58)->growth_count_per_s;
	row = (struct report_class_row *)(uintptr_t)w->e.seen.classes;
	for (int k = 0; k < 3; k++) {
		row->gain = 56 * told * (k == 2 ? 2 : 1);
		row->growth_count_per_s = row->gain / 56;
		row->late = k == 1 ? 0.4 : 0.5;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "handle");
		assert_int_equal(s->verdict, CLASS_GROWING);
		assert_int_equal(s->ends, k > 0);
		assert_true(!strstr(s->reason, "slows down") == !k);
		assert_true(!strstr(s->reason, "/s of their type, about as many") == !!k);
	}
}

/* Some hundred samples are known to a fifth. A census that lies within that is the better number,
 * and so is one that counts fewer. */
static void a_rate_is_the_census_where_it_agrees(void **state)
{
	struct world *w = *state;
	struct report_class_row *row;
	const struct report_site *first;
	double per_s, bytes;

	first = judge_counted(w, 20, 2, 58);
	per_s = first->growth_count_per_s;
	bytes = first->growth_bytes_per_s;
	row = (struct report_class_row *)(uintptr_t)w->e.seen.classes;
	for (int k = 0; k < 5; k++) {
		double pace = per_s * ((double[]){1.06, 1.3, 1.06, 0.94, 0.55})[k];
		const struct report_site *s;

		row->gain = 56 * pace;
		row->growth_count_per_s = pace;
		row->late = k == 2 ? 0.6 : 0.49;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "handle");
		assert_true(fabs(s->growth_count_per_s - (k == 1 || k == 2 ? per_s : pace)) < 1e-6);
		assert_true(!strstr(s->reason, "the census of its types allows no more") ==
			    (k < 4));
		assert_true(fabs(s->growth_bytes_per_s / bytes - s->growth_count_per_s / per_s) <
			    1e-6);
	}
}

/* Memory that an event loop calls for hangs from the same list, behind what handle() puts there. */
static void hold_the_other(struct world *w, const char *file)
{
	w->frame[2].file = file;
	judge_held(w);
	w->step[3] = (struct report_holder_step){"item", "body", "bytes", 3, 0, 0};
	w->holder[1] = w->holder[0];
	w->holder[1].kind = KIND_HEAP;
	w->holder[1].holder.n = 4;
	memcpy(w->holder[1].id, site_at(&w->p, "encode")->id, sizeof(w->holder[1].id));
	w->e.n_holders = 2;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
}

static bool comes_first(const struct world *w, const char *function, const char *other)
{
	return site_at(&w->p, function) < site_at(&w->p, other);
}

static void one_container_is_one_cause(void **state)
{
	struct world *w = *state;

	judge_held(w);
	assert_true(comes_first(w, "encode", "handle")); /* the bigger one, of a line of its own */
	assert_null(site_at(&w->p, "encode")->part_of);
	hold_the_other(w, "/usr/lib/python3.11/asyncio/streams.py");
	assert_true(comes_first(w, "handle", "encode"));
	assert_null(site_at(&w->p, "handle")->part_of);
	assert_string_equal(site_at(&w->p, "encode")->part_of, site_at(&w->p, "handle")->id);
	assert_null(site_at(&w->p, "open_log")->part_of);
	w->holder[1].fill.addr = 0x6000; /* another list */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(site_at(&w->p, "encode")->part_of);
	w->holder[1].fill.addr = 0x5000;
	w->holder[1].fill.first = w->holder[0].fill.first = 1200; /* that does not grow */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(site_at(&w->p, "encode")->part_of);
}

/* Memory that hangs from the entries is of another line of the program: told after that of the
 * entries, unless these are small beside it. */
static void the_line_of_the_entries_comes_first(void **state)
{
	struct world *w = *state;

	hold_the_other(w, "/srv/codec.py");
	assert_true(comes_first(w, "handle", "encode"));
	assert_null(site_at(&w->p, "encode")->part_of);
	for (size_t i = 0; i < NATIVE_POINTS; i++)
		w->point[i].bytes *= 3;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(comes_first(w, "encode", "handle"));
}

/* A rule that order() runs is gone before its code was read: order() makes nothing, and what the
 * rule keeps in the list of handle() is no second leak. */
static void code_that_is_gone_is_not_its_caller(void **state)
{
	struct world *w = *state;
	struct evidence_frame called[] = {{.place = 0}, {"order", "/srv/app.py", 31, false, 5}};
	const struct report_site *s;

	hold_the_other(w, "/srv/codec.py");
	w->stack[2] = (struct evidence_stack){MALLOCS, false, 2, called};
	for (int k = 0; k < 2; k++) {
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "?");
		memcpy(w->holder[1].id, s->id, sizeof(w->holder[1].id));
	}
	assert_null(report_program_frame(s));
	assert_string_equal(s->part_of, site_at(&w->p, "handle")->id);
	w->e.n_fds = 0;
	w->e.n_holders = 1;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(site_at(&w->p, "?")->part_of);
	assert_non_null(strstr(w->p.reason, " by unknown code called at app.py:31 "));
}

/* handle() calls a library for what encode() made alone. Its frames, from the inside. */
static struct evidence_frame *call_library(struct world *w)
{
	static struct evidence_frame called[2];

	called[0] = (struct evidence_frame){"encode", "/usr/lib/python3/dist-packages/codec.py", 7,
					    true, 11};
	called[1] = w->frame[0];
	w->stack[2].frame = called;
	w->stack[2].n = 2;
	return called;
}

/* A library that handle() calls, and what it makes itself. */
static void one_line_is_one_cause(void **state)
{
	struct world *w = *state;
	struct evidence_frame *called = call_library(w);

	judge_held(w);
	assert_true(comes_first(w, "encode", "handle"));
	assert_string_equal(site_at(&w->p, "handle")->part_of, site_at(&w->p, "encode")->id);
	called[1].function = w->frame[0].function = "<module>"; /* calls for everything */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(site_at(&w->p, "encode")->part_of);
}

/* The holder of what encode() made is that of its present stack. */
static void judge_both(struct world *w)
{
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	memcpy(w->holder[1].id, site_at(&w->p, "encode")->id, sizeof(w->holder[1].id));
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
}

/* order() calls both lines, handle() and one of codec.py. */
static void call_both(struct world *w, struct evidence_frame calls[4])
{
	w->e.n_fds = 0;
	calls[0] = w->frame[0];
	calls[2] = (struct evidence_frame){"encode", "/srv/codec.py", 7, true, 11};
	calls[1] = calls[3] = (struct evidence_frame){"order", "/srv/app.py", 31, false, 5};
	w->stack[0] = (struct evidence_stack){LEAKS, false, 2, calls};
	w->stack[2] = (struct evidence_stack){MALLOCS, false, 2, calls + 2};
	judge_held(w);
	hold_the_other(w, "/srv/codec.py");
	put_in(w, 10, 30, 1);
	w->holder[1].fill = w->holder[0].fill;
	judge_both(w);
}

/* Parts that another line made for a request hang from the request that is kept: one mistake, and
 * so much is kept with each. */
static void lines_of_one_call_are_one_finding(void **state)
{
	static const char said[] = "; the list that holds them gets 10 entries/s, and keeps ";
	struct world *w = *state;
	struct evidence_frame calls[4];
	const struct report_site *first;

	call_both(w, calls);
	first = site_at(&w->p, "handle");
	assert_ptr_equal(first, &w->p.sites[0]);
	assert_string_equal(site_at(&w->p, "encode")->part_of, first->id);
	assert_int_equal(report_cause_of(&w->p, first).places, 2);
	assert_non_null(strstr(first->reason, said));
	assert_non_null(strstr(w->p.reason, "/s in 2 places for "));
	assert_non_null(strstr(w->p.reason, said));
	for (int k = 0; k < 5; k++) {
		calls[3].line = k == 0 ? 32 : 31; /* called for by another line */
		w->holder[1].fill.addr = k == 1 ? 0x6000 : 0x5000;
		w->holder[1].is_one = k != 2;
		w->holder[1].holder.n = k == 3 ? 3 : 4; /* it is an entry itself */
		for (size_t i = 0; k == 4 && i < NATIVE_POINTS; i++)
			w->point[i].bytes *= 3; /* handles of something big */
		judge_both(w);
		assert_null(site_at(&w->p, "encode")->part_of);
		assert_null(site_at(&w->p, "handle")->part_of);
		assert_null(strstr(w->p.reason, said));
	}
}

/* A server calls order() for each request, which makes parts of what is kept at two of its lines.
 */
static void a_request_is_one_call(void **state)
{
	struct world *w = *state;
	struct evidence_frame calls[2][3] = {
		{w->frame[0], {"order", "/srv/app.py", 31, false, 5}},
		{{"encode", "/srv/codec.py", 7, true, 11}, {"order", "/srv/app.py", 34, false, 6}}};

	for (size_t i = 0; i < 2; i++) {
		calls[i][2] = (struct evidence_frame){
			"dispatch", "/usr/lib/python3/dist-packages/flask/app.py", 1796, false, 7};
		w->stack[2 * i] = (struct evidence_stack){i ? MALLOCS : LEAKS, false, 3, calls[i]};
	}
	judge_held(w);
	hold_the_other(w, "/srv/codec.py");
	judge_both(w);
	assert_string_equal(site_at(&w->p, "encode")->part_of, site_at(&w->p, "handle")->id);
	calls[1][1].function = "cancel";
	judge_both(w);
	assert_null(site_at(&w->p, "encode")->part_of);
}

/* Windows met the line that makes the entries twice, and often what a library makes: a leak that
 * hangs from entries is one of theirs. */
static void what_holds_a_leak_is_one(void **state)
{
	struct world *w = *state;
	const struct report_site *s;

	for (size_t i = 0; i < 2; i++)
		w->object[i] = w->object[100 + 4 * i];
	w->e.objects.n = 2;
	w->step[2].type = w->type[0].name = "app.Request";
	hold_the_other(w, "/usr/lib/python3.11/asyncio/streams.py");
	s = site_at(&w->p, "handle");
	assert_int_equal(s->verdict, CLASS_LEAK);
	assert_non_null(strstr(s->reason, "/s for 60 s without levelling off"));
	assert_string_equal(site_at(&w->p, "encode")->part_of, s->id);
	for (int k = 0; k < 3; k++) {
		w->step[2].type = w->type[0].name = k == 0 ? "dict" : "app.Request";
		w->holder[0].is_one = k != 1;
		w->holder[1].is_one = k != 2;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "handle");
		assert_int_equal(s->verdict, CLASS_GROWING);
		assert_non_null(strstr(s->reason, "too early to call it a leak"));
	}
}

/* Nobody saw the entries being born: what hangs from them is of one finding nevertheless. */
static void lines_of_one_call_need_no_entry(void **state)
{
	struct world *w = *state;
	struct evidence_frame calls[4];

	call_both(w, calls);
	w->step[2].type = "app.Request";
	w->holder[0].holder.n = 4;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_string_equal(site_at(&w->p, "handle")->part_of, site_at(&w->p, "encode")->id);
	assert_null(site_at(&w->p, "encode")->part_of);
	/* A library alone called for the one: it goes with the line that is known. */
	calls[2].file = "/usr/lib/python3.11/codec.py";
	w->stack[2].n = 1;
	judge_both(w);
	assert_string_equal(site_at(&w->p, "encode")->part_of, site_at(&w->p, "handle")->id);
	w->holder[0].is_one = false;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(site_at(&w->p, "encode")->part_of);
}

/* An exception is one object of ten that its line makes, and the frames are the others. */
static void a_line_makes_entries_among_much_else(void **state)
{
	struct world *w = *state;
	struct evidence_type type[2] = {{DICT, "frame"}, {DICT + 8, "app.Refused"}};

	w->e.type = type;
	w->e.n_types = 2;
	w->step[2].type = "app.Refused";
	for (size_t i = 0; i < OBJECTS; i += 8)
		w->object[i].type = DICT + 8;
	hold_the_other(w, "/usr/lib/python3.11/asyncio/streams.py");
	for (int k = 0; k < 3; k++) {
		put_in(w, k == 1 ? 20 : 8, 30, 1); /* 2.5 are made */
		w->holder[1].fill = w->holder[0].fill;
		/* of a type of Python's own any line may make as many */
		type[1].name = w->step[2].type = k == 2 ? "coroutine" : "app.Refused";
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_true(!site_at(&w->p, "encode")->part_of == (k > 0));
	}
}

/* One of two places with the same functions and lines has stopped: what it holds is no rate. */
static void shares_are_of_what_grows(void **state)
{
	struct world *w = *state;
	struct evidence_type type[2] = {{DICT, "dict"}, {DICT + 8, "app.Old"}};
	struct evidence_stack stack[4] = {w->stack[0], w->stack[1], w->stack[2], w->stack[0]};
	const struct report_site *s;

	stack[3].id = LEAKS + 8;
	w->e.stack = stack;
	w->e.n_stacks = 4;
	w->e.type = type;
	w->e.n_types = 2;
	for (size_t i = 0; i < OBJECTS / 4; i++) {
		w->object[i].stack = LEAKS + 8;
		w->object[i].type = DICT + 8;
	}
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "handle");
	assert_true(s->growth_count_per_s > 0);
	assert_int_equal(s->n_types, 1);
	assert_string_equal(s->types[0].name, "dict");
	assert_true(fabs(s->types[0].share - 1) < 1e-9);
}

/* Objects of type DICT outside of the pools whose every block is seen: @per_s more each second. */
static void make_native_objects(struct world *w, uint64_t stack, double per_s)
{
	struct native_site *n = &w->native[0];

	for (size_t i = 0; i < NATIVE_POINTS; i++)
		w->point[i] = (struct native_point){(double)i, per_s * (double)i * 4096,
						    per_s * (double)i};
	n->key.stack = stack;
	n->type = DICT;
	n->checked = n->objects = 8;
	n->live_count = 63 * per_s;
	n->live_bytes = 63 * per_s * 4096;
}

/* The stack whose objects lie in pools has stopped, and that of bigger ones goes on: what the one
 * holds and the rate of the other are no parts of one sum. */
static void a_native_rate_is_no_number_held(void **state)
{
	struct report_class_row row[2] = {
		{.name = "dict", .count = 3000, .tracked = 3000, .gain = 35 * 55},
		{.name = "app.Old", .count = 300, .tracked = 300}};
	struct evidence_type type[2] = {{DICT, "dict"}, {DICT + 8, "app.Old"}};
	struct world *w = *state;
	const struct report_site *s;
	double count;

	w->e.n_fds = 0;
	w->e.type = type;
	w->e.n_types = 2;
	for (size_t i = 0; i < OBJECTS; i++) {
		w->object[i].stack = i < OBJECTS / 4 ? LEAKS : OPENS;
		w->object[i].type = i < OBJECTS / 4 ? DICT + 8 : DICT;
	}
	make_native_objects(w, LEAKS, 20);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "handle");
	count = s->outstanding_count;
	assert_true(fabs(s->growth_count_per_s - 20) < 0.5);
	assert_true(count > 63 * 20 + 200);
	w->e.seen.classes = row;
	w->e.seen.n_classes = 2;
	w->e.seen.counted_from_s = 102;
	w->e.seen.counted_to_s = 157;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(fabs(site_at(&w->p, "handle")->outstanding_count - count) < 1e-6);
}

/* A line has the census's rate of a type unless another one makes the type, too, outside of the
 * pools. */
static void a_native_rate_is_of_its_type(void **state)
{
	struct evidence_type type[2] = {{DICT, "dict"}, {DICT + 8, "app.Big"}};
	struct world *w = *state;
	struct report_class_row *row;
	double per_s;

	w->e.type = type;
	w->e.n_types = 2;
	make_native_objects(w, MALLOCS, 3);
	per_s = judge_counted(w, 20, 2, 58)->growth_count_per_s;
	row = (struct report_class_row *)(uintptr_t)w->e.seen.classes;
	row->growth_count_per_s = 1.06 * per_s;
	row->gain = 56 * row->growth_count_per_s;
	row->late = 0.5;
	for (int k = 0; k < 2; k++) {
		w->native[0].type = k ? DICT : DICT + 8;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_true(fabs(site_at(&w->p, "handle")->growth_count_per_s / per_s -
				 (k ? 1 : 1.06)) < 1e-6);
	}
}

/* The births of three sites, of which the first keeps its part and the second falls behind, lie
 * among each other; the curve of the third does not ebb. */
static void each_site_has_the_pace_of_its_own(void **state)
{
	static const unsigned come[2][8] = {{50, 50, 50, 50, 50, 50, 50, 50},
					    {175, 175, 10, 10, 10, 10, 10, 10}};
	static struct traffic traffic = {.n_rows = 2, .n_moments = 8};
	static struct survivor came[3 * 810];
	struct joined site[3] = {{.via_stack = 7}, {.via_stack = 7}, {.via_stack = 7}};
	struct evidence e = {.now_ns = 30 * S};
	struct joiner j = {.e = &e, .v = {site, 3, 3}};
	size_t n = 0;

	(void)state;
	for (size_t m = 0; m < 8; m++) {
		traffic.until_ns[m] = (m + 1) * S;
		traffic.row[1].n[m] = 1000;
		for (unsigned i = 0; i < 175; i++)
			for (uint64_t k = 0; k < 3; k++)
				if (i < come[k ? 1 : 0][m])
					came[n++] = (struct survivor){.addr = 1,
								      .is_beside_all = true,
								      .rung = SURVIVED_RUNGS,
								      .stack = k + 1,
								      .weight = 1,
								      .born_ns = m * S + S / 2};
	}
	for (uint64_t k = 0; k < 3; k++) {
		*map64_put(&j.site_of, k + 1) = k + 1;
		site[k].evidence.curve = (struct curve){.shape = CURVE_SLOWING, .ebbs = k < 2};
	}
	e.objects = (struct evidence_objects){.v = came, .n = n, .traffic = &traffic};
	join_traffic(&j);
	assert_int_equal(site[0].evidence.curve.shape, CURVE_RISING);
	assert_true(site[0].evidence.curve.ebbs);
	assert_int_equal(site[1].evidence.curve.shape, CURVE_SLOWING);
	assert_false(site[1].evidence.curve.ebbs);
	assert_int_equal(site[2].evidence.curve.shape, CURVE_SLOWING);
	map64_free(&j.site_of);
}

/* The remedy of most of a cause goes for all of it; that of memory which C code lost does not. */
static void a_cause_has_the_remedy_of_most_of_it(void **state)
{
	static const struct {
		const char *first, *part, *told;
		double grows;
	} t[] = {
		{"unbounded-container", "exception-traceback", "exception-traceback", 900},
		{"unbounded-container", "exception-traceback", "unbounded-container", 90},
		{"unbounded-container", "native-leak", "unbounded-container", 900},
		{"task-not-ended", "exception-traceback", "task-not-ended", 900},
		{"unbounded-container", NULL, "unbounded-container", 900},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct report_site s[] = {
			{.id = "1", .growth_bytes_per_s = 100, .hint = {t[i].first, "one"}},
			{.id = "2",
			 .part_of = "1",
			 .growth_bytes_per_s = t[i].grows / 2,
			 .hint = {t[i].part, "two"}},
			{.id = "3",
			 .part_of = "1",
			 .growth_bytes_per_s = t[i].grows / 2,
			 .hint = {t[i].part, "two"}},
		};

		w->p.sites = s;
		w->p.n_sites = ARRAY_SIZE(s);
		causes_tell(&w->e, w->r, &w->p);
		assert_string_equal(s[0].hint.code, t[i].told);
	}
}

/* The search found as many objects as entries, and the entries had been seen being born: as many
 * come as entries do, however many samples say. */
static void no_more_come_than_entries(void **state)
{
	static const char said[] = "; what holds them counts 10/s, samples ";
	const char *reason;
	struct world *w = *state;
	struct holder_fact *f = &w->holder[0];
	unsigned char *bytes;
	struct evidence e;
	double bytes_per_s = 0;
	size_t n;

	judge_held(w);
	for (int k = 0; k < 7; k++) {
		const struct report_site *s;

		put_in(w, k == 1 ? 14 : 10, 30, 1);
		f->entries = k == 2 ? 0 : 40;
		f->new_entries = k == 3 ? 10 : 20;
		f->objects = k == 4 ? 80 : 40;
		f->holder.is_chain = k == 5;
		w->e.objects.coverage = k == 6 ? 0.2 : 0.05;
		assert_int_equal(evidence_write(&w->e, &bytes, &n), 0);
		assert_int_equal(evidence_read(bytes, n, w->r, &e), 0);
		free(bytes);
		assert_int_equal(judge(&e, w->r, &w->p), 0);
		s = site_at(&w->p, "handle");
		bytes_per_s = k ? bytes_per_s : s->growth_bytes_per_s;
		assert_true(fabs(s->growth_count_per_s - (k ? 20 : 10)) < 0.5);
		assert_true(fabs(s->growth_bytes_per_s / bytes_per_s - (k ? 2 : 1)) < 0.1);
		assert_true(!strstr(s->reason, said) == (k > 0));
	}
	/* the census, which allows no more, has lowered the rate before */
	put_in(w, 10, 30, 1);
	f->holder.is_chain = false;
	w->e.objects.coverage = 0.05;
	reason = judge_counted(w, 16, 2, 58)->reason;
	assert_non_null(
		strstr(reason, "; what holds them counts 10/s, samples and the census 16/s"));
	assert_null(strstr(reason, "allows no more"));
	w->e.seen.n_classes = 0;
	/* so few samples may be so many by chance */
	for (size_t i = 0; i < 5; i++)
		w->object[i] = w->object[100 + 40 * i];
	w->e.objects.n = 5;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(site_at(&w->p, "handle")->reason, "what holds them counts"));
}

/* Nobody was found to hold the memory itself. */
static void memory_is_told_with_its_owner(void **state)
{
	struct world *w = *state;
	struct report_frame taker = {
		.native = true, .function = "take", .module = "/usr/lib/codec.so"};
	struct evidence_native_frame frame = {.frame = &taker, .n = 1};
	struct evidence_way way = {
		.stack = MALLOCS, .of = 0x7f1234, .share = 1, .frame = &frame, .n = 1};
	const char *text;

	w->e.native.way = &way;
	w->e.native.n_ways = 1;
	w->e.native.has_ways = true;
	judge_held(w);
	text = site_at(&w->p, "take")->hint.text;
	assert_string_equal(site_at(&w->p, "take")->hint.code, "native-leak");
	assert_null(strstr(text, "seen (list)"));
	call_library(w);
	judge_held(w);
	text = site_at(&w->p, "take")->hint.text;
	assert_string_equal(site_at(&w->p, "take")->hint.code, "native-leak");
	assert_non_null(strstr(text, "is kept.\nseen (list) has"));
}

/* Where no memory is left for both, the first says what it said. */
static void a_hint_stays_where_memory_ends(void **state)
{
	static const struct rlimit none = {1 << 20, RLIM_INFINITY};
	struct world *w = *state;
	size_t n = 32 << 20;
	char *text = malloc(n);
	struct report_site s[] = {
		{.id = "1", .hint = {"native-leak", text}},
		{.id = "2", .part_of = "1", .hint = {"unbounded-container", "its owner"}},
	};
	struct rlimit was;

	assert_non_null(text);
	memset(text, 'x', n);
	text[n - 1] = 0;
	w->p.sites = s;
	w->p.n_sites = ARRAY_SIZE(s);
	assert_int_equal(getrlimit(RLIMIT_AS, &was), 0);
	assert_int_equal(setrlimit(RLIMIT_AS, &(struct rlimit){none.rlim_cur, was.rlim_max}), 0);
	causes_name_owners(w->r, &w->p);
	assert_int_equal(setrlimit(RLIMIT_AS, &was), 0);
	assert_ptr_equal(s[0].hint.text, text);
	free(text);
}

/* Sites that fill a bound are one finding, too, and not one with those that go on for ever. */
static void one_line_fills_one_bound(void **state)
{
	struct world *w = *state;

	call_library(w);
	judge_held(w);
	hold_the_other(w, "/srv/codec.py");
	for (size_t bounded = 0; bounded < 3; bounded++) {
		if (bounded) {
			w->holder[bounded - 1].fill.most = 2000;
			strcpy(w->holder[bounded - 1].fill.name, "maxlen");
		}
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_equal(site_at(&w->p, "handle")->is_bounded, bounded > 0);
		assert_int_equal(site_at(&w->p, "encode")->is_bounded, bounded > 1);
		assert_int_equal(!site_at(&w->p, "handle")->part_of, bounded == 1);
	}
}

/* A program that `python -m` runs may start a loop, and nothing is joined under that line. */
static void python_m_starts_a_loop(void **state)
{
	struct world *w = *state;
	struct evidence_frame main[3] = {{"encode", "/usr/lib/python3.11/codec.py", 7, true, 11},
					 {"main", "/srv/__main__.py", 9, false, 2},
					 {"_run_code", "<frozen runpy>", 88, false, 2}};

	hold_the_other(w, "/srv/codec.py");
	assert_null(site_at(&w->p, "encode")->part_of);
	w->stack[2].frame = main;
	w->stack[2].n = ARRAY_SIZE(main);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	memcpy(w->holder[1].id, site_at(&w->p, "encode")->id, sizeof(w->holder[1].id));
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_string_equal(site_at(&w->p, "encode")->part_of, site_at(&w->p, "handle")->id);
}

/* main() has gone on from the line that calls a library to the one that keeps what that made. */
static void a_line_that_comes_back_is_no_loop(void **state)
{
	struct world *w = *state;
	struct evidence_frame calls[2] = {{"encode", "/usr/lib/python3.11/codec.py", 7, true, 11},
					  {"main", "/srv/app.py", 9, false, 2}};
	struct evidence_frame keeps[2] = {w->frame[0], {"main", "/srv/app.py", 9, false, 2}};

	w->stack[2] = (struct evidence_stack){MALLOCS, false, ARRAY_SIZE(calls), calls};
	w->stack[0] = (struct evidence_stack){LEAKS, false, ARRAY_SIZE(keeps), keeps};
	judge_held(w);
	hold_the_other(w, "/srv/codec.py");
	assert_string_equal(site_at(&w->p, "encode")->part_of, site_at(&w->p, "handle")->id);
	keeps[1].line = 12;
	judge_held(w);
	assert_null(site_at(&w->p, "encode")->part_of);
	assert_null(site_at(&w->p, "handle")->part_of);
}

/* Garbage that no full collection has looked at: unless none will, or it has outlived one. */
static void a_cycle_may_be_garbage(void **state)
{
	struct world *w = *state;
	struct survivor *v = (struct survivor *)(uintptr_t)w->e.objects.v;
	struct report_holder *h = &w->holder[0].holder;

	h->root = "cycle";
	for (size_t i = 0; i < w->e.objects.n; i++)
		v[i].collections = w->e.objects.collections;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "a cycle"));
	h->uncollectable = true;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	h->uncollectable = h->gc_enabled = false;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	h->gc_enabled = true;
	w->e.objects.collections++; /* which none of them can have outlived */
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
}

/* A full collection took all that had come until then, and nothing tells that it would not take
 * what came since: who seems older may be another in its place. */
static void what_came_after_a_collection_may_be_garbage(void **state)
{
	struct world *w = *state;
	struct survivor *v = (struct survivor *)(uintptr_t)w->e.objects.v;

	for (size_t i = 0; i < POINTS; i++)
		w->blocks[i] = i < 30 ? 1400 + 20 * (double)i : 1000 + 40 * (double)(i - 30);
	for (size_t i = 0; i < w->e.objects.n; i++)
		v[i].collections = w->e.objects.collections - (v[i].born_ns < 131 * S);
	judge_held(w); /* a list that grows as they do holds them */
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	w->holder[0].holder.share = 0.4; /* other ways lead to the rest */
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "no full collection"));
	for (size_t i = 0; i < w->e.objects.n; i++)
		v[i].collections = w->e.objects.collections - (v[i].born_ns < 150 * S);
	judge_held(w); /* it has outlived one */
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
}

/* CPython's own cache of methods: names directly in the interpreter. A container of the
 * interpreter's, or another type, is another matter. */
static void names_of_methods_are_bounded(void **state)
{
	struct world *w = *state;
	struct report_holder *h = &w->holder[0].holder;

	w->step[0].type = "str";
	h->root = "interpreter";
	h->path = "interpreter (str)";
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	h->n = 1;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_true(site_at(&w->p, "handle")->is_bounded);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "4,096 entries"));
	h->root = "static"; /* up to 3.10 */
	h->path = "static data of libpython3.9.so.1.0 (str)";
	judge_held(w);
	assert_true(site_at(&w->p, "handle")->is_bounded);
	h->path = "static data of ext.cpython-311-x86_64-linux-gnu.so (str)";
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	h->root = "interpreter";
	w->step[0].type = "bytes";
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
}

/* Half of what grows is of no line: nobody else gets it. */
static void what_has_no_line_keeps_its_share(void **state)
{
	struct world *w = *state;
	struct survivor *v = (struct survivor *)(uintptr_t)w->e.objects.v;
	const struct report_site *s;
	double all;

	judge_held(w);
	all = site_at(&w->p, "handle")->growth_count_per_s;
	for (size_t i = 0; i < w->e.objects.n; i += 2)
		v[i].stack = i % 4 ? EVIDENCE_NO_STACK : EVIDENCE_NO_FRAME;
	judge_held(w);
	assert_true(fabs(site_at(&w->p, "handle")->growth_count_per_s / all - 0.5) < 0.1);
	s = site_at(&w->p, "(no Python frame)");
	assert_non_null(s);
	assert_true(fabs(s->growth_count_per_s / all - 0.25) < 0.1);
	assert_non_null(site_at(&w->p, "(code not known)"));
}

static const struct report_site *row_of(const struct report_process *p, const char *id)
{
	for (size_t i = 0; i < p->n_sites; i++)
		if (!strcmp(p->sites[i].id, id))
			return &p->sites[i];
	return NULL;
}

#define SERVER "/usr/lib/apache2/modules/mod_wsgi.so"

/* Births without a Python frame, whose stacks were copied. */
static void c_code_without_a_frame_is_named(void **state)
{
	struct world *w = *state;
	struct survivor *v = (struct survivor *)(uintptr_t)w->e.objects.v;
	struct report_frame at[] = {
		{.native = true, .function = "_io_open", .module = "_io"},
		{.native = true, .offset = 0x2861c, .module = SERVER},
		{.native = true, .function = "clone", .module = "/usr/lib/libc.so.6"}};
	struct report_frame other = {.native = true, .module = "/usr/lib/other.so"};
	struct evidence_native_frame frame[] = {
		{.frame = &at[0], .n = 1}, {.frame = &at[1], .n = 1}, {.frame = &at[2], .n = 1}};
	struct evidence_native_frame others = {.frame = &other, .n = 1};
	struct evidence_way way[] = {
		{.stack = EVIDENCE_NO_FRAME, .of = DICT, .share = 1, .frame = frame, .n = 3},
		{.stack = EVIDENCE_NO_FRAME, .of = DICT + 1, .share = 1, .frame = &others, .n = 1}};
	const struct report_site *s;
	char id[17];

	for (size_t i = 0; i < w->e.objects.n; i += 2)
		v[i].stack = EVIDENCE_NO_FRAME;
	judge_held(w);
	memcpy(id, site_at(&w->p, "(no Python frame)")->id, sizeof(id));
	w->e.native.way = way;
	w->e.native.n_ways = 1;
	w->e.native.has_ways = true;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = row_of(&w->p, id);
	assert_non_null(s);
	assert_int_equal(s->n_frames, 4);
	assert_string_equal(s->stack[0].function, "_io_open");
	assert_string_equal(s->stack[1].module, SERVER);
	assert_false(s->stack[3].native);
	assert_string_equal(s->stack[3].function, "(no Python frame: C code of mod_wsgi.so)");
	for (size_t i = 0; i < w->e.objects.n; i++)
		v[i].stack = EVIDENCE_NO_FRAME;
	w->e.native.n = w->e.n_fds = 0;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_non_null(strstr(w->p.reason, "objects allocated by mod_wsgi.so "));
	/* Some of it is of others. */
	w->e.native.n_ways = 2;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_string_equal(row_of(&w->p, id)->stack[3].function,
			    "(no Python frame: C code of mod_wsgi.so and others)");
	/* The interpreter's own code alone: a thread that begins. A frame that was not seen. */
	w->e.native.n_ways = 1;
	at[1].module = "/usr/bin/python3.11";
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_string_equal(row_of(&w->p, id)->stack[0].function, "(no Python frame)");
	at[1].module = SERVER;
	frame[2].is_eval = true;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_string_equal(row_of(&w->p, id)->stack[0].function, "(no Python frame)");
}

/* Growth that is much for a small process is little for a big one. */
static void a_big_process_needs_more(void **state)
{
	struct world *w = *state;

	double gained;

	judge_held(w);
	gained = site_at(&w->p, "handle")->growth_bytes_per_s *
		 (double)(w->e.now_ns - w->e.start_ns) / 1e9;
	w->e.seen.rss_bytes = (uint64_t)(gained / 0.0005 * 0.85);
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	w->e.seen.rss_bytes = (uint64_t)(gained / 0.0005 * 1.15);
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "too little yet"));
}

static void a_leak_is_called_one(void **state)
{
	struct world *w = *state;
	const struct report_site *s;

	judge_held(w);
	s = site_at(&w->p, "handle");
	assert_non_null(s);
	assert_int_equal(s->kind, KIND_OBJECT);
	assert_int_equal(s->verdict, CLASS_LEAK);
	assert_true(fabs(s->growth_count_per_s - 20) < 2);
	assert_string_equal(s->types[0].name, "dict");
	s = site_at(&w->p, "encode");
	assert_non_null(s);
	assert_int_equal(s->kind, KIND_HEAP);
	assert_true(fabs(s->growth_bytes_per_s - 4096) < 400);
	s = site_at(&w->p, "open_log");
	assert_non_null(s);
	assert_int_equal(s->kind, KIND_FD);
	assert_int_equal(s->verdict, CLASS_LEAK);
	assert_int_equal(w->p.verdict, CLASS_LEAK);
}

/* The age of one that is probed in turns, and told when it is older. */
static void an_age_is_that_of_the_judgement(void **state)
{
	struct world *w = *state;

	w->e.seen.age_s = 30;
	judge_held(w);
	assert_non_null(strstr(w->p.reason, "; the process is only 30 s old"));
	w->e.seen.is_told_later = true;
	judge_held(w);
	assert_non_null(strstr(w->p.reason, "; the process was only 30 s old"));
}

/* ---- Growth per unit of work. ---- */

#define REQUESTS 4800 /* 100 a second, 60 at last */
#define MANY	 1600 /* one of three that stay is known */

static double request_s(double n)
{
	const double bend = 0.4 / 120;

	return (1 - sqrt(1 - 4 * bend * n / 100)) / (2 * bend);
}

static double requests_until(double s)
{
	return 100 * (s - 0.4 * s * s / 120);
}

/* The size class of what fills looks straight for a while, in which all pools are seen to slow
 * down.
 */
static void most_of_what_pools_gain_slows_down_as_they_do(void **state)
{
	static const struct {
		double bend, all; /* of it, which has 190 to 230 kB; what all pools come to */
		bool is_leak;
	} of[] = {{0, 3.1e5, true}, {0.06, 5e5, true}, {0.06, 2.7e5, false}};
	struct world *w = *state;

	w->e.native.n = w->e.n_fds = 0;
	w->e.seen.memory.limit_source = "cgroup";
	w->e.seen.memory.left_low = w->e.seen.memory.left_high = 1e9;
	for (size_t k = 0; k < ARRAY_SIZE(of); k++) {
		for (size_t i = 0; i < POINTS; i++) {
			double t = (double)i;

			w->blocks[i] = 1000 + (20 - of[k].bend * t) * t + (double)(i * 7 % 5 * 30);
			w->live[i] = 2e5 + of[k].all * (1 - exp(-t / 30));
			w->rss[i] = 2e7 + w->live[i];
		}
		judge_held(w);
		assert_int_equal(w->p.live_curve.shape, CURVE_SLOWING);
		assert_int_equal(site_at(&w->p, "handle")->verdict == CLASS_LEAK, of[k].is_leak);
		assert_int_equal(w->p.memory.eta_s > 0, of[k].is_leak);
	}
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "like a cache that fills"));
}

/* Each request leaves one dict of @births that it makes; @per_s: others are made by the clock. */
static const struct report_site *judge_ebbing(struct world *w, double births, double per_s)
{
	static struct survivor many[MANY];
	static double turns[POINTS], ran[POINTS];
	struct work *work = &w->e.memory.work;

	for (size_t i = 0; i < POINTS; i++) {
		double n = requests_until((double)i);

		w->blocks[i] = 1000 + round(n) + (double)(i * 7 % 3);
		w->live[i] = w->blocks[i] * 192;
		turns[i] = 500 + n;
		ran[i] = 3 + 0.005 * n;
	}
	for (size_t i = 0; i < MANY; i++) {
		double born_s = request_s((double)i * REQUESTS / MANY), age = RUN_S - born_s;
		double window = floor(born_s * 4) + 1;

		many[i] = w->object[0];
		many[i].addr = many[i].part[0].addr = 0x7f0000000000ull + i * 192;
		many[i].born_ns = (uint64_t)((100 + born_s) * 1e9);
		many[i].burst = (uint32_t)window;
		many[i].rung = age > 30 ? 5 : age > 10 ? 4 : age > 3 ? 3 : age > 1 ? 2 : 1;
		many[i].nth =
			(uint64_t)((births * requests_until(window / 4) + per_s * window / 4) *
				   MANY / REQUESTS);
	}
	work->turns = series(w, turns);
	work->ran = series(w, ran);
	w->e.objects.v = many;
	w->e.objects.n = MANY;
	w->e.native.n = w->e.n_fds = 0;
	judge_held(w);
	return site_at(&w->p, "handle");
}

static void what_stays_of_what_is_born_is_said(void **state)
{
	struct world *w = *state;
	const struct report_site *s = judge_ebbing(w, 1000 / 12.0, 0);

	assert_int_equal(s->verdict, CLASS_LEAK);
	assert_string_equal(s->stays.type, "dict");
	assert_true(fabs(s->stays.per_1000 - 12) < 0.1);
	assert_true(s->stays.error > 0.2 && s->stays.error < 0.4);
	assert_non_null(strstr(s->reason,
			       "while the process did less: 12.0 ± 0.3 objects per 1,000 "
			       "births of dict, whatever the load"));
}

/* Others of its type are made as fast as before: of all births fewer stay. */
static void a_share_that_falls_is_not_of_any_load(void **state)
{
	struct world *w = *state;
	const struct report_site *s = judge_ebbing(w, 1, 1000 / 12.0 * 80);

	assert_string_equal(s->stays.type, "dict");
	assert_false(s->stays.is_even);
	assert_null(strstr(s->reason, "whatever the load"));
}

/* Nothing of recordings of before, and little of few. */
static void too_few_tell_no_share(void **state)
{
	struct world *w = *state;
	struct survivor *v;

	judge_ebbing(w, 1000 / 12.0, 0);
	v = (struct survivor *)(uintptr_t)w->e.objects.v;
	for (size_t i = 0; i < MANY; i++)
		v[i].nth = i % 5 ? 0 : v[i].nth;
	judge_held(w);
	assert_null(site_at(&w->p, "handle")->stays.type);
	assert_null(strstr(site_at(&w->p, "handle")->reason, "whatever the load"));
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
}

/* Those that look alike are told apart late: the young ones are not all known, and say nothing. */
static void those_that_look_alike_count_when_they_are_old(void **state)
{
	struct world *w = *state;
	struct survivor *v;
	double error = judge_ebbing(w, 1000 / 12.0, 0)->stays.error;

	v = (struct survivor *)(uintptr_t)w->e.objects.v;
	for (size_t i = 0; i < MANY; i++) {
		v[i].content = i % 2;
		v[i].ambiguous = i % 2;
	}
	judge_held(w);
	assert_true(fabs(site_at(&w->p, "handle")->stays.per_1000 - 12) < 0.15);
	assert_true(site_at(&w->p, "handle")->stays.is_even);
	assert_true(site_at(&w->p, "handle")->stays.error > error);
}

/* Twenty of a request, in lots: one in twenty requests leaves them. Their number is far less sure.
 */
static void lots_are_no_more_sure_than_their_number(void **state)
{
	struct world *w = *state;
	struct survivor *v;

	judge_ebbing(w, 1000 / 12.0, 0);
	v = (struct survivor *)(uintptr_t)w->e.objects.v;
	for (size_t i = 0; i < MANY; i++)
		v[i].nth = v[i - i % 20].nth;
	judge_held(w);
	assert_non_null(site_at(&w->p, "handle")->stays.type);
	for (size_t i = 0; i < MANY; i++) /* at uneven distances */
		v[i].nth = v[(i - i % 20) / 40 * 40 + 20 * (i / 80 % 2)].nth;
	judge_held(w);
	assert_null(site_at(&w->p, "handle")->stays.type);
}

static void who_holds_them_is_said(void **state)
{
	struct world *w = *state;

	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	memcpy(w->holder[0].id, site_at(&w->p, "handle")->id, sizeof(w->holder[0].id));
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_string_equal(site_at(&w->p, "handle")->held_by.path, w->holder[0].holder.path);
	assert_string_equal(site_at(&w->p, "handle")->hint.code, "unbounded-container");
	w->holder[0].holder.share = 0.04; /* next to none */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(site_at(&w->p, "handle")->held_by.path);
	assert_null(site_at(&w->p, "handle")->hint.code);
}

static const struct report_site *heap_at(const struct world *w, const char *function)
{
	for (size_t i = 0; i < w->p.n_sites; i++)
		if (w->p.sites[i].kind == KIND_HEAP &&
		    !strcmp(w->p.sites[i].stack[0].function, function))
			return &w->p.sites[i];
	fail_msg("no memory of %s()", function);
	return NULL;
}

/* Nothing points to a block that each thread takes when it starts, and has while it runs: no free
 * is missing, but where as many files or children pile up it may be. */
static void memory_of_threads_is_not_lost(void **state)
{
	static const struct {
		enum report_kind kind;
		enum report_fd_kind most;
		const char *code;
	} v[] = {{KIND_THREAD, FD_FACT_THREAD, "thread-not-ended"},
		 {KIND_THREAD, FD_FACT_CHILD, "unreferenced"},
		 {KIND_FD, FD_FACT_FILE, "unreferenced"}};
	struct world *w = *state;

	w->fd[0].stack = MALLOCS;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		w->fd[0].kind = v[i].kind;
		w->fd[0].facts.most = v[i].most;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		w->holder[0].kind = KIND_HEAP;
		w->holder[0].holder.root = "unreferenced";
		w->holder[0].holder.n = 1;
		memcpy(w->holder[0].id, heap_at(w, "encode")->id, sizeof(w->holder[0].id));
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_string_equal(heap_at(w, "encode")->hint.code, v[i].code);
		assert_int_equal(!heap_at(w, "encode")->held_by.path, i == 0);
	}
}

/* A file that stays open keeps its buffer, which goes when it is closed: no free is missing. */
static void memory_of_open_files_has_their_cause(void **state)
{
	struct report_frame way = {
		.native = true, .function = "BufferedReader.__init__", .module = "/usr/lib/_io.so"};
	struct evidence_native_frame native = {.frame = &way, .n = 1};
	struct evidence_way ways = {
		.stack = MALLOCS, .of = 0x7f1234, .share = 1, .frame = &native, .n = 1};
	struct world *w = *state;
	const struct report_site *fds;

	w->e.objects.n = 0;
	w->e.native.way = &ways;
	w->e.native.n_ways = w->e.native.has_ways = 1;
	w->fd[0].stack = MALLOCS;
	for (double per_s = 1; per_s < 100; per_s *= 40) {
		w->fd[0].rate = per_s;
		w->fd[0].n = (uint64_t)(59 * per_s);
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		fds = heap_at(w, "BufferedReader.__init__");
		for (size_t i = 0; i < w->p.n_sites; i++)
			if (w->p.sites[i].kind == KIND_FD)
				fds = &w->p.sites[i];
		if (per_s > 1) {
			assert_null(heap_at(w, "BufferedReader.__init__")->part_of);
			assert_string_equal(heap_at(w, "BufferedReader.__init__")->hint.code,
					    "native-leak");
			continue;
		}
		assert_string_equal(heap_at(w, "BufferedReader.__init__")->part_of, fds->id);
		assert_null(heap_at(w, "BufferedReader.__init__")->hint.code);
		assert_string_equal(fds->hint.code, "fd-not-closed");
		assert_null(strstr(w->p.reason, "places"));
	}
}

/* A line through few points may be steeper than what there is allows. */
static void descriptors_come_no_faster_than_there_are(void **state)
{
	struct world *w = *state;

	w->fd[0].curve = (struct curve){0};
	w->fd[0].rate = 11.4;
	w->fd[0].n = 57;
	w->fd[0].oldest_s = 9;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_float_equal(site_at(&w->p, "open_log")->growth_count_per_s, 57 / 9.0, 1e-9);
	assert_non_null(strstr(site_at(&w->p, "open_log")->reason, "grows by 6.3/s"));
}

/* The rate is that of the time when it ran, and so are the seconds. */
static void a_stop_is_no_time_of_growth(void **state)
{
	struct world *w = *state;

	judge_held(w);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "for 60 s"));
	w->e.objects.stopped_s = 14;
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "for 46 s"));
}

/* A deque that is being filled, and has a bound: no leak before it is full. */
static void a_bound_holds_the_verdict_back(void **state)
{
	struct world *w = *state;
	static double anon[POINTS];

	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	memcpy(w->holder[0].id, site_at(&w->p, "handle")->id, sizeof(w->holder[0].id));
	w->holder[0].fill.most = 2000;
	strcpy(w->holder[0].fill.name, "maxlen");
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
	assert_true(site_at(&w->p, "handle")->is_bounded);
	/* Nor is a limit met by it, but by what grows far more beside it, of which no line tells.
	 */
	w->e.native.n = w->e.n_fds = 0;
	w->e.seen.memory.limit_source = "cgroup";
	w->e.seen.memory.left_low = w->e.seen.memory.left_high = 1e9;
	for (int beside = 0; beside < 2; beside++) {
		for (size_t i = 0; i < POINTS; i++)
			w->rss[i] = 2e7 + w->live[i] + (beside ? 1e6 : 0) * (double)i;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_equal(w->p.memory.eta_s > 0, beside);
	}
	/* A share of what only wavers says nothing. */
	w->e.memory.slope[MEMORY_USED] = w->e.memory.live;
	for (size_t i = 0; i < POINTS; i++)
		w->rss[i] = 2e7 + 1e4 * (double)i + (double)(i * 7919 % 17) * 1e5;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_false(curve_grows(&w->p.rss_curve));
	assert_true(w->p.explained < 0.5 && !(w->p.memory.eta_s > 0));
	/* Swapped out, the process grows by no less. */
	w->e.memory.slope[MEMORY_ANON] = series(w, anon);
	for (int beside = 0; beside < 2; beside++) {
		for (size_t i = 0; i < POINTS; i++) {
			w->rss[i] = 2e7;
			anon[i] = 2e7 + w->live[i] + (beside ? 1e6 : 0) * (double)i;
		}
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_equal(w->p.memory.eta_s > 0, beside);
	}
}

/* A buffer that is flushed each minute: said at any pace, and no limit is met by it. */
static void what_is_emptied_meets_no_limit(void **state)
{
	struct world *w = *state;
	struct fill *f = &w->holder[0].fill;

	w->e.native.n = w->e.n_fds = 0;
	w->e.seen.memory.limit_source = "cgroup";
	w->e.seen.memory.left_low = w->e.seen.memory.left_high = 1e9;
	for (size_t i = 0; i < POINTS; i++)
		w->rss[i] = 2e7 + w->live[i];
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	assert_true(w->p.memory.eta_s > 0);
	f->peak = 18840;
	f->cut_ns = 137 * S;
	f->before_ns = 37 * S;
	for (int is_leak = 1; is_leak >= 0; is_leak--) {
		/* Three objects are too few for a leak. */
		w->e.objects.n = is_leak ? OBJECTS : 3;
		judge_held(w);
		assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
		assert_non_null(strstr(site_at(&w->p, "handle")->reason,
				       "was emptied of 18,840 entries 23 s ago"));
		assert_null(site_at(&w->p, "handle")->hint.code);
		assert_false(w->p.memory.eta_s > 0);
	}
	/* It may come before the next time, or that may be the last. */
	w->e.seen.memory.left_low = w->e.seen.memory.left_high = 1e5;
	judge_held(w);
	assert_true(w->p.memory.eta_s > 0 && w->p.memory.eta_s < 600);
}

static void what_stands_still_is_none(void **state)
{
	struct world *w = *state;

	w->classes[CLASS] = series(w, w->flat);
	memcpy(w->rss, w->flat, sizeof(w->rss));
	memcpy(w->live, w->flat, sizeof(w->live));
	memcpy(w->malloced, w->flat, sizeof(w->malloced));
	w->e.native.n = w->e.n_fds = 0;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_STEADY);
}

/* One that is seen is chance. */
static void a_site_has_a_few_samples(void **state)
{
	struct world *w = *state;

	for (unsigned n = 1; n <= 2; n++) {
		w->e.objects.n = w->fd[0].n = n;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_equal(site_at(&w->p, "handle") != NULL, n == 2);
		assert_int_equal(site_at(&w->p, "open_log") != NULL, n == 2);
	}
}

/* All that @w has of objects is of one line, which has three calls. */
static void one_line_of_three_stacks(struct world *w)
{
	w->e.native.n = w->e.n_fds = 0;
	w->stack[1].frame = w->stack[2].frame = &w->frame[0];
}

/* A line with three calls makes two objects by each of them: a window that meets them is one. */
static void a_window_is_one_for_all_stacks_of_a_line(void **state)
{
	static const double back_s[] = {55, 40, 32};
	struct world *w = *state;

	one_line_of_three_stacks(w);
	for (size_t i = 0; i < 18; i++) {
		w->object[i].born_ns = w->e.now_ns - (uint64_t)(back_s[i / 6] * 1e9);
		w->object[i].burst = (uint32_t)(1 + i / 6);
		w->object[i].stack = (uint64_t[]){LEAKS, OPENS, MALLOCS}[i % 3];
		w->object[i].rung = 5;
	}
	for (w->e.objects.n = 12; w->e.objects.n <= 18; w->e.objects.n += 6) {
		judge_held(w);
		assert_int_equal(site_at(&w->p, "handle")->samples, w->e.objects.n);
		assert_int_equal(site_at(&w->p, "handle")->verdict,
				 w->e.objects.n > 12 ? CLASS_LEAK : CLASS_GROWING);
	}
}

/* 114 objects came since memory began to rise, 25 more than went: chance, to which the time before
 * adds nothing. */
static void chance_since_it_began(void **state)
{
	struct world *w = *state;

	w->e.n_holders = 0;
	for (size_t i = 0; i < POINTS; i++)
		w->blocks[i] = 1000 + fmax(0, (double)i - 34);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(!site_at(&w->p, "handle") || site_at(&w->p, "handle")->verdict > CLASS_GROWING);
	for (size_t i = 0; i < POINTS; i++)
		w->blocks[i] = 1000 + 5 * fmax(0, (double)i - 34);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
}

/* An hour of calm, then ten minutes of a leak whose holder is no container. */
static void late(struct world *w)
{
	w->e.now_ns = (100 + 3600) * S;
	w->e.objects.counted_s = 3600;
	memset(&w->holder[0].fill, 0, sizeof(w->holder[0].fill));
	coverage_add(&w->watched, (100 + RUN_S) * S, w->e.now_ns);
	for (size_t i = 0; i < POINTS; i++) {
		w->t[i] = 60 * (double)i + 30;
		w->blocks[i] = 1000 + 2 * fmax(0, w->t[i] - 3000);
	}
	for (size_t i = 0; i < OBJECTS; i++) {
		double age = 2 + 590 * (double)i / OBJECTS;

		w->object[i].born_ns = w->e.now_ns - (uint64_t)(age * 1e9);
		w->object[i].rung = age > 60 ? 6 : age > 30 ? 5 : age > 10 ? 4 : age > 3 ? 3 : 2;
		w->object[i].burst = (uint32_t)i;
	}
}

/* Its quarters are those of the ten minutes. */
static void a_leak_that_begins_late(void **state)
{
	struct world *w = *state;

	late(w);
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	/* The first minute of it is too early. */
	for (size_t i = 0; i < POINTS; i++)
		w->blocks[i] = 1000 + 2 * fmax(0, w->t[i] - 3500);
	w->e.objects.n = OBJECTS / 10;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(!site_at(&w->p, "handle") ||
		    site_at(&w->p, "handle")->verdict == CLASS_GROWING);
}

/* The same in a store that lets go of what is an hour old: its load has doubled ten minutes ago,
 * and of those from before some are left. */
static void a_store_whose_load_grows(void **state)
{
	struct evidence_count died = {LEAKS, 10};
	struct world *w = *state;

	late(w);
	w->e.objects.n = 20;
	for (size_t i = 0; i < 20; i++) {
		w->object[i].born_ns = w->e.now_ns - (20 + 28 * i) * S;
		w->object[i].rung = 6;
	}
	judge_held(w);
	assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	for (size_t before = 3; before <= 4; before++)
		for (int mortal = 0; mortal < 2; mortal++) {
			w->e.objects.n = 20 + before;
			w->e.objects.deaths = &died;
			w->e.objects.n_deaths = (size_t)mortal;
			for (size_t i = 20; i < 20 + before; i++)
				w->object[i].born_ns = w->e.now_ns - (900 + 60 * (i - 20)) * S;
			judge_held(w);
			assert_int_equal(site_at(&w->p, "handle")->verdict,
					 mortal && before == 4 ? CLASS_GROWING : CLASS_LEAK);
		}
	assert_non_null(strstr(site_at(&w->p, "handle")->reason, "make place"));
	/* Memory rose by those before, too: a leak, of which there is five times as much now. */
	for (int leaks = 0; leaks < 2; leaks++) {
		for (size_t i = 0; i < POINTS; i++)
			w->blocks[i] = 1000 + 2 * fmax(0, w->t[i] - 3000) +
				       (leaks ? 0.4 : 0.1) * fmin(w->t[i], 3000);
		judge_held(w);
		assert_int_equal(site_at(&w->p, "handle")->verdict,
				 leaks ? CLASS_LEAK : CLASS_GROWING);
	}
	/* The load has risen once before, or the store has come to be full not long before: memory
	 * rose in as long a time before, but not all along. */
	for (int fills = 0; fills < 2; fills++) {
		for (size_t i = 0; i < POINTS; i++)
			w->blocks[i] = 1000 + 2 * fmax(0, w->t[i] - 3000) +
				       (fills ? 0.4 * fmin(w->t[i], 2500)
					      : 0.4 * fmin(fmax(0, w->t[i] - 2400), 600));
		judge_held(w);
		assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_GROWING);
		assert_non_null(strstr(site_at(&w->p, "handle")->reason, "make place"));
	}
}

/* Objects @from to @to are of @stack, born evenly from so long ago to so long ago. */
static void born_within(struct world *w, size_t from, size_t to, double begin_s, double end_s,
			uint64_t stack)
{
	for (size_t i = from; i < to; i++) {
		double back = begin_s +
			      (end_s - begin_s) * ((double)(i - from) + 0.5) / (double)(to - from);

		w->object[i].born_ns = w->e.now_ns - (uint64_t)(back * 1e9);
		w->object[i].rung = back > 60 ? 6 : 4;
		w->object[i].stack = stack;
	}
}

/* All there is of that is objects, of which so many of LEAKS have died. */
static void late_with_deaths(struct world *w, struct evidence_count *died, double coverage)
{
	late(w);
	w->e.n_fds = 0;
	w->e.objects.coverage = coverage;
	w->e.objects.deaths = died;
	w->e.objects.n_deaths = 1;
}

/* Six a second of a store, which are two and four times as many of late; another line leaks six of
 * that size all the time, which make memory rise before and after. */
static void a_leak_vouches_for_no_store_of_its_size(void **state)
{
	struct evidence_count died = {LEAKS, 30};
	struct world *w = *state;

	late_with_deaths(w, &died, 0.01);
	for (size_t k = 0; k < 4; k++) {
		size_t times = k / 2 ? 4 : 2, since = 36 * times;
		bool leaks = k % 2;

		w->e.objects.n = since + 36 + 216;
		born_within(w, 0, since, 2, 600, LEAKS);
		born_within(w, since, since + 36, 600, 1200, LEAKS);
		born_within(w, since + 36, w->e.objects.n, 2, 3600, OPENS);
		for (size_t i = 0; i < POINTS; i++)
			w->blocks[i] = 1000 + (leaks ? 12 : 6) * w->t[i] +
				       6 * (double)(times - 1) * fmax(0, w->t[i] - 3000);
		judge_held(w);
		assert_int_equal(site_at(&w->p, "handle")->verdict,
				 leaks ? CLASS_LEAK : CLASS_GROWING);
	}
}

/* A leak of which few were seen, and there are twice as many of late: that memory rose all along
 * tells of it, also beside the one of another line that stays. */
static void one_that_stays_takes_no_rise_from_a_leak(void **state)
{
	struct evidence_count died = {LEAKS, 4};
	struct world *w = *state;

	late_with_deaths(w, &died, 0.002);
	born_within(w, 0, 10, 2, 600, LEAKS);
	born_within(w, 10, 15, 600, 1200, LEAKS);
	born_within(w, 15, 21, 2, 3600, OPENS);
	for (size_t i = 0; i < POINTS; i++)
		w->blocks[i] = 1000 + 3.3 * w->t[i] + 3.3 * fmax(0, w->t[i] - 3000);
	for (w->e.objects.n = 15; w->e.objects.n <= 21; w->e.objects.n += 6) {
		judge_held(w);
		assert_int_equal(site_at(&w->p, "handle")->verdict, CLASS_LEAK);
	}
}

/* A block that gets bigger is shown when nothing else grows; several are buffers that are written
 * to. */
static void blocks_that_get_bigger(void **state)
{
	struct world *w = *state;

	for (unsigned n = 3; n <= 4; n++) {
		for (size_t i = 0; i < NATIVE_POINTS; i++)
			w->point[i] = (struct native_point){(double)i, (double)(i * 4096), n};
		w->native[0].live_count = n;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_equal(site_at(&w->p, "encode") != NULL, n == 4);
	}
}

/* A block by itself, by its steps: a list that is appended to for ever, by nothing else. */
static void one_block_that_gets_bigger(void **state)
{
	struct world *w = *state;
	const struct report_site *s;

	w->e.objects.n = w->e.n_fds = 0;
	w->native[0].live_count = w->native[0].samples = 1;
	for (size_t i = 0; i < NATIVE_POINTS; i++)
		w->point[i] = (struct native_point){(double)i, 1e5 + (double)(i / 3 * 12288), 1};
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "encode");
	assert_non_null(s);
	assert_int_equal(s->verdict, CLASS_GROWING);
	assert_non_null(strstr(s->reason, "one block that gets bigger"));
	assert_non_null(strstr(w->p.reason, "codec.py:7"));
	/* A table of some size, and the one after it: no more of late. */
	for (size_t i = 0; i < NATIVE_POINTS; i++)
		w->point[i].bytes = i < NATIVE_POINTS / 3 ? 1e5 : i < NATIVE_POINTS / 2 ? 2e5 : 4e5;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(site_at(&w->p, "encode"));
}

/* Its quarters are no other blocks' of its line, of which one window alone has told. */
static void one_block_beside_others(void **state)
{
	struct world *w = *state;
	struct native_site both[2] = {w->native[0], w->native[0]};
	struct native_point one[NATIVE_POINTS];
	const struct report_site *s;

	w->e.objects.n = w->e.n_fds = 0;
	for (size_t i = 0; i < NATIVE_POINTS; i++)
		one[i] = (struct native_point){(double)i, 1e5 + (double)(i / 3 * 24576), 1};
	both[0].met = 1;
	both[1].live_count = both[1].samples = 1;
	both[1].key.caller++;
	both[1].points = one;
	w->e.native.v = both;
	w->e.native.n = 2;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "encode");
	assert_non_null(s);
	assert_int_equal(s->verdict, CLASS_GROWING);
}

/* Where no block was seen, the census knows the type. */
static void a_type_that_gets_bigger_is_told_without_a_line(void **state)
{
	struct world *w = *state;
	struct report_class_row row = {.name = "bytearray", .count = 2, .growth_bytes_per_s = 4000};

	w->e.objects.n = 0;
	w->e.native.n = w->e.n_fds = 0;
	count_rows(w, &row, 1);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_GROWING);
	assert_non_null(strstr(w->p.reason, "bytearray objects get bigger by 3.9 KiB/s"));
	assert_non_null(strstr(w->p.reason, "pyleak-bpf why"));
	row.count = 200; /* a few big ones come all the time */
	row.bytes = 200000;
	row.growth_count_per_s = 3;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "bigger"));
	row.count = 10000; /* ... beside many small ones */
	row.gain = 165;
	row.late = 0.5;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "bigger"));
	row.gain = NAN; /* small ones come and go: why shows these */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_non_null(strstr(w->p.reason, "bytearray objects get bigger by 3.9 KiB/s"));
	assert_null(strstr(w->p.reason, "pyleak-bpf why"));
	row.growth_bytes_per_s = 1000; /* not what the process grows by */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "bigger"));
}

/* A line makes more of them, few beside the many small ones that there are. */
static void what_a_line_makes_does_not_get_bigger(void **state)
{
	struct world *w = *state;
	struct report_class_row row = {.name = "dict",
				       .count = 20000,
				       .bytes = 2000000,
				       .gain = NAN,
				       .late = NAN,
				       .growth_count_per_s = 4,
				       .growth_bytes_per_s = 4000};

	w->e.native.n = w->e.n_fds = w->e.n_holders = 0;
	count_rows(w, &row, 1);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_GROWING);
	assert_non_null(site_at(&w->p, "handle"));
	assert_null(strstr(w->p.reason, "bigger"));
	row.growth_bytes_per_s = 40000;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_non_null(strstr(w->p.reason, "dict objects get bigger by 39.1 KiB/s"));
}

/* Windows tell of no more than what memory has gained; by a third of that more, and those are
 * doubted first whose blocks die. */
static void windows_tell_of_too_much(void **state)
{
	struct world *w = *state;
	const struct report_site *s;

	w->native[0].estimated = true;
	for (size_t i = 0; i < POINTS; i++)
		w->malloced[i] = 1e6 + 2000 * (double)i;
	for (int mortal = 0; mortal < 2; mortal++) {
		w->native[0].mortality = mortal ? 0.115 : 0.085;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "encode");
		assert_non_null(s);
		assert_true(fabs(s->growth_bytes_per_s - 2000) < 20);
		assert_int_equal(s->verdict, mortal ? CLASS_GROWING : CLASS_LEAK);
	}
}

/* Big blocks of which a part alone is ever written to. */
static void what_is_asked_for_is_not_all_resident(void **state)
{
	const char *words = "; 4.0 KiB/s are asked for, and the process grows by 1.0 KiB/s";
	struct world *w = *state;

	w->e.objects.n = w->e.n_fds = 0;
	w->e.seen.memory.swap = 0;
	for (size_t i = 0; i < POINTS; i++)
		w->rss[i] = 1e8 + 1024 * (double)i;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_non_null(strstr(w->p.reason, words));
	w->e.seen.memory.swap = 4096; /* the rest may lie there */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "asked for"));
	w->e.seen.memory.swap = 0;
	for (size_t i = 0; i < POINTS; i++)
		w->rss[i] = 1e8 + 3000 * (double)i;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "asked for"));
	/* a slow moment of RSS, at the end of a watch in which it rose with the blocks */
	for (size_t i = 0; i < POINTS; i++)
		w->rss[i] = 1e8 + 4096 * fmin((double)i, POINTS - 10) +
			    1800 * fmax(0, (double)i - (POINTS - 10));
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(strstr(w->p.reason, "asked for"));
}

/* Windows in which the target crawls meet few blocks: as far as that, and that they are few, may be
 * why, what memory gains is theirs. Beyond it the site says what it does not know. */
static void windows_tell_of_too_little(void **state)
{
	static const struct {
		double most;
		uint32_t met;
		double grows;
		bool is_far;
	} c[] = {
		{0, 1, 4096, true}, /* not known */
		{8192, 16, 1.318 * 8192, true},
		{4096, 1, 3.323 * 4096, true},
		{40960 / 1.3, 16, 40960, false},
		{1e6, 1, 40960, false}, /* memory knows better */
	};
	struct world *w = *state;
	const struct report_site *s;

	w->native[0].estimated = true;
	w->native[0].met_s = NATIVE_POINTS - 1;
	w->e.native.is_exact = false;
	for (size_t i = 0; i < POINTS; i++)
		w->malloced[i] = 1e6 + 40960 * (double)i;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		w->native[0].most_bytes_per_s = c[i].most;
		w->native[0].met = c[i].met;
		w->native[0].waste_bytes = 0;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "encode");
		assert_non_null(s);
		assert_true(fabs(s->growth_bytes_per_s / c[i].grows - 1) < 0.02);
		assert_true(fabs(s->outstanding_bytes / w->native[0].live_bytes -
				 s->growth_bytes_per_s / 4096) < 0.02 * c[i].grows / 4096);
		assert_true(!strstr(s->reason, "few of such blocks were met: memory of C code "
					       "grows by 40.0 KiB/s") == !c[i].is_far);
	}
	/* Each block takes half as much again as was asked for. */
	w->native[0].waste_bytes = w->native[0].live_bytes / 2;
	w->native[0].most_bytes_per_s = 8192;
	w->native[0].met = 16;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "encode");
	assert_true(fabs(s->growth_bytes_per_s / (1.5 * 1.318 * 8192) - 1) < 0.02);
	for (size_t i = 0; i < POINTS; i++) /* it slows down, but is more than that as yet */
		w->malloced[i] = 1e6 + 4e6 * (1 - exp(-(double)i / 40));
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "encode");
	assert_true(fabs(s->growth_bytes_per_s / (1.5 * 1.318 * 8192) - 1) < 0.02);
	for (size_t i = 0; i < POINTS; i++)
		w->malloced[i] = 1e6 + 40960 * (double)i;
	/* They may be others' that live on in their place. */
	w->native[0].mortality = 0.5;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "encode");
	assert_true(fabs(s->growth_bytes_per_s / 4096 - 1) < 0.02);
}

struct met {
	double per_s, until_s, most;
	uint32_t met;
	double mortality;
};

/* Two lines of which windows told, encode() and open_log(), while memory gains 40 KiB/s. */
static void judge_two(struct world *w, const struct met m[2])
{
	struct native_site v[2] = {w->native[0], w->native[0]};
	struct native_point p[2][NATIVE_POINTS];

	for (int k = 0; k < 2; k++) {
		double bytes = m[k].per_s * m[k].until_s;

		for (size_t i = 0; i < NATIVE_POINTS; i++) {
			double t = (double)i * 59 / (NATIVE_POINTS - 1);
			double b = m[k].per_s * fmin(t, m[k].until_s);

			p[k][i] = (struct native_point){t, b, b / 4096};
		}
		v[k].estimated = true;
		v[k].points = p[k];
		v[k].met = m[k].met;
		v[k].met_s = m[k].until_s;
		v[k].samples = 10ull * m[k].met;
		v[k].live_bytes = bytes;
		v[k].live_count = bytes / (k ? 512 : 4096);
		v[k].waste_bytes = 0;
		v[k].most_bytes_per_s = m[k].most;
		v[k].mortality = m[k].mortality;
		v[k].oldest_ns = 57 * S;
	}
	v[1].key.stack = OPENS;
	w->e.native.v = v;
	w->e.native.n = 2;
	w->e.native.is_exact = false;
	w->e.n_fds = w->e.objects.n = 0;
	for (size_t i = 0; i < POINTS; i++)
		w->malloced[i] = 1e6 + 40960 * (double)i;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
}

static double rate_of(const struct world *w, const char *function)
{
	const struct report_site *s = site_at(&w->p, function);

	return s ? s->growth_bytes_per_s : 0;
}

/* open_log() was met once, long ago: memory that rises is that of who goes on, and where that is
 * not enough, what he leaves. */
static void a_burst_of_long_ago_takes_nothing(void **state)
{
	static const struct {
		double told, most, burst, at, leak, left;
	} c[] = {
		{40960, 1.1 * 40960, 4e6, 4, 40960, 0},	 {40960, 1.1 * 40960, 40e6, 4, 40960, 0},
		{30000, 1.1 * 30000, 1e6, 10, 40200, 0}, {4096, 1.1 * 4096, 4e6, 4, 5489, 35471},
		{4096, 1.1 * 4096, 40e6, 4, 5489, 0}, /* far more than there is room for */
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		judge_two(w,
			  (struct met[]){{c[i].told, 59, c[i].most, 30, 0},
					 {c[i].burst / c[i].at, c[i].at, c[i].burst / 59, 1, 0}});
		assert_int_equal(site_at(&w->p, "encode")->verdict, CLASS_LEAK);
		assert_true(fabs(rate_of(w, "encode") - c[i].leak) < 0.02 * 40960);
		assert_true(fabs(rate_of(w, "open_log") - c[i].left) < 0.02 * 40960);
	}
}

/* Blocks of a queue seem to stay, and have what those that do leave of what memory gains. */
static void those_that_die_take_no_room(void **state)
{
	static const struct {
		double told, most, dying, leak, queue;
	} c[] = {
		{38900, 38900, 1e6, 40960, 0},	/* up to 1.2 times, of 30 windows */
		{38900, 0, 30000, 38900, 2060}, /* what they may have missed is not known */
		{50000, 0, 30000, 40960, 0},
		{30000, 60000, 8000, 32960, 8000}, /* room for both */
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		judge_two(w, (struct met[]){{c[i].told, 58, c[i].most, 30, 0},
					    {c[i].dying, 58, 1e6, 30, 0.5}});
		assert_int_equal(site_at(&w->p, "encode")->verdict, CLASS_LEAK);
		assert_true(fabs(rate_of(w, "encode") - c[i].leak) < 0.02 * 40960);
		assert_true(fabs(rate_of(w, "open_log") - c[i].queue) < 0.02 * 40960);
	}
}

/* One window of many met blocks of C code. Memory rises all along, which they may be why of: that
 * none has met them since says nothing. */
static void one_window_tells_while_memory_rises(void **state)
{
	struct world *w = *state;
	struct native_site *n = &w->native[0];

	n->estimated = true;
	n->met = 1;
	n->met_s = 10;
	for (size_t i = 0; i < NATIVE_POINTS; i++)
		w->point[i] = (struct native_point){(double)i, fmin((double)i, 10) * 4096,
						    fmin((double)i, 10) * 10};
	n->live_bytes = 10 * 4096;
	n->live_count = 100;
	n->waste_bytes = 0;
	w->e.native.is_exact = false;
	for (int k = 0; k < 3; k++) {
		const struct report_site *s;

		for (size_t i = 0; i < POINTS; i++)
			w->malloced[i] = 1e6 + (k == 2 && i > 30 ? 30 : (double)i) * 40960;
		n->most_bytes_per_s = (k == 1 ? 0.4 : 0.6) / 3.323 * 40960;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "encode");
		assert_true((s && s->verdict == CLASS_GROWING) == !k);
		assert_true(k || fabs(s->growth_bytes_per_s / (0.6 * 40960) - 1) < 0.02);
	}
}

/* One window met blocks of C code, all that memory gains in a straight line. */
static void meet_in_one_window(struct world *w)
{
	struct native_site *n = &w->native[0];

	n->estimated = true;
	n->met = 1;
	n->met_s = 45;
	n->n_points = 6;
	for (size_t i = 0; i < n->n_points; i++)
		w->point[i] =
			(struct native_point){40 + (double)i, 4096 * (double)i, 10 * (double)i};
	n->live_bytes = 5 * 4096;
	n->live_count = 50;
	n->oldest_ns = 18 * S;
	n->most_bytes_per_s = 1e6;
	n->waste_bytes = 0;
	w->e.native.is_exact = false;
	w->e.n_fds = w->e.objects.n = 0;
	for (size_t i = 0; i < POINTS; i++)
		w->malloced[i] = 1e6 + 40960 * (double)i;
	w->holder[0].kind = KIND_HEAP;
}

/* The site of those blocks, of which it is known who holds them. */
static const struct report_site *judge_blocks_held(struct world *w)
{
	const struct report_site *s;

	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "encode");
	assert_non_null(s);
	memcpy(w->holder[0].id, s->id, sizeof(w->holder[0].id));
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	return site_at(&w->p, "encode");
}

/* The container that holds them tells that they keep coming. */
static void a_container_tells_of_blocks_that_keep_coming(void **state)
{
	struct world *w = *state;
	struct fill *f = &w->holder[0].fill;
	const struct report_site *s;

	meet_in_one_window(w);
	for (int k = 0; k < 5; k++) {
		f->first_ns = k == 1 ? 147 * S : 100 * S;
		f->calm_ns = k == 2 ? 110 * S : f->last_ns;
		w->holder[0].is_one = k != 3;
		w->native[0].most_bytes_per_s = k == 4 ? 4096 : 1e6;
		s = judge_blocks_held(w);
		assert_int_equal(s->verdict, k ? CLASS_GROWING : CLASS_LEAK);
		assert_true(fabs(s->growth_bytes_per_s / (k == 4 ? 3.323 * 4096 : 40960) - 1) <
			    0.02);
	}
}

/* Its rate may be half of what memory gains by the limit of chance alone: that accuses nobody. */
static void a_limit_of_chance_is_no_leak(void **state)
{
	struct world *w = *state;
	const struct report_site *s;

	meet_in_one_window(w);
	w->holder[0].fill.first_ns = 100 * S;
	w->holder[0].fill.calm_ns = w->holder[0].fill.last_ns;
	for (int most = 0; most < 2; most++) {
		w->native[0].most_bytes_per_s = (most ? 0.52 : 0.48) * 40960;
		s = judge_blocks_held(w);
		assert_int_equal(s->verdict, most ? CLASS_LEAK : CLASS_GROWING);
		assert_true(fabs(s->growth_bytes_per_s / 40960 - 1) < 0.02);
	}
}

/* An entry or two come by the way; and what came at first alone does not keep coming. Of a big
 * container its middle tells, for a few of its entries do not end its calm. */
static void a_container_keeps_growing_by_more_than_an_entry(void **state)
{
	static const struct {
		uint64_t first, mid, last, calm, calm_s;
		enum report_class verdict;
	} c[] = {
		{100, 0, 101, 100, 100, CLASS_GROWING},
		{100, 0, 103, 103, 150, CLASS_GROWING},
		{100, 0, 104, 100, 100, CLASS_GROWING},
		{100, 104, 112, 108, 155, CLASS_LEAK},
		{100, 100, 112, 108, 155, CLASS_GROWING},
		{100000, 100020, 100040, 100000, 100, CLASS_LEAK},
		{100000, 100040, 100040, 100000, 100, CLASS_GROWING},
	};
	struct world *w = *state;

	meet_in_one_window(w);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		struct fill *f = &w->holder[0].fill;

		f->first = c[i].first;
		f->first_ns = 100 * S;
		f->mid = c[i].mid;
		f->mid_ns = c[i].mid ? 125 * S : 0;
		f->last = c[i].last;
		f->calm = c[i].calm;
		f->calm_ns = c[i].calm_s * S;
		assert_int_equal(judge_blocks_held(w)->verdict, c[i].verdict);
	}
}

/* It tells so, too, when a second window has met some, and none since. */
static void a_second_window_takes_nothing_back(void **state)
{
	struct world *w = *state;
	struct native_site *n = &w->native[0];

	meet_in_one_window(w);
	n->met = 2;
	n->met_s = 30;
	n->n_points = 51;
	for (size_t i = 0; i < n->n_points; i++) {
		double met = fmin((double)i, 5) + fmax(0, fmin((double)i - 15, 5));

		w->point[i] = (struct native_point){10 + (double)i, 4096 * met, 10 * met};
	}
	n->live_bytes = 10 * 4096;
	n->live_count = 100;
	n->samples = 8;
	n->oldest_ns = 48 * S;
	w->holder[0].fill.first_ns = 100 * S;
	w->holder[0].fill.calm_ns = w->holder[0].fill.last_ns;
	assert_int_equal(judge_blocks_held(w)->verdict, CLASS_LEAK);
}

/* Many blocks of two windows came by two chances: the third makes a leak of them. */
static void blocks_of_two_windows_are_no_leak(void **state)
{
	struct world *w = *state;

	w->native[0].estimated = true;
	w->e.native.is_exact = false;
	for (uint32_t met = 1; met <= 3; met++) {
		const struct report_site *s;

		w->native[0].met = met;
		w->native[0].met_s = 58;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "encode");
		assert_int_equal(s->verdict, met < 3 ? CLASS_GROWING : CLASS_LEAK);
		assert_true(met == 3 || strstr(s->reason, "too early"));
	}
}

/* Each block of a cache that is seen whole takes the place of one from before us: it leaves all
 * that memory gains to what windows tell of. */
static void exchanges_leave_room_to_windows(void **state)
{
	struct world *w = *state;
	struct native_site v[] = {w->native[0], w->native[0]};

	w->e.n_fds = 0;
	w->e.native.v = v;
	w->e.native.n = ARRAY_SIZE(v);
	w->e.native.is_exact = false;
	v[0].key.stack = OPENS;
	v[0].live_bytes = 63 * 512;
	w->e.native.unknown_per_s[evidence_bin(512)] = 1;
	v[1].estimated = true;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_null(site_at(&w->p, "open_log"));
	assert_non_null(site_at(&w->p, "encode"));
	assert_int_equal(site_at(&w->p, "encode")->verdict, CLASS_LEAK);
}

/* Dicts that own a block of malloc each, which windows tell of, and objects as big as those: memory
 * grows by both. */
static void big_objects_beside_blocks_that_are_traced(void **state)
{
	struct world *w = *state;
	const struct report_site *s;

	for (size_t i = 0; i < OBJECTS; i++) {
		struct survivor *v = &w->object[i];

		if (i % 2) {
			v->stack = MALLOCS;
			v->bytes = 4096;
			v->part[0] = (struct survivor_part){v->addr, 4096, -1};
		} else {
			v->bytes += 4096;
			v->parts = 2;
			v->part[1] = (struct survivor_part){v->addr + (1ull << 32), 4096, -1};
		}
	}
	for (size_t i = 0; i < NATIVE_POINTS; i++)
		w->point[i] =
			(struct native_point){(double)i, (double)i * 20 * 4096, 20 * (double)i};
	for (size_t i = 0; i < POINTS; i++)
		w->malloced[i] = 1e6 + 2 * 20 * 4096 * (double)i;
	w->native[0].key.stack = LEAKS;
	w->native[0].live_count = 63 * 20;
	w->native[0].live_bytes = 63 * 20 * 4096;
	w->native[0].estimated = true;
	w->e.native.is_exact = false;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "encode");
	assert_non_null(s);
	assert_true(fabs(s->growth_count_per_s - 20) < 2);
	s = site_at(&w->p, "handle");
	assert_non_null(s);
	assert_true(fabs(s->growth_count_per_s - 20) < 2);
	/* Windows tell of twice as many blocks, half of which take the place of others. */
	for (size_t i = 0; i < NATIVE_POINTS; i++)
		w->point[i] =
			(struct native_point){(double)i, (double)i * 40 * 4096, 40 * (double)i};
	w->e.native.unknown_per_s[evidence_bin(4096)] = 20;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "encode");
	assert_non_null(s);
	assert_true(fabs(s->growth_count_per_s - 20) < 2);
}

/* Floats, which take 32 bytes each of glibc's malloc for the 24 that they ask for; then each has an
 * array of 8 bytes, which takes as much and which windows tell of, too. */
static void a_small_object_takes_a_chunk(void **state)
{
	struct world *w = *state;
	struct report_parts parts = {.bytes = {[PART_MALLOC_LIVE] = 1e6}};
	const struct report_site *s;

	w->e.native.n = w->e.n_fds = 0;
	w->e.native.is_exact = false;
	w->e.seen.parts = &parts;
	for (size_t i = 0; i < OBJECTS; i++) {
		struct survivor *v = &w->object[i];

		v->bytes = 24;
		v->part[0] = (struct survivor_part){v->addr, 24, -1};
		v->part[1] = (struct survivor_part){v->addr + (1ull << 32), 8, -1};
	}
	for (size_t i = 0; i < POINTS; i++) {
		w->blocks[i] = w->live[i] = 0;
		w->malloced[i] = 1e6 + 640 * (double)i;
	}
	judge_held(w);
	s = site_at(&w->p, "handle");
	assert_true(fabs(s->growth_count_per_s - 20) < 1);
	assert_true(fabs(s->growth_bytes_per_s - 640) < 32);
	parts.bytes[PART_MALLOC_LIVE] = 0; /* not glibc's */
	judge_held(w);
	assert_true(fabs(site_at(&w->p, "handle")->growth_count_per_s - 640 / 24.0) < 1);
	parts.bytes[PART_MALLOC_LIVE] = 1e6;
	for (size_t i = 0; i < OBJECTS; i++) {
		w->object[i].bytes = 32;
		w->object[i].parts = 2;
	}
	for (size_t i = 0; i < NATIVE_POINTS; i++)
		w->point[i] = (struct native_point){(double)i, (double)i * 160, 20 * (double)i};
	for (size_t i = 0; i < POINTS; i++)
		w->malloced[i] = 1e6 + 1280 * (double)i;
	w->native[0].key.stack = LEAKS;
	w->native[0].live_count = 63 * 20;
	w->native[0].live_bytes = 63 * 160;
	w->native[0].estimated = true;
	w->e.native.n = 1;
	judge_held(w);
	s = site_at(&w->p, "handle");
	assert_true(fabs(s->growth_count_per_s - 20) < 1);
	assert_true(fabs(s->growth_bytes_per_s - 1280) < 64);
}

/* All objects lie in jemalloc's memory, of which it gave back 1.5 MiB at once, as it was seen. */
static void an_allocator_gives_back(void **state)
{
	static const double t[] = {0, 2, 6, 10, 14, 18, 22, 26, 32, 36, 40, 46, 48, 52},
			    anon[] = {42840, 44896, 45924, 45944, 46864, 47240, 48068,
				      48264, 46752, 47020, 47952, 48404, 49252, 49592},
			    rss[] = {50352, 52164, 52908, 53196, 53852, 54488, 55068,
				     55488, 53764, 54196, 54956, 55608, 56268, 56760};
	struct world *w = *state;
	struct report_series last = {.heap_bytes = REPORT_UNKNOWN};
	struct trend_points *of[] = {&w->e.memory.malloced, &w->e.memory.rss};

	w->e.native.n = w->e.n_fds = 0;
	w->e.native.is_exact = false;
	w->e.seen.series = &last;
	w->e.seen.n_series = 1;
	for (size_t i = 0; i < OBJECTS; i++)
		w->object[i].part[0].cls = -1;
	for (size_t i = 0; i < POINTS; i++)
		w->blocks[i] = w->live[i] = 0;
	memcpy(w->t, t, sizeof(t));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		w->malloced[i] = 1024 * anon[i];
		w->rss[i] = 1024 * rss[i];
	}
	of[0]->n = of[1]->n = 10;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(w->p.verdict, CLASS_GROWING);
	assert_non_null(strstr(w->p.reason, "the process grows by 12"));
	of[0]->n = of[1]->n = ARRAY_SIZE(t);
	judge_held(w);
	assert_int_equal(w->p.verdict, CLASS_LEAK);
	assert_true(fabs(site_at(&w->p, "handle")->growth_bytes_per_s - 120 * 1024) < 12 * 1024);
	w->rss[13] = w->malloced[13] = w->rss[12] = w->malloced[12] = 0; /* all of it */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(w->p.verdict > CLASS_GROWING);
}

/* A bend of a few samples is noise: the line is as sure as that. */
static void a_bend_of_a_few_samples(void **state)
{
	struct world *w = *state;
	const struct report_site *s;

	w->native[0].estimated = true;
	w->native[0].samples = 12;
	for (size_t i = 0; i < NATIVE_POINTS; i++) {
		double n = i < 30 ? (double)i : 30 + ((double)i - 30) * 0.7;

		w->point[i] = (struct native_point){(double)i, 4096 * n, n};
	}
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	s = site_at(&w->p, "encode");
	assert_non_null(s);
	assert_int_equal(s->verdict, CLASS_LEAK);
	assert_float_equal(s->confidence, 0.67, 0.01);
	w->native[0].samples = 1000;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(site_at(&w->p, "encode")->verdict, CLASS_GROWING);
}

/* A few samples make its end steep: it has risen all along. After next to nothing that is not so.
 */
static void an_end_that_a_few_samples_make_steep(void **state)
{
	static const struct {
		double before, after;
		enum report_class verdict;
	} row[] = {{0.7, 3, CLASS_LEAK}, {0.1, 3, CLASS_GROWING}};
	struct world *w = *state;
	const struct report_site *s;

	w->native[0].estimated = true;
	w->native[0].samples = 18;
	for (size_t k = 0; k < ARRAY_SIZE(row); k++) {
		size_t bend = NATIVE_POINTS - 7;

		for (size_t i = 0; i < NATIVE_POINTS; i++) {
			double n = row[k].before * (double)(i < bend ? i : bend) +
				   row[k].after * (double)(i < bend ? 0 : i - bend);

			w->point[i] = (struct native_point){(double)i, 4096 * n, n};
		}
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "encode");
		assert_non_null(s);
		assert_int_equal(s->verdict, row[k].verdict);
	}
}

/* A cache in C that fills: of a few samples it could be a line, but memory is measured. Beside it,
 * a line is one that takes less than memory grows by. */
static void a_cache_of_a_few_samples(void **state)
{
	struct world *w = *state;
	struct curve memory;

	w->native[0].estimated = true;
	w->native[0].samples = 20;
	for (size_t i = 0; i < POINTS; i++)
		w->malloced[i] = 1e6 + 4e6 * (1 - exp(-(double)i / 40));
	trend_points_judge(&w->e.memory.malloced, &memory);
	assert_int_equal(memory.shape, CURVE_SLOWING);
	for (int bends = 0; bends < 2; bends++)
		for (int most = 0; most < 2; most++) {
			for (size_t i = 0; i < NATIVE_POINTS; i++) {
				double n = (double)i;

				n = bends && n > 30 ? 30 + (n - 30) * 0.7 : n;
				w->point[i] = (struct native_point){
					(double)i, n * memory.slope * (most ? 1.3 : 0.8), n};
			}
			assert_int_equal(judge(&w->e, w->r, &w->p), 0);
			assert_int_equal(site_at(&w->p, "encode")->verdict,
					 most ? CLASS_GROWING : CLASS_LEAK);
			assert_int_equal(strstr(site_at(&w->p, "encode")->reason, "slows down") !=
						 NULL,
					 most);
		}
	/* Half of its blocks take the place of others: the rest is not most of what grows. */
	w->e.native.unknown_per_s[evidence_bin(4096)] = 0.5 * 0.7;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(site_at(&w->p, "encode")->verdict, CLASS_LEAK);
}

/* Beside it windows tell of more than there is: what they tell counts, not what is left of it. */
static void a_cache_beside_too_much(void **state)
{
	struct world *w = *state;
	struct native_site v[] = {w->native[0], w->native[0]};
	struct native_point more[NATIVE_POINTS];
	struct curve memory;

	for (size_t i = 0; i < POINTS; i++)
		w->malloced[i] = 1e6 + 4e6 * (1 - exp(-(double)i / 40));
	trend_points_judge(&w->e.memory.malloced, &memory);
	for (size_t i = 0; i < NATIVE_POINTS; i++) {
		double n = (double)i;

		w->point[i] = (struct native_point){n, n * memory.slope * 1.1, n};
		more[i] = (struct native_point){n, n * memory.slope * 3, n};
	}
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		v[i].estimated = true;
		v[i].samples = 20;
	}
	v[1].key.stack = OPENS;
	v[1].points = more;
	w->e.n_fds = 0;
	w->e.native.v = v;
	w->e.native.n = ARRAY_SIZE(v);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_equal(site_at(&w->p, "encode")->verdict, CLASS_GROWING);
	assert_non_null(strstr(site_at(&w->p, "encode")->reason, "slows down"));
}

/* Four windows met some of its blocks, and none since: chance, or the end, by how long that is. */
static void a_silence_after_a_few_windows(void **state)
{
	static const size_t met[2][4] = {{1, 3, 20, 32}, {1, 3, 8, 16}};
	struct world *w = *state;
	const struct report_site *s;

	w->native[0].estimated = true;
	w->native[0].samples = 12;
	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < NATIVE_POINTS; i++) {
			double n = 0;

			for (size_t m = 0; m < 4; m++)
				n += i >= met[k][m] ? 10 : 0;
			w->point[i] = (struct native_point){(double)i, 4096 * n, n};
		}
		w->native[0].live_count = 40;
		w->native[0].live_bytes = 40 * 4096;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		s = site_at(&w->p, "encode");
		assert_int_equal(s && s->verdict == CLASS_GROWING, !k);
		if (!k)
			assert_non_null(strstr(s->reason, "too early"));
	}
}

static void the_curve_of_rss_is_judged_once(void **state)
{
	struct world *w = *state;
	struct curve c;

	judge_rss(&w->e.memory, &c);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_memory_equal(&w->p.rss_curve, &c, sizeof(c));
	w->e.seen.rss_curve = (struct curve){.shape = CURVE_RISING, .slope = 1234, .since_s = 30};
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_true(w->p.rss_curve.slope == 1234);
}

static void the_same_evidence_gives_the_same_report(void **state)
{
	struct world *w = *state;
	char *first, *again;

	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	first = text_of(&w->p);
	for (int i = 0; i < 100; i++) {
		struct report *r;

		assert_int_equal(report_new(&r), 0);
		assert_int_equal(judge(&w->e, r, &w->p), 0);
		again = text_of(&w->p);
		assert_string_equal(first, again);
		free(again);
		report_free(r);
	}
	free(first);
}

static void what_is_read_back_is_what_was_written(void **state)
{
	struct world *w = *state;
	unsigned char *bytes, *twice;
	char *first, *again;
	struct evidence e;
	size_t n, n_twice;
	static struct traffic traffic = {.n_rows = 2,
					 .row = {{.n = {1, 2}}, {5, 6, {3, 70000}}},
					 .n_moments = 2,
					 .until_ns = {120 * S, 150 * S}};

	w->e.objects.traffic = &traffic;
	w->object[7].is_beside_all = true;
	w->holder[0].holder.through_c = true;
	w->holder[0].fill.sums = (struct fill_sums){20, 570, 1e6, 22230, 4e7, 7e22};
	w->e.native.has_tracemalloc = true;
	assert_int_equal(evidence_write(&w->e, &bytes, &n), 0);
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	first = text_of(&w->p);
	assert_int_equal(evidence_read(bytes, n, w->r, &e), 0);
	assert_true(e.holder[0].holder.through_c && e.native.has_tracemalloc);
	assert_memory_equal(e.objects.traffic, &traffic, sizeof(traffic));
	assert_memory_equal(&e.holder[0].fill.sums, &w->holder[0].fill.sums,
			    sizeof(struct fill_sums));
	assert_true(e.objects.v[7].is_beside_all && !e.objects.v[6].is_beside_all);
	assert_int_equal(judge(&e, w->r, &w->p), 0);
	again = text_of(&w->p);
	assert_string_equal(first, again);
	free(again);
	/* judge() counts what it found in the losses. */
	assert_int_equal(evidence_read(bytes, n, w->r, &e), 0);
	assert_int_equal(evidence_write(&e, &twice, &n_twice), 0);
	assert_int_equal(n, n_twice);
	assert_memory_equal(bytes, twice, n);
	free(bytes);
	free(twice);
	free(first);
}

static void half_of_it_is_refused(void **state)
{
	struct world *w = *state;
	unsigned char *bytes;
	struct evidence e;
	size_t n;

	assert_int_equal(evidence_write(&w->e, &bytes, &n), 0);
	for (size_t i = 0; i < n; i += 7) {
		struct report *r;

		assert_int_equal(report_new(&r), 0);
		assert_int_equal(evidence_read(bytes, i, r, &e), -EINVAL);
		report_free(r);
	}
	free(bytes);
}

/* Recordings come from anybody, who may write a length of nothing where the reader needs a text. */
static void a_text_that_is_needed_is_never_missing(void **state)
{
	struct world *w = *state;
	const char *words[] = {"python3", NULL}, *notes[] = {NULL};
	struct report_class_row row = {0};
	unsigned char *bytes;
	struct evidence e;
	size_t n;

	w->e.seen.cmdline = words;
	w->e.seen.n_cmdline = ARRAY_SIZE(words);
	w->e.seen.notes = notes;
	w->e.seen.n_notes = 1;
	w->e.seen.classes = &row;
	w->e.seen.n_classes = 1;
	assert_int_equal(evidence_write(&w->e, &bytes, &n), 0);
	assert_int_equal(evidence_read(bytes, n, w->r, &e), 0);
	assert_string_equal(e.seen.cmdline[0], "python3");
	assert_string_equal(e.seen.cmdline[1], "");
	assert_string_equal(e.seen.notes[0], "");
	assert_string_equal(e.seen.classes[0].name, "");
	free(bytes);
}

/* Room that other processes of the recording took is not taken from this one. */
static void each_moment_has_room_of_its_own(void **state)
{
	struct world *w = *state;
	unsigned char *bytes;
	struct evidence e;
	size_t n;

	assert_int_equal(evidence_write(&w->e, &bytes, &n), 0);
	assert_non_null(report_alloc(w->r, 256u << 20));
	assert_int_equal(evidence_read(bytes, n, w->r, &e), 0);
	free(bytes);
}

struct thing {
	uint64_t n;
	const char *text;
	double rate;  /* as of the second version */
	double share; /* likewise; is always known */
	uint64_t v[2];
};

static void first_version(struct wire *w, struct thing *t)
{
	wire_u64(w, &t->n);
	wire_string(w, &t->text);
}

static void second_version(struct wire *w, struct thing *t)
{
	first_version(w, t);
	wire_double(w, &t->rate);
	wire_known(w, &t->share, 1);
	wire_numbers(w, t->v, 2);
}

typedef void (*version)(struct wire *, struct thing *);

/* Two of them, and what is behind. */
static void things(struct wire *w, struct thing *t, version each)
{
	uint64_t behind = 77;

	wire_object(w, &t[0], each);
	wire_object(w, &t[1], each);
	wire_u64(w, &behind);
	assert_int_equal(behind, 77);
}

static void written_and_read(struct report *r, version writes, version reads, struct thing *to)
{
	struct thing from[2] = {{1, "one", 0.1, 0.5, {3, 4}}, {300, NULL, NAN, 1, {5, 6}}};
	struct wire w = {0}, back = {.reads = true, .r = r};

	things(&w, from, writes);
	assert_int_equal(wire_error(&w), 0);
	back.v = w.v;
	back.n = w.n;
	things(&back, to, reads);
	assert_int_equal(wire_error(&back), 0);
	assert_int_equal(back.at, back.n);
	free(w.v);
	assert_int_equal(to[0].n, 1);
	assert_string_equal(to[0].text, "one");
	assert_int_equal(to[1].n, 300);
	assert_null(to[1].text);
}

/* An older recording in a newer version of the tool, and a newer in an older one. */
static void members_may_be_added(void **state)
{
	struct world *w = *state;
	struct thing to[2] = {{.rate = 7, .share = 7, .v = {8, 9}}, {.rate = 7, .share = 7}};

	written_and_read(w->r, second_version, first_version, to);
	assert_true(to[0].rate == 7 && to[0].share == 7);
	written_and_read(w->r, first_version, second_version, to);
	assert_true(to[0].rate == 7 && to[0].share == 0);
	assert_int_equal(to[0].v[1], 9);
	written_and_read(w->r, second_version, second_version, to);
	assert_true(to[0].rate == 0.1 && to[1].share == 1);
	assert_int_equal(to[0].v[1], 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

/* Evidence of a kind that a search for what breaks the reader can begin with (tests/fuzz). */
static int write_seed(const char *path)
{
	FILE *f = fopen(path, "we");
	unsigned char *bytes;
	struct world *w;
	void *state;
	size_t n;

	if (!f || make(&state))
		return 1;
	w = state;
	w->e.objects.n = 12;
	for (size_t i = 0; i < EVIDENCE_CLASSES; i++)
		w->classes[i].n = i == CLASS ? 20 : 3;
	if (evidence_write(&w->e, &bytes, &n) || fwrite(bytes, 1, n, f) != n)
		return 1;
	free(bytes);
	drop(&state);
	return fclose(f);
}

/* A model is loaded at once, into huge pages: growth without a slope is growth. */
static void what_was_taken_in_one_step_is_in_use(void **state)
{
	const double bytes = 200 * 1048576.0;
	struct world *w = *state;
	struct report_parts parts = {0};
	struct retention_growth *grew = &w->e.memory.kept.grew;

	w->e.objects.n = w->e.native.n = w->e.n_fds = 0;
	w->e.seen.parts = &parts;
	*grew = (struct retention_growth){.rss = bytes, .anon = bytes, .huge = bytes};
	w->e.memory.kept.rss = 1.5 * bytes;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_string_equal(w->p.hint.code, "huge-pages");
	grew->malloced = bytes;
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_not_equal(w->p.verdict, CLASS_RETENTION);
	grew->malloced = parts.growth[PART_MALLOC_LIVE] = NAN; /* read once */
	assert_int_equal(judge(&w->e, w->r, &w->p), 0);
	assert_int_not_equal(w->p.verdict, CLASS_RETENTION);
}

/* The part of mimalloc's segments that is resident and not live grows, or is large and rests. */
static void what_mimalloc_keeps_is_no_growth_of_lines(void **state)
{
	const double bytes = 200 * 1048576.0;
	struct world *w = *state;
	struct report_parts parts = {.bytes = {[PART_PYTHON_SLACK] = (uint64_t)bytes},
				     .growth = {[PART_PYTHON_SLACK] = bytes / RUN_S}};
	struct retention_growth *grew = &w->e.memory.kept.grew;

	w->e.objects.n = w->e.native.n = w->e.n_fds = 0;
	w->e.seen.parts = &parts;
	w->e.memory.kept.rss = 1.5 * bytes;
	for (int i = 0; i < 2; i++) {
		*grew = (struct retention_growth){.rss = bytes * !i, .anon = bytes * !i};
		parts.growth[PART_PYTHON_SLACK] *= !i;
		w->e.memory.has_mimalloc = false;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_not_equal(w->p.verdict, CLASS_RETENTION);
		w->e.memory.has_mimalloc = true;
		assert_int_equal(judge(&w->e, w->r, &w->p), 0);
		assert_int_equal(w->p.verdict, CLASS_RETENTION);
		assert_string_equal(w->p.hint.code, "arena-fragmentation");
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_leak_is_called_one),
		TEST(an_age_is_that_of_the_judgement),
		TEST(no_leak_before_its_holder_is_known),
		TEST(who_has_ended_runs_out_of_no_descriptors),
		TEST(a_leak_that_many_ways_lead_to),
		TEST(the_last_object_of_a_line_says_no_more_than_the_others),
		TEST(no_leak_for_what_holds_a_few_of_them),
		TEST(one_container_is_one_cause),
		TEST(the_line_of_the_entries_comes_first),
		TEST(code_that_is_gone_is_not_its_caller),
		TEST(one_line_is_one_cause),
		TEST(lines_of_one_call_are_one_finding),
		TEST(a_request_is_one_call),
		TEST(what_holds_a_leak_is_one),
		TEST(lines_of_one_call_need_no_entry),
		TEST(a_line_makes_entries_among_much_else),
		TEST(a_cause_has_the_remedy_of_most_of_it),
		TEST(shares_are_of_what_grows),
		TEST(a_native_rate_is_no_number_held),
		TEST(a_native_rate_is_of_its_type),
		TEST(each_site_has_the_pace_of_its_own),
		TEST(no_more_come_than_entries),
		TEST(memory_is_told_with_its_owner),
		TEST(a_hint_stays_where_memory_ends),
		TEST(one_line_fills_one_bound),
		TEST(python_m_starts_a_loop),
		TEST(a_line_that_comes_back_is_no_loop),
		TEST(a_container_tells_that_it_goes_on),
		TEST(most_of_what_pools_gain_slows_down_as_they_do),
		TEST(a_container_keeps_its_pace),
		TEST(a_type_keeps_its_pace),
		TEST(what_gets_as_many_as_before_is_no_cache),
		TEST(too_few_entries_tell_of_no_cache),
		TEST(entries_of_several_objects_keep_their_pace),
		TEST(two_counts_tell_the_rate),
		TEST(a_type_that_keeps_its_pace_is_no_cache),
		TEST(a_type_tells_that_it_goes_on),
		TEST(a_rate_is_the_census_where_it_agrees),
		TEST(no_type_grows_beyond_its_census),
		TEST(a_census_without_pools_limits_nothing),
		TEST(what_is_in_no_pool_is_held_too),
		TEST(what_code_that_ran_once_made_is_held),
		TEST(no_total_is_more_than_the_census_counts),
		TEST(no_sites_together_grow_beyond_the_census),
		TEST(a_type_of_many_sizes_has_no_sum),
		TEST(what_began_between_censuses_is_all_of_their_gain),
		TEST(what_was_met_late_made_no_more_than_came),
		TEST(no_big_type_grows_beyond_its_census),
		TEST(big_objects_grow_beside_mimalloc_too),
		TEST(a_type_that_grows_is_told_without_a_line),
		TEST(what_is_in_no_object_is_told_without_a_line),
		TEST(a_plain_type_that_grows_is_told_too),
		TEST(a_type_with_a_line_is_not_told_twice),
		TEST(a_cycle_may_be_garbage),
		TEST(what_came_after_a_collection_may_be_garbage),
		TEST(names_of_methods_are_bounded),
		TEST(a_big_process_needs_more),
		TEST(what_has_no_line_keeps_its_share),
		TEST(c_code_without_a_frame_is_named),
		TEST(who_holds_them_is_said),
		TEST(memory_of_threads_is_not_lost),
		TEST(memory_of_open_files_has_their_cause),
		TEST(descriptors_come_no_faster_than_there_are),
		TEST(a_stop_is_no_time_of_growth),
		TEST(what_stays_of_what_is_born_is_said),
		TEST(a_share_that_falls_is_not_of_any_load),
		TEST(too_few_tell_no_share),
		TEST(those_that_look_alike_count_when_they_are_old),
		TEST(lots_are_no_more_sure_than_their_number),
		TEST(a_bound_holds_the_verdict_back),
		TEST(one_table_of_many_that_rest_has_no_remedy),
		TEST(what_is_emptied_meets_no_limit),
		TEST(ring_buffers_by_name_are_no_leak),
		TEST(a_bound_on_the_way_is_none_of_what_is_behind_it),
		TEST(what_stands_still_is_none),
		TEST(a_site_has_a_few_samples),
		TEST(a_window_is_one_for_all_stacks_of_a_line),
		TEST(chance_since_it_began),
		TEST(a_leak_that_begins_late),
		TEST(a_store_whose_load_grows),
		TEST(a_leak_vouches_for_no_store_of_its_size),
		TEST(one_that_stays_takes_no_rise_from_a_leak),
		TEST(blocks_that_get_bigger),
		TEST(one_block_that_gets_bigger),
		TEST(one_block_beside_others),
		TEST(a_type_that_gets_bigger_is_told_without_a_line),
		TEST(what_a_line_makes_does_not_get_bigger),
		TEST(windows_tell_of_too_much),
		TEST(windows_tell_of_too_little),
		TEST(what_is_asked_for_is_not_all_resident),
		TEST(a_burst_of_long_ago_takes_nothing),
		TEST(those_that_die_take_no_room),
		TEST(one_window_tells_while_memory_rises),
		TEST(a_container_tells_of_blocks_that_keep_coming),
		TEST(a_limit_of_chance_is_no_leak),
		TEST(a_container_keeps_growing_by_more_than_an_entry),
		TEST(a_second_window_takes_nothing_back),
		TEST(blocks_of_two_windows_are_no_leak),
		TEST(exchanges_leave_room_to_windows),
		TEST(big_objects_beside_blocks_that_are_traced),
		TEST(a_small_object_takes_a_chunk),
		TEST(an_allocator_gives_back),
		TEST(a_bend_of_a_few_samples),
		TEST(an_end_that_a_few_samples_make_steep),
		TEST(a_cache_of_a_few_samples),
		TEST(a_cache_beside_too_much),
		TEST(a_silence_after_a_few_windows),
		TEST(the_curve_of_rss_is_judged_once),
		TEST(the_same_evidence_gives_the_same_report),
		TEST(what_is_read_back_is_what_was_written),
		TEST(half_of_it_is_refused),
		TEST(a_text_that_is_needed_is_never_missing),
		TEST(each_moment_has_room_of_its_own),
		TEST(members_may_be_added),
		TEST(what_was_taken_in_one_step_is_in_use),
		TEST(what_mimalloc_keeps_is_no_growth_of_lines),
	};

	if (argc > 1)
		return write_seed(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

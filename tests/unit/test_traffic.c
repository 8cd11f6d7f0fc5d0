/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Services under loads that vary, drawn from a seed: of those that leak how many are called a leak,
 * and of caches that fill under the same loads? */
#include "unit.h"
#include "draws.h"

#include <malloc.h>
#include <math.h>
#include <stdlib.h>

#include "base/thresholds.h"
#include "base/traffic.h"
#include "judge/judge.h"

#define S	  1000000000ull
#define START_S	  100
#define TYPE	  0x1000
#define STACK	  0x77
#define CLASS	  11
#define BYTES	  192
#define DRAWS	  6
#define ALL	  (DRAWS * LOADS)
#define WATCH_S	  60
#define MOST_KEYS 32768
#define MOST_SEEN 8192
#define WINDOWS	  (2 * WATCH_S) /* two a second */

enum load {
	LOAD_EVEN,
	LOAD_WAVES,
	LOAD_RAMP_DOWN,
	LOAD_RAMP_UP,
	LOAD_STEP_DOWN,
	LOAD_STEP_UP,
	LOAD_STOP,
	LOAD_STOPS,
	LOAD_BURSTS,
	LOAD_DAYS, /* morning, noon, evening */
	LOADS
};

static const char *const load_name[LOADS] = {"even",	  "waves",   "ramp down", "ramp up",
					     "step down", "step up", "a stop",	  "stops",
					     "bursts",	  "days"};

/* Makers of objects that go at once: two stacks of a request, one of a miss, a thread. The
 * first makes what stays. */
enum { KEEPS, PARSES, ANSWERS, MISSES, BEATS, STACKS };

/* A miss of the cache keeps one object; so may a request, or the clock. */
struct service {
	enum load load;
	double depth, at, rate;	     /* of the load; requests a second */
	double background;	     /* work without requests, of the usual work */
	double since;		     /* second from which it keeps any */
	double by_request, by_clock; /* objects that stay: of a request, a second */
	unsigned keys;		     /* of the cache, which has no bound; 0 = none */
	double power;		     /* popularity of a key, by its rank; 0 = all alike */
	double miss;		     /* a miss costs so many requests more */
	double makes[STACKS];	     /* births of a request; of a miss; of the work of a request */
	bool is_lost;		     /* nothing points to what it keeps */
	double seen;		     /* part of the time that windows are open */
};

/* A birth that a window saw, and that stayed. */
struct seen {
	double born_s;
	unsigned window;
};

struct watched {
	double t[WATCH_S], kept[WATCH_S], ran[WATCH_S], turns[WATCH_S];
	double entries[WATCH_S]; /* without what requests hold for a moment */
	struct seen seen[MOST_SEEN];
	size_t n_seen;
	double born[WINDOWS + 1]; /* births of its type that windows saw until the end of each */
	bool is_drawn, is_seen;	  /* whether windows saw this request */
	double made[WINDOWS][STACKS]; /* births that they saw */
};

struct cache {
	unsigned n;
	bool has[MOST_KEYS + 1];
	double popular[MOST_KEYS + 1]; /* summed up */
};

static uint64_t seed, seed_of_made;

/* Draws of neighbouring seeds have nothing to do with each other. */
static double drawn_of(uint64_t *from, double low, double high)
{
	uint64_t x = *from += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	x ^= x >> 31;
	return low + (high - low) * (double)(x >> 11) / 9007199254740992.0;
}

static double drawn(double low, double high)
{
	return drawn_of(&seed, low, high);
}

/* For what goes at once, so that it changes nothing else. */
static double drawn_made(double low, double high)
{
	return drawn_of(&seed_of_made, low, high);
}

/* A number that comes by chance. */
static double by_chance_of(double (*draw)(double, double), double mean)
{
	double least = exp(-mean), product = draw(0, 1), n = 0;

	if (mean > 20)
		return round(about(draw, mean, sqrt(mean)));
	while (product > least) {
		product *= draw(0, 1);
		n++;
	}
	return n;
}

static double by_chance(double mean)
{
	return by_chance_of(drawn, mean);
}

/* Requests in second @i, as a part of the usual ones. */
static double load_at(const struct service *s, int i)
{
	double low = 1 - s->depth;

	switch (s->load) {
	case LOAD_WAVES:
		return 1 - s->depth * (0.5 + 0.5 * sin(6.283 * (i + s->at) / s->at));
	case LOAD_RAMP_DOWN:
		return 1 - s->depth * i / WATCH_S;
	case LOAD_RAMP_UP:
		return low + s->depth * i / WATCH_S;
	case LOAD_STEP_DOWN:
		return i < s->at ? 1 : low;
	case LOAD_STEP_UP:
		return i < s->at ? low : 1;
	case LOAD_STOP:
		return i < s->at || i > s->at + 15 * s->depth ? 1 : 0.02;
	case LOAD_STOPS:
		return fmod(i, s->at / 2) < s->at / 2 * (1 - s->depth / 2) ? 1 : 0.02;
	case LOAD_BURSTS:
		return fmod(i, s->at / 2) < 3 ? 2 : low;
	case LOAD_DAYS:
		return i < s->at / 2 ? low : i < s->at + 10 ? 1 : 1 - s->depth / 2;
	default:
		return 1;
	}
}

static void cache_open(struct cache *c, const struct service *s)
{
	double sum = 0;

	memset(c, 0, sizeof(*c));
	for (unsigned k = 1; k <= s->keys; k++)
		c->popular[k] = sum += pow(k, -s->power);
}

static unsigned cache_key(const struct cache *c, const struct service *s)
{
	double at = drawn(0, c->popular[s->keys]);
	unsigned low = 1, high = s->keys;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (c->popular[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* An object that stays is born; a window may see it. */
static void keep(struct watched *w, const struct service *s, double at)
{
	unsigned window = (unsigned)(at * WINDOWS / WATCH_S);

	w->is_drawn = true;
	w->is_seen = drawn(0, 1) < s->seen && w->n_seen < MOST_SEEN;
	if (!w->is_seen)
		return;
	w->seen[w->n_seen++] = (struct seen){at, window};
	w->born[window]++;
	w->made[window][KEEPS]++;
}

/* Makes the objects of a request, which it lets go of. */
static void make_births(struct watched *w, const struct service *s, double at, bool is_miss)
{
	unsigned window = (unsigned)(at * WINDOWS / WATCH_S);

	if (w->is_drawn ? !w->is_seen : drawn_made(0, 1) >= s->seen)
		return;
	for (int i = PARSES; i <= (is_miss ? MISSES : ANSWERS); i++)
		w->made[window][i] += by_chance_of(drawn_made, s->makes[i]);
}

/* True: a miss. */
static bool cache_ask(struct cache *c, const struct service *s, struct watched *w, double at)
{
	unsigned key = cache_key(c, s);

	if (c->has[key])
		return false;
	c->has[key] = true;
	c->n++;
	keep(w, s, at);
	return true;
}

/* Each second is read before it begins. */
static void watch(const struct service *s, struct cache *c, struct watched *w)
{
	double leaked = 0, cpu = 3, turned = 500, first = 2000;

	memset(w, 0, sizeof(*w));
	cache_open(c, s);
	for (int i = 0; i < WATCH_S; i++) {
		double usual = s->rate * load_at(s, i), requests = by_chance(usual), misses = 0;
		bool begun = i >= s->since;
		double work;

		w->t[i] = i;
		w->entries[i] = leaked + c->n;
		w->kept[i] = first + w->entries[i] + by_chance(2 * usual / s->rate);
		w->ran[i] = cpu;
		w->turns[i] = turned;
		for (double k = 0; begun && k < requests; k++) {
			double at = i + k / requests;
			bool is_miss;

			w->is_drawn = false;
			is_miss = s->keys && cache_ask(c, s, w, at);
			misses += is_miss;
			if (s->by_request > 0 && drawn(0, 1) < s->by_request) {
				leaked++;
				keep(w, s, at);
			}
			make_births(w, s, at, is_miss);
		}
		for (int k = 2 * i; k < 2 * i + 2; k++)
			w->made[k][BEATS] = by_chance_of(drawn_made, s->seen / 2 * s->makes[BEATS]);
		for (double k = begun ? by_chance(s->by_clock) : 0; k > 0; k--) {
			leaked++;
			keep(w, s, i + drawn(0, 1));
		}
		work = requests + s->miss * misses;
		cpu += 0.002 * (work * drawn(0.95, 1.05) + s->background * s->rate);
		turned += round(about(drawn, 1.3 * work, sqrt(work)) +
				by_chance(s->background * s->rate));
	}
	for (int k = 1; k < WINDOWS; k++)
		w->born[k] += w->born[k - 1];
}

enum what {
	LEAK,
	LEAK_LATE,
	LEAK_SLOW,
	LEAK_WARM,
	CLOCK,
	CLOCK_SLOW,
	CLOCK_WARM,
	CACHE,
	CACHE_LATE,
	CACHE_DEAR,
	CACHE_LATE_DEAR,
	CACHE_WORDS,
	CACHE_LATE_WORDS,
	CACHE_DEAREST,
	LOST,
	KINDS
};

/* How many of DRAWS under each load are called a leak: so many at least, and at most. */
static const struct {
	const char *name;
	unsigned least, most;
} kind[KINDS] = {
	[LEAK] = {"leak by request", 57, ALL},
	[LEAK_LATE] = {"the same, from 20 s", 55, ALL},
	[LEAK_SLOW] = {"the same, 3 a second", 50, ALL},
	[LEAK_WARM] = {"the same behind a warm-up", 51, ALL},
	[CLOCK] = {"leak by the clock", 59, ALL},
	[CLOCK_SLOW] = {"the same, 3 a second", 56, ALL},
	[CLOCK_WARM] = {"the same behind a warm-up", 57, ALL},
	[CACHE] = {"cache", 0, 0},
	[CACHE_LATE] = {"the same, from 20 s", 0, 0},
	[CACHE_DEAR] = {"misses 6 times as dear", 0, 4},
	[CACHE_LATE_DEAR] = {"the same, from 20 s", 0, 2},
	[CACHE_WORDS] = {"keys as words", 0, 11},
	[CACHE_LATE_WORDS] = {"the same, from 20 s", 0, 10},
	[CACHE_DEAREST] = {"misses 30 times as dear", 0, 14},
	[LOST] = {"what nothing points to", 8, ALL},
};

/* A miss makes as much more as it costs more, and at least its entry. Work without requests makes
 * as much as theirs. */
static void draw_births(struct service *s)
{
	double of_request;

	seed_of_made = ~seed;
	s->makes[PARSES] = drawn_made(1, 30);
	s->makes[ANSWERS] = drawn_made(1, 30);
	of_request = s->makes[PARSES] + s->makes[ANSWERS];
	s->makes[MISSES] = drawn_made(0.5, 1.5) * fmax(s->miss * of_request, 2);
	s->makes[BEATS] = s->background * s->rate * of_request;
}

static struct service draw_service(enum load load, enum what what, unsigned n)
{
	const char *other = getenv("TRAFFIC_SEED");
	struct service s = {.load = load};
	double size;
	bool is_late = what == LEAK_LATE || what == CACHE_LATE || what == CACHE_LATE_DEAR ||
		       what == CACHE_LATE_WORDS || what == LOST;
	bool is_warm = what == LEAK_WARM || what == CLOCK_WARM;

	seed = ((n + (other ? 1000 * strtoull(other, NULL, 10) : 0)) * LOADS + load) << 32;
	s.depth = drawn(0.3, 0.8);
	s.at = drawn(15, 40);
	s.rate = drawn(20, 200);
	s.background = drawn(0, 0.1);
	s.seen = drawn(0.02, 0.1);
	size = drawn(15, 30); /* seconds of the usual load after which 63 % of the keys are in it */
	s.since = is_late ? 20 : 0;
	s.is_lost = what == LOST;
	size /= is_late ? 1.5 : is_warm ? 4 : 1;
	if (what <= LEAK_WARM)
		s.by_request = what == LEAK_SLOW ? 3 / s.rate : is_warm ? 0.5 : 1;
	else if (what <= CLOCK_WARM)
		s.by_clock = what == CLOCK_SLOW ? 3 : 0.5 * s.rate;
	if (what == LEAK_SLOW || what == CLOCK_SLOW)
		s.seen = 0.3;
	if (is_warm || what >= CACHE)
		s.keys = (unsigned)(s.rate * size);
	if (what == CACHE_DEAR || what == CACHE_LATE_DEAR)
		s.miss = 5;
	if (what == CACHE_DEAREST)
		s.miss = 29;
	if (what == CACHE_WORDS || what == CACHE_LATE_WORDS)
		s.power = drawn(0.6, 1.1);
	draw_births(&s);
	return s;
}

/* ---- The evidence of a watch. ---- */

struct world {
	struct evidence e;
	struct survivor v[MOST_SEEN];
	struct trend_points classes[EVIDENCE_CLASSES];
	double flat[WATCH_S], bytes[WATCH_S], rss[WATCH_S];
	struct evidence_frame frame;
	struct evidence_stack stack;
	struct evidence_type type;
	struct holder_fact holder;
	struct report_holder_step step[2];
	struct coverage watched;
	struct traffic traffic;
	struct watched of;
	struct cache cache;
};

static struct trend_points series(struct world *w, double *v)
{
	return (struct trend_points){WATCH_S, w->of.t, v, v};
}

static void make_survivors(struct world *w)
{
	for (size_t i = 0; i < w->of.n_seen; i++) {
		const struct seen *s = &w->of.seen[i];
		double age = WATCH_S - s->born_s;
		uint64_t addr = 0x7f0000000000ull + i * BYTES;

		w->v[i] = (struct survivor){
			.addr = addr,
			.type = TYPE,
			.stack = STACK,
			.born_ns = (uint64_t)((START_S + s->born_s) * 1e9),
			.collections = (uint64_t)s->born_s / 6,
			.bytes = 184,
			.weight = 1,
			.nth = (uint64_t)w->of.born[s->window],
			.burst = s->window + 1,
			.parts = 1,
			.gc = true,
			.is_beside_all = true,
			.part = {{addr, BYTES, CLASS}},
		};
		while (w->v[i].rung < SURVIVOR_RUNGS && survivor_age_s[w->v[i].rung] <= age)
			w->v[i].rung++;
	}
	w->e.objects.n = w->of.n_seen;
}

static void make_traffic(struct world *w)
{
	for (uint64_t k = 0; k < WINDOWS; k++) {
		struct map64 births = {0};

		for (int i = 0; i < STACKS; i++)
			if (w->of.made[k][i] > 0)
				*map64_put(&births, STACK + (uint64_t)i) +=
					(uint64_t)w->of.made[k][i];
		traffic_add(&w->traffic, &births, START_S * S + (k + 1) * S / 2);
		map64_free(&births);
	}
	for (size_t i = 1; i < w->traffic.n_rows; i++) {
		struct traffic_row *row = &w->traffic.row[i];

		row->root = row->stack == STACK + BEATS ? traffic_root("beat", "/srv/beat.py")
							: traffic_root("handle", "/srv/app.py");
	}
}

static uint64_t moment(int i)
{
	return (uint64_t)(START_S + i) * S;
}

/* It is read from some seconds after it began to grow. */
static void make_holder(struct world *w, const struct service *s)
{
	const double *n = w->of.entries;
	int first = (int)s->since + 10, last = WATCH_S - 1, calm = last, span = last - first;
	struct fill *f = &w->holder.fill;

	while (calm > first && n[calm - 1] >= n[last] * (1 - REST_CALM_PART))
		calm--;
	w->step[0] = (struct report_holder_step){"root", "app", NULL, REPORT_UNKNOWN, 0, 0};
	w->step[1] = (struct report_holder_step){
		"attribute", "seen", "dict", (uint64_t)n[last], n[last] - n[last - 1], 0};
	*f = (struct fill){.addr = 0x5000,
			   .what = "dict",
			   .first = (uint64_t)n[first],
			   .first_ns = moment(first),
			   .last = (uint64_t)n[last],
			   .last_ns = moment(last),
			   .calm = (uint64_t)n[calm],
			   .calm_ns = moment(calm)};
	f->mid = (uint64_t)n[first + span * 2 / 5];
	f->mid_ns = moment(first + span * 2 / 5);
	f->next = (uint64_t)n[first + span * 3 / 5];
	f->next_ns = moment(first + span * 3 / 5);
}

static void make(struct world *w, const struct service *s)
{
	struct memory_fact *m = &w->e.memory;

	for (int i = 0; i < WATCH_S; i++) {
		w->flat[i] = 500;
		w->bytes[i] = w->of.kept[i] * BYTES;
		w->rss[i] = 2e6 + w->bytes[i];
	}
	for (size_t k = 0; k < EVIDENCE_CLASSES; k++)
		w->classes[k] = series(w, k == CLASS ? w->of.kept : w->flat);
	for (uint64_t k = 0; k < WINDOWS; k++)
		coverage_add(&w->watched, START_S * S + k * S / 2,
			     START_S * S + k * S / 2 + (uint64_t)(s->seen / 2 * 1e9));
	make_survivors(w);
	make_traffic(w);
	w->e.objects.traffic = &w->traffic;
	w->e.start_ns = START_S * S;
	w->e.now_ns = (START_S + WATCH_S) * S;
	w->e.max_size = UINT64_MAX;
	w->e.interpreter = "/usr/bin/python3.11";
	w->e.seen = (struct report_process){.pid = 42,
					    .comm = "app",
					    .mode = "auto",
					    .mechanism = "multi",
					    .rss_bytes = 3000000,
					    .coverage = s->seen};
	report_memory_init(&w->e.seen.memory);
	w->e.objects.v = w->v;
	w->e.objects.collections = WATCH_S / 6;
	w->e.objects.bursts = WINDOWS;
	w->e.objects.watched = &w->watched;
	w->e.objects.coverage = s->seen;
	w->e.objects.classes = w->classes;
	w->e.objects.counted_s = WATCH_S - 1;
	m->rss = series(w, w->rss);
	m->live = series(w, w->bytes);
	m->malloced = series(w, w->flat);
	m->slope[MEMORY_ANON] = m->slope[MEMORY_USED] = m->rss;
	m->kept = (struct retention_evidence){.watched_s = WATCH_S};
	m->work.turns = series(w, w->of.turns);
	m->work.ran = series(w, w->of.ran);
	w->frame = (struct evidence_frame){"handle", "/srv/app.py", 25, false, 3};
	w->stack = (struct evidence_stack){STACK, false, 1, &w->frame};
	w->type = (struct evidence_type){TYPE, "dict"};
	w->e.stack = &w->stack;
	w->e.n_stacks = 1;
	w->e.type = &w->type;
	w->e.n_types = 1;
	w->holder = (struct holder_fact){
		.is_known = true,
		.holder = {.root = "module",
			   .path = "module app :: seen (dict)",
			   .share = 0.97,
			   .step = w->step,
			   .n = 2,
			   .gc_known = true,
			   .gc_enabled = true},
		.is_one = true,
		.has_new_entries = true,
	};
	if (s->is_lost)
		w->holder = (struct holder_fact){.is_known = true,
						 .holder = {.root = "unreferenced",
							    .path = "",
							    .share = 0.97,
							    .gc_known = true,
							    .gc_enabled = true},
						 .is_one = true};
	else
		make_holder(w, s);
	w->e.holder = &w->holder;
	w->e.n_holders = 1;
}

static bool is_called_a_leak(const struct service *s)
{
	struct world *w = calloc(1, sizeof(*w));
	struct report_process p;
	struct report *r = NULL;
	bool is_leak;

	assert_non_null(w);
	assert_int_equal(report_new(&r), 0);
	watch(s, &w->cache, &w->of);
	make(w, s);
	assert_int_equal(judge(&w->e, r, &p), 0);
	if (p.n_sites) {
		memcpy(w->holder.id, p.sites[0].id, sizeof(w->holder.id));
		assert_int_equal(judge(&w->e, r, &p), 0);
	}
	is_leak = p.n_sites && p.sites[0].verdict == CLASS_LEAK;
	report_free(r);
	free(w);
	return is_leak;
}

/* TRAFFIC_DRAWS=40: four hundred of each, as in docs/SCORING.md; TRAFFIC_SEED=1: of other ones. */
static void leaks_and_caches_under_any_load(void **state)
{
	const char *more = getenv("TRAFFIC_DRAWS");
	unsigned draws = more ? (unsigned)atoi(more) : DRAWS;

	(void)state;
	/* The memory of a world is kept for the next: new pages cost more than what is computed. */
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	printf("%-28s", "called a leak, of each");
	for (int load = 0; load < LOADS; load++)
		printf(" %9s", load_name[load]);
	printf("  all\n");
	for (int what = 0; what < KINDS; what++) {
		unsigned all = 0;

		printf("%-28s", kind[what].name);
		for (int load = 0; load < LOADS; load++) {
			unsigned leaks = 0;

			for (unsigned n = 0; n < draws; n++) {
				struct service s =
					draw_service((enum load)load, (enum what)what, n);

				leaks += is_called_a_leak(&s);
			}
			printf(" %9u", leaks);
			all += leaks;
		}
		printf("  %3u of %u\n", all, draws * LOADS);
		if (draws == DRAWS)
			assert_in_range(all, kind[what].least, kind[what].most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaks_and_caches_under_any_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

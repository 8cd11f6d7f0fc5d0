/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ledger/ledger.h"

#include <math.h>

/* Part of the promise that is spent, as the promise is for the mean. */
#define AIM (2.0 / 3.0)
/* Part for windows on malloc while nothing grows outside of the pools: they go on, as that may
 * change. */
#define NATIVE_IDLE_PART (1.0 / 8)
/* Births have at least this part of their share, whatever the others cost: the promise leaves room
 * for that, as it is half more than is spent. */
#define BIRTHS_LEAST 0.75
#define OTHERS_NS    10e9 /* the cost of the others is a mean over so long */
/* Births have the first part of the share while nothing grows, or all that grows has its verdict;
 * before that, for the first minute, the second part, as windows tell more then. */
#define CALM_PART (1.0 / 3)
#define LOOK_PART 2.0
#define LOOK_NS	  60e9
/* Watching may cost at least so much of a core, as a process that hardly runs would never be seen
 * otherwise. */
#define LEAST_OF_CORE 0.003
/* To see every call of malloc may cost so much of a core, whatever the target uses: a change to
 * windows would lose the known blocks. */
#define EXACT_OF_CORE 0.005
/* Descriptors may cost this part of the share, or so much of a core. */
#define FDS_PART    (1.0 / 4)
#define FDS_OF_CORE 0.001
/* In the first seconds windows on births may cost as if the target used a whole core, or half of
 * one if it serves somebody, so that a short run can name a line. */
#define EAGER_NS      3e9
#define EAGER_SERVING 0.5
/* Part of the requests of a server with time between them that may meet a window: those that come
 * during it, and those queued behind them. It is more for a promise above the usual. An account
 * charges MET_CHARGED of the time in which a request would meet a window. */
#define MET	    0.006
#define MET_USUAL   0.03 /* the usual promise */
#define MET_CHARGED 0.7
#define MET_LEAST   0.0015 /* least part of the clock: else a busy service would hardly be seen */
#define OTHERS_PART 0.25   /* part of that for each of the other accounts */
/* A server that computes nearly all the time is slowed by the cost of windows, whichever requests
 * meet them: so they may cost more of the clock. */
#define CROWDED	      0.8	     /* part of a core: from here to a whole one ... */
#define MET_CROWDED   0.005	     /* ... it rises to so much of the clock */
#define ASK_NS	      4000000000ull  /* first wait of ledger_asks_whether_it_serves() ... */
#define ASK_MOST_NS   64000000000ull /* ... and the longest */
#define FIRST_SPAN_NS 200e6	     /* supposed time before the first ledger_divide() */
/* Births may cost this part of a pause even if the probes take all of it, for probes without births
 * tell nothing. */
#define PAUSE_PART 0.5
/* ... more where a birth costs more than usual, up to so many times: windows would else end long
 * before a request does, and never see its last lines. */
#define BIRTH_USUAL_NS 1700.0
#define DEAR_MOST      4
/* Weight of a new window in ledger.tail. */
#define TAIL_WEIGHT 0.3

/* A window does not tell what births cost if the target used less than RAN_PART of the CPU time
 * that it usually uses in so long, where that is more than RUNS_NS. */
#define RUNS_NS	 2e6
#define RAN_PART 0.5

/* Probes that stay in pause the target where they cost more than this part of the time, and more
 * than is allowed ... */
#define DENSE_PART 0.1
#define DENSE_MOST 2 /* ... and stay for so many pauses, as they tell more than a window does */

#define SMOOTH_NS	1e9  /* account.of_late is a mean over so long */
#define LONGEST_HALF_NS 20e9 /* account.longest_ns halves in so long */
#define DELAYS_LEAST	0.05 /* a second; fewer are not told */

/* An account keeps no more than most_ns, or the cost of most_windows: a quiet minute must not pay
 * for a wild second. Windows on births differ most in cost, those on descriptors hardly. */
static const struct rule {
	double part; /* most of all that may be spent */
	double most_ns, most_windows;
	double keep; /* weight of the expected cost against that of a new window */
} rules[] = {
	[LEDGER_BIRTHS] = {.part = 1, .most_ns = 60e6, .keep = 0.8},
	[LEDGER_NATIVE] = {.part = 1.0 / 2, .most_windows = 2, .keep = 0.7},
	[LEDGER_FDS] = {.part = 1.0 / 8, .most_windows = 4, .keep = 0},
};

double account_planting_ns(const struct account *a, size_t probes)
{
	return probe_price_planting(&a->price, probes);
}

void account_open(struct account *a, enum ledger_who who, double share, uint64_t now_ns)
{
	*a = (struct account){
		.who = who,
		.share = share,
		.stays = share,
		.filled_ns = now_ns,
		.counted_ns = now_ns,
		.price = probe_price_of(PROBE_TRACEFS, 0),
	};
}

void account_begin(struct account *a, double expected_ns, uint64_t now_ns)
{
	a->saved_ns = 0;
	a->expected_ns = expected_ns;
	a->is_guess = true;
	a->filled_ns = now_ns;
}

void account_fill(struct account *a, uint64_t now_ns)
{
	const struct rule *r = &rules[a->who];
	double most_ns = r->most_ns ? r->most_ns : r->most_windows * a->expected_ns;

	if (now_ns <= a->filled_ns)
		return;
	a->saved_ns += (double)(now_ns - a->filled_ns) * a->share;
	if (a->saved_ns > most_ns)
		a->saved_ns = most_ns;
	a->filled_ns = now_ns;
}

bool account_has_saved(struct account *a, uint64_t now_ns)
{
	account_fill(a, now_ns);
	return a->saved_ns >= a->expected_ns;
}

uint64_t account_next(struct account *a, uint64_t now_ns, uint32_t random)
{
	double missing, wait;

	account_fill(a, now_ns);
	missing = a->expected_ns - a->saved_ns;
	wait = missing > 0 ? missing / a->share : 0;
	/* random, so that windows never keep step with a timer of the target */
	wait *= 0.75 + 0.5 * (random & 0xffff) / 65536.0;
	if (wait < 20e6)
		wait = 20e6 * (0.75 + 0.5 * (random >> 16) / 65536.0);
	return now_ns + (uint64_t)wait;
}

void account_charge(struct account *a, double cost_ns)
{
	a->saved_ns -= cost_ns;
	a->spent_ns += cost_ns;
}

void account_planted(struct account *a, size_t probes)
{
	if (probes)
		account_charge(a, account_planting_ns(a, probes));
}

void account_window(struct account *a, uint64_t now_ns, double cost_ns)
{
	double keep = a->is_guess ? 0 : rules[a->who].keep;

	account_fill(a, now_ns);
	account_charge(a, cost_ns);
	a->window_ns = cost_ns;
	a->longest_ns = fmax(cost_ns, a->longest_ns);
	a->windows++;
	a->expected_ns = keep * a->expected_ns + (1 - keep) * cost_ns;
	if (rules[a->who].most_ns) /* no more can be saved */
		a->expected_ns = fmin(a->expected_ns, rules[a->who].most_ns);
	a->is_guess = false;
}

void account_lingered(struct account *a, double cost_ns)
{
	double more = fmax(cost_ns - a->lingers_ns, 0);

	a->lingers_ns = fmax(a->lingers_ns - cost_ns, 0);
	if (!(more > 0))
		return;
	account_charge(a, more);
	a->window_ns += more;
	a->longest_ns = fmax(a->window_ns, a->longest_ns);
}

void account_saw(struct account *a, uint64_t events)
{
	a->is_seen |= events > 0;
}

bool account_may_stay(const struct account *a)
{
	return a->is_seen || !a->runs;
}

/* The part of a cost since the last count that came after ledger_start(), and so is told. */
static double told_part(const struct account *a, uint64_t now_ns, double cost_ns)
{
	if (a->begun_ns <= a->counted_ns || now_ns <= a->counted_ns)
		return cost_ns;
	return now_ns <= a->begun_ns ? 0
				     : cost_ns * (double)(now_ns - a->begun_ns) /
					       (double)(now_ns - a->counted_ns);
}

void account_count(struct account *a, uint64_t now_ns, double cost_ns)
{
	double span = (double)(now_ns - a->counted_ns);
	double weight = span / SMOOTH_NS < 1 ? span / SMOOTH_NS : 1;

	a->spent_ns += told_part(a, now_ns, cost_ns);
	a->is_seen |= cost_ns > 0;
	a->counted_ns = now_ns;
	if (span > 0)
		a->of_late += weight * (cost_ns / span - a->of_late);
}

void ledger_open(struct ledger *l, double overhead, double pause_ns, uint64_t now_ns)
{
	struct account *births = &l->of[LEDGER_BIRTHS];

	*l = (struct ledger){.promised = overhead, .pause_ns = pause_ns, .start_ns = now_ns};
	l->birth_ns = probe_price_birth(&births->price, 0, false);
	for (int who = 0; who < LEDGER_ACCOUNTS; who++)
		account_open(&l->of[who], (enum ledger_who)who, overhead * AIM * rules[who].part,
			     now_ns);
	/* the first window need not be saved for: people look at the first seconds */
	births->expected_ns = births->saved_ns = 10e6;
}

void ledger_set_price(struct ledger *l, struct probe_price price)
{
	for (int who = 0; who < LEDGER_ACCOUNTS; who++)
		l->of[who].price = price;
	l->birth_ns = probe_price_birth(&price, 0, false);
}

bool ledger_asks_whether_it_serves(struct ledger *l, uint64_t now_ns)
{
	if (l->serves || now_ns < l->ask_ns)
		return false;
	l->ask_wait_ns = l->ask_wait_ns ? 2 * l->ask_wait_ns : ASK_NS;
	if (l->ask_wait_ns > ASK_MOST_NS)
		l->ask_wait_ns = ASK_MOST_NS;
	l->ask_ns = now_ns + l->ask_wait_ns;
	return true;
}

void ledger_start(struct ledger *l, uint64_t now_ns)
{
	l->start_ns = l->of[LEDGER_BIRTHS].filled_ns = now_ns;
	l->used_ns = 0;
	for (int who = 0; who < LEDGER_ACCOUNTS; who++)
		l->of[who].begun_ns = now_ns;
}

static double spent_by_others(const struct ledger *l)
{
	return l->of[LEDGER_NATIVE].spent_ns + l->of[LEDGER_FDS].spent_ns;
}

double ledger_spent_ns(const struct ledger *l)
{
	return l->of[LEDGER_BIRTHS].spent_ns + spent_by_others(l);
}

/* Counts windows per second: a mean over OTHERS_NS, or over the run if it is shorter. */
static void count_windows(struct ledger *l, uint64_t now_ns, double span_ns)
{
	double ran = (double)(now_ns - l->start_ns);
	double weight = span_ns / fmax(fmin(OTHERS_NS, ran), span_ns);
	uint64_t all = 0;

	for (int who = 0; who < LEDGER_ACCOUNTS; who++) {
		all += l->of[who].windows;
		l->of[who].longest_ns *= exp2(-span_ns / LONGEST_HALF_NS);
	}
	l->windows_per_s +=
		weight * ((double)(all - l->windows) * 1e9 / span_ns - l->windows_per_s);
	l->windows = all;
}

/* The part of the promise that may be spent, for the promise is of CPU time that the target uses.
 */
static double part_of(const struct ledger *l)
{
	return fmin(fmax(busy_of_core(&l->busy), LEAST_OF_CORE / l->promised), 1);
}

static double part_of_births(const struct ledger *l, uint64_t now_ns, bool grows)
{
	if (!grows)
		return CALM_PART;
	return (double)(now_ns - l->start_ns) < LOOK_NS ? LOOK_PART : 1;
}

/* The part of the clock that windows on births may cost so that requests are answered in time. */
static double most_for_requests(const struct ledger *l)
{
	double busy = busy_of_core(&l->busy), most, crowd;

	if (!l->serves)
		return 1;
	most = fmax(MET * MET_CHARGED * (1 - busy), MET_LEAST);
	crowd = (fmin(busy, 1) - CROWDED) / (1 - CROWDED);
	most = fmax(most, MET_LEAST + crowd * (MET_CROWDED - MET_LEAST));
	return most * fmax(l->promised / MET_USUAL, 1);
}

void ledger_divide(struct ledger *l, uint64_t now_ns, struct ledger_growth grows)
{
	struct account *births = &l->of[LEDGER_BIRTHS], *native = &l->of[LEDGER_NATIVE];
	struct account *fds = &l->of[LEDGER_FDS];
	bool is_eager = (double)(now_ns - l->start_ns) < EAGER_NS;
	double all = l->promised * AIM, own = all * part_of(l);
	double spent = spent_by_others(l), left;
	double span = l->divided_ns ? (double)(now_ns - l->divided_ns) : FIRST_SPAN_NS;
	double weight = span / OTHERS_NS < 1 ? span / OTHERS_NS : 1;
	double half = own * rules[LEDGER_NATIVE].part;
	double for_requests = most_for_requests(l);
	double births_own =
		fmin(own * part_of_births(l, now_ns, grows.any), fmin(all, for_requests));

	births->runs = native->runs = busy_of_core(&l->busy) >= LEAST_OF_CORE;
	fds->share = fmin(fmax(own * FDS_PART, FDS_OF_CORE),
			  fmin(all * rules[LEDGER_FDS].part, for_requests * OTHERS_PART));
	/* no request waits for windows that may find nothing */
	if (grows.native || (grows.may && !l->serves))
		native->share = fmin(fmax(half, LEAST_OF_CORE * AIM), all);
	else
		native->share = fmin(own * NATIVE_IDLE_PART, for_requests * OTHERS_PART);
	native->stays = fmin(fmax(half, EXACT_OF_CORE), all);
	l->others_of_late += weight * ((spent - l->others_spent_ns) / span - l->others_of_late);
	l->others_spent_ns = spent;
	count_windows(l, now_ns, span);
	l->divided_ns = now_ns;
	left = fmax(births_own - l->others_of_late, BIRTHS_LEAST * births_own);
	births->stays = left;
	if (is_eager)
		left = fmax((l->serves ? EAGER_SERVING * all : all) - l->others_of_late, left);
	births->share = left;
}

/* A birth's cost beside the usual one's. */
static double times_usual(const struct ledger *l)
{
	return l->birth_ns / BIRTH_USUAL_NS;
}

double ledger_window_ns(const struct ledger *l, size_t probes)
{
	const struct account *a = &l->of[LEDGER_BIRTHS];
	double probing = account_planting_ns(a, probes) +
			 fmin(busy_of_core(&l->busy), 1) * (double)probes * a->price.crawl_ns;
	double dear = fmin(fmax(times_usual(l), 1), DEAR_MOST);

	return fmax(l->pause_ns - probing, dear * PAUSE_PART * l->pause_ns) / (1 + l->tail);
}

uint64_t ledger_most_left_out(const struct ledger *l, size_t probes)
{
	double price = probe_price_event(&l->of[LEDGER_BIRTHS].price);

	if (times_usual(l) <= 1)
		return UINT64_MAX;
	return (uint64_t)(ledger_window_ns(l, probes) / 2 / price);
}

void ledger_looked(struct ledger *l, uint64_t before, uint64_t meanwhile)
{
	l->tail += TAIL_WEIGHT * (fmin((double)meanwhile / ((double)before + 1), 1) - l->tail);
}

bool ledger_fits_always(const struct ledger *l, uint64_t births, uint64_t open_ns, uint64_t ran_ns)
{
	double gap = births ? (double)open_ns / (double)births : 1e12;
	double own = gap - l->birth_ns, usual = busy_of_core(&l->busy) * (double)open_ns;

	if (usual > RUNS_NS && (double)ran_ns < RAN_PART * usual)
		return false;
	return account_may_stay(&l->of[LEDGER_BIRTHS]) && own > 0 &&
	       l->birth_ns / own < l->of[LEDGER_BIRTHS].stays * 0.8;
}

bool ledger_stays(struct ledger *l, uint64_t from_ns, uint64_t now_ns, uint64_t births)
{
	struct account *a = &l->of[LEDGER_BIRTHS];
	double span = (double)(now_ns - from_ns), allowed = span * a->share;
	double cost = (double)births * l->birth_ns;

	account_saw(a, births);
	account_charge(a, cost);
	account_fill(a, now_ns);
	a->dense_ns = fmax(a->dense_ns + cost - fmax(allowed, span * DENSE_PART), 0);
	if (a->dense_ns > DENSE_MOST * l->pause_ns) {
		a->longest_ns = fmax(a->longest_ns, a->dense_ns);
		a->dense_ns = 0;
		return false;
	}
	return (cost <= allowed || a->saved_ns >= 0) && account_may_stay(a);
}

void ledger_births(struct ledger *l, uint64_t now_ns, uint64_t births, uint64_t open_ns,
		   size_t probes)
{
	struct account *a = &l->of[LEDGER_BIRTHS];
	double cost = (double)births * l->birth_ns, busy;

	/* a target cannot lose more than the time in which probes were in */
	if (cost > (double)open_ns)
		cost = (double)open_ns;
	busy = open_ns ? cost / (double)open_ns : 0;
	a->lingers_ns = busy * (double)probes * a->price.crawl_ns;
	cost += account_planting_ns(a, probes) + a->lingers_ns;
	account_saw(a, births);
	account_window(a, now_ns, cost);
}

void ledger_skip(struct ledger *l, uint64_t from_ns, uint64_t now_ns)
{
	l->start_ns += now_ns - from_ns;
	l->busy.skips = true;
	l->divided_ns = 0;
	for (int who = 0; who < LEDGER_ACCOUNTS; who++)
		l->of[who].filled_ns = l->of[who].counted_ns = now_ns;
}

void ledger_look(struct ledger *l, int pid, uint64_t now_ns)
{
	busy_look(&l->busy, pid, now_ns);
	l->used_ns += l->busy.used_ns;
}

struct ledger_cost ledger_cost(const struct ledger *l, uint64_t now_ns)
{
	double ran = (double)(now_ns - l->start_ns);
	double spent = ledger_spent_ns(l);
	struct ledger_cost c = {
		.of_cpu = NAN,
		.of_core = ran > 0 ? spent / ran : 0,
		.delays_per_s = l->windows_per_s,
	};

	/* at most all of it: if the target hardly runs, some of the estimate is time, not CPU time
	 */
	if (l->used_ns > 0)
		c.of_cpu = fmin(spent / l->used_ns, 1);
	for (int who = 0; who < LEDGER_ACCOUNTS && c.delays_per_s >= DELAYS_LEAST; who++)
		c.delay_ns = fmax(c.delay_ns, l->of[who].longest_ns);
	return c;
}

void ledger_tell(const struct ledger *l, uint64_t now_ns, struct report_process *to)
{
	struct ledger_cost c = ledger_cost(l, now_ns);

	to->slowdown_pct = 100 * c.of_cpu;
	to->core_pct = 100 * c.of_core;
	to->stall_ms = c.delay_ns / 1e6;
	to->stalls_per_s = c.delays_per_s;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The cost of watching to the target, and its limit. Each of those who probe has an account: it
 * fills with time, a window may open when what it is expected to cost has been saved, and what it
 * really cost is taken off. Not thread-safe. */
#ifndef PYLEAK_LEDGER_LEDGER_H
#define PYLEAK_LEDGER_LEDGER_H

#include "base/base.h"
#include "ledger/busy.h"
#include "probe/price.h"
#include "report/report.h"

enum ledger_who { LEDGER_BIRTHS, LEDGER_NATIVE, LEDGER_FDS, LEDGER_ACCOUNTS };

struct account {
	enum ledger_who who;
	double share;	    /* of the clock that windows may cost */
	double stays;	    /* ... and probes that stay in */
	double saved_ns;    /* may go below zero after a dear window */
	double spent_ns;    /* in all */
	double expected_ns; /* cost of the next window: smoothed */
	double of_late;	    /* share of the time that probes cost which stay in: smoothed */
	double longest_ns;  /* the dearest window of late */
	double window_ns;   /* the last one ... */
	double lingers_ns;  /* ... and what of it is for its end, and was not met yet */
	double dense_ns;    /* of probes that stay in: what the phase of now cost, if it is dear */
	uint64_t windows;
	bool is_guess; /* no window has said yet what one costs */
	bool is_seen;  /* an event was counted */
	bool runs;     /* the target does, more than hardly */
	struct probe_price price;
	uint64_t filled_ns, counted_ns;
	uint64_t begun_ns; /* costs of before are not told: ledger_start() */
};

/* The loss of the target by having so many probes put in and taken out again, once. */
double account_planting_ns(const struct account *a, size_t probes);
void account_open(struct account *a, enum ledger_who who, double share, uint64_t now_ns);
/* Windows begin: nothing has been saved for them, and one may cost this much. */
void account_begin(struct account *a, double expected_ns, uint64_t now_ns);
/* Bring it up to date. */
void account_fill(struct account *a, uint64_t now_ns);
/* Has a window been saved for? */
bool account_has_saved(struct account *a, uint64_t now_ns);
/* When may the next window start? Not before @now_ns. Includes the random part. */
uint64_t account_next(struct account *a, uint64_t now_ns, uint32_t random);
/* A window is over. */
void account_window(struct account *a, uint64_t now_ns, double cost_ns);
/* Events came while its probes were taken out, and were not recorded: the usual is in its cost. */
void account_lingered(struct account *a, double cost_ns);
/* Anything else that is paid out of what was saved. */
void account_charge(struct account *a, double cost_ns);
/* So many probes were put in and taken out again, and no window came of it. */
void account_planted(struct account *a, size_t probes);
/* So many events were counted. */
void account_saw(struct account *a, uint64_t events);
/* May probes stay in? Not where the target runs and no event of it was ever counted: then they may
 * cost it anything. */
bool account_may_stay(const struct account *a);
/* Counts the cost of probes that stay in, since the last time; that bounds itself by of_late. */
void account_count(struct account *a, uint64_t now_ns, double cost_ns);

struct ledger {
	double promised; /* share of the target's CPU time: --overhead */
	double pause_ns; /* that a window should make the target wait at most: --max-pause */
	bool serves;	 /* somebody waits for the target's answers: whoever looks sets it */
	uint64_t ask_ns, ask_wait_ns;
	struct account of[LEDGER_ACCOUNTS];
	double birth_ns;
	double tail;	   /* births while a window is looked at, for each before that: smoothed */
	uint64_t start_ns; /* later by each pause */

	/* what others than births cost of late */
	double others_spent_ns, others_of_late;
	uint64_t divided_ns;

	struct busy busy;
	double used_ns; /* CPU time of the target in the time that counts */
	uint64_t windows;
	double windows_per_s; /* of late */
};

/* The cost so far; its part of the CPU time is not known before the target has run. */
struct ledger_cost {
	double of_cpu;	/* of the CPU time that the target has used: 0.02 = 2 %; or NAN */
	double of_core; /* of one core all the time */
	double delay_ns, delays_per_s; /* by windows of late: the longest, and how many */
};

void ledger_open(struct ledger *l, double overhead, double pause_ns, uint64_t now_ns);
/* Once it is known what puts the probes in. */
void ledger_set_price(struct ledger *l, struct probe_price price);
/* Attached: from now on it is the time of a run that is spent. */
void ledger_start(struct ledger *l, uint64_t now_ns);
/* Is it time to look whether the target serves somebody? More rarely each time; no more once it is
 * known to. */
bool ledger_asks_whether_it_serves(struct ledger *l, uint64_t now_ns);
struct ledger_growth {
	bool any;    /* something grows, and no line is called a leak yet */
	bool native; /* memory of C code grows */
	bool may;    /* ... or it is too early to know */
};
/* To be called a few times a second, after a look: births have what others leave, and windows on
 * what @grows have use for more. */
void ledger_divide(struct ledger *l, uint64_t now_ns, struct ledger_growth grows);
/* The births of a window with so many probes may cost this much: a busy target waits for the
 * probes, too. */
double ledger_window_ns(const struct ledger *l, size_t probes);
/* So many were met before a window was looked at, and while it was: these cost as much. */
void ledger_looked(struct ledger *l, uint64_t before, uint64_t meanwhile);
/* Could every birth be recorded within the budget? By what a window of @open_ns saw, without what
 * its probes cost: a busy program seen at 1 / c births per second may run at any rate. Not by one
 * in which the target ran for @ran_ns alone, where it usually runs for longer: others had the CPUs.
 */
bool ledger_fits_always(const struct ledger *l, uint64_t births, uint64_t open_ns, uint64_t ran_ns);
/* Looks at how busy the target is, and counts what it has used since the last look: before each
 * division, and where a time begins that does not count. */
void ledger_look(struct ledger *l, int pid, uint64_t now_ns);
/* Probes on births stay in, and since @from_ns met so many. False: they are to go, for a phase of
 * the program has begun that has not been saved for, or that slows it all at once for two pauses.
 */
bool ledger_stays(struct ledger *l, uint64_t from_ns, uint64_t now_ns, uint64_t births);
/* Births were recorded with @probes in, @open_ns from the first that went in to the last that came
 * out. */
void ledger_births(struct ledger *l, uint64_t now_ns, uint64_t births, uint64_t open_ns,
		   size_t probes);
/* Nothing was watched from @from_ns to @now_ns: that time neither earned nor cost anything. */
void ledger_skip(struct ledger *l, uint64_t from_ns, uint64_t now_ns);
/* All that probes have cost the target so far. */
double ledger_spent_ns(const struct ledger *l);
struct ledger_cost ledger_cost(const struct ledger *l, uint64_t now_ns);

/* The same in a report. */
void ledger_tell(const struct ledger *l, uint64_t now_ns, struct report_process *to);

#endif

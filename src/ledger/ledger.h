/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits what watching costs the target. Each source that probes has an account, which fills with
 * time: a window may open when its expected cost has been saved, and its real cost is taken off.
 * Costs are time that the target loses; times are those of clock_ns(). Not thread-safe. */
#ifndef PYLEAK_LEDGER_LEDGER_H
#define PYLEAK_LEDGER_LEDGER_H

#include "base/base.h"
#include "ledger/busy.h"
#include "probe/price.h"
#include "report/report.h"

enum ledger_who { LEDGER_BIRTHS, LEDGER_NATIVE, LEDGER_FDS, LEDGER_ACCOUNTS };

struct account {
	enum ledger_who who;
	double share;	    /* part of the clock that windows may cost */
	double stays;	    /* ... and that probes which stay in may cost */
	double saved_ns;    /* below zero after a costly window */
	double spent_ns;    /* in all */
	double expected_ns; /* cost of the next window, smoothed */
	double of_late;	    /* part of the time that probes which stay in cost, smoothed */
	double longest_ns;  /* cost of the costliest window of late */
	double window_ns;   /* cost of the last window ... */
	double lingers_ns;  /* ... and its part for events at the end that were not reported yet */
	double dense_ns;    /* probes that stay in: cost above what is allowed, in a costly phase */
	uint64_t windows;   /* so far */
	bool is_guess;	    /* expected_ns is none of a window's costs yet */
	bool is_seen;	    /* an event was counted */
	bool runs;	    /* the target uses more than a little CPU time */
	struct probe_price price;
	uint64_t filled_ns, counted_ns; /* last account_fill(), last account_count() */
	uint64_t begun_ns;		/* ledger_start(): costs from before are not told */
};

/* The time that the target loses when so many probes are put in and taken out again. */
double account_planting_ns(const struct account *a, size_t probes);
/* Opens an account that has nothing saved. @share: part of the clock. */
void account_open(struct account *a, enum ledger_who who, double share, uint64_t now_ns);
/* Begins windows: empties the account. @expected_ns: a guess of what one costs. */
void account_begin(struct account *a, double expected_ns, uint64_t now_ns);
/* Fills the account for the time since it was last filled. */
void account_fill(struct account *a, uint64_t now_ns);
/* Has enough been saved for a window? */
bool account_has_saved(struct account *a, uint64_t now_ns);
/* The time at which the next window may open: after @now_ns, and random by some 25 %. */
uint64_t account_next(struct account *a, uint64_t now_ns, uint32_t random);
/* Takes the cost of a window that is over off the account. */
void account_window(struct account *a, uint64_t now_ns, double cost_ns);
/* Adds the cost of events that came while probes of the last window were taken out, and were not
 * recorded: only what exceeds the part that was charged for them with the window. */
void account_lingered(struct account *a, double cost_ns);
/* Takes any other cost off the account. */
void account_charge(struct account *a, double cost_ns);
/* Takes off the cost of probes that were put in and taken out again without a window. */
void account_planted(struct account *a, size_t probes);
/* Notes that so many events were counted. */
void account_saw(struct account *a, uint64_t events);
/* May probes stay in? False where the target runs and no event was ever counted, as the cost of
 * probes is not known then. */
bool account_may_stay(const struct account *a);
/* Counts the cost of probes that stay in since the last call. It is not taken off what was saved:
 * of_late tells when it is too much. */
void account_count(struct account *a, uint64_t now_ns, double cost_ns);

struct ledger {
	double promised; /* part of the target's CPU time: --overhead */
	double pause_ns; /* longest wait that a window should cause: --max-pause */
	bool serves;	 /* the target answers requests; set by the owner, who finds that out */
	uint64_t ask_ns,
		ask_wait_ns; /* next ledger_asks_whether_it_serves(), and the wait for it */
	struct account of[LEDGER_ACCOUNTS];
	double birth_ns;   /* cost of one birth */
	double tail;	   /* births while a window is read, per birth before that; smoothed */
	uint64_t start_ns; /* start of the run, moved by the length of each pause */

	/* cost of windows on others than births: in all, and part of the clock of late */
	double others_spent_ns, others_of_late;
	uint64_t divided_ns; /* last ledger_divide() */

	struct busy busy;
	double used_ns;	      /* CPU time of the target since ledger_start(), without pauses */
	uint64_t windows;     /* those of all accounts, at the last ledger_divide() */
	double windows_per_s; /* mean of late */
};

/* The cost so far. */
struct ledger_cost {
	double of_cpu;	/* part of the CPU time of the target: 0.02 = 2 %; NAN: it has not run */
	double of_core; /* part of one core */
	double delay_ns, delays_per_s; /* by windows of late: the longest, and how many */
};

/* Opens all accounts, with the prices of tracefs. @overhead: part of the target's CPU time. */
void ledger_open(struct ledger *l, double overhead, double pause_ns, uint64_t now_ns);
/* Sets the prices, once it is known how probes are put in. */
void ledger_set_price(struct ledger *l, struct probe_price price);
/* Begins the run, once probes can be put in: the cost that is told counts from now on. */
void ledger_start(struct ledger *l, uint64_t now_ns);
/* Is it time to find out whether the target serves somebody? Less often each time, and never again
 * once it is known to. */
bool ledger_asks_whether_it_serves(struct ledger *l, uint64_t now_ns);
struct ledger_growth {
	bool any;    /* something grows, and no line is called a leak yet */
	bool native; /* memory of C code grows */
	bool may;    /* ... or it is too early to know whether it does */
};
/* Divides what may be spent among the accounts: more to those whose kind of memory grows, and to
 * births what the others leave. To be called a few times a second, after ledger_look(). */
void ledger_divide(struct ledger *l, uint64_t now_ns, struct ledger_growth grows);
/* Most that the births of a window with so many probes may cost, in ns, so that births and probes
 * together keep to the pause. */
double ledger_window_ns(const struct ledger *l, size_t probes);
/* Most births that may be left out at the start of such a window: where births are dear they cost
 * half of that, elsewhere there is no limit here. */
uint64_t ledger_most_left_out(const struct ledger *l, size_t probes);
/* Notes how many births came before a window was read, and while it was read: those cost as much.
 */
void ledger_looked(struct ledger *l, uint64_t before, uint64_t meanwhile);
/* Could every birth be recorded within the budget? Judged from a window that was open for @open_ns,
 * less the time that recording took: a program that does nothing else in the window may make births
 * at any rate without probes, and does not fit. False, too, if the target ran for only @ran_ns of
 * it and usually runs for longer, as others had the CPUs then. */
bool ledger_fits_always(const struct ledger *l, uint64_t births, uint64_t open_ns, uint64_t ran_ns);
/* Looks at how busy the target is, and counts the CPU time it used since the last look. To be
 * called before each ledger_divide(), and when a time begins that does not count. */
void ledger_look(struct ledger *l, int pid, uint64_t now_ns);
/* Charges births that probes which stay in have recorded since @from_ns. False: the probes are to
 * be taken out, as the program has begun to make more births than were saved for, or was slowed for
 * as long as two pauses. */
bool ledger_stays(struct ledger *l, uint64_t from_ns, uint64_t now_ns, uint64_t births);
/* Charges a window on births: @probes were in for @open_ns, from the first that went in to the last
 * that came out. */
void ledger_births(struct ledger *l, uint64_t now_ns, uint64_t births, uint64_t open_ns,
		   size_t probes);
/* Leaves out the time from @from_ns to @now_ns, in which nothing was watched. */
void ledger_skip(struct ledger *l, uint64_t from_ns, uint64_t now_ns);
/* The cost of all probes to the target so far, in ns. */
double ledger_spent_ns(const struct ledger *l);
struct ledger_cost ledger_cost(const struct ledger *l, uint64_t now_ns);

/* Writes that cost into a report. */
void ledger_tell(const struct ledger *l, uint64_t now_ns, struct report_process *to);

#endif

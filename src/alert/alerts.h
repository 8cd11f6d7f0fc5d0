/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rules of --alert at work: they are checked on each target, and events go to standard error, a
 * log and a hook. One thread at a time. */
#ifndef PYLEAK_ALERT_ALERTS_H
#define PYLEAK_ALERT_ALERTS_H

#include "alert/alert.h"
#include "alert/hook.h"
#include "out/event.h"
#include "report/report.h"

#define ALERTS_RULES   32
#define ALERTS_TARGETS 64

struct alerts {
	struct alert_rule rule[ALERTS_RULES];
	size_t n;
	struct alert_state state[ALERTS_TARGETS][ALERTS_RULES];
	struct helper hooks;
	int log;		   /* descriptor; -1 = none */
	bool log_failed, is_quiet; /* it was told; log and hook alone are told */
	uint64_t checked_ns;
};

/* Parses @n rules, at most ALERTS_RULES; there is neither log nor hook yet. -EINVAL with the
 * sentence: one is no rule. */
int alerts_init(const char *const *rules, size_t n, struct alerts *out);
/* Opens the log, which is appended to ("-" = standard output, NULL = none), and starts the hook
 * @hook (NULL = none). A negative errno with the sentence when one cannot be opened; -ECANCELED:
 * @is_cancelled() ended the wait for the reader of a pipe. */
int alerts_open(struct alerts *a, const char *log, const char *hook, bool (*is_cancelled)(void));
void alerts_close(struct alerts *a);

/* Is it time to check the rules again? True once a second, if there are rules. */
bool alerts_due(struct alerts *a, uint64_t now_ns);
/* Tells that the rules that fire on target number @target end, as the target does, which @why says.
 * Another process may have that number then. */
void alerts_end(struct alerts *a, size_t target, int pid, const char *comm, const char *why);
/* Steps all rules on target number @target, and tells the events. @now_ns is of clock_ns(). */
void alerts_check(struct alerts *a, size_t target, int pid, const char *comm,
		  const struct metrics *m, uint64_t now_ns);
/* Tells log and hook how a process departs from its earlier runs, as rule "baseline"; does nothing
 * where there is neither, because the report says it. */
void alerts_tell_departures(struct alerts *a, const struct report_process *p);

#endif

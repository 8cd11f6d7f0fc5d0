/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rules of --alert at work: who is told, and how. */
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
	int log; /* -1 = none */
	bool log_failed, is_quiet;
	uint64_t checked_ns;
};

/* No log, no hook yet. -EINVAL with the sentence for a rule that is none. */
int alerts_init(const char *const *rules, size_t n, struct alerts *out);
/* @log is appended to; "-" is standard output. The errno of one that cannot be written. */
int alerts_open(struct alerts *a, const char *log, const char *hook);
void alerts_close(struct alerts *a);

/* Is it time to look again? Collects hooks that have ended. */
bool alerts_due(struct alerts *a, uint64_t now_ns);
/* Another process is target number @target from now on. */
void alerts_forget(struct alerts *a, size_t target);
void alerts_check(struct alerts *a, size_t target, int pid, const char *comm,
		  const struct metrics *m, uint64_t now_ns);
/* Departures from the earlier runs go to the log and the hook, as rule "baseline". */
void alerts_tell_departures(struct alerts *a, const struct report_process *p);

#endif

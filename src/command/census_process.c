/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <math.h>
#include <time.h>

#include "command/census_process.h"
#include "heap/heap.h"
#include "memory/identity.h"
#include "memory/parts.h"
#include "memory/reads.h"

#define TAKES	    10 /* censuses within the time of --diff */
#define MIN_STEP_NS 100000000
#define NAP_NS	    50000000

static int tell(const struct census_opts *o)
{
	static const struct heap_progress at = {.doing = "until the next census"};

	return o->watch ? o->watch(&at, o->watch_ctx) : 0;
}

/* Takes censuses until the time of --diff is over. If that is ended early, those taken count. */
static int several(struct census *c, const struct proc *p, const struct census_opts *o)
{
	uint64_t begin = clock_ns(), span = (uint64_t)(o->diff_s * 1e9), end = begin + span;
	uint64_t step = span / TAKES > MIN_STEP_NS ? span / TAKES : MIN_STEP_NS, next = begin;
	const struct timespec nap = {.tv_nsec = NAP_NS};
	int err;

	for (bool first = true;; first = false) {
		err = census_take(c);
		if (err || clock_ns() >= end)
			return err == -ECANCELED && !first ? 0 : err;
		/* a long census skips steps; the last one is taken at the end */
		while (next <= clock_ns())
			next += step;
		if (next > end)
			next = end;
		while (clock_ns() < next) {
			if (tell(o))
				return 0;
			if (!proc_alive(p))
				return fail(-ESRCH, "process %d has ended", p->pid);
			nanosleep(&nap, NULL);
		}
	}
}

static int run(struct proc *t, const struct py_runtime *rt, const struct census_opts *o,
	       struct report *r, struct report_process *p)
{
	struct census *c;
	int err = census_new(rt, &c);

	if (err)
		return err;
	census_watch_by(c, o->watch, o->watch_ctx);
	err = o->diff_s > 0 ? several(c, t, o) : census_take(c);
	if (!err && o->type)
		err = census_instances(c, o->type, o->samples, o->values, r, p);
	if (!err)
		err = census_fill(c, r, p, o->diff_s > 0);
	if (!err)
		reads_add_lost(t, r, p);
	census_free(c);
	return err;
}

int census_process(struct proc *t, const struct py_runtime *rt, const struct census_opts *o,
		   struct report *r, struct report_process *p)
{
	struct proc_memory m;
	int err;

	report_process_init(p);
	identity_fill(t, rt, r, p);
	p->mode = "growth";
	p->mechanism = "none";
	p->on_s = 0;
	report_too_early(p);
	p->reason = "a census has no verdict";
	err = run(t, rt, o, r, p);
	if (!err)
		err = parts_once(rt, o->watch, o->watch_ctx, r, p);
	p->rss_bytes = !err && !proc_memory(t, &m) ? m.rss_bytes : REPORT_UNKNOWN;
	p->exited = !proc_alive(t);
	/* a process that died may have been counted in part only */
	if (err != -ECANCELED && p->exited)
		err = fail(-ESRCH, "process %d ended while its heap was read", t->pid);
	return err;
}

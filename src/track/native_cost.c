/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Meters the cost of native tracing: calls, times what one was measured to cost the target. */
#include "track/native_priv.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#define STATS_NS    500000000ull
#define METER_NS    6000000
#define METER_TIMES 2
/* Calls that come in bursts seem too many to a short look. A longer one, of a quarter of a second,
 * ends at so many calls: those of a busy program are no more than a short look meets. */
#define METER_LONG    40
#define METER_ENOUGH  64
#define METER_PROG_NS 100
/* Two sets are taken out side by side, but each in its turn: meanwhile calls meet the second one,
 * at half the cost of both. */
#define LINGERS_NS 16000000
/* The least that a call of malloc, one of free, and the code around them take. */
#define OWN_NS 100

/* Starts the kernel's own measurement of programs' run times, for half a second: it costs two clock
 * reads per run (5.8+). */
void native_cost_start(struct native *n, uint64_t now_ns)
{
	n->spec.account->counted_ns = now_ns;
	n->entries0 = n->ctl->entries;
	n->frees0 = n->ctl->frees;
	n->maps0 = n->ctl->maps;
	n->over_since_ns = 0;
	if (n->stats_fd < 0)
		n->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	n->stats_until_ns = now_ns + STATS_NS;
}

void native_cost_stop(struct native *n)
{
	close_fd(&n->stats_fd);
	n->stats_fd = -1;
}

static void measured(int fd, double *per_run)
{
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);

	if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.run_cnt >= 100)
		*per_run = (double)info.run_time_ns / (double)info.run_cnt;
}

static void stats_end(struct native *n, uint64_t now_ns)
{
	if (n->stats_fd < 0 || now_ns < n->stats_until_ns)
		return;
	measured(n->entry_fd, &n->entry_prog_ns);
	measured(n->return_fd, &n->return_prog_ns);
	native_cost_stop(n);
	log_debug("native programs: entry %.0f ns, return %.0f ns", n->entry_prog_ns,
		  n->return_prog_ns);
}

static double trap_ns(const struct native *n)
{
	double more = n->spec.account->price.event_more_ns;

	return n->libc.slow ? NATIVE_STEP_NS + 2 * more : NATIVE_HIT_NS + more;
}

static double hit_ns(const struct native *n)
{
	return trap_ns(n) + n->entry_prog_ns;
}

static double call_ns(const struct native *n)
{
	return hit_ns(n) + NATIVE_RETURN_NS + n->spec.account->price.event_more_ns +
	       n->return_prog_ns;
}

double native_pair_ns(const struct native *n)
{
	return call_ns(n) + hit_ns(n);
}

/* Accounts for calls that met probes which have nothing to record any more. */
static void lingered(struct native *n)
{
	uint64_t met = n->ctl->unrecorded;

	account_lingered(n->spec.account, (double)(met - n->unrecorded0) * trap_ns(n));
	n->unrecorded0 = met;
}

void native_cost_update(struct native *n, uint64_t now_ns)
{
	uint64_t entries = n->ctl->entries, frees = n->ctl->frees, maps = n->ctl->maps;
	double span = (double)(now_ns - n->spec.account->counted_ns), cost;

	stats_end(n, now_ns);
	lingered(n);
	if (span < 1e6)
		return;
	cost = (double)(maps - n->maps0) * native_pair_ns(n);
	if (n->state == NATIVE_EXACT) {
		cost += (double)(entries - n->entries0) * call_ns(n) +
			(double)(frees - n->frees0) * hit_ns(n);
		n->rate = (double)(entries - n->entries0) * 1e9 / span;
	}
	account_count(n->spec.account, now_ns, cost);
	n->entries0 = entries;
	n->frees0 = frees;
	n->maps0 = maps;
}

/* The rate without metering, which slows a busy target: 1 / rate = 1 / seen - cost of one. */
static double true_rate(const struct native *n, double seen_per_s)
{
	double busy = seen_per_s * (trap_ns(n) + METER_PROG_NS) / 1e9;

	return busy > 0.9 ? seen_per_s * 10 : seen_per_s / (1 - busy);
}

/* Counts calls for as many times METER_NS as @most says, or until there are enough of them. */
static int meter(struct native *n, int most, double *calls, double *span)
{
	struct timespec wait = {0, METER_NS};
	uint64_t from_ns, before;
	int err = probe_set_warm(n->set[SET_METER]);

	if (!err)
		err = probe_set_insist(n->set[SET_METER]);
	if (err)
		return err;
	before = n->ctl->metered;
	from_ns = clock_ns();
	for (int i = 0; i < most && (!i || n->ctl->metered - before < METER_ENOUGH); i++)
		nanosleep(&wait, NULL);
	*calls += (double)(n->ctl->metered - before);
	*span += (double)(clock_ns() - from_ns);
	probe_set_off(n->set[SET_METER]);
	return 0;
}

int native_meter(struct native *n, double few_per_s, double *per_s)
{
	double calls = 0, span = 0;
	int err = 0;

	for (int i = 0; !err && i < METER_TIMES; i++)
		err = meter(n, 1, &calls, &span);
	if (!err && calls < METER_ENOUGH && true_rate(n, calls * 1e9 / span) > few_per_s)
		err = meter(n, METER_LONG, &calls, &span);
	if (err)
		return err;
	account_saw(n->spec.account, (uint64_t)calls);
	account_charge(n->spec.account, calls * (trap_ns(n) + METER_PROG_NS));
	*per_s = true_rate(n, calls * 1e9 / span);
	return 0;
}

void native_cost_refused(const struct native *n)
{
	account_planted(n->spec.account, probe_set_sites_in(n->set[SET_HEAP_ENTRY]) +
						 probe_set_sites_in(n->set[SET_HEAP_RETURN]));
}

void native_cost_window(struct native *n, uint64_t calls, uint64_t open_ns, uint64_t ran_ns)
{
	struct native_burst *b = &n->burst;
	struct account *a = n->spec.account;
	double cost = (double)calls * native_pair_ns(n);

	account_saw(a, calls);
	n->rate = (double)calls * 1e9 / (double)open_ns;
	/* Exact tracing has room if calls cost half of what it may, in many windows in a row. A
	 * window in which the target was stopped, or got no CPU, says nothing. */
	if (n->rate * native_pair_ns(n) / 1e9 >= a->stays / 2)
		b->calm_windows = 0;
	else if (ran_ns)
		b->calm_windows++;
	b->windows++;
	if (cost > (double)open_ns)
		cost = (double)open_ns;
	a->lingers_ns = cost / (double)open_ns * LINGERS_NS / 2;
	cost += a->lingers_ns;
	cost += account_planting_ns(a,
				    n->set_sites[SET_HEAP_ENTRY] + n->set_sites[SET_HEAP_RETURN]);
	account_window(a, clock_ns(), cost);
}

double native_cost_most(const struct native *n, uint64_t calls, uint64_t open_ns)
{
	double own = (double)open_ns - (double)calls * native_pair_ns(n);

	return 1e9 / fmin(fmax(own, (double)calls * OWN_NS), (double)open_ns);
}

void native_cost_tail(struct native *n, uint64_t calls)
{
	account_lingered(n->spec.account, (double)calls * native_pair_ns(n));
}

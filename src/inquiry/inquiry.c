/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "inquiry/inquiry.h"

#include <stdio.h>
#include <unistd.h>

#include "memory/view.h"
#include "proc/limits.h"

#define MAX_NS	   240000000000ull /* for one search, of two readings where some seem lost */
#define QUICK_NS   500000000ull	   /* CPU time that a search takes without rests */
#define MIN_BLOCKS (1ull << 20)
#define MAX_BLOCKS (64ull << 20)
/* a search takes one part in so many of the memory that is free, here or in our cgroup */
#define ROOM_SHARE 4
#define MAX_PATHS  4
#define BLOCK_COST 24 /* bytes of our memory per block while a question is answered */

uint64_t inquiry_max_blocks(unsigned share)
{
	struct proc_limit v[PROC_LIMITS];
	uint64_t left = PROC_UNKNOWN;
	struct proc_memory m;
	struct proc_cgroup cg;
	struct proc *self;
	size_t n;

	if (proc_open(getpid(), &self))
		return 0;
	proc_cgroup(self, &cg);
	n = proc_memory(self, &m) ? 0 : proc_limits(self, &m, &cg, v);
	for (size_t i = 0; i < n; i++)
		left = v[i].left_low < left ? v[i].left_low : left;
	proc_close(self);
	return left == PROC_UNKNOWN ? 0 : left / share / BLOCK_COST + 1;
}

static uint64_t max_blocks(void)
{
	uint64_t n = inquiry_max_blocks(ROOM_SHARE);

	return n < MIN_BLOCKS ? MIN_BLOCKS : n > MAX_BLOCKS ? MAX_BLOCKS : n;
}

static bool rest(void *ctx, uint64_t ns)
{
	return worker_sleep(ctx, ns);
}

static int ask(struct inquiry *in)
{
	const struct why_opts o = {.max_paths = MAX_PATHS,
				   .watch_s = HOLDER_WATCH_S,
				   .rest = rest,
				   .rest_ctx = &in->worker,
				   .max_blocks = max_blocks()};
	struct why_query q[INQUIRY_SITES] = {0};
	struct view v;
	int err;

	for (size_t i = 0; i < in->n_q; i++)
		q[i] = (struct why_query){NULL, in->q[i].addr, in->q[i].n};
	err = view_open(&v, in->pid, in->start_ticks, &in->worker);
	if (!err)
		err = heap_why(v.heap, q, in->n_q, &o, &in->answer, &in->stats);
	if (err == -ETIME)
		fail(err, "its heap is too big to be followed in time");
	snprintf(in->sentence, sizeof(in->sentence), "%s", err ? fail_text() : "");
	view_close(&v);
	return err;
}

static void work(void *arg)
{
	struct inquiry *in = arg;

	in->err = ask(in);
	in->cost_ns = thread_cpu_ns();
	in->ended_ns = clock_ns();
}

struct question *inquiry_question(struct inquiry *in, const char *id, enum report_kind kind)
{
	struct question *q = &in->q[in->n_q++];

	*q = (struct question){.kind = kind};
	memcpy(q->id, id, sizeof(q->id));
	return q;
}

bool question_take(struct question *q, uint64_t addr, uint64_t born_ns)
{
	const size_t young = INQUIRY_ADDR - INQUIRY_OLDEST;

	if (q->n < INQUIRY_ADDR)
		q->addr[q->n++] = addr;
	else if (q->since_ns)
		q->addr[INQUIRY_OLDEST + q->later++ % young] = addr;
	else
		return false;
	if (born_ns > q->youngest_ns)
		q->youngest_ns = born_ns;
	q->n_since += q->since_ns && born_ns >= q->since_ns && q->n_since < young;
	return true;
}

bool inquiry_start(struct inquiry *in, int pid, uint64_t start_ticks)
{
	in->pid = pid;
	in->start_ticks = start_ticks;
	in->worker = (struct worker){
		.job = work, .arg = in, .quick_ns = QUICK_NS, .deadline_ns = clock_ns() + MAX_NS};
	in->running = !worker_start(&in->worker);
	return in->running;
}

bool inquiry_is_done(struct inquiry *in)
{
	return worker_is_done(&in->worker);
}

bool inquiry_await(struct inquiry *in, uint64_t wait_ns)
{
	return worker_await(&in->worker, wait_ns);
}

void inquiry_join(struct inquiry *in)
{
	in->running = !worker_join(&in->worker, 0);
}

bool inquiry_stop(struct inquiry *in)
{
	in->running = !worker_stop(&in->worker, 0);
	return !in->running;
}

void inquiry_forget(struct inquiry *in)
{
	why_free(in->answer, in->n_q);
	in->answer = NULL;
}

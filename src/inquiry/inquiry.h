/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks the heap what holds some objects, on a thread of its own with its own view of the process:
 * reading a big heap takes seconds, and windows do not wait. */
#ifndef PYLEAK_INQUIRY_INQUIRY_H
#define PYLEAK_INQUIRY_INQUIRY_H

#include "base/fit.h"
#include "base/worker.h"
#include "evidence/holder_fact.h"
#include "why/why.h"

#define INQUIRY_SITES	16
#define INQUIRY_ADDR	256
#define INQUIRY_OLDEST	64 /* the oldest objects of a question that asks for the youngest, too */
#define QUESTION_STACKS 16

/* One question: what holds these objects, which are survivors of one site? */
struct question {
	char id[17];
	enum report_kind kind;
	uint64_t min_age_ns;
	uint64_t addr[INQUIRY_ADDR];
	size_t n;
	/* 0: only the oldest objects are asked for, which are the likeliest to stay. Else the
	 * youngest, too, to see where objects go: n_since were born since then. */
	uint64_t since_ns;
	size_t later, n_since;
	uint64_t youngest_ns;
	uint64_t stack[QUESTION_STACKS]; /* stacks of these objects, as far as there is room */
	size_t n_stacks;
	/* Birth and size of the first of them, oldest first. */
	double born_s[FIT_POINTS], bytes[FIT_POINTS];
	size_t n_sizes;
};

/* Blocks for which there is room in one @share'th of the memory that this machine, our cgroup or a
 * limit of ours has left. 0 = not known. */
uint64_t inquiry_max_blocks(unsigned share);

struct inquiry {
	struct question q[INQUIRY_SITES];
	size_t n_q;
	bool running; /* there is a thread to be joined */

	/* After inquiry_join(): one answer for each question, unless @err. */
	struct why_answer *answer;
	struct why_stats stats;
	int err;
	char sentence[200]; /* says why it failed */
	uint64_t cost_ns;   /* CPU time it took */
	uint64_t ended_ns;

	int pid;
	uint64_t start_ticks; /* with pid: identifies the process */
	struct worker worker;
};

/* Adds a question about the site @id; the caller knows that there is room. */
struct question *inquiry_question(struct inquiry *in, const char *id, enum report_kind kind);
/* Adds an object; they come by age. False: it has enough older ones. */
bool question_take(struct question *q, uint64_t addr, uint64_t born_ns);
/* Starts the search. False: there is no thread for it. */
bool inquiry_start(struct inquiry *in, int pid, uint64_t start_ticks);
bool inquiry_is_done(struct inquiry *in);
/* Waits up to @wait_ns until it is done. */
bool inquiry_await(struct inquiry *in, uint64_t wait_ns);
/* Ends the thread of a search that is done: the answers can be read. */
void inquiry_join(struct inquiry *in);
/* Ends a search that nobody waits for. False: its thread is in a system call that does not return;
 * it runs on, and what it uses must stay. */
bool inquiry_stop(struct inquiry *in);
void inquiry_forget(struct inquiry *in); /* frees the answers */

#endif

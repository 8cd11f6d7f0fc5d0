/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Some questions to the heap, asked together on a thread of its own with its own view of the
 * process: reading the heap takes seconds where it is big, and windows do not wait. */
#ifndef PYLEAK_INQUIRY_INQUIRY_H
#define PYLEAK_INQUIRY_INQUIRY_H

#include "base/fit.h"
#include "base/worker.h"
#include "judge/holder_fact.h"
#include "why/why.h"

#define INQUIRY_SITES	16
#define INQUIRY_ADDR	256
#define INQUIRY_OLDEST	64 /* of them, where the youngest are asked for, too */
#define QUESTION_STACKS 16

/* The question is what holds these objects, which are survivors of one site. */
struct question {
	char id[17];
	enum report_kind kind;
	uint64_t min_age_ns;
	uint64_t addr[INQUIRY_ADDR];
	size_t n;
	/* 0 = the oldest are asked for, which are the likeliest to stay; else the youngest, too:
	 * where do they go? So many of these were born since then. */
	uint64_t since_ns;
	size_t later, n_since;
	uint64_t youngest_ns;
	uint64_t stack[QUESTION_STACKS]; /* of these objects, as far as there is room */
	size_t n_stacks;
	/* The first of them, oldest first: when they were born, and what they took. */
	double born_s[FIT_POINTS], bytes[FIT_POINTS];
	size_t n_sizes;
};

/* Blocks for which there is room in one @share'th of the memory that this machine, our cgroup or a
 * limit of ours has left. 0 = not known. */
uint64_t inquiry_max_blocks(unsigned share);

struct inquiry {
	struct question q[INQUIRY_SITES];
	size_t n_q;
	bool running; /* a thread is there to be joined */

	/* After inquiry_join(): one answer for each question, unless @err. */
	struct why_answer *answer;
	struct why_stats stats;
	int err;
	char sentence[200]; /* of its failure */
	uint64_t cost_ns;   /* CPU time it took */
	uint64_t ended_ns;

	int pid;
	uint64_t start_ticks; /* with pid: the identity */
	struct worker worker;
};

/* One more, about the site @id: there is room for it. */
struct question *inquiry_question(struct inquiry *in, const char *id, enum report_kind kind);
/* One more of its objects, which come by age. False: it has older ones enough. */
bool question_take(struct question *q, uint64_t addr, uint64_t born_ns);
/* Asks its questions. False: no thread for it. */
bool inquiry_start(struct inquiry *in, int pid, uint64_t start_ticks);
bool inquiry_is_done(struct inquiry *in);
/* Waits up to @wait_ns for that. */
bool inquiry_await(struct inquiry *in, uint64_t wait_ns);
/* It is done: its answers can be read. */
void inquiry_join(struct inquiry *in);
/* Nobody wants to know any more. False: it is in a system call that does not return; it runs on,
 * and what it uses must stay. */
bool inquiry_stop(struct inquiry *in);
void inquiry_forget(struct inquiry *in); /* the answers */

#endif

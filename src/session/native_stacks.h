/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Native stacks of a session, and how they join with those of Python. */
#ifndef PYLEAK_NATIVE_STACKS_H
#define PYLEAK_NATIVE_STACKS_H

#include "report/report.h"
#include "sym/sym.h"
#include "track/native.h"
#include "track/stacks.h"

struct session;
struct native_stacks;

/* As struct sym_pc, but thousands of stacks are kept. */
struct native_frame {
	uint64_t addr;
	int32_t file;
	bool is_eval; /* code of the evaluator: stands for Python frames */
};

struct native_stack {
	bool is_whole;
	bool is_cut; /* it ends in code that is in no file: its library was unloaded meanwhile */
	uint32_t n;
	struct native_frame frame[]; /* innermost first */
};

int native_stacks_open(struct session *s, struct native_stacks **out);
void native_stacks_close(struct native_stacks *n);
/* Unwind what has come, allow the kernel half some more. */
void native_stacks_poll(struct native_stacks *n, struct session *s);
/* The way through C code by which most of what lives on was made, NULL when nothing is known, and
 * its share: 1 where there is no other. */
const struct native_stack *native_stacks_find(const struct native_stacks *n, uint64_t stack,
					      uint64_t caller);
double native_stacks_share(const struct native_stacks *n, uint64_t stack, uint64_t caller);
struct sym *native_stacks_sym(const struct native_stacks *n);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which bytes of a file are to be probed: pure functions of its code, tested without a process. */
#ifndef PYLEAK_PLACES_H
#define PYLEAK_PLACES_H

#include "dso/dso.h"
#include "py/py.h"
#include "pyleak/abi.h"

struct places_point {
	uint64_t addr;	 /* in the file, before bias */
	uint64_t offset; /* in the file */
	struct pl_site site;
};

struct places {
	struct places_point *v;
	size_t n;
};
void places_free(struct places *p);

struct places_births_report { /* what the finder saw, for -v and for tests */
	uint64_t word;	      /* address of the word tested at every birth */
	bool tracer;	      /* 8-byte tracer pointer (3.13+) instead of the 4-byte flag */
	size_t tests, births, deaths, other, slow_refs, uncovered;
	size_t lost; /* reads of the word whose use is not clear */
};

/* Every place in @d where an object comes to life. Refuses (-ENOTSUP, with the reason) whenever
 * the set may be incomplete: an unseen birth site makes false lines. For 3.8 what makes objects
 * itself is passed file by file. Relocations are loaded for it, and forgotten. */
int places_find_births(struct dso *d, int minor, struct places *out,
		       struct places_births_report *report);

/* 3.8: the file of row @m of @proc, if it makes objects itself: *out is NULL where it does not. A
 * library that imports the word tested there does; so does a program, which may have a copy of it.
 */
int places_open_module(const struct proc *proc, const struct proc_map *m, struct dso **out,
		       uint64_t *bias);
/* The row of @proc that the first of @p is in; NULL: there are none. Probes are in the file:
 * -ENOTSUP, with the reason, where code of @d at @bias is not in it any more, as after a move to
 * huge pages. */
int places_row(const struct places *p, const struct dso *d, const struct proc *proc, uint64_t bias,
	       const struct proc_map **out);

/* A byte in the entry of function @name where all argument registers in @args_mask (bit n = x86
 * register n) still hold, or are copied in, known registers, on an instruction the kernel
 * emulates. want_return: a place where rsp is still the entry's. site.reg is the register of the
 * first argument asked for; *second gets that of the second (or -1). */
int places_find_entry(const struct dso *d, const char *name, uint32_t args_mask, bool want_return,
		      struct places_point *out, int *second);
/* The same where @addr, before bias, was read from a process, which may have anything there:
 * -ENOENT unless the table of frames has a function begin at it. @name is for people. */
int places_find_entry_at(const struct dso *d, uint64_t addr, const char *name, uint32_t args_mask,
			 struct places_point *out);

/* Are the evaluator's instructions functions that jump to each other? */
enum py_fact places_tail_calls(const struct py_runtime *rt);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the bytes of a file that are to be probed, from its code alone: most of it is tested
 * without a process. Addresses are those of the file, before bias, where nothing else is said.
 * Functions return 0 or a negative errno, with the sentence, and keep no state. */
#ifndef PYLEAK_PLACES_H
#define PYLEAK_PLACES_H

#include "dso/dso.h"
#include "py/py.h"
#include "pyleak/abi.h"

struct places_point {
	uint64_t addr;	 /* before bias */
	uint64_t offset; /* bytes from the start of the file */
	struct pl_site site;
};

struct places {
	struct places_point *v;
	size_t n;
};
void places_free(struct places *p);

struct places_births_report { /* counts of the finder, for -v and for tests */
	uint64_t word;	      /* address of the word tested at every birth */
	bool tracer;	      /* 8-byte tracer pointer (3.13+) instead of the 4-byte flag */
	size_t tests, births, deaths, other, slow_refs, uncovered;
	size_t lost; /* reads of the word whose use is not clear */
};

/* Finds every place in @d where an object comes to life. Refuses (-ENOTSUP, with the reason)
 * whenever the set may be incomplete: an unseen birth site makes false lines. For 3.8 it is called
 * for each file that makes objects itself. Loads the relocations of @d, and forgets them. */
int places_find_births(struct dso *d, int minor, struct places *out,
		       struct places_births_report *report);

/* 3.8: opens the file of row @m of @proc, if it makes objects itself; *out is NULL if it does not.
 * A library makes objects if it imports the word tested at births; a program does, too, if it has
 * the word itself, as a copy relocation gives it one. */
int places_open_module(const struct proc *proc, const struct proc_map *m, struct dso **out,
		       uint64_t *bias);
/* Gives the row of @proc that the first of @p is in; NULL: @p is empty. A probe is put into a file:
 * -ENOTSUP, with the reason, where the process runs code of @d at @bias from other memory, as after
 * a move to huge pages. */
int places_row(const struct places *p, const struct dso *d, const struct proc *proc, uint64_t bias,
	       const struct proc_map **out);

/* Finds an instruction in the entry of function @name that the kernel emulates, and where all
 * arguments in @args_mask (bit n = x86 register n) are still in known registers. @want_return: rsp
 * must be as at the entry. site.reg is the register of the first argument asked for; *second gets
 * that of the second (or -1). -ENOENT: no such function; -ENOTSUP: no such place. */
int places_find_entry(const struct dso *d, const char *name, uint32_t args_mask, bool want_return,
		      struct places_point *out, int *second);
/* Does the same for the function at @addr, which was read from a process and may be anything:
 * -ENOENT unless a function begins there by the table of frames. @name is for messages. */
int places_find_entry_at(const struct dso *d, uint64_t addr, const char *name, uint32_t args_mask,
			 struct places_point *out);

/* Are the evaluator's instructions functions that jump to each other? */
enum py_fact places_tail_calls(const struct py_runtime *rt);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Types and functions that the files of this room share. */
#ifndef PYLEAK_SYM_PRIV_H
#define PYLEAK_SYM_PRIV_H

#include "base/map64.h"
#include "sym/sym.h"

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#define SYM_MAX_INLINED 16
#define SYM_DEBUG_MAX	(256u << 20) /* bytes: larger debug files are not read */

struct sym_names_of {
	struct sym_frame v[SYM_MAX_INLINED + 1];
	size_t n;
	bool is_known_asked; /* sym_name_known() has looked for a name */
};

/* How far the servers of DEBUGINFOD_URLS have been asked for a file's debug information. */
enum sym_asked { SYM_NOT_ASKED, SYM_WANTED, SYM_ASKED, SYM_ANSWERED };

struct sym_known {
	char *name, *module;
	bool is_ambiguous;
};

/* One ELF file, as often as it is mapped. */
struct sym_file {
	char *path; /* as the process calls it */
	uint64_t inode;
	uint32_t dev;
	const struct proc *proc; /* its root is searched for separate debug files */
	struct dso *dso;	 /* NULL: it could not be opened */
	bool is_refused_for_now; /* ... for a reason that may pass: tried again with new maps */
	struct dso *mini;	 /* .gnu_debugdata */
	struct dso *symbols;	 /* a separate debug file, read for symbols alone (no_lines) */
	bool tried_symbols, tried_eh, tried_debug, tried_dwarf, tried_mini, has_shared;
	bool has_known;	       /* sym_know() has named functions in it */
	bool no_lines;	       /* set for files that sym_leave_lines() means */
	bool slow_lines;       /* a search for a line took too long: there is no other */
	Dwarf_CFI *eh, *debug; /* we free eh; debug belongs to dwarf */
	struct dso *whole;     /* the file by a handle of its own, for what follows */
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf *dwarf;	    /* belongs to module */
	uint64_t asked_ns;  /* when dwarf or symbols were last asked for */
	struct map64 names; /* address -> struct sym_names_of * */
	enum sym_asked asked;
	int served; /* a descriptor, -1 = the servers have none; valid in SYM_ANSWERED */
};

#define SYM_MAX_FILES	 2048
#define SYM_FILE_NONE	 (-1)
#define SYM_FILE_UNKNOWN (-2) /* the row's file was not looked for yet */

struct sym {
	struct proc view; /* with our copy of the maps: others point into the original */
	int32_t *file_of; /* index of file[], or SYM_FILE_*, for each row of the maps */
	struct sym_file *file[SYM_MAX_FILES];
	size_t n_files;
	uint64_t read_ns;	     /* when the maps were read; 0 = not yet */
	struct sym_names_of nowhere; /* the frame of an address in no file */
	VEC(struct sym_known) known;
	int callers_asked;	/* searches for callers so far, of MOST_ASKED */
	const char *no_lines;	/* path given to sym_leave_lines(), or NULL */
	struct map64 known_at;	/* file and address -> index of known + 1 */
	void (*ask)(void *ctx); /* NULL: no source is set, or it was asked */
	void *ask_ctx;
	uint64_t opened_ns;
	struct sym_stats stats;
};

/* Finds the file of an address in the process, and the address in it. False: the address is in no
 * file that can be read; @out->file is SYM_FILE_NONE then. */
bool sym_locate(struct sym *s, uint64_t pc, struct sym_pc *out);
bool sym_is_code(struct sym *s, uint64_t pc);
/* Reads the maps again when they are older than a second. */
void sym_refresh(struct sym *s);

/* file.c */
int sym_file_open(const struct proc *p, const struct proc_map *m, struct sym_file **out);
/* Opens the ELF file of @f, if that is possible now. */
void sym_file_try(struct sym_file *f, const struct proc_map *m);
void sym_file_close(struct sym_file *f);
/* Is the file open, and does its storage answer? Else nothing may be read of it now: what is asked
 * for is "don't know", and will be asked for again. */
bool sym_file_answers(const struct sym_file *f);
/* Call frame information of the loaded file, and of its debug information; NULL = none. */
Dwarf_CFI *sym_file_cfi(struct sym_file *f);
Dwarf_CFI *sym_file_debug_cfi(struct sym_file *f);
/* Debug information, which the first call looks for; NULL = none. */
Dwarf *sym_file_dwarf(struct sym_file *f);
/* Frees debug information that was not asked for in 10 s, unless unwinding uses it. True: it was
 * freed. */
bool sym_file_rest(struct sym_file *f, uint64_t now_ns);
/* Forgets names and debug information, because more has been found: both are read anew. */
void sym_file_renew(struct sym_file *f);
/* The symbols of .gnu_debugdata; NULL = none. */
struct dso *sym_file_mini(struct sym_file *f);

/* debug.c: returns a descriptor of the separate debug file in the process's root, -1 = none. @link
 * and @sum are those of .gnu_debuglink; @link is NULL when there is none. */
int sym_debug_find(const struct sym_file *f, const char *link, uint32_t sum);
/* The same for the file that several debug files share, by its path in .gnu_debugaltlink. */
int sym_debug_shared(const struct sym_file *f, const char *name);
/* servers.c: returns a descriptor of the debug file by build id; -1: the servers have none, or have
 * not answered. The first call marks it as wanted; sym_hear() asks and takes the answer. */
int sym_servers_find(struct sym_file *f);
/* Forgets a file that is about to be closed. */
void sym_servers_forget(struct sym_file *f);
/* Have the servers failed to answer in time, for any process, since @s was opened? Then nothing
 * more is asked for @s. */
bool sym_servers_are_silent(const struct sym *s);
/* Would debug information take more than @max bytes once it is unpacked? It is not read then. */
bool sym_debug_too_large(const struct dso *d, uint64_t max);

/* lines.c: finds inlined functions and lines at @addr. Returns how many frames of @out were filled,
 * 0 when there is no debug information for it. The last frame is the function itself. */
size_t sym_lines(struct sym_file *f, uint64_t addr, struct sym_frame *out, size_t max);

/* names.c: the names of @addr, which @f keeps; NULL when memory ran out. */
const struct sym_names_of *sym_file_names(struct sym_file *f, uint64_t addr,
					  struct sym_stats *stats);

/* known.c: names the last frame of @n, at @at, if it has no name and the source of sym_ask() knows
 * one. */
void sym_name_known(struct sym *s, const struct sym_pc *at, struct sym_names_of *n);
void sym_forget_known(struct sym *s);

/* expr.c: evaluates DWARF expressions of call frame information. */
struct sym_regs {
	uint64_t v[SYM_REGS];
	uint32_t known;
};

struct sym_eval {
	const struct sym_regs *regs;
	const struct sym_copy *memory;
	uint64_t cfa;
	bool has_cfa;
	bool is_outside; /* result: the expression wanted memory that the copy lacks */
};

bool sym_read_word(const struct sym_copy *c, uint64_t addr, uint64_t *out);
/* Evaluates an expression. With @as_location, its result is an address whose word is read into
 * @out, unless the expression itself names a register or a value. False: it cannot be evaluated. */
bool sym_eval(struct sym_eval *e, const Dwarf_Op *ops, size_t n, bool as_location, uint64_t *out);

#endif

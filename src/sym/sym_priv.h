/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The files of this room share this. */
#ifndef PYLEAK_SYM_PRIV_H
#define PYLEAK_SYM_PRIV_H

#include "base/map64.h"
#include "sym/sym.h"

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#define SYM_MAX_INLINED 16
#define SYM_DEBUG_MAX	(256u << 20) /* a debug file larger than this is left alone */

struct sym_names_of {
	struct sym_frame v[SYM_MAX_INLINED + 1];
	size_t n;
	bool is_known_asked; /* sym_name_known() has tried */
};

/* Have the servers of DEBUGINFOD_URLS been asked for a file's debug information? */
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
	const struct proc *proc; /* among whose files its separate debug information may be */
	struct dso *dso;	 /* NULL: could not be opened */
	struct dso *mini;	 /* .gnu_debugdata */
	struct dso *symbols;	 /* of a separate debug file, where no_lines */
	bool tried_symbols, tried_eh, tried_debug, tried_dwarf, tried_mini, has_shared;
	bool has_known;	       /* sym_know() was told of functions in it */
	bool no_lines;	       /* sym_leave_lines() */
	Dwarf_CFI *eh, *debug; /* eh is ours, debug belongs to dwarf */
	struct dso *whole;     /* only for debug information, as these: by a handle of its own */
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf *dwarf;	    /* belongs to module */
	uint64_t asked_ns;  /* when that was last asked for */
	struct map64 names; /* address -> struct sym_names_of * */
	enum sym_asked asked;
	int served; /* when they have answered: a descriptor, -1 = they have none */
};

#define SYM_MAX_FILES	 2048
#define SYM_FILE_NONE	 (-1)
#define SYM_FILE_UNKNOWN (-2) /* not looked at yet */

struct sym {
	struct proc view; /* the process with maps of our own: others hold pointers into its */
	int32_t *file_of; /* of each row of the maps */
	struct sym_file *file[SYM_MAX_FILES];
	size_t n_files;
	uint64_t read_ns; /* when the maps were read */
	struct sym_names_of nowhere;
	VEC(struct sym_known) known;
	int callers_asked;
	const char *no_lines;	/* sym_leave_lines(), or NULL */
	struct map64 known_at;	/* file and address -> place + 1 */
	void (*ask)(void *ctx); /* NULL: nobody, or done */
	void *ask_ctx;
	uint64_t opened_ns;
	struct sym_stats stats;
};

/* The file and address of a run-time address. False: in no file that can be read. */
bool sym_locate(struct sym *s, uint64_t pc, struct sym_pc *out);
bool sym_is_code(struct sym *s, uint64_t pc);
/* Read the maps again when they are older than what was copied may be. */
void sym_refresh(struct sym *s);

/* file.c */
int sym_file_open(const struct proc *p, const struct proc_map *m, struct sym_file **out);
void sym_file_close(struct sym_file *f);
/* Call frame information: of the loaded file, and of its debug information; NULL = none. */
Dwarf_CFI *sym_file_cfi(struct sym_file *f);
Dwarf_CFI *sym_file_debug_cfi(struct sym_file *f);
/* Debug information, looked for when first asked; NULL = none. */
Dwarf *sym_file_dwarf(struct sym_file *f);
/* It is given back when it has not been asked for of late, but for what unwinding needs. True: it
 * was. */
bool sym_file_rest(struct sym_file *f, uint64_t now_ns);
/* There is more to be found out than there was: names are looked up anew. */
void sym_file_renew(struct sym_file *f);
/* The symbols of .gnu_debugdata, NULL = none. */
struct dso *sym_file_mini(struct sym_file *f);

/* debug.c: a descriptor of the separate debug file in the process's root, -1 = none. @link, @sum:
 * of .gnu_debuglink, or NULL. */
int sym_debug_find(const struct sym_file *f, const char *link, uint32_t sum);
/* The file that several debug files share, by the name in .gnu_debugaltlink. */
int sym_debug_shared(const struct sym_file *f, const char *name);
/* servers.c: by build id from the servers of DEBUGINFOD_URLS, -1 = none, or none yet: the first
 * call has them asked, sym_hear() has the answer. */
int sym_servers_find(struct sym_file *f);
/* The file is closed. */
void sym_servers_forget(struct sym_file *f);
/* Did they not answer in time, whomever, since @s was opened? Then nothing more is asked for it. */
bool sym_servers_are_silent(const struct sym *s);
/* Debug information that would fill our memory once it is unpacked is left alone. */
bool sym_debug_too_large(const struct dso *d, uint64_t max);

/* lines.c: inlined functions and lines at @addr; returns how many frames of @out were filled, 0
 * when there is no debug information for it. The last is the function itself. */
size_t sym_lines(struct sym_file *f, uint64_t addr, struct sym_frame *out, size_t max);

/* names.c */
const struct sym_names_of *sym_file_names(struct sym_file *f, uint64_t addr,
					  struct sym_stats *stats);

/* known.c: a name for the last of @n, at @at, when it has none and somebody knows one. */
void sym_name_known(struct sym *s, const struct sym_pc *at, struct sym_names_of *n);
void sym_forget_known(struct sym *s);

/* expr.c: DWARF expressions of call frame information. */
struct sym_regs {
	uint64_t v[SYM_REGS];
	uint32_t known;
};

struct sym_eval {
	const struct sym_regs *regs;
	const struct sym_copy *memory;
	uint64_t cfa;
	bool has_cfa;
	bool is_outside; /* out: memory was wanted that the copy does not have */
};

bool sym_read_word(const struct sym_copy *c, uint64_t addr, uint64_t *out);
/* Evaluate; when @as_location, the value is that of the memory the result points at unless the
 * expression says otherwise. */
bool sym_eval(struct sym_eval *e, const Dwarf_Op *ops, size_t n, bool as_location, uint64_t *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Native frames of one process: a copied stack becomes addresses in files, and those become names.
 * The source is the process's maps and ELF files, and their debug information. Files are opened
 * when their code is first met and stay open, so that names can be had after the process has ended.
 * All that is read may be forged: what makes no sense is "don't know". One thread at a time;
 * functions that can fail return a negative errno and leave the sentence with fail().
 */
#ifndef PYLEAK_SYM_H
#define PYLEAK_SYM_H

#include "dso/dso.h"
#include "proc/proc.h"

#define SYM_MAX_FRAMES 96
#define SYM_REGS       17 /* in DWARF order; the last is the instruction pointer */

enum sym_reg {
	SYM_RBX = 3,
	SYM_RBP = 6,
	SYM_RSP = 7,
	SYM_R12 = 12,
	SYM_R13 = 13,
	SYM_R14 = 14,
	SYM_R15 = 15,
	SYM_RIP = 16
};

struct sym;

/* If DEBUGINFOD_URLS is set, starts a process that asks the servers named there for debug
 * information that is not found here. Call it before there are threads. Time and size are bounded
 * where the user has set no bounds. @confine gives up the rights of that process; NULL: it keeps
 * them. */
int sym_servers_start(int (*confine)(void));
void sym_servers_stop(void);

/* @p must outlive @s. -ENOMEM with the sentence. */
int sym_open(const struct proc *p, struct sym **out);
void sym_close(struct sym *s);
/* Leaves out source lines for the file @path and the C library, because names are enough there:
 * their debug information is read only for addresses without a symbol. @path must outlive @s. */
void sym_leave_lines(struct sym *s, const char *path);

/* A copied stack: registers at one instruction, and @len bytes of memory from @start on. */
struct sym_copy {
	uint64_t reg[SYM_REGS];
	uint32_t known; /* bit n: reg[n] is known; rsp and rip must be */
	uint64_t start;
	const uint8_t *data;
	size_t len;
	bool is_caller; /* rip is a return address */
};

/* The place of a frame. In a caller, the address lies inside the call instruction. */
struct sym_pc {
	uint64_t pc;   /* in the process */
	uint64_t addr; /* in the file, as its ELF headers count; in no file as pc */
	int32_t file;  /* -1: none */
};

enum sym_end {
	SYM_END_OUTERMOST, /* the stack is complete */
	SYM_END_COPY,	   /* the copy ends earlier than the stack */
	SYM_END_NO_CFI,	   /* code without unwind information */
	SYM_END_NO_FILE,   /* generated code, or the file cannot be read */
	SYM_END_BROKEN,	   /* what was read makes no sense */
	SYM_END_LONG,	   /* more than @max frames */
};
const char *sym_end_name(enum sym_end e);

/* Unwinds @c into @out, innermost frame first, and says in @end why it stopped. Returns the number
 * of frames, at most @max. Reads the maps again when they are older than a second. */
size_t sym_unwind(struct sym *s, const struct sym_copy *c, struct sym_pc *out, size_t max,
		  enum sym_end *end);

struct sym_frame {
	const char *function; /* NULL = unknown */
	const char *module;   /* its path as the process calls it; "" in no file */
	const char *build_id; /* of the module, in hex; NULL = it has none */
	const char *file;     /* source file, NULL = unknown */
	int line;	      /* 0 = unknown */
	uint64_t addr;	      /* in the module, as addr2line takes it; in no file as pc */
	bool is_inlined;      /* its code is inlined in the next frame's function */
};

/* Finds the names of one address, inlined functions first. They are kept, so that a second call
 * costs nothing. Strings live until the next sym_hear() of any process, @out until the next call.
 * Returns the number of frames, at least 1. */
size_t sym_names(struct sym *s, const struct sym_pc *pc, const struct sym_frame **out);

/* Takes debug information that servers have sent, for any process, and asks them for what @s lacks.
 * Waits for it until @until_ns of clock_ns(), and then asks no more for the processes that are
 * open; with 0 it does not wait. True: debug information has come, so names found before may now be
 * better. */
bool sym_hear(struct sym *s, uint64_t until_ns);

/* Frees what was read of files to find names: their code, and debug information that was not used
 * for 10 s (17 MB for CPython's own). Names that were found stay; a new one reads the file again.
 * Once the process @has_ended, debug information stays, because it could not be found again. */
void sym_rest(struct sym *s, bool has_ended);

/* Adds the name of a function that may have no symbol. @pc is where it begins, in the process;
 * @module is shown in place of its file, NULL: the file is. Strings are copied. */
void sym_know(struct sym *s, uint64_t pc, const char *name, const char *module);
/* Sets the source of such names: @ask is called once, when the first name is needed that no symbol
 * gives, and calls sym_know(). */
void sym_ask(struct sym *s, void (*ask)(void *ctx), void *ctx);

struct sym_stats {
	uint64_t stacks, frames, ends[6];		     /* ends: by enum sym_end */
	uint64_t files, files_refused, names, names_unknown; /* files_refused: not readable */
};
const struct sym_stats *sym_stats(const struct sym *s);

/* Returns a name as people write it, or a copy of @name if it is not mangled or makes no sense. The
 * caller frees it; NULL: memory ran out. */
char *sym_demangle(const char *name);

#endif

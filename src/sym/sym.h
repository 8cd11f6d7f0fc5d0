/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Native frames of one process: a copied stack becomes addresses in files, and those become names.
 * Files are opened when their code is first met and stay open, so that names can be had after the
 * process has gone. All that is read is hostile: what makes no sense is "don't know". Not
 * thread-safe.
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

/* Has the user set DEBUGINFOD_URLS? Then a process is started, before there are threads, that asks
 * the servers named there for debug information that is not found here; how long it asks and what
 * it takes is bounded where the user has set no bounds. @confine, when it is not NULL, is what that
 * process gives up first. */
int sym_servers_start(int (*confine)(void));
void sym_servers_stop(void);

int sym_open(const struct proc *p, struct sym **out);
void sym_close(struct sym *s);
/* In the file @path, which is to outlive @s, and in the C library, names are enough: debug
 * information is read for what no symbol names. */
void sym_leave_lines(struct sym *s, const char *path);

/* A stack as it was: registers at one instruction, and the memory from @start on. */
struct sym_copy {
	uint64_t reg[SYM_REGS];
	uint32_t known; /* bit n: reg[n] is known; rsp and rip must be */
	uint64_t start;
	const uint8_t *data;
	size_t len;
	bool is_caller; /* the instruction is one that a call has returned to */
};

/* Where a frame was: at @addr of a file, as the file counts its addresses. Of a caller, the address
 * is inside its call instruction. */
struct sym_pc {
	uint64_t pc;   /* at run time */
	uint64_t addr; /* 0 when in no file */
	int32_t file;  /* -1: none */
};

enum sym_end {
	SYM_END_OUTERMOST, /* all of it */
	SYM_END_COPY,	   /* the copy ends earlier than the stack */
	SYM_END_NO_CFI,	   /* code without unwind information */
	SYM_END_NO_FILE,   /* generated code, or the file cannot be read */
	SYM_END_BROKEN,	   /* what was found makes no sense */
	SYM_END_LONG,	   /* more than @max frames */
};
const char *sym_end_name(enum sym_end e);

/* Innermost first. Returns the number of frames, at most @max. Reads the maps again when they are
 * older than the copies may be. */
size_t sym_unwind(struct sym *s, const struct sym_copy *c, struct sym_pc *out, size_t max,
		  enum sym_end *end);

struct sym_frame {
	const char *function; /* NULL = unknown */
	const char *module;   /* as the process calls it; "" in no file */
	const char *build_id; /* of the file where the code is, in hex; NULL = it has none */
	const char *file;     /* source file, NULL = unknown */
	int line;	      /* 0 = unknown */
	uint64_t addr;	      /* in the module, what addr2line takes; run-time address in no file */
	bool is_inlined;      /* its code is part of the next frame's function */
};

/* The names of one address, inlined functions first. Remembered: the second time costs nothing.
 * Strings live until sym_hear(). Returns at least 1. */
size_t sym_names(struct sym *s, const struct sym_pc *pc, const struct sym_frame **out);

/* Takes what servers have sent since, for whomever, and has them asked for what @s lacks. By
 * @until_ns of clock_ns() what it has asked for is to be there, and the servers are given up then,
 * for all that is open; 0: nothing is waited for. True: names that were had before are known
 * better. */
bool sym_hear(struct sym *s, uint64_t until_ns);

/* Gives back what was read of files to find names: their code at once, and debug information in
 * which none has been looked up for a while, 17 MB of CPython's own. The names stay; a new one
 * reads it again: not the latter when the process @has_ended. */
void sym_rest(struct sym *s, bool has_ended);

/* Functions that no symbol may name, and whose names somebody else knows: @pc is where one begins,
 * at run time; @module stands for its file, NULL: the file does. Strings are copied. */
void sym_know(struct sym *s, uint64_t pc, const char *name, const char *module);
/* @ask is called once, when the first name is wanted that no symbol gives; it calls sym_know(). */
void sym_ask(struct sym *s, void (*ask)(void *ctx), void *ctx);

struct sym_stats {
	uint64_t stacks, frames, ends[6];
	uint64_t files, files_refused, names, names_unknown;
};
const struct sym_stats *sym_stats(const struct sym *s);

/* A name as people write it; the name itself when it is not mangled or makes no sense. Caller
 * frees; NULL when memory ran out. */
char *sym_demangle(const char *name);

#endif

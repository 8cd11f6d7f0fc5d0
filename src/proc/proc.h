/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One process: identity, maps, memory, files reached through its own mount namespace. It runs, or
 * it was: a snapshot file or an ELF core answers the same questions. */
#ifndef PYLEAK_PROC_H
#define PYLEAK_PROC_H

#include <stdio.h>

#include "base/base.h"

struct proc_map {
	uint64_t start, end, offset, inode;
	uint32_t dev; /* major << 20 | minor, as maps shows them */
	bool readable, writable, executable, deleted;
	const char *path; /* "" for anonymous; "[heap]" and the like as they are */
	bool shared;
};

struct proc {
	int pid;    /* as seen from here */
	int ns_pid; /* innermost pid namespace */
	int ppid;
	char comm[16];
	char **cmdline; /* NULL-terminated; none when they are not in memory */
	struct proc_map *maps;
	size_t n_maps;
	char *map_text;	      /* backs the paths */
	size_t maps_unnamed;  /* rows whose path took too much memory: "" */
	int pidfd;	      /* readable when the process has ended; -1 when the kernel has none */
	uint64_t start_ticks; /* with pid: the identity of the process (proc_age_s) */
	struct reader *reader; /* of its memory, while it runs */
	uint64_t code; /* of the file that holds its CPython (base/reading.h); 0: not known yet */
	struct proc_source *source; /* where the memory comes from when it does not run */
	struct gate *gate;	    /* what was noted for proc_open_named (gate.h) */
	bool read_swapped;	    /* bring back what was swapped out, when it is read */
};

/* Refuses with one sentence: no such process (-ESRCH), kernel thread, zombie, no permission
 * (-EPERM), a pid that is a thread of another process (said so). */
int proc_open(int pid, struct proc **out);
void proc_close(struct proc *p);

/* Are we in the initial pid namespace? Then pid 1 is the host's, whatever our own files are. */
bool proc_in_first_pid_ns(void);

static inline bool proc_is_live(const struct proc *p)
{
	return !p->source;
}

/* The same process again, after it may have exec'ed: name, command line, maps and image as they are
 * now. Pointers into the old ones are void. Refuses as proc_open does. */
int proc_refresh(struct proc *p);

int proc_read_maps(struct proc *p); /* refresh maps */
/* Anonymous memory that can be written, and the brk heap, as mapped now: at most @max rows. For who
 * may not refresh the maps of all. Returns the number of rows. */
struct proc_row {
	uint64_t start, end;
	bool is_brk;
};
size_t proc_heap_rows(const struct proc *p, struct proc_row *rows, size_t max);
/* The first page of [addr, end) that is there or was swapped out, or @addr when it lies in that;
 * @end = there is none. Of a process that does not run: @addr. */
uint64_t proc_next_touched(const struct proc *p, uint64_t addr, uint64_t end);
const struct proc_map *proc_find_map(const struct proc *p, uint64_t addr);
/* Is any part of its file mapped as code? Then it is a program or a library. */
bool proc_map_has_code(const struct proc *p, const struct proc_map *m);
/* Still the process that was opened (not a reused pid, not a zombie, not on its way out)? */
bool proc_alive(const struct proc *p);
/* Has its main thread ended, and others go on? The kernel shows nothing of the process, then. */
bool proc_lost_main(const struct proc *p);
/* Has the process exec'ed since proc_open? */
bool proc_execed(const struct proc *p);

/*
 * Read exactly @len bytes: 0 or -EFAULT, -ESRCH, -EPERM, -ENODATA (swapped out, or held back).
 * Never sets a sentence. Of a running process only what is in memory is read: nothing is brought
 * into being, nothing is swapped in (but with read_swapped), no storage waited for on its account.
 * What an ELF file has is read from that. One process, one thread at a time: others open their own.
 */
int proc_read(const struct proc *p, uint64_t addr, void *buf, size_t len);
/* For memory known to be mapped: what was never touched is zeros, as the process would see it. */
int proc_read_sparse(const struct proc *p, uint64_t addr, void *buf, size_t len);
/* The same as far as it goes: a page that cannot be read is zeros. False when none can. */
bool proc_read_patchy(const struct proc *p, uint64_t addr, void *buf, size_t len);
int proc_read_u64(const struct proc *p, uint64_t addr, uint64_t *out);
int proc_read_u32(const struct proc *p, uint64_t addr, uint32_t *out);
/* Has the memory gone, because of an exec or the end? Then nothing that cannot be read was freed.
 */
bool proc_memory_gone(const struct proc *p);
/* The code of what a file below /proc/PID that was opened just now tells of: that of another
 * program after an exec, which is not known. */
uint64_t proc_code_now(const struct proc *p);
/* At most @size - 1 bytes up to NUL; -EFAULT when not readable. Always terminated. */
int proc_read_cstr(const struct proc *p, uint64_t addr, char *buf, size_t size);

struct proc_req {
	uint64_t addr;
	void *buf;
	size_t len;
	bool ok, swapped; /* out: read; not read, because it is swapped out */
};
/* Many small reads; an unreadable address is skipped, the rest is still read. Returns the number
 * read. */
size_t proc_read_many(const struct proc *p, struct proc_req *v, size_t n);

/* A descriptor for reading of the very file of this row, also when it is deleted or in another
 * mount namespace. It is checked to be that file, and a regular one, before it is opened. -ENOENT
 * with the sentence when there is no way to it; fail_is_short(): not now. */
int proc_map_open(const struct proc *p, const struct proc_map *m, int *fd);
/* Is the file of this row mapped nowhere any more? */
bool proc_file_is_gone(const struct proc *p, const struct proc_map *m);

/* For a process that does not run: what is left of the ELF file of this row, fit for
 * dso_open_bytes(). Freed by the caller. -ENOENT without a sentence. */
int proc_map_image(const struct proc *p, const struct proc_map *m, uint8_t **bytes, size_t *size);
/* Is this a row of the program itself, not of a library? */
bool proc_is_program(const struct proc *p, const struct proc_map *m);

/* Thread ids as the process itself sees them (its innermost pid namespace). Returns the number, at
 * most @max; 0 when the process has ended. */
size_t proc_tids(const struct proc *p, int *out, size_t max);

/* Where the stack of each thread ends now, as far as the kernel tells: it does for one that waits
 * in a system call. */
struct proc_stack {
	int tid;     /* as seen from here */
	uint64_t sp; /* 0 = unknown: it runs */
};
size_t proc_stacks(const struct proc *p, struct proc_stack *out, size_t max);

struct proc_memory {
	uint64_t rss_bytes, anon_bytes, file_bytes, shmem_bytes, swap_bytes;
	uint64_t huge_bytes;		 /* pages of hugetlbfs: RSS does not count them */
	uint64_t size_bytes, data_bytes; /* address space; private writable part of it */
	uint32_t threads;
	bool stopped; /* by a signal or a debugger */
	bool traced;  /* its main thread is held by ptrace: a debugger, strace */
	/* Its main thread waits for what no signal ends (state D), perhaps with its mmap_lock:
	 * another number for each such wait; 0 = it does not. */
	uint64_t stuck;
};
int proc_memory(const struct proc *p, struct proc_memory *out);
struct proc_traced {   /* at first zero */
	unsigned next; /* thread to ask, counted in the kernel's order */
	int held;      /* one that was held at the last look; 0 = none was */
};
/* Is any thread held by ptrace? Beside the main one (@m, as of now) and the one that was, it looks
 * at the next 32 of them. */
bool proc_is_traced(const struct proc *p, const struct proc_memory *m, struct proc_traced *t);
/* Looks at all of them at once. */
bool proc_is_any_traced(const struct proc *p, const struct proc_memory *m);
/* Has it so much that a walk over all its pages with one lock (smaps, smaps_rollup) would hold up
 * whoever waits for that: 10 ms per GiB? */
#define PROC_LARGE (4ull << 30)
bool proc_is_large(const struct proc *p);

/* The resident part of every row of maps as they are now: from smaps, of a large process from its
 * page tables, piece by piece. *out is freed by the caller. */
enum proc_row_kind { PROC_ROW_ANON, PROC_ROW_FILE, PROC_ROW_HEAP /* [heap] */, PROC_ROW_STACK };
struct proc_resident {
	uint64_t start, end;
	uint64_t rss_bytes;
	uint32_t kind;
	uint32_t writable; /* 1 = readable and writable, 0 = not, 2 = no access at all */
};
int proc_resident_rows(const struct proc *p, struct proc_resident **out, size_t *n);
/* The resident pages of [start, end), which has no more than @bytes of them, run by run
 * and in order; now and then with an empty run, so that who waits is not forgotten. What @visit
 * returns, when not 0, ends it. Negative errno, no sentence. */
typedef int (*proc_run_fn)(uint64_t start, uint64_t end, void *ctx);
int proc_resident_runs(const struct proc *p, uint64_t start, uint64_t end, uint64_t bytes,
		       proc_run_fn visit, void *ctx);

/* From here on (or up to here) is read what the process cannot be understood without, or a line not
 * be named: of that PROC_NEEDED_PAGES pages in all are brought back when they are swapped out,
 * where there is room for them. May be nested. */
#define PROC_NEEDED_PAGES 48
void proc_need(const struct proc *p, bool begin);

/* Files whose pages were read are open until then, and are opened again: closing one waits for its
 * storage, too, which may be silent later. Of a running process. */
void proc_close_files(const struct proc *p);

/* The work that all readers of this process did so far, on all threads. */
struct proc_reads {
	uint64_t bytes, bytes_per_s;
	uint64_t absent;    /* reads that met a page that was never touched, or is no memory */
	uint64_t swapped;   /* one that was swapped out, and stayed there */
	uint64_t held_back; /* one of a file, while we kept back */
	uint64_t faults;    /* pages that our reads brought in all the same */
};
void proc_reads(const struct proc *p, struct proc_reads *out);

#endif

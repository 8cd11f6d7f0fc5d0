/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The check before every read of a running process's memory. A page is read only when the kernel
 * says that it is there: a read of any other would make the target pay, with memory that it never
 * used, with storage that has to answer while its mmap_lock is held, or with swap.
 */
#ifndef PYLEAK_PROC_READER_PRIV_H
#define PYLEAK_PROC_READER_PRIV_H

#include "proc/account_priv.h"
#include "proc/proc.h"

#define READER_PAGE   4096ull
#define READER_PAGES  512	   /* asked about at once: what one page of page table tells */
#define READER_LINE   8		   /* pages of one line of what is remembered */
#define READER_LINES  512	   /* 16 MiB in as many places */
#define READER_OLD_NS 100000000ull /* what is remembered is asked again */
#define READER_FILES  2		   /* open at a time: CPython's own, and that of the last type */

enum reader_page {
	READER_ABSENT,	  /* not there, and not known what would be */
	READER_MEMORY,	  /* there */
	READER_FILE,	  /* as it is in the ELF file, from which it is read */
	READER_ZEROS,	  /* anonymous memory that was never touched */
	READER_SWAPPED,	  /* swapped out, and left there */
	READER_REFUSED,	  /* a device's */
	READER_HELD_BACK, /* of a file, while we keep back from the target */
};

struct reader_file {
	uint32_t dev;
	uint64_t inode;
	int fd; /* -1 = cannot be read, or is no ELF file */
	bool known;
};

/* Reads one process, as it was opened: after an exec it reads nothing. For one thread at a time. */
struct reader {
	int pid, mem, pagemap;
	struct account *account;
	/* Anonymous pages that are there, by lines. */
	struct reader_line {
		uint64_t key; /* (number of the first page / READER_LINE + 1) << 8 | which are there
			       */
		uint64_t asked_ns;
	} line[READER_LINES];
	uint64_t next_page;    /* behind those that were asked about last */
	size_t ahead;	       /* how many to ask about when it goes on there */
	uint64_t naps_second;  /* waiting for pages that are moved */
	unsigned naps, needed; /* proc_need: how deep */
	uint64_t swapped_ns;   /* when a page was swapped out for certain */
	/* Rows mapped after the process was opened: asked for when a page is in no row. */
	struct proc_map *late;
	size_t n_late;
	char *late_text;
	uint64_t late_ns, late_wait_ns;
	struct reader_file file[READER_FILES];
	unsigned next_file;
};

/* Opens the process's memory as it is now. -EPERM, -ESRCH, ... with a sentence. */
int reader_open(int pid, struct reader **out);
void reader_close(struct reader *r);
/* By an exec, or with the process? */
bool reader_is_gone(const struct proc *p);

/* Asks for the state of @n pages from @page on: as far as the next multiple of READER_PAGES. How
 * many that are; -ESRCH: the memory is gone; -EFAULT: no place for memory of a process. */
ssize_t reader_ask(const struct proc *p, uint64_t page, uint64_t n, uint8_t *state);
/* Bytes of pages that are READER_MEMORY; as pread. */
ssize_t reader_read_memory(const struct proc *p, uint64_t addr, void *buf, size_t len);
/* @len bytes of pages that are READER_FILE. 0 or -EFAULT. */
int reader_read_file(const struct proc *p, uint64_t addr, void *buf, size_t len);

/* reader_rows.c: the row of @addr, as far as it is known; looks for new ones now and then. */
const struct proc_map *reader_row(const struct proc *p, uint64_t addr, bool look_for_new);
/* The state of a page of the row that has no memory of its own in the target. */
enum reader_page reader_untouched(const struct proc *p, const struct proc_map *m);
bool reader_is_device(const struct proc_map *m);
/* maps.c: for a sentence on -EPERM, what is missing and what to do. */
const char *proc_why_refused(void);
/* Those found since the process's maps were read. */
void reader_forget_rows(struct reader *r);
void reader_free_rows(struct reader *r);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of this room and those of saved: text of /proc and its parsers. */
#ifndef PYLEAK_PROC_INSIDE_H
#define PYLEAK_PROC_INSIDE_H

#include "proc/proc.h"

/* The members of /proc/PID/status and /proc/PID/stat that we use. */
struct proc_status {
	int tgid, ppid, ns_pid;
	int tracer; /* 0 = none, or one that this pid namespace does not show */
	char state;
	uint32_t threads;
	uint64_t rss_kb, anon_kb, file_kb, shmem_kb, swap_kb, huge_kb, size_kb, data_kb;
	uint64_t waits;	  /* so often it has waited */
	uint64_t pending; /* signals that wait for this thread: bit 0 is signal 1 */
	bool has_tgid;
};

struct proc_stat {
	char comm[16];
	char state;
	uint64_t flags, minor_faults, major_faults, start_ticks, start_stack, arg_start, arg_end;
};

/* Whole text of /proc/PID/NAME (a few MiB at most), NUL-terminated; caller frees. Negative errno
 * without a sentence. */
int proc_slurp_path(const char *path, char **text, size_t *len); /* any file of text */
int proc_slurp(int pid, const char *name, char **text, size_t *len);
/* No more than the first @max bytes: of what the process itself may make as long as it likes, and
 * which is read from its memory. */
int proc_slurp_head(int pid, const char *name, size_t max, char **text, size_t *len);
#define PROC_MAX_CMDLINE (64u << 10)
/* A regular file, whole, at most @max bytes of anything. */
int proc_slurp_fd(int fd, size_t max, uint8_t **bytes, size_t *size);

uint64_t proc_meminfo(const char *text, const char *key); /* "SwapFree:" in bytes; 0 = not there */
int proc_parse_status(const char *text, struct proc_status *out);
/* The status of thread @tid of process @pid, as we number them. False: it has ended, or may not be
 * read. */
bool proc_thread_status(int pid, int tid, struct proc_status *out);
int proc_parse_stat(const char *text, struct proc_stat *out);
/* Is any thread not on its way out? While a whole process dies its main thread may be gone first,
 * by as long as the others take to free its memory. */
bool proc_any_goes_on(int pid);
/* Cuts @text into rows; the paths point into it. Rows that make no sense are left out. */
int proc_parse_maps(char *text, struct proc_map **out, size_t *n);
/* Makes rows of the brk heap that adjoin one: a child that was forked has two, the one it got and
 * what it grew by. In place; returns how many rows are left. */
size_t proc_join_heap(struct proc_map *v, size_t n);
/* One row, in place. */
bool proc_parse_map(char *line, struct proc_map *m);
/* The same from /proc/PID/maps, each name kept once, in *@names: a process may map one file of a
 * long name 65,530 times. Names of more than 8 KiB, and what there are more than 4 MiB of, are ""
 * and counted in *@unnamed. -E2BIG: more than PROC_MAX_MAPS rows. No sentence. */
#define PROC_MAX_MAPS 131072u /* twice vm.max_map_count where nobody raised it */
int proc_stream_maps(const struct proc *p, struct proc_map **out, size_t *n, char **names,
		     size_t *unnamed);

/* Tells which pages of [start, end) of a saved process are resident: out[i] = 1 for page i.
 * Negative errno, no sentence. */
int proc_resident_pages(const struct proc *p, uint64_t start, uint64_t end, uint8_t *out);
/* Page tables are searched so much of the address space at a time: some 3 ms where all is there in
 * pages of 4 KiB. Where the piece ends that begins at @at. */
#define PROC_PIECE (1ull << 30)
uint64_t proc_piece_end(uint64_t at, uint64_t end);
/* As proc_resident_runs, by the kernel's own search: -ENOTTY where it has none (before 6.7). */
int proc_scan_resident(const struct proc *p, uint64_t start, uint64_t end, proc_run_fn visit,
		       void *ctx);

/* Rows of a text as smaps has it; none where it could not be read to its end. Negative errno, no
 * sentence. */
struct stamped_lines;
int proc_smaps_rows(struct stamped_lines *from, struct proc_resident **out, size_t *n);
/* As proc_resident_rows, from maps and page tables. Memory of devices, and of the kernel's half,
 * has nothing resident; where the kernel does not scan, rows of more than 64 GiB have nothing
 * either. */
int proc_resident_by_pages(const struct proc *p, struct proc_resident **out, size_t *n);

/* Entries of pagemap for the @n pages from number @page on; those that only stand in for zeros are
 * not PM_PRESENT. How many were read, or -errno. */
#define PM_PRESENT (1ull << 63) /* Documentation/admin-guide/mm/pagemap.rst */
#define PM_SWAPPED (1ull << 62)
ssize_t proc_page_entries(const struct proc *p, uint64_t page, uint64_t n, uint64_t *entry);

#endif

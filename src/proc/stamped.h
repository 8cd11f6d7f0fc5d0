/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every call that holds the mmap_lock of a process while it runs, each with its stamp
 * (base/reading.h): reads of mem, pagemap, maps, smaps, smaps_rollup and cmdline below /proc/PID,
 * the search of pagemap, look-ups in map_files. As the calls themselves: -1 with errno, EAGAIN when
 * there is no stamp to be had. What is opened here is read by nothing else (a lint sees to it).
 */
#ifndef PYLEAK_PROC_STAMPED_H
#define PYLEAK_PROC_STAMPED_H

#include <sys/types.h>

#include "base/base.h"

/* /proc/PID/NAME for reading, which takes no lock yet. */
int stamped_open(int pid, const char *name);
/* A name below map_files, as a path alone (O_PATH). */
int stamped_open_path(const char *path);
/* @code: of the process that is read (struct proc); 0 = not known. */
ssize_t stamped_read(int fd, void *buf, size_t size, uint64_t code);
ssize_t stamped_pread(int fd, void *buf, size_t size, uint64_t at, uint64_t code);
/* Those that look at each page of a mapping, and hold the lock for so long. */
ssize_t stamped_walk(int fd, void *buf, size_t size, uint64_t code);
int stamped_search(int pagemap, unsigned long request, void *arg, uint64_t code);

/* Lines of such a file: the lock is held while a piece is read, not while it is understood. */
struct stamped_lines {
	int fd;
	uint64_t code;
	/* stamped_read, stamped_walk */
	ssize_t (*read)(int fd, void *buf, size_t size, uint64_t code);
	int err; /* what ended it; 0 = the end */
	size_t at, n;
	/* One row of smaps at a time, ten of maps: what is read at once is read with one lock. */
	char buf[1024];
};
/* As fgets: with its newline, or as much as @line holds. False at the end. */
bool stamped_line(struct stamped_lines *l, char *line, size_t size);

#endif

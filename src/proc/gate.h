/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The gate for files that somebody else has named: a process (its source files, its debug
 * information) or a core file. Such a name may lead to a device, a FIFO, a file without end, out
 * of the container, or to what its author may not read and hopes that we show. What comes through
 * the gate is a regular file below the process's own root, of a bounded size, that the process may
 * read itself. Nothing else is ever opened, only looked at (O_PATH).
 */
#ifndef PYLEAK_PROC_GATE_H
#define PYLEAK_PROC_GATE_H

#include "proc/proc.h"

struct stat;

/*
 * A descriptor for reading of the file that @p calls @path. -ENOENT: there is none, or not of that
 * name any more (the process has ended, and its root was not ours), or the name is relative: the
 * process may have been in another directory when it used it; -ENOEXEC: no regular file; -EFBIG:
 * more than @max bytes; -EACCES: the process may not read it; -EREMOTE: it lies on the FUSE mount
 * of somebody but root, who may never answer, or on storage that is silent (storage_ask(); where
 * nobody asks, the caller waits); other errors as the kernel has them for such a name. Without a
 * sentence.
 */
int proc_open_named(const struct proc *p, const char *path, uint64_t max, int *fd);
/* The whole of such a file. Freed by the caller. */
int proc_read_named(const struct proc *p, const char *path, uint64_t max, uint8_t **bytes,
		    size_t *size);

/* Notes about a process, taken while it lives: freed with it. NULL when it is not there any more or
 * memory is short: then no name of it leads anywhere. */
struct gate;
struct gate *gate_of_process(int pid);
/* For the names in the core file @core_fd. Below @root (the user's word counts: whatever is there);
 * NULL: below our own root, what the owner of the core file may read. */
struct gate *gate_of_core(int core_fd, const char *root);
void gate_free(struct gate *g);

/* May a file that process @pid has mapped be looked at, by its O_PATH descriptor? -EREMOTE: its
 * storage is silent, or, where storage is asked at all, may be so for us alone: it is the FUSE
 * mount of somebody but root. */
int gate_ask(int pid, int path_fd);
/* A descriptor for reading of what @path_fd, opened with O_PATH, is: a regular file, or -ENOEXEC;
 * no larger than @max, or -EFBIG; whose storage answers, or -EREMOTE. */
int gate_reopen(int path_fd, uint64_t max, int *fd);

#endif

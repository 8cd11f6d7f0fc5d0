/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes as they were, in files: snapshots, which are written here too, and ELF core files. One
 * thread at a time per process. Functions return 0 or a negative errno with the sentence. */
#ifndef PYLEAK_SAVED_H
#define PYLEAK_SAVED_H

#include <stdio.h>

#include "proc/proc.h"

/* Opens a process from a snapshot, or from an ELF core file (of gcore or systemd-coredump). A core
 * lacks the read-only parts of the program and its libraries: these are looked for where they were,
 * below @sysroot (NULL: /, and then only what the owner of the core file may read), and used when
 * the build id is the right one. Such a process is always "alive", never executes another program
 * and has no pidfd. */
int saved_open(const char *path, struct proc **out);
int saved_open_core(const char *path, const char *sysroot, struct proc **out);

/* Results of saved_write(), and the caller's wish to watch it. */
struct saved_sums {
	uint64_t memory_bytes, file_bytes; /* memory that was saved; size of the file */
	uint64_t unreadable_bytes;	   /* memory that was gone when it was to be read */
	/* called now and then with the bytes saved so far, unless it is NULL; another result than 0
	 * ends the saving, and is returned */
	int (*watch)(void *ctx, uint64_t memory_bytes);
	void *watch_ctx;
};
/* Saves a process as docs/SNAPSHOT.md has it. @image: rows of the files whose whole ELF image is
 * saved (the one that holds CPython). */
int saved_write(struct proc *p, FILE *f, const struct proc_map *const *image, size_t n,
		struct saved_sums *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes as they were, in files: snapshots, which are written here too, and ELF cores. */
#ifndef PYLEAK_SAVED_H
#define PYLEAK_SAVED_H

#include <stdio.h>

#include "proc/proc.h"

/* A process as it was: from a file of saved_write, or from an ELF core (gcore, systemd-coredump).
 * A core holds no read-only parts of the program and its libraries; they are looked for where they
 * were, below @sysroot (NULL: /, what the owner of the core file may read), and taken when the
 * build id is the right one. These are always "alive", never exec, and have no pidfd. Not
 * thread-safe. */
int saved_open(const char *path, struct proc **out);
int saved_open_core(const char *path, const char *sysroot, struct proc **out);

/* Saves the process for saved_open: docs/SNAPSHOT.md. @image: rows of files whose whole
 * ELF image is wanted (the one that holds CPython). */
struct saved_sums {
	uint64_t memory_bytes, file_bytes; /* saved; written */
	uint64_t unreadable_bytes;	   /* wanted, but gone when it was to be read */
	/* Told now and then how far it is, when not NULL; what is not 0 ends it. */
	int (*watch)(void *ctx, uint64_t memory_bytes);
	void *watch_ctx;
};
int saved_write(struct proc *p, FILE *f, const struct proc_map *const *image, size_t n,
		struct saved_sums *out);

#endif

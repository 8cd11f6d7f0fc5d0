/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the files of a process in which objects are born: the interpreter's, and for 3.8 also
 * extension modules. One thread at a time uses a struct places_files. */
#ifndef PYLEAK_PLACES_FILES_H
#define PYLEAK_PLACES_FILES_H

#include "places/places.h"

#define PLACES_FILES 32

struct places_file {
	uint64_t inode; /* as /proc/PID/maps shows it */
	uint32_t dev;
	int fd; /* the file that was searched, kept open: the probes are put into it */
	uint64_t bias;
	struct places points;
};

struct places_other {
	uint64_t inode;
	uint32_t dev;
	unsigned scan; /* number of the last scan that met it */
};

struct places_files {
	struct places_file v[PLACES_FILES];
	size_t n;
	size_t n_points; /* sum over all files */
	/* files that make no objects: kept, as one that was searched may be deleted later */
	VEC(struct places_other) others;
	unsigned scans;
};

/* Finds all of them. -ENOTSUP, and no files: one place cannot be resolved. An error that
 * fail_is_short() may pass. */
int places_find_files(const struct py_runtime *rt, struct places_files *out);
/* 3.8: adds modules that were mapped since, by the rows of @proc. A module that cannot be resolved
 * is an error; if fail_is_short(), call it again before births are watched. */
int places_find_more(const struct proc *proc, struct places_files *f);
void places_forget_files(struct places_files *f);

#endif

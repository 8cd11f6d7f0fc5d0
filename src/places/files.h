/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files of a process in which objects are born: the interpreter's, and on 3.8 extension modules. */
#ifndef PYLEAK_PLACES_FILES_H
#define PYLEAK_PLACES_FILES_H

#include "places/places.h"

#define PLACES_FILES 32

struct places_file {
	uint64_t inode; /* which it is, as maps shows it */
	uint32_t dev;
	int fd; /* of the file that was searched: the one that is probed */
	uint64_t bias;
	struct places points;
};

struct places_other {
	uint64_t inode;
	uint32_t dev;
	unsigned scan; /* the last that met it */
};

struct places_files {
	struct places_file v[PLACES_FILES];
	size_t n;
	size_t n_points; /* in all of them */
	/* Files that make none: one that was looked into may be deleted later. */
	VEC(struct places_other) others;
	unsigned scans;
};

/* Where one place cannot be resolved there are no files, and -ENOTSUP; fail_is_short(): not now.
 */
int places_find_files(const struct py_runtime *rt, struct places_files *out);
/* 3.8: modules that are in the rows of @proc and were not before. One that cannot be resolved is an
 * error; fail_is_short(): it is to be asked again before births are watched. */
int places_find_more(const struct proc *proc, struct places_files *f);
void places_forget_files(struct places_files *f);

#endif

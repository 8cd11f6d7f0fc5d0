/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The eyes that a file is looked at with: may a process with these ids read it? Answered by mode
 * bits alone, so only ever less than the kernel would allow. */
#ifndef PYLEAK_PROC_IDS_H
#define PYLEAK_PROC_IDS_H

#include "base/base.h"

struct stat;

struct proc_ids {
	uint32_t uid, gid; /* what the kernel compares for files, as seen from here */
	uint32_t *groups;
	size_t n_groups;
	bool may_all; /* root of our own user namespace, with the capability to pass over modes */
};

/* Those of process @pid now. Negative errno without a sentence. */
int proc_ids_read(int pid, struct proc_ids *out);
void proc_ids_free(struct proc_ids *ids);

enum proc_may { PROC_MAY_READ = 4, PROC_MAY_SEARCH = 1 };
/* @fd, @st: the file or directory, opened with O_PATH or otherwise. */
bool proc_ids_may(const struct proc_ids *ids, int fd, const struct stat *st, enum proc_may what);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A name followed by hand below a root, as openat2 follows it with RESOLVE_IN_ROOT and
 * RESOLVE_NO_MAGICLINKS, by a process with given ids. */
#ifndef PYLEAK_PROC_WALK_H
#define PYLEAK_PROC_WALK_H

#include <sys/types.h>

#include "proc/ids.h"

#define WALK_LEVELS 64	 /* directories below each other */
#define WALK_LINKS  40	 /* as the kernel's own limit */
#define WALK_PATH   4096 /* of a name with the links in it that are yet to be followed */

struct walk {
	const struct proc_ids *ids[2]; /* both must be allowed to; NULL = does not matter */
	int pid;		       /* whose table of mounts tells of FUSE; 0 = no matter */
	dev_t answers;		       /* the last device that was looked up, and may be asked */
	int dir[WALK_LEVELS];	       /* [0] is the root; each lies in the one before */
	size_t n;
};

/* Takes @root_fd. Everything that was opened is closed by walk_end. */
void walk_begin(struct walk *w, int root_fd);
/* Follows a name from the root. @fd: an O_PATH descriptor of something that is neither a directory
 * nor a link. Once for each walk. It touches nothing on the FUSE mount of somebody but root, who
 * may never answer, nor on storage that is silent (storage_ask()): -EREMOTE. */
int walk_name(struct walk *w, const char *name, int *fd);
void walk_end(struct walk *w);

/* Made up by the kernel as it is read (/proc, /sys and such): reading may consume what is there,
 * and names in it mean something else to each who asks. */
bool walk_is_made_up(int fd);
bool walk_may(const struct walk *w, int fd, enum proc_may what);

#endif

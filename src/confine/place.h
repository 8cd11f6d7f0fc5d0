/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a file lies that the user named, held by descriptors: what happens to the directories of
 * its path later changes nothing. Somebody who may put names into a directory that is not his own
 * (/tmp) does not decide what we write to: his links are not followed and his files not taken,
 * whatever fs.protected_symlinks and its kin say on this host.
 */
#ifndef PYLEAK_CONFINE_PLACE_H
#define PYLEAK_CONFINE_PLACE_H

#include <limits.h>

#include "base/base.h"

struct place {
	const char *path; /* as the user wrote it, for sentences; not ours */
	int dir;	  /* of the file; -1: @at is there instead */
	int at;		  /* a pipe, a device: written in place, never replaced */
	char name[NAME_MAX + 1];
	bool is_new, is_stamped; /* stamped: place_stamp() */
	mode_t mode;		 /* that a file there gets */
	bool is_report;		 /* it is for who asked by sudo, where the directory is his */
	uid_t dir_owner;
	mode_t his;		 /* of a file of his that is replaced; 0 = none */
	char temp[NAME_MAX + 1]; /* beside it, while it is written; "" = none */
};

/* Can @path be written? Nothing is opened for writing yet, nothing is made. */
int place_find(const char *path, struct place *out);
/* The process that writes files has no terminal of its own, and cannot open "/dev/tty": such a
 * place gets the terminal's own name, from where we have it open. */
int place_terminal(struct place *p);
void place_close(struct place *p);
/* Does @dir leave it to others what lies in it, and is @it one of theirs, or one that they may have
 * given its name? Then not. */
struct stat;
bool place_trusts(const struct stat *dir, const struct stat *it);

/* Those below return a descriptor, or 0, or a negative errno without a sentence. */

/* A name that nothing has yet: that of @p->path with the time before its suffix. Where a file is
 * saved more than once. */
int place_stamp(struct place *p);
/* A new file beside the place, for writing; O_EXCL: nothing that lies there is ever opened. */
int place_begin(struct place *p);
/* It takes the place's name; or goes. */
int place_commit(struct place *p);
void place_drop(struct place *p);
/* Does a new file find room there? */
int place_try(struct place *p);
/* A file that is written in place, for writing; @flags of open(2), too. */
int place_special(const struct place *p, int flags);
/* The file that lies there, for reading. */
int place_read(const struct place *p);
bool place_is_pipe(const struct place *p);
/* The file that lies there or a new one, for lines at its end. Nobody is waited for: -ENXIO where
 * it is a pipe without a reader. A terminal or another device, too, loses what it has no room for:
 * to open it may block, and so may a write, as after Ctrl-S. */
int place_append(const struct place *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Storage that another program answers for. A FUSE file system is a program: it may be silent for
 * as long as it likes, and who waits for its answer cannot even be killed. */
#ifndef PYLEAK_PROC_STORAGE_H
#define PYLEAK_PROC_STORAGE_H

#include <sys/types.h>

#include "base/base.h"

struct storage_file {
	dev_t dev;
	ino_t ino;
};

/* The user whose FUSE mount device @dev is, by one line of a table of mounts; -1: it is none, or
 * the line is of another device. */
long storage_parse_mount(const char *line, dev_t dev);
/* The device that @fd, opened with O_PATH, lies on: fstat() would ask the program behind it. */
bool storage_device(int fd, dev_t *dev);
/* The same, where that is no disk and may never answer. False: it answers, or is not known. */
bool storage_may_be_silent(int fd, dev_t *dev);
/* A FUSE mount of somebody but root, as process @pid sees it. Asks no file system. */
bool storage_is_somebodys(int pid, dev_t dev);

#define STORAGE_CONNECTIONS "/sys/fs/fuse/connections" /* the kernel's list of FUSE mounts */
/* May somebody but root hold back what is on the storage of file @fd, which process @pid maps? On
 * FUSE its server may; and an overlay does not tell what it lies on: one that a user may have made
 * counts where @connections has a FUSE mount of a user's. */
bool storage_is_held(int pid, int fd, const char *connections);
/* Has it one, or can it not be read? */
bool storage_lists_users(const char *connections);

/* asker.c: from here on a process of its own asks storage that is no disk whether it answers,
 * before a file on it is opened. Before there are threads; @confine, when it is not NULL, is what
 * that process gives up first. It may hang when the tool ends, and is not waited for. */
int storage_asker_start(int (*confine)(void));
void storage_asker_stop(void);
bool storage_is_asked(void); /* is there one? */
enum storage_question {
	STORAGE_LOOK, /* as stat does */
	STORAGE_READ, /* ... and as who opens a regular file and reads it */
	STORAGE_QUESTIONS
};

/* 0: what the file @fd (O_PATH will do) lies on answers, or nobody was there to ask. -EREMOTE:
 * it did not for 1.5 seconds, and has not since. No sentence. */
int storage_ask(int fd, enum storage_question what);

/* Device and inode of what is at @path below /proc, whatever storage says to it. */
bool storage_file(const char *path, struct storage_file *out);
/* Is it there, and the same? */
bool storage_is_same(const char *a, const char *b);

#endif

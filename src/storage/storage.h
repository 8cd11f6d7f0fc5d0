/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Storage that another program answers for. A FUSE file system is a program, which may be silent as
 * long as it likes, and a thread that waits for its answer cannot even be killed. The sources are
 * the kernel's list of FUSE mounts, tables of mounts, and statx() without a request to the file
 * system. Functions may be called by any thread, storage_asker_start() and _stop() excepted. */
#ifndef PYLEAK_PROC_STORAGE_H
#define PYLEAK_PROC_STORAGE_H

#include <sys/types.h>

#include "base/base.h"

struct storage_file {
	dev_t dev;
	ino_t ino;
};

/* Returns the number of the user whose FUSE mount device @dev is, by one line of a table of mounts;
 * -1: the line is of another device, or of no FUSE mount. */
long storage_parse_mount(const char *line, dev_t dev);
/* Finds the device of file @fd, opened with O_PATH, without asking the program behind it, as
 * fstat() would. False: it is not known. */
bool storage_device(int fd, dev_t *dev);
/* The same. True only for a device that is no disk, and may never answer. */
bool storage_may_be_silent(int fd, dev_t *dev);
/* Is the device a FUSE mount of somebody but root, as process @pid sees it? No file system is
 * asked. */
bool storage_is_somebodys(int pid, dev_t dev);

#define STORAGE_CONNECTIONS "/sys/fs/fuse/connections" /* the kernel's list of FUSE mounts */
/* May somebody but root hold back what is on the storage of file @fd, which process @pid maps? The
 * server of a FUSE mount may. An overlay does not tell what it lies on, so one that a user may have
 * made counts when @connections lists a FUSE mount of a user. True also when it is not known. */
bool storage_is_held(int pid, int fd, const char *connections);
/* Does the list @connections have a FUSE mount of somebody but root? True also when it cannot be
 * read. */
bool storage_lists_users(const char *connections);

/* asker.c: starts a process that asks storage which is no disk whether it answers, before a file on
 * it is opened. Call it before there are threads. @confine gives up the rights of that process;
 * NULL: it keeps them. It may hang when the tool ends, and is not waited for. */
int storage_asker_start(int (*confine)(void));
void storage_asker_stop(void);
bool storage_is_asked(void); /* was such a process started? */
/* 0, or the sentence that it has ended: whatever is no disk counts as silent from then on. */
int storage_asker_check(void);
enum storage_question {
	STORAGE_LOOK, /* as stat() does */
	STORAGE_READ, /* ... and opens and reads a regular file */
	STORAGE_QUESTIONS
};

/* Asks whether the storage of file @fd (O_PATH will do) answers. 0: it does, it is a disk, or there
 * is no asker. -EREMOTE: it was silent for 1.5 seconds, or is still silent since, or it could not
 * be asked, since the asker has died. Without a sentence. */
int storage_ask(int fd, enum storage_question what);

/* Finds device and inode of what is at @path below /proc, without waiting for storage. False: there
 * is nothing. */
bool storage_file(const char *path, struct storage_file *out);
/* Are both there, and the same file? */
bool storage_is_same(const char *a, const char *b);

#endif

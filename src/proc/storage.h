/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Storage that another program answers for. A FUSE file system is a program: it may be silent for
 * as long as it likes, and who waits for its answer cannot even be killed. */
#ifndef PYLEAK_PROC_STORAGE_H
#define PYLEAK_PROC_STORAGE_H

#include <sys/types.h>

#include "base/base.h"

/* The user whose FUSE mount device @dev is, as the table of mounts of process @pid has it; -1: it
 * is none, or none that is told of. */
long storage_fuse_user(int pid, dev_t dev);
/* The same from the text of such a table: one line of it, or -1 for one of another device. */
long storage_parse_mount(const char *line, dev_t dev);
/* The device that @fd, opened with O_PATH, lies on: fstat() would ask the program behind it. */
bool storage_device(int fd, dev_t *dev);
/* A FUSE mount of somebody but root, as process @pid sees it. Asks no file system. */
bool storage_is_somebodys(int pid, dev_t dev);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "storage/storage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define CONNECTIONS "/sys/fs/fuse/connections"
#define FUSE_CTL    0x65735543 /* fs/fuse/control.c, in no header */

/* "... 0:52 ... - fuse.TYPE SOURCE rw,user_id=1000,...": the type and the source are its owner's
 * own words, and may be "user_id=0". */
long storage_parse_mount(const char *line, dev_t dev)
{
	const char *at = strstr(line, " - "), *user;
	unsigned major, minor;

	if (sscanf(line, "%*d %*d %u:%u ", &major, &minor) != 2 || makedev(major, minor) != dev)
		return -1;
	if (at && !strncmp(at + 3, "virtiofs ", 9))
		return 0; /* the machine's host serves it */
	if (!at || strncmp(at + 3, "fuse", 4) != 0)
		return -1;
	at = strchr(at + 3, ' ');
	at = at ? strchr(at + 1, ' ') : NULL;
	user = at ? strstr(at, ",user_id=") : NULL;
	return user ? strtol(user + 9, NULL, 10) : -1;
}

long storage_fuse_user(int pid, dev_t dev)
{
	auto_free char *line = NULL;
	size_t room = 0;
	char path[32];
	long user = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	f = fopen(path, "re");
	while (f && user < 0 && getline(&line, &room, f) > 0)
		user = storage_parse_mount(line, dev);
	if (f)
		fclose(f);
	return user;
}

/* The kernel lists them by the minor numbers of their devices, where that list is mounted. */
static enum { IS_NONE, MAY_BE, IS_ONE } look_up(dev_t dev)
{
	struct statfs fs;
	struct statx st;
	char path[64];

	if (major(dev)) /* a disk */
		return IS_NONE;
	if (statfs(CONNECTIONS, &fs))
		return errno == ENOENT ? IS_NONE : MAY_BE; /* the kernel has no FUSE */
	if ((uint32_t)fs.f_type != FUSE_CTL)
		return MAY_BE;
	snprintf(path, sizeof(path), CONNECTIONS "/%u", minor(dev));
	return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, 0, &st) ? IS_NONE : IS_ONE;
}

static bool look(int fd, const char *path, struct storage_file *out)
{
	struct statx st;

	if (statx(fd, path, AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st))
		return false;
	*out = (struct storage_file){makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino};
	return true;
}

bool storage_device(int fd, dev_t *dev)
{
	struct storage_file f = {0};
	bool is_told = look(fd, "", &f);

	*dev = f.dev;
	return is_told;
}

bool storage_may_be_silent(int fd, dev_t *dev)
{
	return storage_device(fd, dev) && !major(*dev); /* a disk answers, if late */
}

bool storage_file(const char *path, struct storage_file *out)
{
	return look(AT_FDCWD, path, out);
}

bool storage_is_same(const char *a, const char *b)
{
	struct storage_file x, y;

	return storage_file(a, &x) && storage_file(b, &y) && x.dev == y.dev && x.ino == y.ino;
}

bool storage_is_somebodys(int pid, dev_t dev)
{
	switch (look_up(dev)) {
	case IS_NONE:
		return false;
	case IS_ONE: /* one that the table does not tell of has been let go of, and is in use */
		return storage_fuse_user(pid, dev) != 0;
	default:
		return storage_fuse_user(pid, dev) > 0;
	}
}

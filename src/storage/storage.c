/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "storage/storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FUSE_CTL	 0x65735543  /* fs/fuse/control.c; no header has it */
#define FUSE		 0x65735546  /* fs/fuse/inode.c, likewise */
#define OVERLAY		 0x794c7630  /* fs/overlayfs/super.c */
#define SYSFS		 0x62656572  /* linux/magic.h */
#define USER_NS_INIT_INO 0xEFFFFFFDu /* include/linux/proc_ns.h: PROC_USER_INIT_INO */

/* A line is "... 0:52 ... - fuse.TYPE SOURCE rw,user_id=1000,...". The mount's owner chooses type
 * and source, which may be "user_id=0", so only what follows them is searched. */
long storage_parse_mount(const char *line, dev_t dev)
{
	const char *at = strstr(line, " - "), *user;
	unsigned major, minor;

	if (sscanf(line, "%*d %*d %u:%u ", &major, &minor) != 2 || makedev(major, minor) != dev)
		return -1;
	if (at && !strncmp(at + 3, "virtiofs ", 9))
		return 0; /* the host of this virtual machine serves it */
	if (!at || strncmp(at + 3, "fuse", 4) != 0)
		return -1;
	at = strchr(at + 3, ' ');
	at = at ? strchr(at + 1, ' ') : NULL;
	user = at ? strstr(at, ",user_id=") : NULL;
	return user ? strtol(user + 9, NULL, 10) : -1;
}

/* Does @is say yes to a line of the table of mounts that process @pid sees? */
static bool find_mount(int pid, bool (*is)(const char *line, void *ctx), void *ctx)
{
	auto_free char *line = NULL;
	size_t room = 0;
	bool found = false;
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	f = fopen(path, "re");
	while (f && !found && getline(&line, &room, f) > 0)
		found = is(line, ctx);
	if (f)
		fclose(f);
	return found;
}

struct fuse_mount {
	dev_t dev;
	long user;
};

static bool is_fuse(const char *line, void *ctx)
{
	struct fuse_mount *m = ctx;

	m->user = storage_parse_mount(line, m->dev);
	return m->user >= 0;
}

/* Returns the user of the FUSE mount that is device @dev, by the table of mounts of process @pid;
 * -1: it lists none. */
static long fuse_user(int pid, dev_t dev)
{
	struct fuse_mount m = {.dev = dev, .user = -1};

	find_mount(pid, is_fuse, &m);
	return m.user;
}

/* Looks the device up in the kernel's list of FUSE mounts, which is by minor number, where that
 * list is mounted. */
static enum { IS_NONE, MAY_BE, IS_ONE } look_up(dev_t dev, uid_t *owner)
{
	struct statfs fs;
	struct statx st;
	char path[64];

	if (major(dev)) /* it is a disk */
		return IS_NONE;
	if (statfs(STORAGE_CONNECTIONS, &fs))
		return errno == ENOENT ? IS_NONE : MAY_BE; /* the kernel has no FUSE */
	if ((uint32_t)fs.f_type != FUSE_CTL)
		return MAY_BE;
	snprintf(path, sizeof(path), STORAGE_CONNECTIONS "/%u", minor(dev));
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_UID, &st))
		return IS_NONE;
	*owner = st.stx_uid;
	return IS_ONE;
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
	return storage_device(fd, dev) && !major(*dev); /* a disk answers, though it may be late */
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
	uid_t owner;

	switch (look_up(dev, &owner)) {
	case IS_NONE:
		return false;
	case IS_ONE: /* a mount that the table lacks was detached while in use */
		return fuse_user(pid, dev) != 0;
	default:
		return fuse_user(pid, dev) > 0;
	}
}

bool storage_lists_users(const char *connections)
{
	struct statfs fs;
	struct dirent *e;
	bool is = false;
	struct stat st;
	DIR *dir;

	if (statfs(connections, &fs))
		return errno != ENOENT; /* the kernel has no FUSE */
	dir = (uint32_t)fs.f_type == SYSFS ? NULL : opendir(connections);
	if (!dir)
		return true;
	while (!is && (e = readdir(dir)))
		is = e->d_name[0] != '.' &&
		     (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) || st.st_uid);
	closedir(dir);
	return is;
}

static bool is_in_first_user_ns(int pid)
{
	struct stat st;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	return !stat(path, &st) && st.st_ino == USER_NS_INIT_INO;
}

static int mount_of(int fd)
{
	char path[40], line[64];
	int mount = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && mount < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "mnt_id: %d", &mount) != 1)
			mount = -1;
	if (f)
		fclose(f);
	return mount;
}

static bool has_number(const char *line, void *ctx)
{
	return strtol(line, NULL, 10) == *(const int *)ctx;
}

static bool has_mount(int pid, int mount)
{
	return mount >= 0 && find_mount(pid, has_number, &mount);
}

/* Did root mount what @fd lies on? A mount made in a user namespace is not seen outside of it, but
 * processes outside can run what is on it, by a name below /proc/PID/root. */
static bool is_mounted_by_root(int pid, int fd)
{
	int mount = mount_of(fd);

	return is_in_first_user_ns(pid) && (has_mount(pid, mount) || has_mount(getpid(), mount));
}

bool storage_is_held(int pid, int fd, const char *connections)
{
	struct statfs fs;
	uid_t owner;
	dev_t dev;

	if (fstatfs(fd, &fs) || !storage_device(fd, &dev))
		return true;
	if ((uint32_t)fs.f_type == OVERLAY)
		return !is_mounted_by_root(pid, fd) && storage_lists_users(connections);
	if ((uint32_t)fs.f_type != FUSE)
		return false;
	/* inside a user namespace the number of a user may be 0 */
	if (look_up(dev, &owner) == IS_ONE)
		return owner != 0;
	return !is_in_first_user_ns(pid) || fuse_user(pid, dev) != 0;
}

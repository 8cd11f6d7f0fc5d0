/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * By hand, because the ids are not our own, and because a filter of system calls sees the flags of
 * openat, but not those of openat2. Each part of a name is opened with O_PATH and O_NOFOLLOW, which
 * touches nothing, before it is asked what it is; ".." goes back on the stack of directories, so no
 * renaming meanwhile leads out of the root.
 */
#include "proc/walk.h"

#include "storage/storage.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LOOK (O_PATH | O_NOFOLLOW | O_CLOEXEC)

#ifndef SMACK_MAGIC
#define SMACK_MAGIC 0x43415d53
#endif
#define CONFIGFS_MAGIC 0x62656570 /* fs/configfs/mount.c, in no header */

void walk_begin(struct walk *w, int root_fd)
{
	w->dir[0] = root_fd;
	w->n = 1;
}

void walk_end(struct walk *w)
{
	while (w->n)
		close(w->dir[--w->n]);
}

bool walk_is_made_up(int fd)
{
	static const uint32_t kinds[] = {
		PROC_SUPER_MAGIC,    SYSFS_MAGIC,	 DEBUGFS_MAGIC,	 TRACEFS_MAGIC,
		SECURITYFS_MAGIC,    CGROUP_SUPER_MAGIC, SELINUX_MAGIC,	 SMACK_MAGIC,
		CGROUP2_SUPER_MAGIC, PSTOREFS_MAGIC,	 EFIVARFS_MAGIC, BPF_FS_MAGIC,
		BINFMTFS_MAGIC,	     CONFIGFS_MAGIC,	 NSFS_MAGIC,	 RDTGROUP_SUPER_MAGIC,
	};
	struct statfs st;

	if (fstatfs(fd, &st))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((uint32_t)st.f_type == kinds[i])
			return true;
	return false;
}

bool walk_may(const struct walk *w, int fd, enum proc_may what)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(w->ids); i++)
		if (w->ids[i] && !proc_ids_may(w->ids[i], fd, &st, what))
			return false;
	return true;
}

/* 0: @fd may be asked. */
static int check_storage(struct walk *w, int fd)
{
	dev_t dev;

	if (!storage_device(fd, &dev))
		return -EREMOTE;
	if (dev != w->answers &&
	    ((w->pid && storage_is_somebodys(w->pid, dev)) || storage_ask(fd, STORAGE_LOOK)))
		return -EREMOTE;
	w->answers = dev;
	return 0;
}

static int look(struct walk *w, int fd, struct stat *st)
{
	int err = check_storage(w, fd);

	return err ? err : fstat(fd, st) ? -errno : 0;
}

static void to_root(struct walk *w)
{
	while (w->n > 1)
		close(w->dir[--w->n]);
}

/* The part of a path that is yet to be followed. */
struct rest {
	char text[WALK_PATH];
	const char *at;
	int links;
};

static int set_rest(struct rest *r, const char *first, size_t n, const char *then)
{
	size_t k = strlen(then);

	if (n + k >= sizeof(r->text))
		return -ENAMETOOLONG;
	memmove(r->text + n, then, k + 1); /* which may be in it already */
	memcpy(r->text, first, n);
	r->at = r->text;
	return 0;
}

/* The next part of the name; 0 when there is none. Slashes before it are eaten. */
static int next_part(struct rest *r, char *part, size_t size)
{
	size_t n;

	r->at += strspn(r->at, "/");
	n = strcspn(r->at, "/");
	if (n >= size)
		return -ENAMETOOLONG;
	memcpy(part, r->at, n);
	part[n] = '\0';
	r->at += n;
	return n > 0;
}

static int follow_link(struct walk *w, struct rest *r, int link)
{
	char text[WALK_PATH];
	ssize_t n;

	if (++r->links > WALK_LINKS || walk_is_made_up(link))
		return -ELOOP;
	n = readlinkat(link, "", text, sizeof(text));
	if (n <= 0)
		return n ? -errno : -ENOENT;
	if (text[0] == '/')
		to_root(w);
	return set_rest(r, text, (size_t)n, r->at);
}

/* 1: there is more to follow. */
static int step(struct walk *w, struct rest *r, const char *part, int *fd)
{
	int top = w->dir[w->n - 1], at, err;
	struct stat st;

	if (!walk_may(w, top, PROC_MAY_SEARCH))
		return -EACCES;
	if (!strcmp(part, "."))
		return 1;
	if (!strcmp(part, "..")) {
		if (w->n > 1)
			close(w->dir[--w->n]);
		return 1;
	}
	at = openat(top, part, LOOK);
	if (at < 0)
		return -errno;
	err = look(w, at, &st);
	if (err) {
		close(at);
		return err;
	}
	if (S_ISLNK(st.st_mode)) {
		err = follow_link(w, r, at);
		err = err ? err : 1;
	} else if (!S_ISDIR(st.st_mode)) {
		err = *r->at ? -ENOTDIR : 0;
	} else if (w->n == WALK_LEVELS) {
		err = -ENAMETOOLONG;
	} else {
		w->dir[w->n++] = at;
		return 1;
	}
	if (err)
		close(at);
	else
		*fd = at;
	return err;
}

int walk_name(struct walk *w, const char *name, int *fd)
{
	struct rest r;
	char part[256]; /* NAME_MAX */
	int err = *name ? set_rest(&r, name, strlen(name), "") : -ENOENT;

	*fd = -1;
	r.links = 0;
	if (!err)
		err = check_storage(w, w->dir[0]);
	for (int more = 1; !err && more;) {
		err = next_part(&r, part, sizeof(part));
		if (!err)
			return -EISDIR;
		more = err < 0 ? err : step(w, &r, part, fd);
		err = more < 0 ? more : 0;
	}
	return err;
}

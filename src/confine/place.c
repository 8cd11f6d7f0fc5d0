/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way to a name, link by link. */
#include "confine/place.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_LINKS    40		   /* as the kernel */
#define ANY_TERMINAL makedev(5, 0) /* /dev/tty: that of whoever opens it */

struct way {
	int dir;
	struct stat dir_is;
	char rest[2 * PATH_MAX]; /* what is still to go */
	int links;
};

static int cannot(const char *path, int err)
{
	return fail(-err, "cannot write %s: %s", path, strerror(err));
}

/* We ourselves, or who asked for us by sudo. */
static bool is_ours(uid_t uid)
{
	const char *sudo = getenv("SUDO_UID");

	return uid == geteuid() || uid == 0 || (sudo && uid == (uid_t)strtoul(sudo, NULL, 10));
}

/* The rules of fs.protected_symlinks, _hardlinks, _regular and _fifos, for every directory that
 * somebody else may write to: its owner, its group, or all, with a sticky bit or without. A file of
 * ours that has another name may have got this one from somebody else. */
bool place_trusts(const struct stat *dir, const struct stat *it)
{
	bool is_shared = !is_ours(dir->st_uid) || dir->st_mode & (S_IWGRP | S_IWOTH);

	return !is_shared || (is_ours(it->st_uid) && it->st_nlink < 2);
}

static int check_trust(const char *path, const struct stat *dir, const struct stat *it)
{
	char why[48] = "has another name, too (a hard link)";

	if (place_trusts(dir, it))
		return 0;
	if (!is_ours(it->st_uid))
		snprintf(why, sizeof(why), "is user %u's", it->st_uid);
	return fail(-EACCES,
		    "cannot write %s: what lies there %s, in a directory that others may write to: "
		    "remove it, or name another file",
		    path, why);
}

static int enter(struct way *w, int fd)
{
	close_fd(&w->dir);
	w->dir = fd;
	return fd < 0 || fstat(fd, &w->dir_is) ? -errno : 0;
}

/* The next name of the way; "" at its end. The kernel knows what . and .. are. */
static int next_name(struct way *w, char name[NAME_MAX + 1])
{
	const char *at = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(at, "/");

	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, at, n);
	name[n] = '\0';
	memmove(w->rest, at + n, strlen(at + n) + 1);
	return 0;
}

static int begin(struct way *w)
{
	return enter(w, open(*w->rest == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Links of /proc are no names but ways to what is open: to /dev/stdout's pipe, say. */
static int through_proc(const struct way *w, const char *name, struct place *p)
{
	struct statfs fs;
	struct stat st;
	int fd;

	if (*w->rest || fstatfs(w->dir, &fs) || fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	fd = openat(w->dir, name, O_PATH | O_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		p->at = fd;
		return 1;
	}
	close_fd(&fd);
	return 0;
}

/* @fd: the link. What it says comes before the rest of the way. */
static int follow(struct way *w, int fd, const char *path, const struct stat *link)
{
	char text[PATH_MAX];
	ssize_t n;
	int err = check_trust(path, &w->dir_is, link);

	if (err)
		return err;
	n = readlinkat(fd, "", text, sizeof(text));
	if (n <= 0)
		return cannot(path, n ? errno : ENOENT);
	if (++w->links > MAX_LINKS)
		return cannot(path, ELOOP);
	if ((size_t)n + strlen(w->rest) + 1 > sizeof(w->rest) || n == sizeof(text))
		return cannot(path, ENAMETOOLONG);
	memmove(w->rest + n, w->rest, strlen(w->rest) + 1);
	memcpy(w->rest, text, (size_t)n);
	err = *w->rest == '/' ? begin(w) : 0;
	return err ? cannot(path, -err) : 0;
}

/* One name further. 1 at the end; *@st is what lies there, st_mode 0 when nothing does. */
static int step(struct way *w, struct place *p, struct stat *st)
{
	int fd, err = next_name(w, p->name);

	if (err)
		return cannot(p->path, -err);
	if (!*p->name)
		return cannot(p->path, EISDIR);
	memset(st, 0, sizeof(*st));
	fd = openat(w->dir, p->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT && !*w->rest ? 1 : cannot(p->path, errno);
	if (fstat(fd, st)) {
		err = errno;
		close(fd);
		return cannot(p->path, err);
	}
	if (S_ISLNK(st->st_mode)) {
		err = through_proc(w, p->name, p);
		if (!err)
			err = follow(w, fd, p->path, st);
		close(fd);
		return err;
	}
	if (*w->rest) {
		err = enter(w, fd);
		return err ? cannot(p->path, -err) : 0;
	}
	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
		close(fd);
	else
		p->at = fd;
	return 1;
}

/* The file that is there is replaced, and the new one is as permissive as the old one was when that
 * is ours: the mode of somebody else's file says nothing about our wishes. */
static mode_t mode_for(const struct stat *st)
{
	mode_t mask = umask(077);

	umask(mask);
	return st->st_mode && st->st_uid == geteuid() ? st->st_mode & 0666 & ~mask : 0600;
}

static int judge(struct place *p, const struct way *w, const struct stat *st)
{
	char at[32];
	int err;

	snprintf(at, sizeof(at), "/proc/self/fd/%d", p->at);
	if (S_ISDIR(st->st_mode))
		return cannot(p->path, EISDIR);
	/* A file that /proc led to has been opened by whoever named it. */
	err = st->st_mode && !S_ISLNK(st->st_mode) ? check_trust(p->path, &w->dir_is, st) : 0;
	if (err)
		return err;
	if (p->at >= 0 ? access(at, W_OK) : st->st_mode && faccessat(w->dir, p->name, W_OK, 0))
		return cannot(p->path, errno);
	p->is_new = !st->st_mode;
	p->mode = mode_for(st);
	p->dir_owner = w->dir_is.st_uid;
	p->his = st->st_mode && st->st_uid == p->dir_owner ? st->st_mode & 0666 : 0;
	return 0;
}

int place_find(const char *path, struct place *out)
{
	struct way w = {.dir = -1};
	struct stat st = {0};
	int err;

	*out = (struct place){.path = path, .dir = -1, .at = -1};
	if (!*path)
		return fail(-EINVAL, "a file to write needs a name");
	if (strlen(path) >= PATH_MAX)
		return cannot(path, ENAMETOOLONG);
	strcpy(w.rest, path);
	err = begin(&w);
	if (err)
		err = cannot(path, -err);
	while (!err)
		err = step(&w, out, &st);
	err = err == 1 ? judge(out, &w, &st) : err;
	if (!err && out->at < 0) {
		out->dir = w.dir;
		w.dir = -1;
	}
	close_fd(&w.dir);
	if (err)
		place_close(out);
	return err;
}

int place_terminal(struct place *p)
{
	char name[64];
	struct stat st;

	if (p->at < 0 || fstat(p->at, &st) || !S_ISCHR(st.st_mode) || st.st_rdev != ANY_TERMINAL)
		return 0;
	close_fd(&p->at);
	p->at = -1;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && p->at < 0; fd++)
		if (!ttyname_r(fd, name, sizeof(name)))
			p->at = open(name, O_PATH | O_CLOEXEC);
	return p->at < 0 ? cannot(p->path, ENXIO) : 0;
}

void place_close(struct place *p)
{
	close_fd(&p->dir);
	close_fd(&p->at);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files at a place: the text goes to a new file beside it, which takes the name when it is whole
 * and on disk. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine/place.h"

#define TEMP_TRIES  100
#define STAMP_TRIES 10

/* The user of sudo can read the report that he asked for, in a directory of his own. */
static void give(const struct place *p, int fd)
{
	const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
	uid_t who = uid ? (uid_t)strtoul(uid, NULL, 10) : 0;

	if (!p->is_report || !who || !gid || who != p->dir_owner || geteuid())
		return;
	if ((p->his && fchmod(fd, p->his)) || fchown(fd, who, (gid_t)strtoul(gid, NULL, 10)))
		log_debug("%s stays root's: %s", p->path, strerror(errno));
}

int place_begin(struct place *p)
{
	int fd = -1;

	for (int i = 0; i < TEMP_TRIES && fd < 0; i++) {
		snprintf(p->temp, sizeof(p->temp), "%.200s.tmp-%d-%d", p->name, (int)getpid(), i);
		fd = openat(p->dir, p->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0) {
		*p->temp = '\0';
		return -errno;
	}
	/* As permissive as the file it replaces; a failure leaves it stricter, which is fine. */
	if (p->mode != 0600 && fchmod(fd, p->mode) != 0)
		log_debug("mode of %s not kept: %s", p->path, strerror(errno));
	give(p, fd);
	return fd;
}

int place_stamp(struct place *p)
{
	int stem = (int)strcspn(p->path, "."), fd, err = 0;
	char when[32] = "", number[8] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
	for (int i = 1; i < STAMP_TRIES && !err; i++) {
		if (i > 1)
			snprintf(number, sizeof(number), "-%d", i);
		snprintf(p->name, sizeof(p->name), "%.*s-%s%s%s", stem, p->path, when, number,
			 p->path + stem);
		fd = openat(p->dir, p->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		err = fd < 0 ? -errno : 0;
		close_fd(&fd);
	}
	p->is_new = true;
	p->mode = 0600;
	return err == -ENOENT ? 0 : err ? err : -EEXIST;
}

/* File systems that cannot do both at once are few: there the name was free a moment ago. */
static int take_name(const struct place *p)
{
	int err = -1;

	if (p->is_stamped)
		err = renameat2(p->dir, p->temp, p->dir, p->name, RENAME_NOREPLACE);
	if (!p->is_stamped || (err && (errno == EINVAL || errno == ENOSYS)))
		err = renameat(p->dir, p->temp, p->dir, p->name);
	return err ? -errno : 0;
}

int place_commit(struct place *p)
{
	int err = *p->temp ? take_name(p) : -ENOENT;

	if (err)
		return err;
	*p->temp = '\0';
	p->is_new = false;
	return 0;
}

void place_drop(struct place *p)
{
	if (*p->temp)
		unlinkat(p->dir, p->temp, 0);
	*p->temp = '\0';
}

/* The file at the name now, or a new one: regular, and to be trusted as much as at first. */
static int open_again(const struct place *p, int flags)
{
	int fd = openat(p->dir, p->name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			0600);
	struct stat dir = {0}, it = {0};
	int err = fd < 0 || fstat(fd, &it) || fstat(p->dir, &dir) ? -errno : 0;

	if (!err && !S_ISREG(it.st_mode))
		err = -EINVAL;
	if (!err && !place_trusts(&dir, &it))
		err = -EACCES;
	if (!err)
		return fd;
	close_fd(&fd);
	return err;
}

int place_read(const struct place *p)
{
	return p->dir < 0 ? -ENOENT : open_again(p, O_RDONLY);
}

int place_append(const struct place *p)
{
	if (p->dir < 0)
		return place_special(p, O_APPEND | O_NONBLOCK);
	return open_again(p, O_WRONLY | O_APPEND | O_CREAT);
}

bool place_is_pipe(const struct place *p)
{
	struct stat st;

	return p->dir < 0 && !fstat(p->at, &st) && S_ISFIFO(st.st_mode);
}

int place_special(const struct place *p, int flags)
{
	char at[32];
	int fd;

	snprintf(at, sizeof(at), "/proc/self/fd/%d", p->at);
	fd = open(at, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags);
	return fd < 0 ? -errno : fd;
}

int place_try(struct place *p)
{
	static const char page[4096];
	int err = 0, fd = p->dir < 0 ? -1 : place_begin(p);
	ssize_t got;

	if (p->dir < 0)
		return 0;
	if (fd < 0)
		return fd;
	/* A page, because a full file system often still makes an empty file. */
	for (size_t n = 0; n < sizeof(page) && !err; n += (size_t)got) {
		got = write(fd, page, sizeof(page) - n);
		if (got <= 0)
			err = got ? -errno : -ENOSPC;
	}
	close(fd);
	place_drop(p);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is written into files: complete or not there at all. The text goes to a file beside it,
 * which takes the name when it is whole and on disk. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out/out.h"

#define TEMP_TRIES 100

struct place {
	char path[PATH_MAX];	  /* links resolved: a rename must not replace the link */
	char temp[PATH_MAX + 64]; /* beside it */
	mode_t mode;		  /* of the file that is there; 0 = none */
	bool is_special;	  /* /dev/null, a pipe: written in place, never replaced */
};

static int cannot(const char *path, int err)
{
	return fail(-err, "cannot write %s: %s", path, strerror(err));
}

static int find_place(const char *path, struct place *out)
{
	struct stat st;

	memset(out, 0, sizeof(*out));
	if (!*path)
		return fail(-EINVAL, "a file to write needs a name");
	if (strlen(path) >= sizeof(out->path))
		return cannot(path, ENAMETOOLONG);
	if (!realpath(path, out->path))
		strcpy(out->path, path);
	if (stat(out->path, &st) != 0)
		return errno == ENOENT ? 0 : cannot(path, errno);
	if (S_ISDIR(st.st_mode))
		return cannot(path, EISDIR);
	if (access(out->path, W_OK) != 0)
		return cannot(path, errno);
	out->is_special = !S_ISREG(st.st_mode);
	out->mode = st.st_mode & 07777;
	return 0;
}

/* A new file beside the place. O_EXCL: nothing that lies there is ever opened or followed. */
static int open_temp(const char *path, struct place *p)
{
	int fd = -1;

	for (int i = 0; i < TEMP_TRIES && fd < 0; i++) {
		snprintf(p->temp, sizeof(p->temp), "%s.tmp-%d-%d", p->path, (int)getpid(), i);
		fd = open(p->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		return cannot(path, errno);
	/* As permissive as the file it replaces; a failure leaves it stricter, which is fine. */
	if (p->mode && fchmod(fd, p->mode) != 0)
		log_debug("mode of %s not kept: %s", path, strerror(errno));
	return fd;
}

/* All of it, on disk: 0 or the errno. Closes @fd. */
static int write_fd(int fd, int (*write)(FILE *f, const void *ctx), const void *ctx, bool want_sync)
{
	FILE *f = fdopen(fd, "w");
	int err = 0;

	if (!f) {
		err = errno;
		close(fd);
		return err;
	}
	err = -write(f, ctx);
	if (err == 0 && want_sync && fsync(fd) != 0 && errno != EINVAL)
		err = errno;
	if (fclose(f) != 0 && err == 0)
		err = errno;
	return err;
}

static int write_special(const char *path, int (*write)(FILE *f, const void *ctx), const void *ctx)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int err;

	if (fd < 0)
		return cannot(path, errno);
	err = write_fd(fd, write, ctx, false);
	return err ? cannot(path, err) : 0;
}

int out_file(const char *path, int (*write)(FILE *f, const void *ctx), const void *ctx)
{
	struct place p;
	int err, fd;

	if (strcmp(path, "-") == 0) {
		err = write(stdout, ctx);
		return err ? cannot("standard output", -err) : 0;
	}
	err = find_place(path, &p);
	if (err)
		return err;
	if (p.is_special)
		return write_special(path, write, ctx);
	fd = open_temp(path, &p);
	if (fd < 0)
		return fd;
	err = write_fd(fd, write, ctx, true);
	if (err == 0 && rename(p.temp, p.path) != 0)
		err = errno;
	if (err == 0)
		return 0;
	unlink(p.temp);
	return fail(-err, "cannot write %s: %s; %s", path, strerror(err),
		    p.mode ? "the old file was left as it was" : "nothing was left there");
}

int out_file_check(const char *path)
{
	static const char page[4096];
	struct place p;
	int err, fd;

	if (strcmp(path, "-") == 0)
		return 0;
	err = find_place(path, &p);
	if (err || p.is_special)
		return err;
	fd = open_temp(path, &p);
	if (fd < 0)
		return fd;
	/* A page, because a full file system often still makes an empty file. */
	errno = 0;
	err = write(fd, page, sizeof(page)) == (ssize_t)sizeof(page) ? 0 : errno ? errno : ENOSPC;
	close(fd);
	unlink(p.temp);
	return err ? cannot(path, err) : 0;
}

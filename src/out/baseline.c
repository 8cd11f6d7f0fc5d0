/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A baseline into its file: complete, or the old one stays. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out/json_writer.h"
#include "out/out.h"

static void put_run(struct json *j, const struct baseline_run *r)
{
	json_object(j, NULL, true);
	json_number(j, "at", r->at);
	json_number(j, "duration_s", r->duration_s);
	for (enum baseline_number k = 0; k < BASELINE_MAX; k++)
		json_number(j, baseline_name(k), r->v[k]);
	json_close(j);
}

static int write_all(FILE *f, const struct baseline *b)
{
	struct json j;

	json_begin(&j, f);
	json_object(&j, NULL, false);
	json_string(&j, "schema", BASELINE_SCHEMA);
	json_array(&j, "services", false);
	for (size_t i = 0; i < b->services.n; i++) {
		const struct baseline_service *s = &b->services.v[i];

		json_object(&j, NULL, false);
		json_string(&j, "service", s->name);
		json_array(&j, "runs", false);
		for (size_t k = 0; k < s->n; k++)
			put_run(&j, &s->run[k]);
		json_close(&j);
		json_close(&j);
	}
	json_close(&j);
	json_close(&j);
	return json_end(&j);
}

static int cannot(const char *path, int err)
{
	return fail(-err, "the baseline %s cannot be written: %s", path, strerror(err));
}

static void temp_name(const char *path, char *real, char *temp, size_t size)
{
	/* Through links: a rename must not replace the link. */
	if (!realpath(path, real))
		snprintf(real, PATH_MAX, "%s", path);
	snprintf(temp, size, "%s.tmp-%d", real, (int)getpid());
}

static int open_temp(const char *temp)
{
	return open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
}

int out_baseline_check(const char *path)
{
	char real[PATH_MAX], temp[PATH_MAX + 32];
	int fd;

	temp_name(path, real, temp, sizeof(temp));
	fd = open_temp(temp);
	if (fd < 0)
		return cannot(path, errno);
	close(fd);
	unlink(temp);
	return 0;
}

/* All of it, on disk: 0 or the errno. Closes @fd. */
static int write_file(int fd, const struct baseline *b)
{
	FILE *f = fdopen(fd, "w");
	int err;

	if (!f) {
		err = errno;
		close(fd);
		return err;
	}
	err = -write_all(f, b);
	if (!err && fsync(fd) && errno != EINVAL)
		err = errno;
	if (fclose(f) && !err)
		err = errno;
	return err;
}

int out_baseline(const char *path, const struct baseline *b)
{
	char real[PATH_MAX], temp[PATH_MAX + 32];
	struct stat st;
	int fd, err;

	temp_name(path, real, temp, sizeof(temp));
	fd = open_temp(temp);
	if (fd < 0)
		return cannot(path, errno);
	if (!stat(real, &st) && fchmod(fd, st.st_mode & 07777) != 0)
		log_debug("mode of %s not kept: %s", path, strerror(errno));
	err = write_file(fd, b);
	if (!err && rename(temp, real))
		err = errno;
	if (!err)
		return 0;
	unlink(temp);
	return cannot(path, err);
}

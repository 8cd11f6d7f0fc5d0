/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files that the user named: whole or not there, and in nobody else's way. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/outputs.h"
#include "confine/place.h"

#define STRANGER 65534
#define str(x)	 #x
#define xstr(x)	 str(x)

static size_t entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static int make_dir(void **state)
{
	char *dir = strdup("/tmp/pyleak-outputs-XXXXXX");

	*state = dir;
	umask(022);
	return dir && mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	int err = rmdir(*state);

	free(*state);
	return err;
}

static char *in(void **state, const char *name)
{
	static char path[5][128];
	static unsigned next;
	char *p = path[next++ % ARRAY_SIZE(path)];

	snprintf(p, sizeof(path[0]), "%s/%s", (const char *)*state, name);
	return p;
}

static int write_text(FILE *f, const void *text)
{
	fputs(text, f);
	return fflush(f) ? -errno : 0;
}

static int write_half(FILE *f, const void *text)
{
	fputs(text, f);
	fflush(f);
	return -EIO;
}

static int open_one(struct outputs *o, const char *path)
{
	return outputs_open(o, NULL, &path, 1, true);
}

/* Check, write, end: as a command does. */
static int once(const char *path, int (*write)(FILE *f, const void *ctx), const char *text)
{
	struct outputs o;
	int err = open_one(&o, path);

	if (!err)
		err = outputs_write(&o, path, write, text);
	outputs_close(&o);
	return err;
}

static void has(const char *path, const char *text, mode_t mode)
{
	char buf[256] = "";
	struct stat st;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_int_equal(fread(buf, 1, sizeof(buf) - 1, f), strlen(text));
	assert_string_equal(buf, text);
	assert_int_equal(fstat(fileno(f), &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	fclose(f);
}

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fchmod(fileno(f), mode), 0);
	fclose(f);
}

static void file_is_replaced_as_a_whole(void **state)
{
	char *path = in(state, "a.json"), *link = in(state, "link.json");
	struct outputs o;
	struct stat st;

	assert_int_equal(open_one(&o, path), 0);
	assert_int_equal(entries(*state), 0);
	assert_int_equal(outputs_write(&o, path, write_text, "one"), 0);
	assert_int_equal(outputs_write(&o, path, write_text, "two"), 0);
	outputs_close(&o);
	has(path, "two", 0600);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(symlink("a.json", link), 0);
	assert_int_equal(once(link, write_text, "three"), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	has(path, "three", 0640);
	/* never wider than a new file would be for this user */
	assert_int_equal(chmod(path, 04666), 0);
	assert_int_equal(once(path, write_text, "four"), 0);
	has(path, "four", 0644);
	assert_int_equal(once(path, write_half, "five"), -EIO);
	assert_non_null(strstr(fail_text(), "the old file was left as it was"));
	has(path, "four", 0644);
	assert_int_equal(entries(*state), 2);
	unlink(link);
	unlink(path);
	assert_int_equal(once(path, write_half, "five"), -EIO);
	assert_non_null(strstr(fail_text(), "nothing was left there"));
}

static void links_lead_where_they_say(void **state)
{
	char *dir = in(state, "d"), *file = in(state, "d/a"), *link = in(state, "link");

	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(symlink("d/../d/./a", link), 0); /* nothing there yet */
	assert_int_equal(once(link, write_text, "one"), 0);
	has(file, "one", 0600);
	unlink(link);
	assert_int_equal(symlink("link", link), 0);
	assert_int_equal(once(link, write_text, "one"), -ELOOP);
	unlink(link);
	unlink(file);
	rmdir(dir);
}

static void what_was_there_is_read(void **state)
{
	char *path = in(state, "a"), text[8] = "";
	struct outputs o;
	FILE *f;

	assert_int_equal(open_one(&o, path), 0);
	assert_int_equal(outputs_read(&o, path, &f), 0);
	assert_null(f);
	put(path, "old", 0600);
	assert_int_equal(outputs_read(&o, path, &f), 0);
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), 3);
	fclose(f);
	unlink(path);
	outputs_close(&o);
}

static void devices_and_pipes_are_written_never_replaced(void **state)
{
	char *pipe = in(state, "pipe"), text[8] = "";
	struct stat st;
	pid_t reader;
	int status;

	assert_int_equal(once("/dev/null", write_text, "x"), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(once("/dev/full", write_text, "x"), -ENOSPC);
	assert_non_null(strstr(fail_text(), "/dev/full"));
	assert_int_equal(mkfifo(pipe, 0600), 0);
	reader = fork();
	if (reader == 0) {
		usleep(200000); /* it is waited for */
		_exit(read(open(pipe, O_RDONLY), text, sizeof(text)) != 3 ||
		      strcmp(text, "abc") != 0);
	}
	assert_int_equal(once(pipe, write_text, "abc"), 0);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	assert_int_equal(stat(pipe, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	unlink(pipe);
}

static void lines_at_the_end_wait_for_nobody(void **state)
{
	char *pipe = in(state, "pipe");
	struct place p;

	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(place_find(pipe, &p), 0);
	alarm(20);
	assert_int_equal(place_append(&p), -ENXIO);
	alarm(0);
	assert_true(place_is_pipe(&p));
	place_close(&p);
	unlink(pipe);
}

/* Only a pipe's reader may still come. */
static void a_socket_is_refused_at_once(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", in(state, "socket"));
	assert_int_equal(bind(sock, (struct sockaddr *)&at, sizeof(at)), 0);
	alarm(20);
	assert_int_equal(once(at.sun_path, write_text, "x"), -ENXIO);
	alarm(0);
	assert_non_null(strstr(fail_text(), "No such device"));
	close(sock);
	unlink(at.sun_path);
}

/* /dev/fd/N, as <(...) of a shell gives it. */
static void ways_through_proc_are_known(void **state)
{
	char *path = in(state, "a"), at[32], text[8] = "";
	int pair[2], fd;

	assert_int_equal(pipe(pair), 0);
	snprintf(at, sizeof(at), "/dev/fd/%d", pair[1]);
	assert_int_equal(once(at, write_text, "abc"), 0);
	assert_int_equal(read(pair[0], text, sizeof(text)), 3);
	close(pair[0]);
	close(pair[1]);
	put(path, "old", 0600);
	fd = open(path, O_RDONLY);
	snprintf(at, sizeof(at), "/proc/self/fd/%d", fd);
	assert_int_equal(once(at, write_text, "new"), 0);
	close(fd);
	has(path, "new", 0600);
	unlink(path);
}

static void places_that_cannot_be_written_are_refused(void **state)
{
	struct outputs o;

	assert_int_equal(open_one(&o, in(state, "no/where.json")), -ENOENT);
	assert_int_equal(open_one(&o, *state), -EISDIR);
	assert_int_equal(open_one(&o, in(state, "dir/")), -ENOENT);
	assert_int_equal(open_one(&o, ""), -EINVAL);
	assert_int_equal(open_one(&o, "-"), 0);
	assert_int_equal(o.keeper.sock, -1);
	assert_int_equal(entries(*state), 0);
}

/* Whoever kills the tool in the middle of a report leaves no half of it. */
static void nothing_half_written_stays(void **state)
{
	char *path = in(state, "a");
	pid_t tool = fork();

	if (tool == 0) {
		struct output out;
		struct outputs o;

		if (open_one(&o, path) || outputs_begin(&o, path, &out) || entries(*state) != 1)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(tool, NULL, 0), tool);
	for (int i = 0; i < 200 && entries(*state); i++)
		usleep(10000);
	assert_int_equal(entries(*state), 0);
}

static bool not_root(void **state)
{
	if (geteuid() == 0)
		return false;
	(void)state;
	print_message("only root can be somebody else\n");
	return true;
}

/* In a directory where others may make names, what they make is not trusted, whatever it is. */
static void what_others_put_there_is_not_trusted(void **state)
{
	static const mode_t shared[] = {01777, 0777, 01770};
	char *victim = in(state, "victim"), *dir = in(state, "tmp"), *path = in(state, "tmp/a"),
	     *way = in(state, "tmp/a/victim"), *other = in(state, "other");
	struct stat st;

	if (not_root(state))
		return;
	put(victim, "mine", 0600);
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		assert_int_equal(mkdir(dir, 0700), 0);
		assert_int_equal(chmod(dir, shared[i]), 0);
		assert_int_equal(symlink("../victim", path), 0);
		assert_int_equal(lchown(path, STRANGER, STRANGER), 0);
		assert_int_equal(once(path, write_text, "x"), -EACCES);
		assert_non_null(strstr(fail_text(), "user 65534's"));
		has(victim, "mine", 0600);
		unlink(path);
		put(path, "theirs", 04666);
		assert_int_equal(chown(path, STRANGER, STRANGER), 0);
		assert_int_equal(once(path, write_text, "x"), -EACCES);
		unlink(path);
		assert_int_equal(mkfifo(path, 0666), 0);
		assert_int_equal(chown(path, STRANGER, STRANGER), 0);
		assert_int_equal(once(path, write_text, "x"), -EACCES);
		unlink(path);
		/* a second name for a file of ours, or for a link */
		assert_int_equal(link(victim, path), 0);
		assert_int_equal(once(path, write_text, "x"), -EACCES);
		assert_non_null(strstr(fail_text(), "has another name, too"));
		unlink(path);
		assert_int_equal(symlink("victim", other), 0);
		assert_int_equal(link(other, path), 0);
		assert_int_equal(once(path, write_text, "x"), -EACCES);
		has(victim, "mine", 0600);
		unlink(path);
		unlink(other);
		/* the way there, too */
		assert_int_equal(symlink("..", path), 0);
		assert_int_equal(lchown(path, STRANGER, STRANGER), 0);
		assert_int_equal(once(way, write_text, "x"), -EACCES);
		has(victim, "mine", 0600);
		unlink(path);
		/* our own are ours */
		put(path, "old", 0640);
		assert_int_equal(once(path, write_text, "new"), 0);
		has(path, "new", 0640);
		unlink(path);
		assert_int_equal(symlink("../victim", path), 0);
		assert_int_equal(once(path, write_text, "mine"), 0);
		assert_int_equal(lstat(path, &st), 0);
		assert_true(S_ISLNK(st.st_mode));
		unlink(path);
		rmdir(dir);
	}
	unlink(victim);
}

/* A file that comes after the check is not trusted either: it is replaced, and never read. */
static void nor_what_they_put_there_later(void **state)
{
	char *victim = in(state, "victim"), *dir = in(state, "tmp"), *path = in(state, "tmp/a");
	struct outputs o;
	struct place p;
	FILE *f;

	if (not_root(state))
		return;
	put(victim, "mine", 0600);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 01777), 0);
	assert_int_equal(open_one(&o, path), 0);
	assert_int_equal(place_find(path, &p), 0);
	assert_int_equal(symlink("../victim", path), 0);
	assert_int_equal(lchown(path, STRANGER, STRANGER), 0);
	assert_true(outputs_read(&o, path, &f) < 0);
	assert_true(place_append(&p) < 0);
	assert_int_equal(outputs_write(&o, path, write_text, "x"), 0);
	has(path, "x", 0600);
	has(victim, "mine", 0600);
	unlink(path);
	put(path, "theirs", 0666);
	assert_int_equal(chown(path, STRANGER, STRANGER), 0);
	assert_int_equal(outputs_read(&o, path, &f), -EACCES);
	assert_int_equal(place_append(&p), -EACCES);
	assert_int_equal(outputs_write(&o, path, write_text, "y"), 0);
	has(path, "y", 0600);
	unlink(path);
	assert_int_equal(link(victim, path), 0);
	assert_true(outputs_read(&o, path, &f) < 0);
	assert_int_equal(place_append(&p), -EACCES);
	outputs_close(&o);
	place_close(&p);
	unlink(path);
	unlink(victim);
	rmdir(dir);
}

static void who_asks_by_sudo_is_one_of_us(void **state)
{
	char *dir = in(state, "home"), *path = in(state, "home/a"), *link = in(state, "home/link");

	if (not_root(state))
		return;
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(chown(dir, STRANGER, STRANGER), 0);
	put(path, "theirs", 0666);
	assert_int_equal(chown(path, STRANGER, STRANGER), 0);
	assert_int_equal(symlink("a", link), 0);
	assert_int_equal(lchown(link, STRANGER, STRANGER), 0);
	assert_int_equal(once(link, write_text, "report"), -EACCES);
	setenv("SUDO_UID", xstr(STRANGER), 1);
	assert_int_equal(once(link, write_text, "report"), 0);
	unsetenv("SUDO_UID");
	has(path, "report", 0600); /* their mode says nothing about our wishes */
	unlink(link);
	unlink(path);
	rmdir(dir);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(file_is_replaced_as_a_whole),
		IN_DIR(links_lead_where_they_say),
		IN_DIR(what_was_there_is_read),
		IN_DIR(devices_and_pipes_are_written_never_replaced),
		IN_DIR(lines_at_the_end_wait_for_nobody),
		IN_DIR(a_socket_is_refused_at_once),
		IN_DIR(ways_through_proc_are_known),
		IN_DIR(places_that_cannot_be_written_are_refused),
		IN_DIR(nothing_half_written_stays),
		IN_DIR(what_others_put_there_is_not_trusted),
		IN_DIR(nor_what_they_put_there_later),
		IN_DIR(who_asks_by_sudo_is_one_of_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

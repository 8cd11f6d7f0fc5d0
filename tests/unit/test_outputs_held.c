/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The process that writes files is stopped, killed, or waits: the tool ends, and says which process
 * it was. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/packet.h"
#include "cli/outputs.h"
#include "cli/stop.h"
#include "confine/keeper.h"

#define PATIENCE_S 8 /* 2 s with an answer, 2 s with the end */

static char dir[] = "/tmp/pyleak-held-XXXXXX", path[64];

static int make_dir(void **state)
{
	FILE *f;

	(void)state;
	strcpy(strstr(dir, "held-") + 5, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/a.json", dir);
	f = fopen(path, "w");
	return f && fputs("old", f) >= 0 && !fclose(f) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static bool has(const char *text)
{
	char buf[16] = "";
	FILE *f = fopen(path, "r");
	bool is_read = f && fread(buf, 1, sizeof(buf) - 1, f) > 0;

	if (f)
		fclose(f);
	return is_read && !strcmp(buf, text);
}

static size_t files(void)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static int write_new(FILE *f, const void *unused)
{
	(void)unused;
	return fputs("new", f) < 0 || fflush(f) ? -EIO : 0;
}

static bool __attribute__((format(printf, 1, 2))) says(const char *format, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (strstr(fail_text(), text))
		return true;
	print_message("%s\n", fail_text());
	return false;
}

/* Stopped before it is asked for anything. */
static bool is_refused(struct outputs *o)
{
	int pid = o->keeper.pid;

	kill(pid, SIGSTOP);
	return outputs_write(o, path, write_new, NULL) == -EINTR &&
	       says("(pyleak-files, %d) was stopped: kill -CONT %d", pid, pid) &&
	       outputs_write(o, path, write_new, NULL) == -ENOTCONN && has("old");
}

/* Stopped when the text is whole. */
static bool is_unfinished(struct outputs *o)
{
	int pid = o->keeper.pid;
	struct output out;

	if (outputs_begin(o, path, &out) || fputs("new", out.f) < 0)
		return false;
	kill(pid, SIGSTOP);
	return outputs_end(o, &out, 0) == -EINTR &&
	       says("(pyleak-files, %d) goes on, which was stopped: kill -CONT %d", pid, pid) &&
	       has("old");
}

static void ends_within_patience(bool (*held)(struct outputs *o), const char *then)
{
	int pid_of[2], status, keeper = 0;
	uint64_t begin = clock_ns();
	pid_t tool;

	assert_int_equal(pipe(pid_of), 0);
	tool = fork();
	if (!tool) {
		const char *p = path;
		struct outputs o;

		if (outputs_open(&o, NULL, &p, 1, true) ||
		    write(pid_of[1], &o.keeper.pid, sizeof(pid_t)) != sizeof(pid_t))
			_exit(2);
		stop_ask();
		status = !held(&o);
		outputs_close(&o);
		_exit(status);
	}
	assert_int_equal(read(pid_of[0], &keeper, sizeof(pid_t)), sizeof(pid_t));
	assert_int_equal(waitpid(tool, &status, 0), tool);
	kill(keeper, SIGCONT);
	assert_int_equal(status, 0);
	assert_true(clock_ns() - begin < PATIENCE_S * 1000000000ull);
	for (int i = 0; i < 200 && (!has(then) || files() > 1); i++)
		usleep(10000);
	assert_true(has(then));
	assert_int_equal(files(), 1);
	close(pid_of[0]);
	close(pid_of[1]);
}

static void a_stopped_one_is_named_and_left(void **state)
{
	(void)state;
	ends_within_patience(is_refused, "old");
}

static void a_file_that_is_whole_takes_its_name_later(void **state)
{
	(void)state;
	ends_within_patience(is_unfinished, "new");
}

/* Somebody reads the pipe at last, when the tool has given it up: the file gets what is its own,
 * and the pipe nothing. Returns what went wrong. */
static int write_two(const char *pipe)
{
	const char *const both[] = {pipe, path};
	struct outputs o;
	char text[8];
	int fd;

	if (outputs_open(&o, NULL, both, 2, true))
		return 1;
	stop_ask();
	if (outputs_write(&o, pipe, write_new, NULL) != -EINTR || !says("nobody reads"))
		return 2;
	fd = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (outputs_write(&o, path, write_new, NULL))
		return 3;
	outputs_close(&o);
	return read(fd, text, sizeof(text)) ? 4 : 0;
}

static void a_late_answer_is_for_no_other_file(void **state)
{
	char pipe[80];
	pid_t tool;
	int status;

	(void)state;
	snprintf(pipe, sizeof(pipe), "%s/pipe", dir);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	tool = fork();
	if (!tool)
		_exit(write_two(pipe));
	assert_int_equal(waitpid(tool, &status, 0), tool);
	unlink(pipe);
	assert_int_equal(status, 0);
	assert_true(has("new"));
	assert_int_equal(files(), 1);
}

/* Its storage is silent. */
static void answers_nothing(int sock, void *unused)
{
	struct keeper_request r;

	(void)unused;
	while (packet_receive(sock, &r, sizeof(r), NULL) > 0)
		;
}

/* Returns what went wrong. */
static int write_three(void)
{
	struct outputs o = {.path = {path}, .n = 1};

	if (helper_start("pyleak-files", answers_nothing, NULL, &o.keeper))
		return 1;
	stop_ask();
	for (int i = 0; i < 2; i++)
		if (outputs_write(&o, path, write_new, NULL) != -EINTR || !says("does not answer"))
			return 2 + i;
	if (outputs_write(&o, path, write_new, NULL) != -ENOTCONN || !says("did not answer before"))
		return 4;
	outputs_close(&o);
	return 0;
}

static void one_that_answers_neither_of_two_is_not_asked_again(void **state)
{
	uint64_t begin = clock_ns();
	pid_t tool = fork();
	int status;

	(void)state;
	if (!tool)
		_exit(write_three());
	assert_int_equal(waitpid(tool, &status, 0), tool);
	assert_int_equal(status, 0);
	assert_true(clock_ns() - begin < PATIENCE_S * 1000000000ull);
	assert_true(has("old"));
	assert_int_equal(files(), 1);
}

static void a_killed_one_is_no_fault_of_the_disk(void **state)
{
	const char *p = path;
	struct output out;
	struct outputs o;
	siginfo_t gone;
	char temp[128];

	(void)state;
	assert_int_equal(outputs_open(&o, NULL, &p, 1, true), 0);
	assert_int_equal(outputs_begin(&o, path, &out), 0);
	kill(o.keeper.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)o.keeper.pid, &gone, WEXITED | WNOWAIT), 0);
	assert_int_equal(outputs_end(&o, &out, 0), -ESRCH);
	assert_true(says("a.json: the process that writes files (pyleak-files) has ended"));
	assert_int_equal(outputs_write(&o, path, write_new, NULL), -ESRCH);
	assert_true(says("(pyleak-files) has ended"));
	assert_true(has("old"));
	snprintf(temp, sizeof(temp), "%s.tmp-%d-0", path, o.keeper.pid);
	outputs_close(&o);
	assert_int_equal(unlink(temp), 0); /* as TROUBLESHOOTING.md has it */
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(a_stopped_one_is_named_and_left),
		IN_DIR(a_file_that_is_whole_takes_its_name_later),
		IN_DIR(a_late_answer_is_for_no_other_file),
		IN_DIR(one_that_answers_neither_of_two_is_not_asked_again),
		IN_DIR(a_killed_one_is_no_fault_of_the_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

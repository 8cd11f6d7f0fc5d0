/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hands the command line to the command that its first word names; none of them: the main job. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/libc.h"
#include "cli/cli.h"
#include "command/command.h"
#include "command/habits.h"
#include "probe/host.h"

/* clang-format off */
static const struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
} commands[] = {
	{"watch", command_watch}, /* the main job, which needs no name */
	{"census", command_census},
	{"why", command_why},
	{"sweep", command_sweep},
	{"serve", command_serve},
	{"merge", command_merge},
	{"diff", command_diff},
	{"doctor", command_doctor},
};
/* clang-format on */

static void no_stream(void)
{
	log_line("pyleak-bpf: a standard stream is closed and /dev/null cannot take its place: %s",
		 strerror(errno));
	exit(CLI_FAILED);
}

/* A caller with one of them closed must not find a report in the file that got its number. Writing
 * to a standard output that is closed fails still: what was to be read there would be lost. A
 * program that we start has them closed, as it would have without us. */
static void keep_standard_streams(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", (fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) | O_CLOEXEC) != fd)
			no_stream();
}

/* Help fits in the buffer, so that flush() learns whether anybody got it. */
static void buffer_output(void)
{
	static char buffer[1 << 16];

	setvbuf(stdout, buffer, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, sizeof(buffer));
}

/* Help, a version: what no command has looked at. */
static int flush(int code)
{
	int err = fflush(stdout) ? -errno : 0;

	if (!err || code != CLI_DONE || cli_reader_left(err))
		return code;
	fail(err, "cannot write standard output: %s", strerror(-err));
	return cli_complain(CLI_FAILED);
}

static void on_full_file(int sig)
{
	(void)sig;
}

/* A file that has reached the limit (`ulimit -f`) is an error of the write, seen where it happens.
 * By a handler, as what is ignored would be handed on to a command that we start. */
static void outlive_full_files(void)
{
	if (signal(SIGXFSZ, on_full_file) == SIG_IGN)
		signal(SIGXFSZ, SIG_IGN);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

/* `help`, `help census`. */
static int help(const char *name, const char *const *names)
{
	const struct command *c = name && strcmp(name, "help") != 0 ? find(name) : &commands[0];
	char *words[] = {(char *)name, (char *)"--help", NULL};

	if (c)
		return c->run(2, words);
	habits_unknown(name, names);
	return cli_complain(CLI_USAGE);
}

static int run(int argc, char **argv)
{
	const struct command *c = argc > 1 ? find(argv[1]) : NULL;
	const char *names[ARRAY_SIZE(commands) + 1] = {NULL};

	if (c)
		return c->run(argc - 1, argv + 1);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	if (argc > 1 && strcmp(argv[1], "help") == 0)
		return help(argc > 2 ? argv[2] : NULL, names);
	if (habits_check(argc, argv, names))
		return cli_complain(CLI_USAGE);
	return commands[0].run(argc, argv);
}

int main(int argc, char **argv)
{
	keep_standard_streams();
	buffer_output();
	outlive_full_files();
	libc_settle();
	/* Readings on threads of their own take turns; an arena each would only keep what they
	 * freed. */
	mallopt(M_ARENA_MAX, 2);
	/* Big buffers come and go: from mappings of their own, all the time, they leave no holes.
	 */
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	/* Before any thread or child is there. */
	if (cli_check_stack() || host_join())
		return cli_complain(CLI_FAILED);
	return flush(run(argc, argv));
}

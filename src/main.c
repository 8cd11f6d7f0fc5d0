/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hands the command line to the command that its first word names; none of them: the main job. */
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/cli.h"
#include "command/command.h"
#include "probe/host.h"

/* clang-format off */
static const struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
} commands[] = {
	{NULL, command_watch}, /* the main job has no name */
	{"census", command_census},
	{"why", command_why},
	{"sweep", command_sweep},
	{"serve", command_serve},
	{"merge", command_merge},
	{"doctor", command_doctor},
};
/* clang-format on */

static void no_stream(void)
{
	log_line("pyleak-bpf: a standard stream is closed and /dev/null cannot take its place: %s",
		 strerror(errno));
	exit(CLI_FAILED);
}

/* Who starts us with one of them closed must not find a report in the file that got its number. */
static void keep_standard_streams(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			no_stream();
}

int main(int argc, char **argv)
{
	keep_standard_streams();
	/* Column widths of characters follow the user's locale, numbers in JSON must not. */
	setlocale(LC_CTYPE, "");
	/* What a character set needs is loaded now: later no code is. */
	(void)btowc('a');
	/* Readings on threads of their own take turns; an arena each would only keep what they
	 * freed. */
	mallopt(M_ARENA_MAX, 2);
	/* Big buffers come and go: from mappings of their own, all the time, they leave no holes.
	 */
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	/* Before any thread or child is there. */
	if (host_join()) {
		log_line("pyleak-bpf: %s", fail_text());
		return 1;
	}
	for (size_t i = 1; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return commands[0].run(argc, argv);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which command the first word names; none of them: the main job. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

/* clang-format off */
static const struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
} commands[] = {
	{NULL, cli_watch}, /* the main job has no name */
	{"census", cli_census},
	{"why", cli_why},
	{"sweep", cli_sweep},
	{"serve", cli_serve},
	{"merge", cli_merge},
	{"doctor", cli_doctor},
};
/* clang-format on */

int cli_run(int argc, char **argv)
{
	for (size_t i = 1; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return commands[0].run(argc, argv);
}

int cli_complain(int code)
{
	log_line("pyleak-bpf: %s", fail_text());
	return code;
}

int cli_interrupted(void)
{
	log_line("interrupted before there was anything to report");
	return CLI_INTERRUPTED;
}

bool cli_reader_left(int err)
{
	struct stat s;

	return err == -EPIPE ||
	       (err == -EIO && fstat(STDOUT_FILENO, &s) == 0 && S_ISCHR(s.st_mode));
}

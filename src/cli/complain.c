/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every command says when it fails, and when there is nothing to say. */
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

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

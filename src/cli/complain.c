/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of every command when it fails or has nothing to report. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

int cli_complain(int code)
{
	log_line("pyleak-bpf: %s", fail_text());
	return code;
}

void cli_note(struct cli_failures *f, int err)
{
	if (!err)
		return;
	if (!f->err) {
		f->err = err;
		snprintf(f->why, sizeof(f->why), "%s", fail_text());
	} else if (strcmp(f->why, fail_text()) != 0) {
		log_line("pyleak-bpf: %s", fail_text());
	}
}

int cli_noted(const struct cli_failures *f)
{
	return f->err ? fail(f->err, "%s", f->why) : 0;
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

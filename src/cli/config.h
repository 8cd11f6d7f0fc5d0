/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file of settings: the long options of a command, as "name = value". */
#ifndef PYLEAK_CLI_CONFIG_H
#define PYLEAK_CLI_CONFIG_H

#include "cli/opts.h"

/* The text of a small file, without the newlines at its end. The caller frees. */
int config_text(const char *path, char **out);
/* Without the blanks at both ends; cuts @s. */
char *config_trim(char *s);
/* Fill @out from the file. Blank lines, lines that begin with # or ; and [headings] are skipped.
 * -EINVAL with file and line for what no option is. @text, which the caller frees, is what string
 * values point into. */
int config_read(const struct opt *table, const char *path, char **text, void *out);

#endif

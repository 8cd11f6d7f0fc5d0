/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a file of settings: the long options of a command, as "name = value". 0, or a negative
 * errno with the sentence. */
#ifndef PYLEAK_CLI_CONFIG_H
#define PYLEAK_CLI_CONFIG_H

#include "cli/opts.h"

/* Reads the text of a small file (64 KiB at most), without the newlines at its end. The caller
 * frees *@out. */
int config_text(const char *path, char **out);
/* Returns @s without the blanks at both ends; cuts it in place. */
char *config_trim(char *s);
/* Sets the options in @out from the file. Blank lines, lines that begin with # or ; and [headings]
 * are skipped. -EINVAL, with file and line: a setting is none, or has a wrong value. String values
 * point into *@text, which the caller frees. */
int config_read(const struct opt *table, const char *path, char **text, void *out);

#endif

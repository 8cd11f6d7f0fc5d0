/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Helps with first words that are typed by habit, from other tools or in haste, and name no
 * command. */
#ifndef PYLEAK_COMMAND_HABITS_H
#define PYLEAK_COMMAND_HABITS_H

#include "base/base.h"

/* Checks the first word. -EINVAL with a sentence that names the right command, if other tools have
 * the word, it is a saved file, or nearly one of @commands (ends with NULL); 0 for any other, which
 * may name a process. */
int habits_check(int argc, char **argv, const char *const *commands);
/* Fails for a word that must be a command: -EINVAL, and the sentence names the nearest, or all. */
int habits_unknown(const char *word, const char *const *commands);

#endif

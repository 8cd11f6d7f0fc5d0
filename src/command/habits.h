/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* First words that are typed by habit, from other tools or in haste, and name no command. */
#ifndef PYLEAK_COMMAND_HABITS_H
#define PYLEAK_COMMAND_HABITS_H

#include "base/base.h"

/* -EINVAL with the sentence that has the right command, for a first word that other tools have or
 * that is nearly one of ours (@commands ends with NULL); 0 for any other, which may name a process.
 */
int habits_check(int argc, char **argv, const char *const *commands);
/* The same for a word that must be a command. */
int habits_unknown(const char *word, const char *const *commands);

#endif

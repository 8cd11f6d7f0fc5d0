/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the program in a command line of Python's, behind the interpreter's own options. */
#ifndef PYLEAK_PROGRAM_H
#define PYLEAK_PROGRAM_H

#include <stddef.h>

/* Returns the index of the first word that is no option of the interpreter's: a script, with *@by
 * 0, or the option that names a module (-m, -Im; *@by 'm') or has the text of a program ('c'). @n
 * if there is none, and *@by 0. The interpreter is word 0. */
size_t program_word(const char *const *words, size_t n, char *by);

#endif

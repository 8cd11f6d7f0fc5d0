/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the program in a command line of Python's, behind the interpreter's own options. */
#ifndef PYLEAK_PROGRAM_H
#define PYLEAK_PROGRAM_H

#include <stddef.h>

/* Returns the index of the first word that is no option of the interpreter's, and sets *@by to 0:
 * a script, or "-". An option that names a module (-m, -Im) is such a word, too, with *@by 'm', and
 * so is one with the text of a program ('c'). Returns @n if there is none. The interpreter is word
 * 0. */
size_t program_word(const char *const *words, size_t n, char *by);

#endif

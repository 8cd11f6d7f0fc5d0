/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets up the C library of this process: its locale, and that a static one loads no modules. Knows
 * the C libraries of others by the names of their files. */
#ifndef PYLEAK_BASE_LIBC_H
#define PYLEAK_BASE_LIBC_H

#include <stdbool.h>

/* `make STATIC=1` makes one binary for every machine, which must never load code. */
#ifdef PYLEAK_STATIC
#define LIBC_IS_STATIC true
#else
#define LIBC_IS_STATIC false
#endif

/* Sets the user's character set, which the width of characters needs, and loads all of it now. A
 * static library is told to look up users and hosts in files and DNS alone. To be called once,
 * before there are threads. */
void libc_settle(void);

bool libc_is_glibc(const char *file);
bool libc_is_musl(const char *file); /* also by the name of its loader, which is the same file */

#endif

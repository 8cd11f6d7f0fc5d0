/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The C library of the process: its locale, and what a statically linked one must not do; and that
 * of others, by the name of its file. */
#ifndef PYLEAK_BASE_LIBC_H
#define PYLEAK_BASE_LIBC_H

#include <stdbool.h>

/* One binary for every machine (`make STATIC=1`): no code is ever loaded by name. */
#ifdef PYLEAK_STATIC
#define LIBC_IS_STATIC true
#else
#define LIBC_IS_STATIC false
#endif

/* The user's character set, for the width of characters; what it needs is loaded now. A static
 * library takes users and hosts from files and DNS alone. Once, before there are threads. */
void libc_settle(void);

bool libc_is_glibc(const char *file);
bool libc_is_musl(const char *file); /* its loader is the same file */

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The names of databases, by what is known of who talks to them. */
#ifndef PYLEAK_REPORT_DATABASE_H
#define PYLEAK_REPORT_DATABASE_H

#include "base/base.h"

/* That is reached at this port as a rule, or NULL. */
const char *database_of_port(uint16_t port);
/* That a file of a Python package, or a library, is a client of. @is_file: of those that are a file
 * themselves, and no socket. */
const char *database_of_path(const char *path, bool is_file);

#endif

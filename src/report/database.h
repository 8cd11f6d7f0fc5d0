/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names databases, by their clients and ports. */
#ifndef PYLEAK_REPORT_DATABASE_H
#define PYLEAK_REPORT_DATABASE_H

#include "base/base.h"

/* The database that usually has this port, or NULL. */
const char *database_of_port(uint16_t port);
/* The database whose client @path (file of a Python package, or library) is, or NULL. @is_file:
 * only databases that are files, not reached by a socket. */
const char *database_of_path(const char *path, bool is_file);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses of a session's target, by a thread of its own. */
#ifndef PYLEAK_SESSION_TYPES_H
#define PYLEAK_SESSION_TYPES_H

#include <stddef.h>

struct census_worker;

/* Names of types of which the censuses so far have found more each time, those with most bytes
 * first; at most @max of them. @w may be NULL. Copies are the caller's. */
#define TYPES_NAME 160
size_t types_growing(struct census_worker *w, char (*name)[TYPES_NAME], size_t max);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PYLEAK_CONFINE_FILTER_PRIV_H
#define PYLEAK_CONFINE_FILTER_PRIV_H

#include "confine/confine.h"

/* filter_args.c: calls that a process of this kind may make with some arguments only. */
int filter_args(void *f, enum filter_kind kind, bool paints);

#endif

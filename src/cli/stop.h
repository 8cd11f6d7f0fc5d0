/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Being asked to stop: Ctrl-C, SIGTERM, a closed terminal, a pipe nobody reads. */
#ifndef PYLEAK_CLI_STOP_H
#define PYLEAK_CLI_STOP_H

#include "base/base.h"

/* From now on the first signal asks, the second ends the process at once. Nothing stays in a
 * target then either: probes hang at file descriptors. */
void stop_install(void);
bool stop_asked(void);

#endif

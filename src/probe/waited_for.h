/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes of this host wait in the kernel, where no signal ends that, or for a server of
 * FUSE. */
#ifndef PYLEAK_PROBE_WAITED_FOR_H
#define PYLEAK_PROBE_WAITED_FOR_H

#include "base/base.h"

/* Looks for them, at main threads first. Takes a few milliseconds for a hundred processes, 200 at
 * most, unless one that waits execs (waits_at.h): then it may wait as long as that does, and only
 * SIGKILL ends it. So one thread looks, which holds nothing. */
void waited_for_look(void);
/* "redis-server (812), python3 (77)": the first that were found, also while the look goes on; those
 * that wait for a lock of many last, not ourselves; "" when none does. Takes no lock of theirs. */
void waited_for_tell(char *buf, size_t size);

#endif

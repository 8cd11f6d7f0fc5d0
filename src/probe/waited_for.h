/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes of this host wait in the kernel, where no signal ends that, or for a server of
 * FUSE. */
#ifndef PYLEAK_PROBE_WAITED_FOR_H
#define PYLEAK_PROBE_WAITED_FOR_H

#include "base/base.h"

/* "redis-server (812), python3 (77)": the first of them, those that wait for a lock of many last,
 * not ourselves; "" when none does. Main threads are looked at first. Takes a few milliseconds for
 * a hundred processes, 200 at most, and no lock of theirs. */
void waited_for(char *buf, size_t size);

#endif

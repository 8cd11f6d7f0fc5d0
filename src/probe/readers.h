/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads of target memory under way on this host, as who wants to switch probes sees them. */
#ifndef PYLEAK_PROBE_READERS_H
#define PYLEAK_PROBE_READERS_H

#include "base/base.h"

enum readers {
	READERS_NONE,
	READERS_LOST, /* one that nobody here can look at has not ended: it hangs, or was stopped */
	READERS_BUSY, /* some are under way, and will end */
	READERS_HUNG, /* one waits in the kernel for something that does not come */
};

/* Looks at those that a change of probes in the file @code would wait for; @is_library: a file that
 * any process may map. @beside_no_hung: one of any other program that hangs counts, too: a fork of
 * its process waits for the lock that the read has or wants, with the lock of all forks, for which
 * any change waits. Stamps of threads that are gone are cleared. */
enum readers readers_look(uint64_t code, bool is_library, bool beside_no_hung);

#endif

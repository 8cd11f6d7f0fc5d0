/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Small processes of our own that keep a right which we give up. */
#ifndef PYLEAK_BASE_HELPER_H
#define PYLEAK_BASE_HELPER_H

#include "base/base.h"

struct helper {
	int sock; /* SOCK_SEQPACKET; -1 = there is none */
	pid_t pid;
};

/* Fork one that runs @serve with its end of the socket and then ends. @serve returns when the other
 * end closes, however we end. It is away from our terminal and its signals; @name is what ps shows.
 * Before the first thread. */
int helper_start(const char *name, void (*serve)(int sock, void *ctx), void *ctx,
		 struct helper *out);
/* In a helper that needs no word of the command line any more: @title in place of that line, cut to
 * its length, in `ps -ef` and for `pkill -f`. */
void helper_title(const char *title);
/* In a helper that may not end for a while: nobody who waits for the end of what the tool writes to
 * waits for it. It has no descriptor but @sock then. */
void helper_let_go(int sock);
/* Close our end: it will end. */
void helper_release(struct helper *h);
/* The same, and wait for that. */
void helper_stop(struct helper *h);
/* The same, but not for longer than @patience_ns: has it ended? */
bool helper_stop_within(struct helper *h, uint64_t patience_ns);

#endif

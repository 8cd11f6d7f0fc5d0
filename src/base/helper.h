/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Starts small processes of our own, which keep a right that the tool gives up. Not thread-safe. */
#ifndef PYLEAK_BASE_HELPER_H
#define PYLEAK_BASE_HELPER_H

#include "base/base.h"

#define HELPER_PATIENCE_NS 2000000000ull /* with the end of one that somebody may have stopped */

struct helper {
	int sock; /* SOCK_SEQPACKET; -1 = there is none */
	pid_t pid;
};

/* Forks a process that runs @serve with its end of a socket, and ends when @serve returns: which is
 * to be when the other end closes, as it does however we end. It is in a session of its own and
 * ignores signals of the terminal; ps shows it as @name. To be called before the first thread.
 * Negative errno, with the sentence. */
int helper_start(const char *name, void (*serve)(int sock, void *ctx), void *ctx,
		 struct helper *out);
/* To be called in a helper: replaces our command line, as `ps -ef` and `pkill -f` see it, by
 * @title, cut to its length. The arguments must not be used afterwards. */
void helper_title(const char *title);
/* To be called in a helper that may live longer than the tool: closes all descriptors but @sock, so
 * that no reader of the tool's output waits for the helper. */
void helper_let_go(int sock);
/* Closes our end, at which the helper ends. */
void helper_release(struct helper *h);
/* Closes our end, and waits until the helper has ended. */
void helper_stop(struct helper *h);
/* Does the same, but waits for @patience_ns at most; true: it has ended. */
bool helper_stop_within(struct helper *h, uint64_t patience_ns);

#endif

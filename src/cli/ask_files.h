/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks the process that writes files (keeper.h), which may wait for a pipe's reader, for storage,
 * or for whoever stopped it. */
#ifndef PYLEAK_CLI_ASK_FILES_H
#define PYLEAK_CLI_ASK_FILES_H

#include "base/helper.h"
#include "confine/keeper.h"

/* Returns the answer, 0 or a negative errno; -EINTR: none came in time; -ENOTCONN: two earlier ones
 * did not, or the process was stopped, so this was not asked; -ESRCH: it has ended. Never -EPIPE
 * for these, because our callers take that for a reader who has seen enough, which is no failure.
 * @fd NULL: none is wanted. */
int ask_files(const struct helper *keeper, struct keeper_request r, struct keeper_answer *a,
	      int *fd);
/* Why @err came, as text. */
const char *ask_files_why(const struct helper *keeper, int err, char *buf, size_t size);
/* Records the sentence for a file at @path that is whole, but did not take its name. It still does
 * if a process that we left behind goes on. */
int ask_files_unfinished(const struct helper *keeper, const char *path);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells of processes of our own that are waited for: if somebody has stopped one, the wait would be
 * silent. */
#ifndef PYLEAK_CLI_AWAITED_H
#define PYLEAK_CLI_AWAITED_H

#include "base/helper.h"

#define AWAITED_FILES "the process that writes files (pyleak-files"

/* The letter of its state; 0: it has ended. */
char awaited_state(int pid);
/* Writes words for what keeps the process from its work, and what helps, as "was stopped: kill
 * -CONT 12"; false: nothing is seen. */
bool awaited_held(int pid, char *words, size_t size);
/* Closes our end, and waits for the end of a process that writes files, but not for long: one that
 * has not ended then is told. */
void awaited_stop_files(struct helper *h);

#endif

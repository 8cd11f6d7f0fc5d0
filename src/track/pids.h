/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds how the kernel half numbers a process, where its numbers are not ours: in a pid namespace
 * that is not the initial one. */
#ifndef PYLEAK_TRACK_PIDS_H
#define PYLEAK_TRACK_PIDS_H

#include "base/base.h"
#include "pyleak/pids.h"

/* libbpf's lines go to our log, one level lower. */
void pids_quiet(void);
/* -ENODATA, with the sentence, where the kernel does not tell. */
int pids_find(int pid, int pidfd, struct pl_pids *out);

#endif

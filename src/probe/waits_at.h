/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where in the kernel a thread waits. */
#ifndef PYLEAK_PROBE_WAITS_AT_H
#define PYLEAK_PROBE_WAITS_AT_H

#include "base/base.h"

/* The function that it waits in; "" when it does not wait, or that is not told. Kernels before 5.16
 * that unwind by ORC tell by its stack alone, which needs CAP_SYS_ADMIN. @pid 0: this process. */
void waits_at(int pid, int tid, char *buf, size_t size);
/* A task that a freezer of control groups holds (docker pause) shows the letter of one that waits.
 */
bool waits_in_freezer(const char *where);
/* A file of /proc of a thread, whole. @pid 0: of this process. Negative errno without a sentence.
 */
int waits_file(int pid, int tid, const char *name, char *buf, size_t size);
/* The letter of its state; 0: it is gone. @name: its name, with line breaks escaped, where wanted.
 * From status, which takes no lock: stat and wchan take, from Linux 7.2 on and in stable kernels
 * since the summer of 2026, one that a process has while it execs, however long that waits. */
char waits_state(int pid, int tid, char *name, size_t size);
/* Its stack in the kernel, as text, the innermost function first; empty when it runs. Negative
 * errno without a sentence. */
#define WAITS_STACK 4096
int waits_stack(int pid, int tid, char *buf, size_t size);

#endif

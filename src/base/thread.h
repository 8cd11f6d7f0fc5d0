/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Threads that work beside the one that waits for signals. */
#ifndef PYLEAK_BASE_THREAD_H
#define PYLEAK_BASE_THREAD_H

#include <pthread.h>

#include "base/base.h"

/* With all signals blocked that others send: they are for the thread that waits for them. Negative
 * errno, no sentence. */
int thread_start(pthread_t *out, void *(*work)(void *), void *arg);
/* CPU time of this thread: on a crowded machine work takes long and costs no more. */
uint64_t thread_cpu_ns(void);
/* That of another thread of this process; 0 = it is gone. */
uint64_t thread_cpu_of_ns(int tid);
/* CPU time of all threads of a process, now; 0 = it is gone. One system call, nothing is read. */
uint64_t process_cpu_ns(int pid);
/* For threads that take their time while others are in a hurry: this one at nice 0. No slower than
 * the target either: whoever reads it holds a lock that it needs to map memory. */
void thread_calm(void);
/* Do many more tasks want to run than there are processors? False where that is not told. */
bool thread_is_crowded(void);
/* For a second of work that somebody waits for on a crowded machine: more than one's share of it.
 */
void thread_brisk(void);
/* While a window is open the target crawls: whoever closes it must not wait for a CPU. For a thread
 * that sleeps nearly all of the time, so that nobody else is held up. */
void thread_haste(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Starts threads beside the one that waits for signals; CPU times and priorities of threads. */
#ifndef PYLEAK_BASE_THREAD_H
#define PYLEAK_BASE_THREAD_H

#include <pthread.h>

#include "base/base.h"

/* Starts a thread in which all signals that others send are blocked, as one thread waits for these.
 * Negative errno, no sentence. */
int thread_start(pthread_t *out, void *(*work)(void *), void *arg);
/* CPU time of this thread, which does not grow while others run on a crowded machine. */
uint64_t thread_cpu_ns(void);
/* CPU time of another thread of this process; 0 = it is gone. */
uint64_t thread_cpu_of_ns(int tid);
/* CPU time of all threads of a process; 0 = it is gone. One system call, and nothing is read. */
uint64_t process_cpu_ns(int pid);
/* Sets this thread to nice 0, for work that is not urgent. No lower, as a reader of the target
 * holds a lock that the target needs to map memory. */
void thread_calm(void);
/* Do many more tasks want to run than there are processors? False where that is not known. */
bool thread_is_crowded(void);
/* Sets this thread to a higher priority, for a second of work that somebody waits for on a crowded
 * machine. */
void thread_brisk(void);
/* Sets this thread to a very high priority. While a window is open the target crawls, so the thread
 * that closes it must not wait for a CPU. It has to sleep nearly all the time, so that no other is
 * delayed. Where these priorities are not allowed, nothing changes. */
void thread_haste(void);

#endif

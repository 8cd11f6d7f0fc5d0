/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The processes of this host, as far as this pid namespace shows them. */
#ifndef PYLEAK_PROC_LIST_H
#define PYLEAK_PROC_LIST_H

#include "proc/proc.h"

struct proc_entry {
	int pid, ppid;
	int ns_pid; /* as it sees itself */
	uid_t uid;
	uint64_t start_ticks; /* with pid: the identity */
	uint64_t start_stack; /* another one after exec; 0 = not told to us */
	uint64_t rss_bytes;
	double age_s;
	bool is_stuck; /* its main thread waits for what no signal ends */
	char comm[16];
};

/* Seconds since a process was started. */
double proc_age_s(uint64_t start_ticks);

/* One process as it is now. False when it has ended, or would not be listed. */
bool proc_list_one(int pid, struct proc_entry *out);
/* Kernel threads and zombies are left out. The caller frees *out. */
int proc_list(struct proc_entry **out, size_t *n);
/* How many those are, or @most if there are more; 0 = not known. Reads no stat, which may hang. */
size_t proc_count(size_t most);
/* All threads of the host and its kernel, in whatever pid namespace we are; 0 = not known. */
size_t proc_count_threads(void);

#endif

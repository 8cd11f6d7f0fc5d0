/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The limits that end a process that grows: its cgroups (v1 and v2), its rlimits, the machine's
 * memory; and the readings that tell what kind of memory it is that grows. */
#ifndef PYLEAK_PROC_LIMITS_H
#define PYLEAK_PROC_LIMITS_H

#include "proc/proc.h"

#define PROC_UNKNOWN UINT64_MAX

/* The memory cgroup of a process. What the kernel does not tell is PROC_UNKNOWN; no limit too. */
struct proc_cgroup {
	int version;	/* 1 or 2; 0 = none could be read */
	char path[256]; /* as in /proc/PID/cgroup */
	/* of its own group, with all below */
	uint64_t current, anon, file, shmem, oom_kills;
	uint64_t high;	     /* lowest memory.high on the way up: throttled there, not killed */
	uint64_t below_high; /* until any of them is met, page cache not given up */
	/* The group that is full first, its own or one above. */
	char tight_path[256];
	uint64_t limit;
	uint64_t left_low, left_high; /* until the kill: without, with what may be given up */
	uint64_t swap;		      /* part of both: room in swap */
	uint64_t room;	       /* until anything must be swapped or written out, at any level */
	unsigned unread;       /* files that are there and could not be understood */
	char unread_path[320]; /* the first of them */
	bool is_theirs;	       /* known through the mounts of the process, not through ours */
};

/* Reads the state of the group @path below the mount @root (a test may give any directory). Never
 * fails: a number that cannot be read is unknown, and counted. */
void proc_cgroup_read(const char *root, const char *path, int version, struct proc_cgroup *out);
/* The group of a process, through the mounts of this mount namespace, or else through its own.
 * Those lead by its root to any storage, which may be silent: who must not wait asks for ours
 * alone. */
void proc_cgroup(const struct proc *p, struct proc_cgroup *out);
void proc_cgroup_ours(const struct proc *p, struct proc_cgroup *out);
/* How often the kernel has killed for lack of memory in the group that @c was read of: also when
 * the process has ended. PROC_UNKNOWN: the group is gone, or does not tell. */
uint64_t proc_cgroup_kills(const struct proc_cgroup *c);
/* Has its path in any hierarchy this in it? Where there are several, units are in one of their own.
 */
bool proc_in_cgroup(const struct proc *p, const char *part);

enum proc_limit_kind { PROC_LIMIT_CGROUP, PROC_LIMIT_RLIMIT, PROC_LIMIT_RAM };

struct proc_limit {
	enum proc_limit_kind kind;
	char name[288];				   /* "RLIMIT_AS", "cgroup /a/b", "RAM" */
	uint64_t limit, left_low, left_high, swap; /* swap: as in struct proc_cgroup */
	bool refuses; /* allocations fail there (MemoryError); nobody is killed */
};

/* Bytes that stay when all is given up that may be; below 0 where swap has more room than that. */
static inline double proc_limit_used(const struct proc_limit *l)
{
	return (double)l->limit - (double)l->left_high;
}

#define PROC_LIMITS 4
/* All that apply now, the nearest first. Returns the number. */
size_t proc_limits(const struct proc *p, const struct proc_memory *m, const struct proc_cgroup *cg,
		   struct proc_limit *out);
/* Bytes that may come into memory for the process before the kernel has to make room, by swapping
 * or by killing: below its cgroups' limits, and in the machine. */
uint64_t proc_room(const struct proc *p);
uint64_t proc_room_in(const struct proc_cgroup *cg); /* that were read already */
/* One row of /proc/PID/limits by its title ("Max open files"): the soft limit, PROC_UNKNOWN when
 * unlimited or not to be had. */
uint64_t proc_rlimit(const struct proc *p, const char *title);

/* Sums over all mappings. The kernel walks the page tables for it, some 10 ms per GiB, with one
 * lock: -EFBIG, no sentence, of a large process (proc_is_large). */
struct proc_rollup {
	uint64_t rss, pss, pss_anon, pss_shmem, shared, private_clean, private_dirty, anon, huge,
		swap;
};
int proc_rollup(const struct proc *p, struct proc_rollup *out);

struct proc_usage {
	uint64_t minor_faults, major_faults;
	uint64_t fds; /* PROC_UNKNOWN when /proc/PID/fd may not be read */
	/* through read and write of any kind, or to and from disks where that is more (mappings);
	 * PROC_UNKNOWN when /proc/PID/io may not be read */
	uint64_t io_bytes;
	uint64_t waited_ns; /* of its threads, ready to run, for a processor; 0 = not told */
	/* Their time at a processor, and how often they came to run; 0 = not all of them told. */
	uint64_t ran_ns, turns;
};
int proc_usage(const struct proc *p, struct proc_usage *out);

#endif

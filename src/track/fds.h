/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptors, threads and children of a process, each with the Python stack that made it. The
 * kernel half records who opened number N last; whether it is open, and what it is, is read from
 * /proc at each look. Those opened before the watch are only counted. Not thread-safe. */
#ifndef PYLEAK_TRACK_FDS_H
#define PYLEAK_TRACK_FDS_H

#include "base/map64.h"
#include "base/trend.h"
#include "ledger/ledger.h"
#include "probe/probe.h"
#include "proc/fds.h"
#include "pyleak/fds.h"

struct fds;
struct pyleak_bpf;

/* Source of the stacks. Probes on libc cost the target about a microsecond a call, and nobody else
 * anything; the tracepoints slow down every system call of every process on the host by a hundredth
 * of a microsecond, so they are for targets without a libc to probe. */
enum fds_means { FDS_NONE, FDS_LIBC, FDS_SYSCALLS };

enum fds_means fds_choose(const struct proc *p);
/* To be called before the load: the kernel half loads what @means needs. */
void fds_prepare(struct pyleak_bpf *skel, enum fds_means means);

struct fds_spec {
	const struct proc *proc;
	struct pyleak_bpf *skel; /* loaded after fds_prepare() */
	enum fds_means means;
	enum probe_mechanism mechanism;
	struct probe_channel *channel; /* to the process that switches probes; NULL: this one */
	struct account *account;       /* borrowed: what the probes may cost the target, and cost */
	uint64_t older_ns;
};

enum fds_kind { FDS_FILE, FDS_SOCKET, FDS_PIPE, FDS_OTHER, FDS_THREAD, FDS_CHILD, FDS_KINDS };

struct fds_thing {
	enum fds_kind kind;
	int number;	    /* descriptor, thread or process id */
	bool is_before;	    /* from before the watch */
	bool is_zombie;	    /* FDS_CHILD: it has ended, and its parent has not waited */
	uint64_t stack;	    /* who opened it; 0 = not known */
	uint64_t caller;    /* native caller of the libc function, 0 = not known */
	uint64_t born_ns;   /* when it was opened, or first seen */
	uint64_t inode;	    /* of sockets and pipes */
	uint64_t link_hash; /* hash of its link */
	char *name;	    /* its link; NULL for tasks, and for those from before the watch */
};

/* Things that one stack opened and that are open. */
struct fds_site {
	uint64_t stack;
	bool is_task;
	const struct fds_thing **things; /* at least older_ns old */
	size_t n;
	struct trend_fit fit; /* fit of their number over time */
	struct curve curve;
	double rate;	    /* per second; 0: it does not grow, or has stopped */
	uint64_t oldest_ns; /* age */
	unsigned moments;   /* distinct seconds in which they were opened */
	unsigned quarters;  /* quarters of the run in which they were opened */
};

struct fds_sites {
	struct fds_site *v;
	size_t n;
	const struct fds_thing **things; /* array that the sites point into */
};

struct fds_totals {
	/* descriptors: all, from before the watch, without a known line */
	uint64_t open, before, unknown;
	uint64_t limit;	     /* RLIMIT_NOFILE, 0 = none known */
	double growth_per_s; /* of all descriptors; 0: they do not grow */
	uint64_t threads, children;
};

int fds_open(const struct fds_spec *spec, struct fds **out);
void fds_close(struct fds *f);
const char *fds_note(const struct fds *f); /* a sentence; "" when all is well */
enum fds_means fds_means(const struct fds *f);

/* Looks at /proc once; at children and the limit once a second, or if @all. Returns the CPU time it
 * took, in ns, so that the caller can pace it. May block for a probe window of some 20 ms. */
uint64_t fds_poll(struct fds *f, bool all);
void fds_pause(struct fds *f);
int fds_resume(struct fds *f);

/* Things opened for each one whose line is known: more than 1 if windows are watched; 1 for threads
 * and children, which no window misses. */
double fds_scale(const struct fds *f, bool is_task);
void fds_totals(const struct fds *f, struct fds_totals *out);
/* As of the last poll; valid until the next. */
int fds_sites(struct fds *f, struct fds_sites *out);
void fds_sites_free(struct fds_sites *s);
/* Adds the stacks that are still needed to @keep. */
void fds_keep_stacks(const struct fds *f, struct map64 *keep);

#endif

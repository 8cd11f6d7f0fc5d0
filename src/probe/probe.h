/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Probes: by which kernel mechanism, in and out. Which bytes: places/places.h. */
#ifndef PYLEAK_PROBE_H
#define PYLEAK_PROBE_H

#include "base/base.h"

/* mechanism.c, tracefs.c, multi.c, perf.c: one interface. */

enum probe_mechanism { PROBE_NONE, PROBE_TRACEFS, PROBE_MULTI, PROBE_PERF, PROBE_MECHANISMS };
const char *probe_mechanism_name(enum probe_mechanism m); /* contract words */

/* On a host with more processes than that no probes on libc are switched again and again: each
 * change looks at all of them (docs/DECISIONS.md). */
#define PROBE_LIBC_PROCESSES 1000
/* Where a pid namespace hides processes: threads of the host, hundreds of them its kernel's. */
#define PROBE_LIBC_THREADS 4000
/* Has this host more, or are they not to be counted? */
bool probe_host_is_crowded(void);

struct probe_set; /* sites of one file, one program, one target */

struct probe_set_spec {
	int file_fd;		 /* of the very file that was searched for the offsets */
	const uint64_t *offsets; /* file offsets */
	size_t n;
	int pid;	   /* target, as seen from here */
	int pidfd;	   /* the same, and no other of its number later; 0 or -1 = not known */
	int prog_fd;	   /* BPF program of the type the mechanism wants */
	bool on_return;	   /* return probe (tracefs "r", perf retprobe) */
	bool is_library;   /* a file that processes without Python map, too: libc */
	const char *label; /* short, for event names: "birth", "malloc" */
	/* The guardian that holds the probes and switches them (guard.h); NULL: this process. */
	struct probe_channel *guard;
	/* Called when the file has been read, which may take as long as its storage likes, and
	 * before the kernel is asked; what it fails with is the result. NULL is fine. */
	int (*go_on)(void *ctx);
	void *ctx;
};

/* Does what only a process with all rights can do: mount tracefs where it is missing, and open the
 * file that takes definitions. Before there are other threads. A failure is that of one mechanism,
 * no more, and what that fails with from then on: who has given its rights up may not even try. */
int probe_prepare(void);
/* Its first half: mount tracefs. */
int probe_mount(void);
/* Does @err say that a mechanism could not be tried at this moment, not that it does not work? */
static inline bool probe_not_now(int err)
{
	return err == -EAGAIN || err == -EBUSY || err == -ENOMEM || err == -EMFILE ||
	       err == -ENFILE;
}
/* Which mechanism works here for @n sites, by trying on our own binary, not by version. Sets the
 * sentence when none does. @prefer PROBE_NONE lets the measured default decide. */
int probe_choose(size_t n, enum probe_mechanism prefer, enum probe_mechanism *out);
/* The same for process @pid (0: any): found out once in the life of this process. -ENODATA where
 * what was found cannot follow that process, since its main thread has ended. */
int probe_choose_for(int pid, size_t n, enum probe_mechanism *out);
/* Try @m on two nops of our own text: put in, counted in another thread, taken out again. What one
 * event costs there with a program that only counts, in *@ns. Sets the sentence. */
int probe_try(enum probe_mechanism m, double *ns);
/* Returns the ns that an event takes the thread which runs into it, with a program that only
 * counts, as the trial found by which @m was chosen. 0 = there was none. */
double probe_event_ns(enum probe_mechanism m);
/* BPF attach type the program must be loaded with: BPF_TRACE_UPROBE_MULTI or 0. */
int probe_attach_type(enum probe_mechanism m);

/* Does a kernel of this name (uname -r) crash where a thread that has run into a probe ends beside
 * a profiler that samples stacks? False where a distribution's name does not tell. */
bool probe_profiler_hurts(const char *release);

/* Refuses (-ENOTSUP) where return probes may end process @pid: kernels that end whoever has a
 * seccomp filter or gets one, and those that end who has a shadow stack. Opening a set of them asks
 * this, too. */
int probe_check_return(int pid);

/* -EAGAIN with the sentence while process @pid is held by ptrace. A debugger keeps the bytes that
 * its own breakpoints replace: one of ours that it kept, it would write back when ours has long
 * gone, and the process would die of it. Switching on asks this, too, of the main thread alone: the
 * others take up to 10 us each. */
int probe_check_tracer(int pid, bool of_any_thread);

/* Define and park: nothing in the target yet. */
int probe_set_open(enum probe_mechanism m, const struct probe_set_spec *spec,
		   struct probe_set **out);
/* Breakpoints in (returns when all are) and out. warm: take the grace period on ourselves first and
 * wait a random part of a tick, so that windows are never in step with the target. */
int probe_set_warm(struct probe_set *s);
/* -EAGAIN: not now, probes of others are being switched or processes read. -EBUSY: not for a while,
 * as it would harm the target or the host. -ENOTSUP: not any more (turn.h). */
int probe_set_on(struct probe_set *s);
/* The same, again for two seconds while it is -EAGAIN: for probes that are to stay in. */
int probe_set_insist(struct probe_set *s);
/* Waits for as long as a read of target memory hangs that it would have to wait for. */
int probe_set_off(struct probe_set *s);
/* The same, but -EAGAIN in place of the long wait: then they are in. */
int probe_set_try_off(struct probe_set *s);
/* The same, and what waits for the kernel alone goes on when this returns: the probes of another
 * moment may still trap, and the next call on the channel may have to wait. */
int probe_set_let_go(struct probe_set *s);
/* All of @n (NULL is left out) side by side; those that the guardian holds are of one channel.
 * @waits false: as probe_set_let_go(). */
void probe_sets_off(struct probe_set *const *set, size_t n, bool waits);
bool probe_set_is_on(const struct probe_set *s);
size_t probe_set_sites_in(const struct probe_set *s); /* 0 when it is off; NULL is fine */
void probe_set_close(struct probe_set *s);	      /* off, then remove every definition */

#endif

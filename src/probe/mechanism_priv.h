/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declarations that the three mechanisms share; nobody outside src/probe includes this. */
#ifndef PYLEAK_PROBE_MECHANISM_PRIV_H
#define PYLEAK_PROBE_MECHANISM_PRIV_H

#include "probe/probe.h"
#include "probe/turn.h"

#include <linux/perf_event.h>

/* The value of BPF_TRACE_UPROBE_MULTI in linux/bpf.h since 6.6; older headers lack the name. */
#define PROBE_BPF_TRACE_UPROBE_MULTI 48
/* Detaching perf uprobes costs 110 ms per site, one after the other (6.18; 272 sites: 27 s). */
#define PROBE_PERF_MAX_SITES 6

/* How one mechanism does it. A set reaches these only in the order open, (on, off)*, close; an open
 * that fails leaves nothing behind, and no close follows it. */
struct probe_ops {
	int (*open)(struct probe_set *s);
	int (*warm)(struct probe_set *s); /* may be NULL */
	int (*on)(struct probe_set *s);
	int (*off)(struct probe_set *s); /* what it fails with may be tried again */
	/* Leaves one thing for the kernel to forget, behind which its turn may be passed on. */
	void (*close)(struct probe_set *s);
	/* Ends what cannot go with close: behind its turn, in turns of its own. May be NULL. */
	void (*forget)(struct probe_set *s);
	/* off, which may go on when this returns; NULL: there is no such. */
	int (*let_go)(struct probe_set *s);
	/* off, of several that are on and of one channel; NULL: each by itself. */
	void (*off_together)(struct probe_set *const *set, size_t n, bool waits);
	/* Opens what, when it is closed, has children of the target lose what they inherited: a
	 * descriptor, or a negative errno. NULL: they do by themselves. */
	int (*shed)(struct probe_set *s);
	/* open and close change nothing in the kernel. */
	bool is_light;
	/* Has it been taken out behind our back? May be NULL: never. */
	bool (*was_lost)(const struct probe_set *s);
};
extern const struct probe_ops probe_tracefs_ops, probe_multi_ops, probe_perf_ops;
extern const struct probe_ops probe_remote_ops; /* guard_ask.c: switched by the guardian */

struct probe_set {
	const struct probe_ops *ops;
	char label[24];
	char path[32]; /* "/proc/self/fd/N": no blank, no colon, and the inode cannot change */
	int file_fd;
	uint64_t *offsets; /* sorted, no duplicates */
	size_t n;
	int pid;
	int pidfd; /* our own duplicate, as prog_fd; -1 = none */
	int prog_fd;
	bool on_return, on;
	int *fds;	       /* open while on: one, or one per site (perf) */
	struct tracefs_set *t; /* tracefs only */
	uint64_t resident_ns;  /* when the code was last seen to be in memory */
	void *pin;	       /* its pages, held in memory (resident.c); NULL: they are not */
	size_t pin_len;
	uint64_t code;	 /* what is in the file (base/reading.h) */
	bool is_library; /* any process may map it */

	/* of a set that the guardian holds */
	enum probe_mechanism mechanism;
	struct probe_channel *channel;
	uint32_t number; /* 0 = not open there */
	uint32_t trips;	 /* as of when it was switched on */
};

/* Children that were forked while the set is on, and inherited its probes, lose them (ops->shed):
 * in two steps. The second may have to wait for a read that hangs, and needs the set no more. */
struct probe_shed {
	struct turn out;
	int fd;
};
int probe_shed_begin(struct probe_set *s, struct probe_shed *shed);
void probe_shed_end(struct probe_shed *shed);

#define PROBE_TOGETHER 16

/* together.c: in this process, sets of different links. What would wait for a read that hangs stays
 * on, unless @is_patient. */
void probe_off_together(struct probe_set *const *set, size_t n, bool is_patient);

/* resident.c: before the kernel is asked to read the file itself, or refuse. */
int probe_make_resident(struct probe_set *s);
int probe_check_storage(const struct probe_set *s);
/* The pages of the code stay in memory until probe_unpin(). Where the limit of locked memory is too
 * low they do not, and probe_make_resident() does what can be done. */
void probe_pin(struct probe_set *s);
void probe_unpin(struct probe_set *s);
size_t probe_pages(const struct probe_set *s); /* of code, that have a site in them */

/* room.c: may @pages of code be copied for process @pid, which pays for them, without harm to it or
 * the host? -EBUSY with the sentence. */
int probe_check_room(int pid, size_t pages);
/* The same where only the mounts of the target show its group: for the tool, since the guardian
 * must not wait for storage. */
int probe_check_room_theirs(const struct probe_set *s);

/* multi.c: a link finds its address space through the main thread. -ENOTSUP when that has ended. */
int probe_check_main_thread(int pid);
/* Can links be trusted on a kernel of this name (uname -r)? */
bool probe_multi_is_sound(const char *release);

/* returns.c: may return probes end a process there, now or when it changes? */
bool probe_return_hurts(const char *release, bool has_shadow_stack);

/* Where two probes may be tried without anybody noticing: two nops in our own text. */
#define PROBE_SELF_NOPS 2
struct probe_self {
	char path[4096];
	uint64_t offsets[PROBE_SELF_NOPS];
};
int probe_self_find(struct probe_self *out);
/* Reads their pages from storage, which may be silent, so that a trial finds them in memory. Once:
 * what a trial has found is kept, and needs no storage. */
void probe_self_read(void);
/* Does @m put its probes in, count the calls of every thread, and take them out again? */
int probe_selftest(enum probe_mechanism m);

/* perf_event_open for process @pid, any CPU. -ESRCH, -EPERM with the sentence. */
int probe_perf_event(struct perf_event_attr *attr, int pid);
int probe_perf_set_bpf(int event_fd, int prog_fd);

/* ---- Events of tracefs (uprobe_events.c). ---- */

enum event_state { EVENT_NONE, EVENT_DEFINED, EVENT_SEALED };

/* One event and all its probes. Its name is never used twice by one process. */
struct probe_event {
	char name[96]; /* "pyleak_PID_NAMESPACE_RANDOM/label_7" */
	uint32_t id;
	enum event_state state;
};

/* Define @n probes in file @path as the event @ev. Nothing is planted. */
int probe_event_define(struct probe_event *ev, const char *label, const char *path,
		       const uint64_t *offsets, size_t n, bool on_return);
/* To be called before the first perf_event_open on it: from here on the event cannot change.
 * Checks that all @n probes are there. */
int probe_event_seal(struct probe_event *ev, size_t n);
/* The list of all events, where tracefs is mounted; -errno without a sentence. */
int probe_open_events(int flags);
/* Nobody has enabled it, in any instance of tracing. False where that cannot be read. */
bool probe_event_is_off(const struct probe_event *ev);
/* The same, where tracefs is at @root. */
bool probe_event_is_off_below(const char *root, const struct probe_event *ev);
/* Every fd on the event must be closed. Takes a zeroed event. */
void probe_event_remove(struct probe_event *ev);

#endif

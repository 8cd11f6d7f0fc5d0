/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of descriptor tracking. */
#ifndef PYLEAK_TRACK_FDS_PRIV_H
#define PYLEAK_TRACK_FDS_PRIV_H

#include "base/map64.h"
#include "track/fds.h"

#define FDS_FILES     2
#define FDS_MAX_SETS  (3 * FDS_FILES)
#define FDS_MAX_LINKS 64 /* tracepoints */
#define FDS_LIBC_FNS  48
#define FDS_ROWS      1024

struct bpf_link;

/* Places of probes in libc (fds_libc.c): in libpthread, up to glibc 2.33, and in libc itself. */
struct fds_libc {
	struct fds_file {
		int fd;			     /* the file that was searched */
		uint64_t one[FDS_LIBC_FNS];  /* offsets of functions that return a descriptor */
		uint64_t many[FDS_LIBC_FNS]; /* the same, of functions whose arguments are needed */
		size_t n_one, n_many;
	} file[FDS_FILES];
	size_t n_files;
	struct pl_fd_fn fns[PL_FD_FNS];
	size_t n_fns;
	/* share of the functions in `one` that are probed at a byte the kernel steps over */
	double steps_one;
	bool steps_many; /* one of those in `many` is */
};
int fds_libc_find(const struct proc *p, struct fds_libc *out);
void fds_libc_forget(struct fds_libc *l);

/* The number of things of one stack over time. */
struct fds_row {
	uint64_t stack;
	bool is_task;
	size_t n;
	double idle_since_s; /* 0 = has some */
	uint64_t first_ns;   /* birth of the oldest that was ever counted */
	struct trend_set *count;
};

/* How many things without a known line have gone, by kind, over time: others that take their place
 * are no growth. When the points are full, every second one is dropped. */
#define FDS_POINTS 128

struct fds_gone {
	uint32_t total[FDS_KINDS];
	uint32_t v[FDS_POINTS][FDS_KINDS];
	double t_s[FDS_POINTS], step_s;
	size_t n;
};

struct fds_table {
	VEC(struct fds_thing) things;
	struct fds_gone gone;
	struct trend_set *kinds; /* FDS_KINDS series: number that is open */
	struct map64 index;	 /* key of a thing -> place + 1 */
	VEC(struct fds_row) rows;
	struct map64 row_index;
	struct trend_set *all; /* number of descriptors */
	uint64_t limit;
	uint64_t n_fds;
	uint64_t children_ns; /* children started until then are known */
	uint64_t due_ns;      /* of the next look at children and the limit */
	bool is_primed;	      /* things from before the watch are in the table */
};

struct fds {
	struct fds_spec spec;
	struct fds_libc libc;
	struct probe_set *set[FDS_MAX_SETS];
	size_t n_sets;
	struct bpf_link *link[FDS_MAX_LINKS];
	size_t n_links;
	const struct pl_fd *slots;
	const struct pl_task *tasks;
	struct pl_fd_ctl *ctl;
	bool is_on, is_paused;
	char note[300];
	struct fds_table table;
	uint64_t start_ns, looked_ns;

	/* cost (fds_cost.c) */
	uint64_t calls, opened, failed, started;
	bool in_windows, was_in_windows, is_refused; /* is_refused: said so */
	unsigned over, calm;
};

/* Puts all sets in. @put_in: probe_set_on in windows, probe_set_insist for sets that stay. */
int fds_on(struct fds *f, int (*put_in)(struct probe_set *));
void fds_off(struct fds *f);
/* Puts them in to stay; refused for the moment, they go in with a window, and stay if it is calm.
 */
int fds_stay(struct fds *f);
/* Makes links to the tracepoints, or probe sets, as spec.means says (fds_attach.c). */
int fds_attach(struct fds *f);
void fds_close_sets(struct fds *f);
void fds_detach(struct fds *f);

/* Accounts for the calls and starts since the last time, changes to windows or back, and opens a
 * window that is due. */
void fds_cost_poll(struct fds *f, uint64_t now_ns);

int fds_table_look(struct fds *f, uint64_t now_ns, bool all);
void fds_table_free(struct fds_table *t);

/* Adds a point to each stack's series (fds_rows.c). */
void fds_rows_count(struct fds *f, uint64_t now_ns);
const struct fds_row *fds_row_find(const struct fds_table *t, uint64_t stack, bool task);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of native tracking; nobody outside of src/track/native*.c includes this. */
#ifndef PYLEAK_NATIVE_PRIV_H
#define PYLEAK_NATIVE_PRIV_H

#include "base/map64.h"
#include "base/trend.h"
#include "track/native.h"

/* Cost of a call for the target, without the program, measured on 6.18 in a VM: the trap on an
 * emulated instruction, what a return probe adds, a trap with single step. */
#define NATIVE_HIT_NS	 700
#define NATIVE_RETURN_NS 600
#define NATIVE_STEP_NS	 9100
/* Cost of the programs before they are measured: entry, and return with a stack, per call. */
#define NATIVE_ENTRY_PROG_NS  350
#define NATIVE_RETURN_PROG_NS 1500

enum native_set { SET_HEAP_ENTRY, SET_HEAP_RETURN, SET_MAP_ENTRY, SET_MAP_RETURN, SET_METER, SETS };

/* Is it of the mmap family, not of malloc's? */
static inline bool native_is_map(int fn)
{
	return fn >= PL_FN_MMAP;
}

struct ring_buffer;

/* The libc, and what is probed in it (native_libc.c). */
struct native_libc {
	int fd[2];	 /* files that were searched: of malloc and its kin, of mmap's */
	bool is_foreign; /* malloc is not glibc's: its chunks look different */
	/* If it is foreign and not in the program: what this library maps is for its blocks. */
	uint64_t lib_start, lib_end;
	struct pl_native_fn fns[PL_FN_MAX];
	uint64_t offsets[PL_FN_MAX];
	size_t n;
	bool slow; /* malloc or free is probed at an instruction that must be single-stepped */
};
/* -ENOENT with the sentence when the process has no malloc that we know. */
int native_libc_find(const struct proc *p, struct native_libc *out);
void native_libc_forget(struct native_libc *l);

/* Sites and their series (native_table.c). */
#define ROW_DEPTHS 6
struct site_row {
	struct pl_native_key key;
	double bytes, count, young_bytes, waste;
	uint64_t samples, oldest_born_ns, min_size, max_size;
	uint64_t look[4]; /* a few old blocks, looked into for objects */
	uint64_t look_size[4];
	uint32_t n_look, checked, objects;
	uint64_t type;
	struct {
		uint32_t depth;
		double bytes;
	} depth[ROW_DEPTHS]; /* where most of the old blocks were made */
	struct native_point points[NATIVE_POINTS];
	size_t n_points;
	uint32_t met; /* like those of struct native_site */
	double met_s;
	double mortality, most;	   /* as told of, or when it was kept */
	double most_per_s;	   /* bytes: sum of its samples' per_s x size */
	uint64_t first;		   /* the first window that met a sample */
	bool estimated, is_hidden; /* hidden: a kept row stands for it */
};

struct native_table {
	/* kept: rows from when blocks were traced in another way. Each stands for its site until
	 * that has enough points again, or for a limited time. */
	VEC(struct site_row) rows, kept;
	uint64_t kept_until_ns;
	struct map64 index; /* hash of the key -> row + 1 */
	uint64_t last_ns, cost_ns, maps_ns;
	double point_gap_s; /* doubles when the points are used up */
	double last_point_s;
	uint64_t point_window_ns; /* window of the last points of malloc's blocks */
	double told_s;		  /* time of those points */
	uint64_t left_out;	  /* blocks of sites without a row, at the last look */
	size_t n_blocks;	  /* blocks in the kernel's table, at the last look */
};

struct native;
/* Frees of blocks from before the watch, over time (native_unknown.c). */
void native_unknown_start(struct native *n);
void native_unknown_sample(struct native *n, double now_s);

/* Finds or adds the row of a site; NULL when memory or the table is full. */
struct site_row *native_row(struct native_table *t, const struct pl_native_key *key);
uint64_t native_key_hash(const struct pl_native_key *k);
int native_table_scan(struct native *n, uint64_t now_ns);
void native_table_reset(struct native *n);
void native_table_add(struct native *n, uint64_t addr, const struct pl_block *b, double weight,
		      uint64_t now_ns);
void native_table_free(struct native_table *t);

/* Bursts (native_burst.c). */
#define BURST_WORDS 4
struct burst_sample {
	uint64_t addr, size, stack, caller;
	uint64_t born_ns, due_ns;
	uint64_t word[BURST_WORDS];
	uint64_t chunk; /* size word of glibc's chunk; else 1 */
	double weight;	/* blocks that it stands for */
	double per_s;	/* blocks a second, at most, by its window */
	uint64_t nth;	/* number of its window, of those that lost no call */
	uint32_t depth; /* as in struct pl_native_key */
	uint8_t rung, dead;
};
/* Rung from which a sample counts: unchanged for more than a second. */
#define BURST_SURVIVED 2
/* age at which it counts at the latest: each of two looks may be 0.25 s late */
#define BURST_AGE_NS 1700000000ull
/* Windows of the last few seconds; there are five a second at most. */
#define BURST_YOUNG 32

struct native_burst {
	VEC(struct burst_sample) samples;
	VEC(struct pl_native_event) events;
	struct map64 by_addr;
	struct map64 died;	     /* maker -> samples that had survived */
	uint64_t next_ns, closed_ns; /* closed: end of the last window; at first, the start */
	/* End of the last window whose samples are old enough to count; at first, the start. */
	uint64_t told_ns;
	uint64_t young[BURST_YOUNG]; /* ends of later windows, ascending */
	size_t n_young;
	bool is_ended;	   /* no more windows open */
	uint64_t left_out; /* events for which there was no room */
	uint64_t windows, calm_windows;
	uint64_t telling; /* windows that lost no call */
	uint64_t one_in;  /* one in so many new samples is taken: a power of two */
	uint64_t random;
};

void native_burst_start(struct native *n, uint64_t now_ns);
int native_burst_poll(struct native *n, uint64_t now_ns);
enum native_life native_burst_life(const struct native_burst *b, uint64_t addr, uint64_t born_ns);
void native_burst_free(struct native_burst *b);

/* native_told.c, by windows: how many of a site's blocks died later, and how fast it may grow;
 * native_add_most() adds the samples for that at each look. */
void native_told(const struct native *n, struct site_row *r);
void native_add_most(struct native *n, uint64_t now_ns);

/* native_series.c: windows begin; a window has closed; adds a point to all rows, if it is time. */
void native_series_start(struct native *n, uint64_t now_ns);
void native_series_closed(struct native_burst *b, uint64_t closed_ns);
void native_series_add(struct native *n, uint64_t now_ns);

struct native {
	struct native_spec spec;
	struct native_libc libc;
	struct pl_native_ctl *ctl; /* mapped */
	size_t ctl_len;
	int blocks_fd, ring_fd, entry_fd, return_fd;
	struct ring_buffer *ring; /* made when first needed */
	struct probe_set *set[SETS];
	size_t set_sites[SETS];
	enum native_state state;
	bool paused, maps_off, is_refused; /* is_refused: said so */
	bool crowded;	/* more blocks than the table has room for: not exact again */
	int32_t copies; /* copies of stacks, as last allowed */
	char note[256];
	uint64_t start_ns, paused_ns, entered_ns; /* entered_ns: the state */
	uint64_t again_ns; /* off for the moment: when it is tried again; else 0 */
	uint64_t maps_ns;  /* when probes of mmap may be tried again */

	/* cost (native_cost.c) */
	uint64_t entries0, frees0, maps0, unrecorded0;
	double rate;
	uint32_t falls;			      /* changes from exact to bursts */
	double entry_prog_ns, return_prog_ns; /* per run; measured by the kernel if it can */
	int stats_fd;
	uint64_t stats_until_ns, over_since_ns;
	struct native_table table;
	struct trend_set *unknown; /* NULL: without memory */
	struct native_burst burst;
};

uint64_t native_now(const struct native *n); /* the clock, which stands still in a pause */
/* Sets the mode of the malloc family, enum pl_native_mode; a new epoch. */
void native_set_mode(struct native *n, uint32_t mode);
void native_note_refused(struct native *n); /* once: later ones differ in numbers alone */
/* Puts the calls since the last time into the account, and updates rate. */
void native_cost_update(struct native *n, uint64_t now_ns);
void native_cost_start(struct native *n, uint64_t now_ns);
/* Ends the kernel's measurement: all programs of the host pay for it. */
void native_cost_stop(struct native *n);
double native_pair_ns(const struct native *n);
/* Accounts for a window with @calls recorded calls, in which the target ran for @ran_ns. */
void native_cost_window(struct native *n, uint64_t calls, uint64_t open_ns, uint64_t ran_ns);
/* Calls a second, at most, that each call of a window may stand for, by the time that the target
 * had for itself in the window: a target without any has not caught up. */
double native_cost_most(const struct native *n, uint64_t calls, uint64_t open_ns);
/* Accounts for @calls that were recorded while the window was looked at. */
void native_cost_tail(struct native *n, uint64_t calls);
/* Accounts for a refused window: its first set may have gone in. */
void native_cost_refused(const struct native *n);
/* Calls per second of the malloc family, by probes that only count; for longer where they seem to
 * be more than @few_per_s. */
int native_meter(struct native *n, double few_per_s, double *per_s);

struct native_span {
	uint64_t start, end;
};

/* Reads all mappings of the target, neighbours joined, ascending; the caller frees them. 0: they
 * could not be read to the end. */
size_t native_spans_read(const struct proc *p, struct native_span **out);
struct stamped_lines;
size_t native_spans_of(struct stamped_lines *from, struct native_span **out);
/* Bytes that are mapped from @addr on. */
uint64_t native_spans_at(const struct native_span *v, size_t n, uint64_t addr);

#endif

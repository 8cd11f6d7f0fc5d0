/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The descendants of watched processes: told by the kernel as they are started, handed over when
 * they have lived long enough to be worth probes. */
#ifndef PYLEAK_TRACK_TREE_H
#define PYLEAK_TRACK_TREE_H

#include "heap/heap.h"

struct tree;

/* The end of a child, or its state: each counts once, whatever programs it has been. */
enum tree_fate {
	TREE_NEW,	  /* too young, or about to be watched */
	TREE_SHORT_LIVED, /* ended before it was worth a look */
	TREE_NOT_PYTHON,
	TREE_NOT_WATCHED, /* refused, or a Python that waits for a place, or did until it ended */
	TREE_WATCHED,	  /* if only as one of those programs */
	TREE_ROOT,	  /* no child: it was named */
	TREE_FATES
};

struct tree_child {
	int pid, ppid;
	enum tree_fate fate;
	uint64_t start_ticks; /* with pid: the identity; 0 = not known */
	uint64_t since_ns;    /* started, or has become another program */
	bool is_execed;	      /* it inherits nothing */
	bool has_inherited;
	struct heap_census inherited; /* what was alive when it was started */
};

struct tree_counts {
	uint64_t started; /* children that were there, and those since */
	uint64_t n[TREE_FATES];
	uint64_t lost; /* starts and ends the kernel could not tell */
};

int tree_new(struct tree **out);
void tree_free(struct tree *t);
/* Follow what @pid starts; what it has started already is handed over too. */
int tree_add(struct tree *t, int pid);
/* Hear what has happened, look at newcomers. Cheap; call it many times a second. */
void tree_poll(struct tree *t);
/* A Python that is old enough, oldest first; false when there is none. It is the caller's then. */
bool tree_next(struct tree *t, struct tree_child *out);
/* Not now: hand it over again later. */
void tree_put_back(struct tree *t, const struct tree_child *child);
/* One that was handed over is watched, or cannot be. */
void tree_met(struct tree *t, const struct tree_child *child, bool is_watched);
/* How many are alive and not handed over. */
size_t tree_waiting(const struct tree *t);
void tree_count(struct tree *t, struct tree_counts *out);

#endif

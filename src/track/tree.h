/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Follows descendants of watched processes: the kernel tells when they start, and they are handed
 * over when they have lived long enough to be worth probes. */
#ifndef PYLEAK_TRACK_TREE_H
#define PYLEAK_TRACK_TREE_H

#include "heap/heap.h"

struct tree;

/* The state or end of a child. Each child counts once, whatever programs it has been. */
enum tree_fate {
	TREE_NEW,	  /* too young, or about to be watched */
	TREE_SHORT_LIVED, /* ended before it was worth a look */
	TREE_NOT_PYTHON,
	TREE_NOT_WATCHED, /* refused, or a Python that waited for a place */
	TREE_WATCHED,	  /* in at least one of its programs */
	TREE_ROOT,	  /* it was named, so it is no child */
	TREE_FATES
};

struct tree_child {
	int pid, ppid;
	enum tree_fate fate;
	uint64_t start_ticks; /* with pid: identifies the process; 0 = not known */
	uint64_t since_ns;    /* when it started, or became another program */
	bool is_execed;	      /* it inherits nothing */
	bool has_inherited;
	struct heap_census inherited; /* what was alive when it started */
};

struct tree_counts {
	uint64_t started; /* children that were there at first, and those since */
	uint64_t n[TREE_FATES];
	uint64_t lost; /* starts and ends the kernel could not tell */
};

int tree_new(struct tree **out);
void tree_free(struct tree *t);
/* Follows the children of @pid; those that are there already are handed over, too. */
int tree_add(struct tree *t, int pid);
/* Takes the kernel's news, and looks at newcomers. Cheap; to be called many times a second. */
void tree_poll(struct tree *t);
/* Hands over a Python that is old enough, oldest first; false: there is none. */
bool tree_next(struct tree *t, struct tree_child *out);
/* Takes a child back, to be handed over again later. */
void tree_put_back(struct tree *t, const struct tree_child *child);
/* Notes that a child which was handed over is watched, or cannot be. */
void tree_met(struct tree *t, const struct tree_child *child, bool is_watched);
/* Number of children that are alive and not handed over. */
size_t tree_waiting(const struct tree *t);
void tree_count(struct tree *t, struct tree_counts *out);

#endif

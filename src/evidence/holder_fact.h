/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Findings of who holds the survivors of a site. */
#ifndef PYLEAK_EVIDENCE_HOLDER_FACT_H
#define PYLEAK_EVIDENCE_HOLDER_FACT_H

#include "report/hint.h"
#include "verdict/fill.h"

#define HOLDER_WATCH_S 0.5 /* seconds between two readings of a container in a search */

struct holder_fact {
	char id[17]; /* of the site */
	enum report_kind kind;
	bool is_known; /* false: it was asked for, and there is no answer yet */
	struct report_holder holder;
	struct fill fill;
	bool is_one;	      /* most of the objects are in the container of @fill */
	bool has_new_entries; /* nearly all are in it, and came with entries of their own */
	bool replaces;	      /* the container does not grow: each takes the place of another */
	/* How many objects the search found in so many entries of that container, and how many of
	 * the entries were seen being born; entries 0 = not known. */
	uint32_t objects, entries, new_entries;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells from the holder of a site's objects what kind of mistake it is, and the remedy. */
#ifndef PYLEAK_REPORT_HINT_H
#define PYLEAK_REPORT_HINT_H

#include "report/report.h"

/* One step of the path from a name to the objects, root first. */
struct report_holder_step {
	const char *edge; /* "root", "attribute", "value", "key", "item", "variable", "cell",
			   * "default", "field" */
	const char *name; /* of the attribute, variable; of the root; NULL = none */
	const char *type; /* "dict", "app.Session", "function app.f", "class app.C"; NULL = ? */
	uint64_t entries; /* of a container; REPORT_UNKNOWN */
	double growth_per_s;
	uint64_t most; /* entries that it may have; 0 = no bound is known */
};

struct report_holder {
	const char *root; /* "module", "frame", ..., "unreferenced", "cycle" */
	const char *path;
	double share; /* share of the objects asked for */
	/* Share of them in its container, by any path behind that; 0 = it has none. */
	double in_container;
	struct report_holder_step *step;
	size_t n;
	bool rests;	   /* the container was seen not to grow */
	bool entries_grow; /* its entries grow instead: there are more objects than entries */
	bool bounded;	   /* the container that grows will be full one day */
	bool gc_known, gc_enabled;
	bool is_chain;		    /* a linked list */
	bool uncollectable, frozen; /* of cycles */
	bool through_c;		    /* memory of C code is in the cycle */
};

/* The step that is the growing container, else the biggest one; of equals, the innermost. SIZE_MAX:
 * none is worth a word. */
size_t report_holder_container(const struct report_holder *h);
/* The last container on the path that is no record of another's entry. SIZE_MAX: none. */
size_t report_holder_innermost(const struct report_holder *h);
/* Has it as many entries as it may have? */
bool report_holder_is_full(const struct report_holder *h);
/* Does CPython itself hold them, and no line of the program or C code? */
bool report_holder_is_own(const struct report_holder *h);
/* Fills held_by, and sets the hint if there is evidence for one. */
void report_hold(struct report *r, const struct report_holder *h, struct report_site *site);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* New memory of mimalloc (carving.h). A page is cut into blocks some KiB at a time; they are put on
 * its list of free blocks in the order of their addresses, and handed out from the front of the
 * list until it is empty. Where the list is seen to be so, block by block, all blocks from its
 * first one on are free. Those of them that lie before its first one later were handed out
 * meanwhile. */
#ifndef PYLEAK_INQUIRY_CARVING_PAGES_H
#define PYLEAK_INQUIRY_CARVING_PAGES_H

#include "inquiry/carving.h"

/* Blocks of one page or pool, by their distance from its start: from, to. */
struct carved_range {
	uint64_t start;
	unsigned cls;
	uint32_t from, to;
};

/* -ENODATA: no page has such a list. */
int carving_pages_begin(struct heap *h, struct carving *out);
/* Ranges that were handed out since; @out has room for CARVING_PAGES. Returns their number. */
size_t carving_pages_end(const struct heap *h, const struct carving *c, struct carved_range *out);

#endif

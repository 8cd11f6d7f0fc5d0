/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which site of one report is which of another: by id and kind. Ids that rest on different things
 * (report_id_by) are never equal: of those what has the same line in all frames is the same. */
#ifndef PYLEAK_COMPARE_PAIRS_H
#define PYLEAK_COMPARE_PAIRS_H

#include "compare/compare.h"

/* Each site of both is in one row of *@out, which the caller frees. Either process may be NULL.
 * -ENOMEM with the sentence. */
int pairs_find(const struct report_process *a, const struct report_process *b,
	       struct compare_row **out, size_t *n);

#endif

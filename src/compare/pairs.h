/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pairs the sites of two reports: by id and kind. Ids made in different ways (report_id_by) are
 * never equal: such sites are paired when all frames have the same lines. */
#ifndef PYLEAK_COMPARE_PAIRS_H
#define PYLEAK_COMPARE_PAIRS_H

#include "compare/compare.h"

/* Puts each site of both into one row of *@out, which the caller frees. Either process may be NULL.
 * -ENOMEM with the sentence. */
int pairs_find(const struct report_process *a, const struct report_process *b,
	       struct compare_row **out, size_t *n);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The path of an answer that is told of a site, and how many of its objects that goes for. */
#ifndef PYLEAK_INQUIRY_ANSWER_H
#define PYLEAK_INQUIRY_ANSWER_H

#include "evidence/holder_fact.h"
#include "why/why.h"

/* Puts a path of so great a share, with a container that grows, before a first one without. */
void answer_growing_first(struct why_answer *a, double least);
/* Static data and interpreters are nobody's mistake: puts a path from elsewhere, through a
 * container that has more of the objects, before such a first one. */
void answer_program_first(struct why_answer *a);
/* How many of the objects hang on one container, by whatever path behind it. */
double answer_share_in(const struct why_answer *a, uint64_t container);
/* ... and on the first path; unreferenced objects of all types count as one path. */
double answer_share_of_first(const struct why_answer *a);
/* Notes how many of the objects lie in how many entries of the container of @f, and that @seen of
 * the entries were seen being born. */
void answer_count_entries(const struct why_answer *a, size_t seen, struct holder_fact *f);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declarations that the parts of "holders" share. */
#ifndef PYLEAK_SESSION_HOLDERS_PRIV_H
#define PYLEAK_SESSION_HOLDERS_PRIV_H

#include "inquiry/answer.h"
#include "inquiry/fills.h"
#include "session/holders.h"
#include "inquiry/inquiry.h"
#include "session/session_priv.h"

/* The answer for one site, kept for the reports that follow. */
struct found {
	struct holder_fact fact;
	struct fill_steps steps;	 /* of its container */
	struct why_path path;		 /* to them */
	struct report *r;		 /* holds its strings; NULL = asked for, and no more */
	uint64_t stack[QUESTION_STACKS]; /* whose objects these are */
	size_t n_stacks;
	bool is_doubted;   /* its container rests while more come: it is not known where they go */
	bool asks_young;   /* ... or was so once */
	uint64_t asked_ns; /* fill.calm_ns, when that was last asked */
	uint64_t known_ns; /* so much is known of those born until then: they are in it */
};

struct holders {
	struct session *s;
	struct inquiry inquiry;
	uint64_t ended_ns, next_ns, soon_ns;
	uint64_t told_next_ns; /* instead of next_ns, when a line is called a leak */
	bool is_open;	       /* there was a site with too few objects to ask about */
	size_t again;	       /* rank of the site that is next to be asked about once more */
	uint64_t refused;      /* inquiries without an answer since the last that had one */
	bool left_out;	       /* at the end: not all that was asked for has an answer */
	char why_not[256];
	VEC(struct found) found;
	struct map64 replaced; /* stacks */
};

#define HOLDERS_FEWEST 3   /* survivors that still live: less is chance */
#define HOLDERS_ONE    0.8 /* of the survivors in one container: that one is what grows */

/* holders_ask.c */
struct found *holders_found(const struct holders *h, const char *id, enum report_kind kind);
/* As many as there is room for, the most telling first. True: some are blocks. */
bool holders_ask_sites(struct holders *h, const struct report_process *p);
/* Before objects are chosen for its questions: which ones are about the youngest, too. */
void holders_ask_young(struct holders *h);
/* Is one about doubted objects, and the first since their container rests? Now it was asked. */
bool holders_ask_doubted(struct holders *h);

/* The part of the objects that are below memory of C code in which the paths part (the children of
 * an element, the memo of a pickler). It has no length that could be read twice: that it grows is
 * told by entries as new as the objects, else it is 0. */
double holders_share_in_c(const struct holders *h, const struct why_answer *a);
/* After an answer: may the objects be ones that replace others? */
void holders_note_replacing(struct holders *h, struct found *f, const struct question *q,
			    const struct why_answer *a);

/* Which of them replace what was there, after their containers were looked at. */
void holders_find_replacing(struct holders *h);

#endif

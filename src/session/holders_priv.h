/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of "holders". */
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
	struct fill_steps steps; /* steps of its container */
	struct why_path path;	 /* path to the objects */
	/* holds its strings; NULL = asked for, without an answer */
	struct report *r;
	uint64_t stack[QUESTION_STACKS]; /* stacks of the site */
	size_t n_stacks;
	/* its container rests while more objects come: it is not known where they go */
	bool is_doubted;
	bool asks_young;   /* it is, or was once, doubted */
	uint64_t asked_ns; /* fill.calm_ns when the young were last asked for */
	uint64_t known_ns; /* objects born until then are known to be in the container */
};

struct holders {
	struct session *s;
	struct inquiry inquiry;
	uint64_t ended_ns, next_ns, soon_ns;
	uint64_t cost_ns; /* of the last look; the cheaper of two counts: one may read symbols */
	uint64_t told_next_ns; /* used for next_ns once the verdict is leak */
	bool is_open;	       /* a site had too few objects to ask about */
	size_t again;	       /* rank of the site that is asked again next */
	uint64_t refused;      /* inquiries in a row that failed */
	bool left_out;	       /* at the end: not all questions have an answer */
	char why_not[256];
	VEC(struct found) found;
	struct map64 replaced; /* stacks whose objects replace what was there */
};

#define HOLDERS_FEWEST 3   /* survivors that still live: fewer are chance */
#define HOLDERS_ONE    0.8 /* share of the survivors in one container, which then is what grows */

/* holders_ask.c */
struct found *holders_found(const struct holders *h, const char *id, enum report_kind kind);
/* Adds questions, the most telling first, while there is room. True: some are about blocks. */
bool holders_ask_sites(struct holders *h, const struct report_process *p);
/* To be called before objects are chosen: lets some questions ask for the youngest, too. */
void holders_ask_young(struct holders *h);
/* Is a question about doubted objects, for the first time since their container rests? Marks them
 * as asked. */
bool holders_ask_doubted(struct holders *h);

/* The share of the objects below memory of C code in which the paths part (the children of an
 * element, the memo of a pickler). It has no length to be read twice; entries as new as the objects
 * prove that it grows, else 0. */
double holders_share_in_c(const struct holders *h, const struct why_answer *a);
/* Notes, after an answer, whether the objects may only replace others. */
void holders_note_replacing(struct holders *h, struct found *f, const struct question *q,
			    const struct why_answer *a);

/* Finds which sites only replace what was there, after their containers were looked at. */
void holders_find_replacing(struct holders *h);

#endif

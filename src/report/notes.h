/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Collects the notes of many processes, each once. */
#ifndef PYLEAK_REPORT_NOTES_H
#define PYLEAK_REPORT_NOTES_H

#include "report/report.h"

#define REPORT_NOTES 32 /* different ones that are told */

/* One note, and how many processes have it. */
struct report_note {
	const char *text;
	const struct report_process *first, *last;
	const char *host; /* of the first */
	size_t n;
	bool is_varied; /* with other numbers in some of them */
};

struct report_notes {
	struct report_note v[REPORT_NOTES];
	size_t n, left; /* left: those without room */
};

/* Adds a note on @p. */
void report_note_add(struct report_notes *to, const struct report_process *p, const char *host,
		     const char *text);
/* The note @i of @p as text: a cause that the note before it has told is not told again, where
 * @buf, which holds that, has room. */
const char *report_note_text(const struct report_process *p, size_t i, char *buf, size_t size);
/* Adds the notes of @p; those that say the same, numbers aside, are one. */
void report_notes_add(struct report_notes *to, const struct report_process *p, const char *host);
/* Gives them to @to, each with the process that has it. -ENOMEM with the sentence. */
int report_notes_give(struct report *r, const struct report_notes *v, struct report_process *to);

#endif

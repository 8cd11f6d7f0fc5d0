/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of `why`. */
#ifndef PYLEAK_COMMAND_WHY_PRIV_H
#define PYLEAK_COMMAND_WHY_PRIV_H

#include <stdio.h>

#include "cli/outputs.h"
#include "why/why.h"

struct why_question {
	int pid;	    /* 0 = the core file does not tell it */
	const char *where;  /* "process 1234"; the name of such a core file */
	const char *python; /* "3.11.2" */
	const char *what;   /* "app.Session", "7f..", "app.Session, the most frequent type of site
			       01ab.." */
	/* asked of a snapshot, which was copied page by page while the process may have run */
	bool is_copied;
};

/* Writes text. All return 0 or a negative errno. */
int why_print(FILE *f, const struct why_question *q, const struct why_answer *a,
	      const struct why_stats *s);
/* Writes JSON (docs/why.schema.json) and a graph for dot(1), as outputs_write_all() does; NULL =
 * not asked for. */
int why_write_files(const struct outputs *o, const char *json, const char *dot,
		    const struct why_question *q, const struct why_answer *a,
		    const struct why_stats *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The answer of `why` in its forms. */
#ifndef PYLEAK_COMMAND_WHY_PRIV_H
#define PYLEAK_COMMAND_WHY_PRIV_H

#include <stdio.h>

#include "cli/outputs.h"
#include "why/why.h"

struct why_question {
	int pid;	    /* 0 = the core file does not say */
	const char *where;  /* "process 1234"; of such a core its name */
	const char *python; /* "3.11.2" */
	const char *what;   /* "app.Session", "7f..", "app.Session, the most frequent type of site
			       01ab.." */
	bool is_copied;	    /* page by page, while it may have run: nobody can look twice */
};

/* 0 or a negative errno. */
int why_print(FILE *f, const struct why_question *q, const struct why_answer *a,
	      const struct why_stats *s);
/* docs/why.schema.json; "-" is standard output. */
int why_write_json(const struct outputs *o, const char *path, const struct why_question *q,
		   const struct why_answer *a, const struct why_stats *s);
/* A graph for dot(1). */
int why_write_dot(const struct outputs *o, const char *path, const struct why_question *q,
		  const struct why_answer *a);

#endif

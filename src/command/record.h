/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --record FILE, and --from FILE: what was seen, kept; and told once more. */
#ifndef PYLEAK_COMMAND_RECORD_H
#define PYLEAK_COMMAND_RECORD_H

#include "cli/outputs.h"
#include "command/watch_opts.h"
#include "record/recording.h"

struct record {
	const struct outputs *to;
	struct output out;
	struct recorder *rec; /* NULL: nothing is recorded */
	bool has_told;
};

/* @path, one of those of @to, or NULL: then nothing is recorded. */
int record_begin(struct record *r, const struct outputs *to, const char *path);
/* For session_opts.on_evidence, with the recorder. */
void record_evidence(void *rec, const struct evidence *e);
/* That something is missing, once: the end may be hours away. */
void record_tell(struct record *r);
/* The file gets its name when it is whole; with @err, why nothing was watched, there is none. That
 * a report could not be written afterwards is no reason to lose it. Returns what failed besides. */
int record_end(struct record *r, int err);

/* A report of what was saved in o->from. Returns the exit status. */
int cli_replay(const struct watch_opts *o);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --record FILE keeps the evidence of a watch, --from FILE tells of it again. */
#ifndef PYLEAK_COMMAND_RECORD_H
#define PYLEAK_COMMAND_RECORD_H

#include "cli/outputs.h"
#include "command/watch_opts.h"
#include "record/recording.h"

struct record {
	const struct outputs *to;
	struct output out;
	struct recorder *rec; /* NULL: nothing is recorded */
	bool has_told;	      /* that something is missing */
};

/* Begins a recording in @path, which @to must have; @path NULL: nothing is recorded. */
int record_begin(struct record *r, const struct outputs *to, const char *path);
/* Adds evidence to the recorder @rec: for session_opts.on_evidence. */
void record_evidence(void *rec, const struct evidence *e);
/* Says once that something is missing in the recording: its end may be hours away. */
void record_tell(struct record *r);
/* Ends the recording: only now the file gets its name, also where it is not complete, as on a full
 * disk. @err: why nothing was
 * watched; then no file is left, and 0 is returned. Else returns the recording's own error. Nothing
 * is done where it has been ended. */
int record_end(struct record *r, int err);

/* Reports on the recording or report in o->from. Returns the exit status. */
int cli_replay(const struct watch_opts *o);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The full-screen view on a terminal. Fed with reports by the thread that makes them, one per
 * process. */
#ifndef PYLEAK_SCREEN_SCREEN_H
#define PYLEAK_SCREEN_SCREEN_H

#include "out/out.h"
#include "screen/view.h"

struct screen;

struct screen_opts {
	bool no_color;
	int (*confine)(void); /* what the process that puts the terminal right gives up */
	/* Writes what is shown to a file, whose name comes back. 0, or fails with the sentence. */
	int (*save)(void *ctx, enum out_format as, const struct report *r, char *name, size_t size);
	void *save_ctx;
};

/* Can there be one here? */
bool screen_is_possible(void);
/* Before the first thread, and after all other helpers. */
int screen_new(const struct screen_opts *o, struct screen **out);
/* Takes the terminal. What is logged from now on is shown, and printed in the end. */
int screen_open(struct screen *s);
/* Gives it back; NULL is fine. */
void screen_free(struct screen *s);

/* Names a step that takes long: "attaching to 12"; NULL: it is done. */
void screen_doing(struct screen *s, const char *what);
/* Seconds until the end; NAN: until somebody ends it. */
void screen_left(struct screen *s, double seconds);
/* A moment of a recording, from 1. */
void screen_moment(struct screen *s, size_t moment, size_t moments);
/* A new report, which is copied. */
int screen_report(struct screen *s, const struct report *r);
/* Obeys what was pressed, draws what has changed, waits for at most @max_s for a key before that.
 * VIEW_QUIT and the moments of a recording are the caller's to obey. */
enum view_wish screen_step(struct screen *s, double max_s);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The full-screen view on a terminal. One per process. The thread that makes the reports makes all
 * calls; lines may be logged by any thread. */
#ifndef PYLEAK_SCREEN_SCREEN_H
#define PYLEAK_SCREEN_SCREEN_H

#include "out/out.h"
#include "screen/view.h"

struct screen;

struct screen_opts {
	bool no_color;
	int (*confine)(void); /* as terminal_keep() has it */
	/* Writes the shown report to a file and its name to @name. 0, or a negative errno with the
	 * sentence. */
	int (*save)(void *ctx, enum out_format as, const struct report *r, char *name, size_t size);
	void *save_ctx;
};

/* Is there a terminal that the view can use? */
bool screen_is_possible(void);
/* Makes the view and starts the process that resets the terminal. Call it before the first thread
 * and after all other helpers are started. 0, or a negative errno with the sentence. */
int screen_new(const struct screen_opts *o, struct screen **out);
/* Takes the terminal. Lines that are logged from now on are shown, and printed at the end. 0, or a
 * negative errno with the sentence. */
int screen_open(struct screen *s);
/* Gives the terminal back and prints the logged lines; NULL is fine. */
void screen_free(struct screen *s);

/* Shows a step that takes long: "attaching to 12"; NULL: it is done. @what is not copied. */
void screen_doing(struct screen *s, const char *what);
/* Sets the seconds until the end; NAN: until the user ends it. */
void screen_left(struct screen *s, double seconds);
/* Sets which moment of a recording is shown, from 1 on, of @moments. */
void screen_moment(struct screen *s, size_t moment, size_t moments);
/* Shows a new report, which is copied. -ENOMEM with the sentence. */
int screen_report(struct screen *s, const struct report *r);
/* Waits for a key, at most @max_s, obeys the keys and draws the changes. The caller obeys the wish
 * that is returned: VIEW_QUIT, or another moment of a recording. */
enum view_wish screen_step(struct screen *s, double max_s);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The full-screen view of a command: decides whether there is one, begins and ends it. */
#ifndef PYLEAK_COMMAND_ON_SCREEN_H
#define PYLEAK_COMMAND_ON_SCREEN_H

#include "cli/outputs.h"
#include "screen/screen.h"

#define ON_SCREEN_INTERVAL_S 2.0 /* between reports, unless -i says otherwise */
#define ON_SCREEN_TURN_S     0.1 /* longest time without a look at the keys */

struct on_screen {
	bool is_wanted;	       /* set by on_screen_decide() */
	struct screen *screen; /* NULL: there is none */
	char stem[64];	       /* names of saved reports begin with it */
};

/* Decides: @may by the command line, and if the terminal can. @pid: the process whose reports are
 * saved; 0 = many. */
void on_screen_decide(struct on_screen *s, bool may, int pid);
/* The stem for outputs_open_saving(); NULL: no screen is wanted. */
const char *on_screen_stem(const struct on_screen *s);
/* Makes the screen, if one is wanted. To be called before the first thread and confine(), after all
 * helpers are started. */
int on_screen_begin(struct on_screen *s, const struct outputs *outputs, bool no_color,
		    bool no_sandbox);
/* Takes the terminal, if there is a screen. To be called after confine(). */
int on_screen_open(struct on_screen *s);
void on_screen_end(struct on_screen *s);
/* As screen_step(), but q is obeyed as Ctrl-C. VIEW_NOTHING if there is no screen. */
enum view_wish on_screen_step(struct on_screen *s, double max_s);

#endif

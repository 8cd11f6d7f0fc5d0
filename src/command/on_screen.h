/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The full-screen view of a command: whether it has one, and how it is begun. */
#ifndef PYLEAK_COMMAND_ON_SCREEN_H
#define PYLEAK_COMMAND_ON_SCREEN_H

#include "cli/outputs.h"
#include "screen/screen.h"

#define ON_SCREEN_INTERVAL_S 2.0 /* between reports, unless -i says so */
#define ON_SCREEN_TURN_S     0.1 /* longest stay away from keys */

struct on_screen {
	bool is_wanted; /* set by on_screen_decide() */
	struct screen *screen;
	char stem[64]; /* of the names of saved reports */
};

/* @may: what the command line says. @pid: whose reports are saved; 0 = of many. */
void on_screen_decide(struct on_screen *s, bool may, int pid);
/* The stem for outputs_open_saving(); NULL: there is no screen. */
const char *on_screen_stem(const struct on_screen *s);
/* Before the first thread and before confine(), after all helpers. No screen: 0, and nothing. */
int on_screen_begin(struct on_screen *s, const struct outputs *outputs, bool no_color,
		    bool no_sandbox);
/* After confine(). */
int on_screen_open(struct on_screen *s);
void on_screen_end(struct on_screen *s);
/* screen_step(), with q as Ctrl-C; no screen: nothing. */
enum view_wish on_screen_step(struct on_screen *s, double max_s);

#endif

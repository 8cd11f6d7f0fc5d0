/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `--from FILE --tui`: shows a recording moment by moment. */
#ifndef PYLEAK_COMMAND_REPLAY_SCREEN_H
#define PYLEAK_COMMAND_REPLAY_SCREEN_H

#include "command/on_screen.h"

/* Shows the file at @path until q. @at_s: the moment to begin with, in seconds; NAN = the last. @r
 * is its report, and is replaced by the one that was shown last. */
int replay_on_screen(struct on_screen *on, const char *path, double at_s, struct report **r);

#endif

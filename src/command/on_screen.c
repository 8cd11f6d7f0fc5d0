/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "command/on_screen.h"

#include <stdio.h>

#include "cli/stop.h"
#include "confine/confine.h"
#include "screen/terminal.h"

void on_screen_decide(struct on_screen *s, bool may, int pid)
{
	*s = (struct on_screen){.is_wanted = may && screen_is_possible()};
	if (pid)
		snprintf(s->stem, sizeof(s->stem), "pyleak-%d", pid);
	else
		snprintf(s->stem, sizeof(s->stem), "pyleak");
}

const char *on_screen_stem(const struct on_screen *s)
{
	return s->is_wanted ? s->stem : NULL;
}

static int save(void *ctx, enum out_format as, const struct report *r, char *name, size_t size)
{
	return outputs_save(ctx, as, r, name, size);
}

int on_screen_begin(struct on_screen *s, const struct outputs *outputs, bool no_color,
		    bool no_sandbox)
{
	const struct screen_opts o = {
		.no_color = no_color || !out_want_color(stdout, false),
		.confine = no_sandbox ? NULL : confine_painter,
		.save = save,
		.save_ctx = (void *)outputs,
	};

	return s->is_wanted ? screen_new(&o, &s->screen) : 0;
}

int on_screen_open(struct on_screen *s)
{
	if (!s->screen)
		return 0;
	stop_on_leave(terminal_leave);
	return screen_open(s->screen);
}

void on_screen_end(struct on_screen *s)
{
	if (!s->screen)
		return;
	screen_free(s->screen);
	s->screen = NULL;
	stop_on_leave(NULL);
}

enum view_wish on_screen_step(struct on_screen *s, double max_s)
{
	enum view_wish wish;

	if (!s->screen)
		return VIEW_NOTHING;
	if (stop_was_continued())
		terminal_lost();
	wish = screen_step(s->screen, max_s);

	if (wish == VIEW_QUIT)
		stop_ask();
	return wish;
}

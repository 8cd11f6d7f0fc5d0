/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "command/replay_screen.h"

#include <math.h>

#include "cli/stop.h"
#include "record/recording.h"

#define PAST   48 /* moments at most that are shown before the first one: curves are made of them */
#define WAIT_S 1.0
#define TIME_S 0.001 /* two times are equal within this: they are written in decimals */

struct replay {
	struct on_screen *on;
	const char *path;
	double *at; /* moments of a recording, in seconds; NULL: a report, which has one */
	size_t n, now;
};

static int find_moments(struct replay *p, double at_s)
{
	enum recording_kind kind;
	int err = recording_kind(p->path, &kind);

	if (!err && kind == RECORDING_EVIDENCE)
		err = recording_moments(p->path, &p->at, &p->n);
	p->now = p->n ? p->n - 1 : 0;
	while (!isnan(at_s) && p->now && p->at[p->now] > at_s + TIME_S)
		p->now--;
	return err;
}

static int show(struct replay *p, size_t moment, struct report **r)
{
	struct report *got = NULL;
	int err = recording_read(p->path, p->at[moment] + TIME_S, NULL, NULL, &got);

	if (err)
		return err;
	screen_moment(p->on->screen, moment + 1, p->n);
	err = screen_report(p->on->screen, got);
	report_free(*r);
	*r = got;
	return err;
}

/* Shows some moments before the first one, so that there is a past to draw. */
static int show_past(struct replay *p, struct report **r)
{
	size_t step = p->now / PAST + 1;
	int err = 0;

	for (size_t i = p->now % step; i < p->now && !err && !stop_asked(); i += step) {
		err = show(p, i, r);
		if (on_screen_step(p->on, 0) == VIEW_QUIT)
			break;
	}
	return err;
}

int replay_on_screen(struct on_screen *on, const char *path, double at_s, struct report **r)
{
	struct replay p = {.on = on, .path = path};
	enum view_wish wish = VIEW_NOTHING;
	int err = find_moments(&p, at_s);

	screen_doing(on->screen, "reading the recording");
	if (!err && p.n)
		err = show_past(&p, r);
	if (!err)
		err = p.n ? show(&p, p.now, r) : screen_report(on->screen, *r);
	screen_doing(on->screen, NULL);
	while (!err && !stop_asked()) {
		wish = on_screen_step(on, WAIT_S);
		if (wish == VIEW_EARLIER && p.n && p.now)
			err = show(&p, --p.now, r);
		else if (wish == VIEW_LATER && p.n && p.now + 1 < p.n)
			err = show(&p, ++p.now, r);
	}
	free(p.at);
	return err;
}

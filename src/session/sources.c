/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Runs the sources, and has the functions that they share. One thread runs them in turn: a window
 * is never disturbed by a reading, and nothing needs a lock. */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>

#include "session/session_priv.h"
#include "session/sites.h"

#define TRIM_NS	 10000000000ull /* least time between trims, if many stacks are needed */
#define AGAIN_NS 1000000000	/* least time between tries to place probes */

static const struct source_ops *const table[] = {
#define X(name) &name##_source,
	SOURCES(X)
#undef X
};

static struct source *end(struct session *s)
{
	return s->sources.v + s->sources.n;
}

void session_note(struct session *s, const char *fmt, ...)
{
	struct session_notes *notes = &s->notes;
	char *text = NULL;
	va_list ap;
	size_t i = 0;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	while (i < notes->n && strcmp(notes->v[i], text) != 0)
		i++;
	if (i < notes->n) {
		free(text);
		return;
	}
	if (i == SESSION_NOTES) {
		/* The first tell how it is watched, the last how it ended. */
		free(notes->v[SESSION_NOTES / 2]);
		memmove(&notes->v[SESSION_NOTES / 2], &notes->v[SESSION_NOTES / 2 + 1],
			(SESSION_NOTES / 2 - 1) * sizeof(*notes->v));
		notes->n--;
		notes->left_out++;
	}
	notes->v[notes->n++] = text;
}

double session_ran_s(const struct session *s, uint64_t now_ns)
{
	return (double)(now_ns - s->time.origin_ns - s->time.stopped_ns) / 1e9;
}

/* Forgets stacks that no source needs any more, here and in the kernel half, as both keep a bounded
 * number. They are told again if they come back. */
static void trim_stacks(struct session *s)
{
	auto_free uint64_t *gone = NULL;
	struct map64 keep = {0};
	size_t n;

	for (struct source *x = s->sources.v; x < end(s); x++)
		if (x->self && x->ops->keep)
			x->ops->keep(x->self, &keep);
	if (!stacks_trim(s->stacks, &keep, &gone, &n))
		kern_forget_stacks(&s->kern, gone, n);
	map64_free(&keep);
	malloc_trim(0); /* thousands of small pieces were freed among others */
	log_debug("%zu stacks forgotten, %zu kept", n, stacks_count(s->stacks));
}

void session_forget_stale(struct session *s)
{
	auto_free uint64_t *stale = NULL;
	size_t n = stacks_take_stale(s->stacks, &stale);

	kern_forget_stacks(&s->kern, stale, n);
}

void session_drain(struct session *s)
{
	kern_read_ring(s, UINT64_MAX);
	for (struct source *x = s->sources.v; x < end(s); x++)
		if (x->self && x->ops->drain)
			x->ops->drain(x->self);
	if (stacks_are_many(s->stacks) && clock_ns() - s->sources.trimmed_ns > TRIM_NS) {
		trim_stacks(s);
		s->sources.trimmed_ns = clock_ns();
	}
}

void session_wake(struct session *s, const void *self, uint64_t when_ns)
{
	for (struct source *x = s->sources.v; x < end(s); x++)
		if (x->self == self && (!x->due_ns || when_ns < x->due_ns))
			x->due_ns = when_ns;
}

int session_go_on(const struct session *s)
{
	return s->o.is_cancelled && s->o.is_cancelled()
		       ? fail(-ECANCELED, "stopped while attaching to %d", s->proc->pid)
		       : 0;
}

static int open_one(struct session *s, struct source *x)
{
	x->self = calloc(1, x->ops->size);
	return x->self ? x->ops->open(x->self, s) : fail(-ENOMEM, "out of memory");
}

static void close_one(struct source *x)
{
	if (x->self && (!x->ops->close || x->ops->close(x->self)))
		free(x->self);
	x->self = NULL;
}

int sources_open(struct session *s)
{
	int err = 0;

	while (!err && s->sources.n < SOURCES_N) {
		struct source *x = end(s);

		if (session_go_on(s))
			return -ECANCELED;
		x->ops = table[s->sources.n++];
		if (s->kern.skel || !x->ops->is_probing)
			err = open_one(s, x);
	}
	return err;
}

void sources_close(struct session *s)
{
	while (s->sources.n)
		close_one(&s->sources.v[--s->sources.n]);
}

void sources_start(struct session *s, uint64_t now_ns)
{
	for (struct source *x = s->sources.v; x < end(s); x++)
		if (!x->self)
			x->due_ns = now_ns + AGAIN_NS;
		else
			x->due_ns = x->ops->step ? now_ns + x->ops->first_ns : 0;
}

/* Opens sources that could not be opened at the start. The others wait meanwhile, for some tenths
 * of a second. A try in vain may take two seconds, so the next comes after four times as long. */
static void open_late(struct session *s)
{
	uint64_t began = clock_ns(), rest;
	int err = s->paused ? 1 : kern_load(s, s->sites->n);

	rest = AGAIN_NS + 4 * (clock_ns() - began);
	for (struct source *x = s->sources.v; x < end(s); x++) {
		if (x->self)
			continue;
		if (!err) {
			err = open_one(s, x);
			if (err)
				close_one(x);
		}
		x->due_ns = err < 0 ? 0 : clock_ns() + (err ? rest : x->ops->first_ns);
	}
	dso_forget_bytes(s->rt->dso); /* as after the start */
	if (err < 0 && err != -ECANCELED && proc_alive(s->proc))
		session_note(s, "probes cannot be placed: %s", fail_text());
}

static uint64_t latest(const struct source *x)
{
	return x->due_ns + x->ops->slack_ns;
}

/* The source that can wait least among those that are due at @now_ns; NULL: none is. */
static struct source *first_due(struct session *s, uint64_t now_ns)
{
	struct source *first = NULL;

	for (struct source *x = s->sources.v; x < end(s); x++)
		if (x->due_ns && x->due_ns <= now_ns && (!first || latest(x) < latest(first)))
			first = x;
	return first;
}

uint64_t sources_due(struct session *s, uint64_t limit)
{
	const struct source *x = first_due(s, UINT64_MAX);

	return x && latest(x) < limit ? latest(x) : limit;
}

void sources_run(struct session *s)
{
	uint64_t now = clock_ns();
	struct source *x;

	while ((x = first_due(s, now)))
		if (x->self)
			x->due_ns = x->ops->step(x->self, clock_ns());
		else
			open_late(s);
}

void sources_pause(struct session *s, bool on)
{
	for (struct source *x = s->sources.v; x < end(s); x++)
		if (x->self && x->ops->pause)
			x->due_ns = x->ops->pause(x->self, on);
}

int sources_observe(struct session *s, const struct observation *to)
{
	int err = 0;

	for (struct source *x = s->sources.v; x < end(s) && !err; x++)
		if (x->self && x->ops->observe)
			err = x->ops->observe(x->self, to);
	return err;
}

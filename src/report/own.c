/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the line of a stack that is the program's own. */
#include <stdio.h>

#include "report/hint_priv.h"

/* Is it the script in /usr/bin of an installed program? Its line says nothing. */
static bool is_launcher(const struct report_frame *f)
{
	const char *name = strrchr(f->file, '/');
	size_t n = name ? (size_t)(name - f->file) : 0;

	return f->function && !strcmp(f->function, "<module>") && n >= 4 &&
	       (!memcmp(name - 4, "/bin", 4) || (n >= 5 && !memcmp(name - 5, "/sbin", 5)));
}

/* Does @f run an event loop? Its caller started one, and called for nothing in particular. */
static bool is_loop(const struct report_frame *f)
{
	static const struct {
		const char *file, *function;
	} loop[] = {{"/asyncio/runners.py", "run"},
		    {"/asyncio/base_events.py", "run_forever"},
		    {"/asyncio/base_events.py", "run_until_complete"},
		    {"/tornado/ioloop.py", "start"},
		    {"/tornado/platform/asyncio.py", "start"},
		    {"/twisted/internet/base.py", "run"},
		    {"/trio/_core/_run.py", "run"},
		    {"/uvicorn/main.py", "run"},
		    {"/uvicorn/server.py", "run"},
		    {"/socketserver.py", "serve_forever"}};
	const char *name = f->function ? strrchr(f->function, '.') : NULL;

	if (!f->function || !file_is_library(f->file))
		return false;
	name = name ? name + 1 : f->function;
	for (size_t i = 0; i < ARRAY_SIZE(loop); i++)
		if (!strcmp(name, loop[i].function) && ends(f->file, loop[i].file))
			return true;
	return false;
}

/* Length of the path of the installed package that a file belongs to; 0 = none. */
static size_t package_of(const char *file)
{
	const char *at = strstr(file, "-packages/");
	const char *end = at ? strchr(at + strlen("-packages/"), '/') : NULL;

	return end ? (size_t)(end - file) + 1 : 0;
}

static bool has_line(const struct report_frame *f)
{
	/* from 3.13 on __init__ is called by a frame of its own, without a line */
	return !f->native && f->file && f->line > 0;
}

/* The innermost line of the package that @program, called by the launcher, is in; NULL: there is
 * none, or it runs a loop. */
static const struct report_frame *of_package(const struct report_site *s,
					     const struct report_frame *program)
{
	size_t n = package_of(program->file);
	bool loops = false;

	for (size_t i = 0; n && i < s->n_frames; i++) {
		const struct report_frame *f = &s->stack[i];

		if (!has_line(f))
			continue;
		if (!strncmp(f->file, program->file, n))
			return loops ? NULL : f;
		loops = loops || is_loop(f);
	}
	return NULL;
}

/* Is it a frame of `python -m`, which runs the main program? */
static bool is_runpy(const struct report_frame *f)
{
	return !strcmp(f->file, "<frozen runpy>") || ends(f->file, "/runpy.py");
}

bool report_is_main(const struct report_site *s, size_t i)
{
	const struct report_frame *f = s->stack;

	while (++i < s->n_frames)
		if (has_line(&f[i]) && f[i].function && strcmp(f[i].function, "<module>") != 0 &&
		    !is_runpy(&f[i]))
			return false;
	return true;
}

static const struct report_frame *known_own(const struct report_site *s)
{
	const struct report_frame *inner = NULL, *called = NULL, *own;
	bool loops = false; /* a loop is run, perhaps by a wrapper (web.run_app) */

	for (size_t i = 0; i < s->n_frames; i++) {
		const struct report_frame *f = &s->stack[i];

		if (!has_line(f))
			continue;
		if (called && is_launcher(f)) {
			own = of_package(s, called);
			return own ? own : inner;
		}
		if (!file_is_library(f->file))
			return loops && report_is_main(s, i) ? inner : f;
		inner = inner ? inner : f;
		called = f;
		loops = loops || is_loop(f);
	}
	return inner;
}

/* The innermost Python frame where its code has no name; else NULL. */
static const struct report_frame *unknown(const struct report_site *s)
{
	for (size_t i = 0; i < s->n_frames; i++)
		if (!s->stack[i].native)
			return s->stack[i].file && !strcmp(s->stack[i].file, "?") ? &s->stack[i]
										  : NULL;
	return NULL;
}

const struct report_frame *report_caller_frame(const struct report_site *s)
{
	return unknown(s) ? known_own(s) : NULL;
}

const struct report_frame *report_own_frame(const struct report_site *s)
{
	return report_caller_frame(s) ? unknown(s) : known_own(s);
}

static bool is_others(const struct report_frame *f)
{
	return !has_line(f) || file_is_library(f->file) || is_launcher(f);
}

const struct report_frame *report_program_frame(const struct report_site *s)
{
	const struct report_frame *f = report_own_frame(s);

	return f && !is_others(f) && f->function && strcmp(f->function, "<module>") != 0 ? f : NULL;
}

size_t report_outer_frames(const struct report_site *s)
{
	size_t n = s->n_frames;

	while (n && is_others(&s->stack[n - 1]))
		n--;
	return n ? s->n_frames - n : 0;
}

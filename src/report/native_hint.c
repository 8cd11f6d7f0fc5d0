/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes hints for memory that C code took. */
#include "report/report.h"

#define MOST 0.9

/* The first frame of somebody's own C code, not of a library that only hands out memory. */
static const struct report_frame *taker(const struct report_site *s)
{
	for (size_t i = 0; i < s->n_frames && s->stack[i].native; i++)
		if (!s->stack[i].minor)
			return &s->stack[i];
	return NULL;
}

/* Says which part the shown function took, if others below the same line took the rest. */
static const char *part_of(struct report *r, const struct report_site *s)
{
	const char *text;

	if (!(s->native_share > 0) || s->native_share >= MOST)
		return "";
	text = report_printf(r, "(%.0f %% of this; other calls below the same line took the rest) ",
			     100 * s->native_share);
	return text ? text : "";
}

/* " for build_record": the function of the same module that called @f, which may take memory for
 * many. */
static const char *on_behalf(struct report *r, const struct report_site *s,
			     const struct report_frame *f)
{
	const char *text = NULL;

	for (size_t i = (size_t)(f - s->stack) + 1; i < s->n_frames && s->stack[i].native; i++) {
		const struct report_frame *up = &s->stack[i];

		if (up->minor)
			continue;
		if (f->function && up->function && up->module && !strcmp(up->module, f->module))
			text = report_printf(r, " for %s", up->function);
		break;
	}
	return text ? text : "";
}

static void say(struct report *r, struct report_site *site, const char *code, const char *why)
{
	const struct report_frame *f = taker(site);
	const char *module, *part, *whom;

	if (site->kind != KIND_HEAP || site->hint.code || !f || !f->module || !*f->module)
		return;
	module = file_name(f->module);
	part = part_of(r, site);
	whom = on_behalf(r, site, f);
	site->hint.text = f->function
				  ? report_printf(r, "memory that %s in %s took%s %s%s",
						  f->function, module, whom, part, why)
				  : report_printf(r, "memory that %s took %s%s", module, part, why);
	site->hint.code = site->hint.text ? code : NULL;
}

void report_native_hint(struct report *r, struct report_site *site)
{
	say(r, site, "native-leak",
	    site->verdict == CLASS_LEAK
		    ? "is not given back: a missing free, or an object that owns it is kept"
		    : "has not been given back so far: if that goes on, a missing free, or an "
		      "object that owns it is kept");
}

void report_lost_hint(struct report *r, struct report_site *site)
{
	say(r, site, "unreferenced",
	    "is not given back, and no pointer to it was found: a missing free");
	/* by ctypes or cffi, or without native frames: C code that has no name */
	if (!site->hint.code)
		site->hint = (struct report_hint){
			"unreferenced",
			"memory that C code took when this line called it is not given back, and "
			"no pointer to it was found: a missing free"};
}

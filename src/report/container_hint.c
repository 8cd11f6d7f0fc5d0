/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hints about containers: which one has too much, and how to empty or bound it. */
#include "report/hint_priv.h"

/* How why/label_names.c calls a task whose coroutine has ended. */
#define TASK_DONE "_asyncio.Task, done"
#define FEWEST	  5 /* samples needed to blame a container that was not seen to grow */

/* Names the container at step @at: by its own name, or "GD[...]" as an entry of one with a name. */
static const char *name_of(struct report *r, const struct report_holder *h, size_t at)
{
	const struct report_holder_step *s = &h->step[at];
	size_t i = at;
	char *text;

	while (i && is_entry(&h->step[i]))
		i--;
	if (i == at || !h->step[i].name || !*h->step[i].name)
		return s->name && *s->name ? s->name : s->type;
	text = report_printf(r, "%s[...]", h->step[i].name);
	return text ? text : s->type;
}

/* Is a step up to @at of a type that begins with @with? */
static bool is_inside(const struct report_holder *h, size_t at, const char *with)
{
	for (size_t i = 0; i <= at; i++)
		if (begins(h->step[i].type, with))
			return true;
	return false;
}

/* Is it matplotlib.pyplot's table of figures? */
static bool holds_figures(const struct report_holder *h, size_t at)
{
	const struct report_holder_step *in = &h->step[at];

	return at && in->name && !strcmp(in->name, "figs") && h->step[at - 1].name &&
	       strstr(h->step[at - 1].name, "matplotlib._pylab_helpers") != NULL;
}

/* The remedy for a container of the standard library, which its user neither made nor may empty;
 * NULL: another container. */
static const char *library_fix(const struct report_holder *h, size_t at)
{
	static const char handlers[] = "Add a handler once, or take it off again: "
				       "logger.removeHandler(handler); handler.close()";
	static const struct {
		const char *owner, *name, *fix; /* owner: how its type begins; "": a root */
	} known[] = {
		{"asyncio.", "_scheduled",
		 "Timers are kept until they are due: cancel() what loop.call_later() returned "
		 "when "
		 "it is not needed any more"},
		{"logging.", "handlers", handlers},
		{"", "module logging :: _handlerList", handlers},
		{"class weakref.finalize", "_registry",
		 "A finalizer is kept until its object dies: hand it nothing that refers to the "
		 "object, or detach() it"},
		{"", "module threading :: _active",
		 "A thread is in it until it ends: give its loop a way out"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (at ? h->step[at].name && !strcmp(h->step[at].name, known[i].name) &&
				    *known[i].owner && begins(h->step[at - 1].type, known[i].owner)
		       : !*known[i].owner && ends(h->step[0].name, known[i].name))
			return known[i].fix;
	return NULL;
}

/* Is it a connection or a socket, by the name of its type? */
static bool is_connection(const struct report_holder_step *s)
{
	size_t n = s->type ? strlen(s->type) : 0;

	return n > 10 && (!strcasecmp(s->type + n - 10, "connection") ||
			  !strcasecmp(s->type + n - 6, "socket"));
}

/* The remedy for the container at step @at. */
static const char *container_fix(const struct report_holder *h, size_t at)
{
	const struct report_holder_step *in = &h->step[at];
	const char *fix = library_fix(h, at);

	if (fix)
		return fix;
	if (is_modules(in))
		return "Modules are loaded again and again, each time under another name: use one "
		       "name for each, or del sys.modules[name]";
	if (at && is_type(in - 1, "weakref.WeakKeyDictionary") && !strcmp(in[1].edge, "value"))
		return "A value lives as long as its key does, and one that refers to its key "
		       "keeps it for ever: hold the key by weakref.ref(key)";
	if (at && (begins(in[-1].type, "_weakrefset.") || begins(in[-1].type, "weakref.Weak")))
		return "It holds them weakly, and they are alive: see what else keeps them "
		       "(pyleak-bpf why).";
	if (is_inside(h, at, "asyncio.locks."))
		return "They wait there and are never woken: await asyncio.wait_for(...) ends a "
		       "wait that takes too long.";
	if (holds_figures(h, at))
		return "pyplot keeps each figure until it is closed: plt.close(fig) behind "
		       "fig.savefig(...)";
	if (step_of(h, TASK_DONE))
		return "A task that is done is let go by: task.add_done_callback(tasks.discard), "
		       "tasks being a set";
	if (is_connection(in + 1))
		return "Close what is done with, and take it out: with contextlib.closing(...)";
	if (is_type(in, "dict"))
		return "Delete what is done with (del d[key]), or bound it: "
		       "if len(d) > 1000: d.pop(next(iter(d)))";
	if (is_type(in, "list"))
		return "Remove what is done with, or bound it: collections.deque(maxlen=1000)";
	if (is_type(in, "set"))
		return "discard() what is done with, or bound it: if len(s) > 1000: s.pop()";
	if (is_type(in, "collections.deque"))
		return "Bound it: collections.deque(maxlen=1000)";
	return "Remove what is done with, or bound it.";
}

/* The object on the path that gets more and more attributes; NULL = none. If a container follows
 * the attribute, that is what grows. */
static const struct report_holder_step *grown_object(const struct report_holder *h)
{
	size_t last = report_holder_innermost(h);

	if (h->entries_grow)
		for (size_t i = h->n; i-- > 1 && (last == SIZE_MAX || i > last);)
			if (!strcmp(h->step[i].edge, "attribute") &&
			    !is_collection(&h->step[i - 1]))
				return &h->step[i - 1];
	return NULL;
}

/* The buffer that grows in place: the last on the path with a size of its own. */
static const struct report_holder_step *buffer_of(const struct report_holder *h)
{
	static const char *const types[] = {"bytearray",   "_io.BytesIO", "_io.StringIO",
					    "array.array", "list",	  "collections.deque",
					    "dict",	   "set"};

	for (size_t i = h->n; i-- > 0;)
		for (size_t k = 0; k < ARRAY_SIZE(types); k++)
			if (is_type(&h->step[i], types[k]))
				return &h->step[i];
	return NULL;
}

bool report_in_place_hint(struct report *r, const struct report_holder *h, struct report_site *site)
{
	const struct report_holder_step *s = site->in_place ? buffer_of(h) : NULL;

	if (!s)
		return false;
	set_hint(site, "unbounded-container",
		 report_printf(
			 r,
			 "Objects that were there (%s) get bigger and bigger.\nCut off what is "
			 "done with%s, or start a new one in time.",
			 s->type,
			 is_type(s, "bytearray")   ? " (del buffer[:n])"
			 : begins(s->type, "_io.") ? " (seek(0), truncate())"
						   : ""));
	return true;
}

/* The container that grows; if its entries grow instead, the last container on the path. */
static size_t grown_container(const struct report_holder *h)
{
	size_t at = report_holder_container(h);

	for (size_t i = h->n; h->entries_grow && at < h->n && --i > at;)
		if (i + 1 < h->n && is_collection(&h->step[i]))
			return i;
	return at;
}

void report_container_hint(struct report *r, const struct report_holder *h,
			   struct report_site *site)
{
	size_t at = grown_container(h);
	const struct report_holder_step *in = at < h->n ? &h->step[at] : NULL;
	const struct report_holder_step *object = grown_object(h);
	char entries[32];

	if (object && object->type) {
		set_hint(site, "unbounded-container",
			 report_printf(
				 r,
				 "Objects (%s) get more and more attributes.\nKeep these in one "
				 "dict that is bounded, or delete them: delattr(obj, name)",
				 object->type));
		return;
	}
	if (!in || (h->entries_grow ? in->most > 0 : h->rests) ||
	    (is_modules(in) && !(in->growth_per_s > 0)))
		return;
	/* a few samples say little about a container with many entries */
	if (site->estimated && site->samples < FEWEST && !h->entries_grow &&
	    !(in->growth_per_s > 0))
		return;
	set_hint(site, "unbounded-container",
		 report_printf(r, "%s (%s) has %s entries%s.\n%s", name_of(r, h, at), in->type,
			       fmt_count(entries, sizeof(entries), (double)in->entries),
			       in->growth_per_s > 0 ? " and grows" : "", container_fix(h, at)));
}

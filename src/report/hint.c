/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes hints: a sentence about what happens, and the remedy in a line or two of Python. */
#include "report/hint_priv.h"

#include <math.h>

#define FEW_ENTRIES 16	 /* containers with fewer may be anything */
#define MOST	    0.5	 /* share of the objects */
#define FEWEST	    0.05 /* share of the objects: a holder of fewer is not told */
/* How why/label_names.c calls ended generators, and views of a whole. */
#define ENDED	   ", ended"
#define WHOLE_VIEW ", all of its base"

/* The call that makes such a queue with a bound; NULL = it is no queue. */
static const char *bounded_queue(const struct report_holder_step *s)
{
	static const struct {
		const char *type, *call;
	} queue[] = {
		{"queue.Queue", "queue.Queue(maxsize=1000)"},
		{"queue.LifoQueue", "queue.LifoQueue(maxsize=1000)"},
		{"queue.PriorityQueue", "queue.PriorityQueue(maxsize=1000)"},
		{"_queue.SimpleQueue", "queue.Queue(maxsize=1000)"},
		{"asyncio.queues.Queue", "asyncio.Queue(maxsize=1000)"},
		{"multiprocessing.queues.Queue", "multiprocessing.Queue(maxsize=1000)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(queue); i++)
		if (is_type(s, queue[i].type))
			return queue[i].call;
	return NULL;
}

/* The collection that grows most, else the one with most entries: the innermost of equals.
 * SIZE_MAX: there is none. */
static size_t largest(const struct report_holder *h)
{
	const struct report_holder_step *best = NULL;

	for (size_t i = 0; i + 1 < h->n; i++) {
		const struct report_holder_step *s = &h->step[i];

		if (!is_collection(s))
			continue;
		if (!best || s->growth_per_s > best->growth_per_s ||
		    (s->growth_per_s >= best->growth_per_s && s->entries >= best->entries))
			best = s;
	}
	return best ? (size_t)(best - h->step) : SIZE_MAX;
}

static bool has_few(const struct report_holder_step *s)
{
	return !(s->growth_per_s > 0) && s->entries < FEW_ENTRIES;
}

size_t report_holder_container(const struct report_holder *h)
{
	size_t i = largest(h);

	return i < h->n && !has_few(&h->step[i]) ? i : SIZE_MAX;
}

/* Is it a row in a deque, with fewer entries than the deque may have rows? */
static bool is_row(const struct report_holder *h, size_t i)
{
	const struct report_holder_step *s = &h->step[i];

	return i && is_type(s - 1, "collections.deque") && !strcmp(s->edge, "item") && !s->most &&
	       !(s->growth_per_s > 0) && s->entries < (s - 1)->most;
}

/* Is it something that one puts into a collection: a dict of a few keys, a tuple, a row? */
static bool is_record(const struct report_holder *h, size_t i)
{
	const struct report_holder_step *s = &h->step[i];

	return !is_collection(s) || (is_type(s, "dict") && has_few(s) && !s->most) || is_row(h, i);
}

size_t report_holder_innermost(const struct report_holder *h)
{
	for (size_t i = h->n; i-- > 0;)
		if (i + 1 < h->n && !is_record(h, i))
			return i;
	return SIZE_MAX;
}

static bool is_full(const struct report_holder_step *s)
{
	return s->most && s->entries != REPORT_UNKNOWN && s->entries >= s->most &&
	       !(s->growth_per_s > 0);
}

bool report_holder_is_full(const struct report_holder *h)
{
	size_t i = report_holder_container(h);

	return i < h->n && is_full(&h->step[i]);
}

bool report_holder_is_own(const struct report_holder *h)
{
	return h->root &&
	       (!strcmp(h->root, "interpreter") ||
		(!strcmp(h->root, "static") && (begins(h->path, "static data of python") ||
						begins(h->path, "static data of libpython"))));
}

static bool has_extension(const struct report_site *s)
{
	for (size_t i = 0; i < s->n_frames; i++)
		if (s->stack[i].native && !s->stack[i].minor)
			return true;
	return false;
}

static bool hint_nobody(struct report *r, const struct report_holder *h, struct report_site *site)
{
	bool is_lost = !strcmp(h->root, "unreferenced");

	/* the head of a chain may have moved while the heap was read */
	if (is_lost && (h->share < MOST || (h->is_chain && site->kind != KIND_HEAP)))
		return true;
	if (is_lost && site->kind == KIND_HEAP) {
		report_lost_hint(r, site);
	} else if (is_lost) {
		set_hint(site, "unreferenced",
			 report_printf(
				 r,
				 "Nothing in the process points to these objects: C code took a "
				 "reference and never gave it back.\nLook for a missing Py_DECREF "
				 "in %s.",
				 has_extension(site) ? "the extension on this stack"
						     : "the C functions that this line calls, or "
						       "that get them later"));
	} else if (strcmp(h->root, "cycle") != 0) {
		return false;
	} else if (h->uncollectable) {
		set_hint(site, "cycle-uncollectable",
			 "They hold each other, and the garbage collector cannot free them: C code "
			 "took a reference too many, or hides one.\nBreak the cycle by hand: "
			 "self.parent = weakref.ref(parent)");
	} else if (h->frozen) {
		set_hint(
			site, "frozen-garbage",
			"They hold each other, and gc.freeze() has put them out of the collector's "
			"reach.\nCall gc.collect() before gc.freeze(), and freeze once.");
	} else if (h->gc_known && !h->gc_enabled) {
		set_hint(site, "cycle-gc-disabled",
			 "They hold only each other, and the garbage collector is off.\n"
			 "gc.enable(), or gc.collect() when it suits; or no cycle: "
			 "self.parent = weakref.ref(parent)");
	}
	return true;
}

/* Is step @i a task that never ends, and what grows is not a container in its own variables? */
static bool is_task(const struct report_holder *h, size_t i)
{
	const struct report_holder_step *s = &h->step[i];
	size_t grows = largest(h);

	if (!is_type(s, "_asyncio.Task") && !is_type(s, "asyncio.tasks.Task") &&
	    (!begins(s->type, "async_generator") || strstr(s->type, ENDED)))
		return false;
	return grows >= h->n || grows < i;
}

/* The remedy that frees the memory of the small view at step @i; NULL = it is none. */
static const char *view_fix(const struct report_holder *h, size_t i)
{
	const struct report_holder_step *s = &h->step[i], *base = s + 1;

	if (i + 1 == h->n)
		return NULL;
	if (is_type(s, "memoryview"))
		return "bytes(view)";
	return begins(s->type, "numpy.") && !strstr(s->type, WHOLE_VIEW) &&
			       !strcmp(base->edge, "attribute") && base->name &&
			       !strcmp(base->name, "base")
		       ? "view.copy()"
		       : NULL;
}

static bool hint_classes(struct report_site *site)
{
	set_hint(site, "classes-created",
		 "Classes are made while the program runs, and something keeps them.\nMake each "
		 "once: functools.lru_cache on the function that makes it, or a module-level "
		 "class.");
	return true;
}

/* Is step @i a class that a container keeps, without a container of its own that grows? */
static bool is_kept_class(const struct report_holder *h, size_t i)
{
	const struct report_holder_step *s = &h->step[i];
	size_t grows = report_holder_container(h);

	return i && begins(s->type, "class ") && (is_entry(s) || !strcmp(s->edge, "key")) &&
	       (grows >= h->n || grows < i);
}

/* Is it a class's table of subclasses? It has their addresses and weak references, which go with
 * them. */
static bool is_subclasses(const struct report_holder *h)
{
	size_t at = report_holder_container(h);
	const struct report_holder_step *s = at < h->n ? &h->step[at] : NULL;

	if (!s || !is_type(s, "dict") ||
	    !(at ? begins(s[-1].type, "class ") && !strcmp(s->edge, "field")
		 : report_holder_is_own(h)))
		return false;
	return (!strcmp(s[1].edge, "key") && is_type(&s[1], "int")) ||
	       (!strcmp(s[1].edge, "value") && is_type(&s[1], "weakref.ReferenceType"));
}

/* Is step @i the growing container, or is none known? (The one with most entries need not grow.) */
static bool may_grow(const struct report_holder *h, size_t i)
{
	size_t grows = report_holder_container(h);

	return grows >= h->n || grows == i || !(h->step[grows].growth_per_s > 0);
}

/* Is the container that grows behind step @i? Then that is the mistake, not step @i. */
static bool grows_behind(const struct report_holder *h, size_t i)
{
	size_t grows = report_holder_container(h);

	return grows < h->n && grows > i && h->step[grows].growth_per_s > 0;
}

/* Is it a deque that its owner calls a queue? */
static bool is_called_queue(const struct report_holder_step *s)
{
	return is_type(s, "collections.deque") && s->name &&
	       (strcasestr(s->name, "queue") || strcasestr(s->name, "backlog"));
}

/* Is it in a function's cache that keeps all? Not if something that is kept has the cache (as
 * sqlite3's connections), or if one of a few results has a growing container. */
static bool is_in_cache(const struct report_holder *h)
{
	const struct report_holder_step *cache = step_of(h, "functools._lru_cache_wrapper");
	size_t grows = report_holder_container(h), at = cache ? (size_t)(cache - h->step) : 0;

	return cache && !(grows < at) && !grows_behind(h, at + 1) &&
	       !(at && is_type(cache - 1, "sqlite3.Connection")) &&
	       !(at + 1 < h->n && is_full(cache + 1)) &&
	       !(grows < h->n && grows > at + 1 && has_few(cache + 1));
}

static bool hint_by_type(struct report *r, const struct report_holder *h, struct report_site *site)
{
	const struct report_holder_step *last = &h->step[h->n - 1];
	const struct report_holder_step *traceback = step_of(h, "traceback");

	if (!strcmp(h->root, "gc.garbage") || ends(h->step[0].name, "module gc :: garbage")) {
		set_hint(site, "gc-garbage",
			 "They are in gc.garbage: the collector found them and keeps them.\nTake "
			 "gc.set_debug(gc.DEBUG_SAVEALL) or DEBUG_LEAK out: gc.set_debug(0); "
			 "gc.garbage.clear()");
		return true;
	}
	/* each module is one too many, not what is in it */
	if (is_modules(&h->step[0]) && may_grow(h, 0))
		return false;
	if (is_in_cache(h)) {
		set_hint(site, "lru-cache",
			 "A cached function keeps every result, and the arguments with it.\n"
			 "@functools.lru_cache(maxsize=1000); a method keeps its self alive as "
			 "well: "
			 "cache outside of it.");
		return true;
	}
	if (traceback && !grows_behind(h, (size_t)(traceback - h->step))) {
		set_hint(site, "exception-traceback",
			 "A kept exception keeps its traceback, and that the variables of every "
			 "frame.\n"
			 "Keep str(e), or: e.__traceback__ = None");
		return true;
	}
	if (!strcmp(h->root, "atexit") && report_holder_container(h) >= h->n) {
		set_hint(site, "unbounded-container",
			 "Functions are registered with atexit again and again, and each is kept "
			 "until the process ends.\natexit.unregister(function) when it is done "
			 "with, or register one for all of them, once.");
		return true;
	}
	if (begins(last->type, "class ") || is_subclasses(h))
		return hint_classes(site);
	if (is_type(last, "mmap.mmap")) {
		report_mapping_hint(site);
		return true;
	}
	for (size_t i = 0; i < h->n; i++) {
		const struct report_holder_step *s = &h->step[i];
		const char *fix = view_fix(h, i);

		if (is_task(h, i)) {
			set_hint(site, "task-not-ended",
				 begins(s->type, "async_generator")
					 ? "Asynchronous generators that were not run to their end "
					   "hold their variables.\nasync with "
					   "contextlib.aclosing(stream()) as s: ..., or await "
					   "s.aclose()"
					 : "Tasks that do not end hold what their coroutines "
					   "hold.\nBound the wait, or cancel it: "
					   "asyncio.wait_for(...), task.cancel()");
			return true;
		}
		if (fix) {
			set_hint(site, "view-pins-base",
				 report_printf(
					 r,
					 "A small view (%s) keeps the whole buffer behind it.\n"
					 "Keep a copy: %s",
					 s->type, fix));
			return true;
		}
		if (is_kept_class(h, i))
			return hint_classes(site);
		if (is_called_queue(s) && may_grow(h, i)) {
			set_hint(site, "queue-backlog",
				 report_printf(
					 r,
					 "More is put into %s than is taken out.\nBound it, so "
					 "that the producer waits: queue.Queue(maxsize=1000)",
					 s->name));
			return true;
		}
		if (bounded_queue(s) && (may_grow(h, i) || may_grow(h, i + 1))) {
			set_hint(site, "queue-backlog",
				 report_printf(
					 r,
					 "More is put into the queue than is taken out.\nBound "
					 "it, so that the producer waits: %s",
					 bounded_queue(s)));
			return true;
		}
	}
	return false;
}

/* Is step @i an entry of the container that grows: itself, within tuples or the like, or as what a
 * partial calls? An attribute of an entry is not. True, too, without a container. */
static bool is_kept_itself(const struct report_holder *h, size_t i)
{
	size_t grows = largest(h);

	if (grows >= h->n)
		return true;
	for (size_t k = grows + 1; k <= i && k < h->n; k++)
		if (!is_entry(&h->step[k]) && strcmp(h->step[k].edge, "key") != 0 &&
		    !is_type(&h->step[k - 1], "functools.partial"))
			return false;
	return i > grows;
}

/* Sets a hint if functions made by a function, or bound methods, are entries of what grows: each
 * keeps more than itself. Behind one that stays the same, something else grows. */
static bool hint_closure(struct report *r, const struct report_holder *h, struct report_site *site)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct report_holder_step *s = &h->step[i];
		bool is_cell = !strcmp(s->edge, "cell");

		if (!is_kept_itself(h, is_cell && i ? i - 1 : i))
			continue;
		if (is_cell) {
			set_hint(site, "closure",
				 report_printf(
					 r,
					 "Functions are kept, and each keeps the variable %s of "
					 "the function that made it.\nUnregister the function "
					 "when it has done its work, or hand it a weak "
					 "reference.",
					 s->name ? s->name : "?"));
			return true;
		}
		if (begins(s->type, "function ") && strstr(s->type, "<locals>") &&
		    (i + 1 == h->n || strcmp(h->step[i + 1].edge, "cell") != 0)) {
			set_hint(site, "closure",
				 "Functions that were made inside of a function are kept, and each "
				 "keeps the variables that it uses.\n"
				 "Unregister the function when it has done its work, or hand it a "
				 "weak reference.");
			return true;
		}
		if (i && is_type(s, "method")) {
			set_hint(
				site, "closure",
				"Bound methods are kept, and each keeps the object that it belongs "
				"to.\nUnregister the method when the object is done with, or keep "
				"weakref.WeakMethod(method)");
			return true;
		}
	}
	return false;
}

void report_hold(struct report *r, const struct report_holder *h, struct report_site *site)
{
	size_t at = report_holder_container(h);
	bool grows = h->entries_grow || (at < h->n && h->step[at].growth_per_s > 0);
	double share = fmax(h->share, h->in_container);

	if (share < FEWEST)
		return;
	site->held_by = (struct report_held){report_strdup(r, h->path), share};
	if (site->hint.code || !h->n || h->bounded || hint_nobody(r, h, site))
		return;
	/* a path that holds few objects explains no growth, unless its container grows */
	if ((grows || share >= MOST) && !report_holder_is_full(h) &&
	    !report_in_place_hint(r, h, site) && !hint_by_type(r, h, site) &&
	    !hint_closure(r, h, site) && !(at == 0 && report_holder_is_own(h)))
		report_container_hint(r, h, site);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Joins sites of one cause. A handler that stays registered keeps its request, its connection, its
 * buffers: fifty places of a library grow, because of one line of the program. Sites have one cause
 * when the same line of the program called for their growth. A site that no line of the program
 * called for (an event loop did) may hang from the container that grows: then its cause is the line
 * whose objects lie in that container. A site of a line of the program is made part of another
 * line's only if its line does no more than start a loop, or if one call led to both, and its
 * objects hang from the entries that the other makes: a request that is kept keeps what other lines
 * made for it. */
#include <math.h>
#include <stdio.h>

#include "base/thresholds.h"
#include "judge/sites_priv.h"
#include "report/findings.h"

struct member {
	struct report_site *site;
	/* the line of the program that called for it; NULL = none */
	const struct report_frame *own;
	uint64_t container; /* address of the container that grows; 0 = none is known */
	const char *entry;  /* type of the container's entries; NULL = not known */
	/* the site's objects are the container's entries, or make them */
	bool is_entry;
	bool is_one; /* most of them are in it */
	bool hangs;  /* the same, and their path leads on behind the entry */
};

static bool may_join(const struct report_site *s)
{
	return (s->kind == KIND_OBJECT || s->kind == KIND_HEAP) && s->verdict <= CLASS_GROWING;
}

/* A step's type may say more than the type's name: "function app.f", "_asyncio.Task, done". */
static bool is_of_type(const char *step, const char *name)
{
	size_t n = name ? strlen(name) : 0;

	return n && !strncmp(step, name, n) && (!step[n] || step[n] == ' ' || step[n] == ',');
}

/* Were the site's objects born in the __init__ of @type, called by the program's line? For
 * "lib.Frame" that is Frame.__init__, in versions where frames have qualified names. */
static bool is_of_init(const struct report_site *s, const char *type)
{
	const struct report_frame *own = report_program_frame(s);
	const char *class = strrchr(type, '.');
	char init[256];

	snprintf(init, sizeof(init), "%s.__init__", class ? class + 1 : type);
	for (size_t i = 0; own && i < s->n_frames && &s->stack[i] != own; i++)
		if (!s->stack[i].native && !strcmp(s->stack[i].function, init))
			return true;
	return false;
}

/* Does the site make objects of its type @t at a fair part of the pace at which the container gets
 * entries? Of a type that Python has itself others may make the entries, which hold these. */
static bool is_as_many(const struct report_site *s, const struct report_type *t,
		       const struct fill *f)
{
	double span_s = ((double)f->last_ns - (double)f->first_ns) / 1e9;

	return strchr(t->name, '.') && span_s > 0 &&
	       t->share * s->growth_count_per_s * span_s >=
		       ENTRY_PART * ((double)f->last - (double)f->first);
}

/* Are the site's objects the entries of the container of @f, or born with them? Plain numbers and
 * texts prove nothing: they come from anywhere. */
static bool is_entry(const struct report_site *s, const struct report_holder_step *entry,
		     const struct fill *f)
{
	static const char *const plain[] = {"int", "str", "float", "bytes", "bool"};

	if (!entry->type || (entry->edge && !strcmp(entry->edge, "key")))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!strcmp(entry->type, plain[i]))
			return false;
	for (size_t i = 0; i < s->n_types; i++)
		if (is_of_type(entry->type, s->types[i].name) &&
		    (s->types[i].share >= ENTRY_PART || is_as_many(s, &s->types[i], f)))
			return true;
	return is_of_init(s, entry->type);
}

static struct member member_of(const struct evidence *e, struct report_site *s)
{
	const struct holder_fact *f = holders_find(e, s->id, s->kind);
	struct member m = {.site = s, .own = report_program_frame(s)};
	size_t i = f && f->is_known ? report_holder_container(&f->holder) : SIZE_MAX;

	if (i < SIZE_MAX && i + 1 < f->holder.n && f->fill.addr && f->fill.last > f->fill.first) {
		m.container = f->fill.addr;
		m.entry = f->holder.step[i + 1].type;
		m.is_entry = is_entry(s, &f->holder.step[i + 1], &f->fill);
		m.is_one = f->is_one;
		m.hangs = f->is_one && i + 2 < f->holder.n;
	}
	return m;
}

static bool same_line(const struct report_frame *a, const struct report_frame *b)
{
	return a && b && a->line == b->line && !strcmp(a->file, b->file) &&
	       !strcmp(a->function, b->function);
}

static bool comes_first(const struct member *a, const struct member *b)
{
	if (!b)
		return true;
	if (a->site->verdict != b->site->verdict)
		return a->site->verdict < b->site->verdict;
	return a->site->growth_bytes_per_s > b->site->growth_bytes_per_s;
}

/* A site that will stop when its container is full is no part of one that goes on. */
static bool ends_alike(const struct member *a, const struct member *b)
{
	return a->site->is_bounded == b->site->is_bounded;
}

/* The first site, in the report's order, that the line of @m called for. Two sites in different
 * containers are not joined: a line that starts an event loop calls for things that have nothing to
 * do with each other. */
static const struct member *of_line(const struct member *v, size_t n, const struct member *m)
{
	const struct member *first = NULL;

	for (size_t i = 0; i < n; i++)
		if (same_line(v[i].own, m->own) && ends_alike(&v[i], m) &&
		    comes_first(&v[i], first) &&
		    (!v[i].container || !m->container || v[i].container == m->container))
			first = &v[i];
	return first;
}

/* Is the line of @m in the main program, and calls for what others make? Then it may be the one
 * that starts an event loop. */
static bool may_be_loop(const struct member *m)
{
	const struct report_site *s = m->site;
	size_t i = 0, inside = 0;

	for (; i < s->n_frames && &s->stack[i] != m->own; i++)
		inside += !s->stack[i].native;
	return inside > 0 && report_is_main(s, i);
}

static bool same_type(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* The site that @m is a part of, through its container: that of the line whose objects lie in it,
 * preferably of the type of @m's entry; else, if no line called for @m either, the first such site
 * of the same container. */
static const struct member *of_container(const struct member *v, size_t n, const struct member *m)
{
	const struct member *line = NULL, *typed = NULL, *nobody = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!m->container || v[i].container != m->container || !ends_alike(&v[i], m))
			continue;
		if (!v[i].own && !m->own && comes_first(&v[i], nobody))
			nobody = &v[i];
		if (!v[i].own || !v[i].is_entry || v[i].site->verdict > m->site->verdict)
			continue;
		if (comes_first(&v[i], line))
			line = &v[i];
		if (same_type(v[i].entry, m->entry) && comes_first(&v[i], typed))
			typed = &v[i];
	}
	line = typed ? typed : line;
	return line ? of_line(v, n, line) : nobody;
}

/* Is the function of @own seen at another line @later? Then line @own runs no loop. */
static bool comes_back(const struct report_frame *own, const struct report_site *later)
{
	for (size_t i = 0; i < later->n_frames; i++) {
		const struct report_frame *f = &later->stack[i];

		if (!f->native && f->function && f->file && f->line > 0 && f->line != own->line &&
		    !strcmp(f->function, own->function) && !strcmp(f->file, own->file))
			return true;
	}
	return false;
}

static bool makes_entries(const struct member *v, size_t n, const struct member *m)
{
	for (size_t i = 0; m->own && i < n; i++)
		if (v[i].is_entry && v[i].container == m->container && ends_alike(&v[i], m) &&
		    same_line(v[i].own, m->own))
			return true;
	return false;
}

/* The expected loss of all sites of the line of @m that end as it does. */
static double loss_of_line(const struct member *v, size_t n, const struct member *m)
{
	double loss = 0;

	for (size_t i = 0; i < n; i++)
		if (same_line(v[i].own, m->own) && ends_alike(&v[i], m))
			loss += report_expected_loss(v[i].site);
	return loss;
}

/* The same, with what hangs from the container of @m and no line called for. */
static double loss_with_rest(const struct member *v, size_t n, const struct member *m)
{
	double loss = loss_of_line(v, n, m);

	for (size_t i = 0; i < n; i++)
		if (!v[i].own && v[i].container == m->container && ends_alike(&v[i], m))
			loss += report_expected_loss(v[i].site);
	return loss;
}

/* The outermost line of the program that led to a line of its own. */
static const struct report_frame *outermost(const struct member *m)
{
	const struct report_frame *out = m->own, *end = m->site->stack + m->site->n_frames;

	for (const struct report_frame *f = m->own; f < end; f++)
		if (!f->native && f->file && f->line > 0 && f->function &&
		    !file_is_library(f->file) && strcmp(f->function, "<module>") != 0)
			out = f;
	return out;
}

/* Were both called for by one call: from one line, or of one function that a library calls, as a
 * server does for a request? */
static bool is_one_call(const struct member *a, const struct member *b)
{
	const struct report_frame *x = outermost(a), *y = outermost(b);

	return same_line(x, y) || (!strcmp(x->file, y->file) && !strcmp(x->function, y->function) &&
				   !report_is_main(a->site, (size_t)(x - a->site->stack)));
}

/* The site of the line that leads all whose objects hang from entries like those of @m: that of the
 * line which makes the entries or, where windows met none of these being born, the line that loses
 * most. NULL: @m stands for itself, as its line makes entries or was called for by another call; or
 * several lines make entries, or they are small beside what hangs from them. */
static const struct member *leader(const struct member *v, size_t n, const struct member *m)
{
	const struct member *maker = NULL, *most = NULL, *first;

	if (!m->container || !(m->hangs || (m->is_entry && !m->own)) || makes_entries(v, n, m))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct member *x = &v[i];

		if (!x->own || x->container != m->container || !ends_alike(x, m) ||
		    !same_type(x->entry, m->entry) || x->site->verdict > m->site->verdict)
			continue;
		if (x->is_entry && maker && !same_line(x->own, maker->own))
			return NULL;
		if (x->is_entry && comes_first(x, maker))
			maker = x;
		if (x->hangs && !may_be_loop(x) && comes_first(x, most))
			most = x;
	}
	if (maker && most &&
	    loss_with_rest(v, n, maker) < ENTRY_LEADS_PART * loss_of_line(v, n, most))
		return NULL;
	first = maker ? maker : most;
	return first && (!m->own || is_one_call(first, m)) ? first : NULL;
}

static const struct member *first_of(const struct member *v, size_t n, const struct member *m)
{
	const struct member *first = NULL, *lead;

	if (!m->own || (!m->is_entry && may_be_loop(m)))
		first = of_container(v, n, m);
	if (first && m->own && comes_back(m->own, first->site))
		first = NULL;
	if (!first && m->own)
		first = of_line(v, n, m);
	lead = leader(v, n, first ? first : m);
	return lead ? of_line(v, n, lead) : first;
}

/* Finds whether a line whose objects lie in the container comes before the lines whose objects hang
 * from those: it does unless its loss is small beside theirs, since of a buffer and its handle the
 * buffer is what somebody looks for. Returns the greatest loss of such a line; 0: it does not come
 * before them. */
static double behind(const struct member *v, size_t n, const struct member *m)
{
	double most = 0;

	if (!makes_entries(v, n, m))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (v[i].container == m->container && v[i].own && !v[i].is_entry &&
		    ends_alike(&v[i], m) && !same_line(v[i].own, m->own) && !leader(v, n, &v[i]))
			most = fmax(most, loss_of_line(v, n, &v[i]));
	return loss_of_line(v, n, m) >= ENTRY_LEADS_PART * most ? most : 0;
}

/* A leak that hangs from entries like those which the line of @m alone makes, and is not of that
 * line itself; NULL: there is none, or that line has one. */
static const struct member *leak_behind(const struct member *v, size_t n, const struct member *m)
{
	const struct member *leak = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct member *x = &v[i];
		bool is_its = same_line(x->own, m->own);

		if (x->container != m->container || !ends_alike(x, m) ||
		    !same_type(x->entry, m->entry))
			continue;
		if (is_its ? x->site->verdict == CLASS_LEAK : x->own && x->is_entry)
			return NULL;
		if (x->hangs && x->site->verdict == CLASS_LEAK && comes_first(x, leak))
			leak = x;
	}
	return leak;
}

/* Calls the line a leak that makes the entries from which a leak hangs: they hold it. Few windows
 * may have met that line, at the end of a request, and many what libraries make at its beginning.
 * Only of entries of a class: of Python's own types others may be somewhere in the entries. */
static void follow_leaks(struct report *r, const struct member *v, size_t n)
{
	char rate[32];

	for (size_t i = 0; i < n; i++) {
		struct report_site *s = v[i].site;
		bool may = s->verdict == CLASS_GROWING && !s->ends && v[i].own && v[i].is_entry &&
			   v[i].is_one && strchr(v[i].entry, '.');
		const struct member *leak = may ? leak_behind(v, n, &v[i]) : NULL;
		const char *since = leak ? strstr(leak->site->reason, "/s") : NULL;

		if (!since)
			continue;
		s->verdict = CLASS_LEAK;
		s->confidence = leak->site->confidence;
		s->reason =
			report_printf(r, "grew by %s%s",
				      fmt_bytes(rate, sizeof(rate), s->growth_bytes_per_s), since);
	}
}

int causes_join(const struct evidence *e, struct report *r, struct report_process *p)
{
	auto_free struct member *v = calloc(p->n_sites + 1, sizeof(*v));
	size_t all = 0, n;

	if (!v)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < p->n_sites; i++)
		if (may_join(&p->sites[i]))
			v[all++] = member_of(e, &p->sites[i]);
	n = all < REPORT_MOST_SITES ? all : REPORT_MOST_SITES;
	follow_leaks(r, v, n);
	for (size_t i = 0; i < all; i++) {
		const struct member *first = first_of(v, n, &v[i]);

		if (first && first != &v[i])
			v[i].site->part_of = report_strdup(r, first->site->id);
		else if (i < n)
			v[i].site->behind = (float)behind(v, n, &v[i]);
	}
	return 0;
}

static bool has_hint(const struct report_site *s, const char *code)
{
	return s->hint.code && !strcmp(s->hint.code, code);
}

void causes_name_owners(struct report *r, struct report_process *p)
{
	for (size_t i = 0; i < p->n_sites; i++) {
		struct report_site *first = &p->sites[i], *part = first + 1;
		const char *text = NULL;

		if (!has_hint(first, "native-leak"))
			continue;
		while (part < p->sites + p->n_sites &&
		       !(part->part_of && !strcmp(part->part_of, first->id) &&
			 has_hint(part, "unbounded-container")))
			part++;
		if (part < p->sites + p->n_sites)
			text = report_printf(r, "%s.\n%s", first->hint.text, part->hint.text);
		if (text)
			first->hint.text = text;
	}
}

/* Is @s the first site of a cause, or a part of it? */
static bool is_of(const struct report_site *s, const struct report_site *first)
{
	return s == first || (s->part_of && !strcmp(s->part_of, first->id));
}

static double growth_of(const struct report_site *s)
{
	return s->growth_bytes_per_s > 0 ? s->growth_bytes_per_s : 0;
}

/* Gives a cause the remedy that most of its growth has, where its first site has only that of a
 * container: an exception that is kept keeps frames, and lets them go without its traceback. Memory
 * that C code took goes with its owner. */
static void take_hint(const struct report_process *p, struct report_site *first)
{
	double all = report_cause_of(p, first).bytes_per_s;

	for (size_t i = 0; has_hint(first, "unbounded-container") && i < p->n_sites; i++) {
		const struct report_hint *h = &p->sites[i].hint;
		double sum = 0;

		if (!h->code || !is_of(&p->sites[i], first) || has_hint(first, h->code) ||
		    has_hint(&p->sites[i], "native-leak"))
			continue;
		for (size_t k = i; k < p->n_sites; k++)
			if (is_of(&p->sites[k], first) && has_hint(&p->sites[k], h->code))
				sum += growth_of(&p->sites[k]);
		if (sum > PROCESS_MOST * all)
			first->hint = *h;
	}
}

/* Says of a leak that other lines have parts of what its container keeps with each entry, where
 * that gets entries evenly. */
static void tell_each(const struct evidence *e, struct report *r, const struct report_process *p,
		      struct report_site *first)
{
	const struct holder_fact *f = holders_find(e, first->id, first->kind), *other;
	const struct report_frame *own = report_program_frame(first);
	double per_s, sum = 0;
	bool has_others = false;
	char each[32], rate[32];

	if (!f || !f->is_known || !f->is_one || !own)
		return;
	per_s = fill_paced_per_s(&f->fill, 0);
	for (size_t i = 0; per_s > 0 && i < p->n_sites; i++) {
		const struct report_site *s = &p->sites[i];

		other = is_of(s, first) ? holders_find(e, s->id, s->kind) : NULL;
		if (!other || !other->is_one || other->fill.addr != f->fill.addr)
			continue;
		sum += growth_of(s);
		has_others |= !same_line(report_program_frame(s), own);
	}
	if (has_others)
		first->reason = report_printf(r,
					      "%s; the %s that holds them gets %s entries/s, and "
					      "keeps %s or more with each",
					      first->reason, f->fill.what,
					      fmt_count(rate, sizeof(rate), per_s),
					      fmt_bytes(each, sizeof(each), sum / per_s));
}

void causes_tell(const struct evidence *e, struct report *r, struct report_process *p)
{
	for (size_t i = 0; i < p->n_sites; i++) {
		struct report_site *first = &p->sites[i];

		if (first->part_of || first->verdict > CLASS_GROWING)
			continue;
		take_hint(p, first);
		if (first->verdict == CLASS_LEAK)
			tell_each(e, r, p, first);
	}
}

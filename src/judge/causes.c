/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Joins sites of one cause. A handler that stays registered keeps its request, its connection, its
 * buffers: fifty places of a library grow, because of one line of the program. Sites have one cause
 * when the same line of the program called for their growth. A site that no line of the program
 * called for (an event loop did) may hang from the container that grows: then its cause is the line
 * whose objects lie in that container. A site of a line of the program is made part of another
 * line's only if its line does no more than start a loop. */
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

/* Are the site's objects the container's entries, or born with them? Plain numbers and texts prove
 * nothing: they come from anywhere. */
static bool is_entry(const struct report_site *s, const struct report_holder_step *entry)
{
	static const char *const plain[] = {"int", "str", "float", "bytes", "bool"};

	if (!entry->type || (entry->edge && !strcmp(entry->edge, "key")))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!strcmp(entry->type, plain[i]))
			return false;
	for (size_t i = 0; i < s->n_types; i++)
		if (s->types[i].share >= ENTRY_PART && is_of_type(entry->type, s->types[i].name))
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
		m.is_entry = is_entry(s, &f->holder.step[i + 1]);
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

static const struct member *first_of(const struct member *v, size_t n, const struct member *m)
{
	const struct member *first = NULL;

	if (!m->own || (!m->is_entry && may_be_loop(m)))
		first = of_container(v, n, m);
	if (first && m->own && comes_back(m->own, first->site))
		first = NULL;
	return first || !m->own ? first : of_line(v, n, m);
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
		    ends_alike(&v[i], m) && !same_line(v[i].own, m->own))
			most = fmax(most, loss_of_line(v, n, &v[i]));
	return loss_of_line(v, n, m) >= ENTRY_LEADS_PART * most ? most : 0;
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

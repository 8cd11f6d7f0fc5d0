/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A report in memory of its own: what it was made from may go. */
#include "report/shape.h"

/* NULL stays NULL. */
static bool own_text(struct report *r, const char **text)
{
	bool is_there = *text != NULL;

	if (is_there)
		*text = report_strdup(r, *text);
	return !is_there || *text;
}

/* @n things of @size without pointers. */
static bool own_plain(struct report *r, void *at, size_t n, size_t size)
{
	void **v = at, *copy = *v ? report_alloc(r, (n + 1) * size) : NULL;

	if (copy && n)
		memcpy(copy, *v, n * size);
	if (*v && !copy)
		return false;
	*v = copy;
	return true;
}

static bool own_texts(struct report *r, const char ***v, size_t n)
{
	const char **own;

	if (!own_plain(r, v, n, sizeof(**v)))
		return false;
	own = *v;
	for (size_t i = 0; own && i < n; i++)
		if (!own_text(r, own + i))
			return false;
	return true;
}

static bool own_stack(struct report *r, struct report_site *s)
{
	bool has = own_plain(r, &s->stack, s->n_frames, sizeof(*s->stack));

	for (size_t i = 0; s->stack && i < s->n_frames && has; i++) {
		struct report_frame *f = &s->stack[i];

		has = own_text(r, &f->function) && own_text(r, &f->file) &&
		      own_text(r, &f->module) && own_text(r, &f->source);
	}
	return has;
}

static bool own_lost(struct report *r, struct report_process *p)
{
	bool has = own_plain(r, &p->lost, p->n_lost, sizeof(*p->lost));

	for (size_t i = 0; p->lost && i < p->n_lost && has; i++)
		has = own_text(r, &p->lost[i].key) && own_text(r, &p->lost[i].text);
	return has;
}

/* Members that shape_copy() leaves to be shared. */
static bool own_rest(struct report *r, struct report_process *p)
{
	bool has = own_texts(r, &p->cmdline, p->n_cmdline) && own_texts(r, &p->notes, p->n_notes) &&
		   own_lost(r, p) && own_plain(r, &p->pools, 1, sizeof(*p->pools)) &&
		   own_plain(r, &p->parts, 1, sizeof(*p->parts));

	if (has && p->gc)
		has = (p->gc = shape_copy(r, &shape_gc, p->gc, 1)) != NULL;
	for (size_t i = 0; i < p->n_sites && has; i++)
		has = own_stack(r, &p->sites[i]);
	return has;
}

static struct report_process *copy_processes(struct report *r, const struct report_process *from,
					     size_t n)
{
	struct report_process *v = shape_copy(r, &shape_process, from, n);

	for (size_t i = 0; v && i < n; i++)
		if (!own_rest(r, &v[i]))
			return NULL;
	return v;
}

static bool copy_tree(struct report *r)
{
	struct report_tree *t = r->tree ? report_alloc(r, sizeof(*t)) : NULL;

	if (!r->tree)
		return true;
	if (t) {
		*t = *r->tree;
		t->merged = copy_processes(r, t->merged, 1);
	}
	r->tree = t;
	return t && t->merged;
}

int report_copy(const struct report *from, struct report **out)
{
	struct report *r = NULL;
	struct report_arena *own;
	int err = report_new(&r);

	if (err)
		return err;
	own = r->arena;
	*r = *from;
	r->arena = own;
	r->processes = copy_processes(r, from->processes, from->n_processes);
	if (own_text(r, &r->version) && own_text(r, &r->hostname) && own_text(r, &r->kernel) &&
	    own_text(r, &r->arch) && r->processes && copy_tree(r)) {
		*out = r;
		return 0;
	}
	report_free(r);
	return fail(-ENOMEM, "no memory for a report");
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sweep/find.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/map64.h"
#include "container/container.h"
#include "places/finder.h"
#include "sweep/sweep_priv.h"

#define MAX_LINE   64 /* generations above this process */
#define MAX_MEANT  3  /* Pythons that may have been meant and are named */
#define MAX_LOOKED 64 /* processes that are looked into for that */
#define LOOKS	   20 /* at one that is stuck: most disks answer meanwhile ... */
#define ALL_LOOKS  200
#define LOOK_NS	   5000000 /* ... and the time between */

struct listed {
	struct proc_entry *v;
	size_t n;
	struct map64 parent; /* pid -> ppid */
	struct py_finder *finder;
	unsigned looks;
};

static int listed_open(struct listed *l)
{
	int err = py_finder_new(&l->finder);

	if (!err)
		err = proc_list(&l->v, &l->n);
	for (size_t i = 0; i < l->n && !err; i++) {
		uint64_t *parent = map64_put(&l->parent, (uint64_t)l->v[i].pid);

		if (parent)
			*parent = (uint64_t)l->v[i].ppid;
		else
			err = fail(-ENOMEM, "out of memory");
	}
	return err;
}

static void listed_close(struct listed *l)
{
	py_finder_free(l->finder);
	map64_free(&l->parent);
	free(l->v);
}

static int parent_of(const struct listed *l, int pid)
{
	const uint64_t *parent = map64_get(&l->parent, (uint64_t)pid);

	return parent ? (int)*parent : 0;
}

static bool descends(const struct listed *l, int pid, int from)
{
	for (int i = 0; i < MAX_LINE && pid > 1; i++) {
		pid = parent_of(l, pid);
		if (pid == from)
			return true;
	}
	return false;
}

/* Adds a word to a list, if the buffer has room. */
static void add_word(char *list, size_t size, const char *word)
{
	size_t n = strlen(list);

	if (n + strlen(word) + 3 < size)
		snprintf(list + n, size - n, "%s%s", n ? ", " : "", word);
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ','))
			return true;
	return false;
}

/* The name that people use: the pod with its namespace, or the container. */
static void name_place(const struct proc_container *c, bool as_pod, char *buf, size_t size)
{
	if (as_pod && c->pod[0])
		snprintf(buf, size, "%s/%s", c->namespace, c->pod);
	else if (as_pod)
		snprintf(buf, size, "%s", c->pod_uid);
	else if (c->name[0])
		snprintf(buf, size, "%s", c->name);
	else
		snprintf(buf, size, "%.12s", c->id);
}

static void note_place(const struct proc *p, const struct sweep_opts *o, struct sweep_found *out)
{
	struct proc_container c;
	char text[352];

	if ((!o->pod && !o->container) || !proc_container(p, &c))
		return;
	name_place(&c, o->pod != NULL, text, sizeof(text));
	if (text[0] && !has_word(out->places, text))
		add_word(out->places, sizeof(out->places), text);
}

/* Makes runs of blanks single ones, without one at the beginning: no process's words shall look as
 * if we had indented them. */
static void squeeze(char *text)
{
	char *to = text;

	for (const char *s = text; *s; s++)
		if (*s != ' ' || (to > text && to[-1] != ' '))
			*to++ = *s;
	*to = '\0';
}

static void describe(const struct proc *p, struct sweep_match *m)
{
	struct proc_container c;
	char text[352], line[sizeof(m->command) + 64];
	const char *program = line;

	sweep_command_line(p, line, sizeof(line));
	squeeze(line);
	/* leave out the directories of the program */
	for (const char *s = line; *s && *s != ' '; s++)
		if (*s == '/')
			program = s + 1;
	snprintf(m->command, sizeof(m->command), "%.92s", *program ? program : p->comm);
	if (strlen(program) > 92)
		strcat(m->command, "...");
	if (!proc_container(p, &c))
		return;
	name_place(&c, c.pod[0], text, sizeof(text));
	snprintf(m->where, sizeof(m->where), " in %s %.140s", c.pod[0] ? "pod" : "container", text);
}

static void unread(struct sweep_found *out, const struct proc_entry *e, int err)
{
	if (sweep_is_no_loss(e, err))
		return;
	out->unread++;
	snprintf(out->why, sizeof(out->why), "%s", fail_text());
}

static bool stays_stuck(struct listed *l, int pid)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};

	for (int i = 0; i < LOOKS && l->looks < ALL_LOOKS && sweep_is_stuck(pid); i++) {
		l->looks++;
		nanosleep(&pause, NULL);
	}
	return sweep_is_stuck(pid);
}

static int open_unstuck(struct listed *l, int pid, struct proc **p)
{
	if (!stays_stuck(l, pid))
		return proc_open(pid, p);
	fail(-EBUSY, "process %d waits in the kernel for what no signal ends", pid);
	return -EBUSY;
}

static int look_at(const struct sweep_opts *o, struct listed *l, const struct proc_entry *e,
		   struct sweep_found *out)
{
	struct sweep_match *m;
	struct proc *p;
	int has, err = open_unstuck(l, e->pid, &p);

	if (err) {
		if (sweep_may_want_unopened(o, e))
			unread(out, e, err);
		return 0;
	}
	if (!sweep_wants(o, p)) {
		note_place(p, o, out);
		proc_close(p);
		return 0;
	}
	has = py_finder_has(l->finder, p);
	err = 0;
	if (has < 0) {
		unread(out, e, has);
	} else if (!has) {
		out->others++;
		if (!has_word(out->other, p->comm))
			add_word(out->other, sizeof(out->other), p->comm);
	} else if (p->start_ticks == e->start_ticks) {
		m = vec_push(&out->match);
		if (m) {
			m->entry = *e;
			describe(p, m);
		} else {
			err = fail(-ENOMEM, "out of memory");
		}
	}
	proc_close(p);
	return err;
}

static bool is_match(const struct sweep_found *f, int pid)
{
	for (size_t i = 0; i < f->match.n; i++)
		if (f->match.v[i].entry.pid == pid)
			return true;
	return false;
}

static void mark_below(const struct listed *l, struct sweep_found *f)
{
	for (size_t i = 0; i < f->match.n; i++) {
		struct sweep_match *m = &f->match.v[i];
		int pid = m->entry.pid;

		for (int up = 0; up < MAX_LINE && pid > 1 && !m->is_below; up++) {
			pid = parent_of(l, pid);
			m->is_below = is_match(f, pid);
		}
	}
}

/* This process, its parent, and so on. */
struct line {
	int pid[MAX_LINE];
	size_t n;
};

static void our_line(const struct listed *l, struct line *out)
{
	out->n = 0;
	for (int pid = getpid(); pid > 0 && out->n < MAX_LINE; pid = parent_of(l, pid))
		out->pid[out->n++] = pid;
}

/* Is it this process or its child, or, when a name is looked for, above it? Those have the name in
 * their own command lines. */
static bool is_ours(const struct line *line, const struct sweep_opts *o, const struct proc_entry *e)
{
	for (size_t i = 0; i < line->n && (i == 0 || o->name); i++)
		if (line->pid[i] == e->pid)
			return true;
	return e->ppid == getpid();
}

int sweep_find(const struct sweep_opts *o, struct sweep_found *out)
{
	struct listed l = {0};
	struct line line;
	int err;

	memset(out, 0, sizeof(*out));
	err = listed_open(&l);
	our_line(&l, &line);
	for (size_t i = 0; i < l.n && !err; i++) {
		const struct proc_entry *e = &l.v[i];

		if (o->is_cancelled && o->is_cancelled()) {
			err = -ECANCELED;
			break;
		}
		out->processes++;
		if (sweep_wants_entry(o, e) && !is_ours(&line, o, e))
			err = look_at(o, &l, e, out);
	}
	mark_below(&l, out);
	listed_close(&l);
	if (err)
		sweep_found_free(out);
	return err;
}

void sweep_found_free(struct sweep_found *f)
{
	vec_free(&f->match);
}

/* If it is a Python, adds "-p N (python3 app.py in container web)" to the list. */
static bool mean(struct listed *l, int pid, char *list, size_t size)
{
	struct sweep_match m = {0};
	struct proc *p;
	char text[320];
	bool has;

	if (open_unstuck(l, pid, &p))
		return false;
	has = py_finder_has(l->finder, p) > 0;
	if (has) {
		describe(p, &m);
		snprintf(text, sizeof(text), "-p %d (%.60s%s)", pid, m.command, m.where);
		add_word(list, size, text);
	}
	proc_close(p);
	return has;
}

void sweep_meant(int pid, char *buf, size_t size)
{
	char below[320] = "", inside[320] = "";
	size_t n_below = 0, n_inside = 0, looked = 0;
	struct listed l = {0};

	if (!listed_open(&l))
		for (size_t i = 0; i < l.n && looked < MAX_LOOKED; i++) {
			const struct proc_entry *e = &l.v[i];
			bool is_inside = e->ns_pid == pid && e->pid != pid;

			if (is_inside && n_inside < MAX_MEANT) {
				looked++;
				n_inside += mean(&l, e->pid, inside, sizeof(inside));
			} else if (pid > 1 && n_below < MAX_MEANT && descends(&l, e->pid, pid)) {
				looked++;
				n_below += mean(&l, e->pid, below, sizeof(below));
			}
		}
	listed_close(&l);
	snprintf(buf, size, "%s%s%s%s", n_below ? "; started by it: " : "", below,
		 n_inside ? "; in a container that is the number of: " : "", inside);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "track/tree.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc/list.h"
#include "places/finder.h"
#include "pyleak/tree.h"
#include "track/pids.h"

#include "tree.skel.h" /* uses the types of pyleak/tree.h */

/* Time before a child is handed over. Most children of a busy parent end within a second: those
 * cost nobody a probe. A child that has become another program waits for less, since what it does
 * before it is watched is lost. */
#define FORKED_NS 1000000000
#define EXECED_NS 500000000
/* Time until a newcomer's heap is read, once, for what it inherited: early, but after the shortest
 * lives. Another program's heap is read after the first of its imports, since it may have to wait
 * for a place. */
#define LOOK_NS	   30000000
#define LOOK_SHARE 0.05 /* part of our time for these looks */
#define LOOK_SAVED 200000000.0
#define MAX_KNOWN  4096 /* newcomers at a time */

struct newcomer {
	struct tree_child child;
	bool was_looked_at;
	bool is_other; /* it was no Python when it was looked at */
};

/* A child that is alive, and no newcomer any more. */
struct member {
	int pid;
	enum tree_fate fate;
};

struct tree {
	struct tree_bpf *skel;
	struct ring_buffer *ring;
	struct py_finder *finder;
	VEC(struct newcomer) v;
	VEC(struct member) member;
	struct member met; /* the one that was handed over last */
	struct tree_counts counts;
	double saved_ns; /* time saved for looks */
	uint64_t filled_ns;
};

static struct newcomer *find(struct tree *t, int pid)
{
	for (size_t i = 0; i < t->v.n; i++)
		if (t->v.v[i].child.pid == pid)
			return &t->v.v[i];
	return NULL;
}

static void drop(struct tree *t, struct newcomer *c)
{
	size_t at = (size_t)(c - t->v.v);

	memmove(c, c + 1, (t->v.n - at - 1) * sizeof(*c));
	t->v.n--;
}

static struct member *find_member(struct tree *t, int pid)
{
	for (size_t i = 0; i < t->member.n; i++)
		if (t->member.v[i].pid == pid)
			return &t->member.v[i];
	return NULL;
}

/* Drops a member that has ended, or is a newcomer again. */
static void drop_member(struct tree *t, struct member *m)
{
	if (m)
		*m = t->member.v[--t->member.n];
}

static void keep_member(struct tree *t, int pid, enum tree_fate fate)
{
	struct member *m = vec_push(&t->member);

	if (m)
		*m = (struct member){pid, fate};
}

/* Changes the fate that a child is counted as; one that was watched once stays watched. */
static void count_as(struct tree_counts *n, enum tree_fate *fate, enum tree_fate now)
{
	if (*fate >= TREE_WATCHED)
		return;
	n->n[*fate]--;
	n->n[now]++;
	*fate = now;
}

static struct newcomer *add(struct tree *t, int pid, int ppid, uint64_t since_ns)
{
	struct newcomer *known = find(t, pid), *c = known;
	struct member *m = find_member(t, pid);
	enum tree_fate fate = known ? known->child.fate : m ? m->fate : TREE_NEW;

	if (!known)
		c = t->v.n < MAX_KNOWN ? vec_push(&t->v) : NULL;
	if (!c) {
		t->counts.lost++;
		return NULL;
	}
	t->counts.n[TREE_NEW] += !known && !m;
	drop_member(t, m);
	*c = (struct newcomer){
		.child = {.pid = pid, .ppid = ppid, .fate = fate, .since_ns = since_ns}};
	return c;
}

static uint64_t wait_of(const struct newcomer *c)
{
	return c->child.is_execed ? EXECED_NS : FORKED_NS;
}

static void on_exit_of(struct tree *t, int pid, uint64_t now_ns)
{
	struct newcomer *c = find(t, pid);

	drop_member(t, find_member(t, pid));
	if (!c)
		return;
	count_as(&t->counts, &c->child.fate,
		 now_ns - c->child.since_ns < wait_of(c) ? TREE_SHORT_LIVED : TREE_NOT_WATCHED);
	if (t->met.pid == pid)
		t->met.fate = c->child.fate;
	drop(t, c);
}

static int on_event(void *ctx, void *data, size_t size)
{
	const struct pl_tree_event *e = data;
	struct tree *t = ctx;
	struct newcomer *c;

	if (size < sizeof(*e))
		return 0;
	if (e->what == PL_TREE_FORK) {
		add(t, (int)e->pid, (int)e->ppid, e->t_ns);
	} else if (e->what == PL_TREE_EXEC) {
		c = find(t, (int)e->pid);
		c = add(t, (int)e->pid, c ? c->child.ppid : 0, e->t_ns);
		if (c)
			c->child.is_execed = true;
	} else {
		on_exit_of(t, (int)e->pid, e->t_ns);
	}
	return 0;
}

/* Makes the kernel's programs number processes as our pid namespace does. */
static int number(struct tree_bpf *skel)
{
	auto_close int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int err = pids_find(getpid(), self, &skel->rodata->pids);

	return err ? fail_in(err, "children cannot be followed") : 0;
}

static int attach(struct tree *t)
{
	int err;

	t->skel = tree_bpf__open();
	if (!t->skel)
		return fail(-errno, "cannot open the BPF object: %s", strerror(errno));
	err = number(t->skel);
	if (err)
		return err;
	err = tree_bpf__load(t->skel);
	if (!err)
		err = tree_bpf__attach(t->skel);
	if (err)
		return fail(err,
			    "children cannot be followed: the kernel refused the programs for "
			    "fork, exec and exit (%s)",
			    strerror(-err));
	t->ring = ring_buffer__new(bpf_map__fd(t->skel->maps.tree_events), on_event, t, NULL);
	return t->ring ? 0 : fail(-errno, "cannot read the BPF ring buffer: %s", strerror(errno));
}

int tree_new(struct tree **out)
{
	struct tree *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return fail(-ENOMEM, "out of memory");
	err = py_finder_new(&t->finder);
	if (!err)
		err = attach(t);
	if (err) {
		tree_free(t);
		return err;
	}
	t->filled_ns = clock_ns();
	t->saved_ns = LOOK_SAVED;
	*out = t;
	return 0;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	ring_buffer__free(t->ring);
	tree_bpf__destroy(t->skel);
	if (t->finder)
		py_finder_free(t->finder);
	vec_free(&t->v);
	vec_free(&t->member);
	free(t);
}

static int follow(struct tree *t, int pid)
{
	uint8_t one = 1;

	if (bpf_map_update_elem(bpf_map__fd(t->skel->maps.tree), &pid, &one, BPF_ANY))
		return fail(-errno, "children of %d cannot be followed: %s", pid, strerror(errno));
	return 0;
}

static bool is_followed(const struct tree *t, int pid)
{
	uint8_t one;

	return !bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.tree), &pid, &one);
}

/* Adds children that are there already. The list misses none: parents are followed before it is
 * read, and the kernel tells of their later children. */
static int add_present(struct tree *t, size_t *added)
{
	auto_free struct proc_entry *v = NULL;
	size_t n = 0;
	int err = proc_list(&v, &n);

	*added = 0;
	for (size_t i = 0; i < n && !err; i++) {
		struct proc_entry now;
		struct newcomer *c;

		if (!is_followed(t, v[i].ppid) || is_followed(t, v[i].pid))
			continue;
		err = follow(t, v[i].pid);
		if (!err &&
		    (!proc_list_one(v[i].pid, &now) || now.start_ticks != v[i].start_ticks)) {
			/* Its end was not told: the next of its number would be taken for it. */
			bpf_map_delete_elem(bpf_map__fd(t->skel->maps.tree), &v[i].pid);
			continue;
		}
		c = err ? NULL : add(t, v[i].pid, v[i].ppid, clock_ns());
		++*added;
		if (!c)
			continue;
		t->counts.started++;
		/* it was there before: what it inherited is not known */
		c->was_looked_at = true;
		c->child.is_execed = v[i].age_s > 1;
		c->child.start_ticks = v[i].start_ticks;
	}
	return err;
}

int tree_add(struct tree *t, int pid)
{
	struct newcomer *c = find(t, pid);
	size_t added = 1;
	int err = follow(t, pid);

	/* it was named, and is a child of one that was named before */
	if (c) {
		t->counts.n[c->child.fate]--;
		t->counts.started--;
		drop(t, c);
	}
	keep_member(t, pid, TREE_ROOT);
	/* a generation may be listed before its parents; the last round finds nobody */
	while (!err && added)
		err = add_present(t, &added);
	return err;
}

/* Reads what a newcomer inherited from its own heap: children of a forkserver do not have the heap
 * of the process that asked for them. */
static void look(struct tree *t, struct newcomer *c)
{
	struct py_runtime *rt = NULL;
	struct heap *heap = NULL;
	struct proc *p = NULL;
	int has;

	c->was_looked_at = true;
	if (!proc_open(c->child.pid, &p)) {
		c->child.start_ticks = p->start_ticks;
		has = py_finder_has(t->finder, p);
		c->is_other = !has;
		if (has > 0 && !py_open(p, &rt) && !heap_open(rt, &heap) &&
		    !heap_census(heap, &c->child.inherited))
			c->child.has_inherited = true;
	}
	heap_close(heap);
	py_close(rt);
	proc_close(p);
}

static void look_at_newcomers(struct tree *t)
{
	uint64_t now = clock_ns(), begin = now;

	t->saved_ns += (double)(now - t->filled_ns) * LOOK_SHARE;
	if (t->saved_ns > LOOK_SAVED)
		t->saved_ns = LOOK_SAVED;
	t->filled_ns = now;
	for (size_t i = 0; i < t->v.n && t->saved_ns > 0; i++) {
		struct newcomer *c = &t->v.v[i];

		if (c->was_looked_at ||
		    now < c->child.since_ns + (c->child.is_execed ? EXECED_NS : LOOK_NS))
			continue;
		look(t, c);
		now = clock_ns();
		t->saved_ns -= (double)(now - begin);
		begin = now;
	}
}

void tree_poll(struct tree *t)
{
	ring_buffer__consume(t->ring);
	look_at_newcomers(t);
}

static bool is_python(struct tree *t, struct newcomer *c, bool *is_there)
{
	struct proc *p;
	bool is;

	*is_there = !proc_open(c->child.pid, &p);
	if (!*is_there)
		return false;
	if (!c->child.start_ticks)
		c->child.start_ticks = p->start_ticks;
	is = py_finder_has(t->finder, p) > 0;
	proc_close(p);
	return is;
}

bool tree_next(struct tree *t, struct tree_child *out)
{
	uint64_t now = clock_ns();

	for (size_t i = 0; i < t->v.n;) {
		struct newcomer *c = &t->v.v[i];
		bool is_there, found;

		if (now < c->child.since_ns + wait_of(c)) {
			i++;
			continue;
		}
		found = is_python(t, c, &is_there);
		if (!found)
			count_as(&t->counts, &c->child.fate,
				 is_there ? TREE_NOT_PYTHON : TREE_NOT_WATCHED);
		*out = c->child;
		keep_member(t, c->child.pid, c->child.fate);
		drop(t, c);
		if (found) {
			t->met = (struct member){out->pid, out->fate};
			return true;
		}
	}
	return false;
}

void tree_put_back(struct tree *t, const struct tree_child *child)
{
	struct newcomer *c = find(t, child->pid) ? NULL : vec_push(&t->v);

	if (!c)
		return;
	drop_member(t, find_member(t, child->pid));
	c->child = *child;
	c->was_looked_at = true;
}

void tree_met(struct tree *t, const struct tree_child *child, bool is_watched)
{
	enum tree_fate fate = child->fate;
	struct newcomer *c = find(t, child->pid); /* it became another program meanwhile */
	struct member *m = find_member(t, child->pid);

	if (t->met.pid == child->pid)
		fate = t->met.fate; /* and that may have ended */
	count_as(&t->counts, &fate, is_watched ? TREE_WATCHED : TREE_NOT_WATCHED);
	if (c)
		c->child.fate = fate;
	if (m)
		m->fate = fate;
}

size_t tree_waiting(const struct tree *t)
{
	return t->v.n;
}

/* Counts newcomers that are old enough and wait for a place. */
static void count_waiting(const struct tree *t, struct tree_counts *out)
{
	uint64_t now = clock_ns();

	for (size_t i = 0; i < t->v.n; i++) {
		const struct newcomer *c = &t->v.v[i];
		enum tree_fate fate = c->child.fate;

		if (now >= c->child.since_ns + wait_of(c))
			count_as(out, &fate, c->is_other ? TREE_NOT_PYTHON : TREE_NOT_WATCHED);
	}
}

void tree_count(struct tree *t, struct tree_counts *out)
{
	struct pl_tree_stats st = {0};
	uint32_t zero = 0;

	*out = t->counts;
	count_waiting(t, out);
	if (!bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.tree_stats), &zero, &st)) {
		out->started += st.forks;
		out->lost += st.lost;
	}
}

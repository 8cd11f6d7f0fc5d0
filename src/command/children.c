/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "command/children.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/opener.h"
#include "out/out.h"
#include "report/findings.h"
#include "report/merge.h"
#include "report/read.h"

#define MAX_ENDED 24  /* ended processes kept one by one; older ones are only in the sums */
#define MAX_NAMED 100 /* processes in the sums that are named */
#define MAX_OPEN  24  /* processes with probes at once, as each has maps of its own */
#define NOTICE_NS 5000000000ull /* a session notices an exec within this time */

struct ended {
	struct report *report; /* has one process */
};

struct children {
	struct session_opts so;
	struct tree *tree;
	struct opener *opener;
	VEC(struct ended) ended; /* oldest first */
	struct report *past;	 /* has one process that stands for all older ones; NULL: none */
	VEC(int) open;		 /* pids with a session */
	int only;		 /* the only pid that is wanted; 0 = all are */
	uint64_t no_start;	 /* processes watched without their start */
	char refusal[512];	 /* why the last one that was refused is not watched; "" = none */
};

static int note_open(struct children *c, int pid)
{
	int *slot = vec_push(&c->open);

	if (!slot)
		return fail(-ENOMEM, "out of memory");
	*slot = pid;
	return 0;
}

static size_t find_open(const struct children *c, int pid)
{
	size_t i = 0;

	while (i < c->open.n && c->open.v[i] != pid)
		i++;
	return i;
}

int children_new(const struct session_opts *so, struct children **out)
{
	struct children *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return fail(-ENOMEM, "out of memory");
	err = tree_new(&c->tree);
	if (!err)
		err = opener_new(&c->opener);
	if (err) {
		children_free(c);
		return err;
	}
	c->so = *so;
	*out = c;
	return 0;
}

int children_follow(struct children *c, int pid)
{
	int err = note_open(c, pid);

	return err ? err : tree_add(c->tree, pid);
}

int children_await(struct children *c, int pid, bool alone)
{
	c->only = alone ? pid : 0;
	return tree_add(c->tree, pid);
}

void children_free(struct children *c)
{
	if (!c)
		return;
	opener_free(c->opener);
	tree_free(c->tree);
	for (size_t i = 0; i < c->ended.n; i++)
		report_free(c->ended.v[i].report);
	vec_free(&c->ended);
	vec_free(&c->open);
	report_free(c->past);
	free(c);
}

static void ask_for_next(struct children *c)
{
	struct tree_child child;

	if (c->open.n >= MAX_OPEN || opener_is_busy(c->opener) || !tree_next(c->tree, &child))
		return;
	if (c->only && child.pid != c->only)
		return;
	/* It has a session: either that has not noticed an exec yet, or it was opened after the
	 * exec, and there is nothing to do. */
	if (find_open(c, child.pid) < c->open.n) {
		if (clock_ns() < child.since_ns + NOTICE_NS)
			tree_put_back(c->tree, &child);
		return;
	}
	opener_ask(c->opener, &child, &c->so);
}

static void meet(struct children *c, const struct opened *o)
{
	tree_met(c->tree, &o->child, o->session);
	if (o->session) {
		c->no_start += !o->child.is_execed && !o->child.has_inherited;
		return;
	}
	snprintf(c->refusal, sizeof(c->refusal), "%s", o->why);
	log_info("process %d is not watched: %s", o->child.pid, o->why);
}

struct session *children_poll(struct children *c, bool has_room)
{
	struct opened o = {0};

	tree_poll(c->tree);
	if (opener_take(c->opener, &o))
		meet(c, &o);
	if (o.session && note_open(c, o.child.pid)) {
		opener_close(c->opener, o.session);
		return NULL;
	}
	if (has_room)
		ask_for_next(c);
	return o.session;
}

const char *children_refusal(const struct children *c)
{
	return *c->refusal ? c->refusal : NULL;
}

bool children_are_opened(const struct children *c)
{
	return opener_is_busy(c->opener);
}

/* Polls first, as it is asked when no process is left: one that started another, or exec'ed, may
 * have ended since the last poll. */
bool children_expected(const struct children *c)
{
	tree_poll(c->tree);
	return tree_waiting(c->tree) || children_are_opened(c);
}

/* Copies a report by way of JSON: a merged one keeps all the memory of what was merged. */
static int compact(const struct report *r, struct report **out)
{
	auto_close int fd = memfd_create("pyleak-report", MFD_CLOEXEC);
	char path[32];
	FILE *f = fd < 0 ? NULL : fdopen(dup(fd), "w");
	int err;

	if (!f)
		return fail(-errno, "no memory for a report: %s", strerror(errno));
	err = out_json(f, r);
	if (fclose(f) && !err)
		err = fail(-errno, "no memory for a report: %s", strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return err ? err : report_read(path, out);
}

/* Merges the first @n of those that have ended, and .past, into one process in @r. */
static int sum_up(struct children *c, size_t n, struct report *r)
{
	auto_free struct report_process *v = calloc(n + 1, sizeof(*v));
	struct report_process *p = report_alloc(r, sizeof(*p));
	size_t k = 0;
	int err;

	if (!v || !p)
		return fail(-ENOMEM, "out of memory");
	if (c->past)
		v[k++] = c->past->processes[0];
	for (size_t i = 0; i < n; i++)
		v[k++] = c->ended.v[i].report->processes[0];
	err = report_merge_processes(r, v, k, p);
	if (err)
		return err;
	report_end_list(p, REPORT_MOST_SITES);
	for (; p->n_members > MAX_NAMED; p->n_members--) {
		p->unnamed++;
		p->unnamed_alike += p->members[p->n_members - 1].verdict == p->verdict;
	}
	r->processes = p;
	r->n_processes = 1;
	return 0;
}

/* Moves the oldest half of those that have ended into the sums. */
static int fold(struct children *c)
{
	struct report *r = NULL, *past = NULL;
	size_t n = c->ended.n / 2;
	int err = report_new(&r);

	if (err)
		return err;
	err = sum_up(c, n, r);
	if (!err)
		err = compact(r, &past);
	if (past) {
		past->processes[0].watched_from_s = r->processes[0].watched_from_s;
		past->processes[0].watched_to_s = r->processes[0].watched_to_s;
	}
	report_free(r);
	if (err)
		return err;
	report_free(c->past);
	c->past = past;
	for (size_t i = 0; i < n; i++)
		report_free(c->ended.v[i].report);
	c->ended.n -= n;
	memmove(c->ended.v, c->ended.v + n, c->ended.n * sizeof(*c->ended.v));
	return 0;
}

static int fill_one(struct session *s, struct report *r)
{
	struct report_process *p = report_alloc(r, sizeof(*p));
	int err;

	if (!p)
		return fail(-ENOMEM, "out of memory");
	err = session_fill(s, clock_ns(), r, p);
	report_process_end(p);
	r->processes = p;
	r->n_processes = 1;
	return err;
}

/* A process that goes on may have exec'ed before it was followed, while it was being attached to:
 * then no news of that comes, and it waits for a session as if it had. */
static void follow_on(struct children *c, const struct report_process *p)
{
	if (p && p->goes_on)
		tree_put_back(c->tree, &(struct tree_child){
					       .pid = p->pid,
					       .fate = TREE_WATCHED,
					       .since_ns = clock_ns(),
					       .is_execed = true,
				       });
}

static int keep_findings(struct children *c, struct session *s)
{
	struct report *r = NULL;
	struct ended *slot;
	int err = report_new(&r);

	if (err)
		return err;
	err = fill_one(s, r);
	follow_on(c, r->processes);
	slot = err ? NULL : vec_push(&c->ended);
	if (!slot) {
		report_free(r);
		return err ? err : fail(-ENOMEM, "out of memory");
	}
	slot->report = r;
	return c->ended.n >= MAX_ENDED ? fold(c) : 0;
}

void children_end(struct children *c, struct session *s)
{
	size_t at;

	if (keep_findings(c, s))
		log_warn("what was found in process %d is lost: %s", session_pid(s), fail_text());
	at = find_open(c, session_pid(s));
	if (at < c->open.n)
		c->open.v[at] = c->open.v[--c->open.n];
	opener_close(c->opener, s);
}

void children_count(struct children *c, struct report_tree *t)
{
	struct tree_counts n;

	tree_poll(c->tree); /* takes what the kernel half has counted since */
	tree_count(c->tree, &n);
	*t = (struct report_tree){
		.started = n.started,
		.watched = n.n[TREE_WATCHED],
		.short_lived = n.n[TREE_SHORT_LIVED],
		.not_python = n.n[TREE_NOT_PYTHON],
		.not_watched = n.n[TREE_NOT_WATCHED],
		.no_start = c->no_start,
		.lost = n.lost,
	};
}

int children_fill_ended(struct children *c, struct report *r)
{
	size_t n = r->n_processes + c->ended.n;
	struct report_process *v = report_alloc(r, (n + 1) * sizeof(*v));

	if (!v)
		return fail(-ENOMEM, "no memory for a report");
	if (r->n_processes)
		memcpy(v, r->processes, r->n_processes * sizeof(*v));
	for (size_t i = 0; i < c->ended.n; i++)
		v[r->n_processes + i] = c->ended.v[i].report->processes[0];
	r->processes = v;
	r->n_processes = n;
	return 0;
}

int children_fill(struct children *c, struct report *r)
{
	struct report_tree *t = report_alloc(r, sizeof(*t));
	struct report_process *merged = report_alloc(r, sizeof(*merged));
	size_t n;
	int err;

	if (!t || !merged)
		return fail(-ENOMEM, "no memory for a report");
	err = children_fill_ended(c, r);
	if (err)
		return err;
	n = r->n_processes; /* there is room for one more */
	if (c->past)
		r->processes[n] = c->past->processes[0];
	err = report_merge_processes(r, r->processes, n + (c->past != NULL), merged);
	if (err)
		return err;
	children_count(c, t);
	t->merged = merged;
	r->tree = t;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps the table of what is open: made anew from /proc at each look, with what was known. */
#include <stdio.h>
#include <unistd.h>
#include <xxhash.h>

#include "track/fds_priv.h"

#define LINK_SIZE   1024
#define CHILDREN_NS 900000000 /* between two looks at all who may have been started */

/* Descriptors of all kinds are numbered together. */
static uint64_t key_of(enum fds_kind kind, int number)
{
	return (uint64_t)(kind < FDS_THREAD ? 1 : kind) << 32 | (uint32_t)number;
}

/* A look in progress: its new table. The old one gives what was known. */
struct look {
	struct fds *f;
	uint64_t now_ns;
	VEC(struct fds_thing) next;
};

static struct fds_thing *known(struct look *k, enum fds_kind kind, int number)
{
	struct fds_table *t = &k->f->table;
	const uint64_t *at = map64_get(&t->index, key_of(kind, number));

	return at ? &t->things.v[*at - 1] : NULL;
}

/* Moves a thing that is still the same to the new table. */
static void keep(struct look *k, struct fds_thing *old)
{
	struct fds_thing *to = vec_push(&k->next);

	if (!to)
		return;
	*to = *old;
	old->name = NULL;
	old->number = -1;
}

/* Reads the newest record of who opened number @fd; false: there is none, or it is half written. */
static bool slot_of(const struct fds *f, int fd, struct pl_fd *out)
{
	const struct pl_fd *s;

	if (!f->slots)
		return false;
	s = &f->slots[(uint32_t)fd % PL_FD_SLOTS];
	out->t_ns = __atomic_load_n(&s->t_ns, __ATOMIC_ACQUIRE);
	out->stack = s->stack;
	out->inode = s->inode;
	out->caller = s->caller;
	out->fd = s->fd;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return out->t_ns && out->t_ns == __atomic_load_n(&s->t_ns, __ATOMIC_RELAXED) &&
	       out->fd == (uint32_t)fd;
}

static bool task_slot_of(const struct fds *f, int tid, struct pl_task *out)
{
	const struct pl_task *s;

	if (!f->tasks)
		return false;
	s = &f->tasks[(uint32_t)tid % PL_TASK_SLOTS];
	out->t_ns = __atomic_load_n(&s->t_ns, __ATOMIC_ACQUIRE);
	out->stack = s->stack;
	out->tid = s->tid;
	out->is_thread = s->is_thread;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return out->t_ns && out->t_ns == __atomic_load_n(&s->t_ns, __ATOMIC_RELAXED) &&
	       out->tid == (uint32_t)tid;
}

static enum fds_kind kind_of(const char *link, uint64_t *inode)
{
	unsigned long long n = 0;

	*inode = 0;
	if (sscanf(link, "socket:[%llu]", &n) == 1) {
		*inode = n;
		return FDS_SOCKET;
	}
	if (sscanf(link, "pipe:[%llu]", &n) == 1) {
		*inode = n;
		return FDS_PIPE;
	}
	return *link == '/' ? FDS_FILE : FDS_OTHER;
}

/* Is the record about the thing that is open now, not about one that had this number before? The
 * links of sockets and pipes say their inode; others are asked for it once. */
static bool is_about(const struct look *k, const struct pl_fd *slot, uint64_t inode)
{
	if (!slot->inode)
		return true;
	if (!inode && proc_fds_inode(k->f->spec.proc, (int)slot->fd, &inode))
		return true; /* before 5.14 */
	return inode == slot->inode;
}

static void add_fd(struct look *k, int fd, char *link, uint64_t hash, const struct pl_fd *slot)
{
	struct fds_thing *to = vec_push(&k->next);

	if (!to)
		return;
	to->kind = kind_of(link, &to->inode);
	to->number = fd;
	to->link_hash = hash;
	to->born_ns = slot ? slot->t_ns : k->now_ns;
	if (slot && is_about(k, slot, to->inode)) {
		to->stack = slot->stack;
		to->caller = slot->caller;
		if (to->kind == FDS_FILE)
			proc_fds_as_seen(k->f->spec.proc, link);
		to->name = strdup(link);
	}
	to->is_before = !k->f->table.is_primed && !to->stack;
}

static void look_at_fd(struct look *k, int dir, int fd)
{
	struct fds_thing *old = known(k, FDS_FILE, fd);
	struct pl_fd slot;
	char link[LINK_SIZE];
	bool has_slot = slot_of(k->f, fd, &slot);
	uint64_t hash;

	if (proc_fds_link(dir, fd, link, sizeof(link)))
		return;
	hash = XXH64(link, strlen(link), 0);
	/* it was opened since the last look: an older record is of one that was closed */
	if (!old && has_slot && slot.t_ns < k->f->looked_ns)
		has_slot = false;
	/* it is the same if nobody was seen opening this number since, and its link is the same */
	if (old && old->link_hash == hash && (!has_slot || slot.t_ns <= old->born_ns))
		keep(k, old);
	else
		add_fd(k, fd, link, hash,
		       has_slot && (!old || slot.t_ns > old->born_ns) ? &slot : NULL);
}

static int look_at_fds(struct look *k)
{
	struct proc_numbers fds = {0};
	int dir, err;

	err = proc_fds_read(k->f->spec.proc, &fds, &dir);
	for (size_t i = 0; i < fds.n && !err; i++)
		look_at_fd(k, dir, fds.v[i]);
	if (dir >= 0)
		close(dir);
	/* no descriptors: the process is ending, and no line closed them */
	if (!err && !fds.n && k->f->table.n_fds && !proc_alive(k->f->spec.proc))
		err = -ESRCH;
	vec_free(&fds);
	if (!err)
		k->f->table.n_fds = k->next.n;
	return err;
}

static void add_task(struct look *k, enum fds_kind kind, int tid, const struct pl_task *slot)
{
	struct fds_thing *to = vec_push(&k->next);

	if (!to)
		return;
	to->kind = kind;
	to->number = tid;
	to->stack = slot ? slot->stack : 0;
	to->born_ns = slot ? slot->t_ns : k->now_ns;
	to->is_before = !k->f->table.is_primed && !slot;
}

static void look_at_threads(struct look *k)
{
	struct proc_numbers tids = {0};

	proc_tasks_read(k->f->spec.proc, &tids);
	for (size_t i = 0; i < tids.n; i++) {
		struct fds_thing *old = known(k, FDS_THREAD, tids.v[i]);
		struct pl_task slot;
		bool has_slot = task_slot_of(k->f, tids.v[i], &slot) && slot.is_thread;

		if (old && (!has_slot || slot.t_ns <= old->born_ns))
			keep(k, old);
		else
			add_task(k, FDS_THREAD, tids.v[i], has_slot ? &slot : NULL);
	}
	vec_free(&tids);
}

/* Looks at children whose start was seen; others have no line. */
static void look_at_children(struct look *k)
{
	struct fds_table *t = &k->f->table;
	const struct proc *p = k->f->spec.proc;
	/* of two that start at once, the later may be recorded first: children from here on are
	 * looked at again */
	uint64_t begin_ns = clock_ns();

	for (size_t i = 0; i < t->things.n; i++) {
		struct fds_thing *old = &t->things.v[i];
		char state = old->kind == FDS_CHILD ? proc_child_state(p, old->number) : 0;
		struct pl_task slot;

		/* a newer child may have its number */
		if (!state || (task_slot_of(k->f, old->number, &slot) && slot.t_ns > old->born_ns))
			continue;
		old->is_zombie = state == 'Z';
		keep(k, old);
	}
	for (size_t i = 0; i < PL_TASK_SLOTS && k->f->tasks; i++) {
		const struct fds_thing *old;
		struct pl_task slot;
		char state;

		if (k->f->tasks[i].t_ns <= t->children_ns || k->f->tasks[i].is_thread ||
		    !task_slot_of(k->f, (int)k->f->tasks[i].tid, &slot))
			continue;
		old = known(k, FDS_CHILD, (int)slot.tid);
		if (old && old->born_ns == slot.t_ns)
			continue;
		state = proc_child_state(p, (int)slot.tid);
		if (!state)
			continue;
		add_task(k, FDS_CHILD, (int)slot.tid, &slot);
		if (k->next.n)
			k->next.v[k->next.n - 1].is_zombie = state == 'Z';
	}
	t->children_ns = begin_ns;
}

static void free_things(struct fds_thing *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].name);
	free(v);
}

static void note_gone(struct fds_table *t, double now_s)
{
	struct fds_gone *g = &t->gone;

	for (size_t i = 0; i < t->things.n; i++)
		if (t->things.v[i].number >= 0 && !t->things.v[i].stack)
			g->total[t->things.v[i].kind]++;
	if (g->n && now_s < g->t_s[g->n - 1] + g->step_s)
		return;
	if (g->n == FDS_POINTS) {
		for (size_t i = 0; i < FDS_POINTS / 2; i++) {
			g->t_s[i] = g->t_s[2 * i];
			memcpy(g->v[i], g->v[2 * i], sizeof(g->v[i]));
		}
		g->n /= 2;
		g->step_s *= 2;
	}
	g->t_s[g->n] = now_s;
	memcpy(g->v[g->n++], g->total, sizeof(g->total));
}

static void keep_children(struct look *k)
{
	struct fds_table *t = &k->f->table;

	for (size_t i = 0; i < t->things.n; i++)
		if (t->things.v[i].kind == FDS_CHILD)
			keep(k, &t->things.v[i]);
}

/* Replaces the old table by the new one. */
static void turn(struct look *k)
{
	struct fds_table *t = &k->f->table;

	note_gone(t, (double)(k->now_ns - k->f->start_ns) / 1e9);
	free_things(t->things.v, t->things.n);
	t->things.v = k->next.v;
	t->things.n = k->next.n;
	t->things.cap = k->next.cap;
	map64_clear(&t->index);
	for (size_t i = 0; i < t->things.n; i++) {
		const struct fds_thing *x = &t->things.v[i];
		uint64_t *at = map64_put(&t->index, key_of(x->kind, x->number));

		if (at)
			*at = i + 1;
	}
	t->is_primed = true;
}

int fds_table_look(struct fds *f, uint64_t now_ns, bool all)
{
	struct look k = {.f = f, .now_ns = now_ns};
	bool is_due = all || now_ns >= f->table.due_ns;
	int err = look_at_fds(&k);

	if (err) { /* the process has ended: the last look stays */
		free_things(k.next.v, k.next.n);
		return err;
	}
	look_at_threads(&k);
	(is_due ? look_at_children : keep_children)(&k);
	turn(&k);
	f->looked_ns = now_ns;
	fds_rows_count(f, now_ns);
	if (is_due && proc_fds_limit(f->spec.proc, &f->table.limit))
		f->table.limit = 0;
	if (is_due)
		f->table.due_ns = now_ns + CHILDREN_NS;
	return 0;
}

void fds_table_free(struct fds_table *t)
{
	free_things(t->things.v, t->things.n);
	map64_free(&t->index);
	for (size_t i = 0; i < t->rows.n; i++)
		trend_set_free(t->rows.v[i].count);
	vec_free(&t->rows);
	map64_free(&t->row_index);
	trend_set_free(t->all);
	trend_set_free(t->kinds);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Watches descriptors, threads and children of the process, and who opened them. */
#include <math.h>

#include "base/pace.h"
#include "session/fds_priv.h"

#define LOOK_MIN_NS 250000000
#define SLACK_NS    50000000
#define LOOK_SHARE  200 /* a look may take this part of our time */
#define SOCKETS_NS  5000000000
#define FRESH_NS    1000000000 /* a report looks if a look is due so soon, or sockets are older */

static const struct pace pace = {
	.least_ns = LOOK_MIN_NS, .most_ns = 5000000000, .share = LOOK_SHARE};

static int open_fds(void *self, struct session *s)
{
	struct fds_watch *f = self;
	struct fds_spec spec = {
		.proc = s->proc,
		.skel = s->kern.skel,
		.means = s->kern.fds_means,
		.mechanism = s->kern.mechanism,
		.channel = s->kern.channel,
		.account = &s->ledger.of[LEDGER_FDS],
		.older_ns = (uint64_t)(s->o.older_s * 1e9),
	};

	f->s = s;
	return s->o.fds ? fds_open(&spec, &f->fds) : 0;
}

static bool close_fds(void *self)
{
	struct fds_watch *f = self;

	fds_close(f->fds);
	vec_free(&f->sockets);
	return true;
}

static int by_inode(const void *a, const void *b)
{
	const struct proc_socket *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

/* Looks up where sockets of known lines lead, as long as the process can tell. */
static void look_at_sockets(struct fds_watch *f, const struct fds_sites *sites)
{
	struct map64 wanted = {0};
	struct proc_sockets found = {0};

	for (size_t i = 0; i < sites->n; i++)
		for (size_t k = 0; k < sites->v[i].n; k++)
			if (sites->v[i].things[k]->kind == FDS_SOCKET)
				map64_put(&wanted, sites->v[i].things[k]->inode);
	if (wanted.n && !proc_sockets_find(f->s->proc, &wanted, &found) && found.n) {
		vec_free(&f->sockets);
		f->sockets = found;
		qsort(f->sockets.v, f->sockets.n, sizeof(*f->sockets.v), by_inode);
	} else {
		vec_free(&found);
	}
	map64_free(&wanted);
}

const struct proc_socket *fds_socket(const struct fds_watch *f, uint64_t inode)
{
	const struct proc_socket key = {.inode = inode};

	return f->sockets.n ? bsearch(&key, f->sockets.v, f->sockets.n, sizeof(key), by_inode)
			    : NULL;
}

/* Looks at what is open; at sockets if the last time is @age_ns ago and has been paid for: their
 * tables are the host's, of any length. */
static void look(struct fds_watch *f, uint64_t now_ns, uint64_t age_ns, bool all)
{
	uint64_t cost = fds_poll(f->fds, all), began = clock_ns();
	struct fds_sites sites;

	session_drain(f->s);
	if (*fds_note(f->fds))
		session_note(f->s, "%s", fds_note(f->fds));
	if (began >= f->sockets_ns + age_ns && began >= f->sockets_due_ns &&
	    !fds_sites(f->fds, &sites)) {
		look_at_sockets(f, &sites);
		fds_sites_free(&sites);
		f->sockets_ns = clock_ns();
		f->sockets_due_ns = f->sockets_ns + (f->sockets_ns - began) * LOOK_SHARE;
	}
	f->due_ns = now_ns + pace_wait_ns(&pace, cost, session_ran_s(f->s, now_ns));
}

/* Looks if it is time: a report may have looked since this was planned. */
static uint64_t step(void *self, uint64_t now_ns)
{
	struct fds_watch *f = self;

	if (f->fds && now_ns >= f->due_ns)
		look(f, now_ns, SOCKETS_NS, false);
	return f->due_ns;
}

static uint64_t pause_fds(void *self, bool on)
{
	struct fds_watch *f = self;

	if (!f->fds)
		return 0;
	if (on)
		fds_pause(f->fds);
	else if (fds_resume(f->fds))
		session_note(f->s, "descriptors have no lines any more: %s", fail_text());
	f->due_ns = on ? 0 : clock_ns() + LOOK_MIN_NS;
	return f->due_ns;
}

static void keep(void *self, struct map64 *stacks)
{
	const struct fds_watch *f = self;

	if (f->fds)
		fds_keep_stacks(f->fds, stacks);
}

/* A site: joined from stacks with the same functions, files and places. */
struct joined_fds {
	struct report_site site; /* its frames, for the words */
	struct fd_fact fact;
	const struct fds_thing **things;
	size_t n, cap;
};

struct fds_joiner {
	struct fds_watch *of;
	struct report *r;
	VEC(struct joined_fds) v;
};

static struct joined_fds *place_of(struct fds_joiner *j, const struct fds_site *site)
{
	enum report_kind kind = site->is_task ? KIND_THREAD : KIND_FD;
	struct stack *st = stacks_by_key(j->of->s->stacks, site->stack);
	struct report_frame frames[PL_MAX_FRAMES], *kept;
	size_t n = st ? frames_name(j->of->s, st, frames) : 0;
	struct joined_fds *to;
	char id[17];

	if (!n)
		return NULL;
	report_site_id(frames, n, kind, id);
	for (size_t i = 0; i < j->v.n; i++)
		if (j->v.v[i].fact.kind == kind && !strcmp(j->v.v[i].site.id, id))
			return &j->v.v[i];
	kept = report_alloc(j->r, n * sizeof(*kept));
	to = kept ? vec_push(&j->v) : NULL;
	if (!to)
		return NULL;
	memcpy(kept, frames, n * sizeof(*kept));
	memcpy(to->site.id, id, sizeof(id));
	to->site.kind = to->fact.kind = kind;
	to->site.stack = kept;
	to->site.n_frames = n;
	to->fact.stack = st->id;
	return to;
}

static void join_site(struct fds_joiner *j, const struct fds_site *site)
{
	struct joined_fds *to = place_of(j, site);
	struct fd_fact *f = to ? &to->fact : NULL;

	if (!to || !vec_grow((void **)&to->things, &to->cap, to->n + site->n, sizeof(void *)))
		return;
	memcpy(to->things + to->n, site->things, site->n * sizeof(void *));
	to->n += site->n;
	f->rate += site->rate;
	if (!(site->rate <= f->curve_rate)) {
		f->curve = site->curve;
		f->curve_rate = site->rate;
	}
	f->moments += site->moments;
	f->oldest_s = fmax(f->oldest_s, (double)site->oldest_ns / 1e9);
	if (site->quarters > f->quarters)
		f->quarters = site->quarters;
}

/* Finds words for a site that grows: others are not told. */
static void finish(struct fds_joiner *j, struct joined_fds *x)
{
	x->fact.n = x->n;
	x->fact.scale = fds_scale(j->of->fds, x->fact.kind == KIND_THREAD);
	if (!(x->fact.rate > 0))
		return;
	fds_words(j->of, j->r, x->things, x->n, &x->site, &x->fact.facts);
	x->fact.types = x->site.types;
	x->fact.n_types = x->site.n_types;
}

static void fill_totals(const struct fds_watch *f, struct report_fds *out)
{
	static const char *const word[] = {
		[FDS_NONE] = "none", [FDS_LIBC] = "libc", [FDS_SYSCALLS] = "syscalls"};
	struct fds_totals t;

	fds_totals(f->fds, &t);
	*out = (struct report_fds){
		.means = word[fds_means(f->fds)],
		.open = t.open,
		.at_attach = t.before,
		.no_line = t.unknown,
		.limit = t.limit ? t.limit : REPORT_UNKNOWN,
		.growth_per_s = t.growth_per_s,
		.children = t.children,
	};
	out->eta_s = report_fds_eta(out);
}

static int tell(const struct fds_joiner *j, struct evidence *e)
{
	struct fd_fact *v = report_alloc(j->r, (j->v.n + 1) * sizeof(*v));

	if (!v)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < j->v.n; i++)
		v[i] = j->v.v[i].fact;
	e->fd = v;
	e->n_fds = j->v.n;
	return 0;
}

static int observe(void *self, const struct observation *to)
{
	struct fds_watch *f = self;
	struct fds_joiner j = {.of = f, .r = to->r};
	struct fds_sites sites;
	int err;

	if (!f->fds)
		return 0;
	/* looks once more, if the process lives; for the last report whatever it costs */
	if (!f->s->ended && !f->s->paused && (to->r->final || f->due_ns < clock_ns() + FRESH_NS))
		look(f, clock_ns(), FRESH_NS, to->r->final);
	fill_totals(f, &to->e->seen.fds);
	err = fds_sites(f->fds, &sites);
	if (err)
		return err;
	for (size_t i = 0; i < sites.n; i++)
		join_site(&j, &sites.v[i]);
	for (size_t i = 0; i < j.v.n; i++)
		finish(&j, &j.v.v[i]);
	err = tell(&j, to->e);
	for (size_t i = 0; i < j.v.n; i++)
		free(j.v.v[i].things);
	vec_free(&j.v);
	fds_sites_free(&sites);
	return err;
}

const struct source_ops fds_source = {
	.slack_ns = SLACK_NS,
	.size = sizeof(struct fds_watch),
	.is_probing = true,
	.open = open_fds,
	.step = step,
	.pause = pause_fds,
	.observe = observe,
	.close = close_fds,
	.keep = keep,
};

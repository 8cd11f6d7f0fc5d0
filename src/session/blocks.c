/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/blocks.h"

#include "proc/sockets.h"
#include "session/memory.h"
#include "session/native_stacks.h"
#include "session/pools.h"
#include "session/session_priv.h"

#define POLL_NS	 200000000
#define SLACK_NS 50000000
#define FIT_NS	 2000000000

struct blocks {
	struct session *s;
	struct native *native;
	struct native_stacks *stacks;		/* NULL: only addresses of callers are known */
	bool malloc_grows, may_grow, any_grows; /* as fitted at fitted_ns */
	bool has_tracemalloc;			/* the same */
	uint64_t fitted_ns;
};

static int open_blocks(void *self, struct session *s)
{
	struct blocks *b = self;
	struct native_spec spec = {
		.proc = s->proc,
		.heap = s->heap,
		.skel = s->kern.skel,
		.mechanism = s->kern.mechanism,
		.channel = s->kern.channel,
		.account = &s->ledger.of[LEDGER_NATIVE],
		.older_ns = (uint64_t)(s->o.older_s * 1e9),
	};
	int err;

	s->blocks = b;
	b->s = s;
	err = native_open(&spec, &b->native);
	if (!err && s->o.native_stacks)
		err = native_stacks_open(s, b->native, &b->stacks);
	return err;
}

static bool close_blocks(void *self)
{
	struct blocks *b = self;

	native_stacks_close(b->stacks);
	native_close(b->native);
	b->s->blocks = NULL;
	return true;
}

static void fit(struct blocks *b, uint64_t now_ns)
{
	char name[TYPES_NAME];

	if (now_ns - b->fitted_ns <= FIT_NS)
		return;
	b->malloc_grows = memory_malloc_grows(b->s->memory, &b->may_grow);
	b->any_grows = b->malloc_grows || pools_growing(b->s->pools) ||
		       types_growing(b->s->types, &name, 1);
	b->has_tracemalloc = py_runs_tracemalloc(b->s->rt);
	b->fitted_ns = now_ns;
	if (ledger_asks_whether_it_serves(&b->s->ledger, now_ns))
		b->s->ledger.serves = proc_listens(b->s->proc);
}

static void divide(struct blocks *b, uint64_t now_ns)
{
	ledger_look(&b->s->ledger, b->s->proc->pid, now_ns);
	ledger_divide(&b->s->ledger, now_ns,
		      (struct ledger_growth){
			      .any = b->any_grows && !b->s->is_settled,
			      .native = b->malloc_grows,
			      .may = b->may_grow,
		      });
}

static uint64_t step(void *self, uint64_t now_ns)
{
	struct blocks *b = self;

	fit(b, now_ns);
	divide(b, now_ns);
	native_poll(b->native);
	/* not in drain(): evidence that is being made uses names */
	if (b->stacks)
		sym_hear(b->stacks->sym, 0);
	if (*native_note(b->native))
		session_note(b->s, "%s", native_note(b->native));
	session_drain(b->s);
	return now_ns + POLL_NS;
}

static uint64_t pause_blocks(void *self, bool on)
{
	struct blocks *b = self;

	if (on) {
		ledger_look(&b->s->ledger, b->s->proc->pid, clock_ns());
		native_pause(b->native);
		return 0;
	}
	native_resume(b->native); /* if it fails, the next step says so in a note */
	return clock_ns() + POLL_NS;
}

bool blocks_are_exact(const struct blocks *b)
{
	/* It may be closed: a source that could not be opened late ends none of the others. */
	return b && native_state(b->native) == NATIVE_EXACT;
}

int blocks_each(struct blocks *b, native_block_fn fn, void *arg)
{
	return native_each_block(b->native, fn, arg);
}

static void drain(void *self)
{
	struct blocks *b = self;

	if (b->stacks)
		native_stacks_poll(b->stacks);
}

static void keep(void *self, struct map64 *stacks)
{
	struct blocks *b = self;
	struct native_sites sites = {0};

	if (!native_sites(b->native, &sites))
		for (size_t i = 0; i < sites.n; i++) {
			map64_put(stacks, sites.v[i].key.stack);
			map64_put(stacks, stacks_id_by_key(b->s->stacks, sites.v[i].key.stack));
		}
	native_sites_free(&sites);
}

static int observe(void *self, const struct observation *to)
{
	struct blocks *b = self;
	struct evidence_native *n = &to->e->native;
	struct native_sites sites;
	struct native_site *v;
	int err;

	n->is_watched = true;
	n->has_ways = b->stacks != NULL;
	n->is_exact = blocks_are_exact(b);
	n->has_tracemalloc = b->has_tracemalloc;
	for (unsigned i = 0; i < PL_UNKNOWN_BINS; i++)
		n->unknown_per_s[i] = native_unknown_per_s(b->native, (double)(1ull << i));
	err = native_sites(b->native, &sites);
	if (err)
		return err;
	v = native_sites_copy(&sites, to->scratch);
	n->v = v;
	n->n = v ? sites.n : 0;
	to->e->seen.lost[LOST_SITES_FULL].n = sites.left_out;
	native_sites_free(&sites);
	if (!v)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n->n; i++)
		v[i].named = stacks_id_by_key(b->s->stacks, v[i].key.stack);
	return b->stacks ? native_stacks_observe(b->stacks, to) : 0;
}

const struct source_ops blocks_source = {
	.first_ns = POLL_NS,
	.slack_ns = SLACK_NS,
	.size = sizeof(struct blocks),
	.is_probing = true,
	.open = open_blocks,
	.step = step,
	.pause = pause_blocks,
	.observe = observe,
	.close = close_blocks,
	.drain = drain,
	.keep = keep,
};

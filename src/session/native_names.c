/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names the ways through C code of what has grown, not of all: finding names takes a while. */
#include "session/native_stacks.h"
#include "session/session_priv.h"

struct pairs {
	struct native_stacks *stacks;
	struct report *scratch;
	struct map64 seen;
	VEC(struct evidence_way) v;
};

static void name_frame(struct pairs *p, const struct native_frame *at,
		       struct evidence_native_frame *to)
{
	const struct sym_pc pc = {.addr = at->addr, .file = at->file};
	const struct sym_frame *f;
	size_t n = sym_names(p->stacks->sym, &pc, &f);
	struct report_frame *v = report_alloc(p->scratch, n * sizeof(*v));

	*to = (struct evidence_native_frame){at->is_eval, v, v ? n : 0, f->build_id};
	for (size_t i = 0; i < to->n; i++)
		v[i] = (struct report_frame){
			.native = true,
			.function = f[i].function,
			.file = f[i].file,
			.line = f[i].line,
			.module = f[i].module,
			.offset = f[i].addr,
		};
}

/* The share of a way; a copy is of one depth alone, once that is known. */
static double share_of(const struct native_pair *p)
{
	return p->depth_share > 0 ? p->share * p->depth_share : p->share;
}

static void add(struct pairs *p, uint64_t stack, uint64_t of)
{
	uint64_t *at = map64_put(&p->seen, native_pair_hash(stack, of));
	const struct native_pair *pair;
	const struct native_stack *nat;
	struct evidence_native_frame *frame;
	struct evidence_way *way;

	if (!at || (*at)++)
		return;
	pair = native_pair_of(p->stacks, stack, of);
	nat = pair ? native_way_best(pair) : NULL;
	way = vec_push(&p->v);
	if (!way)
		return;
	*way = (struct evidence_way){
		.stack = stack,
		.of = of,
		.share = pair ? share_of(pair) : 1,
		.is_cut = nat && nat->is_cut,
	};
	frame = nat ? report_alloc(p->scratch, (nat->n + 1) * sizeof(*frame)) : NULL;
	if (!frame)
		return;
	for (size_t i = 0; i < nat->n; i++)
		if (nat->frame[i].is_eval)
			frame[i] = (struct evidence_native_frame){.is_eval = true};
		else
			name_frame(p, &nat->frame[i], &frame[i]);
	way->frame = frame;
	way->n = nat->n;
}

static bool has_grown(const struct native_site *n)
{
	return n->n_points && n->points[n->n_points - 1].bytes > n->points[0].bytes;
}

static void add_all(struct pairs *p, const struct evidence *e)
{
	map64_clear(&p->seen);
	p->v.n = 0;
	for (size_t i = 0; i < e->native.n; i++)
		if (has_grown(&e->native.v[i]))
			add(p, e->native.v[i].key.stack, e->native.v[i].key.caller);
	for (size_t i = 0; i < e->objects.n; i++)
		if (e->objects.v[i].rung >= SURVIVED_RUNGS)
			add(p, e->objects.v[i].stack, e->objects.v[i].type);
}

int native_stacks_observe(struct native_stacks *n, const struct observation *to)
{
	struct pairs p = {.stacks = n, .scratch = to->scratch};
	struct evidence *e = to->e;
	struct evidence_way *v;

	add_all(&p, e);
	if (to->until_ns && sym_hear(n->sym, to->until_ns))
		add_all(&p, e);
	sym_rest(n->sym, n->s->ended);
	v = report_alloc(to->scratch, (p.v.n + 1) * sizeof(*v));
	if (v && p.v.n)
		memcpy(v, p.v.v, p.v.n * sizeof(*v));
	e->native.way = v;
	e->native.n_ways = v ? p.v.n : 0;
	map64_free(&p.seen);
	vec_free(&p.v);
	return v ? 0 : fail(-ENOMEM, "out of memory");
}

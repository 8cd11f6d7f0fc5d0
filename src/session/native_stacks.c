/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Native stacks: copies from the kernel half, unwound as soon as they come (a library may be gone a
 * second later), kept as addresses in files by (Python stack, caller). Names are looked up for what
 * is reported only.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "session/native_stacks.h"
#include "session/session_priv.h"
#include "sym/sym.h"

#include "pyleak.skel.h"

/* A copy costs the target some 5 us and us 50: a tenth of a percent of either at most. */
#define COPIES_PER_S   100
#define COPIES_AT_ONCE 20 /* the ring holds so many */
#define KEEP	       (PL_COPY_SEEN / 2)
#define TRIM_NS	       10000000000ull

/* Births to be copied: as long as it takes, but no longer than WISH_NS for one in vain. */
#define WISHES	8
#define WISH_NS 5000000000ull
#define LOOK_NS 1000000000ull

struct native_wish {
	struct pl_native_pair pair;
	uint64_t since_ns; /* 0 = free */
};

struct native_stacks {
	struct sym *sym;
	struct ring_buffer *ring;
	int seen_fd, wanted_fd;
	struct native_wish wish[WISHES];
	uint64_t wished_ns;
	struct map64 by_pair; /* hash of the pair -> struct native_stack * */
	double allowed;
	uint64_t refilled_ns, trimmed_ns;
	struct py_range eval[8];
	size_t n_eval;
};

static uint64_t pair_hash(uint64_t stack, uint64_t caller)
{
	uint64_t h = (stack ^ caller * 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;

	h ^= h >> 31;
	return h ? h : 1;
}

static bool is_eval(const struct native_stacks *n, uint64_t pc)
{
	for (size_t i = 0; i < n->n_eval; i++)
		if (pc - n->eval[i].start < n->eval[i].end - n->eval[i].start)
			return true;
	return false;
}

static void unwind(struct native_stacks *n, const struct pl_native_copy *c,
		   struct native_stack **to)
{
	struct sym_copy copy = {
		.known = (1u << SYM_REGS) - 1,
		.start = c->start,
		.data = c->data,
		.len = c->pages <= PL_COPY_PAGES ? c->pages * 4096ul : 0,
	};
	struct sym_pc pc[SYM_MAX_FRAMES];
	struct native_stack *st;
	enum sym_end end;
	size_t count;

	memcpy(copy.reg, c->reg, sizeof(copy.reg));
	count = sym_unwind(n->sym, &copy, pc, SYM_MAX_FRAMES, &end);
	/* How the interpreter was started says nothing. */
	for (size_t i = count; c->pair.stack && i-- > 0;)
		if (is_eval(n, pc[i].pc)) {
			count = i + 1;
			break;
		}
	st = calloc(1, sizeof(*st) + count * sizeof(st->frame[0]));
	if (!st)
		return;
	st->pair = c->pair;
	st->is_whole = end == SYM_END_OUTERMOST;
	st->is_cut = end == SYM_END_NO_FILE;
	st->n = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		st->frame[i] = (struct native_frame){pc[i].addr, pc[i].file, is_eval(n, pc[i].pc)};
	log_debug("native stack %llx+%llx: %zu frames, %s", (unsigned long long)c->pair.stack,
		  (unsigned long long)c->pair.caller, count, sym_end_name(end));
	free(*to);
	*to = st;
}

static int on_copy(void *arg, void *data, size_t size)
{
	struct native_stacks *n = arg;
	const struct pl_native_copy *c = data;
	uint64_t *at;

	if (size < sizeof(*c))
		return 0;
	at = map64_put(&n->by_pair, pair_hash(c->pair.stack, c->pair.caller));
	if (at) {
		struct native_stack *st = (struct native_stack *)(uintptr_t)*at;

		unwind(n, c, &st);
		*at = (uintptr_t)st;
	}
	return 0;
}

int native_stacks_open(struct session *s, struct native_stacks **out)
{
	struct native_stacks *n = calloc(1, sizeof(*n));
	int err;

	*out = NULL;
	if (!n)
		return fail(-ENOMEM, "out of memory");
	err = sym_open(s->proc, &n->sym);
	if (!err) {
		n->ring = ring_buffer__new(bpf_map__fd(s->skel->maps.native_copies), on_copy, n,
					   NULL);
		if (!n->ring)
			err = fail(-errno, "cannot read the ring of native stacks: %s",
				   strerror(errno));
	}
	if (err) {
		native_stacks_close(n);
		return err;
	}
	n->wanted_fd = bpf_map__fd(s->skel->maps.native_wanted);
	n->seen_fd = bpf_map__fd(s->skel->maps.native_seen);
	n->n_eval = py_eval_ranges(s->rt, n->eval, ARRAY_SIZE(n->eval));
	for (size_t i = 0; i < n->n_eval; i++)
		log_debug("evaluator at %#llx-%#llx", (unsigned long long)n->eval[i].start,
			  (unsigned long long)n->eval[i].end);
	n->allowed = COPIES_AT_ONCE;
	n->refilled_ns = clock_ns();
	*out = n;
	return 0;
}

void native_stacks_close(struct native_stacks *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->by_pair.cap; i++)
		if (n->by_pair.slot[2 * i])
			free((void *)(uintptr_t)n->by_pair.slot[2 * i + 1]);
	map64_free(&n->by_pair);
	ring_buffer__free(n->ring);
	sym_close(n->sym);
	free(n);
}

/* What no live block needs is forgotten here and there, and copied anew should it come back. */
static void trim(struct native_stacks *n, struct session *s)
{
	struct native_sites sites = {0};
	struct map64 keep = {0}, kept = {0};
	size_t count;
	const struct sample *sample = ladder_samples(s->ladder, &count);

	if (native_sites(s->native, &sites))
		return;
	for (size_t i = 0; i < sites.n; i++)
		map64_put(&keep, pair_hash(sites.v[i].key.stack, sites.v[i].key.caller));
	native_sites_free(&sites);
	for (size_t i = 0; i < count; i++)
		map64_put(&keep, pair_hash(sample[i].stack, sample[i].type));
	for (size_t i = 0; i < n->by_pair.cap; i++) {
		uint64_t hash = n->by_pair.slot[2 * i], at = n->by_pair.slot[2 * i + 1];
		struct native_stack *st = (struct native_stack *)(uintptr_t)at;
		uint64_t *to;

		if (!hash || !st)
			continue;
		to = map64_get(&keep, hash) ? map64_put(&kept, hash) : NULL;
		if (to) {
			*to = at;
		} else {
			bpf_map_delete_elem(n->seen_fd, &st->pair);
			free(st);
		}
	}
	map64_free(&n->by_pair);
	map64_free(&keep);
	n->by_pair = kept;
}

struct tally {
	struct pl_native_pair pair;
	double n;
};

static int by_most(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n);
}

/* Who made the survivors of which nothing native is known yet, most of them first. */
static size_t unknown_makers(const struct native_stacks *n, struct session *s, struct tally **out)
{
	VEC(struct tally) v = {0};
	struct map64 index = {0};
	size_t count;
	const struct sample *sample = ladder_samples(s->ladder, &count);

	for (size_t i = 0; i < count; i++) {
		uint64_t hash = pair_hash(sample[i].stack, sample[i].type), *at;
		struct tally *t;

		if (sample[i].rung < 2 || map64_get(&n->by_pair, hash))
			continue;
		at = map64_put(&index, hash);
		if (!at)
			continue;
		t = *at ? &v.v[*at - 1] : vec_push(&v);
		if (!t)
			continue;
		*at = (uint64_t)(t - v.v) + 1;
		t->pair = (struct pl_native_pair){sample[i].stack, sample[i].type};
		t->n += sample[i].weight;
	}
	map64_free(&index);
	if (v.n && v.v)
		qsort(v.v, v.n, sizeof(*v.v), by_most);
	*out = v.v;
	return v.n;
}

static bool is_wished(const struct native_stacks *n, const struct pl_native_pair *pair)
{
	for (size_t i = 0; i < WISHES; i++)
		if (n->wish[i].since_ns && !memcmp(&n->wish[i].pair, pair, sizeof(*pair)))
			return true;
	return false;
}

static void wish(struct native_stacks *n, const struct pl_native_pair *pair, uint64_t now)
{
	uint8_t one = 1;

	for (size_t i = 0; i < WISHES && !is_wished(n, pair); i++) {
		if (n->wish[i].since_ns)
			continue;
		n->wish[i] = (struct native_wish){*pair, now};
		bpf_map_update_elem(n->wanted_fd, pair, &one, BPF_ANY);
	}
}

/* What came or did not come in time makes room for others; those have another chance later. */
static void look_for_makers(struct native_stacks *n, struct session *s, uint64_t now)
{
	auto_free struct tally *v = NULL;
	size_t count, open = 0;

	for (size_t i = 0; i < WISHES; i++) {
		struct native_wish *w = &n->wish[i];

		if (!w->since_ns || (now - w->since_ns < WISH_NS &&
				     !native_stacks_find(n, w->pair.stack, w->pair.caller)))
			continue;
		bpf_map_delete_elem(n->wanted_fd, &w->pair);
		w->since_ns = 0;
	}
	count = unknown_makers(n, s, &v);
	for (size_t i = 0; i < count && i < WISHES; i++)
		wish(n, &v[i].pair, now);
	for (size_t i = 0; i < WISHES; i++)
		open += n->wish[i].since_ns != 0;
	s->stats->wanted = open;
}

void native_stacks_poll(struct native_stacks *n, struct session *s)
{
	uint64_t now = clock_ns();

	ring_buffer__consume(n->ring);
	n->allowed += (double)(now - n->refilled_ns) / 1e9 * COPIES_PER_S;
	n->refilled_ns = now;
	if (n->allowed > COPIES_AT_ONCE)
		n->allowed = COPIES_AT_ONCE;
	n->allowed = native_allow_copies(s->native, n->allowed);
	if (now - n->wished_ns > LOOK_NS) {
		look_for_makers(n, s, now);
		n->wished_ns = now;
	}
	if (n->by_pair.n > KEEP && now - n->trimmed_ns > TRIM_NS) {
		trim(n, s);
		n->trimmed_ns = now;
	}
}

const struct native_stack *native_stacks_find(const struct native_stacks *n, uint64_t stack,
					      uint64_t caller)
{
	uint64_t *at = map64_get(&n->by_pair, pair_hash(stack, caller));

	return at ? (struct native_stack *)(uintptr_t)*at : NULL;
}

struct sym *native_stacks_sym(const struct native_stacks *n)
{
	return n->sym;
}

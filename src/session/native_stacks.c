/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeps native stacks: copies from the kernel half are unwound as soon as they come (a library may
 * be gone a second later), and kept as addresses in files by (Python stack, caller). Only reported
 * ones get names. native_ways.c chooses the way that stands for a pair. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "session/native_stacks.h"
#include "py/functions.h"
#include "session/session_priv.h"
#include "session/survivors.h"
#include "sym/sym.h"

#include "pyleak.skel.h"

/* A copy costs the target some 5 us and us 50: 0.05 % and 0.5 % of a core at most. */
#define COPIES_PER_S   100
#define COPIES_AT_ONCE 20 /* copies that the ring has room for */
#define KEEP	       (PL_COPY_SEEN / 2)
#define TRIM_NS	       10000000000ull
#define MAX_BYTES      (16u << 20) /* bytes of all that is kept; above, nothing is copied */

uint64_t native_pair_hash(uint64_t stack, uint64_t caller)
{
	uint64_t h = (evidence_kernel_stack(stack) ^ caller * 0x9e3779b97f4a7c15ull) *
		     0xbf58476d1ce4e5b9ull;

	h ^= h >> 31;
	return h ? h : 1;
}

struct native_pair *native_pair_of(const struct native_stacks *n, uint64_t stack, uint64_t caller)
{
	uint64_t *at = map64_get(&n->by_pair, native_pair_hash(stack, caller));

	return at ? (struct native_pair *)(uintptr_t)*at : NULL;
}

static bool is_eval(const struct native_stacks *n, uint64_t pc)
{
	for (size_t i = 0; i < n->n_eval; i++)
		if (pc - n->eval[i].start < n->eval[i].end - n->eval[i].start)
			return true;
	return false;
}

/* Unwinds a copy; NULL when memory ran out. */
static struct native_stack *unwind(struct native_stacks *n, const struct pl_native_copy *c)
{
	struct sym_copy copy = {
		.known = (1u << SYM_REGS) - 1,
		.start = c->start,
		.data = c->data,
		.len = c->pages <= PL_COPY_PAGES ? c->pages * 4096ul : 0,
		/* a caller of an allocator; an object's stack is where it was born */
		.is_caller = c->size > 0,
	};
	struct sym_pc pc[SYM_MAX_FRAMES];
	struct native_stack *st;
	enum sym_end end;
	size_t count;

	memcpy(copy.reg, c->reg, sizeof(copy.reg));
	count = sym_unwind(n->sym, &copy, pc, SYM_MAX_FRAMES, &end);
	/* leaves out how the interpreter was started */
	for (size_t i = count; c->pair.stack && i-- > 0;)
		if (is_eval(n, pc[i].pc)) {
			count = i + 1;
			break;
		}
	st = calloc(1, sizeof(*st) + count * sizeof(st->frame[0]));
	if (!st)
		return NULL;
	st->is_cut = end == SYM_END_NO_FILE;
	st->n = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		st->frame[i] = (struct native_frame){pc[i].addr, pc[i].file, is_eval(n, pc[i].pc)};
	log_debug("native stack %llx+%llx: %zu frames, %s", (unsigned long long)c->pair.stack,
		  (unsigned long long)c->pair.caller, count, sym_end_name(end));
	return st;
}

/* Finds or adds a pair; a new one has no ways yet. */
static struct native_pair *pair_put(struct native_stacks *n, const struct pl_native_pair *key)
{
	uint64_t *at = map64_put(&n->by_pair, native_pair_hash(key->stack, key->caller));
	struct native_pair *p;

	if (!at || *at)
		return at ? (struct native_pair *)(uintptr_t)*at : NULL;
	p = calloc(1, sizeof(*p));
	if (p) {
		p->key = *key;
		p->share = 1;
	}
	*at = (uintptr_t)p;
	return p;
}

static size_t way_bytes(const struct native_stack *st)
{
	return st ? sizeof(*st) + st->n * sizeof(st->frame[0]) : 0;
}

static size_t pair_bytes(const struct native_pair *p)
{
	size_t sum = sizeof(*p) + p->made.cap * sizeof(*p->made.v) + way_bytes(p->caller);

	for (uint32_t i = 0; i < p->n_ways; i++)
		sum += way_bytes(p->way[i]);
	return sum;
}

static size_t all_bytes(const struct native_stacks *n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n->by_pair.cap; i++)
		if (n->by_pair.slot[2 * i] && n->by_pair.slot[2 * i + 1])
			sum += pair_bytes((void *)(uintptr_t)n->by_pair.slot[2 * i + 1]);
	return sum;
}

static int on_copy(void *arg, void *data, size_t size)
{
	struct native_stacks *n = arg;
	const struct pl_native_copy *c = data;
	struct native_pair *p =
		size < sizeof(*c) || n->bytes > MAX_BYTES ? NULL : pair_put(n, &c->pair);
	struct native_stack *st = p ? unwind(n, c) : NULL;

	if (st) {
		n->bytes += sizeof(*p) + way_bytes(st); /* at most: many have a known way */
		native_ways_add(p, st, c, clock_ns());
	}
	return 0;
}

/* Names a built-in function; a module with a file of its own is called by that. */
static void know(uint64_t addr, const char *name, const char *module, void *ctx)
{
	const struct native_stacks *n = ctx;
	const struct py_runtime *rt = n->s->rt;
	const struct proc_map *m = proc_find_map(rt->proc, addr);

	sym_know(n->sym, addr, name, m && !strcmp(m->path, rt->name) ? module : NULL);
}

static void know_functions(void *ctx)
{
	const struct native_stacks *n = ctx;

	py_functions(n->s->rt, know, ctx);
	log_debug("what Python calls functions in C is known");
}

int native_stacks_open(struct session *s, struct native *native, struct native_stacks **out)
{
	struct native_stacks *n = calloc(1, sizeof(*n));
	int err;

	*out = NULL;
	if (!n)
		return fail(-ENOMEM, "out of memory");
	n->s = s;
	n->native = native;
	err = sym_open(s->proc, &n->sym);
	if (!err) {
		sym_leave_lines(n->sym, s->rt->name); /* 17 MB, for folded frames */
		sym_ask(n->sym, know_functions, n);
		n->ring = ring_buffer__new(bpf_map__fd(s->kern.skel->maps.native_copies), on_copy,
					   n, NULL);
		if (!n->ring)
			err = fail(-errno, "cannot read the ring of native stacks: %s",
				   strerror(errno));
	}
	if (err) {
		native_stacks_close(n);
		return err;
	}
	n->births.fd = bpf_map__fd(s->kern.skel->maps.native_wanted);
	n->blocks.fd = bpf_map__fd(s->kern.skel->maps.native_seen);
	n->blocks.is_kept = true;
	n->n_eval = places_evaluator(s->rt, n->eval, ARRAY_SIZE(n->eval));
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
			native_pair_free((void *)(uintptr_t)n->by_pair.slot[2 * i + 1]);
	map64_free(&n->by_pair);
	ring_buffer__free(n->ring);
	sym_close(n->sym);
	free(n);
}

/* Forgets pairs that no live block or survivor needs, here and in the kernel half: they are copied
 * anew if they return. */
static void trim(struct native_stacks *n)
{
	struct native_sites sites = {0};
	struct map64 keep = {0}, kept = {0};
	size_t count;
	const struct sample *sample = survivors_samples(n->s->survivors, &count);

	if (native_sites(n->native, &sites))
		return;
	for (size_t i = 0; i < sites.n; i++)
		map64_put(&keep, native_pair_hash(sites.v[i].key.stack, sites.v[i].key.caller));
	native_sites_free(&sites);
	for (size_t i = 0; i < count; i++)
		map64_put(&keep, native_pair_hash(sample[i].stack, sample[i].type));
	for (size_t i = 0; i < n->by_pair.cap; i++) {
		uint64_t hash = n->by_pair.slot[2 * i], at = n->by_pair.slot[2 * i + 1];
		struct native_pair *p = (struct native_pair *)(uintptr_t)at;
		uint64_t *to;

		if (!hash || !p)
			continue;
		to = map64_get(&keep, hash) ? map64_put(&kept, hash) : NULL;
		if (to) {
			*to = at;
		} else {
			bpf_map_delete_elem(n->blocks.fd, &p->key);
			native_pair_free(p);
		}
	}
	map64_free(&n->by_pair);
	map64_free(&keep);
	n->by_pair = kept;
}

void native_stacks_poll(struct native_stacks *n)
{
	uint64_t now = clock_ns();

	ring_buffer__consume(n->ring);
	n->allowed += (double)(now - n->refilled_ns) / 1e9 * COPIES_PER_S;
	n->refilled_ns = now;
	if (n->allowed > COPIES_AT_ONCE)
		n->allowed = COPIES_AT_ONCE;
	n->allowed = native_allow_copies(n->native, n->allowed);
	native_asks_poll(n, now);
	if ((n->by_pair.n > KEEP || n->bytes > MAX_BYTES / 2) && now - n->trimmed_ns > TRIM_NS) {
		trim(n);
		n->bytes = all_bytes(n);
		n->trimmed_ns = now;
	}
}

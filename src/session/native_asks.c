/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests stack copies of pairs (stack, caller or type) that grow, until enough copied births are
 * known to live on: of blocks by the kernel half's table or the samples of windows, of objects by
 * the ladder. */
#include <bpf/bpf.h>

#include "base/pace.h"
#include "session/native_stacks.h"
#include "session/session_priv.h"
#include "session/survivors.h"

#define ENOUGH	       8  /* living copies are enough for a pair */
#define LOOKS_AT_MOST  60 /* visits to a pair, then others have their turn */
#define REST_NS	       30000000000ull
#define RARELY_AT_MOST 14 /* at the rarest one in 2^14 is copied */
/* Copies of all pairs from one visit to the next (in windows more, as there are fewer of those),
 * and the least and the most for one pair. The rest is for new pairs. */
#define AT_ONCE	       10
#define AT_ONCE_WINDOW 20
#define LEAST_AT_ONCE  2
#define MOST_AT_ONCE   6
#define MOST_IN_WINDOW 12
/* Time until a death is known: at once for exact blocks, else when it is missing in the samples. */
#define PATIENCE_NS	   200000000ull
#define SAMPLE_PATIENCE_NS 1000000000ull

static const struct pace pace = {.least_ns = 1000000000, .most_ns = 1000000000};

/* Does this pair rest: is enough known of it, or was it asked in vain? After each rest it is asked
 * at least once, as another line may leak now. */
static bool rests(struct native_pair *p, size_t living, uint64_t now_ns)
{
	if (now_ns < p->rests_ns)
		return true;
	if (!p->looks || (living < ENOUGH && p->looks < LOOKS_AT_MOST)) {
		p->looks++;
		return false;
	}
	p->looks = 0;
	p->rests_ns = now_ns + REST_NS;
	return true;
}

static bool is_growing(const struct native_site *site)
{
	size_t n = site->n_points;

	return n < 2 || site->points[n - 1].bytes > site->points[n > 4 ? n - 4 : 0].bytes;
}

/* A size that most blocks do not exceed: four times the mean. The biggest may be one of a million,
 * and not most of the bytes. */
static uint32_t scale_of(const struct native_site *site)
{
	double scale = site->live_count > 0 ? 4 * site->live_bytes / site->live_count : 0;

	return scale < UINT32_MAX ? (uint32_t)scale : UINT32_MAX;
}

static void mark(struct native_made *m, enum native_life life, uint64_t now_ns)
{
	if (life != NATIVE_DEAD)
		m->seen_ns = now_ns;
	if (life == NATIVE_LIVES)
		m->lives_ns = now_ns;
}

static size_t vote_blocks(struct native_pair *p, const struct native *native, uint64_t now_ns)
{
	bool exact = native_state(native) == NATIVE_EXACT;

	native_ways_lose(p, native_entered_ns(native));
	for (struct native_made *m = p->made.v; m < p->made.v + p->made.n; m++)
		mark(m, native_life(native, m->addr, m->born), now_ns);
	return native_ways_vote(p, now_ns, exact ? PATIENCE_NS : SAMPLE_PATIENCE_NS);
}

static size_t growing_blocks(struct native_stacks *n, uint64_t now_ns, struct native_ask *to)
{
	struct native_sites sites = {0};
	size_t asked = 0;

	if (native_sites(n->native, &sites))
		return 0;
	for (size_t i = 0; i < sites.n && asked < NATIVE_ASKS; i++) {
		const struct native_site *site = &sites.v[i];
		struct native_pair *p = native_pair_of(n, site->key.stack, site->key.caller);

		if (!p || !is_growing(site))
			continue;
		native_ways_depth(p, site->depth, site->depth_share);
		if (rests(p, vote_blocks(p, n->native, now_ns), now_ns))
			continue;
		p->scale = scale_of(site);
		to[asked++] = (struct native_ask){p->key,
						  {.min_size = site->min_size,
						   .max_size = site->max_size,
						   .scale = p->scale,
						   .depth = site->depth}};
	}
	native_sites_free(&sites);
	return asked;
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

static void mark_born(struct native_pair *p, const struct sample *s, uint64_t now_ns)
{
	for (size_t i = 0; p && i < p->made.n; i++)
		if (p->made.v[i].addr == s->addr && p->made.v[i].born == s->birth)
			mark(&p->made.v[i], s->rung < 2 ? NATIVE_YOUNG : NATIVE_LIVES, now_ns);
}

/* The pairs that made survivors, the one that made most first. */
static size_t makers(struct native_stacks *n, uint64_t now_ns, struct tally **out)
{
	VEC(struct tally) v = {0};
	struct map64 index = {0};
	size_t count;
	const struct sample *sample = survivors_samples(n->s->survivors, &count);

	for (size_t i = 0; i < count; i++) {
		uint64_t *at;
		struct tally *t;

		mark_born(native_pair_of(n, sample[i].stack, sample[i].type), &sample[i], now_ns);
		if (sample[i].rung < 2)
			continue;
		at = map64_put(&index, native_pair_hash(sample[i].stack, sample[i].type));
		if (!at)
			continue;
		t = *at ? &v.v[*at - 1] : vec_push(&v);
		if (!t)
			continue;
		*at = (uint64_t)(t - v.v) + 1;
		t->pair = (struct pl_native_pair){evidence_kernel_stack(sample[i].stack),
						  sample[i].type};
		t->n += sample[i].weight;
	}
	map64_free(&index);
	if (v.n && v.v)
		qsort(v.v, v.n, sizeof(*v.v), by_most);
	*out = v.v;
	return v.n;
}

static size_t growing_births(struct native_stacks *n, uint64_t now_ns, struct native_ask *to)
{
	auto_free struct tally *v = NULL;
	size_t count = makers(n, now_ns, &v), asked = 0;

	for (size_t i = 0; i < count && asked < NATIVE_ASKS; i++) {
		struct native_pair *p = native_pair_of(n, v[i].pair.stack, v[i].pair.caller);

		if (!p || !rests(p, native_ways_vote(p, now_ns, SAMPLE_PATIENCE_NS), now_ns))
			to[asked++] = (struct native_ask){v[i].pair, {.max_size = UINT64_MAX}};
	}
	return asked;
}

/* Renews the requests. Each is made so rare that the copies it may take last until the next visit:
 * else all would come from the first moment, and the work that is done first. */
static void renew(struct native_stacks *n, struct native_asks *a, int32_t most)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct native_ask *ask = &a->v[i];
		struct native_pair *p = native_pair_of(n, ask->pair.stack, ask->pair.caller);
		struct pl_native_ask was = {.left = -1}, now = ask->of;
		uint32_t none = 0, *rarely = p ? &p->rarely : &none;

		bpf_map_lookup_elem(a->fd, &ask->pair, &was);
		if (was.max_size && was.left <= 0 && *rarely < RARELY_AT_MOST)
			++*rarely;
		else if (was.left == most && was.met && *rarely)
			--*rarely;
		now.rarely = (1u << *rarely) - 1;
		now.left = most;
		bpf_map_update_elem(a->fd, &ask->pair, &now, a->is_kept ? BPF_EXIST : BPF_ANY);
	}
}

static int32_t share_of(int32_t all, size_t pairs, int32_t most)
{
	int32_t one = pairs ? all / (int32_t)pairs : all;

	return one < LEAST_AT_ONCE ? LEAST_AT_ONCE : one > most ? most : one;
}

/* Withdraws all requests. */
static void end(struct native_asks *a)
{
	static const struct pl_native_ask nothing;

	for (size_t i = 0; i < a->n; i++)
		if (a->is_kept)
			bpf_map_update_elem(a->fd, &a->v[i].pair, &nothing, BPF_EXIST);
		else
			bpf_map_delete_elem(a->fd, &a->v[i].pair);
	a->n = 0;
}

void native_asks_poll(struct native_stacks *n, uint64_t now_ns)
{
	bool exact = native_state(n->native) == NATIVE_EXACT;

	if (now_ns - n->looked_ns > pace_wait_ns(&pace, 0, session_ran_s(n->s, now_ns))) {
		end(&n->blocks);
		n->blocks.n = growing_blocks(n, now_ns, n->blocks.v);
		end(&n->births);
		n->births.n = growing_births(n, now_ns, n->births.v);
		n->s->kern.stats->wanted = n->births.n;
		n->looked_ns = now_ns;
	}
	renew(n, &n->blocks,
	      exact ? share_of(AT_ONCE, n->blocks.n, MOST_AT_ONCE)
		    : share_of(AT_ONCE_WINDOW, n->blocks.n, MOST_IN_WINDOW));
	renew(n, &n->births, share_of(AT_ONCE, n->births.n, MOST_AT_ONCE));
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bursts: for some 10 ms every call of the malloc family is recorded; what is still allocated at
 * the end is a sample. It is looked at again from outside after 0.2 s .. 60 s: the chunk's size
 * word and the in-use bit of its neighbour must be right, and its first words the same. Chunks that
 * are freed get other first words (the links of tcache and bins), but one that is freed and taken
 * again the same way may look the same; so every event of a later burst kills the sample at its
 * address, and only what stayed unchanged for a second counts. Of blocks of another malloc there
 * are the words and the later events alone: tcmalloc and mimalloc link what is free through its
 * first word, jemalloc does not. */
#include "base/thread.h"
#include "track/native_priv.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <time.h>

#define WINDOW_NS	  10000000ull /* longer than a scheduler tick at HZ=100 */
#define WINDOW_EVENTS	  16384
#define FIRST_COST_NS	  8e6
#define SAMPLES_PER_BURST 512
#define SAMPLES_MAX	  16384
#define CHUNK_FLAGS	  7ull /* PREV_INUSE, IS_MMAPPED, NON_MAIN_ARENA of glibc's malloc_chunk */
#define CHUNK_MMAPPED	  2ull
/* stands for a readable block of another malloc; no size of glibc's */
#define FOREIGN_CHUNK 1ull

static const double rungs_s[] = {0.2, 1, 3, 10, 30, 60};

static int on_event(void *arg, void *data, size_t size)
{
	struct native *n = arg;
	struct pl_native_event *e =
		n->burst.events.n < 4 * WINDOW_EVENTS ? vec_push(&n->burst.events) : NULL;

	if (e && size >= sizeof(*e))
		memcpy(e, data, sizeof(*e));
	else
		n->burst.left_out++;
	return 0;
}

void native_burst_start(struct native *n, uint64_t now_ns)
{
	struct native_burst *b = &n->burst;

	if (!n->ring)
		n->ring = ring_buffer__new(n->ring_fd, on_event, n, NULL);
	b->samples.n = 0;
	map64_clear(&b->by_addr);
	map64_clear(&b->died);
	b->closed_ns = now_ns;
	b->windows = b->calm_windows = 0;
	native_series_start(n, now_ns);
	account_begin(n->spec.account, FIRST_COST_NS, now_ns);
	b->one_in = 1;
	b->random = now_ns | 1;
}

void native_burst_free(struct native_burst *b)
{
	vec_free(&b->samples);
	vec_free(&b->events);
	map64_free(&b->by_addr);
	map64_free(&b->died);
}

static void drain(struct native *n)
{
	n->burst.events.n = 0;
	if (n->ring)
		ring_buffer__consume(n->ring);
}

static struct pl_native_key maker_of(const struct burst_sample *s)
{
	return (struct pl_native_key){s->stack, s->caller, PL_KIND_HEAP, s->depth};
}

/* Counts a sample that had survived and dies: where many of these die, one that is not known to
 * have died need not live. */
static void count_death(struct native_burst *b, const struct burst_sample *s)
{
	struct pl_native_key maker = maker_of(s);
	uint64_t *at;

	if (s->dead || s->rung < BURST_SURVIVED)
		return;
	at = map64_put(&b->died, native_key_hash(&maker));
	if (at)
		*at += (uint64_t)(s->weight + 0.5);
}

/* The sample at @addr; NULL: there is none. by_addr: address -> index of the sample + 1. */
static struct burst_sample *sample_at(const struct native_burst *b, uint64_t addr)
{
	const uint64_t *at = map64_get(&b->by_addr, addr);
	struct burst_sample *s = at && *at && *at <= b->samples.n ? &b->samples.v[*at - 1] : NULL;

	return s && s->addr == addr ? s : NULL;
}

/* Kills the sample at the address of a new event. */
static void kill_at(struct native_burst *b, uint64_t addr)
{
	struct burst_sample *s = sample_at(b, addr);

	if (!s)
		return;
	count_death(b, s);
	s->dead = 1;
}

enum native_life native_burst_life(const struct native_burst *b, uint64_t addr, uint64_t born_ns)
{
	const struct burst_sample *s = sample_at(b, addr);

	if (!s || s->born_ns != born_ns || s->dead)
		return NATIVE_DEAD;
	return s->rung >= BURST_SURVIVED ? NATIVE_LIVES : NATIVE_YOUNG;
}

struct look {
	uint64_t chunk, word[BURST_WORDS];
	bool is_swapped;
};

/* Makes the request for a sample's first words and, with glibc, its chunk's size word. The smallest
 * chunk has 24 usable bytes, which end at the next size word. */
static struct proc_req look_request(const struct native *n, const struct burst_sample *s,
				    struct look *to)
{
	size_t words = s->size >= sizeof(to->word) ? sizeof(to->word) : s->size & ~7ull;

	if (n->libc.is_foreign)
		return (struct proc_req){
			.addr = s->addr, .buf = to->word, .len = words ? words : 8};
	return (struct proc_req){
		.addr = s->addr - 8,
		.buf = to,
		.len = s->size >= sizeof(to->word) ? 8 + sizeof(to->word) : 8 + 16,
	};
}

static struct look as_before(const struct burst_sample *s)
{
	struct look l = {.chunk = s->chunk, .is_swapped = true};

	memcpy(l.word, s->word, sizeof(l.word));
	return l;
}

/* Reads size words and first words of @count samples. An unreadable one is dead: its chunk is 0. */
static void look_at(struct native *n, struct burst_sample *const *v, size_t count,
		    struct look *look)
{
	auto_free struct proc_req *req = calloc(count ? count : 1, sizeof(*req));

	for (size_t i = 0; i < count; i++)
		memset(&look[i], 0, sizeof(look[i]));
	if (!req)
		return;
	for (size_t i = 0; i < count; i++)
		req[i] = look_request(n, v[i], &look[i]);
	proc_read_many(n->spec.proc, req, count);
	for (size_t i = 0; i < count; i++)
		if (req[i].swapped) /* nobody wrote to it */
			look[i] = as_before(v[i]);
		else if (!req[i].ok)
			look[i].chunk = 0;
		else if (n->libc.is_foreign)
			look[i].chunk = FOREIGN_CHUNK;
}

/* Is it a chunk that fits a block of this size? Mapped chunks are left out: the mmap family, which
 * is exact, counts them. */
static bool chunk_fits(uint64_t chunk, uint64_t size)
{
	uint64_t bytes = chunk & ~CHUNK_FLAGS;

	if (chunk == FOREIGN_CHUNK)
		return true;
	return bytes >= size + 8 && bytes >= 32 && !(bytes & 15) && bytes <= size + 4096 + 32 &&
	       !(chunk & CHUNK_MMAPPED);
}

/* May the block still be allocated? For another malloc only the words can tell. */
static bool chunk_stays(const struct native *n, const struct burst_sample *s, const struct look *l)
{
	if (n->libc.is_foreign)
		return l->chunk == FOREIGN_CHUNK;
	return (l->chunk & ~CHUNK_FLAGS) == (s->chunk & ~CHUNK_FLAGS) &&
	       (l->is_swapped || !n->spec.heap ||
		heap_chunk_in_use(n->spec.heap, s->addr, s->size));
}

/* Counts allocations that nothing ended in the window: the youngest at each address, others lose
 * op. */
static size_t settle(struct native_burst *b, struct map64 *last)
{
	size_t allocs = 0;

	for (size_t i = 0; i < b->events.n; i++) {
		struct pl_native_event *e = &b->events.v[i];
		uint64_t *at;

		kill_at(b, e->addr);
		at = map64_put(last, e->addr);
		if (!at)
			continue;
		if (*at)
			b->events.v[*at - 1].op = 0;
		*at = e->op == PL_NATIVE_ALLOC ? i + 1 : 0;
	}
	for (size_t i = 0; i < b->events.n; i++)
		allocs += b->events.v[i].op == PL_NATIVE_ALLOC;
	return allocs;
}

/* Takes up to SAMPLES_PER_BURST of @allocs allocations, evenly spread; weights make up for the
 * others. @each: blocks that one seen by the window stands for; @per_s: a second, at most. */
static size_t collect(struct native_burst *b, size_t allocs, double each, double per_s,
		      struct burst_sample *out)
{
	double step = allocs > SAMPLES_PER_BURST ? (double)allocs / SAMPLES_PER_BURST : 1;
	double next = 0;
	size_t seen = 0, count = 0;

	for (size_t i = 0; i < b->events.n && count < SAMPLES_PER_BURST; i++) {
		const struct pl_native_event *e = &b->events.v[i];

		if (e->op != PL_NATIVE_ALLOC || (double)seen++ < next)
			continue;
		next += step;
		out[count++] = (struct burst_sample){
			.addr = e->addr,
			.size = e->size,
			.stack = e->stack,
			.caller = e->caller,
			.depth = e->depth,
			.born_ns = e->born_ns,
			.weight = step * each,
			.per_s = step * per_s,
		};
	}
	return count;
}

/* Moves the samples that are alive together, and updates by_addr. */
static void compact(struct native_burst *b)
{
	size_t kept = 0;

	map64_clear(&b->by_addr);
	for (size_t i = 0; i < b->samples.n; i++) {
		uint64_t *at;

		if (b->samples.v[i].dead)
			continue;
		b->samples.v[kept++] = b->samples.v[i];
		at = map64_put(&b->by_addr, b->samples.v[kept - 1].addr);
		if (at)
			*at = kept;
	}
	b->samples.n = kept;
}

/* Drops every second sample, now and of those to come, and the others count double. If new ones
 * were refused instead, all would seem to have stopped growing. */
static void thin(struct native_burst *b)
{
	for (size_t i = 0; i < b->samples.n; i++) {
		struct burst_sample *s = &b->samples.v[i];

		if (s->dead)
			continue;
		s->dead = random_next(&b->random) >> 16 & 1;
		s->weight *= 2;
		s->per_s *= 2;
	}
	compact(b);
	b->one_in *= 2;
}

static struct burst_sample *new_sample(struct native_burst *b)
{
	if (b->samples.n >= SAMPLES_MAX)
		thin(b);
	else if (b->one_in > 1 && b->samples.n < SAMPLES_MAX / 8)
		b->one_in /= 2;
	return (random_next(&b->random) >> 16) % b->one_in ? NULL : vec_push(&b->samples);
}

/* Takes samples that were read while the probes were in, except those whose address has an event in
 * the second drain: what was read may not be theirs. */
static void admit(struct native *n, struct burst_sample *v, size_t count, const struct look *look,
		  uint64_t now_ns)
{
	struct native_burst *b = &n->burst;
	struct map64 touched = {0};

	for (size_t i = 0; i < b->events.n; i++) {
		kill_at(b, b->events.v[i].addr);
		map64_put(&touched, b->events.v[i].addr);
	}
	for (size_t i = 0; i < count; i++) {
		struct burst_sample *s;
		uint64_t obj, type, *at;

		if (map64_get(&touched, v[i].addr) || !chunk_fits(look[i].chunk, v[i].size))
			continue;
		/* bodies of objects are counted by their births */
		if (n->spec.heap &&
		    !heap_object_in_block(n->spec.heap, v[i].addr, v[i].size, &obj, &type))
			continue;
		s = new_sample(b);
		if (!s)
			continue;
		*s = v[i];
		s->weight *= (double)b->one_in;
		s->per_s *= (double)b->one_in;
		s->nth = b->telling;
		s->chunk = look[i].chunk;
		memcpy(s->word, look[i].word, sizeof(s->word));
		s->due_ns = now_ns + (uint64_t)(rungs_s[0] * 1e9);
		at = map64_put(&b->by_addr, s->addr);
		if (at)
			*at = b->samples.n;
	}
	map64_free(&touched);
}

static void climb_one(struct native *n, struct burst_sample *s, const struct look *l,
		      uint64_t now_ns)
{
	bool stays = chunk_stays(n, s, l),
	     same = stays && !memcmp(s->word, l->word, sizeof(s->word));

	if (!same)
		count_death(&n->burst, s);
	if (!stays) {
		s->dead = 1;
		return;
	}
	if (!same) {
		/* its owner wrote to it, or it is another block: it starts anew */
		memcpy(s->word, l->word, sizeof(s->word));
		s->rung = 0;
	} else if (s->rung + 1u < ARRAY_SIZE(rungs_s)) {
		s->rung++;
	}
	s->due_ns = now_ns + (uint64_t)(rungs_s[s->rung] * 1e9);
}

static bool all_unread(const struct look *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].chunk)
			return false;
	return true;
}

static void climb(struct native *n, uint64_t now_ns)
{
	struct native_burst *b = &n->burst;
	size_t due = 0, dead = 0;

	for (size_t i = 0; i < b->samples.n; i++) {
		dead += b->samples.v[i].dead;
		due += !b->samples.v[i].dead && b->samples.v[i].due_ns <= now_ns;
	}
	if (due) {
		auto_free struct burst_sample **v = calloc(due, sizeof(void *));
		auto_free struct look *look = calloc(due, sizeof(*look));
		size_t k = 0;

		if (!v || !look)
			return;
		for (size_t i = 0; i < b->samples.n; i++)
			if (!b->samples.v[i].dead && b->samples.v[i].due_ns <= now_ns)
				v[k++] = &b->samples.v[i];
		look_at(n, v, due, look);
		if (all_unread(look, due) && proc_memory_gone(n->spec.proc))
			return;
		for (k = 0; k < due; k++) {
			climb_one(n, v[k], &look[k], now_ns);
			dead += v[k]->dead;
		}
	}
	if (dead)
		compact(b);
}

static int window_on(struct native *n)
{
	int err = probe_set_warm(n->set[SET_HEAP_RETURN]);

	if (!err)
		err = probe_set_on(n->set[SET_HEAP_RETURN]);
	if (!err)
		err = probe_set_on(n->set[SET_HEAP_ENTRY]);
	return err;
}

static void window_off(struct native *n)
{
	struct probe_set *const set[] = {n->set[SET_HEAP_ENTRY], n->set[SET_HEAP_RETURN]};

	native_set_mode(n, PL_NATIVE_OFF);
	probe_sets_off(set, ARRAY_SIZE(set), false);
}

/* Calls that windows missed: a block that two of them freed and took again seems to live. */
static uint64_t losses(const struct native *n)
{
	return __atomic_load_n(&n->ctl->lost, __ATOMIC_ACQUIRE) + n->burst.left_out;
}

static int window(struct native *n)
{
	struct timespec ms = {0, 1000000};
	struct native_burst *b = &n->burst;
	auto_free struct burst_sample *v = calloc(SAMPLES_PER_BURST, sizeof(*v));
	auto_free struct look *look = calloc(SAMPLES_PER_BURST, sizeof(*look));
	struct burst_sample *at[SAMPLES_PER_BURST];
	struct map64 last = {0};
	uint64_t from_ns, now_ns = 0, ran_ns, lost = 0, calls = n->ctl->entries, seen = 0;
	size_t count = 0;
	int err = v && look ? window_on(n) : fail(-ENOMEM, "out of memory");

	if (!err) {
		drain(n); /* events after the last window's second look */
		for (size_t i = 0; i < b->events.n; i++)
			kill_at(b, b->events.v[i].addr);
		lost = losses(n);
		ran_ns = process_cpu_ns(n->spec.proc->pid);
		from_ns = clock_ns();
		native_set_mode(n, PL_NATIVE_BURST);
		do
			nanosleep(&ms, NULL);
		while (clock_ns() - from_ns < WINDOW_NS &&
		       n->ctl->entries - calls < WINDOW_EVENTS / 2);
		drain(n);
		now_ns = clock_ns();
		ran_ns = process_cpu_ns(n->spec.proc->pid) - ran_ns;
		seen = n->ctl->entries;
		native_cost_window(n, seen - calls, now_ns - from_ns, ran_ns);
		/* the window stands for the time since the last one: windows are denser where
		 * memory grows */
		count = collect(b, settle(b, &last),
				(double)(now_ns - b->closed_ns) / (double)(now_ns - from_ns),
				native_cost_most(n, seen - calls, now_ns - from_ns), v);
		for (size_t i = 0; i < count; i++)
			at[i] = &v[i];
		look_at(n, at, count, look);
		drain(n);
	} else {
		native_cost_refused(n);
	}
	window_off(n);
	if (!err) {
		native_cost_tail(n, n->ctl->entries - seen);
		if (losses(n) == lost)
			native_series_closed(b, now_ns);
		else
			count = 0;
		admit(n, v, count, look, clock_ns());
	}
	log_debug("burst %lu: %.0f calls/s, %zu looked at, %zu samples", b->windows, n->rate, count,
		  b->samples.n);
	map64_free(&last);
	return err;
}

int native_burst_poll(struct native *n, uint64_t now_ns)
{
	struct native_burst *b = &n->burst;
	int err;

	climb(n, now_ns);
	if (b->is_ended || !account_has_saved(n->spec.account, now_ns) || now_ns < b->next_ns)
		return 0;
	b->next_ns = now_ns + ((now_ns * 0x9e3779b97f4a7c15ull) >> 38); /* up to 67 ms */
	err = window(n);
	if (err != -ENOTSUP && err != -EBUSY)
		return err;
	if (err == -EBUSY) {
		native_note_refused(n);
		return err;
	}
	b->is_ended = true;
	snprintf(n->note, sizeof(n->note), "native blocks are not watched any more: %s",
		 fail_text());
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds pymalloc's arenas in every obmalloc state, and the block that an address belongs to. */
#include "heap/inside.h"
#include "heap/mimalloc.h"

/* struct arena_object, 48 bytes in 3.8 - 3.15 (Objects/obmalloc.c, pycore_obmalloc.h). */
struct arena_object {
	uint64_t address; /* 0: slot unused */
	uint64_t pool_address;
	uint32_t nfreepools, ntotalpools;
	uint64_t freepools, next, prev;
};
_Static_assert(sizeof(struct arena_object) == 48, "struct arena_object");

#define DEBUG_HEAD  16 /* of the debug hooks: size, api, guard */
#define PAGE	    4096ull
#define POOLS_SLACK (256ull << 20) /* the kernel's counters are behind, and it grows meanwhile */
#define MAX_ARENAS  (1u << 20)	   /* 1 TiB of 1 MiB arenas: more is no arena array */

struct state {
	uint64_t arenas, maxarenas; /* where the pointer and the u32 lie */
};

/* Finds CPython's own data: objects there were never allocated and never leak. */
static void find_static(struct heap *h)
{
	struct dso_range r[8];
	size_t n;

	if (!h->rt->dso)
		return;
	n = dso_writable(h->rt->dso, r, ARRAY_SIZE(r));
	for (size_t i = 0; i < n && i < ARRAY_SIZE(r); i++) {
		uint64_t start = r[i].addr + h->rt->bias, end = start + r[i].size;

		if (!h->static_end || start < h->static_start)
			h->static_start = start;
		if (end > h->static_end)
			h->static_end = end;
	}
}

static bool has_state(const struct py_runtime *rt)
{
	return rt->usedpools && rt->arenas && rt->maxarenas && rt->layout.pool_size &&
	       rt->layout.arena_size && !rt->free_threaded && rt->allocator != PY_ALLOC_MALLOC &&
	       rt->allocator != PY_ALLOC_MIMALLOC;
}

int heap_open(const struct py_runtime *rt, struct heap **out)
{
	struct heap *h = calloc(1, sizeof(*h));

	if (!h)
		return fail(-ENOMEM, "out of memory");
	h->rt = rt;
	find_static(h);
	if (!heap_mi_open(h) && has_state(rt) && heap_read_arenas(h) == -ENOMEM) {
		heap_close(h); /* a race, in place of that, is mended by the first census */
		return -ENOMEM;
	}
	*out = h;
	return 0;
}

void heap_watch_by(struct heap *h, heap_watch watch, void *ctx)
{
	h->watch = watch;
	h->watch_ctx = ctx;
}

int heap_tell(struct heap *h, const char *doing, uint64_t objects)
{
	const struct heap_progress at = {.doing = doing, .objects = objects};

	return h->watch ? h->watch(&at, h->watch_ctx) : 0;
}

void heap_close(struct heap *h)
{
	if (!h)
		return;
	vec_free(&h->arena);
	recall_free(&h->recall);
	free(h->type);
	free(h->group);
	free(h);
}

bool heap_has_pools(const struct heap *h)
{
	/* malloc_debug puts the debug hooks in front of libc: pymalloc is there and has no arena.
	 */
	return !h->mi && has_state(h->rt) && (h->rt->allocator != PY_ALLOC_DEBUG || h->arena.n);
}

bool heap_has_mimalloc(const struct heap *h)
{
	return h->mi;
}

bool heap_can_count(const struct heap *h)
{
	return h->mi || heap_has_pools(h);
}

int heap_class_for(const struct heap *h, uint64_t bytes)
{
	if (h->mi)
		bytes = heap_mi_good_size(bytes);
	return heap_can_count(h) && bytes && bytes <= 16 * HEAP_CLASSES ? (int)((bytes - 1) / 16)
									: -1;
}

uint64_t heap_debug_head(const struct heap *h, bool small)
{
	if (h->rt->allocator != PY_ALLOC_DEBUG)
		return 0;
	/* pymalloc passes big ones on to the raw domain, which is hooked as well. */
	return small || !heap_has_pools(h) ? DEBUG_HEAD : 2 * DEBUG_HEAD;
}

static void add_state(struct state *v, size_t *n, uint64_t arenas, uint64_t maxarenas)
{
	for (size_t i = 0; i < *n; i++)
		if (v[i].arenas == arenas)
			return;
	if (*n < HEAP_MAX_STATES)
		v[(*n)++] = (struct state){arenas, maxarenas};
}

/* Finds the obmalloc states. From 3.12 on an interpreter with a GIL of its own has one; others
 * point to the main one's (3.13+), or leave their embedded copy unused (3.12). */
static size_t find_states(const struct heap *h, struct state *v)
{
	const struct py_runtime *rt = h->rt;
	const struct py_layout *l = &rt->layout;
	uint64_t interp = 0, to_arenas = rt->arenas - rt->usedpools;
	size_t n = 0;

	add_state(v, &n, rt->arenas, rt->maxarenas);
	if (!l->interp_obmalloc || !l->runtime_interpreters || !rt->runtime)
		return n;
	if (proc_read_u64(rt->proc, rt->runtime + l->runtime_interpreters, &interp))
		return n;
	for (int i = 0; interp && i < HEAP_MAX_STATES; i++) {
		uint64_t state = interp + l->interp_obmalloc;

		if (!rt->embedded_obmalloc && proc_read_u64(rt->proc, state, &state))
			break;
		if (state)
			add_state(v, &n, state + to_arenas,
				  state + to_arenas + (rt->maxarenas - rt->arenas));
		if (proc_read_u64(rt->proc, interp + l->interp_next, &interp))
			break;
	}
	return n;
}

static int add_arena(struct heap *h, const struct arena_object *o)
{
	uint64_t pool = h->rt->layout.pool_size, end = o->address + h->rt->layout.arena_size;
	struct heap_arena *a;

	if (!o->address || (o->address & 0xfff) || end < o->address)
		return 0;
	a = vec_push(&h->arena);
	if (!a)
		return fail(-ENOMEM, "out of memory for the list of arenas");
	/* An arena from mmap need not begin at a pool: the first, partial pool is not used. */
	a->start = (o->address + pool - 1) & ~(pool - 1);
	a->end = a->start + ((end - a->start) & ~(pool - 1));
	a->free_pools = o->nfreepools;
	a->pools_end = o->pool_address;
	if (a->pools_end < a->start || a->pools_end > a->end || (a->pools_end & (pool - 1)))
		a->pools_end = a->end;
	return 0;
}

static int read_state(struct heap *h, const struct state *s)
{
	auto_free struct arena_object *v = NULL;
	uint64_t at;
	uint32_t n;
	int err;

	if (proc_read_u64(h->rt->proc, s->arenas, &at) ||
	    proc_read_u32(h->rt->proc, s->maxarenas, &n))
		return fail(-EFAULT, "the list of arenas could not be read");
	if (!at || !n)
		return 0;
	if (n > MAX_ARENAS)
		return fail(-EILSEQ, "%u arenas cannot be: the allocator state was misread", n);
	v = calloc(n, sizeof(*v));
	if (!v)
		return fail(-ENOMEM, "out of memory for the list of arenas");
	/* The array is reallocated when it grows; then its old place may be gone. */
	proc_need(h->rt->proc, true);
	err = proc_read(h->rt->proc, at, v, n * sizeof(*v));
	proc_need(h->rt->proc, false);
	if (err)
		return fail(-EAGAIN, "the list of arenas moved while it was read");
	for (uint32_t i = 0; i < n; i++) {
		err = add_arena(h, &v[i]);
		if (err)
			return err;
	}
	return 0;
}

/* Bytes that the process has in pages of its own; of a saved process, all that it mapped. */
static uint64_t bytes_there(const struct proc *p)
{
	struct proc_memory m;
	uint64_t sum = 0;

	if (proc_is_live(p))
		return proc_memory(p, &m) ? UINT64_MAX / 4
					  : m.rss_bytes + m.swap_bytes + m.huge_bytes;
	for (size_t i = 0; i < p->n_maps; i++)
		sum += p->maps[i].end - p->maps[i].start;
	return sum;
}

/* Checks the arena list: each carved pool has its header in a page that is there or swapped out. A
 * list with more pools than that lies, and would be read header by header. */
static int check_pools(const struct heap *h)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < h->arena.n; i++)
		pages += (h->arena.v[i].pools_end - h->arena.v[i].start) / h->rt->layout.pool_size;
	if (pages * PAGE <= POOLS_SLACK ||
	    pages * PAGE <= POOLS_SLACK + 2 * bytes_there(h->rt->proc))
		return 0;
	return fail(-EILSEQ,
		    "%llu pools in %zu arenas are more than process %d has memory for: the "
		    "allocator state was misread",
		    (unsigned long long)pages, h->arena.n, h->rt->proc->pid);
}

static int by_start(const void *a, const void *b)
{
	const struct heap_arena *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int read_states(struct heap *h)
{
	struct state state[HEAP_MAX_STATES];
	size_t n = find_states(h, state), kept = 0;
	int err = 0;

	h->arena.n = 0;
	for (size_t i = 0; i < n; i++) {
		size_t before = h->arena.n;

		err = read_state(h, &state[i]);
		if (!err)
			err = check_pools(h);
		if (err)
			h->arena.n = before;
		/* One interpreter among several may stay unknown; memory that we lack is
		 * missing for all. */
		if (err && (i == 0 || err == -ENOMEM))
			return err;
	}
	if (!h->arena.n)
		return 0;
	qsort(h->arena.v, h->arena.n, sizeof(*h->arena.v), by_start);
	/* Overlaps come from a torn read; the lists must stay searchable. */
	for (size_t i = 0; i < h->arena.n; i++)
		if (!kept || h->arena.v[i].start >= h->arena.v[kept - 1].end)
			h->arena.v[kept++] = h->arena.v[i];
	h->arena.n = kept;
	return 0;
}

int heap_read_arenas(struct heap *h)
{
	struct heap now = {.rt = h->rt};
	int err = -EAGAIN;

	if (h->mi)
		return heap_mi_read_segments(h);
	for (int i = 0; i < 3 && err == -EAGAIN; i++)
		err = read_states(&now);
	/* after a reading that failed, those of the last one stay */
	vec_free(err ? &now.arena : &h->arena);
	if (!err)
		h->arena = now.arena;
	return err;
}

const struct heap_arena *heap_arena_of(const struct heap *h, uint64_t addr)
{
	size_t lo = 0, hi = h->arena.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (addr >= h->arena.v[mid].end)
			lo = mid + 1;
		else if (addr < h->arena.v[mid].start)
			hi = mid;
		else
			return &h->arena.v[mid];
	}
	return NULL;
}

bool heap_in_arena(const struct heap *h, uint64_t addr)
{
	return heap_arena_of(h, addr);
}

bool heap_in_static(const struct heap *h, uint64_t addr)
{
	return addr >= h->static_start && addr < h->static_end;
}

/* Is the address, which is in no cached arena, in a new one? Its pool names a slot of the array
 * (address_in_range of 3.8 - 3.10; the index is kept up to date in all versions). */
static bool in_new_arena(struct heap *h, uint64_t addr, uint32_t index)
{
	struct arena_object o;
	uint64_t at;
	uint32_t n;

	if (proc_read_u32(h->rt->proc, h->rt->maxarenas, &n) || index >= n || n > MAX_ARENAS ||
	    proc_read_u64(h->rt->proc, h->rt->arenas, &at) || !at ||
	    proc_read(h->rt->proc, at + (uint64_t)index * sizeof(o), &o, sizeof(o)))
		return false;
	return o.address && addr >= o.address && addr - o.address < h->rt->layout.arena_size;
}

int heap_class_of(struct heap *h, uint64_t addr)
{
	uint32_t head[HEAP_POOL_HEAD / 4];
	uint64_t pool;

	if (!heap_has_pools(h))
		return -1;
	pool = addr & ~((uint64_t)h->rt->layout.pool_size - 1);
	if (proc_read(h->rt->proc, pool, head, sizeof(head)))
		return -1;
	if (!heap_in_arena(h, addr) && !in_new_arena(h, addr, head[8]))
		return -1;
	/* szidx at 36; 0xffff = a pool never used */
	return head[0] && head[9] < HEAP_CLASSES && addr - pool >= HEAP_POOL_HEAD ? (int)head[9]
										  : -1;
}

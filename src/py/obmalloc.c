/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds pymalloc's state: usedpools, arenas, maxarenas. Since 3.12 the interpreter has it; before,
 * it is static, and found by symbols, or by the pattern of usedpools in the data segments and the
 * loads of _Py_GetAllocatedBlocks. Objects/obmalloc.c, Include/internal/pycore_obmalloc.h.
 */
#include "py/py_priv.h"

#define CLASSES	     32
#define SLOTS	     (2 * CLASSES)
#define TRIES	     40 /* as the target allocates meanwhile */
#define FEW_TRIES    4	/* of one place, each time that all are searched */
#define MAX_SEGMENT  (64u << 20)
#define STATE_ARENAS 512 /* struct _obmalloc_state: usedpools comes first */
#define STATE_MAX    520
#define MAX_ARENAS   (1u << 24)
#define FIRST_ARENAS 16 /* INITIAL_ARENA_OBJECTS; the table doubles from there */
#define ARENA_POOLS  64 /* most pools of an arena that is not of a huge page */
#define NOWHERE	     SIZE_MAX
/* Limits the time of the search, as each word of a hostile target's data may look like the state.
 * The time is computed, not measured, so that a slow machine gives the same answer: a segment of 64
 * MiB can be searched 8 times, those of CPython itself (about 1 MiB) TRIES times. */
#define MAX_US	4000000
#define READ_US 4
#define KIB_US	8 /* reading a KiB, and searching its words */

/* One process, and the rest of the time for it. */
struct search {
	struct py_runtime *rt;
	int64_t left_us;
};

struct pool_header {
	uint32_t count, pad;
	uint64_t freeblock, next, prev;
	uint32_t arenaindex, szidx, nextoffset, maxnextoffset;
};

struct arena_object {
	uint64_t address, pool_address;
	uint32_t nfreepools, ntotalpools;
	uint64_t freepools, nextarena, prevarena;
};

/* Slots 2c and 2c + 1 of usedpools are nextpool and prevpool of a pool header 16 bytes before: an
 * empty class points there twice; any other at the pools at the two ends of its list. */
bool py_looks_like_usedpools(const uint64_t *slots, uint64_t addr, uint32_t pool_size,
			     uint64_t pools[CLASSES])
{
	for (unsigned int c = 0; c < CLASSES; c++) {
		uint64_t head = slots[2 * c], tail = slots[2 * c + 1];
		uint64_t self = addr + 16 * c - 16;

		pools[c] = 0;
		if (head == self && tail == self)
			continue;
		if (!head || !tail || head & (pool_size - 1) || tail & (pool_size - 1))
			return false;
		pools[c] = head;
	}
	return true;
}

static int read_in(struct search *s, uint64_t addr, void *buf, size_t len)
{
	s->left_us -= READ_US + (int64_t)(len / 1024) * KIB_US;
	return s->left_us < 0 ? -ETIMEDOUT : proc_read(s->rt->proc, addr, buf, len);
}

/* Reads data to be searched. Most of it is not needed, so none is brought back from swap. */
static bool scan_in(struct search *s, uint64_t addr, void *buf, size_t len)
{
	bool any;

	s->left_us -= READ_US + (int64_t)(len / 1024) * KIB_US;
	proc_need(s->rt->proc, false);
	any = s->left_us >= 0 && proc_read_patchy(s->rt->proc, addr, buf, len);
	proc_need(s->rt->proc, true);
	return any;
}

static void pause_in(struct search *s, unsigned int us)
{
	s->left_us -= us;
	py_pause_us(us);
}

/* Is it usedpools? 1 = yes, 0 = it looks so, but a pool disagrees (or has changed), -1 = no. */
static int test_usedpools(struct search *s, uint64_t addr, const uint64_t *slots,
			  uint64_t *some_pool)
{
	uint64_t pools[CLASSES];
	unsigned int swapped = 0;

	if (!py_looks_like_usedpools(slots, addr, s->rt->layout.pool_size, pools))
		return -1;
	*some_pool = 0;
	for (unsigned int c = 0; c < CLASSES; c++) {
		struct pool_header h;
		int err;

		if (!pools[c])
			continue;
		err = read_in(s, pools[c], &h, sizeof(h));
		swapped += err == -ENODATA;
		if (err == -ENODATA)
			continue;
		if (err || h.szidx != c || h.prev != addr + 16 * c - 16)
			return 0;
		*some_pool = pools[c];
	}
	/* one pool that agrees is proof enough, if the others are swapped out */
	return *some_pool || !swapped;
}

static bool is_usedpools(struct search *s, uint64_t addr, int tries, uint64_t *some_pool)
{
	for (int i = 0; i < tries; i++) {
		uint64_t slots[SLOTS];
		int found;

		if (!addr || addr & 7 || read_in(s, addr, slots, sizeof(slots)))
			return false;
		/* other data nearly always fails the pattern, so a few tries are enough */
		found = test_usedpools(s, addr, slots, some_pool);
		if (found > 0 || (found < 0 && i >= 3))
			return found > 0;
		pause_in(s, 200);
	}
	return false;
}

size_t py_data(const struct py_runtime *rt, struct dso_range *out, size_t max)
{
	size_t n = dso_writable(rt->dso, out, max);

	for (size_t i = 0; i < n; i++) {
		out[i].addr += rt->bias;
		if (out[i].size > MAX_SEGMENT)
			out[i].size = MAX_SEGMENT;
	}
	return n;
}

static uint64_t scan_usedpools(struct search *s, const struct dso_range *seg, uint64_t *some_pool)
{
	auto_free uint64_t *w = malloc(seg->size + 8);
	uint64_t align = (8 - (seg->addr & 7)) & 7, base = seg->addr + align;
	size_t n = seg->size > align ? (size_t)(seg->size - align) / 8 : 0;

	if (!w || n < SLOTS || !scan_in(s, base, w, n * 8))
		return 0;
	for (size_t i = 0; i + SLOTS <= n && s->left_us > 0; i++) {
		uint64_t at = base + 8 * i, pools[CLASSES];

		/* the pools that were the first then may be full by now: they are read once more */
		if (w[i] && py_looks_like_usedpools(w + i, at, s->rt->layout.pool_size, pools) &&
		    is_usedpools(s, at, FEW_TRIES, some_pool))
			return at;
	}
	return 0;
}

static uint64_t search_usedpools(struct search *s, uint64_t *some_pool)
{
	struct dso_range seg[16];
	size_t n = py_data(s->rt, seg, ARRAY_SIZE(seg));
	uint64_t at = py_symbol(s->rt, "usedpools");

	if (is_usedpools(s, at, TRIES, some_pool))
		return at;
	for (int try = 0; try < TRIES && s->left_us > 0; try++) {
		for (size_t i = 0; i < n; i++) {
			at = scan_usedpools(s, &seg[i], some_pool);
			if (at)
				return at;
		}
		pause_in(s, 1000);
	}
	return 0;
}

/* Is @at the address of `arenas`? The arena with the pool's own index must enclose the pool. */
static bool is_arenas(struct search *s, uint64_t at, uint64_t pool, uint32_t index)
{
	struct arena_object a;
	uint64_t first;

	return at && !read_in(s, at, &first, sizeof(first)) && first &&
	       !read_in(s, first + sizeof(a) * (uint64_t)index, &a, sizeof(a)) && a.address &&
	       pool >= a.address && pool - a.address < s->rt->layout.arena_size &&
	       a.ntotalpools <= ARENA_POOLS;
}

static bool max_fits(uint32_t max, uint32_t index)
{
	return max > index && max >= FIRST_ARENAS && max <= MAX_ARENAS && !(max & (max - 1));
}

static bool is_maxarenas(const struct py_runtime *rt, uint64_t at, uint32_t index)
{
	uint32_t max;

	return at && !proc_read_u32(rt->proc, at, &max) && max_fits(max, index);
}

/* Finds both by _Py_GetAllocatedBlocks, which loads raw_allocated_blocks, maxarenas (32 bits) and
 * arenas. */
static void arenas_by_code(struct search *s, uint64_t pool, uint32_t index)
{
	struct py_runtime *rt = s->rt;
	struct py_loads l;
	uint64_t arenas = py_symbol(rt, "arenas"), max = py_symbol(rt, "maxarenas");

	py_decode(rt, "_Py_GetAllocatedBlocks", 160, true, &l);
	for (size_t i = 0; i < l.n && !is_arenas(s, arenas, pool, index); i++)
		if (l.v[i].size == 8)
			arenas = l.v[i].addr;
	for (size_t i = 0; i < l.n && !is_maxarenas(rt, max, index); i++)
		if (l.v[i].size == 4)
			max = l.v[i].addr;
	if (!is_arenas(s, arenas, pool, index))
		return;
	rt->arenas = arenas;
	/* else it is at &arenas - 8, as compilers order them, or - 16, after LTO */
	for (uint64_t back = 8; back <= 16 && !is_maxarenas(rt, max, index); back += 8)
		max = arenas - back;
	if (is_maxarenas(rt, max, index))
		rt->maxarenas = max;
}

/* The offset of maxarenas in @w, which is one or two words before word @i; NOWHERE: it is not. */
static size_t max_before(const uint64_t *w, size_t i, uint32_t index)
{
	for (size_t back = 1; back <= 2 && back <= i; back++)
		if (max_fits((uint32_t)w[i - back], index))
			return 8 * (i - back);
	return NOWHERE;
}

/* May @a be of the arena table at @table? An arena in use begins at a page and has pools; the
 * others are a list. */
static bool looks_like_arena(const struct py_runtime *rt, const struct arena_object *a,
			     uint64_t table)
{
	if (!a->address)
		return !a->nextarena ||
		       (a->nextarena >= table && (a->nextarena - table) % sizeof(*a) == 0);
	return !(a->address & 0xfff) && a->pool_address - a->address <= rt->layout.arena_size &&
	       a->nfreepools <= a->ntotalpools && a->ntotalpools - 1 < ARENA_POOLS;
}

/* Finds maxarenas of a saved process, in which link-time optimisation may have put it anywhere, and
 * which has no code that loads it. It does not change any more, so any number in the @n words will
 * do that has all arenas in use below it, and nothing but arenas. */
static size_t max_by_table(struct search *s, const uint64_t *w, size_t n, uint64_t table,
			   uint32_t index)
{
	const struct proc_map *m = proc_find_map(s->rt->proc, table);
	uint32_t used = 0, all = 0, last = 0, least = UINT32_MAX;
	const uint32_t *v = (const uint32_t *)w;
	size_t found = NOWHERE;
	struct arena_object a;

	while (m && m->writable && !read_in(s, table + sizeof(a) * (uint64_t)all, &a, sizeof(a)) &&
	       looks_like_arena(s->rt, &a, table)) {
		last += !a.address && !a.nextarena;
		if (last > 1)
			break; /* a list has one end */
		all++;
		used = a.address ? all : used;
	}
	if (used <= index)
		return NOWHERE;
	s->left_us -= (int64_t)(n / 128) * KIB_US;
	for (size_t i = 0; i < 2 * n && s->left_us > 0; i++)
		if (v[i] >= used && v[i] <= all && v[i] < least && max_fits(v[i], index)) {
			least = v[i];
			found = 4 * i;
		}
	return found;
}

static bool arenas_in(struct search *s, const struct dso_range *seg, uint64_t pool, uint32_t index,
		      bool by_table)
{
	size_t n = (size_t)seg->size / 8;
	auto_free uint64_t *w = malloc(n * 8 + 8);
	uint64_t base = (seg->addr + 7) & ~7ull;

	if (!w || n < 2 || read_in(s, base, w, (n - 1) * 8))
		return false;
	for (size_t i = 0; i + 1 < n && s->left_us > 0; i++) {
		uint64_t at = base + 8 * i;
		size_t max;

		/* the table is from malloc: 16-aligned, and in no segment of the file */
		if (!w[i] || w[i] & 15 || w[i] >> 47 ||
		    (w[i] >= seg->addr && w[i] < seg->addr + seg->size))
			continue;
		max = by_table ? max_by_table(s, w, n - 1, w[i], index) : max_before(w, i, index);
		if (max == NOWHERE || !is_arenas(s, at, pool, index))
			continue;
		s->rt->arenas = at;
		s->rt->maxarenas = base + max;
		return true;
	}
	return false;
}

/* As a last resort, searches the data for a pointer whose arena_object[index] has the pool. */
static void arenas_by_scan(struct search *s, uint64_t pool, uint32_t index)
{
	struct dso_range seg[16];
	size_t n = py_data(s->rt, seg, ARRAY_SIZE(seg));

	for (int by_table = !proc_is_live(s->rt->proc); by_table >= 0; by_table--)
		for (size_t i = 0; i < n; i++)
			if (arenas_in(s, &seg[i], pool, index, by_table))
				return;
}

/* 3.8 - 3.11 */
static void find_static_state(struct search *s)
{
	uint64_t pool = 0, usedpools = search_usedpools(s, &pool);
	struct py_runtime *rt = s->rt;
	struct pool_header h;

	if (!usedpools)
		return;
	if (!pool) {
		/* no pool is in use: PYTHONMALLOC=malloc, or another allocator was installed */
		rt->pymalloc_idle = true;
		return;
	}
	for (int i = 0; i < TRIES && !rt->maxarenas && s->left_us > 0; i++) {
		if (!is_usedpools(s, usedpools, TRIES, &pool) || !pool ||
		    proc_read(rt->proc, pool, &h, sizeof(h)))
			continue;
		arenas_by_code(s, pool, h.arenaindex);
		if (!rt->arenas || !rt->maxarenas) {
			rt->arenas = rt->maxarenas = 0;
			arenas_by_scan(s, pool, h.arenaindex);
		}
	}
	if (rt->arenas && rt->maxarenas)
		rt->usedpools = usedpools;
}

/* Finds the state of 3.12+: in the interpreter in some micro versions, in others a pointer there;
 * debug builds have one more word before it. */
static bool find_state_at(struct search *s, uint64_t interp, uint32_t offset)
{
	struct py_runtime *rt = s->rt;
	uint64_t at, pool = 0, arenas;
	struct arena_object first;
	uint32_t max;

	if (proc_read_u64(rt->proc, interp + offset, &at))
		return false;
	rt->embedded_obmalloc = false;
	if (!is_usedpools(s, at, TRIES, &pool)) {
		at = interp + offset;
		rt->embedded_obmalloc = true;
		if (!is_usedpools(s, at, TRIES, &pool))
			return false;
	}
	if (proc_read_u64(rt->proc, at + STATE_ARENAS, &arenas) ||
	    proc_read_u32(rt->proc, at + STATE_MAX, &max) || max > MAX_ARENAS)
		return false;
	rt->layout.interp_obmalloc = offset;
	if (!arenas || !max) {
		rt->pymalloc_idle = true;
		return true;
	}
	/* 3.15 may be built with arenas of a huge page: --with-pymalloc-hugepages */
	if (!proc_read(rt->proc, arenas, &first, sizeof(first)) && first.ntotalpools > ARENA_POOLS)
		rt->layout.arena_size = 2 * ARENA_POOLS * rt->layout.pool_size;
	rt->usedpools = at;
	rt->arenas = at + STATE_ARENAS;
	rt->maxarenas = at + STATE_MAX;
	return true;
}

void py_find_obmalloc(struct py_runtime *rt)
{
	uint64_t interp = py_main_interpreter(rt);
	struct search s = {.rt = rt, .left_us = MAX_US};
	uint32_t offset = rt->layout.interp_obmalloc;

	if (!interp)
		return;
	if (!offset)
		find_static_state(&s);
	else if (!find_state_at(&s, interp, offset + (rt->debug ? 8 : 0)))
		find_state_at(&s, interp, offset + (rt->debug ? 0 : 8));
	if (!rt->usedpools)
		log_debug("process %d: no pools of pymalloc were found%s", rt->proc->pid,
			  rt->pymalloc_idle ? ": it is not used" : "");
}

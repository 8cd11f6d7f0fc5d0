/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes sites and their series of live blocks; drops mappings whose end was not seen. */
#include "track/native_priv.h"

#include <math.h>
#include <bpf/bpf.h>
#include <stdio.h>

#include "base/thread.h"

#define BATCH	     4096
#define BATCHES	     (4 * PL_MAX_BLOCKS / BATCH) /* the map can change while it is walked */
#define MAPS_GAP     5000000000ull
#define MADE_NS	     1000000000ull /* from the entry of a call to its mapping, at most */
#define BIG_CHUNK    (128u << 10)  /* bytes: a block may have a mapping of its own */
#define CHUNK_MAPPED 2
#define POINT_GAP    1.0
#define MOST_GAP     2.5 /* seconds: a table that fills up is noticed in time */
#define KEPT_NS	     30000000000ull
#define ENOUGH	     12	 /* points of a series that stands by itself */
#define LOOKS	     512 /* blocks that are looked into at a time */
#define LOOKS_ENOUGH 32	 /* blocks per site: what a line's blocks hold does not change */

/* splitmix64's finalizer over the three words */
uint64_t native_key_hash(const struct pl_native_key *k)
{
	uint64_t h = k->stack ^ (k->caller * 0x9e3779b97f4a7c15ull) ^ ((uint64_t)k->kind << 60);

	h ^= h >> 30;
	h *= 0xbf58476d1ce4e5b9ull;
	h ^= h >> 27;
	h *= 0x94d049bb133111ebull;
	h ^= h >> 31;
	return h ? h : 1;
}

static bool same_key(const struct pl_native_key *a, const struct pl_native_key *b)
{
	return a->stack == b->stack && a->caller == b->caller && a->kind == b->kind;
}

static void row_clear(struct site_row *r)
{
	r->bytes = r->count = r->young_bytes = r->waste = r->most_per_s = 0;
	r->first = UINT64_MAX;
	r->samples = 0;
	r->oldest_born_ns = r->min_size = UINT64_MAX;
	r->max_size = 0;
	r->n_look = 0;
	memset(r->depth, 0, sizeof(r->depth));
}

/* If two keys have one hash, the next value is tried. */
struct site_row *native_row(struct native_table *t, const struct pl_native_key *key)
{
	uint64_t h = native_key_hash(key);
	struct site_row *row;
	uint64_t *at;

	for (int tries = 0; tries < 4; tries++, h = h + 1 ? h + 1 : 1) {
		at = map64_get(&t->index, h);
		if (!at || !*at) /* no row: memory ran out */
			break;
		row = &t->rows.v[*at - 1];
		if (same_key(&row->key, key))
			return row;
	}
	if (t->rows.n >= PL_MAX_NATIVE_SITES) {
		t->left_out++;
		return NULL;
	}
	at = map64_put(&t->index, h);
	row = at && !*at ? vec_push(&t->rows) : NULL;
	if (!row)
		return NULL;
	*at = t->rows.n;
	row->key = *key;
	row_clear(row);
	return row;
}

/* Counts bytes of a few depths: a new one takes the place, and the count, of the least. */
static void row_depth(struct site_row *r, uint32_t depth, double bytes)
{
	size_t least = 0;

	for (size_t i = 0; i < ROW_DEPTHS; i++) {
		if (r->depth[i].depth == depth) {
			r->depth[i].bytes += bytes;
			return;
		}
		if (r->depth[i].bytes < r->depth[least].bytes)
			least = i;
	}
	r->depth[least].depth = depth;
	r->depth[least].bytes += bytes;
}

static size_t main_depth(const struct site_row *r)
{
	size_t most = 0;

	for (size_t i = 1; i < ROW_DEPTHS; i++)
		if (r->depth[i].bytes > r->depth[most].bytes)
			most = i;
	return most;
}

/* Bytes that glibc hands out beyond the size asked for: chunks are multiples of 16 with a word in
 * front, and at least 32. A big one may be a mapping of its own: its head says how big. */
static uint64_t rounded_up(const struct native *n, uint64_t addr, uint64_t size)
{
	uint64_t chunk = size < 24 ? 32 : (size + 8 + 15) & ~15ull, head;

	if (size >= BIG_CHUNK && n->ctl->has_chunks &&
	    !proc_read_u64(n->spec.proc, addr - 8, &head) && (head & ~7ull) >= chunk &&
	    (head & ~7ull) - chunk < BIG_CHUNK)
		chunk = (head & ~7ull) - (head & CHUNK_MAPPED ? 8 : 0);
	return chunk - 8 - size;
}

void native_table_add(struct native *n, uint64_t addr, const struct pl_block *b, double weight,
		      uint64_t now_ns)
{
	struct site_row *r;

	/* an arena of pymalloc: its blocks are counted by their births. The list entry of an arena
	 * begins at its first whole pool, so the middle of the mapping is asked for. */
	if (b->site.kind == PL_KIND_MMAP && n->spec.heap &&
	    heap_in_arena(n->spec.heap, addr + b->size / 2))
		return;
	/* memory that another malloc maps for its blocks (while exact, the kernel half leaves it
	 * out) */
	if (b->site.kind == PL_KIND_MMAP &&
	    b->site.caller - n->libc.lib_start < n->libc.lib_end - n->libc.lib_start)
		return;
	r = native_row(&n->table, &b->site);
	if (!r)
		return;
	if (b->born_ns + n->spec.older_ns > now_ns) {
		r->young_bytes += weight * (double)b->size;
		return;
	}
	r->bytes += weight * (double)b->size;
	r->waste += weight * (double)rounded_up(n, addr, b->size);
	r->count += weight;
	row_depth(r, b->site.depth, weight * (double)b->size);
	r->samples++;
	if (b->born_ns < r->oldest_born_ns)
		r->oldest_born_ns = b->born_ns;
	if (b->size < r->min_size)
		r->min_size = b->size;
	if (b->size > r->max_size)
		r->max_size = b->size;
	/* the first few, then ever rarer ones: spread over the walk without random numbers */
	if (r->n_look < ARRAY_SIZE(r->look)) {
		r->look_size[r->n_look] = b->size;
		r->look[r->n_look++] = addr;
	} else if (!(r->samples & (r->samples - 1))) {
		r->look_size[r->samples % ARRAY_SIZE(r->look)] = b->size;
		r->look[r->samples % ARRAY_SIZE(r->look)] = addr;
	}
}

/* Drops or shortens a block whose end the kernel half missed: without its first page it is dead,
 * without its last it is shorter. The entry is compared again before that, since the address may be
 * mapped anew by now. */
static bool drop_unmapped(struct native *n, const struct native_span *v, size_t n_spans,
			  uint64_t addr, struct pl_block *b)
{
	uint64_t left = native_spans_at(v, n_spans, addr);
	struct pl_block now;

	if (left >= b->size)
		return false;
	b->size = left;
	if (bpf_map_lookup_elem(n->blocks_fd, &addr, &now) || now.born_ns != b->born_ns)
		return !left;
	if (left)
		bpf_map_update_elem(n->blocks_fd, &addr, b, BPF_EXIST);
	else
		bpf_map_delete_elem(n->blocks_fd, &addr);
	return !left;
}

struct walk_ctx {
	struct native *n;
	struct native_span *spans;
	size_t n_spans;
	uint64_t now_ns;
};

static int scan_block(void *arg, uint64_t addr, const struct pl_block *b, double weight)
{
	struct walk_ctx *w = arg;
	struct pl_block now = *b;

	w->n->table.n_blocks++;
	/* the spans do not show what was mapped after they were read */
	if (b->site.kind == PL_KIND_MMAP && w->n_spans && b->born_ns + MADE_NS <= w->now_ns &&
	    drop_unmapped(w->n, w->spans, w->n_spans, addr, &now))
		return 0;
	native_table_add(w->n, addr, &now, weight, w->now_ns);
	return 0;
}

int native_each_block(struct native *n, native_block_fn fn, void *arg)
{
	/* Not zeroed: of a table of few blocks most stays untouched. */
	auto_free uint64_t *keys = malloc(BATCH * sizeof(*keys));
	auto_free struct pl_block *blocks = malloc(BATCH * sizeof(*blocks));
	uint64_t in = 0, out = 0;
	bool first = true;

	if (!keys || !blocks)
		return fail(-ENOMEM, "out of memory");
	for (int batch = 0; batch < BATCHES; batch++) {
		__u32 count = BATCH;
		int err = bpf_map_lookup_batch(n->blocks_fd, first ? NULL : &in, &out, keys, blocks,
					       &count, NULL);

		if (err && errno != ENOENT)
			return fail(-errno, "the table of blocks cannot be read: %s",
				    strerror(errno));
		for (__u32 i = 0; i < count; i++)
			if (fn(arg, keys[i], &blocks[i], 1))
				return 0;
		if (err)
			break;
		in = out;
		first = false;
	}
	for (size_t i = 0; n->state == NATIVE_BURST && i < n->burst.samples.n; i++) {
		const struct burst_sample *s = &n->burst.samples.v[i];
		struct pl_block b = {
			.size = s->size,
			.born_ns = s->born_ns,
			.site = {s->stack, s->caller, PL_KIND_HEAP, s->depth},
		};

		if (!s->dead && s->rung >= BURST_SURVIVED && fn(arg, s->addr, &b, s->weight))
			break;
	}
	return 0;
}

enum native_life native_life(const struct native *n, uint64_t addr, uint64_t born_ns)
{
	struct pl_block b;

	if (!bpf_map_lookup_elem(n->blocks_fd, &addr, &b))
		return b.born_ns == born_ns ? NATIVE_LIVES : NATIVE_DEAD;
	return n->state == NATIVE_BURST ? native_burst_life(&n->burst, addr, born_ns) : NATIVE_DEAD;
}

/* Drops rows of sites that had nothing alive at the last look. */
static void compact(struct native_table *t)
{
	size_t kept = 0;

	map64_clear(&t->index);
	for (size_t i = 0; i < t->rows.n; i++) {
		struct site_row *r = &t->rows.v[i];
		uint64_t *at;

		if (!r->count && !r->young_bytes)
			continue;
		at = map64_put(&t->index, native_key_hash(&r->key));
		if (!at || *at) /* a second key with this hash starts anew */
			continue;
		*at = kept + 1;
		if (kept != i)
			t->rows.v[kept] = *r;
		kept++;
	}
	t->rows.n = kept;
}

/* Looks for bodies of objects in a few blocks of a site, so that a table of thousands costs little;
 * a site that was looked into often enough leaves the turn to others. */
static void look_into(struct native *n, struct site_row *r, int *left)
{
	for (uint32_t i = 0; *left > 0 && r->checked < LOOKS_ENOUGH && i < r->n_look; i++) {
		uint64_t obj, type;

		(*left)--;
		r->checked++;
		if (heap_object_in_block(n->spec.heap, r->look[i], r->look_size[i], &obj, &type))
			continue;
		r->objects++;
		r->type = type;
	}
	r->n_look = 0;
}

/* Looks into blocks while the target lives: when it has ended, nothing can be read and all would
 * look like plain blocks. */
static void look_into_all(struct native *n)
{
	int left = LOOKS;

	if (!n->spec.heap || n->paused || !proc_alive(n->spec.proc))
		return;
	for (size_t i = 0; i < n->table.rows.n; i++)
		look_into(n, &n->table.rows.v[i], &left);
}

/* Walks over the blocks, at most 1 % of the time: the next walk waits for a hundred times the
 * length of the last. */
static int scan(struct native *n, uint64_t now_ns, double gap_s)
{
	struct native_table *t = &n->table;
	struct walk_ctx w = {.n = n, .now_ns = now_ns};
	uint64_t cpu_ns = thread_cpu_ns();
	int err;

	if (t->last_ns && (now_ns - t->last_ns < (uint64_t)(gap_s * 0.9e9) ||
			   now_ns - t->last_ns < 100 * t->cost_ns))
		return 0;
	if (!t->point_gap_s)
		t->point_gap_s = POINT_GAP;
	if (!n->paused && now_ns - t->maps_ns >= MAPS_GAP) {
		w.n_spans = native_spans_read(n->spec.proc, &w.spans);
		t->maps_ns = now_ns;
	}
	if (t->rows.n > PL_MAX_NATIVE_SITES / 2)
		compact(t);
	for (size_t i = 0; i < t->rows.n; i++)
		row_clear(&t->rows.v[i]);
	if (now_ns >= t->kept_until_ns)
		vec_free(&t->kept);
	t->left_out = t->n_blocks = 0;
	err = native_each_block(n, scan_block, &w);
	free(w.spans);
	native_add_most(n, now_ns);
	t->last_ns = now_ns;
	t->cost_ns = thread_cpu_ns() - cpu_ns;
	if (err)
		return err;
	native_series_add(n, now_ns);
	if (w.n_spans) /* as seldom as the maps are read */
		look_into_all(n);
	return 0;
}

/* Walks only for the series: no more often than it has points. */
int native_table_scan(struct native *n, uint64_t now_ns)
{
	return scan(n, now_ns, fmin(fmax(n->table.point_gap_s, POINT_GAP), MOST_GAP));
}

void native_table_free(struct native_table *t)
{
	vec_free(&t->kept);
	vec_free(&t->rows);
	map64_free(&t->index);
}

static int by_bytes(const void *a, const void *b)
{
	const struct native_site *x = a, *y = b;

	if (x->live_bytes != y->live_bytes)
		return x->live_bytes < y->live_bytes ? 1 : -1;
	return x->key.stack < y->key.stack ? -1 : x->key.stack > y->key.stack;
}

void native_table_reset(struct native *n)
{
	struct native_table *t = &n->table;

	/* not twice within that time: the first rows are of more blocks */
	if (t->rows.n && native_now(n) >= t->kept_until_ns) {
		for (size_t i = 0; i < t->rows.n; i++)
			native_told(n, &t->rows.v[i]);
		vec_free(&t->kept);
		t->kept = t->rows;
		t->kept_until_ns = native_now(n) + KEPT_NS;
		memset(&t->rows, 0, sizeof(t->rows));
	}
	t->rows.n = 0;
	map64_clear(&t->index);
	t->last_ns = 0;
	t->point_gap_s = POINT_GAP;
	t->last_point_s = 0;
}

static void add_site(const struct native *n, const struct site_row *r, uint64_t now_ns,
		     struct native_sites *out)
{
	bool has_waste = r->key.kind == PL_KIND_HEAP && n->ctl->has_chunks;

	out->v[out->n++] = (struct native_site){
		.key = r->key,
		.live_bytes = r->bytes,
		.live_count = r->count,
		.young_bytes = r->young_bytes,
		.waste_bytes = has_waste ? r->waste : NAN,
		.samples = r->samples,
		.oldest_ns = r->samples ? now_ns - r->oldest_born_ns : 0,
		.min_size = r->min_size,
		.max_size = r->max_size,
		.depth = r->depth[main_depth(r)].depth,
		.depth_share = r->bytes > 0 ? r->depth[main_depth(r)].bytes / r->bytes : 0,
		.mortality = r->mortality,
		.most_bytes_per_s = r->most,
		.estimated = r->estimated,
		.checked = r->checked,
		.objects = r->objects,
		.type = r->type,
		.points = r->points,
		.n_points = r->n_points,
		.met = r->met,
		.met_s = r->met_s,
	};
}

/* Adds kept rows. Their series end where the way of tracing changed: that is neither growth nor an
 * end. */
static void add_kept(struct native *n, uint64_t now_ns, struct native_sites *out)
{
	struct native_table *t = &n->table;

	for (size_t i = 0; i < t->kept.n && now_ns < t->kept_until_ns; i++) {
		const struct site_row *r = &t->kept.v[i];
		const uint64_t *at = map64_get(&t->index, native_key_hash(&r->key));
		struct site_row *since = at && *at ? &t->rows.v[*at - 1] : NULL;

		if (!r->count || (since && since->count > 0 && since->n_points >= ENOUGH))
			continue;
		if (since)
			since->is_hidden = true;
		add_site(n, r, now_ns, out);
	}
}

int native_sites(struct native *n, struct native_sites *out)
{
	struct native_table *t = &n->table;
	uint64_t now_ns = native_now(n);
	int err = n->state == NATIVE_OFF ? 0 : scan(n, now_ns, POINT_GAP);

	*out = (struct native_sites){.left_out = t->left_out};
	if (err || !(t->rows.n + t->kept.n))
		return err;
	out->v = calloc(t->rows.n + t->kept.n, sizeof(*out->v));
	if (!out->v)
		return fail(-ENOMEM, "out of memory");
	look_into_all(n);
	add_kept(n, now_ns, out);
	for (size_t i = 0; i < t->rows.n; i++) {
		struct site_row *r = &t->rows.v[i];

		native_told(n, r);
		if (!r->is_hidden && (r->count || r->young_bytes))
			add_site(n, r, now_ns, out);
		r->is_hidden = false;
	}
	qsort(out->v, out->n, sizeof(*out->v), by_bytes);
	return 0;
}

void native_sites_free(struct native_sites *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}

struct native_site *native_sites_copy(const struct native_sites *s, struct report *scratch)
{
	struct native_site *v = report_alloc(scratch, (s->n + 1) * sizeof(*v));

	for (size_t i = 0; v && i < s->n; i++) {
		size_t size = s->v[i].n_points * sizeof(*s->v[i].points);
		struct native_point *p = size ? report_alloc(scratch, size) : NULL;

		v[i] = s->v[i];
		v[i].points = p;
		v[i].n_points = p ? s->v[i].n_points : 0;
		if (p)
			memcpy(p, s->v[i].points, size);
	}
	return v;
}

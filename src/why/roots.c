/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the roots of a search: modules, frames, threads, interpreters, library data, stacks. */
#include "py/objects.h"
#include "py/versions.h"
#include "why/roots.h"

#define ROOTS		"looking for roots"
#define MAX_INTERPS	1024
#define MAX_STATIC	(64u << 20) /* bytes of one mapping: larger data has no roots */
#define MAX_STATICS	(1u << 30)  /* of all of them */
#define SIGNALS		64
#define SIGNALS_DEFAULT 40 /* signals that have the default handler, at least */
#ifndef REACH_THREADS
#define REACH_THREADS 4096
#endif
#ifndef REACH_MODULES
#define REACH_MODULES 65536
#endif

/* Is this block a free list (dict keys, floats), full of leftovers that would be taken for
 * references? A pool's block that is no object, named by a state, is: states hold nothing else but
 * objects, chunks, and callbacks, which have their own search. So is mimalloc's, or, without a GIL,
 * a list of all classes, code and functions with counts of each thread. Named by static data, it is
 * one if its first word, as a reference count, is 0. */
static bool is_free_list(const struct reach *r, enum reach_kind kind, uint32_t node)
{
	const struct heap *h = r->g->h;
	uint64_t addr = graph_addr(r->g, node, NULL), first;
	bool is_pooled = node < r->g->n_pooled;

	if (graph_type(r->g, node)->addr)
		return false;
	if (kind == REACH_INTERP || kind == REACH_THREAD)
		return is_pooled || (heap_has_mimalloc(h) && heap_in_arena(h, addr));
	return is_pooled && kind == REACH_STATIC && !proc_read_u64(h->rt->proc, addr, &first) &&
	       !first;
}

struct reach_root *roots_add(struct reach *r, enum reach_kind kind, uint64_t addr, uint64_t owner,
			     uint64_t at)
{
	uint32_t node = addr & 7 ? NODE_NONE : graph_find(r->g, addr);
	struct reach_root *root;

	if (node == NODE_NONE || is_free_list(r, kind, node))
		return NULL;
	/* C code keeps addresses of beginnings; glibc's data points inside blocks at random */
	if (kind >= REACH_LIBRARY && !graph_type(r->g, node)->addr &&
	    graph_addr(r->g, node, NULL) != addr)
		return NULL;
	if (r->root.n >= MAX_ROOTS) {
		r->unreadable++;
		return NULL;
	}
	root = vec_push(&r->root);
	if (!root)
		return NULL;
	*root = (struct reach_root){.kind = kind, .node = node, .owner = owner, .at = at};
	return root;
}

/* Reads up to @max pairs of key and value from a dict. */
static size_t dict_pairs(const struct py_runtime *rt, uint64_t dict, uint64_t (*out)[2], size_t max)
{
	const struct py_layout *l = &rt->layout;
	struct heap_keys k;
	uint8_t head[40];
	uint64_t keys, n = 0;

	if (proc_read_u64(rt->proc, dict + l->dict_keys, &keys) || !heap_is_pointer(keys) ||
	    proc_read(rt->proc, keys, head, sizeof(head)) || !heap_keys_facts(rt, head, &k))
		return 0;
	/* removed entries stay, empty, but not so many */
	for (uint64_t i = 0; i < k.n && i < 4 * max + REACH_MODULES && n < max; i++) {
		uint64_t at = keys + k.entries + i * k.entry_size + (k.entry_size == 24 ? 8 : 0);

		if (proc_read(rt->proc, at, out[n], 16))
			break;
		if (out[n][0] && out[n][1])
			n++;
	}
	return n;
}

/* In 3.8 and 3.9, atexit's callbacks are in the state of its module. */
static void atexit_state(struct reach *r, uint64_t module)
{
	uint64_t state, words[3];

	if (py_atexit_is_in_module(r->g->h->rt) &&
	    !proc_read_u64(r->g->h->rt->proc,
			   module + PY_MODULE_STATE + py_more_header(r->g->h->rt), &state) &&
	    state && !proc_read(r->g->h->rt->proc, state, words, sizeof(words)))
		roots_atexit(r, words, 1);
}

static void module_roots(struct reach *r, uint64_t interp)
{
	const struct py_runtime *rt = r->g->h->rt;
	auto_free uint64_t(*pair)[2] = malloc(REACH_MODULES * sizeof(*pair));
	uint64_t modules, n, id = 0;
	char name[256];

	if (!pair || proc_read_u64(rt->proc, interp + rt->layout.interp_modules, &modules))
		return;
	if (interp != r->main)
		proc_read_u64(rt->proc, interp + rt->layout.interp_id, &id);
	n = dict_pairs(rt, modules, pair, REACH_MODULES);
	r->unreadable += n == REACH_MODULES;
	for (size_t i = 0; i < n; i++) {
		uint32_t node = graph_find(r->g, pair[i][1]);
		uint64_t at[] = {0, pair[i][1]}; /* its dict; itself, with what its C code keeps */

		if (py_read_str(rt, pair[i][0], name, sizeof(name)))
			continue;
		if (!strcmp(name, "atexit"))
			atexit_state(r, pair[i][1]);
		if (node != NODE_NONE && graph_type(r->g, node)->kind == GRAPH_MODULE)
			proc_read_u64(rt->proc, at[1] + PY_MODULE_DICT + py_more_header(rt), at);
		for (size_t k = 0; k < ARRAY_SIZE(at); k++) {
			struct reach_root *root =
				roots_add(r, REACH_MODULE, at[k], pair[i][1], modules);

			if (!root)
				continue;
			root->name = strdup(name);
			root->interp = id;
		}
	}
}

struct frames {
	struct reach *r;
	struct map64 *seen; /* frames that were visited */
	uint64_t thread;
};

static void frame_root(const struct frames *f, enum reach_kind kind, uint64_t addr, uint64_t code,
		       uint64_t at)
{
	struct reach_root *root = roots_add(f->r, kind, addr, code, at);

	if (root)
		root->thread = f->thread;
}

static void slot_roots(struct frames *f, const struct py_locals *l, enum reach_kind kind,
		       uint32_t from, uint32_t n)
{
	const struct py_runtime *rt = f->r->g->h->rt;
	uint64_t mask = py_reference_mask(rt);
	auto_free uint64_t *slot = malloc(8ull * n + 8);

	if (!slot || !n || proc_read(rt->proc, l->slots + 8ull * from, slot, 8ull * n))
		return;
	for (uint32_t i = 0; i < n; i++)
		frame_root(f, kind, slot[i] & mask, l->code, from + i);
}

static int frame_roots(const struct py_locals *l, void *ctx)
{
	struct frames *f = ctx;

	if (map64_get(f->seen, l->frame))
		return -ELOOP;
	if (!map64_put(f->seen, l->frame))
		f->r->unreadable++;
	slot_roots(f, l, REACH_LOCAL, 0, l->n);
	slot_roots(f, l, REACH_TEMPORARY, l->n, l->n_stack);
	/* a frame may be the only holder of its code: a script's, exec()'s, a lambda's */
	frame_root(f, REACH_TEMPORARY, l->code, l->code, 0);
	frame_root(f, REACH_TEMPORARY, l->func, l->code, 0);
	frame_root(f, REACH_TEMPORARY, l->object, l->code, 0);
	/* The module's own dict is no news. */
	if (l->locals && l->locals != l->globals)
		frame_root(f, REACH_LOCAL, l->locals, l->code, REACH_FRAME_DICT);
	return 0;
}

/* Is this the table of interned strings, whose values are their own keys? It is searched last: it
 * keeps its strings only where they are immortal. */
static bool is_interned(const struct reach *r, uint64_t addr)
{
	uint64_t pair[8][2], used;
	uint32_t node = graph_find(r->g, addr);
	size_t n;

	if (node == NODE_NONE || graph_type(r->g, node)->kind != GRAPH_DICT ||
	    proc_read_u64(r->g->h->rt->proc, addr + r->g->h->rt->layout.dict_used, &used) ||
	    used < 200)
		return false;
	n = dict_pairs(r->g->h->rt, addr, pair, ARRAY_SIZE(pair));
	for (size_t i = 0; i < n; i++)
		if (pair[i][0] != pair[i][1])
			return false;
	return n > 0;
}

static void words_of(struct reach *r, enum reach_kind kind, uint64_t owner, uint64_t addr,
		     uint64_t bytes, uint64_t thread)
{
	const struct py_runtime *rt = r->g->h->rt;
	auto_free uint64_t *w = malloc(bytes + 8);
	bool is_mortal = kind == REACH_INTERP && py_interp_has_mortal_names(rt);

	if (!w || !proc_read_patchy(rt->proc, addr, w, bytes & ~7ull)) {
		r->unreadable++;
		return;
	}
	for (uint64_t i = 0; i < bytes / 8; i++) {
		struct reach_root *root;

		if (kind == REACH_INTERP && roots_is_borrowed(r, w, bytes / 8, i))
			continue;
		root = roots_add(r, is_mortal && is_interned(r, w[i]) ? REACH_INTERNED : kind, w[i],
				 owner, (kind == REACH_STACK ? addr : 0) + 8 * i);
		if (root)
			root->thread = thread;
	}
}

/* Adds frames of waiting greenlets (3.11+), which are in no thread's chain: the innermost has a
 * frame object, and each names its caller. A generator's frame is left to the generator. */
static void greenlet_roots(struct reach *r, struct map64 *seen)
{
	const struct py_runtime *rt = r->g->h->rt;
	struct frames f = {.r = r, .seen = seen};
	struct py_locals l;
	uint64_t frame;

	for (uint32_t n = 0; n < r->g->n && !py_frames_are_objects(rt); n++) {
		if (graph_type(r->g, n)->kind != GRAPH_FRAME ||
		    proc_read_u64(rt->proc,
				  graph_addr(r->g, n, NULL) + PY_FRAME_OBJECT_FRAME +
					  py_more_header(rt),
				  &frame) ||
		    graph_find_block(r->g, frame, NULL) == n)
			continue;
		while (frame && seen->n < MAX_ROOTS && !map64_get(seen, frame) &&
		       !py_read_locals(rt, frame, &l)) {
			if (graph_find_block(r->g, frame, NULL) == NODE_NONE)
				frame_roots(&l, &f);
			if (!map64_put(seen, frame) ||
			    proc_read_u64(rt->proc, frame + rt->walk.frame_back, &frame))
				break;
		}
	}
}

static int thread_roots(struct reach *r)
{
	const struct py_runtime *rt = r->g->h->rt;
	auto_free uint64_t *t = malloc(REACH_THREADS * sizeof(*t));
	size_t n = t ? py_threads(rt, t, REACH_THREADS) : 0;
	struct map64 seen = {0};
	int err = 0;

	r->unreadable += n == REACH_THREADS; /* the list ends with the main thread */
	for (size_t i = 0; i < n && !(err = heap_tell(r->g->h, ROOTS, r->root.n)); i++) {
		struct frames f = {.r = r, .seen = &seen};

		if (rt->layout.tstate_native_id != PL_NONE)
			proc_read_u64(rt->proc, t[i] + rt->layout.tstate_native_id, &f.thread);
		else
			f.thread = n - i; /* the list begins with the newest */
		if (f.thread == (uint64_t)rt->proc->ns_pid ||
		    (rt->layout.tstate_native_id == PL_NONE && i == n - 1))
			f.thread = 0;
		py_walk_locals(rt, t[i], frame_roots, &f);
		words_of(r, REACH_THREAD, t[i], t[i], rt->layout.tstate_size, f.thread);
	}
	greenlet_roots(r, &seen);
	map64_free(&seen);
	return err;
}

static void interp_roots(struct reach *r, uint64_t interp)
{
	const struct py_runtime *rt = r->g->h->rt;
	uint64_t size = rt->layout.interp_size, garbage;
	auto_free uint64_t *w = malloc(size + 8);

	module_roots(r, interp);
	if (!proc_read_u64(rt->proc, py_gc_of(rt, interp) + rt->layout.gc_garbage, &garbage))
		roots_add(r, REACH_GARBAGE, garbage, 0, 0);
	if (w && proc_read_patchy(rt->proc, interp, w, size & ~7ull))
		roots_atexit(r, w, size / 8);
	words_of(r, REACH_INTERP, interp, interp, size, 0);
}

/* Adds handlers of module signal: 64 pairs of a flag and a function, most of them equal. */
static void signal_roots(struct reach *r, const uint64_t *w, size_t n, uint64_t addr)
{
	for (size_t i = 0; i + 2 * SIGNALS <= n; i++) {
		uint64_t usual = w[i + 2 * 20 + 1];
		unsigned same = 0, ok = 0;

		if (!heap_is_pointer(w[i + 1]) || w[i] > 1 || !heap_is_pointer(usual))
			continue;
		for (size_t k = 0; k < SIGNALS; k++) {
			ok += (uint32_t)w[i + 2 * k] <= 1 && heap_is_pointer(w[i + 2 * k + 1]);
			same += w[i + 2 * k + 1] == usual;
		}
		if (ok < SIGNALS || same < SIGNALS_DEFAULT)
			continue;
		for (size_t k = 0; k < SIGNALS; k++)
			if (w[i + 2 * k + 1] != usual)
				roots_add(r, REACH_SIGNAL, w[i + 2 * k + 1], addr, k + 1);
		return;
	}
}

/* Is this word of CPython's data no root? It is in the main interpreter's state, which was searched
 * with its free lists known; or it is borrowed. */
static bool is_no_holder(const struct reach *r, const uint64_t *w, uint64_t n, uint64_t i,
			 uint64_t start)
{
	uint64_t at = start + 8 * i;

	return (at >= r->main && at - r->main < r->g->h->rt->layout.interp_size) ||
	       roots_is_borrowed(r, w, n, i);
}

static void static_words(struct reach *r, uint64_t start, uint64_t bytes, bool is_python)
{
	const struct py_runtime *rt = r->g->h->rt;
	bool fits = bytes && bytes <= MAX_STATIC && r->static_bytes + bytes <= MAX_STATICS;
	auto_free uint64_t *w = fits ? malloc(bytes) : NULL;

	r->static_bytes += fits ? bytes : 0;
	if (!w || !proc_read_patchy(rt->proc, start, w, bytes)) {
		r->unreadable++;
		return;
	}
	if (is_python)
		signal_roots(r, w, bytes / 8, start);
	/* A class's flags are a number (0x2005500 extends list) that may be an address in the heap
	 * of a program that is not relocated. */
	for (uint64_t i = 0; i < bytes / 8; i++) {
		if (!heap_is_pointer(w[i]) || graph_find(r->g, w[i]) == NODE_NONE ||
		    (!(w[i] >> 32) && py_is_type(rt, start + 8 * i - rt->layout.tp_flags)) ||
		    (is_python && is_no_holder(r, w, bytes / 8, i, start)))
			continue;
		roots_add(r,
			  !is_python		 ? REACH_LIBRARY
			  : is_interned(r, w[i]) ? REACH_INTERNED
						 : REACH_STATIC,
			  w[i], 0, start + 8 * i);
	}
}

/* Opens the file of a mapping; of a saved process, its saved copy. */
static int open_file(const struct proc *p, const struct proc_map *m, struct dso **out)
{
	uint8_t *bytes;
	size_t size;
	int err, fd;

	if (proc_is_live(p)) {
		err = proc_map_open(p, m, &fd);
		return err ? err : dso_open_fd(fd, m->path, DSO_CODE, out);
	}
	err = proc_map_image(p, m, &bytes, &size);
	return err ? err : dso_open_image(m->path, bytes, size, out);
}

/* Searches the data of one file and the zeroed data behind it. The file says how long that is: the
 * kernel may map anything right behind, often arenas. */
static void file_roots(struct reach *r, const struct proc_map *m)
{
	const struct proc *p = r->g->h->rt->proc;
	const struct heap *h = r->g->h;
	struct dso_range v[16];
	struct dso *d;
	uint64_t bias;
	bool opened;
	size_t n = 0;

	opened = !open_file(p, m, &d);
	if (opened) {
		if (py_load_bias(p, m, d, &bias))
			n = dso_writable(d, v, ARRAY_SIZE(v));
		dso_close(d);
	}
	/* A library that is gone from the disk is searched as it is mapped. Mapped data and shared
	 * memory hold no references. */
	if (!n && (!opened || !proc_is_live(p)))
		static_words(r, m->start, m->end - m->start, false);
	for (size_t i = 0; i < n && i < ARRAY_SIZE(v); i++) {
		uint64_t start = (v[i].addr + bias + 7) & ~7ull, end = v[i].addr + bias + v[i].size;

		if (end > start + 8)
			static_words(r, start, (end - start) & ~7ull,
				     start < h->static_end && end > h->static_start);
	}
}

static int static_roots(struct reach *r)
{
	const struct proc *p = r->g->h->rt->proc;
	uint64_t inode = 0, dev = 0;
	int err = 0;

	for (size_t i = 0; i < p->n_maps && !err; i++) {
		const struct proc_map *m = &p->maps[i];

		if (m->path[0] != '/' || !m->inode || !m->writable || !m->readable ||
		    (m->inode == inode && m->dev == dev))
			continue;
		inode = m->inode;
		dev = m->dev;
		if (!proc_is_live(p) || (!m->shared && proc_map_has_code(p, m)))
			file_roots(r, m);
		err = heap_tell(r->g->h, ROOTS, r->root.n);
	}
	return err;
}

static int stack_roots(struct reach *r)
{
	const struct proc *p = r->g->h->rt->proc;
	auto_free struct proc_stack *v = calloc(REACH_THREADS, sizeof(*v));
	size_t n = v ? proc_stacks(p, v, REACH_THREADS) : 0;
	int err = 0;

	r->unreadable += n == REACH_THREADS;
	for (size_t i = 0; i < n && !(err = heap_tell(r->g->h, ROOTS, r->root.n)); i++) {
		const struct proc_map *m = v[i].sp ? proc_find_map(p, v[i].sp) : NULL;
		uint64_t from = v[i].sp & ~7ull, bytes;

		if (!m || !m->writable)
			continue;
		bytes = m->end - from;
		words_of(r, REACH_STACK, (uint64_t)v[i].tid, from,
			 bytes < MAX_STATIC ? bytes : MAX_STATIC,
			 v[i].tid == p->pid ? 0 : (uint64_t)v[i].tid);
	}
	return err;
}

int reach_find_roots(struct reach *r)
{
	const struct py_runtime *rt = r->g->h->rt;
	uint64_t interps[MAX_INTERPS];
	int n = py_interpreters(rt, interps, MAX_INTERPS), err;

	if (n <= 0)
		return fail(-EAGAIN, "the interpreters of process %d cannot be read",
			    rt->proc->pid);
	r->unreadable += n == MAX_INTERPS;
	err = thread_roots(r);
	/* new interpreters are put in front: the main one is last, and is searched first */
	r->main = interps[n - 1];
	for (int i = n; i-- > 0 && !err;)
		interp_roots(r, interps[i]);
	err = err ? err : static_roots(r);
	return err ? err : stack_roots(r);
}

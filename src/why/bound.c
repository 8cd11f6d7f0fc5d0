/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looks for the bound of a container: a cache that fills looks like a leak until it is full. A
 * number that a program keeps beside a container is evidence by its name alone, so few names count,
 * and no number that the container has passed already. */
#include "why/bound.h"

#include <ctype.h>
#include <stdio.h>

#include "py/objects.h"
#include "why/label.h"

#define MAX_ATTRIBUTES 2048 /* attributes that are read, of an object or module */
#define MAX_SLOTS      64   /* values that are read, of an instance */
#define PIECE	       64
#define MAX_BASES      6
#define LEAST	       2
#define FEW	       16 /* entries: smaller containers are left out, as each name costs a read */
#define MOST	       (1ull << 40)
#define MIB	       (1u << 20)

struct search {
	const struct py_runtime *rt;
	const char *called; /* the container's name there; NULL = not known */
	bool in_module;
	uint64_t object; /* the object in whose slots numbers are looked for; 0 = none */
	uint64_t entries;
	/* "currsize": size of all entries, as the program counts it; 0 = not counted */
	uint64_t size;
	struct heap_bound *out;
};

static uint64_t peek(const struct py_runtime *rt, uint64_t addr)
{
	uint64_t v;

	return proc_read_u64(rt->proc, addr, &v) ? 0 : v;
}

/* Normalizes a name: "_Cache__max_size" and "maxSize" become "maxsize". */
static void squeeze(const char *name, char *buf, size_t size)
{
	const char *mangled = *name == '_' && name[1] != '_' ? strstr(name + 1, "__") : NULL;
	size_t n = 0;

	for (const char *p = mangled ? mangled : name; *p && n + 1 < size; p++)
		if (*p != '_')
			buf[n++] = (char)tolower((unsigned char)*p);
	buf[n] = '\0';
}

static bool cut_front(char *s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(s, word, n) != 0)
		return false;
	memmove(s, s + n, strlen(s + n) + 1);
	return true;
}

static bool cut_end(char *s, const char *word)
{
	size_t n = strlen(s), k = strlen(word);

	if (n < k || strcmp(s + n - k, word) != 0)
		return false;
	s[n - k] = '\0';
	return true;
}

/* Takes @word, or its plural, out of @s. */
static bool cut_out(char *s, const char *word)
{
	char *at = strlen(word) >= 3 ? strstr(s, word) : NULL;

	if (!at)
		return false;
	cut_front(at, word);
	if (*at == 's' && strncmp(at, "size", 4) != 0)
		cut_front(at, "s");
	return true;
}

/* Words for things that are counted where the container is called by them: elsewhere they may be
 * those of one request. The first few are containers. */
static const char *const things[] = {
	"cached",   "cache",	   "queue",   "pool",	 "objects", "records", "rows",	 "history",
	"sessions", "connections", "workers", "threads", "jobs",    "results", "events", "values",
};
#define CONTAINERS 4

/* Has @s only words for entries, and the first @n of things? Bytes, seconds, attempts are none. */
static bool counts_things(char *s, size_t n)
{
	static const char *const entries[] = {
		"size", "length",   "len",   "entries", "entry",    "items", "item",
		"keys", "elements", "count", "num",	"numberof", "total",
	};
	bool cut = true;

	while (*s && cut) {
		cut = false;
		for (size_t i = 0; i < ARRAY_SIZE(entries) && !cut; i++)
			cut = cut_front(s, entries[i]);
		for (size_t i = 0; i < n && !cut; i++)
			cut = cut_front(s, things[i]);
	}
	return !*s;
}

bool heap_bound_name(const char *name, const char *called, bool in_module)
{
	char s[64], about[64];
	bool is_about, is_limit;
	size_t n;

	squeeze(name, s, sizeof(s));
	squeeze(called ? called : "", about, sizeof(about));
	cut_end(about, "s");
	/* that of a buffer is one of bytes */
	is_about = strcmp(about, "buffer") != 0 && strcmp(about, "byte") != 0 && cut_out(s, about);
	n = is_about ? ARRAY_SIZE(things) : in_module ? 0 : CONTAINERS;
	/* a "max" by itself may be the greatest value seen, a "limit" that of one request */
	is_limit = cut_front(s, "maximum") || cut_front(s, "max") || cut_end(s, "maximum") ||
		   cut_end(s, "max") || cut_end(s, "limit") || cut_front(s, "limit");
	if (is_limit || cut_end(s, "capacity") || cut_front(s, "capacity"))
		return (!is_limit || *s || is_about) && counts_things(s, n);
	/* "cache_size", but not any "size" */
	if (!cut_end(s, "size"))
		return false;
	if (in_module)
		return is_about && !*s;
	for (size_t i = 0; i < CONTAINERS; i++)
		if (!strcmp(is_about && !*s ? about : s, things[i]))
			return true;
	return false;
}

static bool is_of_size(const char *name)
{
	char s[64];

	squeeze(name, s, sizeof(s));
	return strstr(s, "size") || strstr(s, "length");
}

bool heap_bound_is_bytes(const char *name, uint64_t n)
{
	return n > MIB && n % MIB == 0 && is_of_size(name);
}

/* Is it the size of all entries together: "_Cache__currsize", "current_size"? */
static bool is_size_now(const char *name)
{
	char s[64];

	squeeze(name, s, sizeof(s));
	return !strcmp(s, "currsize") || !strcmp(s, "currentsize");
}

/* The number that a descriptor of __slots__ stands for, in the object itself. */
static uint64_t in_slot(const struct search *s, uint64_t descriptor)
{
	uint64_t def, off;
	char name[40];

	if (!s->object ||
	    py_type_name(s->rt, peek(s->rt, descriptor + s->rt->layout.ob_type), name,
			 sizeof(name)) ||
	    strcmp(name, "member_descriptor") != 0)
		return 0;
	def = peek(s->rt, descriptor + PY_MEMBER_DEF + py_more_header(s->rt));
	off = heap_is_pointer(def) ? peek(s->rt, def + PY_MEMBER_OFFSET) : 0;
	return off >= PY_BODY && off < 4096 ? peek(s->rt, s->object + off) : 0;
}

/* Takes a number as the bound if it is the smallest so far that the container has not passed. */
static void consider(struct search *s, const char *name, uint64_t value)
{
	bool is_size = is_size_now(name);
	int64_t n;

	if (!is_size && !heap_bound_name(name, s->called, s->in_module))
		return;
	if (py_int(s->rt, value, &n)) {
		value = in_slot(s, value);
		if (!heap_is_pointer(value) || py_int(s->rt, value, &n))
			return;
	}
	if (is_size)
		s->size = n > 0 ? (uint64_t)n : 0;
	if (is_size || n < LEAST || n > (int64_t)MOST || (uint64_t)n >= s->out->most ||
	    !heap_bound_holds((uint64_t)n, false, s->entries))
		return;
	s->out->most = (uint64_t)n;
	s->out->enforced = false;
	snprintf(s->out->name, sizeof(s->out->name), "%.40s", name);
}

/* Considers each entry of a keys object; @values: where an instance keeps its values, else 0. */
static void each_entry(struct search *s, uint64_t keys, uint64_t values)
{
	uint64_t slot[MAX_SLOTS], most = values ? MAX_SLOTS : MAX_ATTRIBUTES;
	uint8_t head[40], buf[PIECE * 24];
	struct heap_keys k;

	if (!heap_is_pointer(keys) || proc_read(s->rt->proc, keys, head, sizeof(head)) ||
	    !heap_keys_facts(s->rt, head, &k))
		return;
	most = k.n < most ? k.n : most;
	if (values && most && proc_read(s->rt->proc, values, slot, 8 * most))
		return;
	for (uint64_t i = 0; i < most; i++) {
		uint64_t pair[2];
		char name[64];

		if (i % PIECE == 0) {
			uint64_t n = most - i < PIECE ? most - i : PIECE;

			if (proc_read(s->rt->proc, keys + k.entries + i * k.entry_size, buf,
				      n * k.entry_size))
				return;
		}
		memcpy(pair, buf + i % PIECE * k.entry_size + (k.entry_size == 24 ? 8 : 0), 16);
		if (values)
			pair[1] = slot[i];
		if (heap_is_pointer(pair[0]) && heap_is_pointer(pair[1]) &&
		    !py_read_str(s->rt, pair[0], name, sizeof(name)))
			consider(s, name, pair[1]);
	}
}

static void each_in_dict(struct search *s, uint64_t dict)
{
	uint64_t values;

	if (!heap_is_pointer(dict))
		return;
	values = peek(s->rt, dict + s->rt->layout.dict_values);
	each_entry(s, peek(s->rt, dict + s->rt->layout.dict_keys),
		   values ? values + heap_slots_at(s->rt) : 0);
}

/* Considers an object's attributes, and those of its class and bases. */
static void each_attribute(struct search *s, const struct graph_type *t, uint64_t addr)
{
	struct py_attributes a = label_attributes(s->rt, t, addr);
	const struct py_layout *l = &s->rt->layout;
	uint64_t type = t->addr;

	if (!(t->t.flags & TPF_HEAPTYPE))
		return;
	s->object = addr;
	if (a.values)
		each_entry(s, peek(s->rt, type + l->ht_cached_keys), a.values);
	each_in_dict(s, a.dict);
	for (int i = 0; heap_is_pointer(type) && i < MAX_BASES; i++) {
		uint64_t flags = peek(s->rt, type + l->tp_flags);

		if (!(flags & TPF_HEAPTYPE))
			break;
		each_in_dict(s, peek(s->rt, type + l->tp_dict));
		type = peek(s->rt, type + l->tp_base);
	}
	s->object = 0;
}

/* Is there a bound in entries? A bound of all sizes is turned into one of entries of mean size. */
static bool is_found(struct search *s)
{
	struct heap_bound *b = s->out;

	if (b->most == UINT64_MAX)
		return false;
	if (!s->size || !is_of_size(b->name))
		return !heap_bound_is_bytes(b->name, b->most);
	/* a size close to the number of entries counts them, at another moment */
	if (s->size > 2 * s->entries)
		b->most = (uint64_t)((double)b->most / (double)s->size * (double)s->entries);
	return heap_bound_holds(b->most, false, s->entries);
}

static bool enforce(struct heap_bound *out, uint64_t most, const char *name)
{
	if (most >= MOST) /* -1: none */
		return false;
	*out = (struct heap_bound){.most = most, .enforced = true};
	snprintf(out->name, sizeof(out->name), "%s", name);
	return true;
}

static bool is_deque_with_bound(const struct graph *g, uint32_t node, uint64_t addr,
				struct heap_bound *out)
{
	const struct py_runtime *rt = g->h->rt;

	return graph_type(g, node)->kind == GRAPH_DEQUE &&
	       enforce(out, peek(rt, addr + PY_DEQUE_MAXLEN + py_more_header(rt)), "maxlen");
}

bool heap_bound(struct graph *g, uint32_t owner, uint64_t at, const char *called, uint32_t node,
		uint64_t addr, uint64_t entries, struct heap_bound *out)
{
	const struct py_runtime *rt = g->h->rt;
	struct search s = {.rt = rt, .entries = entries, .out = out};
	const struct graph_type *t = owner == NODE_NONE ? NULL : graph_type(g, owner);

	*out = (struct heap_bound){.most = UINT64_MAX};
	if (entries == WHY_UNKNOWN)
		return false;
	if (t && t->kind == GRAPH_LRU && peek(rt, at + PY_LRU_CACHE + py_more_header(rt)) == addr)
		return enforce(out, peek(rt, at + PY_LRU_MAXSIZE + py_more_header(rt)), "maxsize");
	if (is_deque_with_bound(g, node, addr, out))
		return true;
	if (entries < FEW)
		return false;
	each_attribute(&s, graph_type(g, node), addr);
	s.called = called;
	s.in_module = !t;
	if (t && t->kind != GRAPH_TYPE)
		each_attribute(&s, t, at);
	else
		each_in_dict(&s, t ? peek(rt, at + rt->layout.tp_dict) : at);
	return is_found(&s);
}

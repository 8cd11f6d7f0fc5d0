/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The memory of a small CPython, and how it lies. */
#include "fuzz/world.h"

#include <elf.h>

#define PAGE 4096u

static const struct {
	int minor;
	bool free_threaded;
} version[WORLD_VERSIONS] = {{11, false}, {13, false}, {8, false},  {9, false}, {10, false},
			     {12, false}, {14, false}, {15, false}, {13, true}, {14, true}};

/* Values that are taken for a size or a pointer and are neither. */
static const uint64_t odd[] = {0,
			       1,
			       7,
			       UINT64_MAX,
			       INT64_MAX,
			       1ull << 63,
			       INT64_MAX - 7,
			       UINT64_MAX - 4095,
			       1ull << 47,
			       (1ull << 47) - 8,
			       0xffffffff,
			       0x7fffffff,
			       1ull << 40,
			       1ull << 44,
			       1ull << 20,
			       0x10000};

static uint8_t *place(const struct world *w, uint64_t addr, size_t bytes)
{
	uint64_t off = addr - WORLD_BASE;

	if (off > WORLD_SIZE || bytes > WORLD_SIZE - off)
		abort();
	return w->mem + off;
}

void world_put(struct world *w, uint64_t addr, uint64_t value, size_t bytes)
{
	memcpy(place(w, addr, bytes), &value, bytes);
}

uint64_t world_word(const struct world *w, uint64_t addr)
{
	uint64_t v;

	memcpy(&v, place(w, addr, 8), 8);
	return v;
}

uint64_t world_room(struct world *w, uint64_t bytes)
{
	uint64_t at = WORLD_BASE + w->used;

	w->used += (bytes + 15) & ~15ull;
	if (w->used > WORLD_POOLS)
		abort();
	return at;
}

/* ---- lies ---- */

static void change(struct world *w, uint64_t at, uint64_t value, uint8_t bytes)
{
	struct world_lie *u;

	if (at > WORLD_SIZE - 8)
		at = WORLD_SIZE - 8;
	u = vec_push(&w->undo);
	if (!u)
		abort();
	*u = (struct world_lie){.at = at, .value = world_word(w, WORLD_BASE + at)};
	world_put(w, WORLD_BASE + at, value, bytes);
}

void world_change(struct world *w, uint64_t addr, uint64_t value)
{
	change(w, addr - WORLD_BASE, value, 8);
}

static void tell(struct world *w, const struct world_lie *l)
{
	if (l->bytes)
		change(w, l->at, l->value, l->bytes);
	else
		w->missing |= 1ull << (l->at % (WORLD_SIZE / PAGE));
}

ssize_t world_read(struct proc_source *s, uint64_t addr, void *buf, size_t len)
{
	struct world *w = (struct world *)s;
	uint64_t off = addr - WORLD_BASE, end;

	w->reads++;
	for (size_t i = 0; i < w->lies.n; i++)
		if (w->lies.v[i].from_read == w->reads)
			tell(w, &w->lies.v[i]);
	if (off >= WORLD_SIZE || w->missing >> (off / PAGE) & 1)
		return 0;
	end = (off / PAGE + 1) * PAGE;
	if (len > end - off)
		len = end - off;
	memcpy(buf, w->mem + off, len);
	return (ssize_t)len;
}

int world_pages(struct proc_source *s, uint64_t start, uint64_t end, uint8_t *out)
{
	struct world *w = (struct world *)s;

	for (uint64_t at = start; at < end; at += PAGE) {
		uint64_t page = (at - WORLD_BASE) / PAGE;

		*out++ = page < WORLD_SIZE / PAGE && !(w->missing >> page & 1);
	}
	return 0;
}

/* The file that the interpreter is: data that may be written, no more. */
static int world_image(struct proc_source *s, const struct proc *p, const struct proc_map *m,
		       uint8_t **bytes, size_t *size)
{
	Elf64_Ehdr eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			 .e_type = ET_DYN,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_phoff = sizeof(eh),
			 .e_ehsize = sizeof(eh),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1};
	Elf64_Phdr ph = {.p_type = PT_LOAD,
			 .p_flags = PF_R | PF_W,
			 .p_filesz = PAGE,
			 .p_memsz = ((struct world *)s)->used,
			 .p_align = PAGE};

	(void)p;
	(void)m;
	*bytes = calloc(1, PAGE);
	if (!*bytes)
		abort();
	memcpy(*bytes, &eh, sizeof(eh));
	memcpy(*bytes + sizeof(eh), &ph, sizeof(ph));
	*size = PAGE;
	return 0;
}

uint64_t world_value(struct world *w, struct fuzz_in *in, uint8_t how, uint64_t at)
{
	uint64_t v;

	switch (how & 7) {
	case 0:
		return in_u64(in);
	case 1:
		return in_u8(in);
	case 2:
		v = odd[in_u8(in) % ARRAY_SIZE(odd)];
		return v + (uint64_t)(int64_t)(int8_t)in_u8(in);
	case 3:
		return w->object[in_u8(in) % w->n_objects].addr;
	case 4:
		return WORLD_BASE + in_u16(in) * 8ull;
	case 5:
		v = w->object[in_u8(in) % w->n_objects].addr;
		return v + (uint64_t)(int64_t)(int8_t)in_u8(in);
	case 6:
		v = at <= WORLD_SIZE - 8 ? world_word(w, WORLD_BASE + at) : 0;
		return v + (uint64_t)(int64_t)(int16_t)in_u16(in);
	default:
		v = in_u16(in) * 8ull;
		return v <= WORLD_SIZE - 8 ? world_word(w, WORLD_BASE + v) : v;
	}
}

/* Bits: 0 - 2 what value, 3 - 4 how wide, 5 later, 6 a page goes, 7 a word near an object (or of
 * its type). */
static void one_lie(struct world *w, struct fuzz_in *in)
{
	uint8_t how = in_u8(in);
	struct world_lie l = {.bytes = (uint8_t)(8 >> (how >> 3 & 3))};

	if (how & 32)
		l.from_read = 1u + in_u8(in);
	if (how & 64) {
		l.bytes = 0;
		l.at = in_u8(in);
	} else if (how & 128) {
		uint8_t which = in_u8(in), word = in_u8(in);
		const struct world_object *o = &w->object[(which & 63) % w->n_objects];

		l.at = (which & 64 ? o->type : o->addr) - WORLD_BASE +
		       8ull * (uint64_t)(int64_t)((int)word - 8);
	} else {
		l.at = in_u16(in) * 8ull;
	}
	if (l.bytes)
		l.value = world_value(w, in, how, l.at);
	if (how & 32) {
		struct world_lie *to = vec_push(&w->lies);

		if (to)
			*to = l;
	} else {
		tell(w, &l);
	}
}

/* ---- worlds ---- */

static void make_rows(struct world *w)
{
	static const struct {
		uint64_t from, to;
		uint64_t inode;
		const char *path;
		uint32_t kind;
	} rows[WORLD_ROWS - 1] = {
		{0, WORLD_POOLS, 5, "/usr/lib/libpython3.so", PROC_ROW_FILE},
		{WORLD_POOLS, WORLD_BRK, 0, "", PROC_ROW_ANON},
		{WORLD_BRK, WORLD_SIZE - PAGE, 0, "[heap]", PROC_ROW_HEAP},
		{WORLD_SIZE - PAGE, WORLD_SIZE, 0, "[stack]", PROC_ROW_STACK},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct proc_resident *r = vec_push(&w->source.rows);

		w->maps[i] = (struct proc_map){.start = WORLD_BASE + rows[i].from,
					       .end = WORLD_BASE + rows[i].to,
					       .inode = rows[i].inode,
					       .readable = true,
					       .writable = true,
					       .path = rows[i].path};
		if (!r)
			abort();
		*r = (struct proc_resident){w->maps[i].start, w->maps[i].end,
					    rows[i].to - rows[i].from, rows[i].kind, 1};
	}
	w->proc.maps = w->maps;
	w->proc.n_maps = ARRAY_SIZE(rows);
}

static void make(struct world *w, int minor, bool free_threaded)
{
	struct py_runtime *rt = &w->rt;
	uint8_t *image;
	size_t size;

	w->mem = calloc(1, WORLD_SIZE);
	if (!w->mem)
		abort();
	w->source.read = world_read;
	w->source.pages = world_pages;
	w->source.image = world_image;
	w->source.has_memory = true;
	w->source.memory.rss_bytes = w->source.memory.anon_bytes = WORLD_SIZE;
	w->proc.pid = w->proc.ns_pid = 42;
	w->proc.pidfd = -1;
	w->proc.source = &w->source;
	make_rows(w);
	w->priv.build = py_table(minor);
	if (free_threaded)
		py_free_threaded_build(&w->priv.build);
	rt->proc = &w->proc;
	rt->priv = &w->priv;
	rt->minor = minor;
	rt->hexversion = 0x03000000u | (uint32_t)minor << 16;
	snprintf(rt->version, sizeof(rt->version), "3.%d.0", minor);
	rt->free_threaded = free_threaded;
	rt->walk = w->priv.build.walk;
	rt->layout = w->priv.build.layout;
	rt->allocator = free_threaded ? PY_ALLOC_MIMALLOC : PY_ALLOC_PYMALLOC;
	rt->bias = WORLD_BASE;
	world_fill(w);
	world_image(&w->source, &w->proc, NULL, &image, &size);
	if (dso_open_bytes("python", image, size, &rt->dso))
		abort();
}

struct world *world_take(struct fuzz_in *in, size_t more)
{
	static struct world worlds[WORLD_VERSIONS];
	size_t i = in_u8(in) % WORLD_VERSIONS;
	struct fuzz_in lies = *in;
	struct world *w = &worlds[i];

	if (!w->mem)
		make(w, version[i].minor, version[i].free_threaded);
	while (w->undo.n) {
		const struct world_lie *u = &w->undo.v[--w->undo.n];

		world_put(w, WORLD_BASE + u->at, u->value, 8);
	}
	w->lies.n = 0;
	w->reads = w->missing = 0;
	in_word(&lies, 0);
	if (more > lies.n)
		more = lies.n;
	lies.p += more;
	lies.n -= more;
	while (lies.n)
		one_lie(w, &lies);
	in->n = more;
	return w;
}

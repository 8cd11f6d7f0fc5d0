/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rebuilds the rows of /proc/PID/maps from a core file: a row per segment, and for what no segment
 * has the rows of its list of files. */
#include "proc/inside.h"
#include "saved/core_priv.h"

#include <elf.h>

#define LOOK_BACK 64	       /* rows searched backwards for a file's first row */
#define HEAP_FAR  (2ull << 30) /* brk begins up to 1 GiB behind the program, at random */

static int by_row(const void *a, const void *b)
{
	const struct core_row *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int by_map(const void *a, const void *b)
{
	const struct proc_map *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static const struct core_row *row_at(const struct core *c, uint64_t addr)
{
	size_t lo = 0, hi = c->file_rows.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct core_row *r = &c->file_rows.v[mid];

		if (addr < r->start)
			hi = mid;
		else if (addr >= r->end)
			lo = mid + 1;
		else
			return r;
	}
	return NULL;
}

static bool covered(const struct core *c, uint64_t start)
{
	size_t lo = 0, hi = c->loads.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (start < c->loads.v[mid].start)
			hi = mid;
		else if (start >= c->loads.v[mid].end)
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

static void set_file(const struct core *c, struct proc_map *m, const struct core_row *r)
{
	m->path = "";
	if (!r || !r->file)
		return;
	m->path = c->files.v[r->file - 1].name;
	m->inode = r->file;
	m->dev = 1;
	m->offset = r->offset + (m->start - r->start);
}

/* Returns the access (PF_*) of a row that the core has left out. The program headers in the file's
 * first page have it, by address, because two segments may share a page of the file. */
static uint32_t flags_of(const struct core *c, const struct core_row *r)
{
	uint8_t head[4096];
	Elf64_Ehdr eh;

	for (const struct core_row *first = r; first >= c->file_rows.v && r - first <= LOOK_BACK;
	     first--) {
		uint64_t addr = r->start - first->start;
		bool is_placed = false;

		if (first->file != r->file || first->offset ||
		    proc_read(c->proc, first->start, head, sizeof(head)))
			continue;
		memcpy(&eh, head, sizeof(eh));
		if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 || eh.e_phoff > sizeof(head))
			return PF_R;
		for (size_t k = 0; k < eh.e_phnum; k++) {
			uint64_t at = eh.e_phoff + k * sizeof(Elf64_Phdr), start;
			Elf64_Phdr ph;

			if (at + sizeof(ph) > sizeof(head))
				break;
			memcpy(&ph, head + at, sizeof(ph));
			if (ph.p_type != PT_LOAD)
				continue;
			start = ph.p_vaddr & ~4095ull;
			addr += is_placed ? 0 : start;
			is_placed = true;
			if (addr >= start && addr < ph.p_vaddr + ph.p_memsz)
				return ph.p_flags;
		}
	}
	return PF_R;
}

static void set_flags(struct proc_map *m, uint32_t flags)
{
	m->readable = flags & PF_R;
	m->writable = flags & PF_W;
	m->executable = flags & PF_X;
}

int core_make_rows(struct core *c)
{
	struct proc *p = c->proc;
	size_t n = 0;

	qsort(c->file_rows.v, c->file_rows.n, sizeof(*c->file_rows.v), by_row);
	for (size_t i = 1; i < c->file_rows.n; i++)
		if (c->file_rows.v[i].start < c->file_rows.v[i - 1].end)
			return fail(-EINVAL, "%s is damaged: its mapped files overlap", c->path);
	p->maps = calloc(c->loads.n + c->file_rows.n, sizeof(*p->maps));
	if (!p->maps)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < c->loads.n; i++) {
		const struct core_load *l = &c->loads.v[i];
		struct proc_map *m = &p->maps[n++];

		*m = (struct proc_map){.start = l->start, .end = l->end};
		set_flags(m, l->flags);
		set_file(c, m, row_at(c, l->start));
	}
	/* flags_of() reads memory and needs the rows so far, which are in order */
	p->n_maps = n;
	for (size_t i = 0; i < c->file_rows.n; i++) {
		const struct core_row *r = &c->file_rows.v[i];
		struct proc_map *m = &p->maps[n];

		if (covered(c, r->start))
			continue;
		n++;
		*m = (struct proc_map){.start = r->start, .end = r->end};
		set_flags(m, flags_of(c, r));
		set_file(c, m, r);
	}
	p->n_maps = n;
	qsort(p->maps, n, sizeof(*p->maps), by_map);
	vec_free(&c->file_rows);
	return 0;
}

/* Does the row begin with the first chunk of glibc's malloc? Nothing is before that, and its size
 * fits. */
static bool begins_with_chunk(const struct proc *p, const struct proc_map *m)
{
	uint64_t head[2];

	return !proc_read(p, m->start, head, sizeof(head)) && !head[0] && (head[1] & 7) == 1 &&
	       (head[1] & ~7ull) >= 32 && (head[1] & ~7ull) <= m->end - m->start;
}

/* Does the heap go on in the next row? It may have two rows in a forked child. */
static bool adjoins(const struct proc_map *m, const struct proc_map *above)
{
	return above->start == m->end && above->writable && !above->inode && !*above->path;
}

void core_name_rows(struct core *c)
{
	struct proc *p = c->proc;
	const struct proc_map *program = proc_find_map(p, c->auxv_phdr), *stack;
	uint64_t end = 0;

	stack = proc_find_map(p, c->auxv_random);
	if (stack && !stack->inode)
		p->maps[stack - p->maps].path = "[stack]";
	if (!program || !program->inode)
		return;
	c->source.program_inode = program->inode;
	c->source.program_dev = program->dev;
	for (size_t i = 0; i < p->n_maps; i++)
		if (p->maps[i].inode == program->inode)
			end = p->maps[i].end;
	for (size_t i = 0; i < p->n_maps; i++) {
		struct proc_map *m = &p->maps[i];

		if (m->start < end || m->start - end > HEAP_FAR || m->inode || !m->writable)
			continue;
		if (begins_with_chunk(p, m)) {
			m->path = "[heap]";
			for (; ++i < p->n_maps && adjoins(m, m + 1); m++)
				m[1].path = "[heap]";
			p->n_maps = proc_join_heap(p->maps, p->n_maps);
			return;
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads segments and notes of a core file. */
#include "saved/core_priv.h"

#include <elf.h>
#include <stdio.h>
#include <sys/procfs.h>
#include <unistd.h>

#define MAX_SEGMENTS (1u << 20)
#define MAX_NOTES    (64u << 20)
#define MAX_FILES    (1u << 17) /* vm.max_map_count is 65530 by default */
#define LOOK_BACK    64 /* files: the rows of one file lie together, but for a few of others */

static int damaged(const struct core *c, const char *what)
{
	return fail(-EINVAL, "%s is damaged: %s", c->path, what);
}

static bool read_at(const struct core *c, uint64_t at, void *buf, size_t len)
{
	return source_piece(c->fd, c->size, at, buf, len);
}

static int check_header(const struct core *c, Elf64_Ehdr *eh)
{
	memset(eh, 0, sizeof(*eh));
	if (!read_at(c, 0, eh, sizeof(*eh)) || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
		return fail(-EINVAL,
			    "%s is not a core file (compressed? unpack it first: "
			    "coredumpctl dump, zstd -d)",
			    c->path);
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64)
		return fail(-ENOTSUP, "%s is of another processor; only 64-bit x86 is supported",
			    c->path);
	if (eh->e_type != ET_CORE)
		return fail(-EINVAL, "%s is an ELF file, but no core file", c->path);
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return damaged(c, "its program headers have an unknown size");
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct core_load *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int add_segment(struct core *c, const Elf64_Phdr *ph)
{
	struct core_load *l;

	if (ph->p_offset > c->size || ph->p_filesz > c->size - ph->p_offset) {
		uint64_t missing = ph->p_offset - c->size + ph->p_filesz;

		return fail(-EINVAL,
			    "%s is cut short: it should have %llu bytes more (a full disk, or a "
			    "limit on core files?)",
			    c->path, (unsigned long long)missing);
	}
	if (ph->p_type == PT_NOTE && !c->notes_size) {
		c->notes_at = ph->p_offset;
		c->notes_size = ph->p_filesz;
	}
	if (ph->p_type != PT_LOAD || !ph->p_memsz)
		return 0;
	if (ph->p_vaddr + ph->p_memsz < ph->p_vaddr || ph->p_filesz > ph->p_memsz ||
	    !source_row_fits(ph->p_vaddr + ph->p_memsz, ph->p_flags & PF_W))
		return damaged(c, "a segment has an impossible size");
	l = vec_push(&c->loads);
	if (!l)
		return fail(-ENOMEM, "out of memory");
	*l = (struct core_load){ph->p_vaddr, ph->p_vaddr + ph->p_memsz, ph->p_offset, ph->p_filesz,
				ph->p_flags};
	return 0;
}

int core_read_segments(struct core *c)
{
	auto_free Elf64_Phdr *ph = NULL;
	Elf64_Ehdr eh;
	uint64_t n;
	int err = check_header(c, &eh);

	if (err)
		return err;
	n = eh.e_phnum;
	if (n == PN_XNUM) {
		Elf64_Shdr sh;

		if (!read_at(c, eh.e_shoff, &sh, sizeof(sh)))
			return damaged(c, "the number of its segments is missing");
		n = sh.sh_info;
	}
	if (n > MAX_SEGMENTS)
		return damaged(c, "it has too many segments");
	ph = calloc(n + 1, sizeof(*ph));
	if (!ph)
		return fail(-ENOMEM, "out of memory");
	if (!read_at(c, eh.e_phoff, ph, n * sizeof(*ph)))
		return fail(-EINVAL, "%s is cut short: its program headers are missing", c->path);
	for (uint64_t i = 0; i < n; i++) {
		err = add_segment(c, &ph[i]);
		if (err)
			return err;
	}
	if (!c->loads.n)
		return damaged(c, "it holds no memory");
	qsort(c->loads.v, c->loads.n, sizeof(*c->loads.v), by_start);
	for (size_t i = 1; i < c->loads.n; i++)
		if (c->loads.v[i].start < c->loads.v[i - 1].end)
			return damaged(c, "its segments overlap");
	return 0;
}

static void take_psinfo(struct core *c, const uint8_t *desc, size_t size)
{
	struct elf_prpsinfo ps;
	char *word, *save = NULL, args[ELF_PRARGSZ + 1];
	size_t n = 0;

	if (size < sizeof(ps))
		return;
	memcpy(&ps, desc, sizeof(ps));
	c->proc->pid = c->proc->ns_pid = ps.pr_pid > 0 ? ps.pr_pid : 0;
	c->proc->ppid = ps.pr_ppid;
	memcpy(c->proc->comm, ps.pr_fname, sizeof(c->proc->comm) - 1);
	memcpy(args, ps.pr_psargs, ELF_PRARGSZ);
	args[ELF_PRARGSZ] = '\0';
	/* blanks inside of words cannot be told from those between words */
	for (word = strtok_r(args, " ", &save); word && n < CORE_MAX_ARGS && !c->proc->cmdline[n];
	     word = strtok_r(NULL, " ", &save)) {
		c->proc->cmdline[n] = strdup(word);
		if (!c->proc->cmdline[n++])
			return;
	}
}

static void take_thread(struct core *c, const uint8_t *desc, size_t size)
{
	struct elf_prstatus st;
	int *tid;

	if (size < sizeof(st) || c->source.tids.n == SOURCE_MAX_TIDS)
		return;
	memcpy(&st, desc, sizeof(st));
	tid = vec_push(&c->source.tids);
	if (tid)
		*tid = st.pr_pid;
}

static void take_auxv(struct core *c, const uint8_t *desc, size_t size)
{
	for (size_t at = 0; at + sizeof(Elf64_auxv_t) <= size; at += sizeof(Elf64_auxv_t)) {
		Elf64_auxv_t a;

		memcpy(&a, desc + at, sizeof(a));
		if (a.a_type == AT_PHDR)
			c->auxv_phdr = a.a_un.a_val;
		else if (a.a_type == AT_RANDOM)
			c->auxv_random = a.a_un.a_val;
	}
}

static uint32_t file_number(struct core *c, const char *name)
{
	struct core_file *f;

	for (size_t i = c->files.n; i-- > 0 && c->files.n - i <= LOOK_BACK;)
		if (!strcmp(c->files.v[i].name, name))
			return (uint32_t)i + 1;
	f = vec_push(&c->files);
	if (!f)
		return 0;
	f->name = name;
	return (uint32_t)c->files.n;
}

/* Reads NT_FILE: a count and the page size; start, end and offset in pages of each row; then the
 * names. */
static int take_files(struct core *c, const uint8_t *desc, size_t size)
{
	const char *name, *end = (const char *)desc + size;
	uint64_t head[2], row[3];

	if (size < sizeof(head))
		return 0;
	memcpy(head, desc, sizeof(head));
	if (head[0] > MAX_FILES || head[0] * sizeof(row) > size - sizeof(head) ||
	    head[1] > 1u << 21)
		return damaged(c, "its list of mapped files makes no sense");
	name = (const char *)desc + sizeof(head) + head[0] * sizeof(row);
	for (uint64_t i = 0; i < head[0]; i++) {
		const char *stop = memchr(name, 0, (size_t)(end - name));
		struct core_row *r;

		if (!stop)
			return damaged(c, "its list of mapped files is cut");
		memcpy(row, desc + sizeof(head) + i * sizeof(row), sizeof(row));
		if (name[0] == '/' && row[0] < row[1] && !((row[0] | row[1]) & 4095)) {
			r = vec_push(&c->file_rows);
			if (!r)
				return fail(-ENOMEM, "out of memory");
			*r = (struct core_row){row[0], row[1], row[2] * head[1],
					       file_number(c, name)};
		}
		name = stop + 1;
	}
	return 0;
}

int core_read_notes(struct core *c)
{
	uint64_t at = 0;
	int err = 0;

	if (!c->notes_size)
		return damaged(c, "it has no notes: whose memory it is cannot be told");
	if (c->notes_size > MAX_NOTES)
		return damaged(c, "its notes are too large");
	c->notes = malloc(c->notes_size);
	if (!c->notes)
		return fail(-ENOMEM, "out of memory");
	if (!read_at(c, c->notes_at, c->notes, c->notes_size))
		return fail(-EIO, "%s cannot be read", c->path);
	while (!err && c->notes_size - at >= sizeof(Elf64_Nhdr)) {
		const uint8_t *desc;
		uint64_t name, padded;
		Elf64_Nhdr n;

		memcpy(&n, c->notes + at, sizeof(n));
		at += sizeof(n);
		name = ((uint64_t)n.n_namesz + 3) & ~3ull;
		padded = ((uint64_t)n.n_descsz + 3) & ~3ull;
		if (name > c->notes_size - at || padded > c->notes_size - at - name)
			return damaged(c, "its notes are cut");
		desc = (const uint8_t *)c->notes + at + name;
		if (n.n_type == NT_PRSTATUS)
			take_thread(c, desc, n.n_descsz);
		else if (n.n_type == NT_PRPSINFO)
			take_psinfo(c, desc, n.n_descsz);
		else if (n.n_type == NT_AUXV)
			take_auxv(c, desc, n.n_descsz);
		else if (n.n_type == NT_FILE && !c->file_rows.n)
			err = take_files(c, desc, n.n_descsz);
		at += name + padded;
	}
	if (!err && !c->file_rows.n)
		return damaged(c, "it does not list the mapped files");
	return err;
}

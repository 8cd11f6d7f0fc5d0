/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by snapshots and core files: reading in pieces, and an ELF file put together again from
 * what was loaded of it. All of it is hostile: sizes are bounded before anything is allocated. */
#include "proc/source.h"

#include <elf.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PHDRS 64
#define MAX_IMAGE (512u << 20)
#define PAGE	  4096u

bool source_piece(int fd, uint64_t size, uint64_t at, void *buf, size_t len)
{
	char *to = buf;

	if (at > size || len > size - at)
		return false;
	while (len) {
		ssize_t got = pread(fd, to, len, (off_t)at);

		if (got <= 0)
			return false;
		to += got;
		at += (uint64_t)got;
		len -= (size_t)got;
	}
	return true;
}

int source_read(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	char *to = buf;

	while (len) {
		ssize_t got = p->source->read(p->source, addr, to, len);

		if (got <= 0)
			return got < 0 ? (int)got : -EFAULT;
		to += got;
		addr += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

/* The program headers of an image of which at least the first bytes are there. Returns their
 * number. */
static size_t program_headers(const uint8_t *elf, size_t size, Elf64_Phdr *out)
{
	Elf64_Ehdr eh;

	if (size < sizeof(eh))
		return 0;
	memcpy(&eh, elf, sizeof(eh));
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_phentsize != sizeof(*out) || eh.e_phnum > MAX_PHDRS || eh.e_phoff > size ||
	    eh.e_phnum * sizeof(*out) > size - eh.e_phoff)
		return 0;
	memcpy(out, elf + eh.e_phoff, eh.e_phnum * sizeof(*out));
	return eh.e_phnum;
}

static bool id_in_notes(const uint8_t *p, uint64_t size, char out[41])
{
	while (size >= sizeof(Elf64_Nhdr)) {
		uint64_t name, desc;
		Elf64_Nhdr n;

		memcpy(&n, p, sizeof(n));
		name = ((uint64_t)n.n_namesz + 3) & ~3ull;
		desc = ((uint64_t)n.n_descsz + 3) & ~3ull;
		if (name + desc > size - sizeof(n))
			return false;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
		    !memcmp(p + sizeof(n), "GNU", 4) && n.n_descsz && n.n_descsz <= 20) {
			for (uint32_t i = 0; i < n.n_descsz; i++)
				snprintf(&out[2 * i], 3, "%02x", p[sizeof(n) + name + i]);
			return true;
		}
		p += sizeof(n) + name + desc;
		size -= sizeof(n) + name + desc;
	}
	return false;
}

void source_build_id(const uint8_t *elf, size_t size, char out[41])
{
	Elf64_Phdr ph[MAX_PHDRS];
	size_t n = program_headers(elf, size, ph);

	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_NOTE && ph[i].p_offset < size &&
		    ph[i].p_filesz <= size - ph[i].p_offset &&
		    id_in_notes(elf + ph[i].p_offset, ph[i].p_filesz, out))
			return;
}

static const struct proc_map *first_row(const struct proc *p, const struct proc_map *of)
{
	for (size_t i = 0; i < p->n_maps; i++) {
		const struct proc_map *m = &p->maps[i];

		if (m->inode == of->inode && m->dev == of->dev && !m->offset)
			return m;
	}
	return NULL;
}

/* The loader adds the bias to the addresses in the dynamic section, in place. */
static void unrelocate(uint8_t *image, size_t size, const Elf64_Phdr *ph, uint64_t bias)
{
	static const int64_t addresses[] = {DT_HASH,   DT_STRTAB, DT_SYMTAB,   DT_RELA,
					    DT_JMPREL, DT_PLTGOT, DT_GNU_HASH, DT_VERSYM};

	if (ph->p_offset > size || ph->p_filesz > size - ph->p_offset)
		return;
	for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= ph->p_filesz; at += sizeof(Elf64_Dyn)) {
		uint8_t *to = image + ph->p_offset + at;
		Elf64_Dyn dyn;

		memcpy(&dyn, to, sizeof(dyn));
		if (dyn.d_tag == DT_NULL)
			return;
		for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
			if (dyn.d_tag == addresses[i] && dyn.d_un.d_ptr >= bias)
				dyn.d_un.d_ptr -= bias;
		memcpy(to, &dyn, sizeof(dyn));
	}
}

static void copy_segment(const struct proc *p, const Elf64_Phdr *ph, uint64_t bias, uint8_t *image,
			 size_t size)
{
	for (uint64_t at = 0; at < ph->p_filesz;) {
		uint64_t addr = bias + ph->p_vaddr + at;
		uint64_t part = PAGE - (addr & (PAGE - 1));

		if (part > ph->p_filesz - at)
			part = ph->p_filesz - at;
		if (ph->p_offset + at + part > size)
			return;
		proc_read(p, addr, image + ph->p_offset + at, part);
		at += part;
	}
}

int source_rebuild_image(const struct proc *p, const struct proc_map *m, uint8_t **bytes,
			 size_t *size)
{
	const struct proc_map *first = first_row(p, m);
	auto_free uint8_t *image = NULL;
	Elf64_Phdr ph[MAX_PHDRS];
	uint8_t head[PAGE];
	uint64_t end = 0, bias = 0;
	bool is_placed = false;
	Elf64_Ehdr eh;
	size_t n;

	if (!first || proc_read(p, first->start, head, sizeof(head)))
		return -ENOENT;
	n = program_headers(head, sizeof(head), ph);
	for (size_t i = 0; i < n; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (ph[i].p_filesz > MAX_IMAGE || ph[i].p_offset > MAX_IMAGE - ph[i].p_filesz ||
		    ph[i].p_filesz > ph[i].p_memsz)
			return -ENOENT;
		if (ph[i].p_offset + ph[i].p_filesz > end)
			end = ph[i].p_offset + ph[i].p_filesz;
		/* The second segment of a small file may begin in the first page, too. */
		if (ph[i].p_offset >= PAGE || is_placed)
			continue;
		bias = first->start - (ph[i].p_vaddr & ~(uint64_t)(PAGE - 1));
		is_placed = true;
	}
	if (end < sizeof(eh))
		return -ENOENT;
	image = calloc(1, end);
	if (!image)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_LOAD)
			copy_segment(p, &ph[i], bias, image, end);
	for (size_t i = 0; i < n && bias; i++)
		if (ph[i].p_type == PT_DYNAMIC)
			unrelocate(image, end, &ph[i], bias);
	/* The section headers lie behind what is loaded. */
	memcpy(&eh, image, sizeof(eh));
	eh.e_shoff = 0;
	eh.e_shnum = eh.e_shstrndx = 0;
	memcpy(image, &eh, sizeof(eh));
	*bytes = take(image);
	*size = end;
	return 0;
}

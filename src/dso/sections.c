/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds sections and segments by what they hold: text, writable data, a name, the build id. */
#include "dso/dso_priv.h"

#include <stdio.h>

#define MAX_NOTES 16

const char *dso_section_name(const struct dso *d, const GElf_Shdr *sh)
{
	size_t strings;
	const char *name;

	if (elf_getshdrstrndx(d->elf, &strings))
		return "";
	name = elf_strptr(d->elf, strings, sh->sh_name);
	return name ? name : "";
}

/* Finds a section's bytes. For one that is loaded they are its segment's, because the loader knows
 * only segments. */
static bool section_range(const struct dso *d, const GElf_Shdr *sh, struct dso_range *out)
{
	size_t avail;

	*out = (struct dso_range){
		.addr = sh->sh_addr, .size = sh->sh_size, .offset = sh->sh_offset};
	if (sh->sh_type == SHT_NOBITS)
		return true;
	if (sh->sh_flags & SHF_ALLOC) {
		out->data = dso_bytes(d, sh->sh_addr, &avail);
		if (!out->data || avail < sh->sh_size)
			return false;
		return !dso_addr_to_offset(d, sh->sh_addr, &out->offset);
	}
	out->data = dso_chunk(d, sh->sh_offset, sh->sh_size);
	return out->data != NULL;
}

int dso_section(const struct dso *d, const char *name, struct dso_range *out)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(d->elf, scn))) {
		GElf_Shdr sh;

		if (gelf_getshdr(scn, &sh) && !strcmp(dso_section_name(d, &sh), name) &&
		    section_range(d, &sh, out))
			return 0;
	}
	return -ENOENT;
}

/* Is the section part of the program's text? The .bolt.org.text that BOLT leaves beside its
 * rewritten copy is: functions that it could not rewrite, the evaluator among them, run there. */
static bool is_program_text(const char *name)
{
	return strncmp(name, ".plt", 4) != 0 && strcmp(name, ".init") != 0 &&
	       strcmp(name, ".fini") != 0;
}

static size_t text_segments(const struct dso *d, struct dso_range *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_segs && n < max; i++) {
		struct dso_seg *s = &d->segs[i];
		const uint8_t *data;

		if (!(s->flags & PF_X))
			continue;
		/* the segment's own bytes: a shorter segment may lie at the same address */
		data = dso_segment(d, s);
		if (data)
			out[n++] = (struct dso_range){s->addr, s->filesz, s->offset, data};
	}
	return n;
}

size_t dso_text(const struct dso *d, struct dso_range *out, size_t max)
{
	Elf_Scn *scn = NULL;
	size_t n = 0;

	while (n < max && (scn = elf_nextscn(d->elf, scn))) {
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_PROGBITS ||
		    !(sh.sh_flags & SHF_EXECINSTR) || !(sh.sh_flags & SHF_ALLOC) ||
		    !is_program_text(dso_section_name(d, &sh)))
			continue;
		/* a section outside the segments shows that the section table is wrong */
		if (!section_range(d, &sh, &out[n]))
			return text_segments(d, out, max);
		n++;
	}
	return n ? n : text_segments(d, out, max);
}

size_t dso_writable(const struct dso *d, struct dso_range *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_segs && n < max; i++)
		if (d->segs[i].flags & PF_W)
			out[n++] = (struct dso_range){d->segs[i].addr, d->segs[i].memsz,
						      d->segs[i].offset, NULL};
	return n;
}

/* Looks for a build id among notes. A note is {u32 name size, u32 descriptor size, u32 type}, then
 * name and descriptor, each padded to 4 bytes (ELF gABI, "Note Section"). */
static bool find_build_id(struct dso *d, const uint8_t *p, uint64_t size)
{
	while (size >= 12) {
		uint32_t head[3];
		uint64_t name, desc;

		memcpy(head, p, 12);
		name = ((uint64_t)head[0] + 3) & ~3ull;
		desc = ((uint64_t)head[1] + 3) & ~3ull;
		if (name + desc > size - 12)
			return false;
		if (head[2] == NT_GNU_BUILD_ID && head[0] == 4 && !memcmp(p + 12, "GNU", 4) &&
		    head[1] && head[1] <= sizeof(d->build_id) / 2) {
			for (uint32_t i = 0; i < head[1]; i++)
				snprintf(&d->build_id[2 * i], 3, "%02x", p[12 + name + i]);
			return true;
		}
		p += 12 + name + desc;
		size -= 12 + name + desc;
	}
	return false;
}

void dso_load_build_id(struct dso *d)
{
	size_t n, notes = 0;

	if (elf_getphdrnum(d->elf, &n))
		return;
	for (size_t i = 0; i < n && notes < MAX_NOTES; i++) {
		const uint8_t *p;
		GElf_Phdr ph;

		if (!gelf_getphdr(d->elf, (int)i, &ph) || ph.p_type != PT_NOTE ||
		    ph.p_filesz > 65536)
			continue;
		notes++;
		p = dso_chunk(d, ph.p_offset, ph.p_filesz);
		if (p && find_build_id(d, p, ph.p_filesz))
			return;
	}
}

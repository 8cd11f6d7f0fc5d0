/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the function that holds an address, by symbol or by call frame information. */
#include "dso/dso_priv.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

struct Elf *dso_elf(const struct dso *d)
{
	return d->elf;
}

static bool is_code(const Elf64_Sym *s)
{
	unsigned type = ELF64_ST_TYPE(s->st_info);

	return s->st_shndx != SHN_UNDEF &&
	       (type == STT_FUNC || type == STT_NOTYPE || type == STT_GNU_IFUNC);
}

/* Ranks the names of one function: the name that is meant for others ranks highest. */
static unsigned rank(const Elf64_Sym *s, const char *name)
{
	return 4 * (ELF64_ST_BIND(s->st_info) == STB_GLOBAL) +
	       2 * (ELF64_ST_TYPE(s->st_info) != STT_NOTYPE) + (name[0] != '_');
}

/* Goes through the table once without sorting it: callers keep the names, so each address is asked
 * for once. */
static void scan(const struct dso_symtab *t, uint64_t addr, Elf64_Sym *best, const char **name)
{
	for (size_t i = 1; i < t->n; i++) {
		const char *have;
		Elf64_Sym s;

		memcpy(&s, t->syms + i * sizeof(s), sizeof(s));
		if (addr - s.st_value >= s.st_size || !is_code(&s) ||
		    !dso_sym_at(t, i, &s, &have) || !have[0])
			continue;
		/* the innermost function is the one that begins last */
		if (*name && (s.st_value < best->st_value || (s.st_value == best->st_value &&
							      rank(&s, have) <= rank(best, *name))))
			continue;
		*best = s;
		*name = have;
	}
}

int dso_function_at(struct dso *d, uint64_t addr, struct dso_sym *out, const char **name)
{
	Elf64_Sym best = {0};

	if (!d->has_symbols)
		dso_load_symbols(d);
	*name = NULL;
	scan(&d->symtab, addr, &best, name);
	scan(&d->dynsym, addr, &best, name);
	if (!*name)
		return -ENOENT;
	*out = (struct dso_sym){best.st_value, best.st_size};
	return 0;
}

/* .eh_frame_hdr as all linkers write it: version and encodings, the address of .eh_frame, the
 * number of entries, and the sorted table of (function, its entry), relative to the section. */
#define HDR_HEAD 12
#define HDR_ROW	 8

static int32_t i32_at(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

struct header {
	uint64_t addr;
	uint64_t n; /* rows */
};

static bool find_header(const struct dso *d, struct header *h)
{
	uint8_t head[HDR_HEAD];
	size_t phdrs;

	if (elf_getphdrnum(d->elf, &phdrs))
		return false;
	for (size_t i = 0; i < phdrs; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(d->elf, (int)i, &ph) || ph.p_type != PT_GNU_EH_FRAME)
			continue;
		if (!dso_copy_bytes(d, ph.p_vaddr, head, sizeof(head)) || head[0] != 1 ||
		    head[2] != DW_EH_PE_udata4 || head[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
			return false;
		*h = (struct header){ph.p_vaddr, (uint32_t)i32_at(head + 8)};
		return h->n > 0;
	}
	return false;
}

struct row {
	uint64_t start, entry;
};

static bool read_row(const struct dso *d, const struct header *h, uint64_t i, struct row *out)
{
	uint8_t p[HDR_ROW];

	if (!dso_copy_bytes(d, h->addr + HDR_HEAD + HDR_ROW * i, p, sizeof(p)))
		return false;
	out->start = h->addr + (uint64_t)(int64_t)i32_at(p);
	out->entry = h->addr + (uint64_t)(int64_t)i32_at(p + 4);
	return true;
}

/* Returns the bytes from the stack pointer at @addr to that of the caller; 0: not known. */
static uint64_t depth_at(const struct dso *d, uint64_t addr)
{
	Dwarf_CFI *cfi = dso_cfi(d);
	Dwarf_Frame *frame = NULL;
	uint64_t depth = 0;
	Dwarf_Op *ops;
	size_t n;

	if (cfi && !dwarf_cfi_addrframe(cfi, addr, &frame)) {
		/* where libdw fails, it has not set @ops */
		if (dwarf_frame_cfa(frame, &ops, &n) || n != 1)
			depth = 0;
		else if (ops[0].atom == DW_OP_bregx && ops[0].number == 7)
			depth = ops[0].number2;
		else if (ops[0].atom == DW_OP_breg7)
			depth = ops[0].number;
		free(frame);
	}
	dwarf_cfi_end(cfi);
	return depth;
}

/* Reads a few bytes at a time, because most callers want one function of a file of megabytes. */
int dso_frame_at(const struct dso *d, uint64_t addr, struct dso_range *out, uint64_t *depth)
{
	uint64_t lo = 0, hi, size;
	struct header h;
	struct row row;
	uint8_t fde[16];

	if (!find_header(d, &h))
		return -ENOENT;
	for (hi = h.n; hi - lo > 1;) { /* the last entry that begins at or before addr */
		uint64_t mid = lo + (hi - lo) / 2;

		if (!read_row(d, &h, mid, &row))
			return -ENOENT;
		if (row.start <= addr)
			lo = mid;
		else
			hi = mid;
	}
	/* the entry: length, CIE, first address, number of bytes, 4 bytes each in this encoding */
	if (!read_row(d, &h, lo, &row) || addr < row.start ||
	    !dso_copy_bytes(d, row.entry, fde, sizeof(fde)))
		return -ENOENT;
	size = (uint32_t)i32_at(fde + 12);
	if (addr - row.start >= size || !dso_holds(d, row.start, size))
		return -ENOENT;
	*out = (struct dso_range){.addr = row.start, .size = size};
	*depth = depth_at(d, row.start);
	return 0;
}

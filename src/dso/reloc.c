/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds dynamic relocations by slot: the loader writes their results into GOT and PLT slots. */
#include "dso/dso_priv.h"

#define MAX_RELAS (4u << 20) /* bound: libraries of hundreds of MB have some 100,000 */

/* Does the relocation put the address of one thing into a slot? Others are left out. */
static bool is_slot_type(uint32_t type)
{
	return type == R_X86_64_GLOB_DAT || type == R_X86_64_JUMP_SLOT || type == R_X86_64_64 ||
	       type == R_X86_64_RELATIVE;
}

static int load_table(struct dso *d, uint64_t addr, uint64_t size)
{
	size_t avail;
	const uint8_t *p = dso_bytes(d, addr, &avail);

	if (!p)
		return 0;
	if (size > avail)
		size = avail;
	for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= size; at += sizeof(Elf64_Rela)) {
		struct dso_rela *r;
		Elf64_Rela e;

		memcpy(&e, p + at, sizeof(e));
		if (!is_slot_type(ELF64_R_TYPE(e.r_info)))
			continue;
		if (d->relas.n >= MAX_RELAS)
			return fail(-ENOEXEC, "%s has an absurd number of relocations", d->path);
		r = vec_push(&d->relas);
		if (!r)
			return fail(-ENOMEM, "out of memory");
		*r = (struct dso_rela){e.r_offset, e.r_addend, ELF64_R_SYM(e.r_info),
				       ELF64_R_TYPE(e.r_info)};
	}
	return 0;
}

static int by_slot(const void *a, const void *b)
{
	const struct dso_rela *x = a, *y = b;

	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

void dso_forget_relocs(struct dso *d)
{
	vec_free(&d->relas);
}

int dso_load_relocs(struct dso *d)
{
	static const struct {
		int64_t addr, size;
	} tables[] = {{DT_RELA, DT_RELASZ}, {DT_JMPREL, DT_PLTRELSZ}};

	if (d->relas.n)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		uint64_t addr, size;
		int err;

		if (!dso_dynamic(d, tables[i].addr, &addr) ||
		    !dso_dynamic(d, tables[i].size, &size))
			continue;
		err = load_table(d, addr, size);
		if (err) {
			dso_forget_relocs(d);
			return err;
		}
	}
	if (d->relas.n)
		qsort(d->relas.v, d->relas.n, sizeof(*d->relas.v), by_slot);
	return 0;
}

static bool describe(const struct dso *d, const struct dso_rela *r, const char **name,
		     uint64_t *addr)
{
	Elf64_Sym s;

	if (r->type == R_X86_64_RELATIVE) {
		*name = "";
		*addr = (uint64_t)r->addend;
		return true;
	}
	if (!dso_sym_at(&d->dynsym, r->sym, &s, name))
		return false;
	*addr = s.st_shndx == SHN_UNDEF ? 0 : s.st_value + (uint64_t)r->addend;
	return true;
}

int dso_reloc(const struct dso *d, uint64_t slot, const char **name, uint64_t *addr)
{
	const struct dso_rela key = {.slot = slot};
	const struct dso_rela *r = NULL;

	if (d->relas.n)
		r = bsearch(&key, d->relas.v, d->relas.n, sizeof(key), by_slot);
	return r && describe(d, r, name, addr) ? 0 : -ENOENT;
}

size_t dso_reloc_slots(const struct dso *d, const char *name, uint64_t *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < d->relas.n && n < max; i++) {
		const char *have;
		uint64_t addr;

		if (d->relas.v[i].type != R_X86_64_RELATIVE && !d->relas.v[i].addend &&
		    describe(d, &d->relas.v[i], &have, &addr) && !strcmp(have, name))
			out[n++] = d->relas.v[i].slot;
	}
	return n;
}

int dso_reloc_slot(const struct dso *d, const char *name, uint64_t *slot)
{
	return dso_reloc_slots(d, name, slot, 1) ? 0 : -ENOENT;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads symbol tables: .dynsym and .symtab by section header, or .dynsym by PT_DYNAMIC when a file
 * has no section headers, which the loader does not need. */
#include "dso/dso_priv.h"

#define MAX_DYNAMIC (1u << 20) /* bytes: files have some 30 entries of 16 bytes */

bool dso_sym_at(const struct dso_symtab *t, size_t i, Elf64_Sym *out, const char **name)
{
	if (i >= t->n)
		return false;
	memcpy(out, t->syms + i * sizeof(*out), sizeof(*out));
	if (out->st_name >= t->str_size)
		return false;
	*name = t->str + out->st_name;
	return true;
}

/* Leaves out what follows the last zero byte, so that all names end within the table. */
static void cut_strings(struct dso_symtab *t)
{
	const char *end = t->str_size ? memrchr(t->str, 0, t->str_size) : NULL;

	t->str_size = end ? (size_t)(end - t->str) + 1 : 0;
}

/* Looks at the first dynamic section only: linkers make no other. */
bool dso_dynamic(const struct dso *d, int64_t tag, uint64_t *out)
{
	size_t n;

	if (elf_getphdrnum(d->elf, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p;
		GElf_Phdr ph;

		if (!gelf_getphdr(d->elf, (int)i, &ph) || ph.p_type != PT_DYNAMIC)
			continue;
		p = ph.p_filesz > MAX_DYNAMIC ? NULL : dso_chunk(d, ph.p_offset, ph.p_filesz);
		for (uint64_t at = 0; p && at + sizeof(Elf64_Dyn) <= ph.p_filesz;
		     at += sizeof(Elf64_Dyn)) {
			Elf64_Dyn dyn;

			memcpy(&dyn, p + at, sizeof(dyn));
			if (dyn.d_tag == DT_NULL)
				break;
			if (dyn.d_tag == tag) {
				*out = dyn.d_un.d_val;
				return true;
			}
		}
		return false;
	}
	return false;
}

/* Returns the number of dynamic symbols, which the dynamic section does not state. The old hash
 * table has it in its second word. The GNU one has not, but linkers put the string table right
 * behind the symbols. Either way the segment bounds it. */
static size_t count_dynsyms(const struct dso *d, uint64_t syms, uint64_t strings, size_t avail)
{
	uint64_t hash, n = 0;

	if (dso_dynamic(d, DT_HASH, &hash)) {
		size_t left;
		const uint8_t *p = dso_bytes(d, hash, &left);
		uint32_t chains;

		if (p && left >= 8) {
			memcpy(&chains, p + 4, 4);
			n = chains;
		}
	}
	if (!n && strings > syms)
		n = (strings - syms) / sizeof(Elf64_Sym);
	return n < avail / sizeof(Elf64_Sym) ? n : avail / sizeof(Elf64_Sym);
}

/* Returns bytes that libelf owns, because dso_forget_bytes() frees those of a segment. */
static const uint8_t *chunk_at(const struct dso *d, uint64_t addr, uint64_t size)
{
	uint64_t offset;

	return dso_addr_to_offset(d, addr, &offset) ? NULL : dso_chunk(d, offset, size);
}

static void load_dynamic(struct dso *d)
{
	uint64_t syms, strings, str_size;
	struct dso_symtab *t = &d->dynsym;
	size_t avail, str_avail;

	if (!dso_dynamic(d, DT_SYMTAB, &syms) || !dso_dynamic(d, DT_STRTAB, &strings) ||
	    !dso_dynamic(d, DT_STRSZ, &str_size) || !dso_bytes(d, strings, &str_avail) ||
	    !dso_bytes(d, syms, &avail))
		return;
	t->str_size = str_size < str_avail ? str_size : str_avail;
	t->n = count_dynsyms(d, syms, strings, avail);
	t->str = (const char *)chunk_at(d, strings, t->str_size);
	t->syms = chunk_at(d, syms, t->n * sizeof(Elf64_Sym));
	if (t->str && t->syms)
		cut_strings(t);
	else
		t->n = 0;
}

static bool load_table(struct dso *d, const GElf_Shdr *sh, struct dso_symtab *t)
{
	Elf_Scn *link = elf_getscn(d->elf, sh->sh_link);
	GElf_Shdr str;

	if (!link || !gelf_getshdr(link, &str) || str.sh_type != SHT_STRTAB)
		return false;
	t->syms = dso_chunk(d, sh->sh_offset, sh->sh_size);
	t->str = (const char *)dso_chunk(d, str.sh_offset, str.sh_size);
	if (!t->syms || !t->str)
		return false;
	t->n = sh->sh_size / sizeof(Elf64_Sym);
	t->str_size = str.sh_size;
	cut_strings(t);
	return true;
}

int dso_load_symbols(struct dso *d)
{
	const uint8_t *versions = NULL;
	uint64_t n_versions = 0;
	Elf_Scn *scn = NULL;

	d->has_symbols = true;
	while ((scn = elf_nextscn(d->elf, scn))) {
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh))
			continue;
		if (sh.sh_type == SHT_DYNSYM && !d->dynsym.n && !load_table(d, &sh, &d->dynsym))
			d->dynsym = (struct dso_symtab){0};
		if (sh.sh_type == SHT_SYMTAB && !d->symtab.n && !load_table(d, &sh, &d->symtab))
			d->symtab = (struct dso_symtab){0};
		if (sh.sh_type == SHT_GNU_versym && !versions) {
			versions = dso_chunk(d, sh.sh_offset, sh.sh_size);
			n_versions = sh.sh_size / 2;
		}
	}
	if (!d->dynsym.n) {
		load_dynamic(d);
		if (!d->dynsym.n)
			d->dynsym = (struct dso_symtab){0};
	}
	/* only now the number of symbols is known */
	if (n_versions >= d->dynsym.n)
		d->dynsym.versions = versions;
	return 0;
}

/* Does the symbol define what is at its address? An indirect function does not: its resolver is
 * there. */
static bool is_definition(const Elf64_Sym *s)
{
	unsigned type = ELF64_ST_TYPE(s->st_info);

	return s->st_shndx != SHN_UNDEF && type != STT_SECTION && type != STT_FILE &&
	       type != STT_GNU_IFUNC;
}

/* Is the symbol kept for old programs only, as `name@V` and not `name@@V`? Bit 15 of its version
 * says so. */
static bool is_hidden(const struct dso_symtab *t, size_t i)
{
	uint16_t v;

	if (!t->versions)
		return false;
	memcpy(&v, t->versions + 2 * i, 2);
	return v & 0x8000;
}

/* Compares names; .symtab may have the version in the name. */
static bool same_name(const char *have, const char *want)
{
	size_t n = strlen(want);

	return !strncmp(have, want, n) && (!have[n] || (have[n] == '@' && have[n + 1] == '@'));
}

static bool lookup(const struct dso_symtab *t, const char *name, struct dso_sym *out)
{
	bool found = false;

	for (size_t i = 1; i < t->n; i++) {
		const char *have;
		Elf64_Sym s;

		if (!dso_sym_at(t, i, &s, &have) || have[0] != name[0] || !is_definition(&s) ||
		    !same_name(have, name))
			continue;
		if (found && is_hidden(t, i))
			continue;
		*out = (struct dso_sym){s.st_value, s.st_size};
		found = true;
		if (!is_hidden(t, i))
			break;
	}
	return found;
}

int dso_symbol(const struct dso *d, const char *name, struct dso_sym *out)
{
	if (lookup(&d->dynsym, name, out) || lookup(&d->symtab, name, out))
		return 0;
	return -ENOENT;
}

bool dso_imports(const struct dso *d, const char *name)
{
	for (size_t i = 1; i < d->dynsym.n; i++) {
		const char *have;
		Elf64_Sym s;

		if (dso_sym_at(&d->dynsym, i, &s, &have) && s.st_shndx == SHN_UNDEF &&
		    !strcmp(have, name))
			return true;
	}
	return false;
}

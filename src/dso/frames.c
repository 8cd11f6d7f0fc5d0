/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks call frame information before libdw reads it. libdw makes a record for each register up to
 * the highest that a program names, copies them for each state that is remembered, and makes a
 * record for each operation of an expression: few bytes of a forged file could take gigabytes.
 * Every entry that libdw can come to is looked at once. Where one is as no compiler writes it, the
 * file has no call frame information that can be trusted. */
#include "dso/dso_priv.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

#define MOST_BYTES	(128u << 20) /* of all entries: the largest libraries have some 40 MiB */
#define MOST_ENTRIES	(1u << 20)
#define MOST_PROGRAM	(64u << 10) /* bytes of one entry */
#define MOST_REGS	128	    /* the ABI of x86-64 has numbers up to 125 for what is saved */
#define MOST_REMEMBERED 64
#define MOST_EXPRESSION 64 /* bytes: those of PLT stubs have 11 */
#define TABLE_HEAD	12 /* as dso_frame_at() reads it */
#define TABLE_ROW	8

struct in {
	const uint8_t *p, *end;
	bool is_bad; /* something is not as it must be, or ends too early */
};

static void skip(struct in *in, uint64_t n)
{
	if (n > (uint64_t)(in->end - in->p)) {
		in->is_bad = true;
		n = (uint64_t)(in->end - in->p);
	}
	in->p += n;
}

static uint64_t take_bytes(struct in *in, size_t n)
{
	const uint8_t *p = in->p;
	uint64_t v = 0;

	skip(in, n);
	if (!in->is_bad)
		memcpy(&v, p, n);
	return v;
}

/* Takes a number of any length; a signed one has as many bytes. */
static uint64_t take_leb128(struct in *in)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70 && in->p < in->end; shift += 7) {
		uint8_t b = *in->p++;

		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	in->is_bad = true;
	return 0;
}

/* Operands of the instructions whose upper two bits are 0. a: an address, r: a register, u: another
 * number, b: a block (an expression), a digit: so many bytes. */
static const char *const operands_of[64] = {
	[DW_CFA_nop] = "",
	[DW_CFA_set_loc] = "a",
	[DW_CFA_advance_loc1] = "1",
	[DW_CFA_advance_loc2] = "2",
	[DW_CFA_advance_loc4] = "4",
	[DW_CFA_MIPS_advance_loc8] = "8",
	[DW_CFA_offset_extended] = "ru",
	[DW_CFA_offset_extended_sf] = "ru",
	[DW_CFA_GNU_negative_offset_extended] = "ru",
	[DW_CFA_val_offset] = "ru",
	[DW_CFA_val_offset_sf] = "ru",
	[DW_CFA_restore_extended] = "r",
	[DW_CFA_undefined] = "r",
	[DW_CFA_same_value] = "r",
	[DW_CFA_register] = "rr",
	[DW_CFA_remember_state] = "",
	[DW_CFA_restore_state] = "",
	[DW_CFA_def_cfa] = "ru",
	[DW_CFA_def_cfa_sf] = "ru",
	[DW_CFA_def_cfa_register] = "r",
	[DW_CFA_def_cfa_offset] = "u",
	[DW_CFA_def_cfa_offset_sf] = "u",
	[DW_CFA_def_cfa_expression] = "b",
	[DW_CFA_expression] = "rb",
	[DW_CFA_val_expression] = "rb",
	[DW_CFA_GNU_args_size] = "u",
};

static void check_operands(struct in *in, const char *kind, unsigned width)
{
	for (; *kind; kind++) {
		uint64_t v;

		if (*kind == 'a' || *kind <= '9') {
			skip(in, *kind == 'a' ? width : (unsigned)(*kind - '0'));
			continue;
		}
		v = take_leb128(in);
		if ((*kind == 'r' && v >= MOST_REGS) || (*kind == 'b' && v > MOST_EXPRESSION))
			in->is_bad = true;
		else if (*kind == 'b')
			skip(in, v);
	}
}

/* @width: bytes of an address. */
static bool check_program(struct in in, unsigned width)
{
	static const char *const short_form[] = {NULL, "", "u", ""}; /* advance, offset, restore */
	unsigned remembered = 0;

	if (in.end - in.p > MOST_PROGRAM)
		return false;
	while (in.p < in.end && !in.is_bad) {
		uint8_t op = *in.p++;
		const char *kind = op >> 6 ? short_form[op >> 6] : operands_of[op];

		if (!kind || (op == DW_CFA_remember_state && ++remembered > MOST_REMEMBERED))
			return false;
		if (op == DW_CFA_restore_state && remembered)
			remembered--;
		check_operands(&in, kind, width);
	}
	return !in.is_bad;
}

/* All entries of .eh_frame or .debug_frame. */
struct frames {
	const uint8_t *p;
	uint64_t size;
	bool is_eh;
	uint8_t *cie, *fde; /* bits: such an entry begins at this offset */
};

struct entry {
	struct in rest; /* behind the number that tells a CIE from an FDE */
	uint64_t next, cie;
	bool is_cie;
};

enum found { FOUND_ENTRY, FOUND_END, FOUND_DAMAGE };

/* Entries of 64-bit DWARF, which no program needs, count as damage. */
static enum found read_entry(const struct frames *f, uint64_t at, struct entry *e)
{
	struct in *in = &e->rest;
	uint64_t length, id;

	if (f->size - at <= 4)
		return FOUND_END;
	*in = (struct in){f->p + at, f->p + f->size, false};
	length = take_bytes(in, 4);
	if (!length)
		return FOUND_END;
	if (length < 5 || length > (uint64_t)(in->end - in->p))
		return FOUND_DAMAGE;
	in->end = in->p + length;
	e->next = at + 4 + length;
	id = take_bytes(in, 4);
	e->is_cie = id == (f->is_eh ? 0 : UINT32_MAX);
	e->cie = f->is_eh ? at + 4 - id : id;
	return FOUND_ENTRY;
}

struct cie {
	struct in program;
	unsigned width; /* bytes of an address in its FDEs */
	bool is_sized;	/* its FDEs have augmentation data */
};

static unsigned width_of(uint8_t encoding)
{
	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return 8;
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4:
		return 4;
	case DW_EH_PE_udata2:
	case DW_EH_PE_sdata2:
		return 2;
	default:
		return 0;
	}
}

/* Reads the data for the letters behind the z of a CIE's augmentation. */
static bool read_augmentation(struct in in, const char *letters, struct cie *out)
{
	for (; *letters; letters++) {
		uint8_t encoding = *letters == 'S' ? 0 : (uint8_t)take_bytes(&in, 1);

		if (*letters == 'R' && encoding < DW_EH_PE_aligned)
			out->width = width_of(encoding);
		else if (*letters == 'P' && width_of(encoding))
			skip(&in, width_of(encoding));
		else if (*letters != 'L' && *letters != 'S')
			return false;
	}
	return out->width && !in.is_bad;
}

static bool read_cie(struct in in, struct cie *out)
{
	uint64_t version = take_bytes(&in, 1), size;
	char letters[8] = "";
	size_t n = 0;

	*out = (struct cie){.width = 8};
	while (n < sizeof(letters) && (letters[n] = (char)take_bytes(&in, 1)) != '\0')
		n++;
	if (n == sizeof(letters) || (version != 1 && version != 3 && version != 4))
		return false;
	if (version == 4 &&
	    take_bytes(&in, 2) != 8) /* the width of addresses, and of segments: none */
		return false;
	take_leb128(&in); /* factors of code and data, and the register of the return address */
	take_leb128(&in);
	if (version == 1)
		skip(&in, 1);
	else
		take_leb128(&in);
	if (n) {
		out->is_sized = true;
		size = take_leb128(&in);
		out->program = in;
		skip(&in, size);
		out->program.end = in.p;
		if (letters[0] != 'z' || in.is_bad ||
		    !read_augmentation(out->program, letters + 1, out))
			return false;
	}
	out->program = in;
	return !in.is_bad;
}

static bool check_fde(struct in in, const struct cie *cie)
{
	skip(&in, 2 * cie->width); /* the first address, and the number of bytes */
	if (cie->is_sized)
		skip(&in, take_leb128(&in));
	return !in.is_bad && check_program(in, cie->width);
}

static bool is_set(const struct frames *f, const uint8_t *bits, uint64_t at)
{
	return at < f->size && bits[at / 8] >> at % 8 & 1;
}

/* libdw goes from one entry to the next where there is no table, and from an FDE to its CIE. */
static bool check_entries(const struct frames *f)
{
	uint64_t n = 0, last = UINT64_MAX;
	struct entry e, of;
	enum found found;
	struct cie cie = {0};

	for (uint64_t at = 0; (found = read_entry(f, at, &e)) == FOUND_ENTRY; at = e.next) {
		if (e.next > MOST_BYTES || ++n > MOST_ENTRIES)
			return false;
		if (e.is_cie && (!read_cie(e.rest, &cie) || !check_program(cie.program, cie.width)))
			return false;
		(e.is_cie ? f->cie : f->fde)[at / 8] |= (uint8_t)(1 << at % 8);
	}
	if (found == FOUND_DAMAGE)
		return false;
	for (uint64_t at = 0; read_entry(f, at, &e) == FOUND_ENTRY; at = e.next) {
		if (e.is_cie)
			continue;
		if (!is_set(f, f->cie, e.cie))
			return false;
		if (e.cie != last &&
		    (read_entry(f, e.cie, &of) != FOUND_ENTRY || !read_cie(of.rest, &cie)))
			return false;
		last = e.cie;
		if (!check_fde(e.rest, &cie))
			return false;
	}
	return true;
}

/* Does each row of the table (.eh_frame_hdr) lead to an entry, not into the middle of one? */
static bool check_table(const struct frames *f, uint64_t addr, const struct dso_range *t)
{
	const uint8_t *p = t->data;
	uint32_t n;
	int32_t to;

	if (t->size < TABLE_HEAD - 4 || p[0] != 1 || p[1] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4))
		return false;
	if (p[2] == DW_EH_PE_omit)
		return true;
	if (t->size < TABLE_HEAD || p[2] != DW_EH_PE_udata4 ||
	    p[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return false;
	memcpy(&n, p + TABLE_HEAD - 4, sizeof(n));
	if (n > (t->size - TABLE_HEAD) / TABLE_ROW)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(&to, p + TABLE_HEAD + (uint64_t)TABLE_ROW * i + 4, sizeof(to));
		if (!is_set(f, f->fde, t->addr + (uint64_t)(int64_t)to - addr))
			return false;
	}
	return true;
}

static bool check(const struct dso_range *entries, const struct dso_range *table, bool is_eh)
{
	struct frames f = {.p = entries->data, .size = entries->size, .is_eh = is_eh};
	bool ok;

	f.cie = calloc(f.size / 8 + 1, 1);
	f.fde = calloc(f.size / 8 + 1, 1);
	ok = f.cie && f.fde && check_entries(&f) &&
	     (!table->data || check_table(&f, entries->addr, table));
	free(f.cie);
	free(f.fde);
	return ok;
}

static void take_data(const Elf_Data *data, struct dso_range *out)
{
	out->data = data ? data->d_buf : NULL;
	out->size = out->data ? data->d_size : 0;
}

/* Finds what libdw reads, as it does: the first .eh_frame, and the last table before it. False:
 * there is no such section. */
static bool find_sections(const struct dso *d, struct dso_range *entries, struct dso_range *table)
{
	Elf_Scn *scn = NULL, *last = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(d->elf, &names) || !names)
		return false;
	while ((scn = elf_nextscn(d->elf, scn))) {
		const char *name = gelf_getshdr(scn, &sh) ? dso_section_name(d, &sh) : "";

		if (!strcmp(name, ".eh_frame_hdr")) {
			last = scn;
			table->addr = sh.sh_addr;
		} else if (!strcmp(name, ".eh_frame")) {
			entries->addr = sh.sh_addr;
			if (sh.sh_type != SHT_NOBITS)
				take_data(elf_rawdata(scn, NULL), entries);
			if (last)
				take_data(elf_rawdata(last, NULL), table);
			return true;
		}
	}
	return false;
}

/* Without sections libdw goes by the first segment of this type, and takes the rest of the file for
 * entries. */
static void find_segment(const struct dso *d, struct dso_range *entries, struct dso_range *table)
{
	size_t n, whole;
	int32_t to;

	if (elf_getphdrnum(d->elf, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(d->elf, (int)i, &ph))
			return;
		if (ph.p_type != PT_GNU_EH_FRAME)
			continue;
		take_data(
			elf_getdata_rawchunk(d->elf, (int64_t)ph.p_offset, ph.p_filesz, ELF_T_BYTE),
			table);
		if (table->size < TABLE_HEAD - 4 || !elf_rawfile(d->elf, &whole))
			return;
		memcpy(&to, table->data + 4, sizeof(to));
		table->addr = ph.p_vaddr;
		entries->addr = ph.p_vaddr + 4 + (uint64_t)(int64_t)to;
		entries->offset = entries->addr - ph.p_vaddr + ph.p_offset;
		take_data(elf_getdata_rawchunk(d->elf, (int64_t)entries->offset,
					       whole - entries->offset, ELF_T_BYTE),
			  entries);
		return;
	}
}

/* libdw reads the whole section; of a file without such a section it reads the whole file. */
static bool is_too_large(const struct dso *d)
{
	uint64_t sum = 0;
	bool found = false;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(d->elf, scn))) {
		const char *name = gelf_getshdr(scn, &sh) ? dso_section_name(d, &sh) : "";

		if (strncmp(name, ".eh_frame", 9) != 0)
			continue;
		found = found || !name[9];
		if (sh.sh_size > DSO_MAX_SEG_BYTES || (sum += sh.sh_size) > DSO_MAX_SEG_BYTES)
			return true;
	}
	return !found && d->file_size > DSO_MAX_SEG_BYTES;
}

static bool can_be_trusted(const struct dso *d)
{
	struct dso_range entries = {0}, table = {0};

	if (is_too_large(d))
		return false;
	if (!find_sections(d, &entries, &table))
		find_segment(d, &entries, &table);
	return entries.data && check(&entries, &table, true);
}

static void say_no(const char *path)
{
	log_debug("%s has no unwinding data that can be trusted", path);
}

Dwarf_CFI *dso_cfi(const struct dso *d)
{
	struct dso_state *s = d->state;

	if (!s->checked_frames) {
		s->checked_frames = true;
		s->trusts_frames = can_be_trusted(d);
		if (!s->trusts_frames)
			say_no(d->path);
	}
	return s->trusts_frames ? dwarf_getcfi_elf(d->elf) : NULL;
}

Dwarf_CFI *dso_debug_cfi(Dwarf *dwarf, const char *path)
{
	Elf *elf = dwarf_getelf(dwarf);
	const struct dso_range none = {0};
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		struct dso_range entries = {0};
		const char *name;
		GElf_Shdr sh;

		name = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;
		/* whatever precedes or follows it, for libdw knows several forms of the name */
		if (!name || !strstr(name, "debug_frame") || sh.sh_type == SHT_NOBITS)
			continue;
		take_data(elf_getdata(scn, NULL), &entries);
		if (entries.data && !check(&entries, &none, false)) {
			say_no(path);
			return NULL;
		}
	}
	return dwarf_getcfi(dwarf);
}

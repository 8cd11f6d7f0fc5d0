/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ELF reader on good files, on damaged ones and on noise. */
#include "dso/dso_priv.h"
#include "unit.h"

#include <elf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char self[] = "/proc/self/exe";

/* A symbol of this program that the dynamic loader never sees. */
__attribute__((noinline, used)) static int landmark(int x)
{
	return x * 3 + 1;
}

struct image {
	uint8_t *v;
	size_t n;
};

/* A small real library to damage: libelf, libz … whatever is mapped and below 1 MiB; else
 * ourselves. */
static struct image load(const char *path)
{
	struct image im = {0};
	struct stat st;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	im.n = (size_t)st.st_size;
	im.v = malloc(im.n);
	assert_non_null(im.v);
	assert_int_equal(read(fd, im.v, im.n), im.n);
	close(fd);
	return im;
}

static char tmp_path[] = "/tmp/pyleak-test-dso-XXXXXX";

static int make_tmp(void **state)
{
	int fd = mkstemp(tmp_path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_tmp(void **state)
{
	(void)state;
	return unlink(tmp_path);
}

static void write_tmp(const void *data, size_t n)
{
	int fd = open(tmp_path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	close(fd);
}

/* Ask everything there is to ask. */
static void exercise(const struct dso *d)
{
	struct dso_range r[40];
	struct dso_sym sym;
	uint64_t v, slots[8];
	const char *name;
	size_t avail, n;

	(void)dso_symbol(d, "main", &sym);
	(void)dso_symbol(d, "malloc", &sym);
	(void)dso_imports(d, "malloc");
	(void)dso_section(d, ".text", &r[0]);
	(void)dso_section(d, ".note.gnu.build-id", &r[0]);
	(void)dso_has_symtab(d);
	(void)dso_build_id(d);
	(void)dso_base(d);
	n = dso_text(d, r, ARRAY_SIZE(r));
	for (size_t i = 0; i < n; i++) {
		assert_non_null(r[i].data);
		/* Both ends must be readable: the sanitizer watches. */
		if (r[i].size)
			assert_true(r[i].data[0] + r[i].data[r[i].size - 1] >= 0);
		(void)dso_addr_to_offset(d, r[i].addr, &v);
		(void)dso_bytes(d, r[i].addr + r[i].size / 2, &avail);
	}
	(void)dso_writable(d, r, ARRAY_SIZE(r));
	(void)dso_offset_to_addr(d, 64, &v);
	(void)dso_reloc_slots(d, "malloc", slots, ARRAY_SIZE(slots));
	if (!dso_reloc_slot(d, "malloc", &v))
		(void)dso_reloc(d, v, &name, &slots[0]);
}

static void reads_its_own_program(void **state)
{
	struct dso_range text, all[32];
	struct dso_sym sym;
	struct dso *d;
	const uint8_t *code;
	uint64_t offset, addr;
	uint8_t few[8];
	size_t avail, n;

	(void)state;
	assert_int_equal(dso_open(self, &d), 0);
	assert_string_equal(dso_path(d), self);
	assert_true(dso_has_symtab(d));
	assert_int_equal(dso_symbol(d, "landmark", &sym), 0);
	assert_true(sym.size > 0);
	code = dso_bytes(d, sym.addr, &avail);
	assert_non_null(code);
	assert_true(avail >= sym.size);
	assert_memory_equal(code, (const void *)(uintptr_t)landmark, sym.size);
	assert_true(dso_copy_bytes(d, sym.addr, few, sizeof(few)));
	assert_memory_equal(few, code, sizeof(few));
	assert_false(dso_copy_bytes(d, sym.addr + avail - sizeof(few) + 1, few, sizeof(few)));
	assert_int_equal(dso_addr_to_offset(d, sym.addr, &offset), 0);
	assert_int_equal(dso_offset_to_addr(d, offset, &addr), 0);
	assert_int_equal(addr, sym.addr);
	assert_int_equal(dso_section(d, ".text", &text), 0);
	assert_true(sym.addr - text.addr < text.size);
	n = dso_text(d, all, ARRAY_SIZE(all));
	assert_in_range(n, 1, ARRAY_SIZE(all));
	for (size_t i = 0; i < n; i++)
		assert_non_null(all[i].data);
	assert_true(dso_writable(d, all, ARRAY_SIZE(all)) >= 1);
	dso_close(d);
}

static void knows_what_a_slot_is_relocated_with(void **state)
{
	struct dso *d;
	const char *name;
	uint64_t slot, slots[2], addr;

	(void)state;
	assert_int_equal(dso_open(self, &d), 0);
	assert_true(dso_imports(d, "mkstemp"));
	assert_false(dso_imports(d, "landmark"));
	assert_int_equal(dso_reloc_slot(d, "mkstemp", &slot), 0);
	assert_int_equal(dso_reloc(d, slot, &name, &addr), 0);
	assert_string_equal(name, "mkstemp");
	assert_int_equal(addr, 0);
	assert_int_equal(dso_reloc(d, slot + 1, &name, &addr), -ENOENT);
	/* Relocations can be forgotten, and loaded again more than once. */
	dso_forget_relocs(d);
	assert_int_equal(dso_reloc(d, slot, &name, &addr), -ENOENT);
	assert_int_equal(dso_load_relocs(d), 0);
	assert_int_equal(dso_load_relocs(d), 0);
	assert_int_equal(dso_reloc(d, slot, &name, &addr), 0);
	assert_int_equal(dso_reloc_slots(d, "mkstemp", slots, ARRAY_SIZE(slots)), 1);
	dso_close(d);
}

static void build_id_is_hex_or_empty(void **state)
{
	struct dso *d;
	const char *id;

	(void)state;
	assert_int_equal(dso_open(self, &d), 0);
	id = dso_build_id(d);
	assert_int_equal(strspn(id, "0123456789abcdef"), strlen(id));
	dso_close(d);
}

static void unknown_names_and_addresses_are_not_found(void **state)
{
	struct dso_range r;
	struct dso_sym sym;
	struct dso *d;
	uint64_t v;
	size_t avail;

	(void)state;
	assert_int_equal(dso_open(self, &d), 0);
	assert_int_equal(dso_symbol(d, "no_such_symbol_here", &sym), -ENOENT);
	assert_int_equal(dso_section(d, ".nothing", &r), -ENOENT);
	assert_int_equal(dso_reloc_slot(d, "no_such_symbol_here", &v), -ENOENT);
	assert_null(dso_bytes(d, 1ull << 62, &avail));
	assert_int_equal(dso_addr_to_offset(d, 1ull << 62, &v), -ERANGE);
	assert_int_equal(dso_offset_to_addr(d, 1ull << 62, &v), -ERANGE);
	dso_close(d);
}

static void finds_dynamic_symbols_without_section_headers(void **state)
{
	struct image im = load(self);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)im.v;
	struct dso_range text[4];
	struct dso_sym sym;
	struct dso *d;
	uint64_t slot;

	(void)state;
	eh->e_shoff = 0;
	eh->e_shnum = 0;
	eh->e_shstrndx = 0;
	write_tmp(im.v, im.n);
	assert_int_equal(dso_open(tmp_path, &d), 0);
	assert_false(dso_has_symtab(d));
	assert_true(dso_imports(d, "mkstemp"));
	assert_int_equal(dso_reloc_slot(d, "mkstemp", &slot), 0);
	assert_true(dso_text(d, text, ARRAY_SIZE(text)) >= 1);
	/* They are not among the bytes that are given back: the sanitizer watches. */
	dso_forget_bytes(d);
	assert_int_equal(dso_symbol(d, "stderr", &sym), 0);
	assert_true(dso_imports(d, "mkstemp"));
	dso_close(d);
	free(im.v);
}

static Elf64_Shdr *section_of_type(const struct image *im, uint32_t type)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)im->v;
	Elf64_Shdr *sh = (Elf64_Shdr *)(im->v + eh->e_shoff);

	for (size_t i = 0; i < eh->e_shnum; i++)
		if (sh[i].sh_type == type)
			return &sh[i];
	fail_msg("no section of type %#x", type);
	return NULL;
}

/* The symbols are found without their section, by another count than that of the versions. */
static void versions_may_be_fewer_than_symbols(void **state)
{
	struct image im = load(self);
	struct dso_sym sym;
	struct dso *d;

	(void)state;
	section_of_type(&im, SHT_DYNSYM)->sh_type = SHT_PROGBITS;
	section_of_type(&im, SHT_SYMTAB)->sh_type = SHT_PROGBITS;
	section_of_type(&im, SHT_GNU_versym)->sh_size = 2;
	write_tmp(im.v, im.n);
	assert_int_equal(dso_open(tmp_path, &d), 0);
	assert_int_equal(dso_symbol(d, "stderr", &sym), 0); /* the sanitizer watches */
	dso_close(d);
	free(im.v);
}

#define LONG_TABLE (16u << 20)
#define MANY_SYMS  200000

/* Each name begins before the only zero byte, and could be looked for up to there. */
static void names_are_not_searched_for_their_ends(void **state)
{
	const size_t syms = 4096, strings = syms + MANY_SYMS * sizeof(Elf64_Sym);
	const size_t n = strings + LONG_TABLE;
	uint8_t *v = calloc(1, n);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)v;
	Elf64_Phdr *ph = (Elf64_Phdr *)(v + sizeof(*eh));
	Elf64_Shdr *sh = (Elf64_Shdr *)(v + 1024);
	const uint64_t began = clock_ns();
	struct dso_sym sym;
	struct dso *d;

	(void)state;
	assert_non_null(v);
	*eh = (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(*eh),
		.e_shoff = 1024,
		.e_ehsize = sizeof(*eh),
		.e_phentsize = sizeof(*ph),
		.e_phnum = 1,
		.e_shentsize = sizeof(*sh),
		.e_shnum = 3,
	};
	*ph = (Elf64_Phdr){.p_type = PT_LOAD, .p_filesz = 4096, .p_memsz = 4096};
	sh[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
			     .sh_offset = syms,
			     .sh_size = MANY_SYMS * sizeof(Elf64_Sym),
			     .sh_link = 2,
			     .sh_entsize = sizeof(Elf64_Sym)};
	sh[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = strings, .sh_size = LONG_TABLE};
	memset(v + strings, 'a', LONG_TABLE);
	v[n - 2] = '\0'; /* what follows has no end */
	for (size_t i = 0; i < MANY_SYMS; i++)
		((Elf64_Sym *)(v + syms))[i] = (Elf64_Sym){
			.st_name = i + 1 < MANY_SYMS ? 0 : LONG_TABLE - 1, .st_shndx = 1};
	assert_int_equal(dso_open_bytes("made up", v, n, &d), 0);
	assert_int_equal(dso_symbol(d, "b", &sym), -ENOENT);
	assert_int_equal(dso_symbol(d, "a", &sym), -ENOENT); /* the sanitizer watches */
	assert_true(clock_ns() - began < 10000000000ull);
	dso_close(d);
}

static void one_file_takes_so_much_memory(void **state)
{
	struct dso *d;

	(void)state;
	assert_int_equal(dso_open(self, &d), 0);
	d->state->kept = DSO_MAX_KEPT - 64;
	assert_null(dso_chunk(d, 0, 65));
	assert_non_null(dso_chunk(d, 0, 64));
	assert_null(dso_chunk(d, 0, 1));
	dso_close(d);
}

/* They would take memory while the file is opened, or when it is asked for one name. */
static void refuses_numbers_and_names_without_bounds(void **state)
{
	struct image im = load(self);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)im.v, good = *eh;
	Elf64_Shdr *names = (Elf64_Shdr *)(im.v + eh->e_shoff) + eh->e_shstrndx;
	uint64_t size = names->sh_size;
	struct dso *d;

	(void)state;
	for (int i = 0; i < 5; i++) {
		*eh = good;
		eh->e_shnum = i == 1 ? 0 : good.e_shnum;
		eh->e_phnum = i == 2 ? PN_XNUM : good.e_phnum;
		names->sh_flags = i == 3 ? SHF_COMPRESSED : 0;
		names->sh_size = i == 4 ? DSO_MAX_NAMES + 1 : size;
		write_tmp(im.v, im.n);
		assert_int_equal(dso_open(tmp_path, &d), i ? -ENOEXEC : 0);
		dso_close(d);
	}
	free(im.v);
}

/* Call frame information of a file that is long, but for the most part has no blocks. */
static void reads_no_frames_without_bounds(void **state)
{
	const off_t whole = DSO_MAX_SEG_BYTES + (64 << 20);
	struct image im = load(self);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)im.v;
	Elf64_Shdr *sh = (Elf64_Shdr *)(im.v + eh->e_shoff), *frames = NULL;
	const char *names = (const char *)im.v + sh[eh->e_shstrndx].sh_offset;
	struct dso *d;

	(void)state;
	assert_int_equal(dso_open(self, &d), 0);
	dwarf_cfi_end(dso_cfi(d));
	dso_close(d);
	for (size_t i = 0; i < eh->e_shnum; i++)
		if (!strcmp(names + sh[i].sh_name, ".eh_frame"))
			frames = &sh[i];
	assert_non_null(frames);
	frames->sh_size = DSO_MAX_SEG_BYTES + 1;
	for (int without_sections = 0; without_sections < 2; without_sections++) {
		if (without_sections)
			eh->e_shoff = eh->e_shnum = eh->e_shstrndx = 0;
		write_tmp(im.v, im.n);
		assert_int_equal(truncate(tmp_path, whole), 0);
		assert_int_equal(dso_open(tmp_path, &d), 0);
		assert_null(dso_cfi(d));
		dso_close(d);
	}
	free(im.v);
}

static void refuses_what_is_no_program(void **state)
{
	static const struct {
		const char *name, *data;
		size_t n;
	} rows[] = {
		{"nothing", "", 0},
		{"one byte", "\x7f", 1},
		{"only the magic",
		 "\x7f"
		 "ELF",
		 4},
		{"a script", "#!/bin/sh\nexit 0\n", 17},
		{"an archive", "!<arch>\n", 8},
		{"a header that ends early",
		 "\x7f"
		 "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\76\0",
		 20},
		{"32-bit",
		 "\x7f"
		 "ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0"
		 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		 52},
	};
	struct dso *d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		write_tmp(rows[i].data, rows[i].n);
		if (dso_open(tmp_path, &d) != -ENOEXEC)
			fail_msg("accepted: %s", rows[i].name);
		assert_null(d);
	}
	assert_non_null(strstr(fail_text(), "32-bit"));
	assert_int_equal(dso_open("/no/such/file", &d), -ENOENT);
	assert_int_equal(dso_open("/tmp", &d), -ENOEXEC);
	assert_int_equal(dso_open("/dev/null", &d), -ENOEXEC);
}

static void refuses_truncated_files(void **state)
{
	struct image im = load(self);
	const size_t step = im.n / 64 + 1;
	struct dso *d;

	(void)state;
	write_tmp(im.v, im.n);
	/* The first cuts hit section headers, which are not needed: no crash is all we ask. */
	for (size_t n = im.n - 1; n >= 4096; n = n > step ? n - step : 0) {
		assert_int_equal(truncate(tmp_path, (off_t)n), 0);
		if (!dso_open(tmp_path, &d))
			exercise(d);
		dso_close(d);
	}
	for (off_t n = 67 * 61; n >= 0; n -= 61) {
		assert_int_equal(truncate(tmp_path, n), 0);
		assert_int_equal(dso_open(tmp_path, &d), -ENOEXEC);
	}
	free(im.v);
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

struct damage {
	uint64_t at, old;
};

/* One to eight places: in the headers, in the section table, or anywhere. */
static size_t damage(const struct image *im, int fd, uint64_t *seed, struct damage *list)
{
	static const uint64_t odd[] = {0,	  1,	      0x7f,	  0xffff,
				       0xfffffff, 0xffffffff, 1ull << 62, UINT64_MAX};
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)im->v;
	size_t n = next(seed) % 8 + 1;

	for (size_t i = 0; i < n; i++) {
		uint64_t where = next(seed) % 4, at, v;

		at = where == 0	  ? next(seed) % 1024
		     : where == 1 ? eh->e_shoff + next(seed) % (eh->e_shnum * 64u)
				  : next(seed) % im->n;
		if (at + 8 > im->n)
			at = 0;
		memcpy(&list[i].old, im->v + at, 8);
		list[i].at = at;
		v = next(seed) & 1 ? odd[next(seed) % ARRAY_SIZE(odd)]
				   : list[i].old ^ (1ull << next(seed) % 64);
		assert_int_equal(pwrite(fd, &v, 1u << next(seed) % 4, (off_t)at) > 0, 1);
	}
	return n;
}

static void survives_damaged_files(void **state)
{
	const uint64_t deadline = clock_ns() + 2000000000u;
	struct image im = load(self);
	uint64_t seed = 2463534242u;
	int opened = 0, i, fd;

	(void)state;
	write_tmp(im.v, im.n);
	fd = open(tmp_path, O_WRONLY);
	assert_true(fd >= 0);
	for (i = 0; i < 5000 && clock_ns() < deadline; i++) {
		struct damage list[8];
		size_t n = damage(&im, fd, &seed, list);
		struct dso *d;

		if (!dso_open(tmp_path, &d)) {
			exercise(d);
			opened++;
		}
		dso_close(d);
		while (n--)
			assert_int_equal(pwrite(fd, &im.v[list[n].at], 8, (off_t)list[n].at), 8);
	}
	print_message("%d damaged files, %d of them opened\n", i, opened);
	close(fd);
	free(im.v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_its_own_program),
		cmocka_unit_test(knows_what_a_slot_is_relocated_with),
		cmocka_unit_test(build_id_is_hex_or_empty),
		cmocka_unit_test(unknown_names_and_addresses_are_not_found),
		cmocka_unit_test(finds_dynamic_symbols_without_section_headers),
		cmocka_unit_test(versions_may_be_fewer_than_symbols),
		cmocka_unit_test(names_are_not_searched_for_their_ends),
		cmocka_unit_test(one_file_takes_so_much_memory),
		cmocka_unit_test(refuses_numbers_and_names_without_bounds),
		cmocka_unit_test(reads_no_frames_without_bounds),
		cmocka_unit_test(refuses_what_is_no_program),
		cmocka_unit_test(refuses_truncated_files),
		cmocka_unit_test(survives_damaged_files),
	};

	return cmocka_run_group_tests(tests, make_tmp, remove_tmp);
}

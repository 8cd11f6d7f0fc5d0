/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Call frame information as compilers write it, and as only a forger does: libdw would take
 * gigabytes for a few bytes of that. */
#include "dso/dso_priv.h"
#include "unit.h"

#include <elf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <link.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_MEMORY (32 << 10) /* KiB */

static char dir[] = "/tmp/pyleak-cfi-XXXXXX";

/* Makes a library of one function, whose call frame information has these instructions, too. */
static void assemble(const char *sections, const char *cfi)
{
	char path[64], command[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/a.s", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		".cfi_sections %s\n"
		".globl named\n"
		".type named, @function\n"
		"named: .cfi_startproc\n"
		"push %%rbx\n"
		".cfi_def_cfa_offset 16\n"
		".cfi_offset rbx, -16\n"
		"%s\n"
		"pop %%rbx\n"
		".cfi_def_cfa_offset 8\n"
		"ret\n"
		".cfi_endproc\n"
		".size named, .-named\n"
		".section .note.GNU-stack,\"\",@progbits\n",
		sections, cfi);
	fclose(f);
	snprintf(command, sizeof(command), "gcc -shared %s/a.s -o %s/a.so", dir, dir);
	assert_int_equal(system(command), 0);
}

static struct dso *open_library(void)
{
	char path[64];
	struct dso *d;

	snprintf(path, sizeof(path), "%s/a.so", dir);
	assert_int_equal(dso_open(path, &d), 0);
	return d;
}

/* The library of .debug_frame: returns its call frame information. */
static Dwarf_CFI *open_debug(Dwarf **dwarf)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/a.so", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	*dwarf = dwarf_begin(fd, DWARF_C_READ);
	assert_non_null(*dwarf);
	close(fd);
	return dso_debug_cfi(*dwarf, path);
}

static const struct {
	const char *name, *cfi;
	bool is_good;
} rows[] = {
	{"as compilers do", "", true},
	{"a state", ".cfi_remember_state\n.cfi_restore_state", true},
	{"the last register", ".cfi_escape 0x08, 0x7f", true},
	{"states one after the other", ".rept 200\n.cfi_escape 0x0a, 0x0b\n.endr", true},
	{"an expression", ".cfi_escape 0x10, 6, 2, 0x77, 0x08", true},
	{"a register of a quarter of a GiB", ".cfi_escape 0x08, 0xff, 0xff, 0xff, 0x0f", false},
	{"one that is saved", ".cfi_escape 0x05, 0xff, 0xff, 0xff, 0x0f, 1", false},
	{"one in a register", ".cfi_escape 0x09, 0xff, 0xff, 0xff, 0x0f, 1", false},
	{"one as at first", ".cfi_escape 0x06, 0xff, 0xff, 0xff, 0x0f", false},
	{"one by a value", ".cfi_escape 0x16, 0xff, 0xff, 0xff, 0x0f, 1, 0x30", false},
	{"one more than there are", ".cfi_escape 0x08, 0x80, 0x01", false},
	{"states within states", ".cfi_escape 0x08, 0x7f\n.rept 60000\n.cfi_escape 0x0a\n.endr",
	 false},
	{"no end", ".rept 70000\n.cfi_escape 0\n.endr", false},
	{"a long expression", ".cfi_escape 0x0f, 0xac, 0x02\n.rept 300\n.cfi_escape 0x96\n.endr",
	 false},
	{"an expression behind the end", ".cfi_escape 0x0f, 0x3f", false},
	{"a number behind the end", ".rept 40\n.cfi_escape 0x80\n.endr", false},
	{"no instruction", ".cfi_escape 0x3e", false},
};

/* In a child, because libdw may take what it wants there, up to a limit. Returns 0: no more memory
 * was taken than an honest file needs. */
static int ask_all(bool is_debug)
{
	const struct rlimit most __attribute__((unused)) = {2ul << 30, 2ul << 30};
	struct rusage before, after;
	Dwarf *dwarf = NULL;
	struct dso *d = open_library();
	Dwarf_Frame *frame;
	struct dso_range fn;
	struct dso_sym sym;
	Dwarf_CFI *cfi;
	uint64_t depth;

#ifndef __SANITIZE_ADDRESS__ /* which takes terabytes of addresses */
	if (setrlimit(RLIMIT_AS, &most))
		return 2;
#endif
	if (dso_symbol(d, "named", &sym))
		return 2;
	getrusage(RUSAGE_SELF, &before);
	cfi = is_debug ? open_debug(&dwarf) : dso_cfi(d);
	for (uint64_t at = sym.addr; cfi && at < sym.addr + sym.size; at++)
		if (!dwarf_cfi_addrframe(cfi, at, &frame))
			free(frame);
	dso_frame_at(d, sym.addr, &fn, &depth);
	getrusage(RUSAGE_SELF, &after);
	return after.ru_maxrss - before.ru_maxrss > MOST_MEMORY;
}

static void check_rows(bool is_debug)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		Dwarf *dwarf = NULL;
		struct dso *d = NULL;
		Dwarf_CFI *cfi;
		int status;
		pid_t pid;

		assemble(is_debug ? ".debug_frame" : ".eh_frame", rows[i].cfi);
		pid = fork();
		if (!pid)
			_exit(ask_all(is_debug));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status)
			fail_msg("%s: status %#x", rows[i].name, status);
		if (!is_debug)
			d = open_library();
		cfi = is_debug ? open_debug(&dwarf) : dso_cfi(d);
		if ((cfi != NULL) != rows[i].is_good)
			fail_msg("%s: %s", rows[i].name, cfi ? "accepted" : "refused");
		if (!is_debug)
			dwarf_cfi_end(cfi);
		dwarf_end(dwarf);
		dso_close(d);
	}
}

static void frames_that_are_loaded(void **state)
{
	(void)state;
	check_rows(false);
}

static void frames_of_debug_information(void **state)
{
	(void)state;
	check_rows(true);
}

static uint8_t *read_library(size_t *n)
{
	static uint8_t image[1 << 20];
	char path[64];
	uint8_t *v;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/a.so", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = read(fd, image, sizeof(image));
	close(fd);
	assert_in_range(got, sizeof(Elf64_Ehdr), sizeof(image) - 1);
	*n = (size_t)got;
	v = malloc(*n);
	assert_non_null(v);
	memcpy(v, image, *n);
	return v;
}

/* Adds to a word of the section at @offset. Returns: does the file have call frame information? */
static bool with_damage(const char *section, uint64_t offset, uint32_t add, bool has_sections)
{
	struct dso *d = open_library();
	struct dso_range where;
	Dwarf_CFI *cfi;
	bool is_good[2];
	uint32_t word;
	uint8_t *v;
	size_t n;

	assert_int_equal(dso_section(d, section, &where), 0);
	dso_close(d);
	v = read_library(&n);
	memcpy(&word, v + where.offset + offset, sizeof(word));
	word += add;
	memcpy(v + where.offset + offset, &word, sizeof(word));
	if (!has_sections)
		((Elf64_Ehdr *)v)->e_shoff = ((Elf64_Ehdr *)v)->e_shnum =
			((Elf64_Ehdr *)v)->e_shstrndx = 0;
	assert_int_equal(dso_open_bytes("made up", v, n, &d), 0);
	for (int i = 0; i < 2; i++) { /* it is checked once */
		cfi = dso_cfi(d);
		is_good[i] = cfi;
		dwarf_cfi_end(cfi);
	}
	dso_close(d);
	assert_int_equal(is_good[0], is_good[1]);
	return is_good[0];
}

/* libdw would read what lies there as an entry. */
static void entries_that_begin_within_others(void **state)
{
	const uint64_t fde = 24; /* behind the CIE that gcc's assembler writes */

	(void)state;
	assemble(".eh_frame", "");
	assert_true(with_damage(".eh_frame", 0, 0, true));
	assert_false(with_damage(".eh_frame_hdr", 12 + 4, 4, true));	/* a row of the table */
	assert_false(with_damage(".eh_frame_hdr", 12 + 4, -24u, true)); /* to the CIE */
	assert_false(with_damage(".eh_frame_hdr", 8, 1000, true));
	assert_false(with_damage(".eh_frame", fde + 4, 4, true)); /* to its CIE */
	assert_false(with_damage(".eh_frame", fde + 4, -4u, true));
	assert_false(with_damage(".eh_frame", fde, 4096, true)); /* its length */
	assert_false(with_damage(".eh_frame", 8, 1, true));	 /* the version of the CIE */
	assert_false(with_damage(".eh_frame", 8, 1 << 8, true)); /* its augmentation */
}

/* libdw takes all behind the address in the table for entries, up to a length of 0. */
static void frames_without_sections(void **state)
{
	(void)state;
	assemble(".eh_frame", "");
	assert_true(with_damage(".eh_frame", 0, 0, false));
	assert_false(with_damage(".eh_frame_hdr", 12 + 4, 4, false));
	assert_false(with_damage(".eh_frame", 24 + 4, 4, false));
}

static int check_loaded(struct dl_phdr_info *info, size_t size, void *n)
{
	Dwarf_CFI *cfi;
	struct dso *d;

	(void)size;
	if (!strncmp(info->dlpi_name, "linux-vdso", 10))
		return 0; /* no file */
	assert_int_equal(dso_open(info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe", &d), 0);
	cfi = dso_cfi(d);
	if (!cfi)
		fail_msg("%s was refused", dso_path(d));
	dwarf_cfi_end(cfi);
	dso_close(d);
	++*(int *)n;
	return 0;
}

static void libraries_of_the_host(void **state)
{
	int n = 0;

	(void)state;
	dl_iterate_phdr(check_loaded, &n);
	assert_in_range(n, 4, 100);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_that_are_loaded),
		cmocka_unit_test(frames_of_debug_information),
		cmocka_unit_test(entries_that_begin_within_others),
		cmocka_unit_test(frames_without_sections),
		cmocka_unit_test(libraries_of_the_host),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

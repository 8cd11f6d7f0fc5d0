/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Entry places in the C library that this test itself runs on. */
#include "places/places.h"
#include "probe/probe.h"
#include "unit.h"

#include <link.h>

#define RDX    2
#define RSP    4
#define RSI    6
#define RDI    7
#define BIT(n) (1u << (n))

static const struct {
	const char *name;
	uint32_t args;
	bool second; /* is there one? */
} rows[] = {
	{"malloc", BIT(RDI), false},
	{"free", BIT(RDI), false},
	{"calloc", BIT(RDI) | BIT(RSI), true},
	{"realloc", BIT(RDI) | BIT(RSI), true},
	{"posix_memalign", BIT(RDI) | BIT(RDX), true},
	{"aligned_alloc", BIT(RSI), false},
	{"memalign", BIT(RSI), false},
	{"mmap", BIT(RSI), false},
	{"munmap", BIT(RDI) | BIT(RSI), true},
};

static char libc_path[512];

static int note_libc(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	if (strstr(info->dlpi_name, "/libc.so"))
		snprintf(libc_path, sizeof(libc_path), "%s", info->dlpi_name);
	return 0;
}

static int open_libc(void **state)
{
	struct dso *d;

	dl_iterate_phdr(note_libc, NULL);
	if (dso_open(libc_path, &d))
		return -1;
	*state = d;
	return 0;
}

static int close_libc(void **state)
{
	dso_close(*state);
	return 0;
}

/* Every kernel from 5.10 on emulates these. */
static bool is_emulated(const uint8_t *p, size_t n)
{
	if (n < 6)
		return false;
	return (p[0] & 0xf8) == 0x50 || (p[0] == 0x41 && (p[1] & 0xf8) == 0x50) || /* push */
	       (p[0] & 0xf0) == 0x70 || (p[0] == 0x0f && (p[1] & 0xf0) == 0x80) || /* jcc */
	       p[0] == 0xe8 || p[0] == 0xe9 || p[0] == 0xeb ||			   /* call, jmp */
	       p[0] == 0x90 || (p[0] == 0x66 && p[1] == 0x90);			   /* nop */
}

static void finds_an_emulated_place_at_the_entry_of_each_allocator(void **state)
{
	const struct dso *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct places_point p;
		struct dso_sym sym;
		const uint8_t *code;
		uint64_t addr;
		size_t avail;
		int second = 99;

		assert_int_equal(dso_symbol(d, rows[i].name, &sym), 0);
		if (places_find_entry(d, rows[i].name, rows[i].args, false, &p, &second))
			fail_msg("%s: %s", rows[i].name, fail_text());
		code = dso_bytes(d, p.addr, &avail);
		assert_non_null(code);
		print_message("%-15s +%-3llu %02x %02x reg %u second %d\n", rows[i].name,
			      (unsigned long long)(p.addr - sym.addr), code[0], code[1], p.site.reg,
			      second);
		assert_true(is_emulated(code, avail));
		assert_true(p.addr - sym.addr < 64);
		assert_int_equal(dso_offset_to_addr(d, p.offset, &addr), 0);
		assert_int_equal(addr, p.addr);
		assert_true(p.site.reg < 16 && p.site.reg != RSP);
		assert_true(rows[i].second ? second >= 0 && second < 16 && second != p.site.reg
					   : second == -1);
	}
}

static void finds_places_for_return_probes_where_the_stack_is_untouched(void **state)
{
	static const char *const names[] = {"malloc", "calloc", "realloc", "memalign"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct places_point p;

		assert_int_equal(places_find_entry(*state, names[i], 0, true, &p, NULL), 0);
	}
}

static void says_which_function_is_missing(void **state)
{
	struct places_point p;
	int second;

	assert_int_equal(
		places_find_entry(*state, "no_such_function", BIT(RDI), false, &p, &second),
		-ENOENT);
	assert_non_null(strstr(fail_text(), "no_such_function"));
}

static void refuses_registers_that_carry_no_argument(void **state)
{
	struct places_point p;
	int second;

	assert_int_equal(places_find_entry(*state, "malloc", BIT(RSP), false, &p, &second),
			 -EINVAL);
}

static void takes_no_address_that_begins_no_function(void **state)
{
	const struct dso *d = *state;
	struct dso_range data[4];
	struct places_point p;
	struct dso_sym sym;

	assert_int_equal(dso_symbol(d, "malloc", &sym), 0);
	assert_int_equal(places_find_entry_at(d, sym.addr, "malloc", BIT(RDI), &p), 0);
	assert_true(p.addr - sym.addr < 64);
	for (uint64_t addr = sym.addr + 1; addr < sym.addr + 64; addr++)
		assert_int_not_equal(places_find_entry_at(d, addr, "part", BIT(RDI), &p), 0);
	assert_true(dso_writable(d, data, ARRAY_SIZE(data)));
	assert_int_equal(places_find_entry_at(d, data[0].addr, "data", BIT(RDI), &p), -ENOENT);
	assert_int_equal(places_find_entry_at(d, 64, "header", BIT(RDI), &p), -ENOENT);
	assert_int_equal(places_find_entry_at(d, ~0ull, "none", BIT(RDI), &p), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_an_emulated_place_at_the_entry_of_each_allocator),
		cmocka_unit_test(finds_places_for_return_probes_where_the_stack_is_untouched),
		cmocka_unit_test(says_which_function_is_missing),
		cmocka_unit_test(takes_no_address_that_begins_no_function),
		cmocka_unit_test(refuses_registers_that_carry_no_argument),
	};

	return cmocka_run_group_tests(tests, open_libc, close_libc);
}

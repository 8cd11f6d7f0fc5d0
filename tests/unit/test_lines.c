/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Line tables of all three formats, from real compilers and from noise; strings; usedpools. */
#include "linetable/linetable.h"
#include "py/py_priv.h"

#include "unit/self.h"

#include <unistd.h>

/* def f(a):      line 1
 *     x = a      line 2
 *     return x   line 3
 * and, in the last rows of each table, what the format can say beyond that. */
struct row {
	const char *name;
	uint8_t tab[24];
	size_t len;
	int first, offset, want;
};

typedef int (*walker)(const uint8_t *tab, size_t len, int first, int offset);

static void check_rows(walker walk, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int got = walk(rows[i].tab, rows[i].len, rows[i].first, rows[i].offset);

		if (got != rows[i].want)
			fail_msg("%s: line %d instead of %d", rows[i].name, got, rows[i].want);
	}
}

static void lnotab_follows_pairs(void **state)
{
	static const struct row rows[] = {
		{"first instruction", {0, 1, 4, 1}, 4, 1, 0, 2},
		{"inside the first line", {0, 1, 4, 1}, 4, 1, 3, 2},
		{"second line", {0, 1, 4, 1}, 4, 1, 4, 3},
		{"far behind the end", {0, 1, 4, 1}, 4, 1, 10000, 3},
		{"negative delta", {0, 5, 6, 0xfe}, 4, 10, 6, 13},
		{"a jump of 300 bytes", {255, 0, 45, 7}, 4, 1, 299, 1},
		{"behind that jump", {255, 0, 45, 7}, 4, 1, 300, 8},
		{"a jump of 200 lines", {2, 127, 0, 73}, 4, 1, 2, 201},
		{"empty", {0}, 0, 42, 10, 42},
		{"odd length", {0, 1, 4}, 3, 1, 4, 2},
	};

	(void)state;
	check_rows(linetable_lnotab, rows, ARRAY_SIZE(rows));
}

static void table310_follows_ranges(void **state)
{
	static const struct row rows[] = {
		{"first range", {4, 1, 4, 1}, 4, 1, 0, 2},
		{"second range", {4, 1, 4, 1}, 4, 1, 4, 3},
		{"behind the end: the first line", {4, 1, 4, 1}, 4, 1, 8, 1},
		{"negative delta", {4, 5, 2, 0xfd}, 4, 10, 4, 12},
		{"empty range moves the line", {0, 100, 0, 50, 2, 1}, 6, 1, 0, 152},
		{"no line: the first line", {4, 1, 2, 0x80, 2, 1}, 6, 1, 4, 1},
		{"no line does not move", {4, 1, 2, 0x80, 2, 1}, 6, 1, 6, 3},
		{"empty", {0}, 0, 42, 10, 42},
		{"odd length", {4, 1, 4}, 3, 7, 5, 7},
	};

	(void)state;
	check_rows(linetable_310, rows, ARRAY_SIZE(rows));
}

static void locations_follow_entries(void **state)
{
	static const struct row rows[] = {
		/* 3.11.2's table of the function above: 0x80 short, 0xd8 one line on */
		{"resume",
		 {0x80, 0x00, 0xd8, 0x08, 0x09, 0x80, 0x41, 0xd8, 0x0b, 0x0c},
		 10,
		 1,
		 0,
		 1},
		{"x = a",
		 {0x80, 0x00, 0xd8, 0x08, 0x09, 0x80, 0x41, 0xd8, 0x0b, 0x0c},
		 10,
		 1,
		 2,
		 2},
		{"x = a, store",
		 {0x80, 0x00, 0xd8, 0x08, 0x09, 0x80, 0x41, 0xd8, 0x0b, 0x0c},
		 10,
		 1,
		 4,
		 2},
		{"return x",
		 {0x80, 0x00, 0xd8, 0x08, 0x09, 0x80, 0x41, 0xd8, 0x0b, 0x0c},
		 10,
		 1,
		 6,
		 3},
		{"behind the end", {0x80, 0x00}, 2, 9, 2, 9},
		{"no columns, signed delta -3", {0xe8, 0x07}, 2, 10, 0, 7},
		{"no columns, delta 100", {0xe9, 0x48, 0x03}, 3, 10, 2, 110},
		{"long form", {0xf0, 0x06, 0x02, 0x05, 0x09, 0x80, 0x00}, 7, 10, 0, 13},
		{"entry behind a long form",
		 {0xf0, 0x06, 0x02, 0x05, 0x09, 0xd8, 1, 2},
		 8,
		 10,
		 2,
		 14},
		{"no location", {0xf9, 0xd8, 0x01, 0x02}, 4, 5, 2, 5},
		{"behind no location", {0xf9, 0xd8, 0x01, 0x02}, 4, 5, 4, 6},
		{"eight units", {0xdf, 0x01, 0x02}, 3, 5, 15, 6},
		{"stray bytes before an entry", {0x01, 0x7f, 0xd8, 0x01, 0x02}, 5, 5, 0, 6},
		{"a cut varint", {0xe8, 0x40}, 2, 5, 0, 5},
		{"empty", {0}, 0, 42, 10, 42},
	};

	(void)state;
	check_rows(linetable_locations, rows, ARRAY_SIZE(rows));
}

/* Two rules of one line each are at the same line, wherever in it; not when the next one is lower.
 */
static void a_hash_is_of_lines_alone(void **state)
{
	static const uint8_t one[] = {0x80, 0x00, 0xd8, 0x08, 0x09, 0x80, 0x41},
			     columns[] = {0x98, 0x30, 0xd8, 0x28, 0x39, 0x80, 0},
			     below[] = {0x80, 0x00, 0xd8, 0x08, 0x09, 0xd8, 0x08, 0x09},
			     later[] = {0x80, 0x00, 0x80, 0x41, 0xd8, 0x08, 0x09};
	uint64_t hash = linetable_hash(one, sizeof(one), 1, 6);

	(void)state;
	assert_int_not_equal(hash, 0);
	assert_int_equal(linetable_hash(columns, sizeof(columns), 1, 6), hash);
	assert_int_not_equal(linetable_hash(below, sizeof(below), 1, 6), hash);
	assert_int_not_equal(linetable_hash(later, sizeof(later), 1, 6), hash);
	for (int64_t bytes = 0; bytes < 12; bytes += 2)
		assert_int_equal(!linetable_hash(one, sizeof(one), 1, bytes), bytes != 6);
}

/* To 3.10 every pair tells, and what the table says of the length. Code may have no table. */
static void a_hash_is_of_pairs(void **state)
{
	static const uint8_t one[] = {0, 1, 4, 1}, below[] = {0, 1, 4, 2}, later[] = {2, 1, 4, 1};
	uint64_t hash = linetable_hash_pairs(one, sizeof(one), 8, false);

	(void)state;
	assert_int_not_equal(hash, 0);
	assert_int_not_equal(linetable_hash_pairs(below, sizeof(below), 8, false), hash);
	assert_int_not_equal(linetable_hash_pairs(later, sizeof(later), 8, false), hash);
	assert_int_not_equal(linetable_hash_pairs(one, 0, 8, false), 0);
	for (int64_t bytes = 0; bytes < 8; bytes++) {
		assert_int_equal(!linetable_hash_pairs(one, sizeof(one), bytes, true), bytes != 4);
		assert_int_equal(!linetable_hash_pairs(one, sizeof(one), bytes, false), bytes < 4);
	}
	assert_int_equal(linetable_hash_pairs(one, 3, 8, false), 0);
}

static void noise_ends_and_stays_in_bounds(void **state)
{
	static const walker walkers[] = {linetable_lnotab, linetable_310, linetable_locations};

	(void)state;
	srandom(7);
	for (int i = 0; i < 30000; i++) {
		size_t len = (size_t)random() % 64;
		uint8_t *tab = malloc(len + !len);

		assert_non_null(tab);
		for (size_t k = 0; k < len; k++)
			tab[k] = (uint8_t)random();
		for (size_t w = 0; w < ARRAY_SIZE(walkers); w++)
			walkers[w](tab, len, (int)random(), (int)random() % 512);
		linetable_hash(tab, len, (int)random(), random() % 512);
		linetable_hash_pairs(tab, len, random() % 512, false);
		free(tab);
	}
}

static void strings_become_utf8(void **state)
{
	static const uint16_t wide[] = {0x20ac, 'x', 0xd800, 0x4e2d};
	static const uint32_t widest[] = {0x1f40d, 0};
	static const uint32_t beyond[] = {0x110000};
	static const uint8_t latin[] = {'n', 0xe9};
	/* A name of bytes, as os.fsdecode() makes it: those that are no UTF-8 are kept. */
	static const uint16_t escaped[] = {0xdc80, '/', 0xdcff, 0xdc7f, 0xdd00};
	char buf[32], tiny[3];

	(void)state;
	assert_int_equal(py_decode_chars(latin, 2, 1, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "n\xc3\xa9");
	assert_int_equal(py_decode_chars((const uint8_t *)wide, 4, 2, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "\xe2\x82\xacx\xef\xbf\xbd\xe4\xb8\xad");
	assert_int_equal(py_decode_chars((const uint8_t *)widest, 2, 4, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "\xf0\x9f\x90\x8d\xef\xbf\xbd");
	assert_int_equal(py_decode_chars((const uint8_t *)escaped, 5, 2, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "\x80/\xff\xef\xbf\xbd\xef\xbf\xbd");
	assert_int_equal(py_decode_chars((const uint8_t *)beyond, 1, 4, buf, sizeof(buf)), -EILSEQ);
	assert_int_equal(py_decode_chars(latin, 2, 3, buf, sizeof(buf)), -EILSEQ);
	/* Never half a character. */
	assert_int_equal(py_decode_chars(latin, 2, 1, tiny, sizeof(tiny)), 0);
	assert_string_equal(tiny, "n");
}

static void usedpools_has_a_shape(void **state)
{
	const uint64_t at = 0x959d20;
	uint64_t slots[64], pools[32];

	(void)state;
	for (uint64_t c = 0; c < 32; c++)
		slots[2 * c] = slots[2 * c + 1] = at + 16 * c - 16;
	assert_true(py_looks_like_usedpools(slots, at, 16384, pools));
	assert_int_equal(pools[3], 0);
	slots[6] = slots[7] = 0x7f0000004000;
	assert_true(py_looks_like_usedpools(slots, at, 16384, pools));
	assert_int_equal(pools[3], 0x7f0000004000);
	/* 4 KiB pools of 3.8 are no pools of 3.10. */
	slots[6] = 0x7f0000001000;
	assert_true(py_looks_like_usedpools(slots, at, 4096, pools));
	assert_false(py_looks_like_usedpools(slots, at, 16384, pools));
	assert_false(py_looks_like_usedpools(slots, at + 8, 4096, pools));
}

static void every_version_has_a_table(void **state)
{
	(void)state;
	for (int minor = PY_FIRST_MINOR; minor <= py_last_minor(); minor++) {
		const struct py_build b = py_table(minor);

		assert_int_equal(b.minor, minor);
		/* One read of frame_size bytes covers what the walker wants. */
		assert_true(b.walk.frame_instr + 4 <= b.walk.frame_size);
		assert_true(b.walk.frame_code + 8 <= b.walk.frame_size);
		assert_true(b.walk.frame_back + 8 <= b.walk.frame_size);
		assert_true(b.walk.frame_owner == PL_NONE ||
			    b.walk.frame_owner < b.walk.frame_size);
		assert_int_equal(b.walk.code_tag_mask, minor >= 14 ? 3 : 0);
	}
	for (const struct py_debug_member *m = py_debug_members; m->name; m++)
		for (size_t i = 0; i < PY_DEBUG_VERSIONS; i++)
			assert_true(m->pos[i] + 8 <= PY_DEBUG_BYTES);
	assert_int_equal(py_table(PY_FIRST_MINOR - 1).minor, 0);
	assert_int_equal(py_table(py_last_minor() + 1).minor, 0);
}

/* _Py_DebugOffsets of our own making; words that say where a member of 3.13 lies. Each one lies
 * alone: behind the end of what is copied. */
static void offsets_behind_the_copy_are_refused(void **state)
{
	static const struct {
		uint16_t pos, good, bad;
		const char *name;
	} rows[] = {
		{232, 8, 72, "frame.previous"},
		{240, 0, 60000, "frame.executable"},
		{248, 56, 65, "frame.instr_ptr"},
		{264, 70, 72, "frame.owner"},
		{256, 72, 4096, "frame.localsplus"},
		{280, 112, 60000, "code.filename"},
		{288, 120, 200, "code.name"},
		{296, 128, 300, "code.qualname"},
		{304, 136, 4096, "code.linetable"},
		{312, 68, 197, "code.firstlineno"},
		{408, 24, 60000, "tuple.ob_item"},
		{432, 24, 32, "list.ob_item"},
		{456, 32, 60000, "dict.ma_keys"},
		{464, 40, 60000, "dict.ma_values"},
		{528, 32, 60000, "bytes.ob_sval"},
		{544, 32, 60000, "str.state"},
		{560, 40, 4096, "str.asciiobject_size"},
	};
	static const uint16_t fixed[][2] = {
		{160, 0}, {168, 8}, {176, 16}, {360, 8}, {376, 24}, {416, 16}, {520, 16}, {552, 16},
	};
	uint64_t raw[888 / 8] = {0};
	struct proc *self = self_open();
	struct py_runtime rt = {
		.proc = self, .minor = 13, .version = "3.13.0", .runtime = (uintptr_t)raw};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		raw[fixed[i][0] / 8] = fixed[i][1];
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		raw[rows[i].pos / 8] = rows[i].good;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct py_build b = py_table(13);

		if (py_read_debug_offsets(&rt, &b))
			fail_msg("%s", fail_text());
		raw[rows[i].pos / 8] = rows[i].bad;
		assert_int_equal(py_read_debug_offsets(&rt, &b), -ENOTSUP);
		if (!strstr(fail_text(), rows[i].name))
			fail_msg("'%s' does not say '%s'", fail_text(), rows[i].name);
		raw[rows[i].pos / 8] = rows[i].good;
	}
	proc_close(self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_behind_the_copy_are_refused),
		cmocka_unit_test(lnotab_follows_pairs),
		cmocka_unit_test(table310_follows_ranges),
		cmocka_unit_test(locations_follow_entries),
		cmocka_unit_test(a_hash_is_of_lines_alone),
		cmocka_unit_test(a_hash_is_of_pairs),
		cmocka_unit_test(noise_ends_and_stays_in_bounds),
		cmocka_unit_test(strings_become_utf8),
		cmocka_unit_test(usedpools_has_a_shape),
		cmocka_unit_test(every_version_has_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

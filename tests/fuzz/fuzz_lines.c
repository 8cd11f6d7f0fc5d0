/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Line tables of code objects, of all three formats.
 *
 * reads: src/linetable/linetable.c
 */
#include "fuzz/fuzz.h"
#include "linetable/linetable.h"

static const int first[] = {0, 1, 100, INT32_MAX - 1, INT32_MAX, -1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	int line = first[in_u8(&in) % ARRAY_SIZE(first)], at = (int)in_word(&in, 4);
	char *table = in_text(&in);
	const uint8_t *t = (const uint8_t *)table;
	size_t n = size > 5 ? size - 5 : 0;
	const int where[] = {at, at & 0xffff, at & 0xff, 0};

	for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
		linetable_lnotab(t, n, line, where[i]);
		linetable_310(t, n, line, where[i]);
		linetable_locations(t, n, line, where[i]);
	}
	free(table);
	return 0;
}

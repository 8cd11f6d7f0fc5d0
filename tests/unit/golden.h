/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Exact outputs, kept in tests/golden; UPDATE_GOLDEN=1 writes them anew. */
#ifndef PYLEAK_TESTS_GOLDEN_H
#define PYLEAK_TESTS_GOLDEN_H

#include "unit.h"

#include <stdio.h>

/* @text must be the golden file of this name, byte for byte. */
static inline void golden_compare(const char *name, const char *text, size_t size)
{
	char path[256], *want;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (getenv("UPDATE_GOLDEN")) {
		f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(text, 1, size, f), size);
		assert_int_equal(fclose(f), 0);
	}
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing: run from the root of the tree", path);
	want = calloc(1, size + 2);
	assert_non_null(want);
	n = fread(want, 1, size + 1, f);
	fclose(f);
	if (n != size || memcmp(want, text, size) != 0)
		fail_msg("not as in %s; it is now:\n%.*s", path, (int)size, text);
	free(want);
}

#endif

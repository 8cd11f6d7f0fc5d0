/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The place of a line in a source file that a target names.
 *
 * reads: src/report/place.c
 */
#include "fuzz/fuzz.h"
#include "report/place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size}, name, text;
	int line = (int16_t)in_word(&in, 2), first = (int16_t)in_word(&in, 2);
	auto_free char *function = NULL, *copy = NULL;

	name = in_part(&in);
	text = in_part(&in);
	function = strndup((const char *)name.p, name.n);
	copy = malloc(text.n + 1);
	if (!function || !copy)
		return 0;
	if (text.n)
		memcpy(copy, text.p, text.n);
	copy = realloc(copy, text.n ? text.n : 1);
	place_by(place_of_source(copy, text.n, function, first, line));
	place_by(place_of_source(copy, text.n, "<module>", first, line));
	place_by(place_of_offset(first, line));
	return 0;
}

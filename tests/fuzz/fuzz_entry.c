/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The place in a function's entry where a probe may sit, in code that lies.
 *
 * reads: src/places/entry.c
 */
#include "dso/dso.h"
#include "fuzz/fuzz.h"
#include "places/places.h"
#include "probe/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const name[] = {"malloc", "calloc", "realloc", "free"};
	struct fuzz_in in = {data, size};
	uint32_t mask = in_u16(&in);
	bool want_return = in_u8(&in) & 1;
	struct places_point point;
	struct dso *d;
	uint8_t *copy;
	int second;

	in_word(&in, 5);
	if (!in.n)
		return 0;
	copy = malloc(in.n);
	memcpy(copy, in.p, in.n);
	if (dso_open_bytes("fuzz", copy, in.n, &d))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		places_find_entry(d, name[i], 1u << 7, want_return, &point, &second);
		places_find_entry(d, name[i], mask, want_return, &point, &second);
	}
	dso_close(d);
	return 0;
}

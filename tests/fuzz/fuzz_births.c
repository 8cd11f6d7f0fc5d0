/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The decoder that looks for the places where objects come to life, in code that lies.
 *
 * reads: src/places/births.c src/places/births_word.c src/places/births_scan.c
 * reads: src/places/births_state.c src/places/births_follow.c src/places/births_complete.c
 */
#include "dso/dso.h"
#include "fuzz/fuzz.h"
#include "places/places.h"
#include "probe/probe.h"

static const int minor[] = {8, 11, 13, 15};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	int version = minor[in_u8(&in) % ARRAY_SIZE(minor)];
	struct places_births_report report;
	struct places points = {0};
	struct dso *d;
	uint8_t *copy;

	in_word(&in, 7);
	if (!in.n)
		return 0;
	copy = malloc(in.n);
	memcpy(copy, in.p, in.n);
	if (dso_open_bytes("fuzz", copy, in.n, &d))
		return 0;
	if (!places_find_births(d, version, &points, &report))
		for (size_t i = 0; i < points.n; i++)
			if (points.v[i].site.reg > 15)
				abort();
	places_free(&points);
	dso_close(d);
	return 0;
}

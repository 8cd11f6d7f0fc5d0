/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A snapshot that lies: as a file, or as what is in its records, then packed and with right
 * checksums.
 *
 * reads: src/saved/snapshot.c src/saved/snapshot_records.c src/proc/source.c src/proc/maps.c
 * apart: proc_read_maps: the rows of a process that runs, which fuzz_maps reads
 */
#include "fuzz/fuzz.h"
#include "fuzz/saved.h"
#include "saved/snapshot_priv.h"
#include "saved/saved.h"

#include <zstd.h>

#define MAX_FILE (512u << 10)

static uint8_t file[MAX_FILE];

/* A record of the input: type, runs, size, flags; the runs; the bytes. Appended as in a file. */
static size_t put_record(size_t at, struct fuzz_in *in)
{
	struct snap_record r = {.type = in_u8(in), .runs = in_u8(in), .size = in_u16(in)};
	uint8_t lies = in_u8(in), *data;
	struct snap_run run[256];
	size_t room, packed, n;

	for (uint32_t i = 0; i < r.runs; i++)
		run[i] = (struct snap_run){in_u64(in), in_word(in, 3)};
	n = r.size < in->n ? r.size : in->n;
	if (!(lies & 1))
		r.size = n;
	room = sizeof(r) + r.runs * sizeof(*run) + ZSTD_compressBound(n);
	if (MAX_FILE - at < room)
		return at;
	data = file + at + sizeof(r) + r.runs * sizeof(*run);
	packed = ZSTD_compress(data, ZSTD_compressBound(n), in->p, n, 1);
	in_word(in, 0);
	in->p += n;
	in->n -= n;
	r.stored = packed;
	if (lies & 2)
		r.stored += in_u16(in);
	if (lies & 4)
		r.size = in_u64(in);
	r.hash = snap_hash(data, lies & 2 ? 0 : packed) + (lies >> 7);
	if (r.runs <= SNAP_RUNS)
		r.head_hash = snap_record_hash(&r, run) + (lies >> 6 & 1);
	memcpy(file + at, &r, sizeof(r));
	memcpy(file + at + sizeof(r), run, r.runs * sizeof(*run));
	return at + sizeof(r) + r.runs * sizeof(*run) + packed;
}

static size_t put_head(void)
{
	struct snap_head h = {.magic = SNAP_MAGIC, .version = SNAP_VERSION, .page = SNAP_PAGE};

	h.hash = snap_hash(&h, offsetof(struct snap_head, hash));
	memcpy(file, &h, sizeof(h));
	return sizeof(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	bool packs = in_u8(&in) & 1;
	const char *path;
	struct proc *p;

	if (packs) {
		size_t at = put_head();

		while (in.n)
			at = put_record(at, &in);
		path = fake_path(file, at);
	} else {
		path = fake_path(in.p, in.n);
	}
	if (saved_open(path, &p))
		return 0;
	saved_ask(p);
	proc_close(p);
	return 0;
}

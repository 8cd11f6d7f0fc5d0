/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Snapshots and core files that lie: a good file is changed at random places, with the checksums
 *made right again now and then, and opened and read like any other. Built with the sanitizers;
 *every round must end with an answer or a refusal.
 *
 *	fuzz_source SECONDS SEED snapshot|core FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "heap/heap.h"
#include "heap/parts.h"
#include "heap/population.h"
#include "heap/why.h"
#include "proc/snapshot_priv.h"

#define MAX_SIZE   (64u << 20)
#define MAX_RECORD (1u << 20) /* unpacked: larger ones are copied as they are */
#define MAX_BLOCKS 200000     /* of a search: enough to have been everywhere */
#define MOST_NS	   3000000000ull

struct file {
	uint8_t *good, *bad;
	size_t size, bad_size;
	char path[64]; /* of a file in memory */
	int fd;
};

static uint64_t seed;

static uint64_t pick(uint64_t below)
{
	return below ? random_next(&seed) % below : 0;
}

static int load(struct file *f, const char *path)
{
	struct stat st;

	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || st.st_size <= 0 || st.st_size > MAX_SIZE)
		return -EINVAL;
	f->size = (size_t)st.st_size;
	f->good = malloc(f->size);
	f->bad = malloc(2 * f->size + 4 * MAX_RECORD);
	f->fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (!f->good || !f->bad || f->fd < 0 || read(fd, f->good, f->size) != (ssize_t)f->size)
		return -EINVAL;
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
	return 0;
}

static void spoil(uint8_t *p, size_t size)
{
	static const uint64_t odd[] = {
		0,	    1,		UINT64_MAX, 1ull << 63, 1ull << 47,
		0xffffffff, 0x7fffffff, 4096,	    128 << 10,	UINT64_MAX - 4095};
	size_t at = pick(size), n = 1 + pick(8);
	uint64_t v = pick(2) ? odd[pick(ARRAY_SIZE(odd))] : random_next(&seed);

	if (n > size - at)
		n = size - at;
	memcpy(p + at, &v, n);
}

/* Where a few bytes matter most: the heads and texts at the beginning, or anywhere. */
static void spoil_some(struct file *f)
{
	size_t front = f->bad_size < 4096 ? f->bad_size : 4096;

	for (uint64_t n = 1 + pick(6); n; n--)
		spoil(f->bad, pick(3) ? front : f->bad_size);
}

/* Follow the records as far as they make sense, spoil some, and make their hashes right again. */
static void spoil_records(struct file *f)
{
	size_t at = sizeof(struct snap_head);
	struct snap_record r;

	while (at + sizeof(r) <= f->bad_size) {
		uint8_t *head = f->bad + at, *runs = head + sizeof(r);
		uint64_t rate = pick(40);

		memcpy(&r, head, sizeof(r));
		if (r.runs > SNAP_RUNS ||
		    at + sizeof(r) + r.runs * sizeof(struct snap_run) > f->bad_size ||
		    r.stored > f->bad_size - at - sizeof(r) - r.runs * sizeof(struct snap_run))
			return;
		at += sizeof(r) + r.runs * sizeof(struct snap_run) + r.stored;
		if (rate > 1)
			continue;
		if (rate)
			spoil(head, offsetof(struct snap_record, hash));
		else
			spoil(runs, r.runs * sizeof(struct snap_run) + r.stored);
		memcpy(&r, head, sizeof(r));
		if (r.runs <= SNAP_RUNS &&
		    runs + r.runs * sizeof(struct snap_run) <= f->bad + f->bad_size) {
			uint8_t *data = runs + r.runs * sizeof(struct snap_run);
			struct snap_run copy[SNAP_RUNS];

			if (r.stored <= (size_t)(f->bad + f->bad_size - data))
				r.hash = snap_hash(data, r.stored);
			memcpy(copy, runs, r.runs * sizeof(*copy));
			r.head_hash = snap_record_hash(&r, copy);
			memcpy(head, &r, sizeof(r));
		}
	}
}

/* Words of what a record holds: of texts any byte, of memory words that could mean something. */
static void spoil_content(uint32_t type, uint8_t *p, size_t size)
{
	if (type != SNAP_MEMORY) {
		spoil(p, size);
		return;
	}
	for (uint64_t n = 1 + pick(64); n && size >= 16; n--) {
		static const uint64_t small[] = {0, 1, 8, 24, 4096, 65534, 1 << 20};
		size_t at = pick(size / 8) * 8;
		uint64_t v;

		memcpy(&v, p + pick(size / 8) * 8, 8); /* what stands elsewhere */
		if (!pick(3))
			v = small[pick(ARRAY_SIZE(small))];
		else if (!pick(8))
			v = random_next(&seed) >> pick(64);
		memcpy(p + at, &v, 8);
	}
}

/* A record as it was, or spoilt inside and packed again; returns the bytes written. */
static size_t copy_record(const uint8_t *from, struct snap_record r, bool lie, uint8_t *to)
{
	static uint8_t plain[MAX_RECORD];
	size_t runs = r.runs * sizeof(struct snap_run), all = sizeof(r) + runs + r.stored, packed;
	struct snap_run copy[SNAP_RUNS];

	memcpy(to, from, all);
	if (!lie || r.size > sizeof(plain) || !r.size ||
	    ZSTD_decompress(plain, sizeof(plain), from + sizeof(r) + runs, r.stored) != r.size)
		return all;
	spoil_content(r.type, plain, r.size);
	packed = ZSTD_compress(to + sizeof(r) + runs, ZSTD_compressBound(r.size), plain, r.size, 1);
	if (ZSTD_isError(packed))
		return 0;
	r.stored = packed;
	r.hash = snap_hash(to + sizeof(r) + runs, packed);
	memcpy(copy, from + sizeof(r), runs);
	r.head_hash = snap_record_hash(&r, copy);
	memcpy(to, &r, sizeof(r));
	return sizeof(r) + runs + packed;
}

/* The process lies, the file does not: it is whole, and its hashes are right. */
static void lie_inside(struct file *f)
{
	size_t at = sizeof(struct snap_head), out = at;
	uint64_t one_in = 1 + pick(64);
	struct snap_record r;

	memcpy(f->bad, f->good, at);
	while (at + sizeof(r) <= f->size && out < 2 * f->size) {
		memcpy(&r, f->good + at, sizeof(r));
		out += copy_record(f->good + at, r, !pick(one_in), f->bad + out);
		at += sizeof(r) + r.runs * sizeof(struct snap_run) + r.stored;
	}
	f->bad_size = out;
}

static int make(struct file *f, bool snapshot)
{
	memcpy(f->bad, f->good, f->size);
	f->bad_size = f->size;
	if (!pick(8))
		f->bad_size = pick(f->size);
	if (snapshot && pick(2))
		lie_inside(f);
	else if (snapshot && pick(4))
		spoil_records(f);
	else
		spoil_some(f);
	if (ftruncate(f->fd, 0) || pwrite(f->fd, f->bad, f->bad_size, 0) != (ssize_t)f->bad_size)
		return -EIO;
	return 0;
}

/* The heap may be said to be of any size: what has been seen by then is enough. */
static int until(const struct heap_progress *at, void *ctx)
{
	const uint64_t *end_ns = ctx;

	(void)at;
	return clock_ns() > *end_ns;
}

static void ask_heap(struct heap *h)
{
	const struct why_opts o = {.max_blocks = MAX_BLOCKS};
	const struct why_query q = {.type = "str"};
	uint64_t end_ns = clock_ns() + MOST_NS;
	struct heap_population all = {0};
	struct heap_parts parts;
	struct why_answer *a;
	struct why_stats st;

	heap_watch_by(h, until, &end_ns);
	heap_population(h, &all);
	heap_population_free(&all);
	heap_parts(h, &parts);
	end_ns = clock_ns() + MOST_NS;
	if (!heap_why(h, &q, 1, &o, &a, &st))
		why_free(a, 1);
}

static void look_around(struct proc *p)
{
	struct py_runtime *rt;
	uint8_t buf[4096];
	struct heap *h;

	for (size_t i = 0; i < p->n_maps && i < 64; i++) {
		const struct proc_map *m = &p->maps[pick(p->n_maps)];

		proc_read(p, m->start + pick(m->end - m->start), buf, pick(sizeof(buf)));
	}
	if (py_open(p, &rt))
		return;
	if (!heap_open(rt, &h)) {
		ask_heap(h);
		heap_close(h);
	}
	py_close(rt);
}

int main(int argc, char **argv)
{
	struct file f = {0};
	uint64_t end, rounds = 0, opened = 0;
	bool snapshot;

	if (argc != 5)
		return 2;
	end = clock_ns() + strtoull(argv[1], NULL, 10) * 1000000000u;
	seed = strtoull(argv[2], NULL, 10) * 2 + 1;
	snapshot = !strcmp(argv[3], "snapshot");
	log_set_level(LOG_QUIET);
	if (load(&f, argv[4])) {
		fprintf(stderr, "%s cannot be used\n", argv[4]);
		return 2;
	}
	while (clock_ns() < end) {
		struct proc *p;

		if (make(&f, snapshot))
			return 2;
		rounds++;
		if (snapshot ? proc_open_snapshot(f.path, &p)
			     : proc_open_core(f.path, "/srv", &p)) /* no Python there */
			continue;
		opened++;
		look_around(p);
		proc_close(p);
	}
	printf("%llu rounds, %llu opened\n", (unsigned long long)rounds,
	       (unsigned long long)opened);
	free(f.good);
	free(f.bad);
	close(f.fd);
	/* Nothing that opens would test only the refusals. */
	return rounds && opened ? 0 : 1;
}

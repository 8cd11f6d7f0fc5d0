/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process out of a file of proc_save (docs/SNAPSHOT.md). The heads of all records are read when
 * it is opened, so that a damaged or cut file is refused then; memory is unpacked when it is asked
 * for, and the blocks used last are kept.
 */
#include "proc/proc_priv.h"
#include "proc/snapshot_priv.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#define CACHE	 256 /* blocks: 32 MiB */
#define MAX_ELFS 64

struct piece {
	uint64_t start, end;
	uint32_t block;
	uint32_t at; /* in the unpacked block */
};

struct block {
	uint64_t offset; /* of the stored bytes in the file */
	uint64_t hash;
	uint32_t stored, size;
	int32_t slot; /* in the cache, -1 = not there */
};

struct slot {
	uint8_t *data;
	uint32_t block; /* + 1; 0 = empty */
	uint64_t used;	/* when */
};

struct elf {
	struct block b;
};

struct snapshot {
	struct proc_source source; /* first: proc_source * is snapshot * */
	struct proc *p;
	const char *path;
	int fd;
	uint64_t size, clock;
	ZSTD_DCtx *zstd;
	VEC(struct piece) pieces;
	VEC(struct block) blocks;
	struct elf elf[MAX_ELFS];
	size_t n_elf;
	bool has_process, has_maps, has_end, told_broken;
	struct slot slot[CACHE];
	size_t last; /* the piece found last */
	uint8_t *packed;
	size_t packed_size;
};

uint64_t snap_hash(const void *p, size_t size)
{
	return XXH3_64bits(p, size);
}

uint64_t snap_record_hash(const struct snap_record *r, const struct snap_run *runs)
{
	XXH64_hash_t h = XXH3_64bits(r, offsetof(struct snap_record, head_hash));

	return XXH3_64bits_withSeed(runs, r->runs * sizeof(*runs), h);
}

static int damaged(const struct snapshot *s, const char *what)
{
	return fail(-EINVAL, "%s is damaged: %s", s->path, what);
}

static bool read_at(const struct snapshot *s, uint64_t at, void *buf, size_t len)
{
	return source_piece(s->fd, s->size, at, buf, len);
}

/* Told once, when a part is needed that is damaged: what hangs on it will be missing. */
static int is_broken(struct snapshot *s)
{
	if (!s->told_broken)
		log_warn("a part of the snapshot is damaged: it is left out, and what hangs on it");
	s->told_broken = true;
	return -EIO;
}

/* Into @out, which has room for b->size bytes. */
static int unpack(struct snapshot *s, const struct block *b, uint8_t *out)
{
	size_t got;

	if (b->stored > s->packed_size) {
		free(s->packed);
		s->packed = malloc(b->stored);
		s->packed_size = s->packed ? b->stored : 0;
	}
	if (!s->packed)
		return -ENOMEM;
	if (!read_at(s, b->offset, s->packed, b->stored) ||
	    snap_hash(s->packed, b->stored) != b->hash)
		return is_broken(s);
	got = ZSTD_decompressDCtx(s->zstd, out, b->size, s->packed, b->stored);
	return ZSTD_isError(got) || got != b->size ? is_broken(s) : 0;
}

static const uint8_t *block_data(struct snapshot *s, uint32_t number)
{
	struct block *b = &s->blocks.v[number];
	struct slot *victim = &s->slot[0];

	if (b->slot < 0) {
		for (size_t i = 0; i < CACHE; i++)
			if (s->slot[i].used < victim->used)
				victim = &s->slot[i];
		if (!victim->data)
			victim->data = malloc(SNAP_BLOCK);
		if (victim->block)
			s->blocks.v[victim->block - 1].slot = -1;
		victim->block = 0;
		if (!victim->data || unpack(s, b, victim->data))
			return NULL;
		victim->block = number + 1;
		b->slot = (int32_t)(victim - s->slot);
	}
	s->slot[b->slot].used = ++s->clock;
	return s->slot[b->slot].data;
}

/* Index of the first piece that ends behind @addr. */
static size_t piece_at(struct snapshot *s, uint64_t addr)
{
	size_t lo = 0, hi = s->pieces.n;

	if (s->last < hi && addr >= s->pieces.v[s->last].start && addr < s->pieces.v[s->last].end)
		return s->last;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr >= s->pieces.v[mid].end)
			lo = mid + 1;
		else
			hi = mid;
	}
	s->last = lo;
	return lo;
}

/* Between the pieces: pages that were never touched, if it is memory without a file. */
static ssize_t read_gap(const struct snapshot *s, uint64_t addr, uint64_t next, void *buf,
			size_t len)
{
	const struct proc_map *m = proc_find_map(s->p, addr);

	if (!m || m->inode || !m->readable)
		return 0;
	if (next > m->end)
		next = m->end;
	if (len > next - addr)
		len = next - addr;
	memset(buf, 0, len);
	return (ssize_t)len;
}

static ssize_t snap_read(struct proc_source *source, uint64_t addr, void *buf, size_t len)
{
	struct snapshot *s = (struct snapshot *)source;
	size_t i = piece_at(s, addr);
	const struct piece *p = i < s->pieces.n ? &s->pieces.v[i] : NULL;
	const uint8_t *data;

	if (!p || addr < p->start)
		return read_gap(s, addr, p ? p->start : UINT64_MAX, buf, len);
	data = block_data(s, p->block);
	if (!data)
		return -EIO;
	if (len > p->end - addr)
		len = p->end - addr;
	memcpy(buf, data + p->at + (addr - p->start), len);
	return (ssize_t)len;
}

static int snap_image(struct proc_source *source, const struct proc *p, const struct proc_map *m,
		      uint8_t **bytes, size_t *size)
{
	struct snapshot *s = (struct snapshot *)source;

	for (size_t i = 0; i < s->n_elf; i++) {
		const struct block *b = &s->elf[i].b;
		auto_free uint8_t *data = malloc(b->size);
		size_t name;

		if (!data)
			return -ENOMEM;
		if (unpack(s, b, data) || !memchr(data, 0, b->size))
			continue;
		name = strlen((char *)data) + 1;
		if (strcmp((char *)data, m->path) != 0 || name == b->size)
			continue;
		*size = b->size - name;
		memmove(data, data + name, *size);
		*bytes = take(data);
		return 0;
	}
	return source_rebuild_image(p, m, bytes, size);
}

/* Pages that were saved were there, or swapped out. */
static int snap_pages(struct proc_source *source, uint64_t start, uint64_t end, uint8_t *out)
{
	struct snapshot *s = (struct snapshot *)source;
	size_t n = (size_t)((end - start) / SNAP_PAGE);

	memset(out, 0, n);
	for (size_t i = piece_at(s, start); i < s->pieces.n && s->pieces.v[i].start < end; i++) {
		const struct piece *p = &s->pieces.v[i];
		uint64_t from = p->start > start ? p->start : start;
		uint64_t to = p->end < end ? p->end : end;

		for (uint64_t at = from; at < to; at += SNAP_PAGE)
			out[(at - start) / SNAP_PAGE] = 1;
	}
	return 0;
}

static void snap_close(struct proc_source *source)
{
	struct snapshot *s = (struct snapshot *)source;

	close_fd(&s->fd);
	ZSTD_freeDCtx(s->zstd);
	for (size_t i = 0; i < CACHE; i++)
		free(s->slot[i].data);
	vec_free(&s->pieces);
	vec_free(&s->blocks);
	vec_free(&source->tids);
	vec_free(&source->rows);
	free(s->packed);
	free(s);
}

/* "name value" */
static void take_line(struct snapshot *s, const char *line)
{
	struct proc_memory *mem = &s->source.memory;
	struct proc *p = s->p;
	int *tid;

	sscanf(line, "pid %d", &p->pid);
	sscanf(line, "ns_pid %d", &p->ns_pid);
	sscanf(line, "ppid %d", &p->ppid);
	sscanf(line, "start_ticks %" SCNu64, &p->start_ticks);
	sscanf(line, "program %u %" SCNu64, &s->source.program_dev, &s->source.program_inode);
	if (!strncmp(line, "comm ", 5))
		snprintf(p->comm, sizeof(p->comm), "%s", line + 5);
	if (sscanf(line, "memory %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %u",
		   &mem->rss_bytes, &mem->anon_bytes, &mem->file_bytes, &mem->shmem_bytes,
		   &mem->swap_bytes, &mem->threads) == 6)
		s->source.has_memory = true;
	if (!strncmp(line, "tid ", 4) && s->source.tids.n < SOURCE_MAX_TIDS) {
		tid = vec_push(&s->source.tids);
		if (tid)
			*tid = atoi(line + 4);
	}
}

static void take_process(struct snapshot *s, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		take_line(s, line);
	s->has_process = s->p->pid > 0;
}

static int take_cmdline(struct snapshot *s, const char *text, size_t size)
{
	size_t n = 0, words = 0;

	for (size_t i = 0; i < size; i++)
		words += !text[i];
	if (s->p->cmdline || words > 4096)
		return damaged(s, "its command line makes no sense");
	s->p->cmdline = calloc(words + 1, sizeof(*s->p->cmdline));
	if (!s->p->cmdline)
		return fail(-ENOMEM, "out of memory");
	for (size_t at = 0; n < words; at += strlen(text + at) + 1) {
		s->p->cmdline[n] = strdup(text + at);
		if (!s->p->cmdline[n++])
			return fail(-ENOMEM, "out of memory");
	}
	return 0;
}

static int take_text(struct snapshot *s, const struct snap_record *r, const struct block *b)
{
	auto_free char *text = NULL;
	int err;

	if (r->size > SNAP_TEXT)
		return damaged(s, "a text is too large");
	text = malloc(r->size + 1);
	if (!text)
		return fail(-ENOMEM, "out of memory");
	if (unpack(s, b, (uint8_t *)text))
		return damaged(s, "a checksum does not fit");
	text[r->size] = '\0';
	if (r->type == SNAP_PROCESS) {
		take_process(s, text);
	} else if (r->type == SNAP_CMDLINE) {
		return take_cmdline(s, text, r->size);
	} else if (r->type == SNAP_MAPS && !s->has_maps) {
		err = proc_parse_maps(text, &s->p->maps, &s->p->n_maps);
		if (err)
			return fail(err, "out of memory");
		s->p->map_text = take(text);
		s->has_maps = true;
		for (size_t i = 0; i < s->p->n_maps; i++)
			if (!source_row_fits(s->p->maps[i].end, s->p->maps[i].writable))
				return damaged(s, "its maps make no sense");
	}
	return 0;
}

static int take_memory(struct snapshot *s, const struct snap_record *r, const struct snap_run *run,
		       const struct block *b)
{
	struct block *to;
	uint64_t at = 0;

	if (r->size > SNAP_BLOCK || !r->runs)
		return damaged(s, "a block of memory has an impossible size");
	for (uint32_t i = 0; i < r->runs; i++) {
		struct piece *p;

		if (!run[i].bytes || run[i].bytes > r->size - at ||
		    run[i].addr + run[i].bytes < run[i].addr)
			return damaged(s, "a block of memory does not say what it is");
		p = vec_push(&s->pieces);
		if (!p)
			return fail(-ENOMEM, "out of memory");
		*p = (struct piece){run[i].addr, run[i].addr + run[i].bytes, (uint32_t)s->blocks.n,
				    (uint32_t)at};
		at += run[i].bytes;
	}
	if (at != r->size)
		return damaged(s, "a block of memory does not say what it is");
	to = vec_push(&s->blocks);
	if (!to)
		return fail(-ENOMEM, "out of memory");
	*to = *b;
	return 0;
}

/* Whole pages, one behind the other: whoever parts them takes that for granted. */
static bool rows_make_sense(const struct proc_resident *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].start >= v[i].end || (v[i].start | v[i].end) & (SNAP_PAGE - 1) ||
		    (i && v[i].start < v[i - 1].end) || v[i].kind > PROC_ROW_STACK ||
		    !source_row_fits(v[i].end, v[i].writable == 1))
			return false;
	return true;
}

static int take_resident(struct snapshot *s, const struct snap_record *r, const struct block *b)
{
	size_t n = (size_t)(r->size / sizeof(struct proc_resident));

	if (r->size > SNAP_TEXT || r->size % sizeof(struct proc_resident) || s->source.rows.n)
		return damaged(s, "what was resident makes no sense");
	if (!vec_reserve(&s->source.rows, n + 1))
		return fail(-ENOMEM, "out of memory");
	if (unpack(s, b, (uint8_t *)s->source.rows.v))
		return damaged(s, "a checksum does not fit");
	if (!rows_make_sense(s->source.rows.v, n))
		return damaged(s, "what was resident makes no sense");
	s->source.rows.n = n;
	return 0;
}

static int take_record(struct snapshot *s, const struct snap_record *r, const struct snap_run *run,
		       uint64_t at)
{
	const struct block b = {at, r->hash, (uint32_t)r->stored, (uint32_t)r->size, -1};

	switch (r->type) {
	case SNAP_PROCESS:
	case SNAP_CMDLINE:
	case SNAP_MAPS:
		return take_text(s, r, &b);
	case SNAP_RESIDENT:
		return take_resident(s, r, &b);
	case SNAP_ELF:
		if (s->n_elf < MAX_ELFS && r->size && r->size <= SNAP_FILE + 8192)
			s->elf[s->n_elf++].b = b;
		return 0;
	case SNAP_MEMORY:
		return take_memory(s, r, run, &b);
	case SNAP_END:
		s->has_end = true;
		return 0;
	}
	return 0; /* of a later version: not needed */
}

static int cut_short(const struct snapshot *s)
{
	return fail(-EINVAL, "%s is cut short: its end is missing (a full disk?)", s->path);
}

static int read_records(struct snapshot *s)
{
	uint64_t at = sizeof(struct snap_head);
	struct snap_run run[SNAP_RUNS] = {0};
	struct snap_record r;
	int err = 0;

	while (!err && !s->has_end) {
		if (!read_at(s, at, &r, sizeof(r)))
			return cut_short(s);
		at += sizeof(r);
		if (r.runs > SNAP_RUNS)
			return damaged(s, "a record's head makes no sense");
		if (!read_at(s, at, run, r.runs * sizeof(*run)))
			return cut_short(s);
		at += r.runs * sizeof(*run);
		if (snap_record_hash(&r, run) != r.head_hash)
			return damaged(s, "a checksum does not fit");
		if (r.size > UINT32_MAX || r.stored > UINT32_MAX)
			return damaged(s, "a record's head makes no sense");
		if (r.stored > s->size - at)
			return cut_short(s);
		err = take_record(s, &r, run, at);
		at += r.stored;
	}
	return err;
}

static int by_start(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int check_whole(struct snapshot *s)
{
	if (!s->has_process || !s->has_maps || !s->p->cmdline)
		return damaged(s, "it does not say whose memory it is");
	qsort(s->pieces.v, s->pieces.n, sizeof(*s->pieces.v), by_start);
	for (size_t i = 1; i < s->pieces.n; i++)
		if (s->pieces.v[i].start < s->pieces.v[i - 1].end)
			return damaged(s, "some memory is in it twice");
	return 0;
}

static int open_file(struct snapshot *s)
{
	struct snap_head h;
	struct stat st;

	s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0)
		return fail(-errno, "cannot open %s: %s", s->path, strerror(errno));
	if (fstat(s->fd, &st) || !S_ISREG(st.st_mode))
		return fail(-EINVAL, "%s is not a regular file", s->path);
	s->size = (uint64_t)st.st_size;
	if (!read_at(s, 0, &h, sizeof(h)) || memcmp(h.magic, SNAP_MAGIC, sizeof(h.magic)) != 0)
		return fail(-EINVAL, "%s is no snapshot: census --save writes them", s->path);
	if (h.version != SNAP_VERSION)
		return fail(-ENOTSUP, "%s has version %u of the format; this program knows %u",
			    s->path, h.version, SNAP_VERSION);
	if (snap_hash(&h, offsetof(struct snap_head, hash)) != h.hash || h.page != SNAP_PAGE)
		return damaged(s, "a checksum does not fit");
	s->zstd = ZSTD_createDCtx();
	return s->zstd ? 0 : fail(-ENOMEM, "out of memory");
}

bool proc_is_snapshot(const char *path)
{
	char magic[8];

	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 && read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
	       !memcmp(magic, SNAP_MAGIC, sizeof(magic));
}

int proc_open_snapshot(const char *path, struct proc **out)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	struct proc *p = calloc(1, sizeof(*p));
	int err;

	if (!s || !p) {
		free(s);
		free(p);
		return fail(-ENOMEM, "out of memory");
	}
	s->fd = -1;
	s->p = p;
	s->path = path;
	s->source.read = snap_read;
	s->source.image = snap_image;
	s->source.close = snap_close;
	s->source.pages = snap_pages;
	p->pidfd = -1;
	p->source = &s->source;
	err = open_file(s);
	if (!err)
		err = read_records(s);
	if (!err)
		err = check_whole(s);
	if (err) {
		proc_close(p);
		return err;
	}
	s->path = NULL;
	*out = p;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens a process from a snapshot (docs/SNAPSHOT.md). Memory is unpacked when it is asked for; the
 * blocks that were used last are kept.
 */
#include "proc/inside.h"
#include "saved/saved.h"
#include "saved/snapshot_read_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

uint64_t snap_hash(const void *p, size_t size)
{
	return XXH3_64bits(p, size);
}

uint64_t snap_record_hash(const struct snap_record *r, const struct snap_run *runs)
{
	XXH64_hash_t h = XXH3_64bits(r, offsetof(struct snap_record, head_hash));

	return XXH3_64bits_withSeed(runs, r->runs * sizeof(*runs), h);
}

int snap_damaged(const struct snapshot *s, const char *what)
{
	return fail(-EINVAL, "%s is damaged: %s", s->path, what);
}

bool snap_read_at(const struct snapshot *s, uint64_t at, void *buf, size_t len)
{
	return source_piece(s->fd, s->size, at, buf, len);
}

/* Warns once of a damaged part, when it is needed. */
static int is_broken(struct snapshot *s)
{
	if (!s->told_broken)
		log_warn("a part of the snapshot is damaged: it is left out, and what hangs on it");
	s->told_broken = true;
	return -EIO;
}

int snap_unpack(struct snapshot *s, const struct snap_block *b, uint8_t *out)
{
	size_t got;

	if (b->stored > s->packed_size) {
		free(s->packed);
		s->packed = malloc(b->stored);
		s->packed_size = s->packed ? b->stored : 0;
	}
	if (!s->packed)
		return -ENOMEM;
	if (!snap_read_at(s, b->offset, s->packed, b->stored) ||
	    snap_hash(s->packed, b->stored) != b->hash)
		return is_broken(s);
	got = ZSTD_decompressDCtx(s->zstd, out, b->size, s->packed, b->stored);
	return ZSTD_isError(got) || got != b->size ? is_broken(s) : 0;
}

static const uint8_t *block_data(struct snapshot *s, uint32_t number)
{
	struct snap_block *b = &s->blocks.v[number];
	struct snap_slot *victim = &s->slot[0];

	if (b->slot < 0) {
		for (size_t i = 0; i < SNAP_CACHE; i++)
			if (s->slot[i].used < victim->used)
				victim = &s->slot[i];
		if (!victim->data)
			victim->data = malloc(SNAP_BLOCK);
		/* without memory for one more, reuse one that is there */
		for (size_t i = 0; i < SNAP_CACHE && !victim->data; i++)
			if (s->slot[i].data)
				victim = &s->slot[i];
		if (victim->block)
			s->blocks.v[victim->block - 1].slot = -1;
		victim->block = 0;
		if (!victim->data || snap_unpack(s, b, victim->data))
			return NULL;
		victim->block = number + 1;
		b->slot = (int32_t)(victim - s->slot);
	}
	s->slot[b->slot].used = ++s->clock;
	return s->slot[b->slot].data;
}

/* Returns the index of the first piece that ends behind @addr. */
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

/* Reads memory between pieces: zeros, if no file is mapped there, because such pages were never
 * touched. */
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
	const struct snap_piece *p = i < s->pieces.n ? &s->pieces.v[i] : NULL;
	const uint8_t *data;

	if (!p || addr < p->start)
		return read_gap(s, addr, p ? p->start : UINT64_MAX, buf, len);
	data = p->block == SNAP_NO_BLOCK ? NULL : block_data(s, p->block);
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
		const struct snap_block *b = &s->elf[i];
		auto_free uint8_t *data = NULL;
		size_t name;

		/* called for each mapped file: megabytes are not unpacked to compare a name */
		if (s->elf_name[i] && strcmp(s->elf_name[i], m->path) != 0)
			continue;
		data = malloc(b->size);
		if (!data)
			return -ENOMEM;
		if (snap_unpack(s, b, data) || !memchr(data, 0, b->size))
			continue;
		if (!s->elf_name[i])
			s->elf_name[i] = strdup((char *)data);
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

/* Tells which pages existed, in memory or in swap: those that were saved or could not be read. */
static int snap_pages(struct proc_source *source, uint64_t start, uint64_t end, uint8_t *out)
{
	struct snapshot *s = (struct snapshot *)source;
	size_t n = (size_t)((end - start) / SNAP_PAGE);

	memset(out, 0, n);
	for (size_t i = piece_at(s, start); i < s->pieces.n && s->pieces.v[i].start < end; i++) {
		const struct snap_piece *p = &s->pieces.v[i];
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
	for (size_t i = 0; i < SNAP_CACHE; i++)
		free(s->slot[i].data);
	for (size_t i = 0; i < s->n_elf; i++)
		free(s->elf_name[i]);
	vec_free(&s->pieces);
	vec_free(&s->blocks);
	vec_free(&source->tids);
	vec_free(&source->rows);
	free(s->packed);
	free(s);
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
	if (!snap_read_at(s, 0, &h, sizeof(h)) || memcmp(h.magic, SNAP_MAGIC, sizeof(h.magic)) != 0)
		return fail(-EINVAL, "%s is no snapshot: census --save writes them", s->path);
	if (h.version != SNAP_VERSION)
		return fail(-ENOTSUP, "%s has version %u of the format; this program knows %u",
			    s->path, h.version, SNAP_VERSION);
	if (snap_hash(&h, offsetof(struct snap_head, hash)) != h.hash || h.page != SNAP_PAGE)
		return snap_damaged(s, "a checksum does not fit");
	s->zstd = ZSTD_createDCtx();
	return s->zstd ? 0 : fail(-ENOMEM, "out of memory");
}

int saved_open(const char *path, struct proc **out)
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
		err = snap_read_records(s);
	if (err) {
		proc_close(p);
		return err;
	}
	s->path = NULL;
	*out = p;
	return 0;
}

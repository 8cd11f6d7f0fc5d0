/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A snapshot that is open. */
#ifndef PYLEAK_SAVED_SNAPSHOT_READ_PRIV_H
#define PYLEAK_SAVED_SNAPSHOT_READ_PRIV_H

#include <zstd.h>

#include "saved/snapshot_priv.h"

#define SNAP_CACHE    256 /* blocks: 32 MiB */
#define SNAP_ELFS     64
#define SNAP_NO_BLOCK UINT32_MAX

struct snap_piece {
	uint64_t start, end;
	uint32_t block; /* SNAP_NO_BLOCK: it could not be saved */
	uint32_t at;	/* in the unpacked block */
};

struct snap_block {
	uint64_t offset; /* of the stored bytes in the file */
	uint64_t hash;
	uint32_t stored, size;
	int32_t slot; /* in the cache, -1 = not there */
};

struct snap_slot {
	uint8_t *data;
	uint32_t block; /* + 1; 0 = empty */
	uint64_t used;	/* when */
};

struct snapshot {
	struct proc_source source; /* first: proc_source * is snapshot * */
	struct proc *p;
	const char *path;
	int fd;
	uint64_t size, clock;
	ZSTD_DCtx *zstd;
	VEC(struct snap_piece) pieces;
	VEC(struct snap_block) blocks;
	struct snap_block elf[SNAP_ELFS];
	char *elf_name[SNAP_ELFS]; /* NULL = not unpacked yet */
	size_t n_elf;
	bool has_process, has_maps, has_end, told_broken;
	struct snap_slot slot[SNAP_CACHE];
	size_t last; /* the piece found last */
	uint8_t *packed;
	size_t packed_size;
};

/* -EINVAL, with the sentence. */
int snap_damaged(const struct snapshot *s, const char *what);
/* Exactly these bytes of the file. */
bool snap_read_at(const struct snapshot *s, uint64_t at, void *buf, size_t len);
/* Into @out, which has room for b->size bytes; -EIO when they are not what was written. */
int snap_unpack(struct snapshot *s, const struct snap_block *b, uint8_t *out);

/* snapshot_records.c: everything but the memory itself, checked. */
int snap_read_records(struct snapshot *s);

#endif

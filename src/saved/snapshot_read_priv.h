/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A snapshot that is open, for one thread. */
#ifndef PYLEAK_SAVED_SNAPSHOT_READ_PRIV_H
#define PYLEAK_SAVED_SNAPSHOT_READ_PRIV_H

#include <zstd.h>

#include "saved/snapshot_priv.h"

#define SNAP_CACHE    256 /* unpacked blocks that are kept: 32 MiB */
#define SNAP_ELFS     64
#define SNAP_NO_BLOCK UINT32_MAX

struct snap_piece {
	uint64_t start, end;
	uint32_t block; /* index; SNAP_NO_BLOCK: it could not be saved */
	uint32_t at;	/* place in the unpacked block */
};

struct snap_block {
	uint64_t offset; /* of the stored bytes, in the file */
	uint64_t hash;
	uint32_t stored, size;
	int32_t slot; /* in the cache; -1 = it is not there */
};

struct snap_slot {
	uint8_t *data;
	uint32_t block; /* index + 1; 0 = the slot is empty */
	uint64_t used;	/* snapshot.clock when it was last read */
};

struct snapshot {
	struct proc_source source; /* first, so that a proc_source * is a snapshot * */
	struct proc *p;
	const char *path;
	int fd;
	uint64_t size, clock; /* bytes of the file; reads of blocks so far */
	ZSTD_DCtx *zstd;
	VEC(struct snap_piece) pieces;
	VEC(struct snap_block) blocks;
	struct snap_block elf[SNAP_ELFS];
	char *elf_name[SNAP_ELFS]; /* path in the process; NULL = not unpacked yet */
	size_t n_elf;
	bool has_process, has_maps, has_end, told_broken;
	struct snap_slot slot[SNAP_CACHE];
	size_t last; /* index of the piece found last */
	uint8_t *packed;
	size_t packed_size;
};

/* Returns -EINVAL with the sentence that the snapshot is damaged: @what. */
int snap_damaged(const struct snapshot *s, const char *what);
/* Reads exactly these bytes of the file. False: it has not all of them. */
bool snap_read_at(const struct snapshot *s, uint64_t at, void *buf, size_t len);
/* Unpacks a block into @out, which has room for b->size bytes. -EIO: the bytes are not those that
 * were written. -ENOMEM. */
int snap_unpack(struct snapshot *s, const struct snap_block *b, uint8_t *out);

/* snapshot_records.c: reads and checks everything but the memory itself. 0 or a negative errno with
 * the sentence. */
int snap_read_records(struct snapshot *s);

#endif

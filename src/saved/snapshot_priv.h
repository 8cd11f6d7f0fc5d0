/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The format of a snapshot file (docs/SNAPSHOT.md). All numbers are little-endian. */
#ifndef PYLEAK_SAVED_SNAPSHOT_PRIV_H
#define PYLEAK_SAVED_SNAPSHOT_PRIV_H

#include "proc/source.h"

#define SNAP_MAGIC   "pyleaksn"
#define SNAP_VERSION 1u
#define SNAP_PAGE    4096u
#define SNAP_BLOCK   (128u << 10) /* of memory in one record: what one read has to unpack */
#define SNAP_RUNS    (SNAP_BLOCK / SNAP_PAGE)
#define SNAP_TEXT    (64u << 20)  /* largest record of text */
#define SNAP_FILE    (256u << 20) /* largest ELF file */

struct snap_head {
	char magic[8];
	uint32_t version, page;
	uint64_t hash; /* XXH3 of what is before */
};

enum snap_type {
	SNAP_PROCESS = 1, /* lines "name value" */
	SNAP_CMDLINE,	  /* the words, each with a NUL behind it */
	SNAP_MAPS,	  /* as /proc/PID/maps */
	SNAP_ELF,	  /* path, NUL, the bytes of the file without debug information */
	SNAP_MEMORY,	  /* the bytes of the runs, one after the other */
	SNAP_RESIDENT,	  /* struct proc_resident of each row of maps */
	SNAP_END,	  /* lines; its absence is a file cut short */
	SNAP_MISSING	  /* no bytes; its runs were there and could not be read */
};

struct snap_record {
	uint32_t type, runs;   /* struct snap_run follow */
	uint64_t size, stored; /* bytes; bytes as compressed with zstd, which follow the runs */
	uint64_t hash;	       /* XXH3 of the bytes as stored */
	uint64_t head_hash;    /* XXH3 of all of the above and of the runs */
};

struct snap_run {
	uint64_t addr, bytes;
};

uint64_t snap_hash(const void *p, size_t size);
/* The hash of a record's head and runs. */
uint64_t snap_record_hash(const struct snap_record *r, const struct snap_run *runs);

#endif

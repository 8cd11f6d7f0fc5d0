/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The format of a snapshot file (docs/SNAPSHOT.md). All numbers are little-endian. */
#ifndef PYLEAK_SAVED_SNAPSHOT_PRIV_H
#define PYLEAK_SAVED_SNAPSHOT_PRIV_H

#include "proc/source.h"

#define SNAP_MAGIC   "pyleaksn"
#define SNAP_VERSION 1u
#define SNAP_PAGE    4096u
#define SNAP_BLOCK   (128u << 10) /* bytes of memory in one record, which one read has to unpack */
#define SNAP_RUNS    (SNAP_BLOCK / SNAP_PAGE)
#define SNAP_TEXT    (64u << 20)  /* bytes: the largest record of text */
#define SNAP_FILE    (256u << 20) /* bytes: the largest ELF file */

struct snap_head {
	char magic[8];
	uint32_t version, page;
	uint64_t hash; /* XXH3 of the members before */
};

enum snap_type {
	SNAP_PROCESS = 1, /* lines "name value" */
	SNAP_CMDLINE,	  /* the words, each followed by NUL */
	SNAP_MAPS,	  /* lines as in /proc/PID/maps */
	SNAP_ELF,	  /* path, NUL, the bytes of the file without debug information */
	SNAP_MEMORY,	  /* the bytes of the runs, one after the other */
	SNAP_RESIDENT,	  /* a struct proc_resident for each row of maps */
	SNAP_END,	  /* lines "name value"; without it the file is cut short */
	SNAP_MISSING	  /* no bytes; its runs existed and could not be read */
};

struct snap_record {
	uint32_t type, runs;   /* enum snap_type; number of struct snap_run that follow */
	uint64_t size, stored; /* bytes; bytes compressed by zstd, which follow the runs */
	uint64_t hash;	       /* XXH3 of the stored bytes */
	uint64_t head_hash;    /* XXH3 of the members above and of the runs */
};

struct snap_run {
	uint64_t addr, bytes;
};

uint64_t snap_hash(const void *p, size_t size);
/* Returns the hash of a record's head and runs. */
uint64_t snap_record_hash(const struct snap_record *r, const struct snap_run *runs);

#endif

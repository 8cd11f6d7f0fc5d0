/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An ELF core file while it is read. */
#ifndef PYLEAK_SAVED_CORE_PRIV_H
#define PYLEAK_SAVED_CORE_PRIV_H

#include "proc/source.h"

#define CORE_MAX_ARGS 32

struct core_load {
	uint64_t start, end;	 /* in memory */
	uint64_t offset, filesz; /* in the core; what is beyond filesz was not saved */
	uint32_t flags;
};

/* A row of NT_FILE. */
struct core_row {
	uint64_t start, end, offset;
	uint32_t file; /* index + 1 */
};

struct core_file {
	const char *name; /* in the notes */
	bool tried;
	uint8_t *bytes;
	size_t size;
};

struct core {
	struct proc_source source; /* first: proc_source * is core * */
	struct proc *proc;
	const char *path;
	int fd;
	uint64_t size;
	uint64_t notes_at, notes_size;
	char *notes;
	uint64_t auxv_phdr, auxv_random;
	VEC(struct core_load) loads;	/* by address */
	VEC(struct core_row) file_rows; /* only while opening */
	VEC(struct core_file) files;
};

int core_read_segments(struct core *c);
int core_read_notes(struct core *c);
int core_make_rows(struct core *c);
void core_name_rows(struct core *c);

#endif

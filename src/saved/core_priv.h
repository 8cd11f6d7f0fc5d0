/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An ELF core file while it is read. Functions return 0 or a negative errno with the sentence. */
#ifndef PYLEAK_SAVED_CORE_PRIV_H
#define PYLEAK_SAVED_CORE_PRIV_H

#include "proc/source.h"

#define CORE_MAX_ARGS 32

struct core_load {
	uint64_t start, end;	 /* addresses of the process */
	uint64_t offset, filesz; /* in the core file; memory beyond filesz was not saved */
	uint32_t flags;
};

/* A row of NT_FILE, in bytes. */
struct core_row {
	uint64_t start, end, offset;
	uint32_t file; /* index in core.files + 1; 0 = not known */
};

struct core_file {
	const char *name; /* points into core.notes */
	bool tried;	  /* the file was looked for */
	uint8_t *bytes;	  /* the file; NULL: not here, or another one */
	size_t size;
};

struct core {
	struct proc_source source; /* first, so that a proc_source * is a core * */
	struct proc *proc;
	const char *path;
	int fd;
	uint64_t size;
	uint64_t notes_at, notes_size;
	char *notes;
	uint64_t auxv_phdr, auxv_random; /* addresses in the program and on the stack */
	VEC(struct core_load) loads;	 /* sorted by address */
	VEC(struct core_row) file_rows;	 /* used only while the core is opened */
	VEC(struct core_file) files;
};

int core_read_segments(struct core *c);
int core_read_notes(struct core *c);
int core_make_rows(struct core *c);
void core_name_rows(struct core *c);

#endif

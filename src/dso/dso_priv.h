/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Types and functions that the files of this room share: the open file, its segments, symbol tables
 * and relocations. */
#ifndef PYLEAK_DSO_PRIV_H
#define PYLEAK_DSO_PRIV_H

#include "dso/dso.h"

#include <gelf.h>

#define DSO_MAX_SEGS	  64
#define DSO_MAX_SEG_BYTES (512u << 20) /* a larger segment is treated as not backed by the file */
#define DSO_MAX_KEPT	  (1u << 30)   /* bytes that libelf may keep of one file */
#define DSO_MAX_NAMES	  (64u << 20)  /* bytes of all names of sections */
#define DSO_PAGE	  4096u

struct dso_seg {
	uint64_t addr, offset, filesz, memsz;
	uint32_t flags;
	bool tried;	     /* the bytes were read, or cannot be */
	const uint8_t *data; /* filesz bytes; of a file they are ours, as libelf would keep them to
				the end */
};

struct dso_symtab {
	const uint8_t *syms; /* n records of Elf64_Sym, maybe unaligned */
	size_t n;
	const char *str;
	size_t str_size;
	const uint8_t *versions; /* n records of u16 (.gnu.version), or NULL */
};

struct dso_rela {
	uint64_t slot;
	int64_t addend;
	uint32_t sym;
	uint32_t type;
};

/* Changes as the file is read. */
struct dso_state {
	uint64_t kept; /* bytes that libelf was asked for and keeps until dso_close() */
	bool checked_frames, trusts_frames; /* of dso_cfi() */
};

struct dso {
	char *path;
	int fd;
	Elf *elf;
	uint64_t file_size;
	bool is_exec;
	size_t n_segs;
	/* pointers, so that a const dso can read bytes when they are first asked for */
	struct dso_seg *segs;
	struct dso_state *state;
	struct dso_symtab dynsym, symtab;
	bool has_symbols;	    /* dso_load_symbols() has run */
	void *image;		    /* the file, if it is in memory; ours */
	VEC(struct dso_rela) relas; /* sorted by slot */
	char build_id[2 * 64 + 1];
};

/* Returns @size bytes at file offset @offset, which libelf owns; NULL: the file has not all of
 * them, or libelf keeps too much of it already. */
const uint8_t *dso_chunk(const struct dso *d, uint64_t offset, uint64_t size);
/* Does one segment of the file have all of these bytes? */
bool dso_holds(const struct dso *d, uint64_t addr, uint64_t size);
/* Returns filesz bytes of a segment; NULL: they cannot be read. */
const uint8_t *dso_segment(const struct dso *d, struct dso_seg *s);
/* Returns the name of a section; "": it has none. */
const char *dso_section_name(const struct dso *d, const GElf_Shdr *sh);
int dso_load_symbols(struct dso *d);
void dso_load_build_id(struct dso *d);
bool dso_sym_at(const struct dso_symtab *t, size_t i, Elf64_Sym *out, const char **name);
/* Finds d_val of the first dynamic entry with this tag. False: there is none. */
bool dso_dynamic(const struct dso *d, int64_t tag, uint64_t *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One ELF file: symbols, sections, relocations, build id, file offset <-> address. Over libelf.
 * The file is hostile: every access is bounded. x86-64 only. Not thread-safe: bytes are read from
 * the file when first asked for. */
#ifndef PYLEAK_DSO_H
#define PYLEAK_DSO_H

#include "base/base.h"

struct dso;

struct dso_sym {
	uint64_t addr; /* st_value, before load bias */
	uint64_t size;
};

struct dso_range {
	uint64_t addr, size, offset; /* address before bias; offset in the file */
	const uint8_t *data;	     /* file bytes, valid while the dso is open */
};

/* How much is read at once. */
enum dso_parts {
	DSO_CODE,  /* no symbols: for unwinding, where most files are never asked for a name */
	DSO_NAMES, /* no relocations */
	DSO_ALL,
};
/* Takes @fd in any case, @name is for sentences. Who opens a file that a process named has made
 * sure what it is (proc_map_open, proc_open_named). -ENOEXEC: not an x86-64 ELF file (32-bit is
 * said in the sentence). */
int dso_open_fd(int fd, const char *name, enum dso_parts parts, struct dso **out);
/* All of a file of our own choice. -ENOENT: no such file. */
int dso_open(const char *path, struct dso **out);
/* An ELF file in memory (vDSO, mini debug information). Takes @image, from malloc, in any case. */
int dso_open_image(const char *name, void *image, size_t size, struct dso **out);
/* The same with symbols and relocations, as dso_open has them. */
int dso_open_bytes(const char *name, uint8_t *bytes, size_t size, struct dso **out);
void dso_close(struct dso *d);

const char *dso_path(const struct dso *d);
/* The file that is read, whatever has its name by now: who is to probe it duplicates this. -1 for
 * one in memory. */
int dso_fd(const struct dso *d);
struct Elf *dso_elf(const struct dso *d); /* libelf's handle; reads the file, never maps it */
bool dso_is_exec(const struct dso *d);	  /* ET_EXEC: bias is 0 */
bool dso_has_symtab(const struct dso *d); /* false: stripped */
/* Lower-case hex, or "" when the file has none. */
const char *dso_build_id(const struct dso *d);

/* A defined symbol by name, .dynsym first, then .symtab; of several versions the default one;
 * never an indirect function (its address is the resolver's). -ENOENT without a sentence. */
int dso_symbol(const struct dso *d, const char *name, struct dso_sym *out);
/* The function whose code holds @addr, by a symbol with a size; reads symbols when first asked.
 * -ENOENT without a sentence. *@name lives as long as @d. */
int dso_function_at(struct dso *d, uint64_t addr, struct dso_sym *out, const char **name);
/* Extent of the function that holds @addr, by the table of call frame information: works in
 * stripped files. *@depth: bytes from the stack pointer to the caller's at the first byte, 8 when
 * it is called; other values mean it is jumped to from another's middle. @out has no .data.
 * -ENOENT without a sentence. */
int dso_frame_at(const struct dso *d, uint64_t addr, struct dso_range *out, uint64_t *depth);
/* The one function that calls @fn directly or jumps to it: what runs there runs for that. -ENOENT
 * without a sentence when there are others, or a pointer to it. Goes through all code: a
 * millisecond per megabyte. */
int dso_only_caller(const struct dso *d, const struct dso_range *fn, struct dso_range *out);
/* -ENOENT without a sentence. SHT_NOBITS sections have data == NULL. */
int dso_section(const struct dso *d, const char *name, struct dso_range *out);
/* Does .dynsym have an *undefined* entry of this name? */
bool dso_imports(const struct dso *d, const char *name);

/* Executable PROGBITS sections except .plt*, .init, .fini; the PF_X segments when there are no
 * section headers. Returns the number, at most @max. */
size_t dso_text(const struct dso *d, struct dso_range *out, size_t max);
/* Writable PT_LOAD segments (memory size in .size, no .data), for scans of data and bss in a live
 * process. */
size_t dso_writable(const struct dso *d, struct dso_range *out, size_t max);

/* Bytes of the file at address @addr: pointer and how many follow in the same segment; NULL when
 * the address is not backed by the file. */
const uint8_t *dso_bytes(const struct dso *d, uint64_t addr, size_t *avail);
/* The same for a few bytes, copied: nothing is kept for it. */
bool dso_copy_bytes(const struct dso *d, uint64_t addr, void *to, size_t size);
/* Whole segments are kept for the function above, a section's bytes among them: megabytes. Give
 * them back when nothing points to them; they are read again when asked for. */
void dso_forget_bytes(struct dso *d);

/* Is it in an executable segment? */
bool dso_is_code(const struct dso *d, uint64_t addr);
/* -ERANGE when not backed by the file. */
int dso_addr_to_offset(const struct dso *d, uint64_t addr, uint64_t *out);
int dso_offset_to_addr(const struct dso *d, uint64_t offset, uint64_t *out);

/* Address of the first PT_LOAD rounded down to a page, minus its page-rounded file offset: load
 * bias = (lowest mapped start - its file offset) - this. */
uint64_t dso_base(const struct dso *d);

/* Relocations of a file that was opened without them, for as long as they are needed. */
int dso_load_relocs(struct dso *d);
void dso_forget_relocs(struct dso *d);
/* The symbol a GOT/PLT slot is relocated with (GLOB_DAT, JUMP_SLOT, 64). -ENOENT when none.
 * When the symbol is defined in this file, its address + addend is in *addr, else 0. A RELATIVE
 * slot has no symbol: *name is "". */
int dso_reloc(const struct dso *d, uint64_t slot, const char **name, uint64_t *addr);
/* The slot that is relocated with symbol @name itself (addend 0); the first such. */
int dso_reloc_slot(const struct dso *d, const char *name, uint64_t *slot);
/* All of them. Returns the number, at most @max. */
size_t dso_reloc_slots(const struct dso *d, const char *name, uint64_t *out, size_t max);

#endif

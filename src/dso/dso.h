/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One ELF file by libelf: symbols, sections, relocations, build id, and file offsets as addresses.
 * x86-64 only. The file may be forged, so every access is bounded. One thread at a time, because
 * bytes are read when they are first asked for. Functions return 0 or a negative errno; the
 * sentence is left with fail() unless noted. */
#ifndef PYLEAK_DSO_H
#define PYLEAK_DSO_H

#include "base/base.h"

struct dso;
struct Dwarf;

struct dso_sym {
	uint64_t addr; /* st_value: without the load bias */
	uint64_t size;
};

struct dso_range {
	uint64_t addr, size, offset; /* bytes; the address lacks the load bias */
	const uint8_t *data; /* bytes of the file, valid until dso_forget_bytes() or dso_close() */
};

/* Parts that are read when the file is opened. */
enum dso_parts {
	DSO_CODE,  /* no symbols: most files that are unwound are never asked for a name */
	DSO_NAMES, /* symbols, but no relocations */
	DSO_ALL,
};
/* Opens the file @fd, which it takes in any case; @name is for sentences. When a process named the
 * file, the caller has checked what it is (proc_map_open(), proc_open_named()). -ENOEXEC: it is no
 * 64-bit x86 ELF file. */
int dso_open_fd(int fd, const char *name, enum dso_parts parts, struct dso **out);
/* Opens a file of our own choice with all parts. -ENOENT: there is no such file. */
int dso_open(const char *path, struct dso **out);
/* Opens an ELF file in memory (vDSO, .gnu_debugdata) without symbols. Takes @image, from malloc(),
 * in any case. */
int dso_open_image(const char *name, void *image, size_t size, struct dso **out);
/* The same with all parts. */
int dso_open_bytes(const char *name, uint8_t *bytes, size_t size, struct dso **out);
void dso_close(struct dso *d);

const char *dso_path(const struct dso *d);
/* Returns the descriptor that is read, whatever file has the name by now: probes go to a duplicate
 * of it. -1: the file is in memory. */
int dso_fd(const struct dso *d);
struct Elf *dso_elf(const struct dso *d); /* libelf's handle; reads the file, never maps it */
/* Reads call frame information that is loaded with the file; the caller frees it. NULL: there is
 * none that can be trusted. */
struct Dwarf_CFI_s *dso_cfi(const struct dso *d);
/* The same for .debug_frame, which belongs to @dwarf; @path is for sentences. */
struct Dwarf_CFI_s *dso_debug_cfi(struct Dwarf *dwarf, const char *path);
bool dso_is_exec(const struct dso *d);	  /* ET_EXEC: bias is 0 */
bool dso_has_symtab(const struct dso *d); /* false: stripped */
/* Returns the build id in lower-case hex; "": the file has none. */
const char *dso_build_id(const struct dso *d);

/* Finds a defined symbol by name, in .dynsym first, then in .symtab. Among several versions it
 * takes the default one; it never takes an indirect function, whose address is its resolver's.
 * -ENOENT, without a sentence: there is none. */
int dso_symbol(const struct dso *d, const char *name, struct dso_sym *out);
/* Finds the function whose code holds @addr by a symbol with a size; reads symbols when first
 * asked. *@name lives as long as @d. -ENOENT, without a sentence: there is none. */
int dso_function_at(struct dso *d, uint64_t addr, struct dso_sym *out, const char **name);
/* Finds the extent of the function that holds @addr in the table of call frame information, which
 * stripped files have too. @out has neither offset nor data. *@depth is the number of bytes from
 * the stack pointer at the function's first byte to its caller's: 8 when it is called, another
 * number when the middle of another function jumps to it, 0 when it is not known. -ENOENT, without
 * a sentence: there is none. */
int dso_frame_at(const struct dso *d, uint64_t addr, struct dso_range *out, uint64_t *depth);
/* Finds the only function that calls @fn directly or jumps to it, on whose behalf @fn runs.
 * -ENOENT, without a sentence: there are others, none, or a pointer to it. It reads all code, which
 * takes a millisecond per megabyte. */
int dso_only_caller(const struct dso *d, const struct dso_range *fn, struct dso_range *out);
/* Finds a section by name; those of type SHT_NOBITS have no data. -ENOENT, without a sentence:
 * there is none. */
int dso_section(const struct dso *d, const char *name, struct dso_range *out);
/* Does .dynsym have an *undefined* entry of this name? */
bool dso_imports(const struct dso *d, const char *name);

/* Lists executable PROGBITS sections except .plt*, .init and .fini, or the PF_X segments when there
 * are no section headers or these are wrong. Returns the number, at most @max. */
size_t dso_text(const struct dso *d, struct dso_range *out, size_t max);
/* Lists writable PT_LOAD segments, with their size in memory and without data, to scan .data and
 * .bss of a live process. Returns the number, at most @max. */
size_t dso_writable(const struct dso *d, struct dso_range *out, size_t max);

/* Returns the bytes of the file at address @addr; *@avail is how many follow in the same segment.
 * Valid until dso_forget_bytes(). NULL: the file has no bytes for this address. */
const uint8_t *dso_bytes(const struct dso *d, uint64_t addr, size_t *avail);
/* Copies a few bytes; nothing is kept for it. False: the file has not all of them. */
bool dso_copy_bytes(const struct dso *d, uint64_t addr, void *to, size_t size);
/* Frees the segments that dso_bytes() and dso_section() have read, megabytes each. Nothing may
 * point into them any more; they are read again when asked for. */
void dso_forget_bytes(struct dso *d);

/* Are the address's bytes in an executable segment of the file? */
bool dso_is_code(const struct dso *d, uint64_t addr);
/* Both return -ERANGE when the file does not back the address, or does not load the offset. */
int dso_addr_to_offset(const struct dso *d, uint64_t addr, uint64_t *out);
int dso_offset_to_addr(const struct dso *d, uint64_t offset, uint64_t *out);

/* Returns the address of the first PT_LOAD rounded down to a page, minus its file offset, likewise
 * rounded. The load bias is (lowest mapped start - its file offset) - this. */
uint64_t dso_base(const struct dso *d);

/* Reads the relocations of a file that was opened without them, and frees them again. */
int dso_load_relocs(struct dso *d);
void dso_forget_relocs(struct dso *d);
/* Finds the symbol by which a GOT or PLT slot is relocated (GLOB_DAT, JUMP_SLOT, 64). *@addr is its
 * address + addend when this file defines it, else 0. A RELATIVE slot has no symbol: *@name is "",
 * *@addr the addend. -ENOENT, without a sentence: the slot has none. */
int dso_reloc(const struct dso *d, uint64_t slot, const char **name, uint64_t *addr);
/* Finds the first slot that is relocated by symbol @name itself (addend 0). -ENOENT, without a
 * sentence: there is none. */
int dso_reloc_slot(const struct dso *d, const char *name, uint64_t *slot);
/* Lists all such slots. Returns the number, at most @max. */
size_t dso_reloc_slots(const struct dso *d, const char *name, uint64_t *out, size_t max);

#endif

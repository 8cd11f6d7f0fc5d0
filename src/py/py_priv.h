/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Declares what the files of this room share: the tables by version, and the steps of py_open(). */
#ifndef PYLEAK_PY_PRIV_H
#define PYLEAK_PY_PRIV_H

#include "base/spend.h"
#include "py/py.h"
#include "py/shape.h"

#define PY_LAST_FREE_THREADED 14

/* Limits of lists and stacks, which a hostile target may make endless. */
#define PY_MAX_INTERPRETERS 1024
#define PY_MAX_THREADS	    65536
#define PY_MAX_STEPS	    20000 /* frames of one stack, shims included */

/* Most bytes that are copied of a frame (of a frame object up to f_iblock) and of a dict. */
#define PY_FRAME_COPY 128
#define PY_DICT_COPY  64

/* Py_TPFLAGS_* (Include/object.h, the same bits in 3.8 - 3.15). */
#define PY_TPFLAGS_HEAPTYPE	    (1ull << 9)
#define PY_TPFLAGS_READY	    (1ull << 12)
#define PY_TPFLAGS_DEFAULT	    (1ull << 18) /* up to 3.9 */
#define PY_TPFLAGS_UNICODE_SUBCLASS (1ull << 28)
#define PY_TPFLAGS_TYPE_SUBCLASS    (1ull << 31)

/* PyMemAllocatorEx (Include/cpython/pymem.h): the same five words in every version. */
struct py_vtable {
	uint64_t ctx, malloc, calloc, realloc, free;
};

/* One minor version as it was built without --disable-gil. */
struct py_build {
	struct pl_walk walk;
	struct py_layout layout;
	int minor;
	/* _PyRuntimeState; PL_NONE = not there */
	uint16_t runtime_finalizing, runtime_initialized, runtime_tstate_current, runtime_autotss;
	uint16_t runtime_raw, runtime_obj; /* allocator tables, 3.12+ */
	uint16_t gc_generation0;	   /* points at generations[0] in the same struct */
	uint16_t str_header;		   /* sizeof(PyUnicodeObject) = tp_basicsize of str */
	uint16_t heap_type_size;	   /* sizeof(PyHeapTypeObject) = tp_basicsize of type */
	uint16_t code_basicsize;	   /* tp_basicsize of code */
	uint16_t frame_tlbc_index; /* 3.14+ without a GIL: index of the bytecode's copy; else 0 */
};

struct py_private {
	struct py_build build; /* from the table, and from _Py_DebugOffsets where there are some */
	uint64_t raw_table, obj_table, mem_table; /* struct py_vtable in the target; 0 = unknown */
	uint64_t text_start, text_end;		  /* CPython's own code in the target */
	struct py_static_names *names;		  /* NULL before py_static_name() is called */
	struct spend naming;			  /* limits reads of class dicts of any length */
	uint64_t unnamed;			  /* names left out because of that limit */
	struct py_shape shape;
	bool has_traces; /* py_jit_runs() */
};

/* layout_table.c: the build of 3.@minor; all 0 if it is not known. */
struct py_build py_table(int minor);

#define PY_FIRST_DEBUG_MINOR 13
#define PY_DEBUG_VERSIONS    8	  /* room for as many */
#define PY_DEBUG_BYTES	     1024 /* most bytes of _Py_DebugOffsets: 3.15 has 888 */
/* A member whose offset is in _Py_DebugOffsets: at pos[0] in that of 3.13, ...; 0 = it is not. The
 * last row has no name. */
extern const struct py_debug_member {
	const char *name;
	uint16_t pos[PY_DEBUG_VERSIONS];
	uint16_t to;  /* in struct py_build */
	uint8_t size; /* bytes of the member there */
} py_debug_members[];
extern const struct py_debug_fixed {
	const char *name;
	uint16_t pos[PY_DEBUG_VERSIONS];
	uint16_t value;
	bool in_object;
} py_debug_fixed[];

/* Bytes by which the header of every object is longer in a build without a GIL. */
#define PY_FREE_THREADED_HEADER 16
/* Changes @b, which is from the table, to a free-threaded build. */
void py_free_threaded_build(struct py_build *b);
/* Overwrites members of @b by those of _Py_DebugOffsets (3.13+). */
int py_read_debug_offsets(const struct py_runtime *rt, struct py_build *b);

/* Steps of py_open(), each with a sentence of its own. */
int py_find(struct proc *p, struct py_runtime *rt);
int py_find_version(struct py_runtime *rt);
int py_check(struct py_runtime *rt);
int py_find_tstate(struct py_runtime *rt);
void py_find_gilstate(struct py_runtime *rt);
void py_find_allocators(struct py_runtime *rt);
void py_find_obmalloc(struct py_runtime *rt);
void py_find_gc(struct py_runtime *rt);

static inline uint64_t py_word(const uint8_t *raw, size_t at)
{
	uint64_t v;

	memcpy(&v, raw + at, sizeof(v));
	return v;
}

/* Writes the version of a hexversion for people: "3.13.0". */
void py_format_version(uint32_t hexversion, char *buf, size_t size);
/* Writes the version of a CPython before 3.8, from its file's strings or name; false: it is none.
 */
bool py_old_version(const struct dso *d, const char *path, char *buf, size_t size);

/* A value that a small function of CPython uses, found by following its code from the entry. */
enum py_value_kind {
	PY_VAL_UNKNOWN,
	PY_VAL_ADDR,	/* an address in the target */
	PY_VAL_GLOBAL,	/* the 8 bytes at an address */
	PY_VAL_TLS,	/* the 8 bytes at fsbase + offset */
	PY_VAL_DTV,	/* the 8 bytes at offset in the block of a TLS module */
	PY_VAL_FSBASE,	/* fsbase + offset itself */
	PY_VAL_TLSADDR, /* address of a variable: block of a TLS module + offset */
	PY_VAL_TLSDESC, /* a TLS descriptor was called */
};

struct py_value {
	enum py_value_kind kind;
	uint64_t addr;	/* ADDR, GLOBAL */
	int64_t offset; /* TLS, DTV, FSBASE, TLSADDR */
	uint32_t module;
};

#define PY_MAX_LOADS 48
struct py_loads {
	struct py_value result; /* rax at the first ret */
	struct py_value tls;	/* the first thread-local variable that was loaded */
	struct {
		uint64_t addr;
		uint8_t size;
	} v[PY_MAX_LOADS]; /* loads from constant addresses, in order */
	size_t n;
};

/* Follows the exported function @name along its fall-through path, at most @max instructions.
 * @whole: through all of them, in the order of the file, for the loads alone. */
int py_decode(const struct py_runtime *rt, const char *name, size_t max, bool whole,
	      struct py_loads *out);

/* The value of attribute @name in a type's own dict; -ENOENT when it has none. */
int py_type_attr(const struct py_runtime *rt, uint64_t type, const char *name, uint64_t *out);

/* Visits each entry of a dict whose keys are strings (a module's, sys.modules), until @f returns
 * false. Bounded; entries that cannot be read are left out. */
typedef bool (*py_entry)(const struct py_runtime *rt, const char *key, uint64_t value, void *ctx);
void py_dict_each(const struct py_runtime *rt, uint64_t dict, py_entry f, void *ctx);
/* The same without reading keys: each is "". */
void py_dict_values(const struct py_runtime *rt, uint64_t dict, py_entry f, void *ctx);
/* The value of one key; 0 = none. */
uint64_t py_dict_value(const struct py_runtime *rt, uint64_t dict, const char *key);
/* Visits those of the first @max modules that are written in C, by name and module object. */
void py_c_modules_each(const struct py_runtime *rt, size_t max, py_entry f, void *ctx);

/* For saved processes: a static type's name where tp_name cannot be read. -ENOENT: not known. */
int py_static_name(const struct py_runtime *rt, uint64_t type, char *buf, size_t size);
void py_static_names_free(struct py_static_names *s);

/* Pure: writes data of a str object as UTF-8 with a NUL. @kind: 1, 2, 4 bytes per code point. */
int py_decode_chars(const uint8_t *data, size_t n, unsigned int kind, char *buf, size_t size);
/* Lists the data segments of CPython's file in the target; of long ones the first 64 MiB. */
size_t py_data(const struct py_runtime *rt, struct dso_range *out, size_t max);
/* Pure: may @slots (64 words at @addr) be usedpools, by its empty classes? @pools gets the pools of
 * the others, which remain to be checked in the target, one per class; 0 = empty. */
bool py_looks_like_usedpools(const uint64_t *slots, uint64_t addr, uint32_t pool_size,
			     uint64_t pools[32]);

/* Sleeps between two reads of data that changes meanwhile. */
void py_pause_us(unsigned int us);

#endif

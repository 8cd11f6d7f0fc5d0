/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds CPython in a process: its file, version, build and layouts, which are checked against the
 * live process. No other room knows a CPython offset that is not in struct py_layout. */
#ifndef PYLEAK_PY_H
#define PYLEAK_PY_H

#include "dso/dso.h"
#include "proc/proc.h"
#include "pyleak/abi.h"

enum py_allocator {
	PY_ALLOC_PYMALLOC,
	PY_ALLOC_MALLOC,
	PY_ALLOC_MIMALLOC,
	PY_ALLOC_DEBUG,
	PY_ALLOC_OTHER
};

#define PY_FIRST_MINOR 8
int py_last_minor(void);

/* Offsets for reading objects from outside. PL_NONE = not in this version. */
struct py_layout {
	uint16_t ob_type, ob_size, tp_name, tp_basicsize, tp_itemsize, tp_flags, tp_dictoffset;
	uint16_t tp_weaklistoffset, tp_base, tp_dict, tp_dealloc, ht_qualname, ht_module,
		ht_cached_keys;
	uint16_t dict_used, dict_keys, dict_values, dict_version; /* ma_version_tag: <= 3.12 */
	uint16_t list_item, list_allocated, tuple_item, set_mask, set_table, set_smalltable;
	uint16_t bytearray_alloc, bytearray_bytes, bytes_data;
	uint16_t str_length, str_state, str_ascii_data, str_compact_data, str_noncompact_data;
	uint16_t code_flags, code_firstlineno, code_code /* inline or pointer */, code_filename;
	uint16_t code_name, code_qualname, code_linetable, code_version;
	uint16_t code_tlbc; /* free-threaded 3.14+: copies of the bytecode per thread; else 0 */
	uint16_t func_code, gen_iframe;
	uint8_t str_kind_shift; /* lowest bit of the kind in the state word of a str */
	/* Free-threaded builds keep an object's reference count in two parts, and its tie to the
	 * collector in a byte: 0 = not such a build. */
	uint16_t ob_gc_bits, ob_ref_local, ob_ref_shared;
	/* Words before the object for an instance's attributes (3.11+): py_managed_attributes. */
	int8_t managed_dict, managed_values;
	uint16_t dk_size, dk_log2_size, dk_log2_index_bytes, dk_kind, dk_usable, dk_nentries,
		dk_indices;
	uint16_t interp_next, interp_threads, interp_gc, interp_modules, tstate_next, tstate_interp;
	uint16_t tstate_native_id, interp_id;
	uint32_t interp_obmalloc; /* 0: static symbols (<= 3.11) */
	uint32_t gc_generations, gc_stats, gc_collecting, gc_enabled, gc_garbage,
		gc_permanent; /* in the gc struct */
	uint32_t runtime_interpreters;
	uint32_t runtime_gc; /* 3.8 keeps the gc struct in _PyRuntime; 0 = in the interpreter */
	uint32_t pool_size, arena_size;
	/* frames (objects up to 3.10) and the names of their variables */
	uint16_t frame_localsplus, frame_globals, frame_locals, frame_func, frame_top;
	uint16_t code_names; /* co_localsplusnames; <= 3.10: co_varnames */
	uint16_t code_freevars, code_cellvars /* <= 3.10 */, code_stacksize;
	uint32_t interp_size, tstate_size;
};

struct py_private; /* data for this room alone */

enum py_fact { PY_NO, PY_YES, PY_UNKNOWN };

struct py_runtime {
	const struct proc *proc; /* borrowed */
	struct dso *dso;	 /* the file that holds CPython */
	char name[4096];	 /* as the target calls it */
	uint64_t bias;
	uint64_t runtime; /* address of _PyRuntime in the target */
	uint32_t hexversion;
	int minor;	  /* 3.minor */
	char version[24]; /* "3.11.2" */
	bool free_threaded, debug, is_library, embedded_obmalloc;
	enum py_allocator allocator;
	char layout_source[32]; /* "table 3.11", "_Py_DebugOffsets 3.14" */
	struct pl_walk walk;
	struct py_layout layout;
	/* obmalloc state addresses in the target, 0 when unknown (then no pool census) */
	uint64_t usedpools, arenas, maxarenas; /* main interpreter; arenas, maxarenas: addresses of
						* the pointer and of the u32 */
	bool pymalloc_idle; /* no arena was ever made, as another allocator is used */
	uint64_t type_type, unicode_type, code_type; /* run-time addresses of PyType_Type ... */
	const struct py_shape *shape;		     /* set by py_find_shape(); NULL before */
	struct py_private *priv;
};

/* Finds CPython in @p and checks every layout against the live process. A process without CPython
 * 3.8 - 3.15 (3.13, 3.14 when free-threaded), or that fails a check, is refused with a sentence.
 * Waits about a second for one that is still starting, and refreshes its maps meanwhile. */
int py_open(struct proc *p, struct py_runtime **out);
void py_close(struct py_runtime *rt);
/* Closes the file of CPython, which saves a third of a megabyte and a descriptor. Functions that
 * need rt->dso must not be called afterwards. */
void py_close_file(struct py_runtime *rt);

/* Finds where the file of row @of is loaded: run-time address = address in the file + bias. False:
 * no row of the file is executable. */
bool py_load_bias(const struct proc *p, const struct proc_map *of, const struct dso *d,
		  uint64_t *bias);

const char *py_allocator_name(enum py_allocator a); /* contract words */
/* The allocator that is installed now, as tables can change at run time. */
enum py_allocator py_allocator_now(const struct py_runtime *rt);
/* Is tracemalloc on, which puts its table before the allocator's? */
bool py_runs_tracemalloc(const struct py_runtime *rt);
/* Do objects come from CPython's own mimalloc (3.13+), with or without debug hooks before it? */
bool py_uses_mimalloc(const struct py_runtime *rt);
/* The address of sys.modules of the main interpreter, a dict; 0 = it cannot be read. */
uint64_t py_modules(const struct py_runtime *rt);

/* Does it run code that Nuitka has compiled? From 3.9 on such code makes objects of CPython's
 * types, and takes memory from CPython's free lists, without _Py_NewReference. */
bool py_has_nuitka(const struct py_runtime *rt);
#define PY_NUITKA_WORDS "code that Nuitka has compiled makes objects without a trace"

/* Reads a str object as UTF-8, cut to @size. -EILSEQ: invalid data, -EFAULT: unreadable. */
int py_read_str(const struct py_runtime *rt, uint64_t obj, char *buf, size_t size);
/* Reads a type's name, with its module except for builtins: "dict", "app.Session". -EBUSY: names
 * cost too much of late, which py_unnamed() counts. To be called by one thread at a time. */
int py_type_name(const struct py_runtime *rt, uint64_t type, char *buf, size_t size);
uint64_t py_unnamed(const struct py_runtime *rt);
/* Does @want mean @name? "Session" fits "app.Session"; with a dot it must be the whole name. */
bool py_name_fits(const char *name, const char *want);
/* Reads tp_name as in CPython's source; of a saved process without constants, the type's name. */
int py_tp_name(const struct py_runtime *rt, uint64_t type, char *buf, size_t size);
/* Is this a live type object (checked by its own type's flags)? */
bool py_is_type(const struct py_runtime *rt, uint64_t type);
/* Is the type ready, by its tp_flags @flags, so that there may be objects of it? */
bool py_is_ready(const struct py_runtime *rt, uint64_t type, uint64_t flags);
/* The run-time address of the function that frees an object of @type. 0: not known, or the type has
 * a finalizer, which may keep an object alive. May be anything if the type is freed meanwhile. */
uint64_t py_type_dealloc(const struct py_runtime *rt, uint64_t type);

/* The value of an int. -ENOENT: it is no int, or a bool; -ERANGE: it has more than 60 bits. */
int py_int(const struct py_runtime *rt, uint64_t obj, int64_t *out);
/* Reference count and length of an object. UINT64_MAX: not known, or no container. */
uint64_t py_refcount(const struct py_runtime *rt, uint64_t obj);
uint64_t py_length(const struct py_runtime *rt, uint64_t obj);
/* The value of an int, float, bool, str or bytes, cut to @size; -ENOENT for all others. */
int py_repr(const struct py_runtime *rt, uint64_t obj, char *buf, size_t size);

/* A code object, copied out of the target when first seen. */
struct py_code;
int py_code_read(const struct py_runtime *rt, uint64_t addr, struct py_code **out);
void py_code_free(struct py_code *c);
/* Is this code object still at its address? Compares its number and the addresses of its names and
 * line table; up to 3.11, which has no numbers, also the known lines of code that is of no file. */
bool py_code_same(const struct py_runtime *rt, struct py_code *c);
bool py_code_may_go(const struct py_code *c); /* is of no file: may be compiled at run time */
/* Have both the same first line, and names and tables at the same addresses? */
bool py_code_is_like(const struct py_code *c, const struct py_code *now);
/* Have both the same names, or at the same addresses, and the same lines where both are known? */
bool py_code_tells_same(const struct py_code *c, const struct py_code *now);
int py_code_read_lines(const struct py_runtime *rt, struct py_code *c); /* to compare them later */
/* Is @now like @c, and with the same lines? False if the lines of only one are known. */
bool py_code_is_again(const struct py_code *c, const struct py_code *now);
bool py_code_has_number(const struct py_code *c); /* 3.12+: no other code object gets the same */
/* Takes the number of @now, which is the same code. True: it is new, as after another compile. */
bool py_code_renumber(struct py_code *c, const struct py_code *now);
uint64_t py_code_addr(const struct py_code *c);
/* Is it code of CPython itself, which runs between the call of a class and __init__() (3.12+)? */
bool py_code_is_shim(const struct py_code *c);
const char *py_code_file(const struct py_code *c);
const char *py_code_function(const struct py_code *c); /* qualified name; plain name <= 3.10 */
int py_code_firstline(const struct py_code *c);
/* Maps @instr from a thread's own copy of the bytecode, as free-threaded 3.14+ has, to the code
 * object itself. Returns @instr if it is there already, or in no copy. */
uint64_t py_code_instr(const struct py_runtime *rt, const struct py_code *c, uint64_t instr);
/* Line of a raw instruction word of a frame (struct pl_frame): the first line if the table has
 * none, 0 if a thread's copy of the bytecode is gone. Negative errno: the table cannot be read, or
 * (-ESTALE) the instruction is not of this code, as another code object has the address by now.
 * Reads the target once for each instruction. */
int py_code_line(const struct py_runtime *rt, struct py_code *c, uint64_t instr);
/* Was code met of which CPython's JIT runs parts? Such code stores its position only before calls
 * that may fail or run other code. A list or tuple is born without such a call, so the frame that
 * makes it may still show an earlier line. */
bool py_jit_runs(const struct py_runtime *rt);
size_t py_code_bytes(const struct py_code *c); /* memory of the copy */

/* Lists the thread states of all interpreters. Returns their number, at most @max. */
size_t py_threads(const struct py_runtime *rt, uint64_t *tstates, size_t max);
/* Reads the stack of a thread, innermost first; racy unless the thread is stopped. *left: steps
 * that may be gone, from which those gone are taken. */
int py_read_stack(const struct py_runtime *rt, uint64_t tstate, struct pl_frame *out, size_t max,
		  size_t *n, int *left);

/* One frame with its variables. */
struct py_locals {
	uint64_t frame, code, globals;
	uint64_t locals;       /* the dict of a class body or of exec, 0 = none */
	uint64_t func, object; /* the function, and the frame object once there is one (3.11+) */
	uint64_t slots;	       /* address of the first variable */
	uint32_t n;	       /* variables, cells and free variables */
	uint32_t n_stack;      /* words of the value stack after them */
	bool stack_known;      /* false: n_stack is all its room, which may have leftovers */
};
typedef int (*py_locals_visit)(const struct py_locals *f, void *ctx);
/* Visits the frames of a thread, innermost first, at most PY_MAX_STEPS. If @visit returns other
 * than 0, ends and returns that. */
int py_walk_locals(const struct py_runtime *rt, uint64_t tstate, py_locals_visit visit, void *ctx);
/* Reads a frame: one embedded in a generator or coroutine (3.11+), or a frame object (<= 3.10). */
int py_read_locals(const struct py_runtime *rt, uint64_t frame, struct py_locals *out);
/* Reads the name of variable @i of a code object. -ENOENT: it has no such variable. */
int py_local_name(const struct py_runtime *rt, uint64_t code, uint32_t i, char *buf, size_t size);
/* Reads the name of free variable @i, an item of a function's __closure__. */
int py_free_name(const struct py_runtime *rt, uint64_t code, uint32_t i, char *buf, size_t size);
/* Lists interpreter states, the main one last. Returns their number, at most @max, or -errno. */
int py_interpreters(const struct py_runtime *rt, uint64_t *out, size_t max);
/* The main interpreter's state; 0 = it cannot be read. */
uint64_t py_main_interpreter(const struct py_runtime *rt);
/* Address of the gc struct of an interpreter. */
uint64_t py_gc_of(const struct py_runtime *rt, uint64_t interp);
/* Run-time address of a symbol of CPython's file; 0 = not there. */
uint64_t py_symbol(const struct py_runtime *rt, const char *name);

/* Counts full (generation 2) collections so far, of all interpreters; -ENODATA: not known. */
int py_full_collections(const struct py_runtime *rt, uint64_t *out);
int py_gc_enabled(const struct py_runtime *rt, bool *out);
/* Facts of the collectors of all interpreters. py_gc_state(): -ENODATA if they make no sense. */
#define PY_GENERATIONS 3
#define PY_MAX_GARBAGE 64
struct py_gc_state {
	bool is_enabled; /* this and the thresholds are the main interpreter's */
	uint32_t threshold[PY_GENERATIONS];
	uint64_t collections[PY_GENERATIONS], uncollectable; /* since the start */
	uint64_t garbage[PY_MAX_GARBAGE];		     /* the lists gc.garbage */
	size_t n_garbage;
};
int py_gc_state(const struct py_runtime *rt, struct py_gc_state *out);
/* Lists the heads of lists of tracked objects: addresses of a PyGC_Head that is no object's, of all
 * generations and the frozen objects of all interpreters. Returns their number, at most @max. */
size_t py_gc_heads(const struct py_runtime *rt, uint64_t *out, size_t max);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* CPython in a process: where it is, which version and build, its layouts, checked against the
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
	uint16_t code_name, code_qualname, code_linetable, code_firsttraceable, code_version;
	uint16_t code_tlbc; /* free-threaded 3.14+: copies of the bytecode per thread; else 0 */
	uint16_t func_code, gen_iframe;
	uint8_t str_kind_shift; /* where in the state word of a str its kind begins */
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
	/* frames and what their variables are called; the object's or the interpreter frame's */
	uint16_t frame_localsplus, frame_globals, frame_locals, frame_func, frame_top;
	uint16_t code_names; /* co_localsplusnames; <= 3.10: co_varnames */
	uint16_t code_freevars, code_cellvars /* <= 3.10 */, code_stacksize;
	uint32_t interp_size, tstate_size;
};

struct py_private; /* what only this room looks at */

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
	uint64_t usedpools, arenas, maxarenas; /* main interpreter; arenas, maxarenas: where the
						* pointer and the u32 lie */
	bool pymalloc_idle; /* no arena was ever made: another allocator is in charge */
	uint64_t type_type, unicode_type, code_type; /* run-time addresses of PyType_Type ... */
	const struct py_shape *shape; /* how it was built (shape.h); NULL: nobody has asked */
	struct py_private *priv;
};

/* Find CPython in @p and check every layout against the live process. Refuses with a sentence what
 * is no CPython 3.8 - 3.15 (3.13, 3.14 when free-threaded), and what fails its checks. A process
 * that is still starting is waited for about a second; its maps are refreshed meanwhile. */
int py_open(struct proc *p, struct py_runtime **out);
void py_close(struct py_runtime *rt);
/* All that the file told is known: without it a runtime costs a third of a megabyte and a
 * descriptor less. Nothing that needs rt->dso may come after. */
void py_close_file(struct py_runtime *rt);

/* Where the file of row @of is loaded: run-time address = address in the file + bias. False when no
 * row of it is executable. */
bool py_load_bias(const struct proc *p, const struct proc_map *of, const struct dso *d,
		  uint64_t *bias);

const char *py_allocator_name(enum py_allocator a); /* contract words */
/* Which allocator is installed now (tables can change at run time). */
enum py_allocator py_allocator_now(const struct py_runtime *rt);
/* Is tracemalloc on? It stands in front of the allocator then. */
bool py_runs_tracemalloc(const struct py_runtime *rt);
/* Do objects come from CPython's own mimalloc (3.13+), debug hooks in front of it or not? */
bool py_uses_mimalloc(const struct py_runtime *rt);
/* sys.modules of the main interpreter, a dict that every process has; 0 = not to be had. */
uint64_t py_modules(const struct py_runtime *rt);

/* Does it run code that Nuitka has compiled? From 3.9 on that makes objects of CPython's own types,
 * and takes them from CPython's lists of free ones, without _Py_NewReference. */
bool py_has_nuitka(const struct py_runtime *rt);
#define PY_NUITKA_WORDS "code that Nuitka has compiled makes objects without a trace"

/* A str object as UTF-8; truncated to size; invalid data gives -EILSEQ, unreadable -EFAULT. */
int py_read_str(const struct py_runtime *rt, uint64_t obj, char *buf, size_t size);
/* Type name, qualified with its module except for builtins: "dict", "app.Session". -EBUSY when
 * names cost too much of late, which py_unnamed() counts. By one thread at a time. */
int py_type_name(const struct py_runtime *rt, uint64_t type, char *buf, size_t size);
uint64_t py_unnamed(const struct py_runtime *rt);
/* "app.Session" is asked for as Session, too; a name with a dot must be the whole name. */
bool py_name_fits(const char *name, const char *want);
/* tp_name as CPython's source has it; for a saved process without its constants the type's name. */
int py_tp_name(const struct py_runtime *rt, uint64_t type, char *buf, size_t size);
/* Is this a live type object (checked by its own type's flags)? */
bool py_is_type(const struct py_runtime *rt, uint64_t type);
/* By @flags, which are its own: is it made, so that there may be objects of it? */
bool py_is_ready(const struct py_runtime *rt, uint64_t type, uint64_t flags);
/* The function that an object of @type ends in, at run time. 0: not known, or the type has a
 * finalizer, and what that keeps lives on. A type that is freed meanwhile may have any value there.
 */
uint64_t py_type_dealloc(const struct py_runtime *rt, uint64_t type);

/* The value of an int. -ENOENT when it is none, -ERANGE when it has more than 60 bits. */
int py_int(const struct py_runtime *rt, uint64_t obj, int64_t *out);
/* One object for people. UINT64_MAX: not known, or no container. */
uint64_t py_refcount(const struct py_runtime *rt, uint64_t obj);
uint64_t py_length(const struct py_runtime *rt, uint64_t obj);
/* The value of an int, float, bool, str or bytes, cut to @size; -ENOENT for all others. */
int py_repr(const struct py_runtime *rt, uint64_t obj, char *buf, size_t size);

/* A code object, copied out of the target when first seen. */
struct py_code;
int py_code_read(const struct py_runtime *rt, uint64_t addr, struct py_code **out);
void py_code_free(struct py_code *c);
/* Does the address still hold this code object (its number, where its names and its line table
 * lie; to 3.11, which has no numbers, its lines if it is of no file, once they are known)? */
bool py_code_same(const struct py_runtime *rt, struct py_code *c);
bool py_code_may_go(const struct py_code *c); /* of no file: a program may have compiled it */
/* The same names, tables and first line by address: one lies where the other did. */
bool py_code_is_like(const struct py_code *c, const struct py_code *now);
/* Has @now the same names, or the place of them, and the lines of @c as far as both are known? */
bool py_code_tells_same(const struct py_code *c, const struct py_code *now);
int py_code_read_lines(const struct py_runtime *rt, struct py_code *c); /* to tell by them */
/* Is @now, from the same source, where @c was? Not known while the lines of one alone are. */
bool py_code_is_again(const struct py_code *c, const struct py_code *now);
bool py_code_has_number(const struct py_code *c); /* 3.12+: while it has it, it is itself */
/* @c is @now: has that another number, as it was compiled again? */
bool py_code_renumber(struct py_code *c, const struct py_code *now);
uint64_t py_code_addr(const struct py_code *c);
/* Nobody wrote it: CPython runs it between a class that is called and its __init__() (3.12+). */
bool py_code_is_shim(const struct py_code *c);
const char *py_code_file(const struct py_code *c);
const char *py_code_function(const struct py_code *c); /* qualified name; plain name <= 3.10 */
int py_code_firstline(const struct py_code *c);
/* Free-threaded 3.14+: a thread may run a copy of the bytecode of its own. The same instruction in
 * the code object itself; @instr unchanged when it is there already, or in no copy. */
uint64_t py_code_instr(const struct py_runtime *rt, const struct py_code *c, uint64_t instr);
/* Line of a raw instruction word of a frame (struct pl_frame): the first line when the table does
 * not say, 0 when a thread's copy of the bytecode is gone, negative errno when the table cannot be
 * read or the code object is another one by now: the instruction is none of its own then. Read from
 * the target once for each instruction. */
int py_code_line(const struct py_runtime *rt, struct py_code *c, uint64_t instr);
/* Has code been met of which CPython's JIT runs parts? Those say where they are only before they
 * call what may fail or run other code. A list or a tuple is born without: the frame that makes it
 * still tells an earlier line then. */
bool py_jit_runs(const struct py_runtime *rt);
size_t py_code_bytes(const struct py_code *c); /* memory that it takes here */

/* Thread states of all interpreters. Returns the number, at most @max. */
size_t py_threads(const struct py_runtime *rt, uint64_t *tstates, size_t max);
/* The stack of a thread read from outside (racy unless it is stopped): frames, innermost first. */
int py_read_stack(const struct py_runtime *rt, uint64_t tstate, struct pl_frame *out, size_t max,
		  size_t *n);

/* One frame with its variables. */
struct py_locals {
	uint64_t frame, code, globals;
	uint64_t locals;  /* the dict of a class body or of exec, 0 = none */
	uint64_t slots;	  /* address of the first variable */
	uint32_t n;	  /* variables, cells and free variables */
	uint32_t n_stack; /* words of the value stack behind them */
	bool stack_known; /* false: n_stack is the room for it, and may hold leftovers */
};
typedef int (*py_locals_visit)(const struct py_locals *f, void *ctx);
/* The frames of a thread, innermost first, at most PY_MAX_STEPS. Returns what @visit returned when
 * that was not 0. */
int py_walk_locals(const struct py_runtime *rt, uint64_t tstate, py_locals_visit visit, void *ctx);
/* The frame embedded in a generator or coroutine object (3.11+), or a frame object (<= 3.10). */
int py_read_locals(const struct py_runtime *rt, uint64_t frame, struct py_locals *out);
/* The name of variable @i of a code object: "x". -ENOENT when it is none. */
int py_local_name(const struct py_runtime *rt, uint64_t code, uint32_t i, char *buf, size_t size);
/* The same for free variable @i (an item of a function's __closure__). */
int py_free_name(const struct py_runtime *rt, uint64_t code, uint32_t i, char *buf, size_t size);
/* Interpreter states. Returns the number, at most @max; -errno when a link is broken. */
int py_interpreters(const struct py_runtime *rt, uint64_t *out, size_t max);
/* Address of the gc struct of an interpreter. */
uint64_t py_gc_of(const struct py_runtime *rt, uint64_t interp);
/* Run-time address of a symbol of CPython's file; 0 = not there. */
uint64_t py_symbol(const struct py_runtime *rt, const char *name);

/* Full (generation 2) collections so far, summed over interpreters; -ENODATA when unknown. */
int py_full_collections(const struct py_runtime *rt, uint64_t *out);
int py_gc_enabled(const struct py_runtime *rt, bool *out);
/* The collectors of all interpreters say this of themselves. -ENODATA when it makes no sense. */
#define PY_GENERATIONS 3
#define PY_MAX_GARBAGE 64
struct py_gc_state {
	bool is_enabled; /* of the main interpreter, as the thresholds */
	uint32_t threshold[PY_GENERATIONS];
	uint64_t collections[PY_GENERATIONS], uncollectable; /* since the start */
	uint64_t garbage[PY_MAX_GARBAGE];		     /* the lists gc.garbage */
	size_t n_garbage;
};
int py_gc_state(const struct py_runtime *rt, struct py_gc_state *out);
/* Heads of the lists of tracked objects, all generations of all interpreters and what gc.freeze()
 * set aside: addresses of a PyGC_Head that is no object's. Returns the number, at most @max. */
size_t py_gc_heads(const struct py_runtime *rt, uint64_t *out, size_t max);

#endif

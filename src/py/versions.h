/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names each difference between versions of CPython besides offsets of members (struct py_layout),
 * so that no other room asks for a version. */
#ifndef PYLEAK_PY_VERSIONS_H
#define PYLEAK_PY_VERSIONS_H

#include "py/py.h"

/* ---- References and counts ---- */

/* 3.14: the low bits of a reference in a frame are tags. */
static inline uint64_t py_reference_mask(const struct py_runtime *rt)
{
	return rt->minor >= 14 ? ~3ull : ~0ull;
}

/* 3.14: 32 bits of count, 16 of overflow, 16 of flags. Before, the whole word is the count. */
static inline bool py_counts_have_flags(const struct py_runtime *rt)
{
	return rt->minor >= 14;
}

/* 3.12: the low 32 bits of the word count, and all ones mean immortal. */
static inline bool py_has_immortals(const struct py_runtime *rt)
{
	return rt->minor >= 12;
}

/* Is the table of interned strings in the interpreter, and without references of its own? 3.12, and
 * any build without a GIL, makes interned strings immortal. */
static inline bool py_interp_has_mortal_names(const struct py_runtime *rt)
{
	return rt->minor >= 13 && !rt->free_threaded;
}

/* 3.14: dead objects on a free list are linked by the word of their count. */
static inline bool py_free_lists_use_counts(const struct py_runtime *rt)
{
	return rt->minor >= 14;
}

/* ---- The evaluator ---- */

/* 3.14: it may be handlers that jump to each other. */
static inline bool py_may_have_handlers(const struct py_runtime *rt)
{
	return rt->minor >= 14;
}

/* 3.13: parts of a code object may be compiled as traces: the member after its weak references is
 * the array of these, or NULL. */
static inline bool py_code_may_have_traces(const struct py_runtime *rt)
{
	return rt->minor >= 13;
}

/* ---- Values ---- */

/* 3.12: the number of digits of an int is above three bits of sign and flags. */
static inline bool py_ints_have_tags(const struct py_runtime *rt)
{
	return rt->minor >= 12;
}

/* 3.15: the buffer of a bytearray is a bytes object. */
static inline bool py_bytearrays_hold_bytes(const struct py_runtime *rt)
{
	return rt->minor >= 15;
}

/* 3.8, 3.9: the type of an lru_cache's links has objects, though it is never made ready. */
static inline bool py_links_are_unready(const struct py_runtime *rt)
{
	return rt->minor <= 9;
}

/* ---- Dicts and attributes ---- */

/* 3.11: the sizes of keys are logarithms. */
static inline bool py_keys_are_logarithmic(const struct py_runtime *rt)
{
	return rt->minor >= 11;
}

/* Up to 3.12 every change of a dict gives it a tag that no dict had before. */
static inline bool py_dicts_have_versions(const struct py_runtime *rt)
{
	return rt->minor <= 12;
}

/* The array of values of a split dict: as many slots as the keys have room for; slots with the
 * order of insertion before them, whose length is before the slots; slots after a head with their
 * number. */
enum py_values { PY_VALUES_AS_KEYS, PY_VALUES_ORDERED, PY_VALUES_HEADED };

static inline enum py_values py_values_kind(const struct py_runtime *rt)
{
	return rt->minor <= 10	? PY_VALUES_AS_KEYS
	       : rt->minor < 13 ? PY_VALUES_ORDERED
				: PY_VALUES_HEADED;
}

/* Words before an instance: in 3.11 values and dict, from 3.12 on weak references and dict. */
static inline bool py_managed_dict_alone(const struct py_runtime *rt)
{
	return rt->minor == 11;
}

static inline bool py_managed_with_weakrefs(const struct py_runtime *rt)
{
	return rt->minor >= 12;
}

static inline bool py_has_managed_dicts(const struct py_runtime *rt)
{
	return rt->minor >= 11;
}

/* ---- Frames ---- */

/* Up to 3.10 a frame is an object; from 3.11 on it is in a generator, or on a stack of its own. */
static inline bool py_frames_are_objects(const struct py_runtime *rt)
{
	return rt->minor <= 10;
}

/* Up to 3.9 a frame object has the end of its stack; in 3.10 it has the depth. */
static inline bool py_frame_objects_have_tops(const struct py_runtime *rt)
{
	return rt->minor <= 9;
}

/* Up to 3.13 the top of a frame's stack is a number of slots; from 3.14 on it is an address. */
static inline bool py_frame_tops_are_numbers(const struct py_runtime *rt)
{
	return rt->minor <= 13;
}

/* From 3.12 on the frame of a generator that is over still holds its code. */
static inline bool py_ended_frames_hold_code(const struct py_runtime *rt)
{
	return rt->minor >= 12;
}

/* Bytes from gi_frame to the next pointer of a generator: up to 3.9 gi_running is between. */
static inline int64_t py_generator_rest(const struct py_runtime *rt)
{
	return rt->minor <= 9 ? 16 : 8;
}

/* ---- The interpreter ---- */

/* 3.8, 3.9: the callbacks of atexit are in the state of the module. */
static inline bool py_atexit_is_in_module(const struct py_runtime *rt)
{
	return rt->minor <= 9;
}

/* 3.8: extensions have the code of births compiled into them. */
static inline bool py_extensions_make_objects(const struct py_runtime *rt)
{
	return rt->minor == 8;
}

/* 3.12: interpreters with a GIL of their own make objects at once. */
static inline bool py_births_may_run_at_once(const struct py_runtime *rt)
{
	return rt->minor >= 12;
}

/* Do objects come to life at once? Threads without a GIL make them, and interpreters with their
 * own. */
static inline bool py_births_run_at_once(const struct py_runtime *rt)
{
	uint64_t interps[2];

	return py_births_may_run_at_once(rt) &&
	       (rt->free_threaded || py_interpreters(rt, interps, ARRAY_SIZE(interps)) > 1);
}

/* ---- A file without a process, by 3.@minor ---- */

static inline bool py_births_are_known(int minor)
{
	return minor >= PY_FIRST_MINOR && minor <= py_last_minor();
}

/* 3.8: _Py_NewReference is part of every caller. */
static inline bool py_births_are_inlined(int minor)
{
	return minor == 8;
}

/* From 3.12 on the word tested at births is in _PyRuntime, before in a struct of tracemalloc. */
static inline bool py_births_test_runtime(int minor)
{
	return minor >= 12;
}

/* From 3.13 on that word is a pointer, before a flag of four bytes. */
static inline bool py_births_test_pointer(int minor)
{
	return minor >= 13;
}

#endif

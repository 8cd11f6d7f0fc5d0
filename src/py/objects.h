/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Offsets of members that are the same in all of 3.8 - 3.15, in builds with a GIL; without one,
 * py_more_header() is to be added. Small functions give the few that moved once; the others are in
 * struct py_layout. Include/cpython/
 * {cellobject,funcobject,weakrefobject,pyerrors,traceback}.h,
 * Include/internal/pycore_{moduleobject, hamt,context,interpframe_structs}.h,
 * Modules/_{collections,functools,threadmodule}.c.
 */
#ifndef PYLEAK_PY_OBJECTS_H
#define PYLEAK_PY_OBJECTS_H

#include "py/py.h"

/* Bytes by which the header of an object is longer than with a GIL. */
static inline uint16_t py_more_header(const struct py_runtime *rt)
{
	return rt->free_threaded ? 16 : 0;
}

/* The header of an object in builds without a GIL (3.13t on): owner, flags, the bits of the
 * collector, and the reference count in two parts. */
enum {
	PY_FT_GC_BITS = 11,
	PY_FT_GC_FROZEN = 1 << 3,
	PY_FT_GC_DEFERRED = 1 << 6,
	PY_FT_REF_LOCAL = 12,  /* u32 */
	PY_FT_REF_SHARED = 16, /* i64, two flags below */
	PY_FT_HEAD = 24,
};

/* Addresses of an instance's attributes without a dict at tp_dictoffset; 0 = none. */
struct py_attributes {
	uint64_t values; /* first slot of an array, in the order of the class's keys */
	uint64_t dict;	 /* made when the program first asks for it */
};

/* Takes the words at layout.managed_values and managed_dict: each has its own in 3.11; in 3.12 both
 * share one, odd for values; since 3.13 values are in the body, or in the dict. */
static inline struct py_attributes py_managed_attributes(const struct py_runtime *rt,
							 uint64_t values, uint64_t dict)
{
	if (rt->minor == 12 && (dict & 1))
		return (struct py_attributes){dict + 1, 0};
	return (struct py_attributes){rt->minor == 11 ? values : 0, dict};
}

/* The values in a body (struct _dictvalues, 3.13+): a byte each, then the slots. */
enum {
	PY_VALUES_CAPACITY = 0,
	PY_VALUES_EMBEDDED = 2,
	PY_VALUES_VALID = 3,
	PY_VALUES_SLOTS = 8,
};

enum {
	PY_BODY = 16,	  /* the end of ob_refcnt and ob_type */
	PY_VAR_BODY = 24, /* the end of ob_size */
	PY_MODULE_DICT = 16,
	PY_MODULE_STATE = 32,
	PY_CELL_REF = 16,
	PY_METHOD_FUNC = 16,
	PY_METHOD_SELF = 24, /* m_self of built-in ones too */
	PY_WEAKREF_CALLBACK = 24,
	PY_WEAKREF_END = 56,
	PY_CONTEXTVAR_NAME = 16,
	PY_CONTEXTVAR_DEFAULT = 24,
	PY_HAMT_ARRAY = 32, /* in a node with ob_size: keys and values, or subtrees */
	PY_TRACEBACK_NEXT = 16,
	PY_TRACEBACK_FRAME = 24,
	PY_EXCEPTION_DICT = 16,
	PY_EXCEPTION_ARGS = 24,
	PY_DEQUE_LEFT = 24,
	PY_DEQUE_RIGHT = 32,
	PY_DEQUE_LEFT_INDEX = 40,
	PY_DEQUE_RIGHT_INDEX = 48,
	PY_DEQUE_SLOTS = 64, /* slots of a block, between its two links */
	PY_DICT_BODY = 48,   /* sizeof(PyDictObject) */
	PY_LIST_BODY = 40,
	PY_SET_USED = 24,
	PY_SET_BODY = 200,
	PY_SMALL_TABLE_END = 192,
	PY_DEQUE_MAXLEN = 64, /* -1: none */
	PY_LRU_KEY = 40,      /* in a link, after its neighbours and the hash */
	PY_LRU_CACHE = 72,    /* the dict; the first link of the ring is part of the wrapper */
	PY_LRU_MAXSIZE = 96,  /* -1: none */
	PY_PARTIAL_FUNC = 16,
	PY_FRAME_OBJECT_FRAME = 24, /* f_frame, 3.11+ */
	PY_FRAME_OBJECT_OWN = 40,   /* 3.11+: its own frame is here or later */
	PY_MEMBER_DEF = 40,	    /* member_descriptor: d_member */
	PY_MEMBER_OFFSET = 16,	    /* PyMemberDef.offset */
	PY_GEN_FRAME = 16,	    /* gi_frame, <= 3.10 */
	PY_MANAGED_OBJ = 40,	    /* managedbuffer: master.obj */
	PY_MEMORYVIEW_OBJ = 64,	    /* view.obj */
	PY_MEMORYVIEW_LEN = 72,	    /* view.len */
	PY_DEQUE_SIZE = 16,
};

/* Has a generator or coroutine (3.11+) ended? @states is the word before its frame, in which
 * gi_frame_state is the fourth byte, before padding. 3.15 has other numbers. */
static inline bool py_generator_is_over(const struct py_runtime *rt, uint64_t states)
{
	return (int8_t)(states >> 24) >= (rt->minor >= 15 ? 5 : 1);
}

static inline uint16_t py_func_qualname(const struct py_runtime *rt)
{
	return rt->minor >= 10 ? 40 : 104;
}

static inline uint16_t py_func_closure(const struct py_runtime *rt)
{
	return rt->minor >= 10 ? 72 : 48;
}

static inline uint16_t py_func_defaults(const struct py_runtime *rt)
{
	return rt->minor >= 10 ? 56 : 32;
}

static inline uint16_t py_func_kwdefaults(const struct py_runtime *rt)
{
	return rt->minor >= 10 ? 64 : 40;
}

static inline uint16_t py_func_globals(const struct py_runtime *rt)
{
	return rt->minor >= 10 ? 16 : 24;
}

/* Context and cause follow. 3.11 put the notes between the arguments and the traceback. */
static inline uint16_t py_exception_traceback(const struct py_runtime *rt)
{
	return rt->minor >= 11 ? 40 : 32;
}

/* The end of the last owned member of a frame object: up to 3.10 of f_trace, before borrowed ones;
 * from 3.11 on its own frame may follow. */
static inline uint16_t py_frame_owned_end(const struct py_runtime *rt)
{
	static const uint16_t end[] = {88, 88, 80, 48, 48, 64};

	return rt->minor <= 13 ? end[rt->minor - PY_FIRST_MINOR] : 72;
}

#endif

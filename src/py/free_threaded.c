/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The layout of builds without a GIL (--disable-gil; "3.13t", "3.14t"). Their objects have a header
 * of 32 bytes (Include/object.h, Py_GIL_DISABLED): owning thread, mutex, collector bits, a local
 * and a shared reference count, type. All members after it move by the difference; a few structs
 * have members of their own. Taken from the debug information of 3.13.5t and 3.14.4t; py_check()
 * compares it with the live process. There are no PyGC_Heads and no collector lists: before an
 * object there are only the words for dict and weak references.
 */
#include "py/py_priv.h"

static void move(uint16_t *member)
{
	if (*member != PL_NONE)
		*member = (uint16_t)(*member + PY_FREE_THREADED_HEADER);
}

void py_free_threaded_build(struct py_build *b)
{
	struct py_layout *l = &b->layout;
	uint16_t *const in_objects[] = {
		&l->ob_type,
		&l->ob_size,
		&l->tp_name,
		&l->tp_basicsize,
		&l->tp_itemsize,
		&l->tp_flags,
		&l->tp_dictoffset,
		&l->tp_weaklistoffset,
		&l->tp_base,
		&l->tp_dict,
		&l->tp_dealloc,
		&l->ht_qualname,
		&l->ht_module,
		&l->ht_cached_keys,
		&l->dict_used,
		&l->dict_keys,
		&l->dict_values,
		&l->list_item,
		&l->list_allocated,
		&l->tuple_item,
		&l->set_mask,
		&l->set_table,
		&l->set_smalltable,
		&l->bytearray_alloc,
		&l->bytearray_bytes,
		&l->bytes_data,
		&l->str_length,
		&l->str_state,
		&l->str_ascii_data,
		&l->str_compact_data,
		&l->str_noncompact_data,
		&l->code_flags,
		&l->code_firstlineno,
		&l->code_code,
		&l->code_filename,
		&l->code_name,
		&l->code_qualname,
		&l->code_linetable,
		&l->code_version,
		&l->func_code,
		&l->gen_iframe,
		&l->code_stacksize,
		&b->str_header,
		&b->heap_type_size,
		&b->code_basicsize,
	};

	for (size_t i = 0; i < ARRAY_SIZE(in_objects); i++)
		move(in_objects[i]);
	l->ob_gc_bits = 11;
	l->ob_ref_local = 12;
	l->ob_ref_shared = 16;
	l->managed_dict = -8;
	if (b->minor >= 14) {
		l->str_kind_shift = 8;	/* `interned` has a byte of its own */
		b->heap_type_size += 8; /* unique_id */
		b->code_basicsize += 8; /* co_tlbc */
		/* the frame has one more member, a copy's number, before the owner byte */
		b->walk.frame_size = 80;
	}
}

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes the C source of a module of cffi. `build_cffi.py FILE`"""
import sys

import cffi

ORDER = "typedef struct { int id; double prices[20]; } order;"
SOURCE = """
static double total(order *o)
{
	double sum = 0;

	for (int i = 0; i < 20; i++)
		sum += o->prices[i] + o->id;
	return sum;
}
"""

builder = cffi.FFI()
builder.cdef(ORDER + "double total(order *);")
builder.set_source("shop_cffi", ORDER + SOURCE)
builder.emit_c_code(sys.argv[1])

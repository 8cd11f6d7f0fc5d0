/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of C++ and Rust functions: a short one can stand for gigabytes.
 *
 * reads: src/sym/demangle.c
 */
#include "fuzz/fuzz.h"
#include "sym/sym.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	char *name = in_text(&in);

	free(sym_demangle(name));
	free(name);
	return 0;
}

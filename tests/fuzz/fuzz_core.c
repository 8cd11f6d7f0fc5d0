/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An ELF core file that lies.
 *
 * reads: src/saved/core.c src/saved/core_parse.c src/saved/core_rows.c src/proc/source.c
 */
#include "fuzz/fuzz.h"
#include "fuzz/saved.h"
#include "saved/saved.h"

#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size}, lib = in_part(&in);
	struct proc *p;

	/* A file that the core names: it is here, and may be another one. */
	fake_only_below("/fuzz.root");
	fake_file("/fuzz.root/lib/libx.so", lib.p, lib.n);
	if (saved_open_core(fake_path(in.p, in.n), NULL, &p))
		return 0;
	saved_ask(p);
	proc_close(p);
	return 0;
}

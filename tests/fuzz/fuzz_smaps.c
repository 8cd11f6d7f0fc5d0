/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * /proc/PID/smaps: rows of mappings with what is resident of each.
 *
 * reads: src/proc/resident.c
 */
#include "fuzz/fuzz.h"
#include "proc/proc.h"

#define PID 99999999

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc p = {.pid = PID, .pidfd = -1};
	uint8_t page[8];
	struct proc_resident *rows = NULL;
	size_t n = 0;

	fake_only_below("/proc/99999999/");
	fake_file("/proc/99999999/smaps", data, size);
	/* The same text as pagemap: words with flags. */
	fake_file("/proc/99999999/pagemap", data, size);
	if (!proc_resident_rows(&p, &rows, &n))
		for (size_t i = 0; i < n; i++)
			if (rows[i].start > rows[i].end)
				abort();
	free(rows);
	proc_resident_pages(&p, 0, sizeof(page) * 4096, page);
	return 0;
}

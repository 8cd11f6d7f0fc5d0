/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * /proc/PID/maps: what a process can write into it are the names of files and of its memory.
 *
 * reads: src/proc/maps.c src/proc/map_stream.c src/proc/heap_rows.c
 */
#include "fuzz/fuzz.h"
#include "proc/inside.h"

#define PID 99999999

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc p = {.pid = PID, .pidfd = -1};
	struct fuzz_in in = {data, size};
	struct proc_map *saved = NULL;
	struct proc_row rows[4];
	size_t n;
	char *text;

	fake_only_below("/proc/99999999/");
	fake_file("/proc/99999999/maps", size ? data : NULL, size);
	proc_heap_rows(&p, rows, ARRAY_SIZE(rows));
	if (!proc_read_maps(&p)) {
		for (size_t i = 0; i < p.n_maps && i < 16; i++) {
			proc_find_map(&p, p.maps[i].start);
			proc_find_map(&p, p.maps[i].end);
			auto_close int fd = -1;

			proc_map_open(&p, &p.maps[i], &fd);
			proc_is_program(&p, &p.maps[i]);
			proc_map_has_code(&p, &p.maps[i]);
		}
		/* Read again: what the first time left is freed. */
		proc_read_maps(&p);
	}
	free(p.maps);
	free(p.map_text);
	/* As a snapshot has it. */
	text = in_text(&in);
	if (!proc_parse_maps(text, &saved, &n))
		free(saved);
	free(text);
	return 0;
}

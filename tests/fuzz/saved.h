/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The questions that a saved process is asked, wherever it comes from. */
#ifndef PYLEAK_TESTS_FUZZ_SAVED_H
#define PYLEAK_TESTS_FUZZ_SAVED_H

#include "proc/inside.h"
#include "proc/source.h"

#define SAVED_PAGES 64

static inline void saved_ask_row(struct proc *p, const struct proc_map *m)
{
	uint8_t buf[5000], pages[SAVED_PAGES];
	uint64_t end =
		m->end - m->start > SAVED_PAGES * 4096 ? m->start + SAVED_PAGES * 4096 : m->end;
	uint8_t *image;
	size_t size;

	proc_read(p, m->start, buf, sizeof(buf));
	proc_read(p, m->end - 100, buf, 200);
	proc_read_cstr(p, m->start + 1, (char *)buf, 300);
	proc_is_program(p, m);
	proc_map_has_code(p, m);
	if (m->start < end && !(m->start & 4095) && !(end & 4095))
		proc_resident_pages(p, m->start, end, pages);
	if (m->inode && !proc_map_image(p, m, &image, &size)) {
		char id[41];

		source_build_id(image, size, id);
		free(image);
	}
}

static inline void saved_ask(struct proc *p)
{
	struct proc_resident *rows;
	struct proc_memory mem;
	int tids[8];
	size_t n;

	for (size_t i = 0; i < p->n_maps && i < 16; i++)
		saved_ask_row(p, &p->maps[i]);
	proc_tids(p, tids, ARRAY_SIZE(tids));
	proc_memory(p, &mem);
	if (!proc_resident_rows(p, &rows, &n))
		free(rows);
}

#endif

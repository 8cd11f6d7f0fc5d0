/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory that a malloc may have taken: the brk heap and private anonymous mappings. */
#include "proc/inside.h"

static bool is_anonymous(const struct proc_map *m)
{
	return !m->inode && (!*m->path || !strncmp(m->path, "[anon", 5));
}

size_t proc_heap_rows(const struct proc *p, struct proc_row *rows, size_t max)
{
	auto_free char *names = NULL;
	auto_free struct proc_map *fresh = NULL;
	const struct proc_map *v = p->maps;
	size_t unnamed, n = p->n_maps, k = 0;

	if (proc_is_live(p)) {
		if (proc_stream_maps(p, &fresh, &n, &names, &unnamed))
			return 0;
		v = fresh;
	}
	for (size_t i = 0; i < n && k < max; i++) {
		bool brk = !strcmp(v[i].path, "[heap]");

		if (!v[i].readable || !v[i].writable || v[i].executable ||
		    (!brk && !is_anonymous(&v[i])))
			continue;
		rows[k++] = (struct proc_row){v[i].start, v[i].end, brk};
	}
	return k;
}

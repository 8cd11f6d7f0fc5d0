/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The holders of an object: the graph of a whole heap, its roots, and the paths in words.
 *
 * reads: src/why/graph.c src/why/graph_find.c src/why/graph_types.c src/why/scan.c
 * reads: src/why/roots.c src/why/reach.c src/why/paths.c src/why/paths_text.c
 * reads: src/why/paths_shared.c src/why/label.c src/why/label_names.c src/why/bound.c src/why/why.c
 */
#include "fuzz/world.h"
#include "why/why.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const type[] = {"str", "Slots", "dict", "float"};
	const struct why_opts o = {.max_blocks = 20000, .watch_s = 1e-6};
	struct fuzz_in in = {data, size};
	struct world *w = world_take(&in, 2);
	uint8_t what = in_u8(&in);
	struct why_query q = {.addr = &w->object[what % w->n_objects].addr, .n_addr = 1};
	uint8_t names = in_u8(&in);
	struct why_answer *a;
	struct why_stats st;
	struct heap *h;

	if (what & 128)
		q = (struct why_query){.type = type[what % ARRAY_SIZE(type)]};
	/* Others have the names: what hangs on them is the shortest way then. Or nobody has. */
	for (unsigned i = 0; names && i < 10; i++)
		world_change(w, w->names + (w->rt.minor <= 10 ? 24 : 16) * i,
			     w->object[(names + (names & 64 ? i : 0)) % w->n_objects].addr);
	if (names & 128)
		world_change(w, w->interp + w->rt.layout.interp_modules, 0);
	if (heap_open(&w->rt, &h))
		return 0;
	if (!heap_why(h, &q, 1, &o, &a, &st))
		why_free(a, 1);
	heap_close(h);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * _Py_DebugOffsets: a process states its own layout (3.13 and later), and lies. What is believed
 * is read with.
 *
 * reads: src/py/debug_offsets.c src/py/free_threaded.c
 */
#include "fuzz/world.h"

#define SIZE PY_DEBUG_BYTES

static uint8_t raw[SIZE];

static ssize_t read_raw(struct proc_source *s, uint64_t addr, void *buf, size_t len)
{
	(void)s;
	if (addr - WORLD_BASE >= SIZE)
		return 0;
	if (len > SIZE - (addr - WORLD_BASE))
		len = SIZE - (addr - WORLD_BASE);
	memcpy(buf, raw + (addr - WORLD_BASE), len);
	return (ssize_t)len;
}

static struct proc_source source = {.read = read_raw};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int minor[] = {13, 14, 15, 12};
	struct fuzz_in in = {data, size}, rest;
	uint8_t how = in_u8(&in);
	struct proc p = {.pid = 42, .pidfd = -1, .source = &source};
	struct py_runtime rt = {.proc = &p, .runtime = WORLD_BASE, .minor = minor[how & 3]};
	struct py_private priv = {.build = py_table(rt.minor)};
	struct world *w;

	rt.free_threaded = how & 4 && rt.minor < 15;
	if (rt.free_threaded)
		py_free_threaded_build(&priv.build);
	memset(raw, 0, sizeof(raw));
	memcpy(raw, in.p, in.n < SIZE ? in.n : SIZE);
	if (py_read_debug_offsets(&rt, &priv.build) || rt.free_threaded)
		return 0;
	/* The readers, with these offsets: what lies elsewhere in the small CPython reads nonsense.
	 */
	rest = (struct fuzz_in){(const uint8_t *)(rt.minor == 13   ? "\1"
						  : rt.minor == 14 ? "\6"
								   : "\7"),
				1};
	w = world_take(&rest, 0);
	{
		struct py_runtime kept = w->rt;
		struct py_private kept_priv = w->priv;
		struct heap_object v[ARRAY_SIZE(w->object)] = {0};
		struct pl_frame frame[8];
		struct py_locals locals;
		struct py_code *c;
		char name[64];
		struct heap *h;
		size_t n;

		w->priv.build = priv.build;
		w->rt.layout = priv.build.layout;
		w->rt.walk = priv.build.walk;
		for (size_t i = 0; i < w->n_objects; i++) {
			v[i].addr = w->object[i].addr;
			v[i].type = world_word(w, v[i].addr + kept.layout.ob_type);
			py_type_name(&w->rt, v[i].type, name, sizeof(name));
			py_repr(&w->rt, v[i].addr, name, sizeof(name));
		}
		if (!py_code_read(&w->rt, w->code, &c))
			py_code_free(c);
		py_read_stack(&w->rt, w->tstate, frame, ARRAY_SIZE(frame), &n,
			      &(int){PY_MAX_STEPS});
		py_read_locals(&w->rt, w->frame, &locals);
		if (!heap_open(&w->rt, &h)) {
			heap_read_objects(h, v, w->n_objects, HEAP_FULL);
			heap_close(h);
		}
		w->rt = kept;
		w->priv = kept_priv;
	}
	return 0;
}

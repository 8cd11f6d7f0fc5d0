/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of types, text, numbers and lengths: what a person is told of one object.
 *
 * reads: src/py/type.c src/py/str.c src/py/value.c src/py/static_names.c
 */
#include "fuzz/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct world *w = world_take(&in, 1);
	size_t room = 9 + in_u8(&in);
	char *buf = malloc(room);

	for (size_t i = 0; i < w->n_objects; i++) {
		uint64_t o = w->object[i].addr, type = w->object[i].type;
		int64_t number;

		py_read_str(&w->rt, o, buf, room);
		py_repr(&w->rt, o, buf, room);
		py_type_name(&w->rt, type, buf, room);
		py_type_name(&w->rt, o, buf, 8);
		py_tp_name(&w->rt, type, buf, room);
		py_name_fits(buf, "Slots");
		py_length(&w->rt, o);
		py_refcount(&w->rt, o);
		py_int(&w->rt, o, &number);
	}
	py_static_names_free(w->priv.names);
	w->priv.names = NULL;
	free(buf);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads an address as if Python had something of each kind there. */
#ifndef PYLEAK_TESTS_NOISE_H
#define PYLEAK_TESTS_NOISE_H

#include "py/py_priv.h"

static inline void py_try_address(const struct py_runtime *rt, uint64_t addr)
{
	char buf[128];
	struct py_code *c;
	size_t n;
	struct pl_frame frames[32];
	uint64_t attr;

	py_read_str(rt, addr, buf, sizeof(buf));
	py_type_name(rt, addr, buf, sizeof(buf));
	py_type_attr(rt, addr, "__module__", &attr);
	py_read_stack(rt, addr, frames, ARRAY_SIZE(frames), &n, &(int){PY_MAX_STEPS});
	if (!py_code_read(rt, addr, &c)) {
		py_code_line(rt, c, (uint64_t)random() << 1);
		py_code_line(rt, c, addr + (uint64_t)random() % 4096);
		py_code_free(c);
	}
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel half is told this of 3.@minor with a GIL; the addresses (tstate_addr, tls_offset, key
 * ...) are the caller's to fill. */
#ifndef PYLEAK_TESTS_LAYOUTS_H
#define PYLEAK_TESTS_LAYOUTS_H

#include "py/py_priv.h"

static inline struct pl_walk layout_of(int minor)
{
	struct pl_walk w = py_table(minor).walk;

	w.tstate_how = minor <= 11 ? PL_TSTATE_GLOBAL : minor <= 13 ? PL_TSTATE_DTV : PL_TSTATE_TLS;
	w.gilstate_how = PL_GILSTATE_PTHREAD_KEY;
	return w;
}

#endif

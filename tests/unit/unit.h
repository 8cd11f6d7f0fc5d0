/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cmocka beside our own names: both have a fail(). */
#ifndef PYLEAK_TESTS_UNIT_H
#define PYLEAK_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* A macro there, a function of base/ here. */
#undef fail
#undef fail_msg
#define fail_msg(...)                      \
	do {                               \
		print_error(__VA_ARGS__);  \
		print_error("\n");         \
		_fail(__FILE__, __LINE__); \
	} while (0)

#endif

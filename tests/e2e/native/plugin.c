/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A library that is unloaded as soon as it has forgotten a block. */
#include <stdlib.h>

void *volatile plugin_last;

__attribute__((noinline)) static void plugin_take(size_t n)
{
	plugin_last = malloc(n);
	__asm__ volatile("");
}

void plugin_leak(size_t n)
{
	plugin_take(n);
	__asm__ volatile("");
}

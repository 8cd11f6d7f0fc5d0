/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of handlers lies in the constants that BOLT leaves where they were. */
#define TABLE __attribute__((section(".bolt.org.rodata")))
#include "test_handlers.c"

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The account of all that our readers of one process read, and its effect on it. */
#ifndef PYLEAK_PROC_ACCOUNT_PRIV_H
#define PYLEAK_PROC_ACCOUNT_PRIV_H

#include <stdatomic.h>

#include "base/base.h"

/* Shared by all that have the process open, on whatever thread. */
struct account {
	struct account *next;
	int pid;
	unsigned users;
	_Atomic uint64_t bytes, second, second_bytes, last_second_bytes;
	_Atomic uint64_t absent, swapped, held_back, faults;
	_Atomic uint32_t brought, room; /* pages swapped in for proc_need; may there be any? */
	_Atomic uint64_t back_at_ns, wait_ns; /* keeping back until then */
};

enum { ROOM_UNKNOWN, ROOM_NONE, ROOM_ENOUGH };

struct account *account_get(int pid); /* NULL: out of memory */
void account_put(struct account *a);

void account_bytes(struct account *a, uint64_t now_ns, size_t bytes);
/* Our reads brought pages in from storage, though they had been there when we asked. */
void account_faults(struct account *a, uint64_t now_ns, uint64_t n);
bool account_keeps_back(const struct account *a, uint64_t now_ns);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/awaited.h"

#include <stdio.h>

#include "probe/waits_at.h"

char awaited_state(int pid)
{
	char state = waits_state(pid, pid, NULL, 0);

	return state == 'Z' || state == 'X' ? 0 : state;
}

bool awaited_held(int pid, char *words, size_t size)
{
	char state = awaited_state(pid), where[64];

	if (state == 'T')
		return snprintf(words, size, "was stopped: kill -CONT %d", pid) > 0;
	if (state == 't')
		return snprintf(words, size, "is held by a debugger or strace: end that") > 0;
	if (!state)
		return false;
	waits_at(pid, pid, where, sizeof(where));
	return waits_in_freezer(where) &&
	       snprintf(words, size, "is frozen: thaw its control group") > 0;
}

void awaited_stop_files(struct helper *h)
{
	char held[64] = "";

	if (helper_stop_within(h, HELPER_PATIENCE_NS))
		return;
	log_line("pyleak-bpf: " AWAITED_FILES ", %d) has not ended within %llu s%s%s", h->pid,
		 HELPER_PATIENCE_NS / 1000000000,
		 awaited_held(h->pid, held, sizeof(held)) ? ": it " : "", held);
}

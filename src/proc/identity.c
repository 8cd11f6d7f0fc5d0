/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is it still the process that was opened? */
#include "proc/inside.h"

#include <poll.h>

#define PF_EXITING 0x4u /* include/linux/sched.h, shown in field 9 of stat */

bool proc_alive(const struct proc *p)
{
	auto_free char *text = NULL;
	struct proc_stat st;
	size_t len;
	int err;

	if (p->source)
		return true;
	if (p->pidfd >= 0) {
		struct pollfd f = {.fd = p->pidfd, .events = POLLIN};

		if (poll(&f, 1, 0) > 0)
			return false;
	}
	err = proc_slurp(p->pid, "stat", &text, &len);
	/* Too many open files are our trouble, not its end. */
	if (err && err != -ENOENT && err != -ESRCH)
		return p->pidfd >= 0;
	if (err || proc_parse_stat(text, &st))
		return false;
	/* Exiting: its descriptors and its memory go first. */
	return st.start_ticks == p->start_ticks && st.state != 'Z' && st.state != 'X' &&
	       !(st.flags & PF_EXITING);
}

bool proc_lost_main(const struct proc *p)
{
	struct proc_status st;

	return !p->source && proc_thread_status(p->pid, p->pid, &st) && st.state == 'Z' &&
	       st.threads > 1;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Resident memory and threads of a process, as the kernel counts them. */
#include "proc/inside.h"
#include "proc/source.h"

int proc_memory(const struct proc *p, struct proc_memory *out)
{
	auto_free char *text = NULL;
	struct proc_status st;
	size_t len;
	int err;

	memset(out, 0, sizeof(*out));
	if (p->source) {
		if (!p->source->has_memory)
			return fail(-ENODATA, "a core file does not say what was resident");
		*out = p->source->memory;
		return 0;
	}
	err = proc_slurp(p->pid, "status", &text, &len);
	if (err || proc_parse_status(text, &st) || st.state == 'Z' || st.state == 'X')
		return fail(-ESRCH, "process %d has ended", p->pid);
	out->rss_bytes = st.rss_kb * 1024;
	out->anon_bytes = st.anon_kb * 1024;
	out->file_bytes = st.file_kb * 1024;
	out->shmem_bytes = st.shmem_kb * 1024;
	out->swap_bytes = st.swap_kb * 1024;
	out->huge_bytes = st.huge_kb * 1024;
	out->size_bytes = st.size_kb * 1024;
	out->data_bytes = st.data_kb * 1024;
	out->threads = st.threads;
	out->stuck = st.state == 'D' ? st.waits + 1 : 0;
	out->stopped = st.state == 'T' || st.state == 't';
	out->traced = st.tracer || st.state == 't';
	return 0;
}

/* Swapped pages are walked over as well. A process that has ended has nothing that is large. */
bool proc_is_large(const struct proc *p)
{
	struct proc_memory m;

	return !proc_memory(p, &m) && m.rss_bytes + m.swap_bytes > PROC_LARGE;
}

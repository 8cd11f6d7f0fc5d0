/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "track/pids.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>

#include "proc/proc.h"

#include "pids.skel.h" /* uses the types of pyleak/pids.h */

static int print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[1024];

	if (!log_enabled(LOG_DEBUG) || level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = 0;
	log_debug("%s", line);
	return 0;
}

void pids_quiet(void)
{
	libbpf_set_print(print);
}

static int ask(struct pids_bpf *skel, int pidfd, struct pl_pids *out)
{
	struct bpf_test_run_opts opts = {.sz = sizeof(opts)};
	int err;

	skel->rodata->pidfd = (uint32_t)pidfd;
	err = pids_bpf__load(skel);
	if (!err)
		err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.tell), &opts);
	*out = skel->bss->told;
	return err;
}

int pids_find(int pid, int pidfd, struct pl_pids *out)
{
	struct pids_bpf *skel;
	int err;

	*out = (struct pl_pids){.tgid = (uint32_t)pid};
	if (proc_in_first_pid_ns())
		return 0;
	pids_quiet();
	skel = pids_bpf__open();
	err = skel ? ask(skel, pidfd, out) : -errno;
	pids_bpf__destroy(skel);
	if (!err && out->tgid && out->here == (uint32_t)pid)
		return 0;
	if (err == -EPERM || err == -ENOMEM || err == -EMFILE)
		return fail(err, "the kernel refused a BPF program: %s", strerror(-err));
	return fail(-ENODATA,
		    "in this pid namespace the kernel does not tell which process it means%s: run "
		    "with the host's pids (docker --pid=host, hostPID)",
		    err ? " (Linux 5.10 or later does)" : "");
}

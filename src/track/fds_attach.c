/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts the probes of descriptor tracking, on libc or tracepoints, in and takes them out. */
#include <bpf/libbpf.h>
#include <stdio.h>

#include "track/fds_priv.h"

#include "pyleak.skel.h"

/* System calls whose result is a descriptor; and those whose arguments are needed, too. Kernels
 * lack some: those are left out. */
static const char *const sys_exit[] = {
	"open",		  "openat",	   "openat2",	      "creat",
	"socket",	  "accept",	   "accept4",	      "dup",
	"dup2",		  "dup3",	   "eventfd",	      "eventfd2",
	"epoll_create",	  "epoll_create1", "inotify_init",    "inotify_init1",
	"signalfd",	  "signalfd4",	   "memfd_create",    "timerfd_create",
	"pidfd_open",	  "pidfd_getfd",   "perf_event_open", "userfaultfd",
	"io_uring_setup", "fanotify_init",
};
static const char *const sys_both[] = {"pipe", "pipe2", "socketpair", "fcntl", "recvmsg"};

enum fds_means fds_choose(const struct proc *p)
{
	struct fds_libc libc;

	if (probe_check_return(p->pid) || fds_libc_find(p, &libc))
		return FDS_SYSCALLS;
	fds_libc_forget(&libc);
	return FDS_LIBC;
}

void fds_prepare(struct pyleak_bpf *skel, enum fds_means means)
{
	bpf_program__set_autoload(skel->progs.fd_entry, means == FDS_LIBC);
	bpf_program__set_autoload(skel->progs.fd_return, means == FDS_LIBC);
	bpf_program__set_autoload(skel->progs.fd_return_many, means == FDS_LIBC);
	bpf_program__set_autoload(skel->progs.fd_sys_enter, means == FDS_SYSCALLS);
	bpf_program__set_autoload(skel->progs.fd_sys_exit, means == FDS_SYSCALLS);
	bpf_program__set_autoload(skel->progs.task_started, means != FDS_NONE);
}

static int add_link(struct fds *f, struct bpf_link *link)
{
	if (!link)
		return -errno;
	if (f->n_links == FDS_MAX_LINKS) {
		bpf_link__destroy(link);
		return -ENOSPC;
	}
	f->link[f->n_links++] = link;
	return 0;
}

static int add_tracepoint(struct fds *f, const struct bpf_program *prog, const char *when,
			  const char *name)
{
	char event[64];

	snprintf(event, sizeof(event), "sys_%s_%s", when, name);
	return add_link(f, bpf_program__attach_tracepoint(prog, "syscalls", event));
}

static int attach_syscalls(struct fds *f)
{
	const struct bpf_program *exit_prog = f->spec.skel->progs.fd_sys_exit;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sys_exit); i++)
		n += !add_tracepoint(f, exit_prog, "exit", sys_exit[i]);
	if (!n)
		return fail(-ENOTSUP, "no libc to probe in the process, and this kernel has no "
				      "tracepoints for system calls");
	for (size_t i = 0; i < ARRAY_SIZE(sys_both); i++)
		if (!add_tracepoint(f, f->spec.skel->progs.fd_sys_enter, "enter", sys_both[i]))
			add_tracepoint(f, exit_prog, "exit", sys_both[i]);
	return 0;
}

static int open_set(struct fds *f, int file_fd, const char *label, const struct bpf_program *prog,
		    const uint64_t *offsets, size_t n, bool on_return)
{
	struct probe_set_spec spec = {
		.file_fd = file_fd,
		.offsets = offsets,
		.n = n,
		.pid = f->spec.proc->pid,
		.pidfd = f->spec.proc->pidfd,
		.prog_fd = bpf_program__fd(prog),
		.on_return = on_return,
		.is_library = true,
		.label = label,
		.guard = f->spec.channel,
	};
	int err = n ? probe_set_open(f->spec.mechanism, &spec, &f->set[f->n_sets]) : 0;

	if (!err && n)
		f->n_sets++;
	return err;
}

/* Opens return probes before entries, in the order in which they are switched on: an entry whose
 * return is not probed waits for ever. The last set is taken out first, then the others in their
 * order: so the two on the same instructions go first, since fcntl's is dear. */
static int attach_libc(struct fds *f)
{
	struct fds_libc *l = &f->libc;
	int err = fds_libc_find(f->spec.proc, l);

	for (size_t i = 0; i < l->n_files && !err; i++) {
		const struct fds_file *at = &l->file[i];

		err = open_set(f, at->fd, "fdmany", f->spec.skel->progs.fd_return_many, at->many,
			       at->n_many, true);
		if (!err)
			err = open_set(f, at->fd, "fdret", f->spec.skel->progs.fd_return, at->one,
				       at->n_one, true);
	}
	for (size_t i = 0; i < l->n_files && !err; i++) {
		const struct fds_file *at = &l->file[i];

		err = open_set(f, at->fd, "fdentry", f->spec.skel->progs.fd_entry, at->many,
			       at->n_many, false);
	}
	if (!err)
		memcpy(f->ctl->fns, l->fns, sizeof(l->fns));
	return err;
}

int fds_attach(struct fds *f)
{
	int err = add_link(f, bpf_program__attach(f->spec.skel->progs.task_started));

	if (err)
		snprintf(f->note, sizeof(f->note),
			 "threads and children have no lines: the tracepoint of fork cannot be "
			 "used (%s)",
			 strerror(-err));
	err = f->spec.means == FDS_LIBC ? attach_libc(f) : attach_syscalls(f);
	return err ? err : fds_stay(f);
}

void fds_close_sets(struct fds *f)
{
	fds_off(f);
	for (size_t i = 0; i < f->n_sets; i++)
		probe_set_close(f->set[i]);
	f->n_sets = 0;
	fds_libc_forget(&f->libc);
}

void fds_detach(struct fds *f)
{
	fds_close_sets(f);
	for (size_t i = 0; i < f->n_links; i++)
		bpf_link__destroy(f->link[i]);
	f->n_links = 0;
}

int fds_on(struct fds *f, int (*put_in)(struct probe_set *))
{
	size_t sites = 0;
	int err = 0;

	for (size_t i = 0; i < f->n_sets && !err; i++) {
		err = put_in(f->set[i]);
		sites += probe_set_sites_in(f->set[i]);
	}
	if (err) {
		account_planted(f->spec.account, sites);
		fds_off(f);
		return err;
	}
	f->is_on = true;
	__atomic_store_n(&f->ctl->is_on, 1, __ATOMIC_RELEASE);
	return 0;
}

void fds_off(struct fds *f)
{
	if (f->ctl)
		__atomic_store_n(&f->ctl->is_on, 0, __ATOMIC_RELEASE);
	probe_sets_off(f->set, f->n_sets, true);
	f->is_on = false;
}

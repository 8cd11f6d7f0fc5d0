/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Opening a process by pid: who it is, and a sentence when it cannot be watched. */
#include "proc/gate.h"
#include "proc/inside.h"
#include "proc/reader_priv.h"
#include "proc/source.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PF_KTHREAD	 0x00200000u /* include/linux/sched.h, shown in field 9 of stat */
#define PID_NS_INIT_INO	 0xEFFFFFFCu /* include/linux/proc_ns.h: PROC_PID_INIT_INO */
#define MAX_CMDLINE_ARGS 256

static int refuse_missing(int pid)
{
	if (errno == EMFILE || errno == ENFILE)
		return fail(-errno, "too many open files: raise the limit (ulimit -n)");
	if (access("/proc/self", F_OK))
		return fail(-EPERM, "/proc is no procfs of this pid namespace: mount -t proc "
				    "proc /proc");
	if (!kill(pid, 0) || errno == EPERM)
		return fail(-EPERM,
			    "process %d is hidden from us: run as root (procfs is mounted with "
			    "hidepid, or of another pid namespace)",
			    pid);
	return fail(-ESRCH, "no process %d (is the pid from inside a container?)", pid);
}

static int identify(struct proc *p)
{
	auto_free char *status = NULL, *stat = NULL;
	struct proc_status st;
	struct proc_stat s;
	size_t len;

	if (proc_slurp(p->pid, "status", &status, &len) || proc_slurp(p->pid, "stat", &stat, &len))
		return refuse_missing(p->pid);
	if (proc_parse_status(status, &st) || proc_parse_stat(stat, &s))
		return fail(-EINVAL, "/proc/%d/status is not understood", p->pid);
	memcpy(p->comm, s.comm, sizeof(p->comm));
	if (st.tgid != p->pid)
		return fail(-EINVAL, "%d is a thread of process %d: use -p %d", p->pid, st.tgid,
			    st.tgid);
	if (s.flags & PF_KTHREAD)
		return fail(-EINVAL, "process %d (%s) is a kernel thread", p->pid, p->comm);
	if (s.state == 'Z' && proc_any_goes_on(p->pid))
		return fail(-ESRCH,
			    "the main thread of process %d (%s) has ended: its others cannot "
			    "be looked into",
			    p->pid, p->comm);
	if (s.state == 'Z' || s.state == 'X')
		return fail(-ESRCH, "process %d (%s) has ended: it is a zombie", p->pid, p->comm);
	p->ppid = st.ppid;
	p->ns_pid = st.ns_pid ? st.ns_pid : p->pid;
	p->start_ticks = s.start_ticks;
	return 0;
}

bool proc_in_first_pid_ns(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == PID_NS_INIT_INO;
}

static bool is_there(const struct proc *p, uint64_t addr, uint64_t end)
{
	uint64_t page = addr / READER_PAGE, stop = (end - 1) / READER_PAGE + 1;
	uint8_t what[READER_PAGES];

	while (page < stop) {
		ssize_t n = reader_ask(p, page, stop - page, what);

		for (ssize_t i = 0; i < n; i++)
			if (what[i] != READER_MEMORY)
				return false;
		if (n <= 0)
			return false;
		page += (uint64_t)n;
	}
	return true;
}

/* The kernel reads them from the stack, and brings back what is swapped out: the first ones, the
 * last byte, and where that tells of a title written over them, a page from the first on. */
static bool has_arguments(const struct proc *p)
{
	auto_free char *text = NULL;
	const struct proc_map *m;
	struct proc_stat s;
	uint64_t end;
	size_t len;

	if (proc_slurp(p->pid, "stat", &text, &len) || proc_parse_stat(text, &s))
		return false;
	m = proc_find_map(p, s.arg_start);
	if (!m || s.arg_end <= s.arg_start || s.arg_end > m->end)
		return false;
	end = s.arg_start + PROC_MAX_CMDLINE < s.arg_end ? s.arg_start + PROC_MAX_CMDLINE
							 : s.arg_end;
	if (end < s.arg_start + READER_PAGE)
		end = s.arg_start + READER_PAGE < m->end ? s.arg_start + READER_PAGE : m->end;
	return is_there(p, s.arg_start, end) && is_there(p, s.arg_end - 1, s.arg_end);
}

/* None where they are not in memory: the process is known by its name then. */
static int read_cmdline(struct proc *p)
{
	auto_free char *text = NULL;
	size_t len = 0, n = 0;

	p->cmdline = calloc(MAX_CMDLINE_ARGS + 1, sizeof(*p->cmdline));
	if (!p->cmdline)
		return fail(-ENOMEM, "out of memory");
	if (!has_arguments(p) || proc_slurp_head(p->pid, "cmdline", PROC_MAX_CMDLINE, &text, &len))
		return 0;
	for (size_t at = 0; at < len && n < MAX_CMDLINE_ARGS; at += strlen(text + at) + 1) {
		p->cmdline[n] = strdup(text + at);
		if (!p->cmdline[n++])
			return fail(-ENOMEM, "out of memory");
	}
	return 0;
}

/* It belongs to this image of the process: after an exec it reads nothing. */
static int open_memory(struct proc *p)
{
	reader_close(p->reader);
	p->reader = NULL;
	p->code = 0;
	return reader_open(p->pid, &p->reader);
}

/* In the middle of exec or exit a process has no memory for a moment. */
static int read_first_maps(struct proc *p)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	for (int i = 0; i < 5; i++) {
		int err = open_memory(p);

		if (!err)
			err = proc_read_maps(p);
		if (err)
			return err;
		if (p->n_maps && !proc_memory_gone(p))
			return 0;
		nanosleep(&pause, NULL);
		err = identify(p);
		if (err)
			return err;
	}
	return fail(-EINVAL, "process %d (%s) has no memory of its own", p->pid, p->comm);
}

static int fill(struct proc *p)
{
	int err;

	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	err = identify(p);
	if (!err)
		err = read_first_maps(p);
	if (!err)
		err = read_cmdline(p);
	if (err)
		return err;
	p->gate = gate_of_process(p->pid);
	return proc_alive(p) ? 0 : fail(-ESRCH, "process %d has ended", p->pid);
}

int proc_open(int pid, struct proc **out)
{
	struct proc *p;
	int err;

	if (pid <= 0)
		return fail(-EINVAL, "%d is not a process id", pid);
	p = calloc(1, sizeof(*p));
	if (!p)
		return fail(-ENOMEM, "out of memory");
	p->pid = pid;
	err = fill(p);
	if (err)
		proc_close(p);
	else
		*out = p;
	return err;
}

int proc_refresh(struct proc *p)
{
	struct proc *now = NULL, old = *p;
	int err = p->source ? 0 : proc_open(p->pid, &now);

	if (err || !now)
		return err;
	if (now->start_ticks != p->start_ticks) {
		proc_close(now);
		return fail(-ESRCH, "process %d has ended", p->pid);
	}
	now->read_swapped = p->read_swapped;
	*p = *now;
	*now = old;
	proc_close(now);
	return 0;
}

void proc_close(struct proc *p)
{
	if (!p)
		return;
	if (p->source)
		p->source->close(p->source);
	else if (p->pidfd >= 0)
		close(p->pidfd);
	reader_close(p->reader);
	for (size_t i = 0; p->cmdline && p->cmdline[i]; i++)
		free(p->cmdline[i]);
	gate_free(p->gate);
	free(p->cmdline);
	free(p->maps);
	free(p->map_text);
	free(p);
}

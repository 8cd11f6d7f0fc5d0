/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Our own seccomp filters: a list of calls for each kind of process. They are what strace shows of
 * all commands on Debian 12 and 13, and the siblings of these calls that another C library may
 * prefer; filter_args.c has the calls that are allowed with some arguments only. On no list but
 * where it says so: opening files for writing, changing names and modes, sockets, starting
 * programs, making processes, ptrace, writing into other processes, signals, mounts, namespaces,
 * modules, keys, identities.
 */
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "confine/filter_priv.h"

#define END (-1000000) /* no system call of any kernel */

/* clang-format off */
/* Memory, time, threads, descriptors that are there: every process. */
static const int every[] = {
	SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64),
	SCMP_SYS(preadv), SCMP_SYS(preadv2), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64),
	SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(fsync), SCMP_SYS(dup),
	SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(shutdown),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(futex), SCMP_SYS(set_robust_list),
	SCMP_SYS(get_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(membarrier), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(getrandom), SCMP_SYS(getcpu), END,
};

/* The tool itself: looks at files and processes. */
static const int looks[] = {
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(getdents64),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getxattr), SCMP_SYS(getcwd),
	SCMP_SYS(fdatasync), SCMP_SYS(fadvise64), SCMP_SYS(pipe), SCMP_SYS(pipe2),
	SCMP_SYS(memfd_create), SCMP_SYS(sendfile), SCMP_SYS(getpriority), SCMP_SYS(getgroups),
	SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrusage), SCMP_SYS(times),
	SCMP_SYS(getrlimit), SCMP_SYS(capget), SCMP_SYS(wait4), SCMP_SYS(waitid),
	SCMP_SYS(pidfd_open), END,
};

/* Rings, tracepoints, channels to the guardian; bpf below. */
static const int watches[] = {
	SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime), END,
};

/* Clients that come by themselves. */
static const int answers[] = {
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(recvfrom),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	END,
};

/* The guardian: its own trials, tracefs, the tool's state; bpf and perf events below. */
static const int places[] = {
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(fadvise64), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getrlimit), SCMP_SYS(pidfd_open), SCMP_SYS(getdents64), SCMP_SYS(flock),
	SCMP_SYS(mlock), SCMP_SYS(mlock2), END,
};

/* The keeper: files of the names that it was given. */
static const int keeps[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(fchmod), SCMP_SYS(fchown), SCMP_SYS(rename),
	SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(lstat), END,
};
/* The asker of storage: files that it is given. */
static const int tries[] = {
	SCMP_SYS(statx), END,
};
/* libdebuginfod: its cache, its servers and their names. */
static const int asks[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(link), SCMP_SYS(fchmod), SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate), SCMP_SYS(utimensat), SCMP_SYS(utime), SCMP_SYS(utimes),
	SCMP_SYS(flock), SCMP_SYS(umask), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(socketpair),
	SCMP_SYS(sendto), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg), END,
};
/* clang-format on */

static const int *const lists[][6] = {
	[FILTER_READS] = {every, looks},
	[FILTER_WATCHES] = {every, looks, watches},
	[FILTER_SERVES] = {every, looks, watches, answers},
	[FILTER_PLACES] = {every, places},
	[FILTER_KEEPS] = {every, keeps},
	[FILTER_ASKS] = {every, looks, watches, answers, asks},
	[FILTER_TRIES] = {every, tries},
	[FILTER_PAINTS] = {every},
};

/* Probes in our own text, by whomever: the kernel's trampolines make these calls in our name. */
static int add_trampolines(scmp_filter_ctx f)
{
#ifdef __x86_64__
	int err = seccomp_rule_add(f, SCMP_ACT_ALLOW, 335, 0); /* uretprobe, 6.11 */

	return err ? err : seccomp_rule_add(f, SCMP_ACT_ALLOW, 336, 0); /* uprobe, 6.18 */
#else
	(void)f;
	return 0;
#endif
}

static size_t put(char *to, const char *text)
{
	return (size_t)(stpcpy(to, text) - to);
}

static size_t put_number(char *to, unsigned v)
{
	char digit[12];
	size_t n = 0, k = 0;

	do
		digit[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		to[k++] = digit[--n];
	return k;
}

/* Says which call it was, and dies of the same signal. Only what a handler may call. */
static void on_violation(int sig, siginfo_t *info, void *context)
{
	char line[160];
	size_t n = put(line, "pyleak-bpf: system call ");
	bool said;

	(void)context;
	n += put_number(line + n, (unsigned)info->si_syscall);
	n += put(line + n, " is none of this tool's: ended by its own filter (--no-sandbox runs "
			   "without; please report)\n");
	said = write(STDERR_FILENO, line, n) > 0;
	(void)said; /* or not: it ends all the same */
	signal(sig, SIG_DFL);
	raise(sig); /* blocked until we return: the call's own code goes on no more */
}

static int add_lists(scmp_filter_ctx f, enum filter_kind kind)
{
	int err = 0;

	for (const int *const *list = lists[kind]; *list && !err; list++)
		for (const int *call = *list; *call != END && !err; call++)
			err = seccomp_rule_add(f, SCMP_ACT_ALLOW, *call, 0);
	return err;
}

static int build(scmp_filter_ctx f, enum filter_kind kind, bool paints)
{
	int err = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);

	/* Before 5.16 a filter slows all memory accesses down unless told not to; the tree keeps
	 * the cost of a call flat on kernels that cannot remember answers. */
	seccomp_attr_set(f, SCMP_FLTATR_CTL_SSB, 1);
	seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = add_lists(f, kind);
	if (!err)
		err = filter_args(f, kind, paints);
	if (!err)
		err = add_trampolines(f);
	return err;
}

static int install(enum filter_kind kind, bool paints)
{
	struct sigaction act = {.sa_sigaction = on_violation, .sa_flags = SA_SIGINFO};
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
	int err;

	if (!f)
		return fail(-ENOMEM, "no memory for the system call filter");
	err = build(f, kind, paints);
	if (!err) {
		sigaction(SIGSYS, &act, NULL);
		err = seccomp_load(f);
	}
	seccomp_release(f);
	if (err)
		return fail(err,
			    "the system call filter cannot be installed: %s (--no-sandbox runs "
			    "without)",
			    strerror(-err));
	return 0;
}

int filter_install(enum filter_kind kind)
{
	return install(kind, false);
}

int filter_install_painting(enum filter_kind kind)
{
	return install(kind, true);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Our own seccomp filter. The list is what strace shows of all commands on Debian 12 and 13, and
 * the siblings of these calls that another C library may prefer. Not on it: starting programs,
 * making processes, ptrace, writing into other processes, mounts, namespaces, modules, keys,
 * identities. */
#include <linux/sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/confine.h"

/* clang-format off */
static const int allowed[] = {
	/* files; ioctl below */
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(open), SCMP_SYS(openat),
	SCMP_SYS(openat2), SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(read), SCMP_SYS(readv),
	SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(preadv2), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(stat), SCMP_SYS(fstat), SCMP_SYS(lstat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs),
	SCMP_SYS(getdents64), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getxattr),
	SCMP_SYS(getcwd),
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
	SCMP_SYS(fadvise64), SCMP_SYS(fchmod), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(umask),
	SCMP_SYS(fcntl), SCMP_SYS(flock), SCMP_SYS(dup), SCMP_SYS(dup2),
	SCMP_SYS(dup3), SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(memfd_create), SCMP_SYS(sendfile),
	/* memory; mmap and mprotect below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(msync),
	/* waiting and time */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	/* threads and signals; clone below */
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(rseq),
	SCMP_SYS(set_tid_address), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(membarrier), SCMP_SYS(arch_prctl), SCMP_SYS(prctl),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
	SCMP_SYS(setpriority), SCMP_SYS(getpriority),
	/* who and where we are */
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getgroups), SCMP_SYS(getrandom), SCMP_SYS(uname),
	SCMP_SYS(sysinfo), SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(getrlimit),
	SCMP_SYS(prlimit64), SCMP_SYS(capget), SCMP_SYS(getcpu), SCMP_SYS(wait4), SCMP_SYS(waitid),
	/* clients, service manager, name services; socket below */
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(shutdown), SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	/* the work */
	SCMP_SYS(pidfd_open),
};

/* Commands that place probes. */
static const int for_probes[] = {
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(socketpair), /* channels to the guardian */
};

/* libdebuginfod: its cache, its servers and their names. */
static const int for_servers[] = {
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(utimensat), SCMP_SYS(utime),
	SCMP_SYS(utimes), SCMP_SYS(link), SCMP_SYS(bind), SCMP_SYS(socketpair),
};
static const int families[] = {AF_INET, AF_INET6, AF_NETLINK};
/* clang-format on */

#define WITH(call, ...) seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(call), __VA_ARGS__)

/* Nothing is typed into the terminal we run on, behind which is root's shell: not by TIOCSTI (which
 * kernels before 6.2 always allow), nor pasted by TIOCLINUX. The kernel looks at the lower half of
 * a request only, and of a half a filter can tell what it is, not what it is not. So a request that
 * differs from these two in a bit that they share is allowed; six more about terminals, none of
 * them ours, are refused with them. */
static int add_ioctl(scmp_filter_ctx f)
{
	const uint32_t shared = ~(uint32_t)(TIOCSTI ^ TIOCLINUX), both = TIOCSTI & shared;
	int err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				   SCMP_A1(SCMP_CMP_MASKED_EQ, shared, both));

	for (uint32_t bit = 1; bit && !err; bit <<= 1)
		if (shared & bit)
			err = WITH(ioctl, 1, SCMP_A1(SCMP_CMP_MASKED_EQ, bit, ~both & bit));
	return err;
}

/* Calls that are allowed with some arguments only. */
static int add_limited(scmp_filter_ctx f)
{
	int err = add_ioctl(f);

	/* Memory is never writable and executable at once; libraries are still loaded. */
	err = err ? err : WITH(mmap, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	err = err ? err : WITH(mmap, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE, 0));
	err = err ? err : WITH(mprotect, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	err = err ? err : WITH(mprotect, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE, 0));
	/* Threads, not processes. What clone3 is asked for a filter cannot see: libraries then
	 * take clone. */
	err = err ? err : WITH(clone, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	err = err ? err : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	/* tracefs was mounted before, or cannot be. */
	err = err ? err : seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mount), 0);
	/* Signals to ourselves; none to others, but whether they are there. */
	err = err ? err : WITH(kill, 1, SCMP_A1(SCMP_CMP_EQ, 0));
	err = err ? err : WITH(tgkill, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	return err ? err : WITH(socket, 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
}

/* The network is there for who asks, not for asking. */
static int add_network(scmp_filter_ctx f, bool asks_servers)
{
	int err = 0;

	if (!asks_servers)
		return seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
					SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	for (size_t i = 0; i < ARRAY_SIZE(families) && !err; i++)
		err = WITH(socket, 1, SCMP_A0(SCMP_CMP_EQ, families[i]));
	for (size_t i = 0; i < ARRAY_SIZE(for_servers) && !err; i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, for_servers[i], 0);
	return err;
}

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

static int build(scmp_filter_ctx f, bool reads_only, bool asks_servers)
{
	int err = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);

	/* Before 5.16 a filter slows all memory accesses down unless told not to; the tree keeps
	 * the cost of a call flat on kernels that cannot remember answers. */
	seccomp_attr_set(f, SCMP_FLTATR_CTL_SSB, 1);
	seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < ARRAY_SIZE(allowed) && !err; i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(for_probes) && !err && !reads_only; i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, for_probes[i], 0);
	if (!err)
		err = add_limited(f);
	if (!err)
		err = add_network(f, asks_servers);
	if (!err)
		err = add_trampolines(f);
	return err;
}

int filter_install(bool reads_only, bool asks_servers)
{
	struct sigaction act = {.sa_sigaction = on_violation, .sa_flags = SA_SIGINFO};
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
	int err;

	if (!f)
		return fail(-ENOMEM, "no memory for the system call filter");
	err = build(f, reads_only, asks_servers);
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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Somebody who has got hold of the tool would try this: processes that confine themselves as each
 * command does, as root, and then reach for everything. What is there to be reached is looked at
 * afterwards: the victim still has its text, its files and its life.
 */
#include "unit.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/confine.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define DIR_NAME "/tmp/pyleak-attempts"

static struct {
	char *text; /* shared with the victim */
	pid_t pid;
	int pidfd, listener, port;
	int kept; /* a descriptor of a socket, as from the service manager */
} victim;

/* Each returns 0 when it has got what it wanted. */
static int writes_memory(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", victim.pid);
	fd = open(path, O_RDWR);
	return fd >= 0 && pwrite(fd, "evil", 5, (off_t)(uintptr_t)victim.text) == 5 ? 0 : 1;
}

static int writes_memory_by_vm(void)
{
	struct iovec from = {(void *)(uintptr_t) "evil", 5}, to = {victim.text, 5};

	return syscall(SYS_process_vm_writev, victim.pid, &from, 1, &to, 1, 0) == 5 ? 0 : 1;
}

static int traces(void)
{
	return ptrace(PTRACE_ATTACH, victim.pid, 0, 0) ? 1 : 0;
}

static int makes_file(void)
{
	return open(DIR_NAME "/new", O_WRONLY | O_CREAT, 0600) >= 0 ? 0 : 1;
}

static int makes_file_to_be_read(void)
{
	return open(DIR_NAME "/new", O_RDONLY | O_CREAT, 0600) >= 0 ? 0 : 1;
}

static int makes_file_without_name(void)
{
	return open(DIR_NAME, O_RDWR | O_TMPFILE, 0600) >= 0 ? 0 : 1;
}

static int empties_file(void)
{
	return open(DIR_NAME "/file", O_RDONLY | O_TRUNC) >= 0 ? 0 : 1;
}

static int appends(void)
{
	return open(DIR_NAME "/file", O_WRONLY | O_APPEND) >= 0 ? 0 : 1;
}

static int opens_the_other_way(void)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = {O_WRONLY | O_CREAT, 0600, 0};

	return syscall(SYS_openat2, AT_FDCWD, DIR_NAME "/new", &how, sizeof(how)) >= 0 ? 0 : 1;
}

static int opens_with_high_bits(void)
{
	return syscall(SYS_openat, AT_FDCWD, DIR_NAME "/file", O_WRONLY | 1ul << 40, 0) >= 0 ? 0
											     : 1;
}

static int renames(void)
{
	return rename(DIR_NAME "/file", DIR_NAME "/other");
}

static int unlinks(void)
{
	return unlink(DIR_NAME "/file");
}

static int truncates(void)
{
	return truncate(DIR_NAME "/file", 0);
}

static int changes_mode(void)
{
	return chmod(DIR_NAME "/file", 0666);
}

static int changes_mode_of_what_it_reads(void)
{
	return fchmod(open(DIR_NAME "/file", O_RDONLY), 0666);
}

static int changes_owner(void)
{
	return chown(DIR_NAME "/file", 65534, 65534);
}

static int makes_link(void)
{
	return symlink("/etc/shadow", DIR_NAME "/new");
}

static int makes_hard_link(void)
{
	return link(DIR_NAME "/file", DIR_NAME "/new");
}

static int makes_directory(void)
{
	return mkdir(DIR_NAME "/new", 0700);
}

static int makes_node(void)
{
	return mknod(DIR_NAME "/new", S_IFIFO | 0600, 0);
}

static int sets_attribute(void)
{
	return (int)syscall(SYS_setxattr, DIR_NAME "/file", "user.a", "b", 1, 0);
}

static int connects_to_socket(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = DIR_NAME "/socket"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 ? 1 : connect(fd, (struct sockaddr *)&a, sizeof(a));
}

/* By the one it has. */
static int connects_again(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = DIR_NAME "/socket"};

	return connect(victim.kept, (struct sockaddr *)&a, sizeof(a));
}

static int sends_elsewhere(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = DIR_NAME "/datagrams"};

	return sendto(victim.kept, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)) == 1 ? 0 : 1;
}

static int connects_to_port(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)victim.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? 1 : connect(fd, (struct sockaddr *)&a, sizeof(a));
}

static int makes_datagram_pair(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
}

static int becomes_shell(void)
{
	return execl("/bin/sh", "sh", "-c", "exit 0", NULL);
}

static int forks_shell(void)
{
	return fork() < 0 ? 1 : 0;
}

static int runs_what_it_wrote(void)
{
	char *argv[] = {(char *)"x", NULL};
	int fd = memfd_create("x", 0);

	return write(fd, "#!/bin/sh\n", 10) == 10 ? fexecve(fd, argv, argv) : 1;
}

static int maps_what_it_wrote(void)
{
	int fd = memfd_create("x", 0);

	return write(fd, "\xc3", 1) == 1 && mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
						 0) != MAP_FAILED
		       ? 0
		       : 1;
}

static int makes_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED;
}

static int turns_data_into_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int kills(void)
{
	return kill(victim.pid, SIGKILL);
}

static int kills_a_thread(void)
{
	return (int)syscall(SYS_tgkill, victim.pid, victim.pid, SIGKILL);
}

static int kills_by_pidfd(void)
{
	return (int)syscall(SYS_pidfd_send_signal, victim.pidfd, SIGKILL, NULL, 0);
}

static int kills_by_queue(void)
{
	siginfo_t info = {.si_code = SI_QUEUE};

	return (int)syscall(SYS_rt_sigqueueinfo, victim.pid, SIGKILL, &info);
}

/* The kernel sends a signal of our choice in our name to the owner of a descriptor. */
static int kills_by_owner(void)
{
	return fcntl(victim.kept, F_SETOWN, victim.pid);
}

static int takes_descriptor(void)
{
	return syscall(SYS_pidfd_getfd, victim.pidfd, 1, 0) >= 0 ? 0 : 1;
}

static int limits(void)
{
	const struct rlimit none = {0, 0};

	return prlimit(victim.pid, RLIMIT_DATA, &none, NULL);
}

static int slows(void)
{
	return setpriority(PRIO_PROCESS, (id_t)victim.pid, 19);
}

static int hurries(void)
{
	const struct sched_param first = {.sched_priority = 1};

	return sched_setscheduler(0, SCHED_FIFO, &first);
}

static int makes_ring(void)
{
	char params[256] = {0};

	return syscall(SYS_io_uring_setup, 4, params) >= 0 ? 0 : 1;
}

static int mounts(void)
{
	return mount("none", DIR_NAME, "tmpfs", 0, NULL);
}

static int enters_namespace(void)
{
	return setns(open("/proc/self/ns/uts", O_RDONLY), 0);
}

static int leaves_namespace(void)
{
	return unshare(CLONE_NEWNS);
}

static int handles_faults(void)
{
	return syscall(SYS_userfaultfd, O_CLOEXEC) >= 0 ? 0 : 1;
}

static int asks_for_keys(void)
{
	return syscall(SYS_keyctl, 0, -3, 1) >= 0 ? 0 : 1;
}

static int becomes_somebody(void)
{
	return setuid(65534);
}

static int changes_root(void)
{
	return chroot("/tmp");
}

static int may_dump(void)
{
	return prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
}

static int measures(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
	};

	return syscall(SYS_perf_event_open, &attr, victim.pid, -1, -1, 0) >= 0 ? 0 : 1;
}

static int takes_programs_of_others(void)
{
	union bpf_attr attr = {0};

	return (int)syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr));
}

static int pins(void)
{
	union bpf_attr attr = {0};

	return (int)syscall(SYS_bpf, BPF_OBJ_PIN, &attr, sizeof(attr));
}

#define TRY(what)           \
	{                   \
#what, what \
	}

static const struct {
	const char *name;
	int (*try)(void);
} attempts[] = {
	TRY(writes_memory),
	TRY(writes_memory_by_vm),
	TRY(traces),
	TRY(makes_file),
	TRY(makes_file_to_be_read),
	TRY(makes_file_without_name),
	TRY(empties_file),
	TRY(appends),
	TRY(opens_the_other_way),
	TRY(opens_with_high_bits),
	TRY(renames),
	TRY(unlinks),
	TRY(truncates),
	TRY(changes_mode),
	TRY(changes_mode_of_what_it_reads),
	TRY(changes_owner),
	TRY(makes_link),
	TRY(makes_hard_link),
	TRY(makes_directory),
	TRY(makes_node),
	TRY(sets_attribute),
	TRY(connects_to_socket),
	TRY(connects_again),
	TRY(sends_elsewhere),
	TRY(connects_to_port),
	TRY(makes_datagram_pair),
	TRY(becomes_shell),
	TRY(forks_shell),
	TRY(runs_what_it_wrote),
	TRY(maps_what_it_wrote),
	TRY(makes_code),
	TRY(turns_data_into_code),
	TRY(kills),
	TRY(kills_a_thread),
	TRY(kills_by_pidfd),
	TRY(kills_by_queue),
	TRY(kills_by_owner),
	TRY(takes_descriptor),
	TRY(limits),
	TRY(slows),
	TRY(hurries),
	TRY(makes_ring),
	TRY(mounts),
	TRY(enters_namespace),
	TRY(leaves_namespace),
	TRY(handles_faults),
	TRY(asks_for_keys),
	TRY(becomes_somebody),
	TRY(changes_root),
	TRY(may_dump),
	TRY(measures),
	TRY(takes_programs_of_others),
	TRY(pins),
};

static void listen_at(int fd, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void make_victim(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd;

	victim.text = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(victim.text != MAP_FAILED);
	strcpy(victim.text, "good");
	victim.pid = fork();
	if (victim.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	assert_true(victim.pid > 0);
	victim.pidfd = (int)syscall(SYS_pidfd_open, victim.pid, 0);
	assert_int_equal(mkdir(DIR_NAME, 0700), 0);
	fd = open(DIR_NAME "/file", O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, "good", 4), 4);
	close(fd);
	victim.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(victim.listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(victim.listener, 64), 0);
	assert_int_equal(getsockname(victim.listener, (struct sockaddr *)&a, &len), 0);
	victim.port = ntohs(a.sin_port);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	listen_at(fd, DIR_NAME "/socket");
	assert_int_equal(listen(fd, 64), 0);
	listen_at(socket(AF_UNIX, SOCK_DGRAM, 0), DIR_NAME "/datagrams");
	victim.kept = socket(AF_UNIX, SOCK_DGRAM, 0);
}

static void unmake_victim(void)
{
	kill(victim.pid, SIGKILL);
	waitpid(victim.pid, NULL, 0);
	close(victim.pidfd);
	munmap(victim.text, 4096);
	unlink(DIR_NAME "/file");
	unlink(DIR_NAME "/other");
	unlink(DIR_NAME "/new");
	rmdir(DIR_NAME "/new");
	unlink(DIR_NAME "/socket");
	unlink(DIR_NAME "/datagrams");
	rmdir(DIR_NAME);
}

static void check_victim(const char *name)
{
	char text[8] = "";
	struct stat st;
	int fd = open(DIR_NAME "/file", O_RDONLY);

	if (fd < 0 || fstat(fd, &st) || (st.st_mode & 07777) != 0600 || st.st_uid != 0 ||
	    read(fd, text, sizeof(text)) != 4 || strcmp(text, "good") != 0)
		fail_msg("%s: the file is not what it was", name);
	close(fd);
	if (strcmp(victim.text, "good") != 0)
		fail_msg("%s: the victim's memory is not what it was", name);
	if (waitpid(victim.pid, NULL, WNOHANG))
		fail_msg("%s: the victim is dead", name);
	if (!access(DIR_NAME "/new", F_OK))
		fail_msg("%s: a name was made", name);
}

/* 0: it has got what it wanted. */
static int behind(enum filter_kind kind, int (*try)(void))
{
	const struct confine_opts o = {.kind = kind, .paints = true}; /* the most there is */
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core of the killed ones */
		dup2(null, STDERR_FILENO);
		/* The guardian finds out for 0.2 s which rights it needs; here it keeps them all.
		 */
		if (kind == FILTER_PLACES || kind == FILTER_PAINTS || kind == FILTER_TRIES
			    ? prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
				      filter_install_painting(kind)
			    : confine(&o))
			_exit(99);
		_exit(try() ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void every_attempt_fails(void **state)
{
	static const enum filter_kind kinds[] = {FILTER_READS,	FILTER_WATCHES, FILTER_SERVES,
						 FILTER_PLACES, FILTER_TRIES,	FILTER_PAINTS};

	(void)state;
	if (geteuid() != 0) {
		print_message("only root has something to lose\n");
		return;
	}
	make_victim();
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
			/* Perf events of processes are what it is there for. */
			bool may = kinds[k] == FILTER_PLACES && attempts[i].try == measures;
			int got = behind(kinds[k], attempts[i].try);
			bool refused =
				kinds[k] == FILTER_PLACES && attempts[i].try == mounts && got == 1;

			if (got != SIGSYS && !may && !refused)
				fail_msg("filter %d, %s: %d", (int)kinds[k], attempts[i].name, got);
			check_victim(attempts[i].name);
		}
	unmake_victim();
}

/* Without the filter they would succeed: so it is the filter that this is about. */
static void they_would_succeed_otherwise(void **state)
{
	static int (*const some[])(void) = {
		makes_file,	      makes_file_without_name, opens_the_other_way,
		connects_to_socket,   connects_to_port,	       makes_code,
		turns_data_into_code, maps_what_it_wrote,      changes_mode,
		sends_elsewhere,
	};

	(void)state;
	if (geteuid() != 0)
		return;
	make_victim();
	for (size_t i = 0; i < ARRAY_SIZE(some); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(some[i]() ? 1 : 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status)
			fail_msg("number %zu fails for another reason", i);
		unlink(DIR_NAME "/new");
	}
	unmake_victim();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_attempt_fails),
		cmocka_unit_test(they_would_succeed_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

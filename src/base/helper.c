/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_POLL_US 10000

/* Keeps a signal its effect? Faults of its own must end the helper, SIGCHLD is needed to wait for
 * children. */
static bool is_left_as_it_is(int sig)
{
	static const int left[] = {SIGILL,  SIGTRAP, SIGABRT, SIGBUS, SIGFPE,
				   SIGSEGV, SIGSYS,  SIGCHLD, SIGCONT};

	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		if (left[i] == sig)
			return true;
	return false;
}

/* Ignores all other signals, which would end it in the middle of its work. */
static void detach(const char *name)
{
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (!is_left_as_it_is(sig))
			signal(sig, SIG_IGN);
	setsid();
	setpriority(PRIO_PROCESS, 0, 0); /* not the priority of the tool */
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

int helper_start(const char *name, void (*serve)(int sock, void *ctx), void *ctx,
		 struct helper *out)
{
	int pair[2];

	*out = (struct helper){.sock = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return fail(-errno, "no socket for %s: %s", name, strerror(errno));
	fflush(NULL);
	out->pid = fork();
	if (out->pid == 0) {
		close(pair[0]);
		detach(name);
		serve(pair[1], ctx);
		_exit(0);
	}
	close(pair[1]);
	out->sock = pair[0];
	if (out->pid > 0)
		return 0;
	close(pair[0]);
	*out = (struct helper){.sock = -1};
	return fail(-EAGAIN, "no process for %s could be started: %s", name, strerror(errno));
}

/* The kernel puts the arguments in a row, and the environment after them, and shows that memory. If
 * the environment was moved, it is not after them, and nothing is done. */
void helper_title(const char *title)
{
	char *at = program_invocation_name, *end = environ ? *environ : NULL;

	if (!end || end <= at)
		return;
	memset(at, 0, (size_t)(end - at));
	snprintf(at, (size_t)(end - at), "%s", title);
}

void helper_let_go(int sock)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && null >= 0; fd++)
		dup2(null, fd);
	if (sock > STDERR_FILENO + 1)
		syscall(__NR_close_range, STDERR_FILENO + 1, sock - 1, 0);
	syscall(__NR_close_range, sock + 1, ~0u, 0);
}

void helper_release(struct helper *h)
{
	/* processes that were forked later have copies of our end, so closing it is not enough */
	if (h->sock >= 0)
		shutdown(h->sock, SHUT_RDWR);
	close_fd(&h->sock);
	h->sock = -1;
}

void helper_stop(struct helper *h)
{
	if (h->sock < 0)
		return;
	helper_release(h);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

bool helper_stop_within(struct helper *h, uint64_t patience_ns)
{
	uint64_t until = clock_ns() + patience_ns;

	if (h->sock < 0)
		return true;
	helper_release(h);
	while (!waitpid(h->pid, NULL, WNOHANG)) {
		if (clock_ns() > until)
			return false;
		usleep(STOP_POLL_US);
	}
	return true;
}

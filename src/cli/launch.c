/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/launch.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Waits in the child and then runs the program. When the pipe closes instead, the tool gave the
 * child up. It has its own process group, because a terminal's Ctrl-C is for the tool alone. */
static _Noreturn void wait_and_exec(char **argv, int go, int answer)
{
	char word;
	int err;

	setpgid(0, 0);
	if (read(go, &word, 1) != 1)
		_exit(0);
	execvp(argv[0], argv);
	err = errno;
	if (write(answer, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int launch_prepare(char **argv, struct launch *l)
{
	int go[2], answer[2];

	if (pipe2(go, O_CLOEXEC))
		return fail(-errno, "no pipe: %s", strerror(errno));
	if (pipe2(answer, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return fail(-errno, "no pipe: %s", strerror(errno));
	}
	l->pid = fork();
	if (!l->pid) {
		close(go[1]);
		close(answer[0]);
		wait_and_exec(argv, go[0], answer[1]);
	}
	close(go[0]);
	close(answer[1]);
	l->go = go[1];
	l->answer = answer[0];
	if (l->pid > 0)
		return 0;
	l->pid = 0;
	close(l->go);
	close(l->answer);
	return fail(-errno, "no process could be started: %s", strerror(errno));
}

/* An exec closes the answer's pipe, so an empty answer means success. */
int launch_go(struct launch *l, const char *name)
{
	int err = 0;

	if (write(l->go, "", 1) != 1)
		return fail(-errno, "%s could not be begun: %s", name, strerror(errno));
	if (read(l->answer, &err, sizeof(err)) == (ssize_t)sizeof(err))
		return fail(-err, "%s cannot be started: %s", name, strerror(err));
	return 0;
}

bool launch_is_alive(struct launch *l)
{
	/* -1: our parent ignored SIGCHLD, so the kernel forgets children that end */
	if (l->pid && !l->has_ended)
		l->has_ended = waitpid(l->pid, NULL, WNOHANG) != 0;
	return l->pid && !l->has_ended;
}

void launch_close(struct launch *l)
{
	if (!l->pid)
		return;
	close(l->go);
	close(l->answer);
	l->pid = 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Starting and collecting hook commands. */
#include "cli/hook.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LEAVE_S 2.0

extern char **environ;

static void tell(const char *why, const char *what, int n)
{
	char number[16] = "";

	if (n >= 0)
		snprintf(number, sizeof(number), " %d", n);
	fprintf(stderr, "pyleak-bpf: the hook for '%s' %s%s\n", why, what, number);
}

static char **with_environment(char *const *env)
{
	size_t n = 0, m = 0;
	char **v;

	while (environ[n])
		n++;
	while (env[m])
		m++;
	v = calloc(n + m + 1, sizeof(*v));
	if (!v)
		return NULL;
	/* ours first: of two of the same name the first counts */
	memcpy(v, env, m * sizeof(*v));
	memcpy(v + m, environ, n * sizeof(*v));
	return v;
}

/* Away from our terminal's Ctrl-C, our signals, our files and our standard output. */
static int spawn(const char *command, char *const *env, pid_t *pid)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int err;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	err = posix_spawn(pid, "/bin/sh", &files, &attr, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return err;
}

void hook_start(struct hooks *h, char *const *env, const char *why)
{
	size_t slot = 0;
	char **all;
	pid_t pid;
	int err;

	if (!h->command)
		return;
	hook_reap(h);
	while (slot < HOOKS_AT_ONCE && h->child[slot].pid)
		slot++;
	if (slot == HOOKS_AT_ONCE) {
		tell(why, "was not started: so many of them still run:", HOOKS_AT_ONCE);
		return;
	}
	all = with_environment(env);
	err = all ? spawn(h->command, all, &pid) : ENOMEM;
	free(all);
	if (err) {
		tell(why, "could not be started:", -1);
		fprintf(stderr, "pyleak-bpf: /bin/sh: %s\n", strerror(err));
		return;
	}
	setpriority(PRIO_PROCESS, (id_t)pid, 0); /* our own haste is not the hook's */
	h->child[slot].pid = pid;
	snprintf(h->child[slot].why, sizeof(h->child[slot].why), "%s", why);
}

size_t hook_reap(struct hooks *h)
{
	size_t left = 0;
	int status;

	for (size_t i = 0; i < HOOKS_AT_ONCE; i++) {
		if (!h->child[i].pid)
			continue;
		if (waitpid(h->child[i].pid, &status, WNOHANG) == 0) {
			left++;
			continue;
		}
		h->child[i].pid = 0;
		if (WIFSIGNALED(status))
			tell(h->child[i].why, "was killed by signal", WTERMSIG(status));
		else if (WEXITSTATUS(status))
			tell(h->child[i].why, "ended with status", WEXITSTATUS(status));
	}
	return left;
}

void hook_leave(struct hooks *h)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	uint64_t until = clock_ns() + (uint64_t)(LEAVE_S * 1e9);

	while (hook_reap(h) && clock_ns() < until)
		nanosleep(&pause, NULL);
}

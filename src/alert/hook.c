/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Starts and collects hook commands. The starter gets messages with the name of the rule and
 * variables that begin with PYLEAK_, and nothing else, so that an attacker who controls the tool
 * can run only the user's own command. */
#include "alert/hook.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE	    8
#define LEAVE_S	    2.0
#define LOOK_MS	    200
#define MESSAGE_MAX 16384
#define ENV_MAX	    16

/* The state of the starter's process. */
struct starter {
	const char *command;
	int fd;
	struct {
		pid_t pid;
		char why[64];
	} child[AT_ONCE];
};

extern char **environ;

static void tell(const char *why, const char *what, int n)
{
	char number[16] = "";

	if (n >= 0)
		snprintf(number, sizeof(number), " %d", n);
	log_line("pyleak-bpf: the hook for '%s' %s%s", why, what, number);
}

static bool has_name_of(char *const *env, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	while (*env && strncmp(*env, variable, n) != 0)
		env++;
	return *env;
}

/* With those of our own environment that @env does not have: of two of one name some shells take
 * the first, others the last. */
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
	memcpy(v, env, m * sizeof(*v));
	for (size_t i = 0; i < n; i++)
		if (!has_name_of(env, environ[i]))
			v[m++] = environ[i];
	return v;
}

/* Starts the command apart from our terminal's Ctrl-C, our signals and files, with standard error
 * as its standard output. */
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

static size_t reap(struct starter *s)
{
	size_t left = 0;
	int status;
	pid_t got;

	for (size_t i = 0; i < AT_ONCE; i++) {
		if (!s->child[i].pid)
			continue;
		got = waitpid(s->child[i].pid, &status, WNOHANG);
		if (got == 0) {
			left++;
			continue;
		}
		s->child[i].pid = 0;
		if (got < 0)
			continue;
		if (WIFSIGNALED(status))
			tell(s->child[i].why, "was killed by signal", WTERMSIG(status));
		else if (WEXITSTATUS(status))
			tell(s->child[i].why, "ended with status", WEXITSTATUS(status));
	}
	return left;
}

static void start(struct starter *s, char *const *env, const char *why)
{
	size_t slot = 0;
	char **all;
	pid_t pid;
	int err;

	reap(s);
	while (slot < AT_ONCE && s->child[slot].pid)
		slot++;
	if (slot == AT_ONCE) {
		tell(why, "was not started: so many of them still run:", AT_ONCE);
		return;
	}
	all = with_environment(env);
	err = all ? spawn(s->command, all, &pid) : ENOMEM;
	free(all);
	if (err) {
		tell(why, "could not be started:", -1);
		log_line("pyleak-bpf: /bin/sh: %s", strerror(err));
		return;
	}
	s->child[slot].pid = pid;
	snprintf(s->child[slot].why, sizeof(s->child[slot].why), "%.*s",
		 (int)sizeof(s->child[slot].why) - 1, why);
}

/* Takes a message "why\0NAME=value\0..." and starts the command. False: the tool has ended. */
static bool take_message(struct starter *s)
{
	char text[MESSAGE_MAX + 1], *env[ENV_MAX + 1] = {0};
	ssize_t got = recv(s->fd, text, MESSAGE_MAX, 0);
	size_t n = 0;

	if (got <= 0)
		return got < 0 && errno == EINTR;
	text[got] = '\0';
	for (char *at = text + strlen(text) + 1; at < text + got && n < ENV_MAX;
	     at += strlen(at) + 1)
		if (!strncmp(at, "PYLEAK_", 7))
			env[n++] = at;
	start(s, env, text);
	return true;
}

static void leave(struct starter *s)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	uint64_t until = clock_ns() + (uint64_t)(LEAVE_S * 1e9);

	while (reap(s) && clock_ns() < until)
		nanosleep(&pause, NULL);
	for (size_t i = 0; i < AT_ONCE; i++)
		if (s->child[i].pid)
			tell(s->child[i].why, "goes on without the tool: process", s->child[i].pid);
}

static void be_starter(int sock, void *command)
{
	struct starter s = {.command = command, .fd = sock};
	struct pollfd p = {.fd = sock, .events = POLLIN};
	bool goes_on = true;

	signal(SIGCHLD, SIG_DFL); /* our parent may have ignored it, and then no status is kept */
	while (goes_on) {
		if (poll(&p, 1, LOOK_MS) > 0)
			goes_on = take_message(&s);
		else
			reap(&s);
	}
	leave(&s);
}

int hook_open(struct helper *h, const char *command)
{
	*h = (struct helper){.sock = -1};
	return command ? helper_start("pyleak-hooks", be_starter, (void *)(uintptr_t)command, h)
		       : 0;
}

void hook_start(struct helper *h, char *const *env, const char *why)
{
	char text[MESSAGE_MAX];
	size_t n = 0;

	if (h->sock < 0)
		return;
	n += (size_t)snprintf(text, 64, "%s", why) < 63 ? strlen(text) + 1 : 64;
	for (size_t i = 0; env[i]; i++) {
		size_t len = strlen(env[i]) + 1;

		if (n + len > sizeof(text))
			break;
		memcpy(text + n, env[i], len);
		n += len;
	}
	if (send(h->sock, text, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		tell(why, errno == EAGAIN ? "was not started: too many wait" : "was not started",
		     -1);
}

void hook_close(struct helper *h)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	uint64_t until = clock_ns() + (uint64_t)((LEAVE_S + 1) * 1e9);

	if (h->sock < 0)
		return;
	helper_release(h);
	while (waitpid(h->pid, NULL, WNOHANG) == 0 && clock_ns() < until)
		nanosleep(&pause, NULL);
}

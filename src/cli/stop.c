/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Handles signals. The variables of handlers are global, because handlers have no other way to
 * them. */
#include "cli/stop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/reading.h"
#include "cli/cli.h"
#include "probe/guard.h"

#define JUST_MS		 20 /* a SIGCONT may come so long before the handler of the stop begins */
#define ONE_ASK_MS	 300 /* a terminal and a program above us (sudo, docker) both signal one key */
#define GUARDIAN_POLL_US 10000
#define GUARDIAN_POLLS	 (PROBE_GUARD_LAST_PATIENCE_NS / 1000 / GUARDIAN_POLL_US)
#define SILENT_POLLS	 (2000000 / GUARDIAN_POLL_US)

static volatile sig_atomic_t times_asked;
static volatile sig_atomic_t asked_ms, asked_by; /* of the first signal: time and number */
static volatile sig_atomic_t times_paused;
static volatile sig_atomic_t times_reload_asked;
static volatile sig_atomic_t continued_ms; /* of the last SIGCONT */
static volatile sig_atomic_t is_continued;
static volatile sig_atomic_t alarm_fd = -1;
static volatile sig_atomic_t guardian; /* would be killed at our end; 0: there is none */
static char awaited[160]; /* written when the wait is long; a handler may not format it */
static void (*volatile leave_terminal)(void);
static _Atomic uint64_t due_ns; /* see stop_at() */

static int now_ms(void)
{
	return (int)(clock_ns() / 1000000 & 0x7fffffff);
}

/* Returns the time between two values of now_ms(), which goes round in 24.8 days. */
static unsigned ms_between(int from, int to)
{
	return ((unsigned)to - (unsigned)from) & 0x7fffffff;
}

/* Waits until the guardian has taken its probes out and ended, or is gone. It waits for reads that
 * are under way, so ours is abandoned: the signal may have come in the middle of one. */
static void wait_for_guardian(void)
{
	ssize_t told = 0;

	reading_abandon();
	if (alarm_fd >= 0)
		shutdown(alarm_fd, SHUT_RDWR);
	for (unsigned i = 0; i < GUARDIAN_POLLS && !waitpid(guardian, NULL, WNOHANG); i++) {
		if (i == SILENT_POLLS)
			told = write(STDERR_FILENO, awaited, strlen(awaited));
		usleep(GUARDIAN_POLL_US);
	}
	(void)told;
}

static void on_signal(int sig)
{
	static const char left_out[] =
		"pyleak-bpf: interrupted twice: the last report is left out\n";
	ssize_t told;

	if (times_asked && sig == asked_by && ms_between(asked_ms, now_ms()) < ONE_ASK_MS)
		return;
	if (times_asked++ == 0) {
		asked_ms = now_ms();
		asked_by = sig;
		return;
	}
	if (leave_terminal)
		leave_terminal();
	told = write(STDERR_FILENO, left_out, sizeof(left_out) - 1);
	(void)told;
	if (guardian)
		wait_for_guardian();
	_exit(CLI_INTERRUPTED);
}

/* The limit of CPU time (`ulimit -St`) is reached: the kernel says so again each second. */
static void on_cpu_limit(int sig)
{
	(void)sig;
	stop_ask();
}

static void on_pause(int sig)
{
	(void)sig;
	times_paused = !times_paused;
}

static void on_reload(int sig)
{
	(void)sig;
	times_reload_asked = 1;
}

static void on_continue(int sig)
{
	(void)sig;
	continued_ms = now_ms();
	is_continued = 1;
}

/* Alarms the guardian after Ctrl-Z, because no probe may stay in while we stand still, and then
 * stops this process, unless SIGCONT has come meanwhile. Once the signal is pending again, a
 * SIGCONT makes the kernel itself drop it. */
static void on_suspend(int sig)
{
	struct sigaction mine, usual = {.sa_handler = SIG_DFL}, none = {.sa_handler = SIG_IGN};
	int was = errno, from = now_ms() - JUST_MS;
	sigset_t set;
	/* a guardian that has ended has taken the probes out */
	ssize_t told = alarm_fd >= 0 ? write(alarm_fd, "z", 1) : 0;

	(void)told;
	if (leave_terminal)
		leave_terminal();
	sigemptyset(&usual.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigaction(sig, &usual, &mine);
	raise(sig);
	if (continued_ms && ms_between(from, continued_ms) <= ms_between(from, now_ms()))
		sigaction(sig, &none, NULL);	  /* nothing is pending any more */
	pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* the process stops here */
	sigaction(sig, &mine, NULL);
	errno = was;
}

void stop_alarm_to(int fd, int ends_with_us)
{
	alarm_fd = fd;
	if (ends_with_us)
		snprintf(awaited, sizeof(awaited),
			 "pyleak-bpf: waits for the process that holds the probes, %d; if that was "
			 "stopped: kill -CONT %d\n",
			 ends_with_us, ends_with_us);
	guardian = ends_with_us;
}

void stop_on_leave(void (*leave)(void))
{
	leave_terminal = leave;
}

void stop_ask(void)
{
	times_asked = times_asked ? times_asked : 1;
}

/* An ignored signal stays so: a shell without job control has keys of the terminal ignored. */
static void install_unless_ignored(int sig, void (*handler)(int))
{
	struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

	sigemptyset(&act.sa_mask);
	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(sig, &act, NULL);
}

void stop_install(void)
{
	static const int asks[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sigaction old;
	sigset_t set;

	sigemptyset(&act.sa_mask);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		sigaddset(&set, asks[i]);
		/* with nohup, a closed terminal is no reason to stop */
		if (asks[i] == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 &&
		    (old.sa_handler == SIG_IGN || old.sa_handler == on_reload))
			continue;
		sigaction(asks[i], &act, NULL);
	}
	act.sa_handler = on_pause;
	sigaction(SIGUSR1, &act, NULL);
	install_unless_ignored(SIGTSTP, on_suspend);
	install_unless_ignored(SIGXCPU, on_cpu_limit);
	act.sa_handler = on_continue;
	sigaction(SIGCONT, &act, NULL);
	/* a closed pipe is an error of the write, and handled there */
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
	/* a parent that blocks these signals for itself leaves them blocked in us */
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void stop_hold_hangup(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void stop_reload_on_hangup(void)
{
	struct sigaction act = {.sa_handler = on_reload, .sa_flags = SA_RESTART};

	sigemptyset(&act.sa_mask);
	sigaction(SIGHUP, &act, NULL);
}

bool stop_reload_asked(void)
{
	bool asked = times_reload_asked;

	times_reload_asked = 0;
	return asked;
}

bool stop_was_continued(void)
{
	bool was = is_continued;

	is_continued = 0;
	return was;
}

bool stop_asked(void)
{
	return times_asked > 0;
}

void stop_at(uint64_t when_ns)
{
	due_ns = when_ns;
}

bool stop_is_due(void)
{
	uint64_t when_ns = due_ns;

	return stop_asked() || (when_ns && clock_ns() >= when_ns);
}

int stop_code(int err)
{
	return err == -ECANCELED && times_asked ? CLI_INTERRUPTED : CLI_FAILED;
}

bool stop_is_paused(void)
{
	return times_paused;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "screen/terminal.h"

#include <curses.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/packet.h"

#define CODES 256

/* A sequence of bytes for the terminal. */
struct codes {
	char v[CODES];
	size_t n;
};

/* The terminal's state is global, because signal handlers have no other way to it. */
static struct {
	struct termios before, during;
	struct codes enter, leave;
	struct helper helper;
	volatile sig_atomic_t is_entered;
	bool is_kept, has_during;
	pid_t group; /* our process group: later the seccomp filter forbids the call for it */
} term = {.helper.sock = -1};

static struct codes *collecting;

static int collect(int c)
{
	if (collecting->n < CODES)
		collecting->v[collecting->n++] = (char)c;
	return c;
}

static void add(struct codes *to, const char *name)
{
	const char *text = tigetstr(name);

	collecting = to;
	/* without the delays that terminals of the seventies need */
	if (text && text != (char *)-1)
		tputs(text, 1, collect);
}

static bool is_known(void)
{
	int err;

	return setupterm(NULL, STDOUT_FILENO, &err) == OK && tigetstr("cup") &&
	       tigetstr("cup") != (char *)-1;
}

bool terminal_is_ours(void)
{
	return tcgetpgrp(STDIN_FILENO) == (term.group ? term.group : getpgrp());
}

bool terminal_is_usable(void)
{
	const char *name = getenv("TERM");
	struct stat in, out;

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !fstat(STDIN_FILENO, &in) &&
	       !fstat(STDOUT_FILENO, &out) && in.st_rdev == out.st_rdev && name && *name &&
	       strcmp(name, "dumb") != 0 && terminal_is_ours() && is_known();
}

static void write_codes(const struct codes *c)
{
	ssize_t n = write(STDOUT_FILENO, c->v, c->n);

	(void)n; /* there is nobody to be told */
}

/* ---- The process that outlives us. ---- */

/* Resets the terminal, but keeps the settings when they are not ours: a shell may have set them
 * since. */
static void put_right(void)
{
	struct termios now;

	write_codes(&term.leave);
	if (!tcgetattr(STDIN_FILENO, &now) && now.c_lflag == term.during.c_lflag &&
	    now.c_iflag == term.during.c_iflag)
		tcsetattr(STDIN_FILENO, TCSANOW, &term.before);
}

static void close_between(unsigned first, unsigned last)
{
	long closed = -1;

#ifdef SYS_close_range
	closed = syscall(SYS_close_range, first, last, 0);
#endif
	for (unsigned fd = first; closed && fd <= last && fd < 4096; fd++)
		close((int)fd);
}

struct word {
	bool is_entered;
	struct termios during;
};

/* Waits for our end, then resets the terminal. A terminal that is stopped (Ctrl-S) makes this
 * process wait, so it closes the descriptors of other helpers. */
static void serve(int sock, void *ctx)
{
	int (*confine)(void) = *(int (**)(void))ctx;
	struct word word = {0};

	if (sock > STDERR_FILENO + 1)
		close_between(STDERR_FILENO + 1, (unsigned)sock - 1);
	close_between((unsigned)sock + 1, ~0u);
	if (confine && confine())
		return;
	while (packet_receive(sock, &word, sizeof(word), NULL) == (ssize_t)sizeof(word))
		term.during = word.during;
	if (word.is_entered)
		put_right();
}

/* ---- Our own process. ---- */

int terminal_keep(int (*confine)(void))
{
	int err;

	if (tcgetattr(STDIN_FILENO, &term.before))
		return fail(-errno, "the terminal cannot be asked how it is set: %s",
			    strerror(errno));
	term.enter.n = term.leave.n = 0;
	add(&term.enter, "smcup");
	add(&term.enter, "smkx");
	add(&term.enter, "civis");
	add(&term.leave, "sgr0");
	add(&term.leave, "rmkx");
	add(&term.leave, "rmcup");
	add(&term.leave, "cnorm");
	err = helper_start("pyleak-screen", serve, (void *)&confine, &term.helper);
	term.is_kept = !err;
	term.group = getpgrp();
	return err;
}

/* Tells the helper whether the terminal is entered. Without locks and allocation, because signal
 * handlers call it too. */
static void tell(bool is_entered)
{
	const struct word word = {is_entered, term.during};

	if (term.helper.sock >= 0)
		send(term.helper.sock, &word, sizeof(word), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void terminal_enter(void)
{
	bool is_again = term.has_during;

	if (!is_again && tcgetattr(STDIN_FILENO, &term.during))
		return;
	term.has_during = true;
	term.is_entered = 1;
	tell(true);
	if (!is_again)
		return;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &term.during);
	write_codes(&term.enter);
}

void terminal_lost(void)
{
	term.is_entered = 0;
}

bool terminal_is_entered(void)
{
	return term.is_entered;
}

void terminal_leave(void)
{
	if (!term.is_kept || !term.is_entered)
		return;
	term.is_entered = 0;
	write_codes(&term.leave);
	tcsetattr(STDIN_FILENO, TCSANOW, &term.before);
	tell(false);
}

void terminal_release(void)
{
	terminal_leave();
	helper_stop_within(&term.helper, HELPER_PATIENCE_NS);
	term.is_kept = term.has_during = false;
}

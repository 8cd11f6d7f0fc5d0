/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/ask_files.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/packet.h"
#include "cli/awaited.h"
#include "cli/stop.h"

#define LOOK_MS	   50
#define TELL_MS	   1000
#define HELD_S	   30	/* patience with who was stopped */
#define GIVE_UP_MS 2000 /* patience once the user has asked for the end */

static pid_t late;     /* the process whose last answer has not come yet */
static pid_t given_up; /* the process that is not asked again */

/* A process that waits for a pipe's reader goes on when it is asked for the next file. One that
 * does not, as its storage is silent, and one that is stopped, is not asked again: it reads what it
 * has been asked when it goes on, and then ends. */
static int give_up(const struct helper *keeper, bool is_held)
{
	if (is_held || late == keeper->pid) {
		shutdown(keeper->sock, SHUT_RDWR);
		given_up = keeper->pid;
	}
	late = keeper->pid;
	return -EINTR;
}

static int wait_for(const struct helper *keeper)
{
	struct pollfd answer = {.fd = keeper->sock, .events = POLLIN};
	unsigned left_ms = GIVE_UP_MS, held_ms = 0;
	char held[64];

	while (poll(&answer, 1, LOOK_MS) <= 0) {
		bool is_held = awaited_held(keeper->pid, held, sizeof(held));

		held_ms = is_held ? held_ms + LOOK_MS : 0;
		left_ms -= stop_asked() ? LOOK_MS : 0;
		if (held_ms == TELL_MS)
			log_line("pyleak-bpf: waits, for %d s at most, for " AWAITED_FILES
				 ", %d), which %s",
				 HELD_S, keeper->pid, held);
		if (!left_ms || held_ms == HELD_S * 1000)
			return give_up(keeper, is_held);
	}
	late = 0;
	return 0;
}

int ask_files(const struct helper *keeper, struct keeper_request r, struct keeper_answer *a,
	      int *fd)
{
	static uint32_t asked;
	int err, with = -1;
	ssize_t got;

	r.number = ++asked;
	err = packet_send(keeper->sock, &r, sizeof(r), -1);
	if (err == -EPIPE)
		return given_up == keeper->pid ? -ENOTCONN : -ESRCH;
	if (err)
		return err;
	/* late answers to earlier questions come first */
	do {
		close_fd(&with);
		err = wait_for(keeper);
		if (err)
			return err;
		got = packet_receive(keeper->sock, a, sizeof(*a), fd ? &with : NULL);
	} while (got == (ssize_t)sizeof(*a) && a->number != r.number);
	if (fd)
		*fd = with;
	if (!got || got == -ECONNRESET)
		return -ESRCH;
	if (got != (ssize_t)sizeof(*a))
		return got < 0 ? (int)got : -EIO;
	return a->err ? a->err : fd && *fd < 0 ? -EIO : 0;
}

const char *ask_files_why(const struct helper *keeper, int err, char *buf, size_t size)
{
	char held[64];

	if (err == -ESRCH)
		return AWAITED_FILES ") has ended";
	if (err == -ETIME)
		return "it is a pipe that nobody reads";
	if (err != -EINTR && err != -ENOTCONN)
		return strerror(-err);
	if (awaited_held(keeper->pid, held, sizeof(held)))
		snprintf(buf, size, AWAITED_FILES ", %d) %s", keeper->pid, held);
	else
		snprintf(buf, size, "%s",
			 err == -EINTR ? "it is a pipe that nobody reads, or its storage does "
					 "not answer"
				       : AWAITED_FILES ") did not answer before");
	return buf;
}

int ask_files_unfinished(const struct helper *keeper, const char *path)
{
	char held[64];

	if (awaited_held(keeper->pid, held, sizeof(held)))
		return fail(-EINTR,
			    "cannot write %s before " AWAITED_FILES ", %d) goes on, which %s", path,
			    keeper->pid, held);
	return fail(-EINTR,
		    "cannot write %s: " AWAITED_FILES ", %d) does not answer: is its storage "
		    "silent?",
		    path, keeper->pid);
}

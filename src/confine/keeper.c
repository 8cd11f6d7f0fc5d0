/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The process that may open files for writing: those that the user named, and their like beside
 * them. */
#include "confine/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/packet.h"

#define LOOK_MS	 50
#define TELL_MS	 1000
#define READER_S 60 /* patience with a pipe that has no reader yet */

/* A pipe may have no reader yet. It is waited for, but not for good, and not when the tool has
 * ended or asks for the next file. */
static int open_special(int sock, const struct place *p)
{
	struct pollfd next = {.fd = sock, .events = POLLIN};
	unsigned waited_ms = 0;
	int fd;

	while ((fd = place_special(p, O_NONBLOCK)) == -ENXIO && place_is_pipe(p)) {
		if (waited_ms == READER_S * 1000 || poll(&next, 1, LOOK_MS) > 0)
			return -ETIME;
		waited_ms += LOOK_MS;
		if (waited_ms == TELL_MS)
			log_line("pyleak-bpf: waits, for %d s at most, for a reader of the pipe %s",
				 READER_S, p->path);
	}
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

static int begin(int sock, struct place *p)
{
	int err = p->is_stamped ? place_stamp(p) : 0;

	if (err)
		return err;
	return p->dir < 0 ? open_special(sock, p) : place_begin(p);
}

static int do_as_asked(int sock, enum keeper_op op, struct place *p)
{
	switch (op) {
	case KEEPER_BEGIN:
		place_drop(p);
		return begin(sock, p);
	case KEEPER_COMMIT:
		return place_commit(p);
	case KEEPER_DROP:
		place_drop(p);
		return 0;
	case KEEPER_READ:
		return place_read(p);
	}
	return -EINVAL;
}

void keeper_serve(int sock, struct place *place, size_t n)
{
	struct keeper_request r = {0};

	while (packet_receive(sock, &r, sizeof(r), NULL) == (ssize_t)sizeof(r)) {
		struct place *p = r.place < n ? &place[r.place] : NULL;
		int fd = p ? do_as_asked(sock, (enum keeper_op)r.op, p) : -EINVAL;
		struct keeper_answer a = {
			.err = fd < 0 ? fd : 0,
			.number = r.number,
			.is_special = p && p->dir < 0,
			.is_new = p && p->is_new,
		};
		bool has_fd = fd >= 0 && (r.op == KEEPER_BEGIN || r.op == KEEPER_READ);

		if (p && p->is_stamped)
			snprintf(a.name, sizeof(a.name), "%.63s", p->name);
		if (packet_send(sock, &a, sizeof(a), has_fd ? fd : -1))
			break;
		if (has_fd)
			close(fd);
	}
	for (size_t i = 0; i < n; i++)
		place_drop(&place[i]);
}

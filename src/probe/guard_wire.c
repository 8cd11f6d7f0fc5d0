/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets with descriptors between the tool and its guardian. */
#include <sys/socket.h>
#include <unistd.h>

#include "probe/guard_priv.h"

int guard_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds)
{
	union {
		char room[CMSG_SPACE(GUARD_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec v = {(void *)(uintptr_t)data, len};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	ssize_t done;

	if (n_fds) {
		struct cmsghdr *c;

		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	do
		done = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	if (done == (ssize_t)len)
		return 0;
	return done < 0 ? -errno : -EIO;
}

static void take_fds(struct msghdr *m, int fds[GUARD_FDS], size_t *n_fds)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || n > GUARD_FDS)
			continue;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		*n_fds = n;
	}
}

ssize_t guard_receive(int sock, void *data, size_t size, int fds[GUARD_FDS], size_t *n_fds)
{
	union {
		char room[CMSG_SPACE(GUARD_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec v = {data, size};
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	ssize_t got;

	*n_fds = 0;
	do
		got = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	take_fds(&m, fds, n_fds);
	return got ? got : -EPIPE;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/packet.h"

#include <sys/socket.h>
#include <unistd.h>

union control {
	char room[CMSG_SPACE(PACKET_FDS * sizeof(int))];
	struct cmsghdr align;
};

int packet_send_fds(int sock, const void *data, size_t len, const int *fds, size_t n)
{
	union control control = {0};
	struct iovec v = {(void *)(uintptr_t)data, len};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	ssize_t done;

	if (n > PACKET_FDS)
		return -EINVAL;
	if (n) {
		struct cmsghdr *c;

		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	do
		done = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	if (done == (ssize_t)len)
		return 0;
	return done < 0 ? -errno : -EIO;
}

static void take_fds(struct msghdr *m, int fds[PACKET_FDS], size_t *n)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t came = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || came > PACKET_FDS)
			continue;
		memcpy(fds, CMSG_DATA(c), came * sizeof(int));
		*n = came;
	}
}

ssize_t packet_receive_fds(int sock, void *data, size_t size, int fds[PACKET_FDS], size_t *n)
{
	union control control;
	struct iovec v = {data, size};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	ssize_t got;

	m.msg_control = control.room;
	m.msg_controllen = CMSG_LEN(PACKET_FDS * sizeof(int)); /* room for no more of them */
	*n = 0;
	for (size_t i = 0; i < PACKET_FDS; i++)
		fds[i] = -1;
	do
		got = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	take_fds(&m, fds, n);
	/* some were left out, as descriptors ran out here: which of them came is not known */
	for (; m.msg_flags & MSG_CTRUNC && *n; fds[*n] = -1)
		close(fds[--*n]);
	return got;
}

int packet_send(int sock, const void *data, size_t len, int fd)
{
	return packet_send_fds(sock, data, len, &fd, fd >= 0);
}

ssize_t packet_receive(int sock, void *data, size_t size, int *fd)
{
	int fds[PACKET_FDS];
	size_t n;
	ssize_t got = packet_receive_fds(sock, data, size, fds, &n);

	for (size_t i = fd ? 1 : 0; i < n; i++)
		close(fds[i]);
	if (fd)
		*fd = fds[0];
	return got;
}

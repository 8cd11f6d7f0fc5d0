/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/packet.h"

#include <sys/socket.h>
#include <unistd.h>

union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int packet_send(int sock, const void *data, size_t len, int fd)
{
	union control control = {0};
	struct iovec v = {(void *)(uintptr_t)data, len};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	ssize_t done;

	if (fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do
		done = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	if (done == (ssize_t)len)
		return 0;
	return done < 0 ? -errno : -EIO;
}

ssize_t packet_receive(int sock, void *data, size_t size, int *fd)
{
	union control control;
	struct iovec v = {data, size};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	ssize_t got;

	if (fd) {
		*fd = -1;
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
	}
	do
		got = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c && fd; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(fd, CMSG_DATA(c), sizeof(int));
	return got;
}

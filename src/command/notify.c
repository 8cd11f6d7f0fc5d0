/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Speaks the protocol of sd_notify(3) itself: libsystemd would bring a tree of libraries into a
 * tool that runs as root. */
#include "command/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"

static int sock = -1;

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (!n || n >= sizeof(a.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(a.sun_path, path, n);
	if (*path == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&a,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)))
		sock = fd;
	else
		close_fd(&fd);
}

static void tell(const char *text)
{
	if (sock >= 0)
		send(sock, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void notify_ready(void)
{
	tell("READY=1");
}

void notify_stopping(void)
{
	tell("STOPPING=1");
}

void notify_alive(void)
{
	static uint64_t told_ns;
	uint64_t now = clock_ns();

	if (now - told_ns < 1000000000ull)
		return;
	told_ns = now;
	tell("WATCHDOG=1");
}

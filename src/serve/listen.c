/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where `serve` can be reached: an address and a port, or a socket in the file system. */
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve/serve_priv.h"

/* The kernel's buffers for a connection, beside our memory: of fixed sizes, since it would let them
 * grow to megabytes for clients that send much or read nothing. */
#define SEND_BYTES    (64 << 10)
#define RECEIVE_BYTES (16 << 10)

static bool is_local(const struct sockaddr *a)
{
	const struct sockaddr_in *in = (const void *)a;
	const struct sockaddr_in6 *in6 = (const void *)a;

	if (a->sa_family == AF_INET)
		return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
	return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* Splits "ADDR:PORT"; ADDR may be empty (all), or in brackets. */
static int split(const char *text, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(text, ':'), *from = text, *to = colon;

	if (!colon || !colon[1])
		return fail(-EINVAL, "--listen %s: ADDRESS:PORT or unix:PATH is expected", text);
	if (*from == '[' && to > from + 1 && to[-1] == ']') {
		from++;
		to--;
	}
	if ((size_t)(to - from) >= size)
		return fail(-EINVAL, "--listen %s: the address is too long", text);
	memcpy(host, from, (size_t)(to - from));
	host[to - from] = '\0';
	*port = colon + 1;
	if (strspn(*port, "-0123456789") == strlen(*port) &&
	    (**port == '-' || strlen(*port) > 5 || atoi(*port) > UINT16_MAX))
		return fail(-EINVAL, "--listen %s: a port is at most %d", text, UINT16_MAX);
	return 0;
}

int serve_check_listen(const char *text)
{
	char host[256];
	const char *port;

	if (!strncmp(text, "unix:", 5))
		return text[5] ? 0 : fail(-EINVAL, "--listen %s: no path of a socket", text);
	return split(text, host, sizeof(host), &port);
}

static void note_address(struct listener *l, int fd, bool tls)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	char host[64], port[16];

	if (getsockname(fd, (struct sockaddr *)&a, &len) ||
	    getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	snprintf(l->address, sizeof(l->address), "%s://%s%s%s:%s/", tls ? "https" : "http",
		 strchr(host, ':') ? "[" : "", host, strchr(host, ':') ? "]" : "", port);
}

/* Sets options that connections inherit. */
static void set_options(int fd)
{
	const int one = 1, send = SEND_BYTES, receive = RECEIVE_BYTES;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof(send));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
}

static int cannot_listen(const char *where, int err)
{
	return fail(-err, "cannot listen on %s: %s%s", where, strerror(err),
		    err == EADDRINUSE ? ", perhaps by a serve that runs already: ask that, or "
					"name another place by --listen"
				      : "");
}

static int listen_inet(const struct serve_opts *o, struct listener *l)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *a = NULL;
	char host[256] = "";
	const char *port = NULL;
	int err = split(o->listen, host, sizeof(host), &port), got, fd, bad;

	if (err)
		return err;
	got = getaddrinfo(*host ? host : NULL, port, &hints, &a);
	if (got)
		return fail(-EINVAL, "--listen %s: %s", o->listen, gai_strerror(got));
	if (!o->token && !is_local(a->ai_addr)) {
		freeaddrinfo(a);
		return fail(-EACCES,
			    "--listen %s can be reached from elsewhere: name a file with a secret "
			    "by --token-file, or listen on 127.0.0.1",
			    o->listen);
	}
	fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	if (fd >= 0)
		set_options(fd);
	bad = fd < 0 || bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, SOMAXCONN) ? errno : 0;
	freeaddrinfo(a);
	if (bad) {
		close_fd(&fd);
		return cannot_listen(o->listen, bad);
	}
	note_address(l, fd, o->cert != NULL);
	l->fd = fd;
	return 0;
}

/* Removes a socket that a killed tool left; never one on which somebody listens, nor a file. */
static void clear_way(const struct sockaddr_un *a)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd >= 0 && !lstat(a->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)a, sizeof(*a)) && errno == ECONNREFUSED)
		unlink(a->sun_path);
}

static bool is_ours(const struct listener *l)
{
	struct stat st;

	return l->path && !lstat(l->path, &st) && st.st_dev == l->dev && st.st_ino == l->ino;
}

/* Listens on a socket in the file system. Who may open it may read, so its mode is for owner and
 * group. */
static int listen_unix(const char *path, struct listener *l)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t mask;
	int fd, bad;

	if (strlen(path) >= sizeof(a.sun_path) || !*path)
		return fail(-EINVAL, "--listen unix:%s: no path of a socket", path);
	strcpy(a.sun_path, path);
	clear_way(&a);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(-errno, "no socket: %s", strerror(errno));
	mask = umask(0117);
	bad = bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, SOMAXCONN);
	umask(mask);
	if (bad) {
		int err = errno;

		close_fd(&fd);
		return cannot_listen(path, err);
	}
	if (!lstat(path, &st)) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
		l->path = strdup(path);
	}
	snprintf(l->address, sizeof(l->address), "unix:%s", path);
	l->fd = fd;
	return 0;
}

int listener_open(const struct serve_opts *o, struct listener *out)
{
	*out = (struct listener){.fd = -1};
	return strncmp(o->listen, "unix:", 5) ? listen_inet(o, out)
					      : listen_unix(o->listen + 5, out);
}

void listener_close(struct listener *l)
{
	close_fd(&l->fd);
	free(take(l->path));
}

void listener_remove(const struct listener *l)
{
	if (is_ours(l))
		unlink(l->path);
}

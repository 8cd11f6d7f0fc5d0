/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve/serve.h"

#define CONNECTIONS 64
#define PER_ADDRESS 32
#define TIMEOUT_S   10
#define MEMORY	    (32 << 10) /* a connection's, its headers included */
#define BACKLOG	    64

struct page {
	char *text;
	size_t len;
};

struct serve {
	struct MHD_Daemon *daemon;
	char *token, *socket_path;
	dev_t socket_dev; /* what is ours at that path */
	ino_t socket_ino;
	int fd; /* what it listens on, until the daemon has it; -1 = none */
	char address[256];
	pthread_mutex_t lock;
	struct page page[SERVE_PAGES];
};

static const struct {
	const char *path, *type;
} pages[SERVE_PAGES] = {
	[SERVE_METRICS] = {"/metrics", "text/plain; version=0.0.4; charset=utf-8"},
	[SERVE_REPORT] = {"/report.json", "application/json"},
};

/* Takes as long for a wrong token as for the right one. */
static bool same_token(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned char differs = n != m;

	for (size_t i = 0; i < n; i++)
		differs |= (unsigned char)(a[i] ^ b[m ? i % m : 0]);
	return !differs;
}

static bool may_read(struct serve *s, struct MHD_Connection *c)
{
	static const char scheme[] = "Bearer ";
	const char *v =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	bool may;

	pthread_mutex_lock(&s->lock);
	may = !s->token || (v && !strncasecmp(v, scheme, sizeof(scheme) - 1) &&
			    same_token(v + sizeof(scheme) - 1, s->token));
	pthread_mutex_unlock(&s->lock);
	return may;
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
			      const char *text, size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, (void *)(uintptr_t)text,
								 MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ok;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result say(struct MHD_Connection *c, unsigned status, const char *text)
{
	return answer(c, status, "text/plain; charset=utf-8", text, strlen(text));
}

static enum MHD_Result answer_page(struct serve *s, struct MHD_Connection *c, enum serve_page page)
{
	enum MHD_Result ok;

	pthread_mutex_lock(&s->lock);
	if (s->page[page].text)
		ok = answer(c, MHD_HTTP_OK, pages[page].type, s->page[page].text,
			    s->page[page].len);
	else
		ok = say(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no reading yet\n");
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static bool is_ready(struct serve *s)
{
	bool ready;

	pthread_mutex_lock(&s->lock);
	ready = s->page[SERVE_METRICS].text != NULL;
	pthread_mutex_unlock(&s->lock);
	return ready;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *body,
				  size_t *body_len, void **state)
{
	struct serve *s = arg;

	(void)version;
	(void)body;
	(void)state;
	*body_len = 0;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return say(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	/* Whether it lives is no secret. */
	if (!strcmp(url, "/healthz"))
		return say(c, MHD_HTTP_OK, "ok\n");
	if (!strcmp(url, "/-/ready"))
		return is_ready(s) ? say(c, MHD_HTTP_OK, "ready\n")
				   : say(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no reading yet\n");
	if (!may_read(s, c))
		return say(c, MHD_HTTP_UNAUTHORIZED, "a bearer token is needed\n");
	for (int i = 0; i < SERVE_PAGES; i++)
		if (!strcmp(url, pages[i].path))
			return answer_page(s, c, (enum serve_page)i);
	if (!strcmp(url, "/"))
		return say(c, MHD_HTTP_OK, "pyleak-bpf: /metrics /report.json /healthz /-/ready\n");
	return say(c, MHD_HTTP_NOT_FOUND, "no such page\n");
}

static bool is_local(const struct sockaddr *a)
{
	const struct sockaddr_in *in = (const void *)a;
	const struct sockaddr_in6 *in6 = (const void *)a;

	if (a->sa_family == AF_INET)
		return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
	return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* "ADDR:PORT" apart; ADDR may be empty (all), or in brackets. */
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

static void note_address(struct serve *s, int fd, bool tls)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	char host[64], port[16];

	if (getsockname(fd, (struct sockaddr *)&a, &len) ||
	    getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	snprintf(s->address, sizeof(s->address), "%s://%s%s%s:%s/", tls ? "https" : "http",
		 strchr(host, ':') ? "[" : "", host, strchr(host, ':') ? "]" : "", port);
}

static int listen_inet(struct serve *s, const struct serve_opts *o, int *out)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *a = NULL;
	char host[256] = "";
	const char *port = NULL;
	int one = 1, err = split(o->listen, host, sizeof(host), &port), got, fd, bad;

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
	fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bad = fd < 0 || bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, BACKLOG) ? errno : 0;
	freeaddrinfo(a);
	if (bad) {
		close_fd(&fd);
		return fail(-bad, "cannot listen on %s: %s", o->listen, strerror(bad));
	}
	note_address(s, fd, o->cert != NULL);
	*out = fd;
	return 0;
}

/* A socket that a killed tool left makes way; never one behind which somebody listens, or a file.
 */
static void clear_way(const struct sockaddr_un *a)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd >= 0 && !lstat(a->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)a, sizeof(*a)) && errno == ECONNREFUSED)
		unlink(a->sun_path);
}

static bool is_ours(const struct serve *s)
{
	struct stat st;

	return s->socket_path && !lstat(s->socket_path, &st) && st.st_dev == s->socket_dev &&
	       st.st_ino == s->socket_ino;
}

/* Who may open the socket may read: its mode is the owner's and the group's. */
static int listen_unix(struct serve *s, const char *path, int *out)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t mask;
	int fd, bad;

	if (strlen(path) >= sizeof(a.sun_path) || !*path)
		return fail(-EINVAL, "--listen unix:%s: no path of a socket", path);
	strcpy(a.sun_path, path);
	clear_way(&a);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(-errno, "no socket: %s", strerror(errno));
	mask = umask(0117);
	bad = bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, BACKLOG);
	umask(mask);
	if (bad) {
		int err = errno;

		close_fd(&fd);
		return fail(-err, "cannot listen on %s: %s", path, strerror(err));
	}
	if (!lstat(path, &st)) {
		s->socket_dev = st.st_dev;
		s->socket_ino = st.st_ino;
		s->socket_path = strdup(path);
	}
	snprintf(s->address, sizeof(s->address), "unix:%s", path);
	*out = fd;
	return 0;
}

static void quiet(void *arg, const char *fmt, va_list ap)
{
	char line[256];

	(void)arg;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	log_debug("%s", line);
}

static int start(struct serve *s, const struct serve_opts *o, int fd)
{
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key},
		{MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ERROR_LOG;

	s->daemon = MHD_start_daemon(flags | (o->cert ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request,
				     s, MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL,
				     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				     CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT, PER_ADDRESS,
				     MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
				     MHD_OPTION_ARRAY, o->cert ? tls : none, MHD_OPTION_END);
	if (s->daemon)
		return 0;
	close(fd);
	return fail(-EIO, o->cert ? "the HTTPS server does not start: are --tls-cert and --tls-key "
				    "a PEM pair?"
				  : "the HTTP server does not start");
}

int serve_listen(const struct serve_opts *o, struct serve **out)
{
	struct serve *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	s->fd = -1;
	s->token = o->token ? strdup(o->token) : NULL;
	err = o->token && !s->token ? fail(-ENOMEM, "out of memory") : 0;
	if (!err && !strncmp(o->listen, "unix:", 5))
		err = listen_unix(s, o->listen + 5, &s->fd);
	else if (!err)
		err = listen_inet(s, o, &s->fd);
	if (err) {
		serve_stop(s);
		return err;
	}
	*out = s;
	return 0;
}

int serve_start(struct serve *s, const struct serve_opts *o)
{
	int fd = s->fd;

	s->fd = -1;
	return start(s, o, fd);
}

void serve_set_token(struct serve *s, char *token)
{
	char *old;

	pthread_mutex_lock(&s->lock);
	old = s->token;
	s->token = token;
	pthread_mutex_unlock(&s->lock);
	free(old);
}

void serve_stop(struct serve *s)
{
	if (!s)
		return;
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	close_fd(&s->fd);
	if (is_ours(s))
		unlink(s->socket_path);
	for (int i = 0; i < SERVE_PAGES; i++)
		free(s->page[i].text);
	pthread_mutex_destroy(&s->lock);
	free(s->socket_path);
	free(s->token);
	free(s);
}

const char *serve_address(const struct serve *s)
{
	return s->address;
}

void serve_put(struct serve *s, enum serve_page page, char *text, size_t len)
{
	char *old;

	pthread_mutex_lock(&s->lock);
	old = s->page[page].text;
	s->page[page] = (struct page){text, len};
	pthread_mutex_unlock(&s->lock);
	free(old);
}

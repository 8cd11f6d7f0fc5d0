/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"
#include "serve/serve_priv.h"

#define MEMORY	  (32 << 10) /* bytes of a connection, with its headers */
#define FAILED_US 10000
/* Like WatchdogSec= of the unit. A round takes a fifth of a second, or seconds when a suspect's
 * files are read or probes are waited for. */
#define HANGS_NS 60000000000ull

struct serve {
	struct MHD_Daemon *daemon;
	struct listener at;
	struct guard guard; /* only used by the thread */
	pthread_t thread;
	int end; /* an eventfd that wakes the thread; -1 = none runs */
	atomic_bool is_over;
	_Atomic uint64_t beat_ns; /* last beat of the thread that makes the pages */
	char *token;
	bool counts_only;
	bool (*is_excused)(void *ctx);
	void *ctx;
	pthread_mutex_t lock;
	struct MHD_Response *page[SERVE_PAGES]; /* NULL = not made yet */
	struct profiles *profiles;		/* likewise */
};

static const struct {
	const char *path, *type;
} pages[SERVE_PAGES] = {
	[SERVE_METRICS] = {"/metrics", "text/plain; version=0.0.4; charset=utf-8"},
	[SERVE_REPORT] = {"/report.json", "application/json"},
	[SERVE_HTML] = {"/report.html", "text/html; charset=utf-8"},
};

/* Compares tokens in the same time, whether right or wrong. */
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

static struct MHD_Response *response(char *text, size_t len, enum MHD_ResponseMemoryMode mode,
				     const char *type)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, text, mode);

	if (!r)
		return NULL;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	/* a connection is one request: it does not stay open for another */
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	return r;
}

struct MHD_Response *page_new(char *text, size_t len, const char *type)
{
	return response(text, len, MHD_RESPMEM_MUST_FREE, type);
}

enum MHD_Result page_say(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct MHD_Response *r = response((char *)(uintptr_t)text, strlen(text),
					  MHD_RESPMEM_PERSISTENT, "text/plain; charset=utf-8");
	enum MHD_Result ok;

	if (!r)
		return MHD_NO;
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result refuse_details(struct MHD_Connection *c)
{
	return page_say(c, MHD_HTTP_FORBIDDEN,
			"counts only, at /metrics: --token-file FILE or --listen ADDRESS:PORT "
			"opens more\n");
}

/* Answers with a page. All readers get the same copy: it is counted, and the last one frees it. */
static enum MHD_Result answer_page(struct serve *s, struct MHD_Connection *c, enum serve_page page)
{
	enum MHD_Result ok;

	if (s->counts_only && page != SERVE_METRICS)
		return refuse_details(c);
	pthread_mutex_lock(&s->lock);
	if (s->page[page])
		ok = MHD_queue_response(c, MHD_HTTP_OK, s->page[page]);
	else
		ok = page_say(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no reading yet\n");
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static enum MHD_Result answer_profile(struct serve *s, struct MHD_Connection *c)
{
	enum MHD_Result ok;

	if (s->counts_only)
		return refuse_details(c);
	pthread_mutex_lock(&s->lock);
	ok = profiles_answer(s->profiles, c);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static bool is_ready(struct serve *s)
{
	bool ready;

	pthread_mutex_lock(&s->lock);
	ready = s->page[SERVE_METRICS] != NULL;
	pthread_mutex_unlock(&s->lock);
	return ready;
}

/* Answers whether the tool lives: this thread still runs when the one that makes the pages hangs.
 */
static enum MHD_Result answer_health(struct serve *s, struct MHD_Connection *c)
{
	if (clock_ns() < atomic_load(&s->beat_ns) + HANGS_NS ||
	    (s->is_excused && s->is_excused(s->ctx)))
		return page_say(c, MHD_HTTP_OK, "ok\n");
	return page_say(c, MHD_HTTP_SERVICE_UNAVAILABLE,
			"hangs: the loop that looks at processes has stood still for a minute\n");
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
		return page_say(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	/* that it lives is no secret */
	if (!strcmp(url, "/healthz"))
		return answer_health(s, c);
	if (!strcmp(url, "/-/ready"))
		return is_ready(s) ? page_say(c, MHD_HTTP_OK, "ready\n")
				   : page_say(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no reading yet\n");
	if (!may_read(s, c))
		return page_say(c, MHD_HTTP_UNAUTHORIZED, "a bearer token is needed\n");
	for (int i = 0; i < SERVE_PAGES; i++)
		if (!strcmp(url, pages[i].path))
			return answer_page(s, c, (enum serve_page)i);
	/* both have the same content: Go only shows another of its numbers first */
	if (!strcmp(url, "/debug/pprof/heap") || !strcmp(url, "/debug/pprof/allocs"))
		return answer_profile(s, c);
	if (!strcmp(url, "/"))
		return page_say(c, MHD_HTTP_OK,
				"pyleak-bpf: /metrics /report.json /report.html "
				"/debug/pprof/heap /debug/pprof/allocs /healthz /-/ready\n");
	return page_say(c, MHD_HTTP_NOT_FOUND, "no such page\n");
}

static void on_connection(void *arg, struct MHD_Connection *c, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct serve *s = arg;

	(void)context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		guard_arrived(&s->guard, c, clock_ns());
	else
		guard_left(&s->guard, c);
}

static void quiet(void *arg, const char *fmt, va_list ap)
{
	char line[256];

	(void)arg;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	log_debug("%s", line);
}

/* Runs the library in a thread of ours, which looks at the guests in between: the library has no
 * deadline for a request, only one for silence. */
static void *answer_all(void *arg)
{
	struct serve *s = arg;
	int epoll = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	struct pollfd p[] = {{.fd = epoll, .events = POLLIN}, {.fd = s->end, .events = POLLIN}};

	thread_calm();
	while (!atomic_load(&s->is_over)) {
		int wait = guard_look(&s->guard, clock_ns());
		MHD_UNSIGNED_LONG_LONG pending;

		if (MHD_get_timeout(s->daemon, &pending) == MHD_YES && !pending)
			wait = 0;
		if (poll(p, ARRAY_SIZE(p), wait) < 0 && errno != EINTR)
			usleep(FAILED_US);
		MHD_run(s->daemon);
	}
	return NULL;
}

static int start_thread(struct serve *s)
{
	int err;

	s->end = eventfd(0, EFD_CLOEXEC);
	if (s->end < 0)
		return fail(-errno, "no eventfd: %s", strerror(errno));
	err = thread_start(&s->thread, answer_all, s);
	if (!err)
		return 0;
	close_fd(&s->end);
	return fail(err, "no thread to answer in: %s", strerror(-err));
}

int serve_start(struct serve *s, const struct serve_opts *o)
{
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key},
		{MHD_OPTION_END, 0, NULL},
	};
	const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	unsigned flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG;

	s->daemon = MHD_start_daemon(
		flags | (o->cert ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, s,
		MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL, MHD_OPTION_LISTEN_SOCKET, s->at.fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)GUARD_ROOM,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, s, MHD_OPTION_ARRAY, o->cert ? tls : none, MHD_OPTION_END);
	if (!s->daemon)
		return fail(-EIO, o->cert ? "the HTTPS server does not start: are --tls-cert and "
					    "--tls-key a PEM pair?"
					  : "the HTTP server does not start");
	s->at.fd = -1; /* the daemon has it now */
	serve_beat(s, clock_ns());
	return start_thread(s);
}

int serve_listen(const struct serve_opts *o, struct serve **out)
{
	struct serve *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	guard_init(&s->guard);
	s->end = s->at.fd = -1;
	s->counts_only = o->counts_only;
	s->is_excused = o->is_excused;
	s->ctx = o->ctx;
	s->token = o->token ? strdup(o->token) : NULL;
	err = o->token && !s->token ? fail(-ENOMEM, "out of memory") : 0;
	if (!err)
		err = listener_open(o, &s->at);
	if (err) {
		serve_stop(s);
		return err;
	}
	*out = s;
	return 0;
}

void serve_beat(struct serve *s, uint64_t now_ns)
{
	atomic_store(&s->beat_ns, now_ns);
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

static void stop_thread(struct serve *s)
{
	if (s->end < 0)
		return;
	atomic_store(&s->is_over, true);
	eventfd_write(s->end, 1);
	pthread_join(s->thread, NULL);
	close_fd(&s->end);
}

void serve_stop(struct serve *s)
{
	if (!s)
		return;
	stop_thread(s);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	listener_close(&s->at);
	for (int i = 0; i < SERVE_PAGES; i++)
		if (s->page[i])
			MHD_destroy_response(s->page[i]);
	profiles_free(s->profiles);
	pthread_mutex_destroy(&s->lock);
	free(s->token);
	free(s);
}

void serve_remove_socket(const struct serve *s)
{
	listener_remove(&s->at);
}

const char *serve_address(const struct serve *s)
{
	return s->at.address;
}

int serve_put(struct serve *s, enum serve_page page, char *text, size_t len)
{
	struct MHD_Response *r = response(text, len, MHD_RESPMEM_MUST_FREE, pages[page].type), *old;

	if (!r) {
		free(text);
		return fail(-ENOMEM, "out of memory");
	}
	pthread_mutex_lock(&s->lock);
	old = s->page[page];
	s->page[page] = r;
	pthread_mutex_unlock(&s->lock);
	if (old)
		MHD_destroy_response(old);
	return 0;
}

int serve_put_profiles(struct serve *s, const struct serve_profile *v, size_t n)
{
	struct profiles *new, *old;
	int err = profiles_new(v, n, &new);

	if (err)
		return err;
	pthread_mutex_lock(&s->lock);
	old = s->profiles;
	s->profiles = new;
	pthread_mutex_unlock(&s->lock);
	profiles_free(old);
	return 0;
}

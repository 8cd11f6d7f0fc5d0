/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests, as the HTTP library hands them on: methods, addresses, headers.
 *
 * reads: src/serve/http.c src/serve/guard.c src/serve/profiles.c
 * apart: answer_all start_thread stop_thread: a thread and epoll, which run the library
 */
#include "fuzz/fuzz.h"
#include "serve/serve_priv.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <strings.h>

/* In the place of the library: what a request is answered with is only looked through. */
static MHD_AccessHandlerCallback handler;
static void *handler_arg;
static MHD_NotifyConnectionCallback notify;
static MHD_LogCallback logger;
static const char *authorization;
static struct sockaddr_in6 client;
static union MHD_ConnectionInfo told;
static unsigned answers, sum;

struct MHD_Response {
	char *text;
	bool is_ours;
	size_t len;
};

/* Refused, so that no thread of the server's begins; who would answer is known by now. */
struct MHD_Daemon *MHD_start_daemon(unsigned int flags, uint16_t port, MHD_AcceptPolicyCallback apc,
				    void *apc_cls, MHD_AccessHandlerCallback dh, void *dh_cls, ...)
{
	va_list ap;

	(void)flags, (void)port, (void)apc, (void)apc_cls;
	handler = dh;
	handler_arg = dh_cls;
	/* In the order of serve_start. */
	va_start(ap, dh_cls);
	if (va_arg(ap, int) == MHD_OPTION_EXTERNAL_LOGGER)
		logger = va_arg(ap, MHD_LogCallback);
	va_arg(ap, void *);
	if (va_arg(ap, int) == MHD_OPTION_LISTEN_SOCKET)
		va_arg(ap, int);
	if (va_arg(ap, int) == MHD_OPTION_CONNECTION_LIMIT)
		va_arg(ap, unsigned int);
	if (va_arg(ap, int) == MHD_OPTION_CONNECTION_MEMORY_LIMIT)
		va_arg(ap, size_t);
	if (va_arg(ap, int) == MHD_OPTION_NOTIFY_CONNECTION)
		notify = va_arg(ap, MHD_NotifyConnectionCallback);
	va_end(ap);
	if (!logger || !notify)
		abort();
	return NULL;
}

void MHD_stop_daemon(struct MHD_Daemon *d)
{
	(void)d;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *c,
							enum MHD_ConnectionInfoType type, ...)
{
	(void)c;
	if (type == MHD_CONNECTION_INFO_CLIENT_ADDRESS)
		told.client_addr = (struct sockaddr *)&client;
	else
		told.connect_fd = -1;
	return &told;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *c, enum MHD_ValueKind kind,
					const char *key)
{
	size_t n = strlen(key);

	(void)c;
	/* A header that looks like an argument is one. */
	if (kind == MHD_GET_ARGUMENT_KIND)
		return authorization && !strncmp(authorization, key, n) && authorization[n] == '='
			       ? authorization + n + 1
			       : NULL;
	return strcasecmp(key, "Authorization") ? NULL : authorization;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer,
						     enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = malloc(sizeof(*r));

	*r = (struct MHD_Response){buffer, mode == MHD_RESPMEM_MUST_FREE, size};
	return r;
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *r, const char *header,
					const char *content)
{
	(void)r;
	sum += (unsigned)(strlen(header) + strlen(content));
	return MHD_YES;
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *c, unsigned int status,
				   struct MHD_Response *r)
{
	(void)c;
	answers++;
	sum += r->len ? (unsigned)r->text[r->len - 1] : 0;
	return status >= 200 && status < 600 ? MHD_YES : MHD_NO;
}

void MHD_destroy_response(struct MHD_Response *r)
{
	if (r->is_ours)
		free(r->text);
	free(r);
}

/* Guests come, stay for too long, and leave, from addresses of the input's choice. */
static void come_and_go(struct fuzz_in in)
{
	static struct guard g;
	uint64_t now = 1;

	guard_init(&g);
	while (in.n) {
		uint8_t what = in_u8(&in);
		struct MHD_Connection *c = (struct MHD_Connection *)(uintptr_t)(1 + in_u8(&in));

		now += (uint64_t)what << 24;
		client.sin6_family = what & 1 ? AF_INET6 : what & 2 ? AF_INET : AF_UNIX;
		client.sin6_addr.s6_addr[0] = what;
		client.sin6_addr.s6_addr[10] = client.sin6_addr.s6_addr[11] = what & 4 ? 0xff : 0;
		for (int n = what & 8 ? 100 : 1; n; n--)
			guard_arrived(&g, c, now);
		if (what & 16)
			guard_left(&g, c);
		guard_look(&g, now);
		if (g.n > GUARD_ROOM || g.staying > g.n)
			abort();
	}
}

static void log_line_of(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	logger(NULL, fmt, ap);
	va_end(ap);
}

static void request(struct fuzz_in *in)
{
	struct fuzz_in m = in_part(in), u = in_part(in), h = in_part(in);
	char *method = in_text(&m), *url = in_text(&u), *header = in_text(&h);
	size_t body_len = in->n;
	void *state = NULL;

	authorization = *header ? header : NULL;
	answers = 0;
	notify(handler_arg, NULL, NULL, MHD_CONNECTION_NOTIFY_STARTED);
	log_line_of("%s: %s\n", method, url);
	handler(handler_arg, NULL, url, method, "HTTP/1.1", (const char *)in->p, &body_len, &state);
	if (answers != 1)
		abort();
	notify(handler_arg, NULL, NULL, MHD_CONNECTION_NOTIFY_CLOSED);
	free(method);
	free(url);
	free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size}, token = in_part(&in), where = in_part(&in);
	char *secret = in_text(&token), *listen = in_text(&where);
	struct serve_opts o = {
		.listen = "127.0.0.1:0", .token = *secret ? secret : NULL, .counts_only = size & 1};
	struct serve *s = NULL;

	if (serve_listen(&o, &s))
		abort();
	serve_start(s, &o);
	serve_check_listen(listen);
	serve_set_token(s, o.token ? strdup(secret) : NULL);
	request(&in);
	serve_put(s, SERVE_METRICS, strdup("# metrics\n"), 10);
	serve_put_profiles(s,
			   (struct serve_profile[]){{0, strdup("all"), 3},
						    {0, strdup("none"), 4},
						    {7, strdup("7"), 1},
						    {8, NULL, 0}},
			   4);
	request(&in);
	serve_address(s);
	serve_stop(s);
	come_and_go(in);
	free(secret);
	free(listen);
	return 0;
}

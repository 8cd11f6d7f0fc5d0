/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests, as the HTTP library hands them on: methods, addresses, headers.
 * reads: src/serve/http.c */
#include "fuzz/fuzz.h"
#include "serve/serve.h"

#include <microhttpd.h>
#include <strings.h>

/* In the place of the library: what a request is answered with is only looked through. */
static MHD_AccessHandlerCallback handler;
static void *handler_arg;
static const char *authorization;
static unsigned answers, sum;

struct MHD_Daemon *MHD_start_daemon(unsigned int flags, uint16_t port, MHD_AcceptPolicyCallback apc,
				    void *apc_cls, MHD_AccessHandlerCallback dh, void *dh_cls, ...)
{
	static int daemon;

	(void)flags, (void)port, (void)apc, (void)apc_cls;
	handler = dh;
	handler_arg = dh_cls;
	return (struct MHD_Daemon *)(void *)&daemon;
}

void MHD_stop_daemon(struct MHD_Daemon *d)
{
	(void)d;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *c, enum MHD_ValueKind kind,
					const char *key)
{
	(void)c, (void)kind;
	return strcasecmp(key, "Authorization") ? NULL : authorization;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer,
						     enum MHD_ResponseMemoryMode mode)
{
	char *copy = malloc(size + 1);

	(void)mode;
	memcpy(copy, buffer, size);
	return (struct MHD_Response *)(void *)copy;
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
	(void)c, (void)r;
	answers++;
	return status >= 200 && status < 600 ? MHD_YES : MHD_NO;
}

void MHD_destroy_response(struct MHD_Response *r)
{
	free(r);
}

static void request(struct fuzz_in *in)
{
	struct fuzz_in m = in_part(in), u = in_part(in), h = in_part(in);
	char *method = in_text(&m), *url = in_text(&u), *header = in_text(&h);
	size_t body_len = in->n;
	void *state = NULL;

	authorization = *header ? header : NULL;
	answers = 0;
	handler(handler_arg, NULL, url, method, "HTTP/1.1", (const char *)in->p, &body_len, &state);
	if (answers != 1)
		abort();
	free(method);
	free(url);
	free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size}, token = in_part(&in), where = in_part(&in);
	char *secret = in_text(&token), *listen = in_text(&where);
	struct serve_opts o = {.listen = "127.0.0.1:0", .token = *secret ? secret : NULL};
	static struct serve *s;

	if (!s && (serve_listen(&o, &s) || serve_start(s, &o)))
		abort();
	serve_check_listen(listen);
	serve_set_token(s, o.token ? strdup(secret) : NULL);
	request(&in);
	serve_put(s, SERVE_METRICS, strdup("# metrics\n"), 10);
	request(&in);
	serve_put(s, SERVE_METRICS, NULL, 0);
	free(secret);
	free(listen);
	return 0;
}

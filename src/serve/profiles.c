/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Answers scrapers of profiles: of all processes, or of one. A scraper takes whatever comes with
 * status 200 for a profile, so what is missing is an error of HTTP. */
#include "serve/serve_priv.h"

struct profile {
	int pid;
	struct MHD_Response *own; /* NULL: it has no sites, so the empty profile is used */
};

struct profiles {
	size_t n;
	struct profile v[]; /* of all processes, the empty one, then by process */
};

void profiles_free(struct profiles *p)
{
	for (size_t i = 0; p && i < p->n; i++)
		if (p->v[i].own)
			MHD_destroy_response(p->v[i].own);
	free(p);
}

int profiles_new(const struct serve_profile *v, size_t n, struct profiles **out)
{
	struct profiles *p = calloc(1, sizeof(*p) + n * sizeof(p->v[0]));
	bool failed = !p;

	for (size_t i = 0; i < n; i++) {
		struct MHD_Response *r =
			v[i].text && p ? page_new(v[i].text, v[i].len, "application/octet-stream")
				       : NULL;

		if (v[i].text && !r) {
			free(v[i].text);
			failed = true;
		}
		if (p)
			p->v[p->n++] = (struct profile){v[i].pid, r};
	}
	if (failed) {
		profiles_free(p);
		return fail(-ENOMEM, "out of memory");
	}
	*out = p;
	return 0;
}

static struct MHD_Response *of_process(const struct profiles *p, int pid)
{
	for (size_t i = SERVE_PROFILES_FIRST; i < p->n; i++)
		if (p->v[i].pid == pid)
			return p->v[i].own ? p->v[i].own : p->v[SERVE_PROFILE_EMPTY].own;
	return NULL;
}

/* The pid that is asked for; 0: none; -EINVAL: no number. */
static int asked_pid(struct MHD_Connection *c)
{
	const char *text = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "pid");
	char *end;
	long pid;

	if (!text)
		return 0;
	errno = 0;
	pid = strtol(text, &end, 10);
	return *text < '0' || *text > '9' || *end || errno || pid <= 0 || pid > INT32_MAX
		       ? -EINVAL
		       : (int)pid;
}

static const char *argument(struct MHD_Connection *c, const char *key)
{
	const char *text = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, key);

	return text ? text : "";
}

enum MHD_Result profiles_answer(const struct profiles *p, struct MHD_Connection *c)
{
	int pid = asked_pid(c);
	struct MHD_Response *r;

	if (*argument(c, "seconds"))
		return page_say(c, MHD_HTTP_BAD_REQUEST,
				"no profile of a span of time: take two, and compare them with "
				"pprof -base\n");
	if (*argument(c, "debug") && strcmp(argument(c, "debug"), "0") != 0)
		return page_say(c, MHD_HTTP_BAD_REQUEST,
				"no profile as text: leave debug= out, and read it with pprof\n");
	if (pid < 0)
		return page_say(c, MHD_HTTP_BAD_REQUEST, "pid= takes a number\n");
	if (!p || p->n < SERVE_PROFILES_FIRST)
		return page_say(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no reading yet\n");
	r = pid ? of_process(p, pid) : p->v[SERVE_PROFILE_ALL].own;
	return r ? MHD_queue_response(c, MHD_HTTP_OK, r)
		 : page_say(c, MHD_HTTP_NOT_FOUND,
			    "no such process in the last reading: /report.json has all pids\n");
}

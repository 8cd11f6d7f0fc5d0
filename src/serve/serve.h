/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pages over HTTP, made beforehand: a request never costs a look at a process. Read-only, a few
 * paths, bounded in connections, memory and time. */
#ifndef PYLEAK_SERVE_H
#define PYLEAK_SERVE_H

#include "base/map64.h"
#include "report/report.h"

struct serve_opts {
	const char *listen; /* "127.0.0.1:9477", "[::1]:9477", ":9477", "unix:/run/pyleak.sock" */
	const char *token;  /* what a client must send as bearer token; NULL = none */
	const char *cert, *key; /* PEM texts; NULL = plain HTTP */
	bool counts_only;	/* of all pages only SERVE_METRICS, made with the same option */
	/* Does who makes the pages wait for what a restart would not help? NULL = never. */
	bool (*is_excused)(void *ctx);
	void *ctx;
};

struct serve;

/* -EINVAL with a sentence when it is neither ADDRESS:PORT nor unix:PATH. */
int serve_check_listen(const char *text);
/* Take the address. -EACCES with the sentence when @listen is not local and there is no token:
 * nobody far away gets data by default. */
int serve_listen(const struct serve_opts *o, struct serve **out);
/* Answer, in a thread of its own: it has the rights that the caller has now. */
int serve_start(struct serve *s, const struct serve_opts *o);
/* "Pages are still being made": without it, or an excuse, for a minute /healthz answers 503. */
void serve_beat(struct serve *s, uint64_t now_ns);
/* From now on this one, for new requests. Takes @token. */
void serve_set_token(struct serve *s, char *token);
void serve_stop(struct serve *s);
/* The name of a socket goes, if it is still ours: by who may do that. */
void serve_remove_socket(const struct serve *s);
/* Where it listens, as a client may write it. */
const char *serve_address(const struct serve *s);

enum serve_page { SERVE_METRICS, SERVE_REPORT, SERVE_HTML, SERVE_PAGES };
/* Put @text (taken) in the place of the page. */
int serve_put(struct serve *s, enum serve_page page, char *text, size_t len);

/* Profiles, compressed, as pprof reads them: of all processes, of one without sites, then of each
 * in any order; NULL instead of a text: it has no sites. */
enum { SERVE_PROFILE_ALL, SERVE_PROFILE_EMPTY, SERVE_PROFILES_FIRST };
struct serve_profile {
	int pid;
	char *text;
	size_t len;
};
/* In the place of those before. Takes the texts, in any case. */
int serve_put_profiles(struct serve *s, const struct serve_profile *v, size_t n);

/* metrics.c: the report in Prometheus' text format 0.0.4. */
struct serve_metrics_opts {
	unsigned processes, sites;  /* at most so many, and so many of each */
	double cpu_s, start_time_s; /* of the tool itself */
	uint64_t rss_bytes;
	uint64_t refused;      /* processes that could not be watched, so far */
	uint64_t dropped;      /* series left out so far, by all calls; added to */
	struct map64 left_out; /* which these are, and by which call last; to be freed */
	uint64_t calls;	       /* that looked */
	bool counts_only; /* how many processes of which class: nothing that tells one from others
			   */
};
int serve_metrics(const struct report *r, struct serve_metrics_opts *o, char **text, size_t *len);

#endif

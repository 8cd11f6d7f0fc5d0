/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Serves pages over HTTP that were made before: a request never costs a look at a process.
 * Read-only, a few paths, bounded in connections, memory and time. */
#ifndef PYLEAK_SERVE_H
#define PYLEAK_SERVE_H

#include "base/map64.h"
#include "report/report.h"

struct serve_opts {
	const char *listen; /* "127.0.0.1:9477", "[::1]:9477", ":9477", "unix:/run/pyleak.sock" */
	const char *token;  /* bearer token that a client must send; NULL = none */
	const char *cert, *key; /* PEM texts; NULL = plain HTTP */
	bool counts_only;	/* serves only SERVE_METRICS, made with the same option */
	/* Does the thread that makes the pages wait for something that a restart would not help?
	 * NULL = never. */
	bool (*is_excused)(void *ctx);
	void *ctx;
};

struct serve;

/* -EINVAL with a sentence when it is neither ADDRESS:PORT nor unix:PATH. */
int serve_check_listen(const char *text);
/* Takes the address. -EACCES with the sentence when @listen is not local and there is no token:
 * nobody far away gets data by default. */
int serve_listen(const struct serve_opts *o, struct serve **out);
/* Answers in a thread of its own, which has the rights that the caller has now. */
int serve_start(struct serve *s, const struct serve_opts *o);
/* Says that pages are still being made. After a minute without that, or an excuse, /healthz answers
 * 503. */
void serve_beat(struct serve *s, uint64_t now_ns);
/* Uses another token for new requests. Takes @token. */
void serve_set_token(struct serve *s, char *token);
void serve_stop(struct serve *s);
/* Removes the name of the socket, if it is still ours; to be called with the right to do that. */
void serve_remove_socket(const struct serve *s);
/* The address as a client may write it. */
const char *serve_address(const struct serve *s);

enum serve_page { SERVE_METRICS, SERVE_REPORT, SERVE_HTML, SERVE_PAGES };
/* Replaces a page by @text, which is taken. */
int serve_put(struct serve *s, enum serve_page page, char *text, size_t len);

/* Compressed profiles as pprof reads them: of all processes, the empty one, then of each process in
 * any order; text NULL: it has no sites. */
enum { SERVE_PROFILE_ALL, SERVE_PROFILE_EMPTY, SERVE_PROFILES_FIRST };
struct serve_profile {
	int pid;
	char *text;
	size_t len;
};
/* Replaces all profiles. Takes the texts, also when it fails. */
int serve_put_profiles(struct serve *s, const struct serve_profile *v, size_t n);

/* metrics.c: the report in Prometheus' text format 0.0.4. */
struct serve_metrics_opts {
	unsigned processes, sites;  /* most processes, and most sites of each */
	double cpu_s, start_time_s; /* of the tool itself */
	uint64_t rss_bytes;
	uint64_t refused;      /* processes that could not be watched, so far */
	uint64_t dropped;      /* series left out so far; added to */
	struct map64 left_out; /* what was left out -> last call that did; to be freed */
	uint64_t calls;	       /* calls so far */
	bool counts_only;      /* only numbers of processes by class, nothing that identifies one */
};
int serve_metrics(const struct report *r, struct serve_metrics_opts *o, char **text, size_t *len);

#endif

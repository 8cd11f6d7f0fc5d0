/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of this room: where clients come in, and how long they may stay. */
#ifndef PYLEAK_SERVE_PRIV_H
#define PYLEAK_SERVE_PRIV_H

#include <microhttpd.h>

#include "serve/serve.h"

/* listen.c */
struct listener {
	int fd; /* -1 = none, or another closes it */
	char address[256];
	char *path; /* path of a socket in the file system; dev and ino identify ours */
	dev_t dev;
	ino_t ino;
};

int listener_open(const struct serve_opts *o, struct listener *out);
void listener_close(struct listener *l);
void listener_remove(const struct listener *l);

/* http.c: make a page (takes @text unless it returns NULL), and answer with a sentence. */
struct MHD_Response *page_new(char *text, size_t len, const char *type);
enum MHD_Result page_say(struct MHD_Connection *c, unsigned status, const char *text);

/* profiles.c */
struct profiles;
/* Makes profiles of those that serve_put_profiles() gets. */
int profiles_new(const struct serve_profile *v, size_t n, struct profiles **out);
void profiles_free(struct profiles *p);
/* Answers a request for a profile; @p: NULL = there is none yet. */
enum MHD_Result profiles_answer(const struct profiles *p, struct MHD_Connection *c);

/* guard.c: bounds connections, which may come without end, from one address or many, and say
 * nothing, little or too much: clients that ask and read still get their answer. Not thread safe:
 * for the thread that answers. */
#define GUARD_GUESTS 512		 /* connections that may stay */
#define GUARD_ROOM   (GUARD_GUESTS + 32) /* with some that are being shut down */
#define GUARD_GROUPS 256

struct guest {
	struct MHD_Connection *connection;
	int fd;
	uint8_t group; /* group of its address */
	bool is_out;   /* it was shut down */
	uint64_t since_ns;
};

struct guard {
	uint64_t seed; /* makes groups unpredictable, so that nobody can choose one; not 0 */
	struct guest guest[GUARD_ROOM]; /* by arrival */
	size_t n, staying;
	unsigned of_group[GUARD_GROUPS]; /* staying guests of each group */
};

void guard_init(struct guard *g);
/* Adds a connection. If there are too many, the largest group loses its oldest one. */
void guard_arrived(struct guard *g, struct MHD_Connection *c, uint64_t now_ns);
void guard_left(struct guard *g, const struct MHD_Connection *c);
/* Shuts down connections whose time is up. Returns milliseconds until the next look, -1 = nobody is
 * there. */
int guard_look(struct guard *g, uint64_t now_ns);

#endif

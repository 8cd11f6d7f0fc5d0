/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Inside of this room: where clients come in, and how long they may stay. */
#ifndef PYLEAK_SERVE_PRIV_H
#define PYLEAK_SERVE_PRIV_H

#include <microhttpd.h>

#include "serve/serve.h"

/* listen.c */
struct listener {
	int fd; /* until somebody else closes it; -1 = none */
	char address[256];
	char *path; /* of a socket in the file system, and what is ours at that path */
	dev_t dev;
	ino_t ino;
};

int listener_open(const struct serve_opts *o, struct listener *out);
void listener_close(struct listener *l);
void listener_remove(const struct listener *l);

/* http.c: a page (takes @text unless it returns NULL), and a sentence. */
struct MHD_Response *page_new(char *text, size_t len, const char *type);
enum MHD_Result page_say(struct MHD_Connection *c, unsigned status, const char *text);

/* profiles.c */
struct profiles;
/* As serve_put_profiles has them. */
int profiles_new(const struct serve_profile *v, size_t n, struct profiles **out);
void profiles_free(struct profiles *p);
/* To a request for a profile; @p: NULL = none yet. */
enum MHD_Result profiles_answer(const struct profiles *p, struct MHD_Connection *c);

/* guard.c: connections may come without end, from one address or from many, and each may say
 * nothing, little or too much: those who ask and read get their answer all the same. Not thread
 * safe: for the thread that answers. */
#define GUARD_GUESTS 512		 /* so many stay ... */
#define GUARD_ROOM   (GUARD_GUESTS + 32) /* ... beside some that are on their way out */
#define GUARD_GROUPS 256

struct guest {
	struct MHD_Connection *connection;
	int fd;
	uint8_t group; /* of its address */
	bool is_out;   /* shut down, and soon gone */
	uint64_t since_ns;
};

struct guard {
	uint64_t seed; /* of the groups: nobody chooses whose group he is in; not 0 */
	struct guest guest[GUARD_ROOM]; /* in the order of their coming */
	size_t n, staying;
	unsigned of_group[GUARD_GROUPS]; /* who stay */
};

void guard_init(struct guard *g);
/* One more. Where there are too many, the group with most of them loses the one that has been there
 * for longest. */
void guard_arrived(struct guard *g, struct MHD_Connection *c, uint64_t now_ns);
void guard_left(struct guard *g, const struct MHD_Connection *c);
/* Show those out whose time is up. Milliseconds until the next look, -1 = nobody is there. */
int guard_look(struct guard *g, uint64_t now_ns);

#endif

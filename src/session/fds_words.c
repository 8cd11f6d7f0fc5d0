/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names open descriptors in words: "file /var/log/app.log", "tcp to 10.0.0.5:5432 (PostgreSQL)". */
#include <stdio.h>

#include "report/database.h"
#include "session/fds_priv.h"

#define MAX_WORDS 8	     /* types of one site; others are told without particulars */
#define MAX_PATHS 3	     /* files named one by one; more are told by directory */
#define MAPS_NS	  5000000000 /* the target's maps are read again at most that often */

struct word {
	const char *text;
	size_t n;
};

struct words {
	struct word v[MAX_WORDS + FDS_KINDS];
	size_t n;
};

static const char *database_of_peer(const struct proc_socket *x)
{
	return x && !x->is_accepted && x->peer_port ? database_of_port(x->peer_port) : NULL;
}

/* The path of the library that called libc; maps are read again if it was loaded since. */
static const char *caller_path(struct fds_watch *f, uint64_t caller)
{
	struct session *s = f->s;
	const struct proc_map *m = caller ? proc_find_map(s->proc, caller) : NULL;
	uint64_t now_ns = clock_ns();

	if (caller && !m && !s->ended && now_ns >= f->maps_due_ns) {
		f->maps_due_ns = now_ns + MAPS_NS;
		if (!proc_read_maps(s->proc))
			m = proc_find_map(s->proc, caller);
	}
	return m ? m->path : "";
}

static const char *database_of(struct fds_watch *f, const struct report_site *site,
			       const struct fds_thing *x)
{
	const char *name = NULL;

	if (x->kind == FDS_SOCKET)
		name = database_of_peer(fds_socket(f, x->inode));
	if (!name && (x->kind == FDS_SOCKET || x->kind == FDS_FILE))
		name = database_of_path(caller_path(f, x->caller), x->kind == FDS_FILE);
	for (size_t i = 0; i < site->n_frames && !name && x->kind == FDS_SOCKET; i++)
		name = database_of_path(site->stack[i].file ? site->stack[i].file : "", false);
	return name;
}

static const char *socket_words(struct report *r, const struct proc_socket *x)
{
	const char *db = database_of_peer(x);

	if (!x)
		return "socket, not connected";
	if (!strcmp(x->protocol, "unix"))
		return *x->local ? report_printf(r, "unix socket %s", x->local) : "unix socket";
	if (x->is_listening)
		return report_printf(r, "%s listening on %s", x->protocol, x->local);
	if (x->is_accepted)
		return report_printf(r, "%s from a client of %s", x->protocol, x->local);
	if (*x->peer)
		return report_printf(r, "%s to %s%s%s%s", x->protocol, x->peer, db ? " (" : "",
				     db ? db : "", db ? ")" : "");
	return report_printf(r, "%s on %s", x->protocol, x->local);
}

static size_t path_length(const char *name)
{
	const char *gone = strstr(name, " (deleted)");

	return gone ? (size_t)(gone - name) : strlen(name);
}

static const char *file_words(struct report *r, const char *name, bool by_directory)
{
	const char *slash = strrchr(name, '/');

	if (by_directory && slash)
		return report_printf(r, "files in %.*s", slash > name ? (int)(slash - name) : 1,
				     name);
	return report_printf(r, "file %.*s", (int)path_length(name), name);
}

static const char *other_words(struct report *r, const char *name)
{
	const char *open = strchr(name, '['), *end = open ? strchr(open, ']') : NULL;

	if (!strncmp(name, "anon_inode:", 11) && end)
		return report_printf(r, "%.*s", (int)(end - open - 1), open + 1);
	return report_printf(r, "%s", strncmp(name, "anon_inode:", 11) ? name : name + 11);
}

static const char *words_of(struct fds_watch *f, struct report *r, const struct fds_thing *x,
			    bool by_directory)
{
	const char *name = x->name ? x->name : "?";

	switch (x->kind) {
	case FDS_FILE:
		return file_words(r, name, by_directory);
	case FDS_SOCKET:
		return socket_words(r, fds_socket(f, x->inode));
	case FDS_PIPE:
		return "pipe";
	case FDS_THREAD:
		return "thread";
	case FDS_CHILD:
		return x->is_zombie ? "child process that has ended" : "child process";
	default:
		return other_words(r, name);
	}
}

static const char *plain_words(enum fds_kind kind)
{
	static const char *const word[FDS_KINDS] = {
		"other files", "other sockets", "pipe", "others", "thread", "child process"};

	return (unsigned)kind < FDS_KINDS ? word[kind] : "others";
}

static void count_word(struct words *w, const char *text, enum fds_kind kind)
{
	size_t i = 0;

	for (int round = 0; round < 2; round++) {
		for (i = 0; i < w->n && strcmp(w->v[i].text, text) != 0; i++)
			;
		if (i < w->n || w->n < MAX_WORDS)
			break;
		text = plain_words(kind);
	}
	if (i == w->n && w->n < ARRAY_SIZE(w->v))
		w->v[w->n++].text = text;
	if (i < w->n)
		w->v[i].n++;
}

static bool many_paths(const struct fds_thing *const *things, size_t n)
{
	uint64_t seen[MAX_PATHS];
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = 0;

		if (things[i]->kind != FDS_FILE)
			continue;
		while (at < k && seen[at] != things[i]->link_hash)
			at++;
		if (at < k)
			continue;
		if (k == MAX_PATHS)
			return true;
		seen[k++] = things[i]->link_hash;
	}
	return false;
}

static int by_count(const void *a, const void *b)
{
	const struct word *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->text, y->text);
}

static enum report_fd_kind most_of(const size_t *count)
{
	static const enum report_fd_kind fact[FDS_KINDS] = {
		[FDS_FILE] = FD_FACT_FILE,     [FDS_SOCKET] = FD_FACT_SOCKET,
		[FDS_PIPE] = FD_FACT_PIPE,     [FDS_OTHER] = FD_FACT_OTHER,
		[FDS_THREAD] = FD_FACT_THREAD, [FDS_CHILD] = FD_FACT_CHILD,
	};
	size_t most = 0;

	for (size_t i = 1; i < FDS_KINDS; i++)
		if (count[i] > count[most])
			most = i;
	return fact[most];
}

static void put_types(struct report *r, struct words *w, size_t n, struct report_site *site)
{
	qsort(w->v, w->n, sizeof(*w->v), by_count);
	site->types = report_alloc(r, (w->n + 1) * sizeof(*site->types));
	for (size_t i = 0; site->types && i < w->n; i++)
		site->types[site->n_types++] =
			(struct report_type){w->v[i].text, (double)w->v[i].n / (double)n};
}

void fds_words(struct fds_watch *f, struct report *r, const struct fds_thing *const *things,
	       size_t n, struct report_site *site, struct report_fd_facts *facts)
{
	bool by_directory = many_paths(things, n);
	size_t count[FDS_KINDS] = {0}, databases = 0;
	const char *database = NULL;
	struct words w = {0};

	for (size_t i = 0; i < n; i++) {
		const struct fds_thing *x = things[i];
		const struct proc_socket *so = fds_socket(f, x->inode);
		const char *db = database_of(f, site, x);
		const char *text = words_of(f, r, x, by_directory);

		count[x->kind]++;
		facts->abandoned += x->kind == FDS_SOCKET && so && so->is_abandoned;
		facts->zombies += x->is_zombie;
		databases += db != NULL;
		database = db ? db : database;
		if (text)
			count_word(&w, text, x->kind);
	}
	put_types(r, &w, n, site);
	facts->n = n;
	facts->most = most_of(count);
	facts->what = site->n_types ? site->types[0].name : NULL;
	facts->database = 2 * databases > n ? database : NULL;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where births are in this target, and the probe sets on them. For the files of "births". */
#ifndef PYLEAK_SESSION_SITES_H
#define PYLEAK_SESSION_SITES_H

#include "places/files.h"
#include "probe/probe.h"

struct session;

struct sites {
	struct places_files files;
	size_t n;			     /* sites, in all of them */
	struct probe_set *set[PLACES_FILES]; /* all sites of each file */
	size_t n_sets;
};

/* Finds them: s->sites. Where one cannot be resolved there are none, and -ENOTSUP. */
int sites_open(struct session *s);
void sites_close(struct sites *t);

/* Sets for the files that have none yet, parked. */
int sites_attach(struct session *s);
void sites_detach(struct sites *t);
/* 3.8: modules that were loaded since. One that cannot be probed is an error, as at the start. */
int sites_attach_new(struct session *s);
/* Probes in @f that run @prog_fd, but for where they are. */
struct probe_set_spec sites_spec(const struct session *s, const struct places_file *f, int prog_fd,
				 const char *label);
/* A parked set of the sites of @f that are wanted (@want NULL: all); none wanted: no set. */
int sites_open_set(struct session *s, const struct places_file *f, const bool *want,
		   const char *label, struct probe_set **out);

int sites_warm(const struct sites *t);
/* @change (probe_set_on, _off, _let_go) of each, until one fails. @set: one for each file, NULL
 * where none of its sites is in. */
int sites_each(const struct sites *t, struct probe_set *const *set,
	       int (*change)(struct probe_set *));

#endif

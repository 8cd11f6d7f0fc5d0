/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the birth sites of the target, and keeps probe sets on them. For the files of "births". */
#ifndef PYLEAK_SESSION_SITES_H
#define PYLEAK_SESSION_SITES_H

#include "places/files.h"
#include "probe/probe.h"

struct session;

struct sites {
	struct places_files files;
	size_t n;			     /* sites in all files */
	struct probe_set *set[PLACES_FILES]; /* all sites of each file */
	size_t n_sets;
};

/* Finds the sites, for s->sites. If one cannot be resolved there are none, and -ENOTSUP. */
int sites_open(struct session *s);
void sites_close(struct sites *t);

/* Opens parked sets on the files that have none yet. */
int sites_attach(struct session *s);
void sites_detach(struct sites *t);
/* The same for modules loaded since, on 3.8. If one cannot be probed it fails, as at the start. */
int sites_attach_new(struct session *s);
/* Specifies probes in @f that run @prog_fd; the caller sets their offsets. */
struct probe_set_spec sites_spec(const struct session *s, const struct places_file *f, int prog_fd,
				 const char *label);
/* Opens a parked set on the sites of @f that are wanted (@want NULL: all); if none is, no set. */
int sites_open_set(struct session *s, const struct places_file *f, const bool *want,
		   const char *label, struct probe_set **out);

/* Prepares for switching sets on: probe_set_warm() once for all. */
int sites_warm(const struct sites *t);
/* Calls @change (probe_set_on, _off, _let_go) for each of @set until one fails. @set has one for
 * each file, NULL if it has no site of that. */
int sites_each(const struct sites *t, struct probe_set *const *set,
	       int (*change)(struct probe_set *));

#endif

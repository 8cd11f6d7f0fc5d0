/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/sites.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "session/session_priv.h"

#include "pyleak.skel.h" /* uses the types of pyleak/abi.h */

int sites_open(struct session *s)
{
	int err;

	s->sites = calloc(1, sizeof(*s->sites));
	if (!s->sites)
		return fail(-ENOMEM, "out of memory");
	err = places_find_files(s->rt, &s->sites->files);
	s->sites->n = s->sites->files.n_points;
	return err;
}

void sites_close(struct sites *t)
{
	if (!t)
		return;
	sites_detach(t);
	places_forget_files(&t->files);
	free(t);
}

struct probe_set_spec sites_spec(const struct session *s, const struct places_file *f, int prog_fd,
				 const char *label)
{
	return (struct probe_set_spec){
		.file_fd = f->fd,
		.pid = s->proc->pid,
		.pidfd = s->proc->pidfd,
		.prog_fd = prog_fd,
		/* reads of a target are told by its interpreter's file, not by a module's */
		.is_library = f != s->sites->files.v,
		.label = label,
		.guard = s->kern.channel,
	};
}

int sites_open_set(struct session *s, const struct places_file *f, const bool *want,
		   const char *label, struct probe_set **out)
{
	const struct places *p = &f->points;
	struct probe_set_spec spec = sites_spec(s, f, s->kern.birth_fd, label);
	auto_free uint64_t *offset = calloc(p->n, sizeof(*offset));

	spec.offsets = offset;
	if (!offset)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < p->n; i++)
		if (!want || want[i])
			offset[spec.n++] = p->v[i].offset;
	return spec.n ? probe_set_open(s->kern.mechanism, &spec, out) : 0;
}

/* Tells the kernel half where probes of this file fire, and how to get the object there; @first is
 * the number of its first site. */
static int tell_sites(const struct session *s, const struct places_file *f, size_t first)
{
	for (size_t i = 0; i < f->points.n; i++) {
		uint64_t ip = f->bias + f->points.v[i].addr;
		struct pl_site site = f->points.v[i].site;

		site.number = (uint16_t)(first + i);
		if (bpf_map_update_elem(bpf_map__fd(s->kern.skel->maps.sites), &ip, &site, BPF_ANY))
			return fail(-errno, "cannot fill the table of sites: %s", strerror(errno));
	}
	return 0;
}

int sites_attach(struct session *s)
{
	struct sites *t = s->sites;
	size_t first = 0;

	for (size_t i = 0; i < t->files.n; first += t->files.v[i++].points.n) {
		int err;

		if (i < t->n_sets)
			continue;
		err = tell_sites(s, &t->files.v[i], first);
		if (!err)
			err = sites_open_set(s, &t->files.v[i], NULL, "birth", &t->set[i]);
		if (err)
			return err;
		t->n_sets = i + 1;
	}
	return 0;
}

int sites_attach_new(struct session *s)
{
	struct sites *t = s->sites;
	size_t before = t->files.n;
	int err = proc_read_maps(s->proc);

	if (!err)
		err = places_find_more(s->proc, &t->files);
	t->n = t->files.n_points;
	if (!err && t->files.n > before)
		err = sites_attach(s);
	return err;
}

void sites_detach(struct sites *t)
{
	for (size_t i = 0; i < t->n_sets; i++)
		probe_set_close(t->set[i]);
	t->n_sets = 0;
}

int sites_warm(const struct sites *t)
{
	return t->set[0] ? probe_set_warm(t->set[0]) : 0; /* there are no sites in some tests */
}

int sites_each(const struct sites *t, struct probe_set *const *set,
	       int (*change)(struct probe_set *))
{
	int err = 0;

	for (size_t i = 0; i < t->n_sets && !err; i++)
		err = set[i] ? change(set[i]) : 0;
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "session/sites.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#include "session/session_priv.h"

#include "pyleak.skel.h" /* uses the types of pyleak/abi.h */
#include "py/versions.h"

static int add_file(struct session *s, struct dso *d, int minor, uint64_t bias)
{
	struct sites *t = s->sites;
	struct site_file *f = &t->file[t->n_files];
	const struct proc_map *row;
	struct places_births_report rep;
	int err;

	if (t->n_files == SITES_FILES)
		return fail(-ENOTSUP, "more than %d files with birth sites", SITES_FILES);
	err = places_find_births(d, minor, &f->points, &rep);
	if (err)
		return err;
	log_info("%zu birth sites (%zu tests, %zu deaths, %zu others) in %s", rep.births, rep.tests,
		 rep.deaths, rep.other, dso_path(d));
	f->fd = fcntl(dso_fd(d), F_DUPFD_CLOEXEC, 3);
	f->bias = bias;
	t->n_files++;
	t->n += f->points.n;
	err = places_row(&f->points, d, s->proc, bias, &row);
	if (err)
		return err;
	f->inode = row ? row->inode : 0;
	f->dev = row ? row->dev : 0;
	if (f->fd < 0)
		return fail(-errno, "%s cannot be kept open: %s", dso_path(d), strerror(errno));
	return t->n <= PL_MAX_SITES
		       ? 0
		       : fail(-ENOTSUP, "more birth sites than can be probed (%zu)", t->n);
}

static bool is_known(const struct sites *t, const struct proc_map *m)
{
	for (size_t i = 0; i < t->n_files; i++)
		if (t->file[i].inode == m->inode && t->file[i].dev == m->dev)
			return true;
	return false;
}

/* In 3.8 a birth is a macro that extension modules contain themselves, and programs that hold a
 * Python. One that cannot be resolved makes the set incomplete: refuse. */
static int find_in_modules(struct session *s, bool at_start)
{
	for (size_t i = 0; i < s->proc->n_maps; i++) {
		const struct proc_map *m = &s->proc->maps[i];
		uint64_t bias;
		struct dso *d;
		int err;

		if (!m->executable || !m->inode || is_known(s->sites, m))
			continue;
		err = places_open_module(s->proc, m, &d, &bias);
		if (err == -EREMOTE && !at_start)
			continue; /* it is looked for again */
		if (d)
			err = add_file(s, d, 8, bias);
		dso_close(d);
		if (err)
			return fail_in(at_start ? -ENOTSUP : err, "%s", m->path);
	}
	return 0;
}

static void forget(struct sites *t)
{
	for (size_t i = 0; i < t->n_files; i++) {
		places_free(&t->file[i].points);
		close_fd(&t->file[i].fd);
	}
	*t = (struct sites){0};
}

int sites_open(struct session *s)
{
	int err;

	s->sites = calloc(1, sizeof(*s->sites));
	if (!s->sites)
		return fail(-ENOMEM, "out of memory");
	err = add_file(s, s->rt->dso, s->rt->minor, s->rt->bias);
	if (!err && py_extensions_make_objects(s->rt))
		err = find_in_modules(s, true);
	if (err)
		forget(s->sites);
	return err;
}

void sites_close(struct sites *t)
{
	if (!t)
		return;
	sites_detach(t);
	forget(t);
	free(t);
}

int sites_open_set(struct session *s, const struct site_file *f, const bool *want,
		   const char *label, struct probe_set **out)
{
	const struct places *p = &f->points;
	auto_free uint64_t *offset = calloc(p->n, sizeof(*offset));
	struct probe_set_spec spec = {
		.file_fd = f->fd,
		.offsets = offset,
		.pid = s->proc->pid,
		.pidfd = s->proc->pidfd,
		.prog_fd = s->kern.birth_fd,
		/* A read of the target has the interpreter's name on it, and none of a module. */
		.is_library = f != s->sites->file,
		.label = label,
		.guard = s->kern.channel,
	};

	if (!offset)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < p->n; i++)
		if (!want || want[i])
			offset[spec.n++] = p->v[i].offset;
	return spec.n ? probe_set_open(s->kern.mechanism, &spec, out) : 0;
}

/* Where a probe of this file fires, and how to get the object there; @first is the number of its
 * first site. */
static int tell_sites(const struct session *s, const struct site_file *f, size_t first)
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

	for (size_t i = 0; i < t->n_files; first += t->file[i++].points.n) {
		int err;

		if (i < t->n_sets)
			continue;
		err = tell_sites(s, &t->file[i], first);
		if (!err)
			err = sites_open_set(s, &t->file[i], NULL, "birth", &t->set[i]);
		if (err)
			return err;
		t->n_sets = i + 1;
	}
	return 0;
}

int sites_attach_new(struct session *s)
{
	size_t before = s->sites->n_files;
	int err = proc_read_maps(s->proc);

	if (!err)
		err = find_in_modules(s, false);
	if (!err && s->sites->n_files > before)
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
	return t->n_sets ? probe_set_warm(t->set[0]) : -ENOENT;
}

int sites_each(const struct sites *t, struct probe_set *const *set,
	       int (*change)(struct probe_set *))
{
	int err = 0;

	for (size_t i = 0; i < t->n_sets && !err; i++)
		err = set[i] ? change(set[i]) : 0;
	return err;
}

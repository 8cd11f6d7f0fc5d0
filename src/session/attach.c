/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where births are in this target, and the probe sets on them. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#include "session/session_priv.h"

#include "pyleak.skel.h" /* uses the types of pyleak/abi.h */
#include "py/versions.h"

/* Once, however often it is said. */
void session_note(struct session *s, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	for (size_t i = 0; i < s->n_notes; i++)
		if (!strcmp(s->note[i], text)) {
			free(text);
			return;
		}
	if (s->n_notes < SESSION_NOTES)
		s->note[s->n_notes++] = text;
	else
		free(text);
}

static int add_file(struct session *s, const struct dso *d, int minor, uint64_t bias)
{
	struct session_file *f = &s->probes.file[s->probes.n_files];
	const struct proc_map *row;
	struct probe_births_report rep;
	int err;

	if (s->probes.n_files == SESSION_FILES)
		return fail(-ENOTSUP, "more than %d files with birth sites", SESSION_FILES);
	err = probe_find_births(d, minor, &f->points, &rep);
	if (err)
		return err;
	log_info("%zu birth sites (%zu tests, %zu deaths, %zu others) in %s", rep.births, rep.tests,
		 rep.deaths, rep.other, dso_path(d));
	row = f->points.n ? proc_find_map(s->proc, bias + f->points.v[0].addr) : NULL;
	f->inode = row ? row->inode : 0;
	f->dev = row ? row->dev : 0;
	f->fd = fcntl(dso_fd(d), F_DUPFD_CLOEXEC, 3);
	f->bias = bias;
	s->probes.n_files++;
	s->probes.n_sites += f->points.n;
	if (f->fd < 0)
		return fail(-errno, "%s cannot be kept open: %s", dso_path(d), strerror(errno));
	return s->probes.n_sites <= PL_MAX_SITES
		       ? 0
		       : fail(-ENOTSUP, "more birth sites than can be probed (%zu)",
			      s->probes.n_sites);
}

static bool is_known(const struct session *s, const struct proc_map *m)
{
	for (size_t i = 0; i < s->probes.n_files; i++)
		if (s->probes.file[i].inode == m->inode && s->probes.file[i].dev == m->dev)
			return true;
	return false;
}

/* In 3.8 a birth is a macro that extension modules contain themselves. One that cannot be resolved
 * makes the set incomplete: refuse. */
static int find_in_modules(struct session *s)
{
	const struct proc *p = s->proc;

	for (size_t i = 0; i < p->n_maps; i++) {
		const struct proc_map *m = &p->maps[i];
		uint64_t bias;
		struct dso *d;
		int err = 0, fd;

		if (!m->executable || !m->inode || !strstr(m->path, ".so") || is_known(s, m) ||
		    proc_map_open(p, m, &fd) || dso_open_fd(fd, m->path, DSO_ALL, &d))
			continue;
		if (dso_imports(d, "_Py_tracemalloc_config") && py_load_bias(p, m, d, &bias))
			err = add_file(s, d, 8, bias);
		dso_close(d);
		if (err)
			return fail_in(err, "%s", m->path);
	}
	return 0;
}

int session_find_births(struct session *s)
{
	int err = add_file(s, s->rt->dso, s->rt->minor, s->rt->bias);

	if (!err && py_extensions_make_objects(s->rt))
		err = find_in_modules(s);
	if (err)
		session_forget_births(s);
	return err;
}

void session_forget_births(struct session *s)
{
	for (size_t i = 0; i < s->probes.n_files; i++) {
		probe_points_free(&s->probes.file[i].points);
		close_fd(&s->probes.file[i].fd);
		memset(&s->probes.file[i], 0, sizeof(s->probes.file[i]));
	}
	s->probes.n_files = s->probes.n_sites = 0;
}

int session_open_set(struct session *s, const struct session_file *f, const bool *want,
		     const char *label, struct probe_set **out)
{
	const struct probe_points *p = &f->points;
	auto_free uint64_t *offset = calloc(p->n, sizeof(*offset));
	struct probe_set_spec spec = {
		.file_fd = f->fd,
		.offsets = offset,
		.pid = s->proc->pid,
		.pidfd = s->proc->pidfd,
		.prog_fd = s->kern.birth_fd,
		.label = label,
		.guard = s->probes.channel,
	};

	if (!offset)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < p->n; i++)
		if (!want || want[i])
			offset[spec.n++] = p->v[i].offset;
	return spec.n ? probe_set_open(s->probes.mechanism, &spec, out) : 0;
}

/* Where a probe of this file fires, and how to get the object there; @first is the number of its
 * first site. */
static int tell_sites(const struct session *s, const struct session_file *f, size_t first)
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

/* Sets for the files that have none yet. */
int session_attach(struct session *s)
{
	size_t first = 0;

	for (size_t i = 0; i < s->probes.n_files; first += s->probes.file[i++].points.n) {
		int err;

		if (i < s->probes.n_sets)
			continue;
		err = tell_sites(s, &s->probes.file[i], first);
		if (!err)
			err = session_open_set(s, &s->probes.file[i], NULL, "birth",
					       &s->probes.set[i]);
		if (err)
			return err;
		s->probes.n_sets = i + 1;
	}
	return 0;
}

/* 3.8: modules that were loaded since. What is born in one that cannot be probed is unseen: then no
 * births at all, as at the start. */
int session_attach_new(struct session *s)
{
	size_t before = s->probes.n_files;
	int err = proc_read_maps(s->proc);

	if (!err)
		err = find_in_modules(s);
	if (!err && s->probes.n_files > before)
		err = session_attach(s);
	return err;
}

void session_detach(struct session *s)
{
	focus_free(s);
	for (size_t i = 0; i < s->probes.n_sets; i++)
		probe_set_close(s->probes.set[i]);
	s->probes.n_sets = 0;
}

int session_births_on(struct session *s)
{
	struct probe_set **set = s->probes.focused ? s->probes.focus.set : s->probes.set;
	int err = s->probes.n_sets ? probe_set_warm(s->probes.set[0]) : -ENOENT;

	for (size_t i = 0; i < s->probes.n_sets && !err; i++)
		err = set[i] ? probe_set_on(set[i]) : 0;
	if (err)
		session_births_off(s);
	return err;
}

static void all_off(struct probe_set *const *set, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (set[i] && probe_set_is_on(set[i]))
			probe_set_off(set[i]);
}

void session_births_off(struct session *s)
{
	all_off(s->probes.set, s->probes.n_sets);
	all_off(s->probes.focus.set, s->probes.n_sets);
}

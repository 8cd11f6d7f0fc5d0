/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "places/files.h"

#include <fcntl.h>

#include "py/versions.h"

static int add_file(struct places_files *t, const struct proc *proc, struct dso *d, int minor,
		    uint64_t bias)
{
	struct places_file *f = &t->v[t->n];
	const struct proc_map *row;
	struct places_births_report rep;
	int err;

	if (t->n == PLACES_FILES)
		return fail(-ENOTSUP, "more than %d files with birth sites", PLACES_FILES);
	err = places_find_births(d, minor, &f->points, &rep);
	if (err)
		return err;
	log_info("%zu birth sites (%zu tests, %zu deaths, %zu others) in %s", rep.births, rep.tests,
		 rep.deaths, rep.other, dso_path(d));
	err = places_row(&f->points, d, proc, bias, &row);
	f->fd = fcntl(dso_fd(d), F_DUPFD_CLOEXEC, 3);
	if (!err && f->fd < 0)
		err = fail(-errno, "%s cannot be kept open: %s", dso_path(d), strerror(errno));
	if (!err && t->n_points + f->points.n > PL_MAX_SITES)
		err = fail(-ENOTSUP, "more birth sites than can be probed (%zu)",
			   t->n_points + f->points.n);
	if (err) {
		close_fd(&f->fd);
		places_free(&f->points);
		return err;
	}
	f->bias = bias;
	f->inode = row ? row->inode : 0;
	f->dev = row ? row->dev : 0;
	t->n++;
	t->n_points += f->points.n;
	return 0;
}

static bool is_known(struct places_files *t, const struct proc_map *m)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].inode == m->inode && t->v[i].dev == m->dev)
			return true;
	for (size_t i = 0; i < t->others.n; i++)
		if (t->others.v[i].inode == m->inode && t->others.v[i].dev == m->dev) {
			t->others.v[i].scan = t->scans;
			return true;
		}
	return false;
}

static void note_other(struct places_files *t, const struct proc_map *m)
{
	struct places_other *o = vec_push(&t->others);

	if (o)
		*o = (struct places_other){m->inode, m->dev, t->scans};
}

/* Forgets files that are not mapped any more: another file may have the inode number by now. */
static void forget_others(struct places_files *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->others.n; i++)
		if (t->others.v[i].scan == t->scans)
			t->others.v[kept++] = t->others.v[i];
	t->others.n = kept;
}

/* Adds modules of 3.8, where a birth is a macro, which is compiled into extension modules and into
 * programs that embed Python. If one cannot be resolved the set is incomplete, and is refused. */
static int find_in_modules(const struct proc *proc, struct places_files *t, bool at_start)
{
	t->scans++;
	for (size_t i = 0; i < proc->n_maps; i++) {
		const struct proc_map *m = &proc->maps[i];
		uint64_t bias;
		struct dso *d;
		int err;

		if (!m->executable || !m->inode || is_known(t, m))
			continue;
		err = places_open_module(proc, m, &d, &bias);
		if (err == -EREMOTE && !at_start)
			continue; /* not open to us yet: the next scan tries again */
		if (d)
			err = add_file(t, proc, d, 8, bias);
		else if (!err)
			note_other(t, m);
		dso_close(d);
		if (err && proc_file_is_gone(proc, m))
			continue; /* unloaded meanwhile, and its file may be deleted */
		if (err)
			return fail_in(at_start && !fail_is_short(err) ? -ENOTSUP : err, "%s",
				       m->path);
	}
	forget_others(t);
	return 0;
}

void places_forget_files(struct places_files *t)
{
	for (size_t i = 0; i < t->n; i++) {
		places_free(&t->v[i].points);
		close_fd(&t->v[i].fd);
	}
	vec_free(&t->others);
	*t = (struct places_files){0};
}

int places_find_files(const struct py_runtime *rt, struct places_files *out)
{
	int err;

	*out = (struct places_files){0};
	err = add_file(out, rt->proc, rt->dso, rt->minor, rt->bias);
	if (!err && py_extensions_make_objects(rt))
		err = find_in_modules(rt->proc, out, true);
	if (err)
		places_forget_files(out);
	return err;
}

int places_find_more(const struct proc *proc, struct places_files *f)
{
	return find_in_modules(proc, f, false);
}

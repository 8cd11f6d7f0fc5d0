/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "places/finder.h"

#include <stdio.h>

#include "base/map64.h"

struct py_finder {
	struct map64 file; /* device and inode -> 1: no, 2: CPython */
};

int py_finder_new(struct py_finder **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : fail(-ENOMEM, "out of memory");
}

void py_finder_free(struct py_finder *f)
{
	if (!f)
		return;
	map64_free(&f->file);
	free(f);
}

void py_finder_forget(struct py_finder *f)
{
	map64_clear(&f->file);
}

/* Is CPython in this file? Looks for its symbol, and for the section that a stripped static program
 * keeps (3.11+). Loads no relocations: every library of the host is searched, and large ones have
 * tens of megabytes of them. */
static int holds_python(const struct proc *p, const struct proc_map *m)
{
	struct dso_range section;
	struct dso_sym sym;
	struct dso *d;
	int is, fd, err = proc_map_open(p, m, &fd);

	if (!err)
		err = dso_open_fd(fd, m->path, DSO_NAMES, &d);
	if (err)
		return fail_is_short(err) || err == -EIO || err == -EREMOTE ? err : 0;
	is = !dso_symbol(d, "_PyRuntime", &sym) || !dso_section(d, ".PyRuntime", &section);
	dso_close(d);
	return is;
}

static int ask(struct py_finder *f, const struct proc *p, const struct proc_map *m, bool look_in)
{
	uint64_t key = ((uint64_t)m->dev << 40 ^ m->inode) | 1ull << 63;
	uint64_t *at = map64_get(&f->file, key);
	int is;

	if (at || !look_in)
		return at && *at == 2;
	is = holds_python(p, m);
	at = is < 0 ? NULL : map64_put(&f->file, key);
	if (at)
		*at = is ? 2 : 1;
	return is;
}

int py_finder_has(struct py_finder *f, const struct proc *p)
{
	char why[512] = "";
	int found = 0;

	/* known files first: a new one costs a millisecond */
	for (int look_in = 0; look_in <= 1; look_in++)
		for (size_t i = 0; i < p->n_maps; i++) {
			const struct proc_map *m = &p->maps[i];
			int is = m->executable && m->inode ? ask(f, p, m, look_in) : 0;

			if (is > 0)
				return is;
			if (is == 0)
				continue;
			found = is;
			snprintf(why, sizeof(why), "%s", fail_text());
		}
	return found ? fail(found, "%s", why) : 0;
}

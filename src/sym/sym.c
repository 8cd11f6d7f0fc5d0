/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the files of one process by address. A file is identified by device, inode and path, so a
 * library that is unloaded and loaded again is not opened twice. */
#include "sym/sym_priv.h"

#include <malloc.h>

#define REREAD_NS  1000000000ull
#define UNKNOWN_NS 50000000ull /* for an address that no row of the maps holds */

int sym_open(const struct proc *p, struct sym **out)
{
	struct sym *s = calloc(1, sizeof(*s));

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->opened_ns = clock_ns();
	s->view = *p;
	s->view.maps = NULL;
	s->view.map_text = NULL;
	s->view.n_maps = 0;
	s->view.reader = NULL; /* only files are read ... */
	s->view.code = 0;      /* ... and maps, which after an exec are those of another program */
	*out = s;
	return 0;
}

void sym_leave_lines(struct sym *s, const char *path)
{
	s->no_lines = path;
}

void sym_close(struct sym *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_files; i++)
		sym_file_close(s->file[i]);
	sym_forget_known(s);
	free(s->view.maps);
	free(s->view.map_text);
	free(s->file_of);
	free(s);
}

/* Reads the maps again. If there are none, what was known stays: a process that has ended has no
 * maps, and a zombie has an empty list. */
static void read_maps(struct sym *s)
{
	struct proc fresh = s->view;
	int32_t *file_of;

	s->read_ns = clock_ns();
	fresh.maps = NULL;
	fresh.map_text = NULL;
	fresh.n_maps = 0;
	if (proc_read_maps(&fresh) || !fresh.n_maps) {
		free(fresh.maps);
		free(fresh.map_text);
		return;
	}
	free(s->view.maps);
	free(s->view.map_text);
	s->view = fresh;
	file_of = realloc(s->file_of, (s->view.n_maps + 1) * sizeof(*file_of));
	if (!file_of) {
		s->view.n_maps = 0;
		return;
	}
	s->file_of = file_of;
	for (size_t i = 0; i < s->view.n_maps; i++)
		file_of[i] = SYM_FILE_UNKNOWN;
}

static bool has_no_lines(const struct sym *s, const char *path)
{
	const char *slash = strrchr(path, '/');

	return s->no_lines &&
	       (!strcmp(path, s->no_lines) || (slash && !strncmp(slash, "/libc.so.", 9)));
}

/* Opens a file that could not be opened for want of memory or descriptors, or because its storage
 * was silent. */
static void try_again(struct sym *s, struct sym_file *f, const struct proc_map *m)
{
	if (!f->is_refused_for_now)
		return;
	sym_file_try(f, m);
	s->stats.files_refused -= f->dso != NULL;
}

static int32_t file_of_row(struct sym *s, const struct proc_map *m)
{
	struct sym_file *f;

	for (size_t i = 0; i < s->n_files; i++)
		if (s->file[i]->inode == m->inode && s->file[i]->dev == m->dev &&
		    !strcmp(s->file[i]->path, m->path)) {
			try_again(s, s->file[i], m);
			return (int32_t)i;
		}
	if (s->n_files == SYM_MAX_FILES || !(m->inode || !strcmp(m->path, "[vdso]")) ||
	    sym_file_open(&s->view, m, &f))
		return SYM_FILE_NONE;
	f->no_lines = has_no_lines(s, m->path);
	s->file[s->n_files++] = f;
	s->stats.files++;
	s->stats.files_refused += !f->dso;
	return (int32_t)(s->n_files - 1);
}

static bool is_old(const struct sym *s, uint64_t age_ns)
{
	return !s->read_ns || clock_ns() - s->read_ns > age_ns;
}

static const struct proc_map *code_row(struct sym *s, uint64_t pc)
{
	const struct proc_map *m = proc_find_map(&s->view, pc);

	if (!m && is_old(s, UNKNOWN_NS)) {
		read_maps(s);
		m = proc_find_map(&s->view, pc);
	}
	return m && m->executable ? m : NULL;
}

bool sym_is_code(struct sym *s, uint64_t pc)
{
	return code_row(s, pc);
}

void sym_refresh(struct sym *s)
{
	if (is_old(s, REREAD_NS))
		read_maps(s);
}

bool sym_locate(struct sym *s, uint64_t pc, struct sym_pc *out)
{
	const struct proc_map *m = code_row(s, pc);
	const struct sym_file *f;
	size_t row;

	*out = (struct sym_pc){pc, pc, SYM_FILE_NONE};
	if (!m)
		return false;
	row = (size_t)(m - s->view.maps);
	if (s->file_of[row] == SYM_FILE_UNKNOWN)
		s->file_of[row] = file_of_row(s, m);
	if (s->file_of[row] < 0)
		return false;
	f = s->file[s->file_of[row]];
	out->file = s->file_of[row];
	out->addr = pc - m->start + m->offset; /* in a file that cannot be read, its offset */
	if (f->dso && dso_offset_to_addr(f->dso, out->addr, &out->addr))
		out->file = SYM_FILE_NONE;
	return out->file >= 0;
}

static const char *module_of(const struct sym *s, const struct sym_pc *pc)
{
	return pc->file >= 0 && (size_t)pc->file < s->n_files ? s->file[pc->file]->path : "";
}

size_t sym_names(struct sym *s, const struct sym_pc *pc, const struct sym_frame **out)
{
	struct sym_file *f = *module_of(s, pc) ? s->file[pc->file] : NULL;
	const struct sym_names_of *n = f && f->dso ? sym_file_names(f, pc->addr, &s->stats) : NULL;

	if (n) {
		sym_name_known(s, pc, (struct sym_names_of *)(uintptr_t)n);
		*out = n->v;
		return n->n;
	}
	s->nowhere.v[0] = (struct sym_frame){.module = module_of(s, pc), .addr = pc->addr};
	*out = s->nowhere.v;
	return 1;
}

void sym_rest(struct sym *s, bool has_ended)
{
	uint64_t now = clock_ns();
	bool any = false;

	for (size_t i = 0; i < s->n_files; i++) {
		if (s->file[i]->dso)
			dso_forget_bytes(s->file[i]->dso);
		any |= !has_ended && sym_file_rest(s->file[i], now);
	}
	if (any)
		malloc_trim(0); /* libdw had it in thousands of small pieces */
}

const struct sym_stats *sym_stats(const struct sym *s)
{
	return &s->stats;
}

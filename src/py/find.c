/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the mapped file of CPython: it defines _PyRuntime and has a live interpreter. */
#include "py/py_priv.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "proc/gate.h"

#define MAX_FILES      4096
#define TRIES_STARTING 20 /* each of 50 ms: about a second */
#define TRIES_MISSING  3  /* as the loader maps libpython shortly after exec */

/* The order in which files are tried: a process may have a second runtime (an executable that links
 * CPython statically and loads libpython as well). */
enum rank { RANK_LIBPYTHON, RANK_PROGRAM, RANK_OTHER, RANKS };

struct file {
	const struct proc_map *row; /* its lowest executable row */
	enum rank rank;
};

struct files {
	struct file *v;
	size_t n, cap;
};

void py_pause_us(unsigned int us)
{
	const struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};

	nanosleep(&t, NULL);
}

uint64_t py_symbol(const struct py_runtime *rt, const char *name)
{
	struct dso_sym s;

	return dso_symbol(rt->dso, name, &s) ? 0 : rt->bias + s.addr;
}

static enum rank rank_of(const struct proc *p, const struct proc_map *m)
{
	const char *base = strrchr(m->path, '/');

	if (base && !strncmp(base, "/libpython", 10))
		return RANK_LIBPYTHON;
	return proc_is_program(p, m) ? RANK_PROGRAM : RANK_OTHER;
}

/* Lists files with code: there may be many data files, also at lower addresses than libraries. */
static int list_files(const struct proc *p, struct files *out)
{
	for (size_t i = 0; i < p->n_maps && out->n < MAX_FILES; i++) {
		const struct proc_map *m = &p->maps[i];
		struct file *f = NULL;

		if (!m->executable || !m->inode || m->path[0] != '/')
			continue;
		for (size_t k = out->n; k-- > 0 && !f;)
			if (out->v[k].row->inode == m->inode && out->v[k].row->dev == m->dev &&
			    !strcmp(out->v[k].row->path, m->path))
				f = &out->v[k];
		if (f)
			continue;
		f = vec_push(out);
		if (!f)
			return fail(-ENOMEM, "out of memory");
		*f = (struct file){m, rank_of(p, m)};
	}
	return 0;
}

/* The first executable row of the file, which may be mapped a second time, as data. */
static const struct proc_map *text_row(const struct proc *p, const struct proc_map *of)
{
	for (size_t i = 0; i < p->n_maps; i++)
		if (p->maps[i].executable && p->maps[i].inode == of->inode &&
		    p->maps[i].dev == of->dev)
			return &p->maps[i];
	return NULL;
}

bool py_load_bias(const struct proc *p, const struct proc_map *of, const struct dso *d,
		  uint64_t *bias)
{
	const struct proc_map *text = text_row(p, of), *low = text;

	if (!text)
		return false;
	for (const struct proc_map *m = text; m-- > p->maps;) {
		if (m->inode == text->inode && m->dev == text->dev && m->offset < low->offset)
			low = m;
		else if (m->inode)
			break;
	}
	*bias = dso_is_exec(d) ? 0 : low->start - low->offset - dso_base(d);
	return true;
}

static bool find_bias(struct py_runtime *rt, const struct proc_map *of)
{
	const struct proc *p = rt->proc;
	const struct proc_map *text = text_row(p, of);

	if (!py_load_bias(p, of, rt->dso, &rt->bias))
		return false;
	rt->priv->text_start = text->start;
	rt->priv->text_end = text->end;
	/* code rewritten after linking is after the data, with memory of no file between */
	for (const struct proc_map *m = text + 1;
	     m < p->maps + p->n_maps && (!m->inode || m->inode == text->inode); m++)
		if (m->executable && m->inode)
			rt->priv->text_end = m->end;
	return true;
}

void py_close_file(struct py_runtime *rt)
{
	dso_close(rt->dso);
	rt->dso = NULL;
}

/* 0 = an interpreter is running; -EAGAIN = not yet; -ESHUTDOWN = no longer. */
static int interpreter_state(const struct py_runtime *rt)
{
	const struct py_build *b = &rt->priv->build;
	uint64_t head = 0, finalizing = 0;
	uint32_t initialized = 0;

	if (proc_read_u64(rt->proc, rt->runtime + b->layout.runtime_interpreters, &head) ||
	    proc_read_u32(rt->proc, rt->runtime + b->runtime_initialized, &initialized) ||
	    proc_read_u64(rt->proc, rt->runtime + b->runtime_finalizing, &finalizing))
		return -EAGAIN;
	if (finalizing)
		return fail(-ESHUTDOWN, "process %d (%s): its CPython %s is shutting down",
			    rt->proc->pid, rt->proc->comm, rt->version);
	if (!head || initialized != 1)
		return fail(-EAGAIN,
			    "process %d (%s): its CPython %s has no running interpreter yet: try "
			    "again when it has started",
			    rt->proc->pid, rt->proc->comm, rt->version);
	return 0;
}

static int open_file(struct py_runtime *rt, const struct proc_map *row)
{
	uint8_t *bytes;
	size_t size;
	int err, fd;

	if (proc_is_live(rt->proc)) {
		err = proc_map_open(rt->proc, row, &fd);
		return err ? err : dso_open_fd(fd, row->path, DSO_NAMES, &rt->dso);
	}
	err = proc_map_image(rt->proc, row, &bytes, &size);
	return err ? err : dso_open_bytes(row->path, bytes, size, &rt->dso);
}

/* Tries one file. -ENOENT: it is not CPython, or not to be opened; other errors have a sentence. */
static int try_file(struct py_runtime *rt, const struct file *f)
{
	struct dso_range section;
	struct dso_sym sym;
	int err;

	err = open_file(rt, f->row);
	/* the reason matters for the program itself and for libpython alone */
	if (err)
		return f->rank == RANK_OTHER || err == -ENOEXEC ? -ENOENT : -EACCES;
	if (dso_symbol(rt->dso, "_PyRuntime", &sym)) {
		/* a fully stripped static executable still has the section (3.11+) */
		if (!dso_section(rt->dso, ".PyRuntime", &section)) {
			sym.addr = section.addr;
		} else {
			char old[24];

			if (!py_old_version(rt->dso, f->row->path, old, sizeof(old)))
				return -ENOENT;
			return fail(-ENOTSUP,
				    "process %d (%s) runs CPython %s, which is too old: 3.8 to "
				    "3.%d are supported",
				    rt->proc->pid, rt->proc->comm, old, py_last_minor());
		}
	}
	if (!find_bias(rt, f->row))
		return -ENOENT;
	snprintf(rt->name, sizeof(rt->name), "%s", f->row->path);
	rt->is_library = f->rank != RANK_PROGRAM;
	rt->runtime = rt->bias + sym.addr;
	err = py_find_version(rt);
	return err ? err : interpreter_state(rt);
}

/* Tries all mapped files. If none will do, the error is of the first that is CPython at all. */
static int scan(struct py_runtime *rt)
{
	struct files files = {0};
	char why[512] = "";
	int best = -ENOENT, got = list_files(rt->proc, &files);

	for (int rank = 0; !got && rank < RANKS; rank++) {
		/* other libraries are opened only if the usual files have no CPython */
		if (rank == RANK_OTHER && best != -ENOENT)
			break;
		for (size_t i = 0; i < files.n; i++) {
			const struct file *f = &files.v[i];

			if ((int)f->rank != rank)
				continue;
			got = try_file(rt, f);
			if (!got) {
				vec_free(&files);
				return 0;
			}
			py_close_file(rt);
			if (best == -ENOENT && got != -ENOENT) {
				best = got;
				snprintf(why, sizeof(why), "%s", fail_text());
			}
			got = 0;
		}
	}
	vec_free(&files);
	if (got || best == -ENOENT)
		return got ? got : best;
	return fail(best, "%s", why);
}

static int refuse_32bit(const struct proc *p)
{
	unsigned char ident[5] = {0};
	auto_close int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	auto_close int at = open(path, O_PATH | O_CLOEXEC);
	if (at < 0)
		return 0;
	if (gate_ask(p->pid, at) || gate_reopen(at, UINT64_MAX, &fd) == -EREMOTE)
		return fail(-EREMOTE,
			    "process %d (%s): the storage of its program does not answer, or is a "
			    "FUSE mount that is not root's",
			    p->pid, p->comm);
	if (fd < 0 || read(fd, ident, sizeof(ident)) != (ssize_t)sizeof(ident))
		return 0;
	/* ELFCLASS32 */
	if (!memcmp(ident, "\177ELF", 4) && ident[4] == 1)
		return fail(-ENOTSUP,
			    "process %d (%s) is a 32-bit program: only 64-bit CPython is supported",
			    p->pid, p->comm);
	return 0;
}

int py_find(struct proc *p, struct py_runtime *rt)
{
	int err = proc_is_live(p) ? refuse_32bit(p) : 0;

	if (!proc_is_live(p)) {
		err = scan(rt);
		return err == -ENOENT ? fail(err,
					     "process %d (%s): no CPython is found in what was "
					     "saved of it; "
					     "a core file needs the files of the program and of "
					     "libpython: "
					     "--sysroot DIR says where they are",
					     p->pid, p->comm)
				      : err;
	}
	for (int i = 0; !err && i < TRIES_STARTING; i++) {
		err = scan(rt);
		/* after an exec all that was read was of the program before */
		if (err && proc_execed(p))
			err = -EAGAIN;
		if (!err || (err != -EAGAIN && err != -ENOENT))
			return err;
		if (err == -ENOENT && i + 1 >= TRIES_MISSING)
			return fail(-ENOENT,
				    "process %d (%s) is not a CPython: no mapped file defines "
				    "_PyRuntime",
				    p->pid, p->comm);
		py_pause_us(50000);
		/* it may have called exec, or mapped libpython, meanwhile */
		if (i + 1 < TRIES_STARTING)
			err = proc_refresh(p);
	}
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the libc of a process, and the byte at which each of its allocator functions is probed. */
#include "base/libc.h"
#include "places/places.h"
#include "track/native_priv.h"

#include <fcntl.h>
#include <stdio.h>

#define RCX 1
#define RDX 2
#define RSI 6
#define RDI 7
#define NO  PL_REG_NONE

/* Argument registers of the System V calling convention, in the order of enum pl_fn's comment. */
static const struct {
	const char *name;
	uint8_t arg[PL_FN_ARGS];
	bool has_return;
} fns[PL_FN_MAX] = {
	[PL_FN_MALLOC] = {"malloc", {RDI, NO, NO}, true},
	[PL_FN_FREE] = {"free", {RDI, NO, NO}, false},
	[PL_FN_REALLOC] = {"realloc", {RDI, RSI, NO}, true},
	[PL_FN_CALLOC] = {"calloc", {RDI, RSI, NO}, true},
	[PL_FN_POSIX_MEMALIGN] = {"posix_memalign", {RDI, RDX, NO}, true},
	[PL_FN_MEMALIGN] = {"memalign", {RSI, NO, NO}, true},
	[PL_FN_ALIGNED_ALLOC] = {"aligned_alloc", {RSI, NO, NO}, true},
	[PL_FN_VALLOC] = {"valloc", {RDI, NO, NO}, true},
	[PL_FN_PVALLOC] = {"pvalloc", {RDI, NO, NO}, true},
	[PL_FN_NEW] = {"_Znwm", {RDI, NO, NO}, true},
	[PL_FN_NEW_ARRAY] = {"_Znam", {RDI, NO, NO}, true},
	[PL_FN_NEW_NOTHROW] = {"_ZnwmRKSt9nothrow_t", {RDI, NO, NO}, true},
	[PL_FN_NEW_ARRAY_NOTHROW] = {"_ZnamRKSt9nothrow_t", {RDI, NO, NO}, true},
	[PL_FN_NEW_ALIGNED] = {"_ZnwmSt11align_val_t", {RDI, NO, NO}, true},
	[PL_FN_MALLOCX] = {"mallocx", {RDI, NO, NO}, true},
	[PL_FN_DELETE] = {"_ZdlPv", {RDI, NO, NO}, false},
	[PL_FN_DELETE_ARRAY] = {"_ZdaPv", {RDI, NO, NO}, false},
	[PL_FN_DELETE_SIZED] = {"_ZdlPvm", {RDI, NO, NO}, false},
	[PL_FN_DELETE_ARRAY_SIZED] = {"_ZdaPvm", {RDI, NO, NO}, false},
	[PL_FN_DELETE_ALIGNED] = {"_ZdlPvSt11align_val_t", {RDI, NO, NO}, false},
	[PL_FN_DELETE_SIZED_ALIGNED] = {"_ZdlPvmSt11align_val_t", {RDI, NO, NO}, false},
	[PL_FN_CFREE] = {"cfree", {RDI, NO, NO}, false},
	[PL_FN_DALLOCX] = {"dallocx", {RDI, NO, NO}, false},
	[PL_FN_SDALLOCX] = {"sdallocx", {RDI, NO, NO}, false},
	[PL_FN_MMAP] = {"mmap", {RSI, RCX, RDX}, true},
	[PL_FN_MUNMAP] = {"munmap", {RDI, RSI, NO}, false},
	[PL_FN_MREMAP] = {"mremap", {RDI, RSI, RDX}, true},
};
/* reallocarray of glibc jumps to realloc with its caller's return address on the stack: the call is
 * counted there. cfree (until 2.26) and mmap64 are names of the same code. */

static bool is_foreign_malloc(const char *name)
{
	return !strncmp(name, "libjemalloc", 11) || !strncmp(name, "libtcmalloc", 11) ||
	       !strncmp(name, "libmimalloc", 11);
}

/* Finds the allocator that the interpreter calls: several may be mapped, but its table of imports
 * has one. NULL: the table does not say. */
static const struct proc_map *bound_map(const struct proc *p)
{
	for (size_t i = 0; i < p->n_maps; i++) {
		const struct proc_map *m = &p->maps[i], *found;
		uint64_t slot, bias, to;
		struct dso *d;
		int fd;

		if (!strstr(file_name(m->path), "python") || m->offset ||
		    proc_map_open(p, m, &fd) || dso_open_fd(fd, m->path, DSO_ALL, &d))
			continue;
		found = NULL;
		if (!dso_reloc_slot(d, "malloc", &slot) && py_load_bias(p, m, d, &bias) &&
		    !proc_read_u64(p, slot + bias, &to))
			found = proc_find_map(p, to);
		dso_close(d);
		/* bound lazily, the entry points back into its own file */
		if (found && strcmp(found->path, m->path) != 0)
			return found;
	}
	return NULL;
}

/* Is malloc linked into the program? False, too, without a name for it. @program: its mapping. */
static bool has_own_malloc(const struct proc *p, const struct proc_map **program)
{
	struct dso_sym sym;
	struct dso *d;
	bool found;
	int fd;

	*program = NULL;
	for (size_t i = 0; i < p->n_maps && !*program; i++)
		if (!p->maps[i].offset && proc_is_program(p, &p->maps[i]))
			*program = &p->maps[i];
	if (!*program || proc_map_open(p, *program, &fd) ||
	    dso_open_fd(fd, (*program)->path, DSO_ALL, &d))
		return false;
	found = !dso_symbol(d, "malloc", &sym) && !dso_symbol(d, "free", &sym);
	dso_close(d);
	return found;
}

/* Finds malloc without a C library in a file of its own, as with a static musl. */
static int find_static(const struct proc *p, const struct proc_map **heap)
{
	const struct proc_map *program;

	if (!has_own_malloc(p, &program))
		return fail(-ENOENT,
			    "malloc is part of %s, which has no names (it is stripped): native "
			    "blocks are not traced",
			    program ? file_name(program->path) : "the program");
	*heap = program;
	return 0;
}

static int find_maps(const struct proc *p, const struct proc_map **heap,
		     const struct proc_map **libc)
{
	const struct proc_map *foreign = NULL, *bound = bound_map(p), *program;

	*libc = NULL;
	for (size_t i = 0; i < p->n_maps; i++) {
		const char *name = file_name(p->maps[i].path);

		if (is_foreign_malloc(name) && !foreign &&
		    (!bound || !strcmp(bound->path, p->maps[i].path)))
			foreign = &p->maps[i];
		if ((libc_is_glibc(name) || libc_is_musl(name)) &&
		    (!*libc || p->maps[i].start < (*libc)->start))
			*libc = &p->maps[i];
	}
	*heap = foreign ? foreign : *libc;
	if (!*libc) {
		int err = find_static(p, libc);

		*heap = *libc;
		return err;
	}
	/* an allocator linked into the program comes before all libraries */
	if (!foreign && !bound && has_own_malloc(p, &program))
		*heap = program;
	return 0;
}

/* Finds the byte where each argument is in a known register. Each is asked for alone: if the places
 * differ, the first byte of the function is taken, where nothing has moved. */
static int find_place(const struct dso *d, int fn, struct places_point *at, uint8_t reg[PL_FN_ARGS])
{
	uint32_t mask = 0;
	int second;

	for (int i = 0; i < PL_FN_ARGS; i++)
		if (fns[fn].arg[i] != NO)
			mask |= 1u << fns[fn].arg[i];
	memset(reg, NO, PL_FN_ARGS);
	if (places_find_entry(d, fns[fn].name, mask, fns[fn].has_return, at, &second))
		return -ENOENT;
	for (int i = 0; i < PL_FN_ARGS; i++) {
		struct places_point one;

		if (fns[fn].arg[i] == NO)
			continue;
		if (places_find_entry(d, fns[fn].name, 1u << fns[fn].arg[i], fns[fn].has_return,
				      &one, &second) ||
		    one.addr != at->addr)
			return -ENOENT;
		reg[i] = one.site.reg;
	}
	return 0;
}

static int add_fn(struct native_libc *l, const struct dso *d, uint64_t bias, int fn)
{
	struct pl_native_fn *f = &l->fns[l->n];
	struct places_point at = {0};
	struct dso_sym sym;

	if (dso_symbol(d, fns[fn].name, &sym))
		return 0;
	if (find_place(d, fn, &at, f->reg)) {
		at.addr = sym.addr;
		if (dso_addr_to_offset(d, sym.addr, &at.offset))
			return 0;
		memcpy(f->reg, fns[fn].arg, PL_FN_ARGS);
		if (fn <= PL_FN_CALLOC)
			l->slow = true;
		log_debug("%s is probed at its first byte", fns[fn].name);
	}
	for (size_t i = 0; i < l->n; i++) /* one body, two names */
		if (l->offsets[i] == at.offset && native_is_map(l->fns[i].fn) == native_is_map(fn))
			return 0;
	f->fn = (uint8_t)fn;
	f->ip = bias + at.addr;
	l->offsets[l->n++] = at.offset;
	return 0;
}

/* Adds functions @from to @to - 1 of the file of @m. */
static int add_file(struct native_libc *l, const struct proc *p, const struct proc_map *m, int from,
		    int to)
{
	int *kept = &l->fd[native_is_map(from)], fd;
	struct dso *d;
	uint64_t bias;
	int err = proc_map_open(p, m, &fd);

	if (!err)
		err = dso_open_fd(fd, m->path, DSO_ALL, &d);
	if (err)
		return err;
	if (!py_load_bias(p, m, d, &bias))
		err = fail(-ENOENT, "%s has no code that can be probed", m->path);
	for (int fn = from; !err && fn < to; fn++)
		add_fn(l, d, bias, fn);
	*kept = err ? -1 : fcntl(dso_fd(d), F_DUPFD_CLOEXEC, 3);
	if (!err && *kept < 0)
		err = fail(-errno, "%s cannot be kept open: %s", m->path, strerror(errno));
	dso_close(d);
	return err;
}

static void find_extent(struct native_libc *l, const struct proc *p, const char *path)
{
	for (size_t i = 0; i < p->n_maps; i++) {
		const struct proc_map *m = &p->maps[i];

		if (strcmp(m->path, path) != 0)
			continue;
		if (!l->lib_start || m->start < l->lib_start)
			l->lib_start = m->start;
		if (m->end > l->lib_end)
			l->lib_end = m->end;
	}
}

void native_libc_forget(struct native_libc *l)
{
	close_fd(&l->fd[0]);
	close_fd(&l->fd[1]);
}

int native_libc_find(const struct proc *p, struct native_libc *out)
{
	const struct proc_map *heap = NULL, *libc = NULL;
	int err;

	*out = (struct native_libc){.fd = {-1, -1}};
	err = find_maps(p, &heap, &libc);
	if (err || !heap || !libc)
		return err ? err : -ENOENT;
	out->is_foreign = !libc_is_glibc(file_name(heap->path));
	if (out->is_foreign && !proc_is_program(p, heap))
		find_extent(out, p, heap->path);
	err = add_file(out, p, heap, 0, PL_FN_MMAP);
	if (err)
		return err;
	if (out->n < 2 || out->fns[0].fn != PL_FN_MALLOC || out->fns[1].fn != PL_FN_FREE)
		return fail(-ENOENT, "%s has no malloc and free that can be probed", heap->path);
	return add_file(out, p, libc, PL_FN_MMAP, PL_FN_MAX);
}

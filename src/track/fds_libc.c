/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the functions of a target's libc that give descriptors, and the byte at which each is
 * probed. Descriptors that libc opens and closes for itself (getaddrinfo, localtime) do not pass
 * them. */
#include <fcntl.h>

#include "base/libc.h"
#include "places/places.h"
#include "py/py.h"
#include "track/fds_priv.h"

#define RCX 1
#define RSI 6
#define RDI 7

static const char *const returns_one[] = {
	"open",		"open64",	 "openat",	 "openat64",	   "creat",
	"creat64",	"socket",	 "accept",	 "accept4",	   "dup",
	"dup2",		"dup3",		 "eventfd",	 "epoll_create",   "epoll_create1",
	"inotify_init", "inotify_init1", "signalfd",	 "timerfd_create", "memfd_create",
	"pidfd_open",	"shm_open",	 "posix_openpt", "fanotify_init",
};

static const struct {
	const char *name;
	uint8_t reg, how;
	bool only_glibc;
} by_argument[] = {
	{"pipe", RDI, PL_FD_PAIR, false},
	{"pipe2", RDI, PL_FD_PAIR, false},
	{"socketpair", RCX, PL_FD_PAIR, false},
	{"fcntl64", RSI, PL_FD_FCNTL, false}, /* os.dup, socket.dup; older glibc has only fcntl */
	{"fcntl", RSI, PL_FD_FCNTL, false},
	{"recvmsg", RSI, PL_FD_MESSAGE, false},
	{"opendir", RDI, PL_FD_DIR, true},
};
_Static_assert(ARRAY_SIZE(by_argument) <= PL_FD_FNS, "the kernel half holds them all");

static bool is_libc(const char *name)
{
	return libc_is_glibc(name) || libc_is_musl(name);
}

static bool is_libpthread(const char *name)
{
	return !strcmp(name, "libpthread.so.0") || !strncmp(name, "libpthread-2.", 13);
}

static const struct proc_map *find_map(const struct proc *p, bool (*is)(const char *name))
{
	for (size_t i = 0; i < p->n_maps; i++)
		if (is(file_name(p->maps[i].path)))
			return &p->maps[i];
	return NULL;
}

/* Finds a cheap byte where the return address is on top of the stack and the argument (@reg, or
 * any) in a known register; else the first byte, where nothing has moved. */
static int find_place(const struct dso *d, const char *name, int reg, struct places_point *at,
		      bool *steps)
{
	struct dso_sym sym;

	if (dso_symbol(d, name, &sym))
		return -ENOENT;
	*steps = places_find_entry(d, name, reg ? 1u << reg : 0, true, at, NULL) != 0;
	if (!*steps)
		return 0;
	*at = (struct places_point){.addr = sym.addr, .site = {.reg = (uint8_t)reg}};
	return dso_addr_to_offset(d, sym.addr, &at->offset);
}

static bool is_in(const uint64_t *v, size_t n, uint64_t offset)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == offset) /* one function has two names */
			return true;
	return false;
}

/* One file, open while it is searched. */
struct search {
	struct dso *dso;
	uint64_t bias;
	struct fds_file *to;
};

static int open_file(const struct proc *p, const struct proc_map *m, struct fds_libc *l,
		     struct search *out)
{
	struct fds_file *f = &l->file[l->n_files];
	int fd, err = proc_map_open(p, m, &fd);

	if (!err)
		err = dso_open_fd(fd, m->path, DSO_ALL, &out->dso);
	if (err)
		return err;
	if (!py_load_bias(p, m, out->dso, &out->bias))
		err = fail(-ENOENT, "where %s lies in process %d is not known", m->path, p->pid);
	f->fd = err ? -1 : fcntl(dso_fd(out->dso), F_DUPFD_CLOEXEC, 3);
	if (!err && f->fd < 0)
		err = fail(-errno, "%s cannot be kept open: %s", m->path, strerror(errno));
	if (err) {
		dso_close(out->dso);
		return err;
	}
	out->to = f;
	l->n_files++;
	return 0;
}

/* Finds a function in the first file that has it: up to glibc 2.33 programs call open, accept and
 * their kin in libpthread, and those of libc serve libc itself. */
static const struct search *find_in(const struct search *v, size_t n, const char *name, int reg,
				    struct places_point *at, bool *steps)
{
	for (size_t i = 0; i < n; i++)
		if (!find_place(v[i].dso, name, reg, at, steps))
			return &v[i];
	return NULL;
}

static void find_all(struct fds_libc *l, const struct search *v, size_t n, bool glibc)
{
	const struct search *in;
	struct places_point at;
	size_t ones = 0, stepped = 0;
	bool steps;

	for (size_t i = 0; i < ARRAY_SIZE(returns_one); i++) {
		in = find_in(v, n, returns_one[i], 0, &at, &steps);
		if (!in || is_in(in->to->one, in->to->n_one, at.offset))
			continue;
		in->to->one[in->to->n_one++] = at.offset;
		stepped += steps;
		ones++;
	}
	l->steps_one = ones ? (double)stepped / (double)ones : 0;
	for (size_t i = 0; i < ARRAY_SIZE(by_argument); i++) {
		if (by_argument[i].only_glibc && !glibc)
			continue;
		in = find_in(v, n, by_argument[i].name, by_argument[i].reg, &at, &steps);
		if (!in || is_in(in->to->many, in->to->n_many, at.offset))
			continue;
		l->steps_many |= steps;
		l->fns[l->n_fns++] = (struct pl_fd_fn){
			.ip = in->bias + at.addr,
			.reg = at.site.reg,
			.how = by_argument[i].how,
		};
		in->to->many[in->to->n_many++] = at.offset;
	}
}

void fds_libc_forget(struct fds_libc *l)
{
	for (size_t i = 0; i < l->n_files; i++)
		close_fd(&l->file[i].fd);
	l->n_files = 0;
}

int fds_libc_find(const struct proc *p, struct fds_libc *out)
{
	const struct proc_map *libc, *threads;
	struct search v[FDS_FILES] = {{0}};
	int err;

	memset(out, 0, sizeof(*out));
	libc = find_map(p, is_libc);
	if (!libc)
		return fail(-ENOENT, "process %d has no shared libc", p->pid);
	threads = find_map(p, is_libpthread);
	if (threads)
		open_file(p, threads, out, &v[0]); /* newer ones are empty, and may be missing */
	err = open_file(p, libc, out, &v[out->n_files]);
	if (!err)
		find_all(out, v, out->n_files, libc_is_glibc(file_name(libc->path)));
	for (size_t i = 0; i < out->n_files; i++)
		dso_close(v[i].dso);
	if (!err && (!out->file[out->n_files - 1].n_one || !out->n_fns))
		err = fail(-ENOENT, "%s has no open that can be probed", libc->path);
	if (err)
		fds_libc_forget(out);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The functions of a target's libc that give descriptors, and at which byte each is probed. What
 * libc opens for itself and closes again (getaddrinfo, localtime) does not pass them. */
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
	{"fcntl64", RSI, PL_FD_FCNTL, false}, /* os.dup, socket.dup; older glibc has fcntl alone */
	{"fcntl", RSI, PL_FD_FCNTL, false},
	{"recvmsg", RSI, PL_FD_MESSAGE, false},
	{"opendir", RDI, PL_FD_DIR, true},
};
_Static_assert(ARRAY_SIZE(by_argument) <= PL_FD_FNS, "the kernel half holds them all");

static bool is_libc(const char *path, bool *glibc)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	*glibc = !strcmp(name, "libc.so.6") || !strncmp(name, "libc-2.", 7);
	return *glibc || !strncmp(name, "ld-musl-", 8) || !strncmp(name, "libc.musl-", 10) ||
	       !strcmp(name, "libc.so");
}

static const struct proc_map *find_map(const struct proc *p, bool *glibc)
{
	for (size_t i = 0; i < p->n_maps; i++)
		if (is_libc(p->maps[i].path, glibc))
			return &p->maps[i];
	return NULL;
}

/* A cheap byte where the return address is on top of the stack and the argument (@reg, or any) in a
 * known register, else the first byte, where nothing has moved. */
static int find_place(const struct dso *d, const char *name, int reg, struct probe_point *at)
{
	struct dso_sym sym;

	if (dso_symbol(d, name, &sym))
		return -ENOENT;
	if (!probe_find_entry(d, name, reg ? 1u << reg : 0, true, at, NULL))
		return 0;
	*at = (struct probe_point){.addr = sym.addr, .site = {.reg = (uint8_t)reg}};
	return dso_addr_to_offset(d, sym.addr, &at->offset);
}

static bool is_in(const uint64_t *v, size_t n, uint64_t offset)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == offset) /* one body, two names */
			return true;
	return false;
}

static void find_all(struct fds_libc *l, const struct dso *d, uint64_t bias, bool glibc)
{
	struct probe_point at;

	for (size_t i = 0; i < ARRAY_SIZE(returns_one); i++)
		if (!find_place(d, returns_one[i], 0, &at) && !is_in(l->one, l->n_one, at.offset))
			l->one[l->n_one++] = at.offset;
	for (size_t i = 0; i < ARRAY_SIZE(by_argument); i++) {
		if ((by_argument[i].only_glibc && !glibc) ||
		    find_place(d, by_argument[i].name, by_argument[i].reg, &at) ||
		    is_in(l->many, l->n_many, at.offset))
			continue;
		l->fns[l->n_many] = (struct pl_fd_fn){
			.ip = bias + at.addr,
			.reg = at.site.reg,
			.how = by_argument[i].how,
		};
		l->many[l->n_many++] = at.offset;
	}
}

int fds_libc_find(const struct proc *p, struct fds_libc *out)
{
	const struct proc_map *m;
	struct dso *d = NULL;
	uint64_t bias;
	bool glibc;
	int err;

	memset(out, 0, sizeof(*out));
	m = find_map(p, &glibc);
	if (!m)
		return fail(-ENOENT, "process %d has no shared libc", p->pid);
	err = proc_map_file(p, m, out->path, sizeof(out->path));
	if (!err)
		err = dso_open(out->path, &d);
	if (err)
		return err;
	if (py_load_bias(p, m, d, &bias))
		find_all(out, d, bias, glibc);
	dso_close(d);
	if (!out->n_one || !out->n_many)
		return fail(-ENOENT, "%s has no open that can be probed", m->path);
	return 0;
}

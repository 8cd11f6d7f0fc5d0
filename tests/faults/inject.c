/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A library that is loaded before all others and makes one call fail, or all from it on.
 *
 * PYLEAK_FAULT_PAGE names a file in which the calls of every group are counted, by all threads and
 * children together; PYLEAK_FAULT is "GROUP:N:ERRNO:0", or ":1" for the N-th and all that follow.
 * A place is a call together with its two nearest callers. "place:KEY:ERRNO:0" is the first call
 * made at that place, ":1" each one; "place:0:0:0" fails nothing and lists the places in the file.
 * What the C library does within itself does not come by here, but for its malloc. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#define EXPORT __attribute__((visibility("default")))

enum group { MEM, FILTER, OPEN, READ, WRITE, MAP, CTL, NET, TASK, CALL, WAIT, STAT, NAME, GROUPS };

static const char *const names[GROUPS] = {"mem", "filter", "open", "read", "write", "map", "ctl",
					  "net", "task",   "call", "wait", "stat",  "name"};

/* Return addresses that make a place: two calls of a helper function differ by whom it works for.
 */
#define CALLERS 2
#define PLACES	4000

struct place {
	uint64_t key;
	uint64_t group;
	uint64_t caller, outer; /* offsets in their files, for a reader */
};

struct page {
	uint64_t calls[GROUPS], failed;
	uint64_t offset; /* who made the first that failed */
	char file[128];
	uint64_t n_places; /* more than PLACES: some are missing */
	struct place places[PLACES];
};

static struct page *page;
static enum group wanted = GROUPS;
static int by_place;
static uint64_t at; /* the number of a call, or the key of a place */
static int code;
static int and_all;
static uintptr_t seccomp_from, seccomp_to;

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

/* Where libseccomp is. It asks for memory thousands of times, and is not ours. */
static int find_seccomp(struct dl_phdr_info *o, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	if (!strstr(o->dlpi_name, "libseccomp"))
		return 0;
	for (int i = 0; i < o->dlpi_phnum; i++)
		if (o->dlpi_phdr[i].p_type == PT_LOAD && o->dlpi_phdr[i].p_flags & PF_X) {
			seccomp_from = o->dlpi_addr + o->dlpi_phdr[i].p_vaddr;
			seccomp_to = seccomp_from + o->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

static enum group memory_of(void *from)
{
	uintptr_t a = (uintptr_t)from;

	return a >= seccomp_from && a < seccomp_to ? FILTER : MEM;
}

struct callers {
	uintptr_t from, at[CALLERS];
	int n;
};

/* From the caller of the wrapper on: what lies before it is ours. */
static _Unwind_Reason_Code next_caller(struct _Unwind_Context *frame, void *arg)
{
	struct callers *c = arg;
	uintptr_t ip = _Unwind_GetIP(frame);

	if (c->n || ip == c->from)
		c->at[c->n++] = ip;
	return c->n == CALLERS ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* The same in each run: addresses within their files. */
static struct place place_of(enum group g, void *from)
{
	struct callers c = {.from = (uintptr_t)from};
	struct place p = {.key = 14695981039346656037u, .group = g};
	uint64_t offsets[CALLERS] = {0};
	Dl_info where;

	_Unwind_Backtrace(next_caller, &c);
	for (int i = 0; i < c.n; i++) {
		if (dladdr((void *)c.at[i], &where))
			offsets[i] = c.at[i] - (uintptr_t)where.dli_fbase;
		p.key = (p.key ^ offsets[i]) * 1099511628211u;
	}
	p.key = (p.key ^ g) * 1099511628211u >> 8; /* 0 is no place */
	p.caller = offsets[0];
	p.outer = offsets[1];
	return p;
}

/* Processes share the page: a place may be in it twice. */
static void list_place(const struct place *p)
{
	uint64_t n = __atomic_load_n(&page->n_places, __ATOMIC_ACQUIRE);

	for (uint64_t i = 0; i < n && i < PLACES; i++)
		if (page->places[i].key == p->key)
			return;
	n = __atomic_fetch_add(&page->n_places, 1, __ATOMIC_ACQ_REL);
	if (n < PLACES)
		page->places[n] = *p;
}

static int place_fails(enum group g, void *from)
{
	static __thread int inside;
	struct place p;

	/* Memory that an unwinder asks for is not the tool's. */
	if (g == MEM || g == FILTER || inside)
		return 0;
	inside = 1;
	p = place_of(g, from);
	inside = 0;
	if (!at)
		list_place(&p);
	return at && p.key == at && (and_all || !__atomic_load_n(&page->failed, __ATOMIC_RELAXED));
}

static int is_wanted(enum group g, uint64_t n, void *from)
{
	if (by_place)
		return place_fails(g, from);
	return g == wanted && (n == at || (n > at && and_all));
}

static int fails(enum group g, void *from)
{
	Dl_info where;
	uint64_t n;

	if (!page)
		return 0;
	n = __atomic_add_fetch(&page->calls[g], 1, __ATOMIC_RELAXED);
	if (!is_wanted(g, n, from))
		return 0;
	if (!page->failed++ && dladdr(from, &where)) {
		page->offset = (uintptr_t)from - (uintptr_t)where.dli_fbase;
		strncpy(page->file, where.dli_fname, sizeof(page->file) - 1);
	}
	errno = code;
	return 1;
}

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("PYLEAK_FAULT_PAGE"), *what = getenv("PYLEAK_FAULT");
	char name[16];
	unsigned long n;
	void *p;
	int fd;

	if (!path)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (p == MAP_FAILED)
		return;
	if (what && sscanf(what, "%15[a-z]:%lu:%d:%d", name, &n, &code, &and_all) == 4) {
		at = n;
		by_place = !strcmp(name, "place");
		for (int g = 0; g < GROUPS; g++)
			if (!strcmp(name, names[g]))
				wanted = (enum group)g;
	}
	dl_iterate_phdr(find_seccomp, NULL);
	page = p;
}

#define FROM __builtin_return_address(0)

#define WRAP(ret, bad, group, name, params, args)            \
	EXPORT ret name params                               \
	{                                                    \
		static ret(*real) params;                    \
                                                             \
		if (!real)                                   \
			*(void **)&real = next(#name);       \
		return fails(group, FROM) ? bad : real args; \
	}

/* A stream remembers that it failed; glibc keeps that in this bit. */
#define ERROR_SEEN 0x20
#define STREAM(ret, bad, group, name, params, args)    \
	EXPORT ret name params                         \
	{                                              \
		static ret(*real) params;              \
                                                       \
		if (!real)                             \
			*(void **)&real = next(#name); \
		if (!fails(group, FROM))               \
			return real args;              \
		f->_flags |= ERROR_SEEN;               \
		return bad;                            \
	}

EXPORT void *malloc(size_t n)
{
	return fails(memory_of(FROM), FROM) ? NULL : __libc_malloc(n);
}

EXPORT void *calloc(size_t n, size_t size)
{
	return fails(memory_of(FROM), FROM) ? NULL : __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t n)
{
	return fails(memory_of(FROM), FROM) ? NULL : __libc_realloc(p, n);
}

EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return fails(memory_of(FROM), FROM) ? NULL : __libc_realloc(p, all);
}

EXPORT int posix_memalign(void **out, size_t align, size_t n)
{
	if (fails(MEM, FROM))
		return ENOMEM;
	*out = __libc_memalign(align, n);
	return *out ? 0 : ENOMEM;
}

EXPORT void *aligned_alloc(size_t align, size_t n)
{
	return fails(memory_of(FROM), FROM) ? NULL : __libc_memalign(align, n);
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(ap, int) : 0;
}

#define WRAP_OPEN(name)                                                  \
	EXPORT int name(const char *path, int flags, ...)                \
	{                                                                \
		static int (*real)(const char *, int, ...);              \
		va_list ap;                                              \
		mode_t mode;                                             \
                                                                         \
		va_start(ap, flags);                                     \
		mode = mode_of(flags, ap);                               \
		va_end(ap);                                              \
		if (!real)                                               \
			*(void **)&real = next(#name);                   \
		return fails(OPEN, FROM) ? -1 : real(path, flags, mode); \
	}

#define WRAP_OPENAT(name)                                                     \
	EXPORT int name(int dir, const char *path, int flags, ...)            \
	{                                                                     \
		static int (*real)(int, const char *, int, ...);              \
		va_list ap;                                                   \
		mode_t mode;                                                  \
                                                                              \
		va_start(ap, flags);                                          \
		mode = mode_of(flags, ap);                                    \
		va_end(ap);                                                   \
		if (!real)                                                    \
			*(void **)&real = next(#name);                        \
		return fails(OPEN, FROM) ? -1 : real(dir, path, flags, mode); \
	}

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)
WRAP(FILE *, NULL, MEM, open_memstream, (char **p, size_t *n), (p, n))
WRAP(FILE *, NULL, OPEN, fopen, (const char *p, const char *m), (p, m))
WRAP(FILE *, NULL, OPEN, fopen64, (const char *p, const char *m), (p, m))
WRAP(FILE *, NULL, OPEN, fdopen, (int fd, const char *m), (fd, m))
WRAP(DIR *, NULL, OPEN, opendir, (const char *p), (p))

WRAP(ssize_t, -1, READ, read, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, -1, READ, __read_chk, (int fd, void *p, size_t n, size_t m), (fd, p, n, m))
WRAP(ssize_t, -1, READ, pread, (int fd, void *p, size_t n, off_t o), (fd, p, n, o))
WRAP(ssize_t, -1, READ, pread64, (int fd, void *p, size_t n, off_t o), (fd, p, n, o))
WRAP(ssize_t, -1, READ, __pread_chk, (int fd, void *p, size_t n, off_t o, size_t m),
     (fd, p, n, o, m))
WRAP(ssize_t, -1, READ, __pread64_chk, (int fd, void *p, size_t n, off_t o, size_t m),
     (fd, p, n, o, m))
WRAP(ssize_t, -1, READ, readv, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(ssize_t, -1, READ, preadv, (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o))
WRAP(ssize_t, -1, READ, process_vm_readv,
     (pid_t pid, const struct iovec *a, unsigned long n, const struct iovec *b, unsigned long m,
      unsigned long f),
     (pid, a, n, b, m, f))
WRAP(ssize_t, -1, READ, readlink, (const char *path, char *p, size_t n), (path, p, n))
WRAP(ssize_t, -1, READ, readlinkat, (int dir, const char *path, char *p, size_t n),
     (dir, path, p, n))
WRAP(struct dirent *, NULL, READ, readdir, (DIR * d), (d))
WRAP(struct dirent64 *, NULL, READ, readdir64, (DIR * d), (d))
STREAM(size_t, 0, READ, fread, (void *p, size_t a, size_t n, FILE *f), (p, a, n, f))
STREAM(ssize_t, -1, READ, __getdelim, (char **p, size_t *n, int c, FILE *f), (p, n, c, f))
STREAM(char *, NULL, READ, fgets, (char *p, int n, FILE *f), (p, n, f))
STREAM(ssize_t, -1, READ, getline, (char **p, size_t *n, FILE *f), (p, n, f))

WRAP(ssize_t, -1, WRITE, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(ssize_t, -1, WRITE, pwrite, (int fd, const void *p, size_t n, off_t o), (fd, p, n, o))
WRAP(ssize_t, -1, WRITE, pwrite64, (int fd, const void *p, size_t n, off_t o), (fd, p, n, o))
WRAP(ssize_t, -1, WRITE, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
STREAM(size_t, 0, WRITE, fwrite, (const void *p, size_t a, size_t n, FILE *f), (p, a, n, f))
WRAP(ssize_t, -1, WRITE, sendfile, (int to, int from, off_t *o, size_t n), (to, from, o, n))
/* NULL is all of them. */
EXPORT int fflush(FILE *f)
{
	static int (*real)(FILE *);

	if (!real)
		*(void **)&real = next("fflush");
	if (!fails(WRITE, FROM))
		return real(f);
	if (f)
		f->_flags |= ERROR_SEEN;
	return EOF;
}

/* The stream is gone, whatever is said. */
EXPORT int fclose(FILE *f)
{
	static int (*real)(FILE *);
	int bad = fails(WRITE, FROM), err;

	if (!real)
		*(void **)&real = next("fclose");
	err = real(f);
	if (bad)
		errno = code;
	return bad ? EOF : err;
}

WRAP(void *, MAP_FAILED, MAP, mmap, (void *a, size_t n, int p, int f, int fd, off_t o),
     (a, n, p, f, fd, o))
WRAP(void *, MAP_FAILED, MAP, mmap64, (void *a, size_t n, int p, int f, int fd, off_t o),
     (a, n, p, f, fd, o))
WRAP(int, -1, MAP, mprotect, (void *a, size_t n, int p), (a, n, p))
WRAP(int, -1, MAP, munmap, (void *a, size_t n), (a, n))

#define WRAP_CTL(name, request_type)                                   \
	EXPORT int name(int fd, request_type request, ...)             \
	{                                                              \
		static int (*real)(int, request_type, ...);            \
		va_list ap;                                            \
		void *arg;                                             \
                                                                       \
		va_start(ap, request);                                 \
		arg = va_arg(ap, void *);                              \
		va_end(ap);                                            \
		if (!real)                                             \
			*(void **)&real = next(#name);                 \
		return fails(CTL, FROM) ? -1 : real(fd, request, arg); \
	}

WRAP_CTL(ioctl, unsigned long)
WRAP_CTL(fcntl, int)
WRAP_CTL(fcntl64, int)

WRAP(int, -1, NET, socket, (int d, int t, int p), (d, t, p))
WRAP(int, -1, NET, socketpair, (int d, int t, int p, int v[2]), (d, t, p, v))
WRAP(int, -1, NET, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(int, -1, NET, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(int, -1, NET, listen, (int fd, int n), (fd, n))
WRAP(int, -1, NET, accept4, (int fd, struct sockaddr *a, socklen_t *n, int f), (fd, a, n, f))
WRAP(int, -1, NET, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))
WRAP(int, -1, NET, setsockopt, (int fd, int l, int o, const void *v, socklen_t n), (fd, l, o, v, n))
WRAP(ssize_t, -1, NET, send, (int fd, const void *p, size_t n, int f), (fd, p, n, f))
WRAP(ssize_t, -1, NET, sendmsg, (int fd, const struct msghdr *m, int f), (fd, m, f))
WRAP(ssize_t, -1, NET, recv, (int fd, void *p, size_t n, int f), (fd, p, n, f))
WRAP(ssize_t, -1, NET, recvmsg, (int fd, struct msghdr *m, int f), (fd, m, f))
WRAP(ssize_t, -1, NET, sendto,
     (int fd, const void *p, size_t n, int f, const struct sockaddr *a, socklen_t m),
     (fd, p, n, f, a, m))

WRAP(pid_t, -1, TASK, fork, (void), ())
WRAP(int, -1, TASK, pipe, (int v[2]), (v))
WRAP(int, -1, TASK, pipe2, (int v[2], int f), (v, f))
WRAP(int, -1, TASK, dup, (int fd), (fd))
WRAP(int, -1, TASK, dup2, (int a, int b), (a, b))
WRAP(int, -1, TASK, dup3, (int a, int b, int f), (a, b, f))
WRAP(int, -1, TASK, eventfd, (unsigned n, int f), (n, f))
WRAP(int, -1, TASK, timerfd_create, (int c, int f), (c, f))
WRAP(int, -1, TASK, memfd_create, (const char *n, unsigned f), (n, f))
WRAP(int, EAGAIN, TASK, pthread_create,
     (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *p), (t, a, f, p))

EXPORT int posix_spawn(pid_t *restrict pid, const char *restrict path,
		       const posix_spawn_file_actions_t *restrict actions,
		       const posix_spawnattr_t *restrict attr, char *const argv[restrict],
		       char *const envp[restrict])
{
	static int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *,
			   const posix_spawnattr_t *, char *const *, char *const *);

	if (!real)
		*(void **)&real = next("posix_spawn");
	return fails(TASK, FROM) ? EAGAIN : real(pid, path, actions, attr, argv, envp);
}

EXPORT int prctl(int option, ...)
{
	static int (*real)(int, ...);
	unsigned long v[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		v[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (!real)
		*(void **)&real = next("prctl");
	return fails(TASK, FROM) ? -1 : real(option, v[0], v[1], v[2], v[3]);
}

/* bpf, perf_event_open, openat2, pidfd_open, ...: who has no wrapper of his own. */
EXPORT long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long v[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		v[i] = va_arg(ap, long);
	va_end(ap);
	if (!real)
		*(void **)&real = next("syscall");
	return fails(CALL, FROM) ? -1 : real(number, v[0], v[1], v[2], v[3], v[4], v[5]);
}

WRAP(int, -1, WAIT, poll, (struct pollfd * p, nfds_t n, int t), (p, n, t))
WRAP(int, -1, WAIT, ppoll,
     (struct pollfd * p, nfds_t n, const struct timespec *t, const sigset_t *s), (p, n, t, s))
WRAP(int, -1, WAIT, epoll_create1, (int f), (f))
/* Taking one out needs nothing, and no kernel fails there; libmicrohttpd aborts where one does. */
EXPORT int epoll_ctl(int e, int op, int fd, struct epoll_event *v)
{
	static int (*real)(int, int, int, struct epoll_event *);

	if (!real)
		*(void **)&real = next("epoll_ctl");
	return op != EPOLL_CTL_DEL && fails(WAIT, FROM) ? -1 : real(e, op, fd, v);
}

WRAP(int, -1, WAIT, epoll_wait, (int e, struct epoll_event *v, int n, int t), (e, v, n, t))

WRAP(int, -1, STAT, stat, (const char *restrict p, struct stat *restrict s), (p, s))
WRAP(int, -1, STAT, lstat, (const char *restrict p, struct stat *restrict s), (p, s))
WRAP(int, -1, STAT, fstat, (int fd, struct stat *s), (fd, s))
WRAP(int, -1, STAT, fstat64, (int fd, struct stat64 *s), (fd, s))
WRAP(int, -1, STAT, fstatat, (int d, const char *restrict p, struct stat *restrict s, int f),
     (d, p, s, f))
WRAP(int, -1, STAT, access, (const char *p, int m), (p, m))
WRAP(off_t, -1, STAT, lseek, (int fd, off_t o, int w), (fd, o, w))

WRAP(int, -1, NAME, rename, (const char *a, const char *b), (a, b))
WRAP(int, -1, NAME, renameat, (int d, const char *a, int e, const char *b), (d, a, e, b))
WRAP(int, -1, NAME, unlink, (const char *a), (a))
WRAP(int, -1, NAME, unlinkat, (int d, const char *a, int f), (d, a, f))
WRAP(int, -1, NAME, ftruncate, (int fd, off_t n), (fd, n))
WRAP(int, -1, NAME, fsync, (int fd), (fd))
WRAP(int, -1, NAME, fchmod, (int fd, mode_t m), (fd, m))
WRAP(char *, NULL, NAME, __realpath_chk, (const char *a, char *b, size_t n), (a, b, n))
WRAP(char *, NULL, NAME, realpath, (const char *restrict a, char *restrict b), (a, b))
WRAP(int, -1, NAME, mkostemp, (char *t, int f), (t, f))

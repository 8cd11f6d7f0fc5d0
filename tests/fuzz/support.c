/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files that are not there: the fuzz targets are linked with open and fopen going through here. */
#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_FILES 16

int __real_open(const char *path, int flags, ...);
FILE *__real_fopen(const char *path, const char *mode);
int __wrap_open(const char *path, int flags, ...);
FILE *__wrap_fopen(const char *path, const char *mode);

static struct {
	char path[64];
	int fd;	    /* -1: not there */
	char *text; /* what is in it: most inputs change one of several files */
	size_t n;
} file[MAX_FILES];
static size_t n_files;
static const char *only_below;

/* The tool's own log lines would be all that is seen of a run. */
__attribute__((constructor)) static void be_quiet(void)
{
	log_set_level(LOG_QUIET);
}

char *in_text(struct fuzz_in *in)
{
	char *s = malloc(in->n + 1);

	if (!s)
		abort();
	memcpy(s, in->p, in->n);
	s[in->n] = '\0';
	in->p += in->n;
	in->n = 0;
	return s;
}

struct fuzz_in in_part(struct fuzz_in *in)
{
	const uint8_t *end = in->n ? memchr(in->p, 0x1e, in->n) : NULL;
	struct fuzz_in part = {in->p, end ? (size_t)(end - in->p) : in->n};
	size_t gone = part.n + (end != NULL);

	in->p += gone;
	in->n -= gone;
	return part;
}

static void fill(int fd, const void *text, size_t n)
{
	/* In this order its pages stay. */
	if ((n && pwrite(fd, text, n, 0) != (ssize_t)n) || ftruncate(fd, (off_t)n))
		abort();
}

static int in_memory(void)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	return fd;
}

static char *memdup(const void *text, size_t n)
{
	char *copy = malloc(n);

	if (!copy)
		abort();
	memcpy(copy, text, n);
	return copy;
}

void fake_file(const char *path, const void *text, size_t n)
{
	size_t i = 0;

	while (i < n_files && strcmp(file[i].path, path) != 0)
		i++;
	if (i == n_files) {
		if (i == MAX_FILES || strlen(path) >= sizeof(file[i].path))
			abort();
		strcpy(file[n_files++].path, path);
		file[i].fd = -1;
	}
	if (text && file[i].fd < 0)
		file[i].fd = in_memory();
	if (text) {
		if (n && file[i].text && n == file[i].n && !memcmp(file[i].text, text, n))
			return;
		free(file[i].text);
		file[i].text = n ? memdup(text, n) : NULL;
		file[i].n = n;
		fill(file[i].fd, text, n);
	} else if (file[i].fd >= 0) {
		close(file[i].fd);
		file[i].fd = -1;
	}
}

void fake_only_below(const char *prefix)
{
	only_below = prefix;
}

const char *fake_path(const void *text, size_t n)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = in_memory();
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	fill(fd, text, n);
	return path;
}

/* The same files, when a process or a core names them. */
struct proc;
int __wrap_proc_read_named(const struct proc *p, const char *path, uint64_t max, uint8_t **bytes,
			   size_t *size);
int __wrap_proc_read_named(const struct proc *p, const char *path, uint64_t max, uint8_t **bytes,
			   size_t *size)
{
	(void)p;
	for (size_t i = 0; i < n_files; i++) {
		if (strcmp(file[i].path, path) != 0 || file[i].fd < 0 || !file[i].n ||
		    file[i].n > max)
			continue;
		*bytes = memdup(file[i].text, file[i].n);
		*size = file[i].n;
		return 0;
	}
	return -ENOENT;
}

static const char *debug_file;

void fake_debug_file(const void *text, size_t n)
{
	debug_file = text ? fake_path(text, n) : NULL;
}

struct sym_file;
int __wrap_sym_debug_find(const struct sym_file *f, const char *link, uint32_t sum);
int __wrap_sym_debug_find(const struct sym_file *f, const char *link, uint32_t sum)
{
	(void)f;
	(void)link;
	(void)sum;
	return debug_file ? __real_open(debug_file, O_RDONLY | O_CLOEXEC) : -1;
}

/* Another name for the faked file; NULL: not there. */
static const char *instead(const char *path, char *buf, size_t size)
{
	for (size_t i = 0; i < n_files; i++) {
		if (strcmp(file[i].path, path) != 0)
			continue;
		if (file[i].fd < 0)
			return NULL;
		snprintf(buf, size, "/proc/self/fd/%d", file[i].fd);
		return buf;
	}
	return only_below && !strncmp(path, only_below, strlen(only_below)) ? NULL : path;
}

int __wrap_open(const char *path, int flags, ...)
{
	const char *to;
	char buf[32];
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	to = instead(path, buf, sizeof(buf));
	if (to)
		return __real_open(to, flags, mode);
	errno = ENOENT;
	return -1;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	char buf[32];
	const char *to = instead(path, buf, sizeof(buf));

	if (to)
		return __real_fopen(to, mode);
	errno = ENOENT;
	return NULL;
}

FILE *fuzz_sink(void)
{
	static FILE *f;

	if (!f)
		f = __real_fopen("/dev/null", "we");
	if (!f)
		abort();
	return f;
}

/* A caller that waits for a process that changes waits for nothing here. */
void __wrap_py_pause_us(unsigned int us);
void __wrap_py_pause_us(unsigned int us)
{
	(void)us;
}

/* At the same input the same is done, whenever that is. */
uint64_t __wrap_clock_ns(void);
uint64_t __wrap_clock_ns(void)
{
	static uint64_t now = 1000000000;

	return now += 20000;
}

ssize_t __wrap_getrandom(void *buf, size_t size, unsigned int flags);
ssize_t __wrap_getrandom(void *buf, size_t size, unsigned int flags)
{
	(void)flags;
	memset(buf, 0xa7, size);
	return (ssize_t)size;
}

/* Memory that one input freed is kept long enough to see that it is used again, and no longer: what
 * was in a cache is new memory otherwise, page by page. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8:thread_local_quarantine_size_kb=256:"
	       "allocator_release_to_os_interval_ms=-1:malloc_context_size=12";
}

/* Memory that the libraries lose over damaged files is theirs. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libelf\nleak:libdw\n";
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens a process from an ELF core file (of gcore, the kernel or systemd-coredump). Its loadable
 * segments are the memory; its notes have the threads and the names of mapped files. Parts of files
 * that were never written to are not in it: they are read from the files themselves, if these are
 * here and have the same build id.
 */
#include "proc/gate.h"
#include "saved/core_priv.h"
#include "saved/saved.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE_BYTES (1u << 30)

static const struct core_load *load_at(const struct core *c, uint64_t addr)
{
	size_t lo = 0, hi = c->loads.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct core_load *l = &c->loads.v[mid];

		if (addr < l->start)
			hi = mid;
		else if (addr >= l->end)
			lo = mid + 1;
		else
			return l;
	}
	return NULL;
}

static bool same_elf(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
	char id[41], other[41];
	size_t n = a_size < b_size ? a_size : b_size;

	source_build_id(a, a_size, id);
	source_build_id(b, b_size, other);
	if (id[0] || other[0])
		return !strcmp(id, other);
	/* without build ids, compare the program headers: places and sizes of all segments */
	return n >= 512 && !memcmp(a + 64, b + 64, 512 - 64);
}

/* Reads the file itself, if it is here and is the one that was mapped. */
static void find_file(struct core *c, struct core_file *f, const struct proc_map *m)
{
	uint8_t *bytes = NULL, *head = NULL;
	size_t size = 0, head_size = 0;

	f->tried = true;
	/* source_rebuild_image() reads rows of this very file, so only what the core itself has of
	 * them is compared. Data files are no ELF files and are not even opened. */
	if (!source_rebuild_image(c->proc, m, &head, &head_size) &&
	    !proc_read_named(c->proc, f->name, MAX_FILE_BYTES, &bytes, &size) &&
	    same_elf(bytes, size, head, head_size)) {
		f->bytes = take(bytes);
		f->size = size;
	}
	free(bytes);
	free(head);
}

static struct core_file *file_of(struct core *c, const struct proc_map *m)
{
	struct core_file *f;

	if (!m || !m->inode || m->inode > c->files.n)
		return NULL;
	f = &c->files.v[m->inode - 1];
	if (!f->tried)
		find_file(c, f, m);
	return f->bytes ? f : NULL;
}

static ssize_t read_from_file(struct core *c, uint64_t addr, void *buf, size_t len)
{
	const struct proc_map *m = proc_find_map(c->proc, addr);
	const struct core_file *f = file_of(c, m);
	uint64_t at;

	if (!f)
		return 0;
	at = m->offset + (addr - m->start);
	if (at >= f->size)
		return 0;
	if (len > f->size - at)
		len = f->size - at;
	if (len > m->end - addr)
		len = m->end - addr;
	memcpy(buf, f->bytes + at, len);
	return (ssize_t)len;
}

static ssize_t core_read(struct proc_source *s, uint64_t addr, void *buf, size_t len)
{
	struct core *c = (struct core *)s;
	const struct core_load *l = load_at(c, addr);
	ssize_t got;

	if (!l || addr - l->start >= l->filesz)
		return read_from_file(c, addr, buf, len);
	if (len > l->filesz - (addr - l->start))
		len = l->filesz - (addr - l->start);
	got = pread(c->fd, buf, len, (off_t)(l->offset + (addr - l->start)));
	return got > 0 ? got : -EIO;
}

static int core_image(struct proc_source *s, const struct proc *p, const struct proc_map *m,
		      uint8_t **bytes, size_t *size)
{
	const struct core_file *f = file_of((struct core *)s, m);

	if (!f)
		return source_rebuild_image(p, m, bytes, size);
	*bytes = malloc(f->size);
	if (!*bytes)
		return -ENOMEM;
	memcpy(*bytes, f->bytes, f->size);
	*size = f->size;
	return 0;
}

static void core_close(struct proc_source *s)
{
	struct core *c = (struct core *)s;

	close_fd(&c->fd);
	for (size_t i = 0; i < c->files.n; i++)
		free(c->files.v[i].bytes);
	vec_free(&c->files);
	vec_free(&c->loads);
	vec_free(&c->file_rows);
	vec_free(&s->tids);
	free(c->notes);
	free(c);
}

static int check_file(struct core *c)
{
	struct stat st;

	c->fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (c->fd < 0)
		return fail(-errno, "cannot open %s: %s", c->path, strerror(errno));
	if (fstat(c->fd, &st) || !S_ISREG(st.st_mode))
		return fail(-EINVAL, "%s is not a regular file", c->path);
	c->size = (uint64_t)st.st_size;
	return 0;
}

static int fill(struct core *c)
{
	int err = check_file(c);

	if (!err)
		err = core_read_segments(c);
	if (!err)
		err = core_read_notes(c);
	if (!err)
		err = core_make_rows(c);
	if (!err)
		core_name_rows(c);
	return err;
}

int saved_open_core(const char *path, const char *sysroot, struct proc **out)
{
	struct core *c = calloc(1, sizeof(*c));
	struct proc *p = calloc(1, sizeof(*p));
	struct stat st;
	int err;

	if (sysroot && (stat(sysroot, &st) || !S_ISDIR(st.st_mode))) {
		free(c);
		free(p);
		return fail(-ENOENT, "--sysroot %s: no such directory", sysroot);
	}
	if (p)
		p->pidfd = -1;
	if (c && p) {
		c->fd = -1;
		c->path = path;
		c->source.read = core_read;
		c->source.image = core_image;
		c->source.close = core_close;
		c->proc = p;
		p->source = &c->source;
		p->cmdline = calloc(CORE_MAX_ARGS + 1, sizeof(*p->cmdline));
	}
	if (!c || !p || !p->cmdline) {
		if (!p || !p->source)
			free(c);
		proc_close(p);
		return fail(-ENOMEM, "out of memory");
	}
	err = fill(c);
	if (!err)
		p->gate = gate_of_core(c->fd, sysroot);
	c->path = NULL;
	if (err) {
		proc_close(p);
		return err;
	}
	*out = p;
	return 0;
}

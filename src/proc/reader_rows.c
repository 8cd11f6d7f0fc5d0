/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The state of a page that has no memory of its own in the target: by the row of maps it is in.
 * Pages of ELF files are read from the file, on our own account: no lock of the target is held
 * while storage answers.
 */
#include <elf.h>
#include <stdio.h>
#include <unistd.h>

#include "proc/inside.h"
#include "proc/reader_priv.h"
#include "storage/storage.h"

#define LOOK_NS	   1000000000ull /* between two looks at the rows */
#define LOOK_SHARE 100		 /* and as many times what a look costs */

static struct proc late_rows(const struct reader *r)
{
	return (struct proc){.maps = r->late, .n_maps = r->n_late};
}

/* A library that was loaded, a device that was opened since the process's maps were read. */
static void look_for_new(const struct proc *p)
{
	struct reader *r = p->reader;
	uint64_t start = clock_ns();
	struct proc_map *rows;
	size_t n, unnamed;
	char *names;

	if (r->late_ns && start - r->late_ns < r->late_wait_ns)
		return;
	if (!proc_stream_maps(p, &rows, &n, &names, &unnamed)) {
		reader_forget_rows(r);
		r->late = rows;
		r->n_late = n;
		r->late_text = names;
	}
	r->late_ns = clock_ns();
	r->late_wait_ns = LOOK_SHARE * (r->late_ns - start);
	if (r->late_wait_ns < LOOK_NS)
		r->late_wait_ns = LOOK_NS;
}

const struct proc_map *reader_row(const struct proc *p, uint64_t addr, bool may_look)
{
	struct reader *r = p->reader;
	struct proc late = late_rows(r);
	const struct proc_map *m = proc_find_map(&late, addr);

	if (!m)
		m = proc_find_map(p, addr);
	if (m || !may_look)
		return m;
	look_for_new(p);
	late = late_rows(r);
	return proc_find_map(&late, addr);
}

/* A file that is no program is not opened: storage may never answer, and a page of it that is not
 * there is of no use. Negative: there is none to read; -EREMOTE: not now. */
static int open_elf(const struct proc *p, const struct proc_map *m)
{
	const struct proc late = late_rows(p->reader);
	char magic[SELFMAG], said[512];
	int fd, err;

	if (!proc_map_has_code(p, m) && !proc_map_has_code(&late, m))
		return -1;
	/* Reading leaves the sentence of whoever failed before. */
	snprintf(said, sizeof(said), "%s", fail_text());
	err = proc_map_open(p, m, &fd);
	if (err) {
		fail(0, "%s", said);
		return err;
	}
	if (pread(fd, magic, sizeof(magic), 0) == SELFMAG && !memcmp(magic, ELFMAG, SELFMAG))
		return fd;
	close(fd);
	return -1;
}

/* The ELF file of this row, or -1. */
static int file_of(const struct proc *p, const struct proc_map *m)
{
	struct reader *r = p->reader;
	struct reader_file *f;

	if (!m->inode || m->path[0] != '/' || m->shared)
		return -1;
	for (size_t i = 0; i < READER_FILES; i++)
		if (r->file[i].known && r->file[i].inode == m->inode && r->file[i].dev == m->dev)
			return r->file[i].fd;
	f = &r->file[r->next_file++ % READER_FILES];
	if (f->known)
		close_fd(&f->fd);
	*f = (struct reader_file){m->dev, m->inode, open_elf(p, m), false};
	f->known = f->fd != -EREMOTE;
	return f->fd;
}

enum reader_page reader_untouched(const struct proc *p, const struct proc_map *m)
{
	if (m->inode)
		return file_of(p, m) >= 0 ? READER_FILE : READER_ABSENT;
	/* As the process would see it. */
	return m->readable && !m->shared && (!*m->path || m->path[0] == '[') && !reader_is_device(m)
		       ? READER_ZEROS
		       : READER_ABSENT;
}

int reader_read_file(const struct proc *p, uint64_t addr, void *buf, size_t len)
{
	const struct proc_map *m = reader_row(p, addr, false);
	char *to = buf;
	uint64_t at;
	int fd;

	fd = m ? file_of(p, m) : -1;
	if (fd < 0 || addr + len > m->end || (!(m->dev >> 20) && storage_ask(fd, STORAGE_READ)))
		return -EFAULT;
	at = m->offset + (addr - m->start);
	while (len) {
		ssize_t got = pread(fd, to, len, (off_t)at);

		if (got < 0)
			return -EFAULT;
		/* Behind the end of the file a page is zeros, as the kernel maps it. */
		if (!got) {
			memset(to, 0, len);
			return 0;
		}
		to += got;
		at += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

/* Reading a device may be doing something to it. */
bool reader_is_device(const struct proc_map *m)
{
	if (!strncmp(m->path, "[v", 2) || !strncmp(m->path, "anon_inode:", 11))
		return true;
	return !strncmp(m->path, "/dev/", 5) && strncmp(m->path, "/dev/shm/", 9) != 0 &&
	       strncmp(m->path, "/dev/zero", 9) != 0 &&
	       strncmp(m->path, "/dev/hugepages/", 15) != 0;
}

void reader_forget_rows(struct reader *r)
{
	free(r->late);
	free(r->late_text);
	r->late = NULL;
	r->late_text = NULL;
	r->n_late = 0;
}

static void close_files(struct reader *r)
{
	for (size_t i = 0; i < READER_FILES; i++) {
		if (r->file[i].known)
			close_fd(&r->file[i].fd);
		r->file[i].known = false;
	}
}

void proc_close_files(const struct proc *p)
{
	close_files(p->reader);
}

void reader_free_rows(struct reader *r)
{
	reader_forget_rows(r);
	close_files(r);
}

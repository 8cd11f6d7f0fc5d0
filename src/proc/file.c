/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The very file behind a row of maps, whatever happened to its name. */
#include "proc/gate.h"
#include "proc/source.h"
#include "proc/stamped.h"
#include "proc/walk.h"
#include "storage/storage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A mapped file of this size is no program. */
#define MAX_BYTES (8ull << 30)

struct wanted {
	const struct proc_map *row;
	int pid;
	struct stat st; /* through map_files, when allowed */
	bool has_st;
};

static bool is_it(const struct wanted *w, const struct stat *st)
{
	if (w->has_st && st->st_dev == w->st.st_dev && st->st_ino == w->st.st_ino)
		return true;
	if (st->st_ino != w->row->inode)
		return false;
	if (major(st->st_dev) == w->row->dev >> 20 && minor(st->st_dev) == (w->row->dev & 0xfffff))
		return true;
	/* overlayfs and btrfs report another device through stat than in maps. */
	if (w->has_st)
		return st->st_size == w->st.st_size;
	return (uint64_t)st->st_size > w->row->offset;
}

/* @at is taken. Looked at before it is opened: by now the name may be that of a device or a FIFO.
 */
static int try_path(const struct wanted *w, int at, int *fd)
{
	struct stat st;
	int err = at < 0 ? at : gate_ask(w->pid, at);

	if (!err && (fstat(at, &st) || !is_it(w, &st)))
		err = -ENOENT;
	if (!err)
		err = gate_reopen(at, MAX_BYTES, fd);
	close_fd(&at);
	return err;
}

/* An O_PATH descriptor, or a negative errno: not by a single call, which may meet silent storage on
 * the way. */
static int look_up(int pid, const char *root, const char *name)
{
	struct walk w = {.pid = storage_is_asked() ? pid : 0};
	int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), at, err;

	if (top < 0)
		return -errno;
	walk_begin(&w, top);
	err = walk_name(&w, name, &at);
	walk_end(&w);
	return err ? err : at;
}

static int open_path(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* To another way to the file: this one says nothing of the others. */
static bool goes_on(int err)
{
	return err && err != -EREMOTE && !fail_is_short(err);
}

bool proc_file_is_gone(const struct proc *p, const struct proc_map *m)
{
	struct proc now = {.pid = p->pid, .source = p->source};
	bool is_gone = !p->source && !proc_read_maps(&now);

	for (size_t i = 0; i < now.n_maps; i++)
		is_gone = is_gone && !(now.maps[i].inode == m->inode && now.maps[i].dev == m->dev);
	free(now.maps);
	free(now.map_text);
	return is_gone;
}

/* The kernel's own link needs rights and a mapping that is still there; a name below
 * /proc/PID/root reaches other mount namespaces; under chroot maps shows the name as seen from our
 * root. */
static int try_all(const struct proc *p, const struct proc_map *m, int *fd)
{
	char link[96], root[64], exe[64];
	struct wanted w = {.row = m, .pid = p->pid};
	int err;

	/* Names in map_files have no leading zeros, unlike the rows of maps. */
	snprintf(link, sizeof(link), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, p->pid, m->start,
		 m->end);
	snprintf(root, sizeof(root), "/proc/%d/root", p->pid);
	snprintf(exe, sizeof(exe), "/proc/%d/exe", p->pid);
	/* By its descriptor: what the file itself is asked waits for storage, and for no lock. */
	auto_close int linked = stamped_open_path(link);
	err = linked < 0 ? -errno : gate_ask(p->pid, linked);
	if (!err && fstat(linked, &w.st))
		err = -errno;
	w.has_st = !err;
	if (!err)
		err = gate_reopen(linked, MAX_BYTES, fd);
	if (goes_on(err))
		err = try_path(&w, look_up(p->pid, root, m->path), fd);
	if (goes_on(err))
		err = try_path(&w, look_up(p->pid, "/", m->path), fd);
	if (goes_on(err))
		err = try_path(&w, open_path(exe), fd);
	return err;
}

int proc_map_open(const struct proc *p, const struct proc_map *m, int *fd)
{
	int err;

	*fd = -1;
	if (p->source)
		return fail(-ENOENT, "process %d does not run: its files are out of reach", p->pid);
	if (!m->inode || m->path[0] != '/')
		return fail(-ENOENT, "no file is mapped at %" PRIx64 " in process %d", m->start,
			    p->pid);
	err = try_all(p, m, fd);
	if (err == -EREMOTE)
		return fail(err,
			    "process %d (%s): the storage of %s does not answer, or is a FUSE "
			    "mount that is not root's",
			    p->pid, p->comm, m->path);
	if (fail_is_short(err))
		return fail(err, "%s cannot be opened now: %s", m->path, strerror(-err));
	if (!err)
		return 0;
	return fail(-ENOENT, "process %d maps %s, but that file cannot be opened any more%s",
		    p->pid, m->path,
		    m->deleted ? " (deleted; with CAP_CHECKPOINT_RESTORE it can be opened)" : "");
}

int proc_map_image(const struct proc *p, const struct proc_map *m, uint8_t **bytes, size_t *size)
{
	return p->source && m->inode ? p->source->image(p->source, p, m, bytes, size) : -ENOENT;
}

bool proc_is_program(const struct proc *p, const struct proc_map *m)
{
	struct storage_file exe;
	char path[32];

	if (p->source)
		return m->inode && m->inode == p->source->program_inode &&
		       m->dev == p->source->program_dev;
	snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	return m->inode && storage_file(path, &exe) && exe.ino == m->inode;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "proc/gate.h"

#include "proc/inside.h"
#include "proc/walk.h"
#include "storage/storage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_AT_DIR (O_PATH | O_DIRECTORY | O_CLOEXEC)

struct gate {
	struct proc_ids ids; /* when the process was opened */
	bool shares_root;    /* its names mean here what they mean there */
	bool is_ours;	     /* the user said where to look: whatever is there */
	int root;	     /* of a core file; -1: that of a process, which may change */
};

static struct gate *gate_new(int root)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (g)
		g->root = root;
	return g;
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	proc_ids_free(&g->ids);
	close_fd(&g->root);
	free(g);
}

static bool is_same(const char *ours, int pid, const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return storage_is_same(ours, path);
}

struct gate *gate_of_process(int pid)
{
	struct gate *g = gate_new(-1);

	if (!g)
		return NULL;
	if (proc_ids_read(pid, &g->ids)) {
		gate_free(g);
		return NULL;
	}
	/* The same directory may have other file systems mounted below it elsewhere. */
	g->shares_root = is_same("/", pid, "root") && is_same("/proc/self/ns/mnt", pid, "ns/mnt");
	return g;
}

struct gate *gate_of_core(int core_fd, const char *root)
{
	struct gate *g = gate_new(open(root ? root : "/", LOOK_AT_DIR));
	struct stat st;

	if (!g)
		return NULL;
	g->is_ours = root;
	if (g->root < 0 || fstat(core_fd, &st)) {
		gate_free(g);
		return NULL;
	}
	/* Not by its group: a file takes that of the directory it is made in. */
	g->ids.uid = st.st_uid;
	g->ids.gid = UINT32_MAX;
	g->ids.may_all = !st.st_uid;
	return g;
}

/* Where a running process's names begin, and who it is now. False: it has ended. */
static bool begin_live(const struct proc *p, struct walk *w, struct proc_ids *now)
{
	char path[40];
	int root;

	snprintf(path, sizeof(path), "/proc/%d/root", p->pid);
	root = open(path, LOOK_AT_DIR);
	if (root >= 0 && !proc_ids_read(p->pid, now) && proc_alive(p)) {
		walk_begin(w, root);
		w->pid = p->pid;
		/* The ids it had count, too: an exec may turn a process of nobody into root's. */
		w->ids[0] = &p->gate->ids;
		w->ids[1] = now;
		return true;
	}
	close_fd(&root);
	return false;
}

static int begin(const struct proc *p, const char *path, struct walk *w, struct proc_ids *now)
{
	const struct gate *g = p->gate;
	int root;

	/* A relative name depends on the directory that the process was in at the time. */
	if (*path != '/')
		return -ENOENT;
	if (!p->source && begin_live(p, w, now))
		return 0;
	if (g->root < 0 && !g->shares_root)
		return -ENOENT;
	root = g->root < 0 ? open("/", LOOK_AT_DIR) : fcntl(g->root, F_DUPFD_CLOEXEC, 3);
	if (root < 0)
		return -errno;
	walk_begin(w, root);
	w->pid = g->is_ours ? 0 : getpid();
	w->ids[0] = g->is_ours ? NULL : &g->ids;
	return 0;
}

int gate_ask(int pid, int path_fd)
{
	dev_t dev;

	if (storage_is_asked() && storage_may_be_silent(path_fd, &dev) &&
	    storage_is_somebodys(pid, dev))
		return -EREMOTE;
	return storage_ask(path_fd, STORAGE_LOOK);
}

int gate_reopen(int path_fd, uint64_t max, int *fd)
{
	struct stat was, st;
	char path[40];
	int err = storage_ask(path_fd, STORAGE_LOOK);

	*fd = -1;
	if (err || fstat(path_fd, &was))
		return err ? err : -errno;
	if (!S_ISREG(was.st_mode))
		return -ENOEXEC;
	if ((uint64_t)was.st_size > max)
		return -EFBIG;
	err = storage_ask(path_fd, STORAGE_READ);
	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	/* O_NONBLOCK: nor is the end of somebody's lease on it waited for. */
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0)
		return -errno;
	if (!fstat(*fd, &st) && st.st_dev == was.st_dev && st.st_ino == was.st_ino)
		return 0;
	close(*fd);
	*fd = -1;
	return -ESTALE;
}

int proc_open_named(const struct proc *p, const char *path, uint64_t max, int *fd)
{
	struct proc_ids now = {0};
	struct walk w = {.n = 0};
	auto_close int at = -1;
	int err = p->gate ? begin(p, path, &w, &now) : -ENOENT;

	*fd = -1;
	if (!err)
		err = walk_name(&w, path, &at);
	if (!err && walk_is_made_up(at))
		err = -ENOEXEC;
	if (!err && !walk_may(&w, at, PROC_MAY_READ))
		err = -EACCES;
	if (!err)
		err = gate_reopen(at, max, fd);
	walk_end(&w);
	proc_ids_free(&now);
	return err;
}

int proc_read_named(const struct proc *p, const char *path, uint64_t max, uint8_t **bytes,
		    size_t *size)
{
	auto_close int fd = -1;
	int err = proc_open_named(p, path, max, &fd);

	return err ? err : proc_slurp_fd(fd, max, bytes, size);
}

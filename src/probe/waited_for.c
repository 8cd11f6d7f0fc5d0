/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "probe/waited_for.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/waits_at.h"

#define MOST	3
#define LOOK_NS 200000000 /* at all threads of a host that has thousands */

struct few {
	int pid[MOST];
	size_t n;
};

struct looks {
	bool at_main; /* threads alone, which are few; then the others */
	uint64_t until_ns;
};

/* So far. One thread alone adds. */
static struct {
	pthread_mutex_t lock;
	struct few holders; /* who wait for something else, with what they hold */
	struct few of_many; /* for a lock of many */
} found = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool has(const struct few *f, int pid)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->pid[i] == pid)
			return true;
	return false;
}

static void add(struct few *f, int pid)
{
	pthread_mutex_lock(&found.lock);
	if (f->n < MOST && !has(f, pid))
		f->pid[f->n++] = pid;
	pthread_mutex_unlock(&found.lock);
}

/* A request to a server of FUSE may be interrupted at first. The server itself rests in fuse_dev_*.
 */
static bool is_request(const char *where)
{
	return strstr(where, "request_wait_answer") ||
	       (strstr(where, "fuse_") && !strstr(where, "fuse_dev_"));
}

static void look_at(int pid, int tid)
{
	char where[64], state = waits_state(pid, tid, NULL, 0);

	if (state != 'D' && state != 'S')
		return;
	/* Not its stack, where this says nothing: exec has the lock of that on all kernels. */
	waits_file(pid, tid, "wchan", where, sizeof(where));
	if (state == 'S' && !is_request(where))
		return;
	/* Forks do, for the same as we; and who writes to a file system that is frozen. */
	add(strstr(where, "percpu") ? &found.of_many : &found.holders, pid);
}

static bool goes_on(const struct looks *l)
{
	return found.holders.n < MOST && clock_ns() < l->until_ns;
}

static void look_at_others(const struct looks *l, int pid)
{
	char path[32];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && goes_on(l) && !has(&found.holders, pid) && (e = readdir(dir))) {
		int tid = atoi(e->d_name);

		if (tid > 0 && tid != pid)
			look_at(pid, tid);
	}
	if (dir)
		closedir(dir);
}

static void look_at_all(const struct looks *l)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && goes_on(l) && (e = readdir(dir))) {
		int pid = atoi(e->d_name);

		if (pid <= 0 || pid == getpid())
			continue;
		if (l->at_main)
			look_at(pid, pid);
		else
			look_at_others(l, pid);
	}
	if (dir)
		closedir(dir);
}

static size_t tell(const struct few *f, const struct few *told, size_t n, char *buf, size_t size)
{
	size_t used = strlen(buf);
	char name[64];

	for (size_t i = 0; i < f->n && n < MOST && used < size; i++) {
		if ((told && has(told, f->pid[i])) ||
		    !waits_state(f->pid[i], f->pid[i], name, sizeof(name)))
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%.23s (%d)", n ? ", " : "",
					 name, f->pid[i]);
		n++;
	}
	return n;
}

void waited_for_look(void)
{
	struct looks l = {.at_main = true, .until_ns = clock_ns() + LOOK_NS};

	pthread_mutex_lock(&found.lock);
	found.holders.n = found.of_many.n = 0;
	pthread_mutex_unlock(&found.lock);
	look_at_all(&l);
	l.at_main = false;
	look_at_all(&l);
}

void waited_for_tell(char *buf, size_t size)
{
	struct few holders, of_many;

	pthread_mutex_lock(&found.lock);
	holders = found.holders;
	of_many = found.of_many;
	pthread_mutex_unlock(&found.lock);
	*buf = '\0';
	tell(&of_many, &holders, tell(&holders, NULL, 0, buf, size), buf, size);
}

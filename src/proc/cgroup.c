/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory cgroups. A limit binds all groups below it, so every level up to the mount is looked at,
 * and the one with the least room left counts. Page cache is given up before anybody is killed:
 * what is inactive surely, what is active perhaps, and so caches of the kernel's own (names of
 * files; v1 does not tell). */
#include "proc/limits.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "proc/inside.h"
#include "proc/walk.h"
#include "storage/storage.h"

#define MAX_LEVELS 64
/* v1 says "no limit" with a number near 2^63, rounded down to a page. */
#define NO_LIMIT (1ull << 62)

/* Where the process itself sees cgroups: it may have put anything in the place of a name there. */
struct theirs {
	int dir;   /* O_PATH */
	dev_t dev; /* of the cgroups, and of nothing else */
};

struct level {
	const char *root, *path;
	int version;
	struct proc_cgroup *out;
	const struct theirs *theirs; /* NULL: by names from @root on */
};

/* A name below, by steps that touch nothing before they are known to be cgroups'. Negative errno.
 */
static int open_below(const struct theirs *t, const char *path)
{
	int at = fcntl(t->dir, F_DUPFD_CLOEXEC, 3), next;
	char part[256];
	dev_t dev;

	while (at >= 0 && *(path += strspn(path, "/"))) {
		size_t n = strcspn(path, "/");

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		path += n;
		next = openat(at, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		close(at);
		at = next;
		if (at >= 0 && (!storage_device(at, &dev) || dev != t->dev)) {
			close(at);
			return -EREMOTE;
		}
	}
	return at < 0 ? -errno : at;
}

static int slurp_below(const struct theirs *t, const char *path, char **text, size_t *len)
{
	char name[40];

	auto_close int fd = open_below(t, path);
	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return proc_slurp_path(name, text, len);
}

/* Text of a file of this level: NULL when it is not there, or unreadable (counted). */
static char *slurp(const struct level *at, const char *name)
{
	char path[1024], *text;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "%s%s/%s", at->root, at->path, name);
	err = at->theirs ? slurp_below(at->theirs, path, &text, &len)
			 : proc_slurp_path(path, &text, &len);
	if (!err)
		return text;
	if (err != -ENOENT && err != -ENOTDIR) {
		if (!at->out->unread++)
			snprintf(at->out->unread_path, sizeof(at->out->unread_path), "%.319s",
				 path);
	}
	return NULL;
}

static bool parse(const char *s, uint64_t *out)
{
	char *end;

	if (!strncmp(s, "max", 3)) {
		*out = PROC_UNKNOWN;
		return true;
	}
	if (*s < '0' || *s > '9')
		return false;
	*out = strtoull(s, &end, 10);
	if (*out >= NO_LIMIT)
		*out = PROC_UNKNOWN;
	return *end == '\n' || *end == '\0';
}

static uint64_t one_number(const struct level *at, const char *name)
{
	auto_free char *text = slurp(at, name);
	uint64_t v;

	if (!text)
		return PROC_UNKNOWN;
	if (parse(text, &v))
		return v;
	if (!at->out->unread++)
		snprintf(at->out->unread_path, sizeof(at->out->unread_path), "%.150s%.100s/%.40s",
			 at->root, at->path, name);
	return PROC_UNKNOWN;
}

/* The number behind @key in "key number" rows. */
static uint64_t keyed(const char *text, const char *key)
{
	size_t n = strlen(key);
	uint64_t v;

	for (const char *s = text; s && *s;) {
		if (!strncmp(s, key, n) && s[n] == ' ')
			return parse(s + n + 1, &v) ? v : PROC_UNKNOWN;
		s = strchr(s, '\n');
		if (s)
			s++;
	}
	return PROC_UNKNOWN;
}

static uint64_t known(uint64_t v)
{
	return v == PROC_UNKNOWN ? 0 : v;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Swap that this level may still fill; the machine's own is the caller's affair. */
static uint64_t swap_left(const struct level *at, uint64_t limit, uint64_t current)
{
	uint64_t max, used;

	if (at->version == 2) {
		max = one_number(at, "memory.swap.max");
		used = known(one_number(at, "memory.swap.current"));
	} else {
		max = one_number(at, "memory.memsw.limit_in_bytes");
		used = known(one_number(at, "memory.memsw.usage_in_bytes"));
		/* memsw counts memory and swap together */
		used -= least(used, current);
		max = max == PROC_UNKNOWN ? max : max - least(max, limit);
	}
	return max == PROC_UNKNOWN ? max : max - least(max, used);
}

/* Pages that wait for a disk are not given up at once. They may be among the active ones; nothing
 * tells. */
static uint64_t clean_of(const struct level *at, const char *stat, uint64_t idle)
{
	bool v2 = at->version == 2;
	uint64_t dirty = known(keyed(stat, v2 ? "file_dirty" : "total_dirty"));
	uint64_t writing = known(keyed(stat, v2 ? "file_writeback" : "total_writeback"));

	idle -= least(idle, dirty);
	return idle - least(idle, writing);
}

/* @swap: bytes that the levels above may still put into swap; becomes that of this level. */
static void read_limit(const struct level *at, const char *stat, uint64_t current, uint64_t *swap)
{
	bool v2 = at->version == 2;
	uint64_t limit = one_number(at, v2 ? "memory.max" : "memory.limit_in_bytes");
	uint64_t idle = known(keyed(stat, v2 ? "inactive_file" : "total_inactive_file"));
	uint64_t busy = known(keyed(stat, v2 ? "active_file" : "total_active_file")) +
			known(keyed(stat, "slab_reclaimable"));
	uint64_t left, room;
	struct proc_cgroup *out = at->out;

	*swap = *swap ? least(*swap, swap_left(at, limit, current)) : 0;
	if (limit == PROC_UNKNOWN || current == PROC_UNKNOWN)
		return;
	room = limit - least(limit, current);
	left = room + least(idle, current) + *swap;
	out->room = least(out->room, room + least(clean_of(at, stat, idle), current));
	if (out->limit != PROC_UNKNOWN && left > out->left_low)
		return;
	out->limit = limit;
	out->swap = *swap;
	out->left_low = left;
	out->left_high = left + least(busy, current - least(idle, current));
	snprintf(out->tight_path, sizeof(out->tight_path), "%.255s", *at->path ? at->path : "/");
}

static uint64_t read_kills(const struct level *at)
{
	auto_free char *events =
		slurp(at, at->version == 2 ? "memory.events" : "memory.oom_control");

	return events ? keyed(events, "oom_kill") : PROC_UNKNOWN;
}

static void read_own(const struct level *at, const char *stat, uint64_t current)
{
	struct proc_cgroup *out = at->out;
	bool v2 = at->version == 2;

	out->current = current;
	out->anon = keyed(stat, v2 ? "anon" : "total_rss");
	out->shmem = keyed(stat, v2 ? "shmem" : "total_shmem");
	out->file = keyed(stat, v2 ? "file" : "total_cache");
	/* both count shared memory as cache, which cannot be given up */
	if (out->file != PROC_UNKNOWN)
		out->file -= least(out->file, known(out->shmem));
	out->oom_kills = read_kills(at);
}

static uint64_t system_swap_free(void)
{
	auto_free char *text = NULL;
	size_t len;

	return proc_slurp_path("/proc/meminfo", &text, &len) ? 0 : proc_meminfo(text, "SwapFree:");
}

static bool read_level(const struct level *at, bool own, uint64_t *swap)
{
	auto_free char *stat = slurp(at, "memory.stat");
	uint64_t current =
		one_number(at, at->version == 2 ? "memory.current" : "memory.usage_in_bytes");
	uint64_t high = at->version == 2 ? one_number(at, "memory.high") : PROC_UNKNOWN;

	if (high < at->out->high)
		at->out->high = high;
	if (high != PROC_UNKNOWN && current != PROC_UNKNOWN)
		at->out->below_high = least(at->out->below_high, high - least(high, current));
	if (own)
		read_own(at, stat, current);
	read_limit(at, stat, current, swap);
	return stat || current != PROC_UNKNOWN;
}

static void know_nothing(struct proc_cgroup *out)
{
	memset(out, 0, sizeof(*out));
	out->current = out->anon = out->file = out->shmem = out->oom_kills = PROC_UNKNOWN;
	out->high = out->below_high = out->limit = out->room = PROC_UNKNOWN;
}

static void read_all(const struct theirs *theirs, const char *root, const char *path, int version,
		     struct proc_cgroup *out)
{
	uint64_t swap = system_swap_free();
	char at[512], *cut[MAX_LEVELS];
	struct level l = {root, at, version, out, theirs};
	size_t n = 0;
	bool any = false;

	know_nothing(out);
	snprintf(out->path, sizeof(out->path), "%.255s", path);
	snprintf(at, sizeof(at), "%.511s", strcmp(path, "/") ? path : "");
	while (n < MAX_LEVELS && (cut[n] = strrchr(at, '/')))
		*cut[n++] = '\0';
	for (;; *cut[n] = '/') {
		any = read_level(&l, n == 0, &swap) || any;
		if (!n--)
			break;
	}
	out->version = any ? version : 0;
}

void proc_cgroup_read(const char *root, const char *path, int version, struct proc_cgroup *out)
{
	read_all(NULL, root, path, version, out);
}

/* "4:memory:/a/b" (v1) or "0::/a/b" (v2), taken apart; NULL = no such row. */
static char *path_of(char *row, char **names)
{
	char *first = strchr(row, ':'), *path = first ? strchr(first + 1, ':') : NULL;

	if (!path)
		return NULL;
	*path++ = '\0';
	*names = first + 1;
	return path;
}

static char *own_path(char *text, int *version)
{
	char *v2 = NULL, *row, *rest = text;

	while ((row = strsep(&rest, "\n"))) {
		char *names, *path = path_of(row, &names);

		if (!path)
			continue;
		if (!*names)
			v2 = path;
		for (char *name; (name = strsep(&names, ","));)
			if (!strcmp(name, "memory")) {
				*version = 1;
				return path;
			}
	}
	*version = 2;
	return v2;
}

/* A mount that shows @path: its mount point, and how much of the path is above it. Rows of
 * mountinfo: id parent dev root point options - type source superoptions. */
static bool find_mount(char *mounts, int version, const char *path, char *point, size_t size,
		       size_t *skip)
{
	char *row, *rest = mounts;

	while ((row = strsep(&rest, "\n"))) {
		char *tail = strstr(row, " - "), root[256], at[256];
		size_t n;

		if (!tail || sscanf(row, "%*s %*s %*s %255s %255s", root, at) != 2)
			continue;
		tail += 3;
		if (version == 2 ? strncmp(tail, "cgroup2 ", 8) != 0
				 : strncmp(tail, "cgroup ", 7) != 0 || !strstr(tail, "memory"))
			continue;
		n = strcmp(root, "/") ? strlen(root) : 0;
		/* A mount of some group shows only what is below that group. */
		if (strncmp(path, root, n) != 0 || (n && path[n] && path[n] != '/') ||
		    !strncmp(path + n, "/..", 3))
			continue;
		snprintf(point, size, "%s", at);
		*skip = n;
		return true;
	}
	return false;
}

static bool is_of_cgroups(int fd)
{
	struct statfs st;

	return !fstatfs(fd, &st) && ((uint32_t)st.f_type == CGROUP_SUPER_MAGIC ||
				     (uint32_t)st.f_type == CGROUP2_SUPER_MAGIC);
}

/* The directory @point as the process sees it, if that is one of cgroups. */
static bool open_theirs(const struct proc *p, const char *point, struct theirs *t)
{
	struct walk w = {.pid = p->pid};
	char path[300];
	int file = -1;

	t->dir = -1;
	snprintf(path, sizeof(path), "/proc/%d/root", p->pid);
	walk_begin(&w, open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
	snprintf(path, sizeof(path), "%s/cgroup.procs", point);
	if (w.dir[0] >= 0 && !walk_name(&w, path, &file) && is_of_cgroups(file) &&
	    storage_device(file, &t->dev))
		t->dir = fcntl(w.dir[w.n - 1], F_DUPFD_CLOEXEC, 3);
	close_fd(&file);
	walk_end(&w);
	return t->dir >= 0;
}

/* A container's group is out of sight from another container; it sees it itself. */
static void read_theirs(const struct proc *p, const char *path, int version,
			struct proc_cgroup *out)
{
	auto_free char *mounts = NULL;
	char point[256];
	struct theirs t;
	size_t len, skip;

	if (proc_slurp(p->pid, "mountinfo", &mounts, &len) ||
	    !find_mount(mounts, version, path, point, sizeof(point), &skip) ||
	    !open_theirs(p, point, &t))
		return;
	read_all(&t, "", path + skip, version, out);
	out->is_theirs = true;
	close_fd(&t.dir);
}

static void read_group(const struct proc *p, bool may_be_theirs, struct proc_cgroup *out)
{
	auto_free char *text = NULL, *mounts = NULL;
	char point[256], *path;
	int version = 0;
	size_t len, skip;

	know_nothing(out);
	if (proc_slurp(p->pid, "cgroup", &text, &len) ||
	    proc_slurp_path("/proc/self/mountinfo", &mounts, &len))
		return;
	path = own_path(text, &version);
	/* "/../b": outside of our own cgroup namespace, where a mount may show it all the same */
	if (!path || *path != '/')
		return;
	if (find_mount(mounts, version, path, point, sizeof(point), &skip))
		read_all(NULL, point, path + skip, version, out);
	else if (may_be_theirs)
		read_theirs(p, path, version, out);
	snprintf(out->path, sizeof(out->path), "%s", path);
}

void proc_cgroup(const struct proc *p, struct proc_cgroup *out)
{
	read_group(p, true, out);
}

void proc_cgroup_ours(const struct proc *p, struct proc_cgroup *out)
{
	read_group(p, false, out);
}

uint64_t proc_cgroup_kills(const struct proc_cgroup *c)
{
	struct proc_cgroup unread = {0};
	auto_free char *mounts = NULL;
	char point[256];
	size_t len, skip;

	if (!c->version || proc_slurp_path("/proc/self/mountinfo", &mounts, &len) ||
	    !find_mount(mounts, c->version, c->path, point, sizeof(point), &skip))
		return PROC_UNKNOWN;
	return read_kills(&(struct level){point, c->path + skip, c->version, &unread, NULL});
}

bool proc_in_cgroup(const struct proc *p, const char *part)
{
	auto_free char *text = NULL;
	char *row, *rest;
	size_t len;

	if (proc_slurp(p->pid, "cgroup", &text, &len))
		return false;
	for (rest = text; (row = strsep(&rest, "\n"));) {
		char *names, *path = path_of(row, &names);

		if (path && strstr(path, part))
			return true;
	}
	return false;
}

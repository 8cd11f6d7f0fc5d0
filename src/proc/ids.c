/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "proc/ids.h"

#include "proc/inside.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define MAX_GROUPS 65536 /* NGROUPS_MAX */

/* "Uid:\t1000\t1000\t1000\t1000": real, effective, saved, of files. */
static bool fourth(const char *line, uint32_t *out)
{
	unsigned v[4];

	if (sscanf(line, "%u %u %u %u", &v[0], &v[1], &v[2], &v[3]) != 4)
		return false;
	*out = v[3];
	return true;
}

static bool read_groups(const char *line, struct proc_ids *out)
{
	VEC(uint32_t) v = {0};

	while (v.n < MAX_GROUPS) {
		char *end;
		unsigned long gid = strtoul(line, &end, 10);
		uint32_t *to;

		/* strtoul would go on into the next line. */
		if (end == line || memchr(line, '\n', (size_t)(end - line)))
			break;
		to = vec_push(&v);
		if (!to) {
			vec_free(&v);
			return false;
		}
		*to = (uint32_t)gid;
		line = end;
	}
	out->groups = v.v;
	out->n_groups = v.n;
	return true;
}

/* Capabilities count in a user namespace: those of a container's own root, for nothing here. */
static bool in_our_user_namespace(int pid)
{
	struct stat ours, theirs;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	return !stat("/proc/self/ns/user", &ours) && !stat(path, &theirs) &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static int parse(const char *text, struct proc_ids *out)
{
	const uint64_t pass = 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH;
	unsigned has = 0;

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += !!line) {
		if (!strncmp(line, "Uid:", 4)) {
			has |= fourth(line + 4, &out->uid) ? 1 : 0;
		} else if (!strncmp(line, "Gid:", 4)) {
			has |= fourth(line + 4, &out->gid) ? 2 : 0;
		} else if (!strncmp(line, "Groups:", 7) && !out->groups) {
			has |= read_groups(line + 7, out) ? 4 : 0;
		} else if (!strncmp(line, "CapEff:", 7)) {
			out->may_all = strtoull(line + 7, NULL, 16) & pass;
			has |= 8;
		}
	}
	return has == 15 ? 0 : -EINVAL;
}

int proc_ids_read(int pid, struct proc_ids *out)
{
	auto_free char *text = NULL;
	size_t len;
	int err = proc_slurp(pid, "status", &text, &len);

	*out = (struct proc_ids){0};
	if (!err)
		err = parse(text, out);
	if (err)
		proc_ids_free(out);
	out->may_all &= !err && !out->uid && in_our_user_namespace(pid);
	return err;
}

void proc_ids_free(struct proc_ids *ids)
{
	free(ids->groups);
	*ids = (struct proc_ids){0};
}

static bool in_group(const struct proc_ids *ids, uint32_t gid)
{
	if (ids->gid == gid)
		return true;
	for (size_t i = 0; i < ids->n_groups; i++)
		if (ids->groups[i] == gid)
			return true;
	return false;
}

/* An access control list may refuse one user what the mode grants to all others. It never refuses
 * the owner more than the mode does. */
static bool has_list(int fd)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return getxattr(path, "system.posix_acl_access", NULL, 0) >= 0 ||
	       (errno != ENODATA && errno != EOPNOTSUPP);
}

bool proc_ids_may(const struct proc_ids *ids, int fd, const struct stat *st, enum proc_may what)
{
	if (ids->may_all)
		return true;
	if (ids->uid == st->st_uid)
		return st->st_mode & (unsigned)what << 6;
	if (!(st->st_mode & (unsigned)what << (in_group(ids, st->st_gid) ? 3 : 0)))
		return false;
	return !has_list(fd);
}

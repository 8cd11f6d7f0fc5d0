/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* /proc/PID/maps as rows, and the row that holds an address. */
#include "proc/inside.h"
#include "proc/reader_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* The kernel writes a newline in a path as \012 (seq_file_path). In place. */
static void unescape_newlines(char *s)
{
	char *to = s;

	while (*s) {
		if (!strncmp(s, "\\012", 4)) {
			*to++ = '\n';
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

static bool cut_suffix(char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	if (n < k || strcmp(s + n - k, suffix) != 0)
		return false;
	s[n - k] = '\0';
	return true;
}

bool proc_parse_map(char *line, struct proc_map *m)
{
	unsigned int major, minor;
	char perms[5];
	int at = -1;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 "%n", &m->start,
		   &m->end, perms, &m->offset, &major, &minor, &m->inode, &at) != 7 ||
	    at < 0 || strlen(perms) != 4 || m->start >= m->end)
		return false;
	m->dev = major << 20 | minor;
	m->readable = perms[0] == 'r';
	m->writable = perms[1] == 'w';
	m->executable = perms[2] == 'x';
	m->shared = perms[3] == 's';
	line += at;
	line += strspn(line, " ");
	/* A file may really be called "x (deleted)": whoever opens it compares inodes. */
	m->deleted = m->inode && cut_suffix(line, " (deleted)");
	unescape_newlines(line);
	m->path = line;
	return true;
}

static bool goes_on(const struct proc_map *m, const struct proc_map *above)
{
	return m->end == above->start && !strcmp(m->path, "[heap]") &&
	       !strcmp(above->path, "[heap]") && m->readable == above->readable &&
	       m->writable == above->writable && m->executable == above->executable;
}

size_t proc_join_heap(struct proc_map *v, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (k && goes_on(&v[k - 1], &v[i]))
			v[k - 1].end = v[i].end;
		else
			v[k++] = v[i];
	return k;
}

int proc_parse_maps(char *text, struct proc_map **out, size_t *n)
{
	VEC(struct proc_map) rows = {0};

	for (char *line = text, *next; line && *line; line = next) {
		struct proc_map m = {0}, *row;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!proc_parse_map(line, &m))
			continue;
		/* The kernel's order is ascending; the search below relies on it. */
		if (rows.n && rows.v[rows.n - 1].end > m.start)
			continue;
		row = vec_push(&rows);
		if (!row) {
			vec_free(&rows);
			return -ENOMEM;
		}
		*row = m;
	}
	*out = rows.v;
	*n = proc_join_heap(rows.v, rows.n);
	return 0;
}

const char *proc_why_refused(void)
{
	return geteuid() ? "run as root or with CAP_SYS_PTRACE"
			 : "the kernel refuses even root (a security module, or CAP_SYS_PTRACE was "
			   "taken away): pyleak-bpf doctor has rows on both";
}

int proc_read_maps(struct proc *p)
{
	auto_free char *names = NULL;
	struct proc_map *rows = NULL;
	size_t n = 0, unnamed = 0;
	int err;

	if (p->source)
		return 0;
	err = proc_stream_maps(p, &rows, &n, &names, &unnamed);
	if (err == -ENOENT || err == -ESRCH)
		return fail(-ESRCH, "process %d has ended", p->pid);
	if (err == -EACCES || err == -EPERM)
		return fail(-EPERM, "not allowed to look into process %d (%s): %s", p->pid, p->comm,
			    proc_why_refused());
	if (err == -E2BIG)
		return fail(err, "process %d has more than %u mappings: too many to be looked at",
			    p->pid, PROC_MAX_MAPS);
	if (err)
		return fail(err, "cannot read /proc/%d/maps: %s", p->pid, strerror(-err));
	free(p->maps);
	free(p->map_text);
	p->maps = rows;
	p->n_maps = n;
	p->map_text = take(names);
	p->maps_unnamed = unnamed;
	if (p->reader)
		reader_forget_rows(p->reader); /* they are older */
	return 0;
}

bool proc_map_has_code(const struct proc *p, const struct proc_map *m)
{
	for (size_t i = 0; i < p->n_maps && m->inode; i++)
		if (p->maps[i].executable && p->maps[i].inode == m->inode &&
		    p->maps[i].dev == m->dev)
			return true;
	return false;
}

const struct proc_map *proc_find_map(const struct proc *p, uint64_t addr)
{
	size_t lo = 0, hi = p->n_maps;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct proc_map *m = &p->maps[mid];

		if (addr < m->start)
			hi = mid;
		else if (addr >= m->end)
			lo = mid + 1;
		else
			return m;
	}
	return NULL;
}

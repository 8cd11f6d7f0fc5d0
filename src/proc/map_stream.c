/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* /proc/PID/maps row by row, with each name kept once. */
#include "base/map64.h"
#include "proc/inside.h"
#include "proc/stamped.h"

#define MAX_LINE  8192
#define MAX_NAMES (4u << 20)

struct stream {
	VEC(struct proc_map) row;
	VEC(char) names;    /* the first is "" */
	struct map64 known; /* hash of a name -> where it begins */
	VEC(uint32_t) at;   /* of each row's name */
	size_t unnamed;
};

static uint64_t hash_name(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	return h ? h : 1;
}

/* Where the name is kept; 0, the empty one, when there is no room. -ENOMEM. */
static int64_t keep_name(struct stream *s, const char *name)
{
	size_t size = strlen(name) + 1, at = s->names.n;
	uint64_t *known;

	if (size == 1)
		return 0;
	known = map64_get(&s->known, hash_name(name));
	if (known && !strcmp(s->names.v + *known, name))
		return (int64_t)*known;
	/* Those of the kernel's ("[stack]") are short. Two of one hash: nobody has that by
	 * accident. */
	if ((at + size > MAX_NAMES && *name != '[') || known) {
		s->unnamed++;
		return 0;
	}
	known = map64_put(&s->known, hash_name(name));
	if (!known || !vec_reserve(&s->names, at + size))
		return -ENOMEM;
	memcpy(s->names.v + at, name, size);
	s->names.n += size;
	*known = at;
	return (int64_t)at;
}

static int take_line(struct stream *s, char *line, bool whole)
{
	struct proc_map m = {0}, *row;
	uint32_t *to;
	int64_t at;

	if (!proc_parse_map(line, &m))
		return 0;
	/* The kernel's order is ascending; searches rely on it. */
	if (s->row.n && s->row.v[s->row.n - 1].end > m.start)
		return 0;
	if (s->row.n >= PROC_MAX_MAPS)
		return -E2BIG;
	at = whole ? keep_name(s, m.path) : 0;
	s->unnamed += !whole;
	row = at >= 0 ? vec_push(&s->row) : NULL;
	to = row ? vec_push(&s->at) : NULL;
	if (!to)
		return -ENOMEM;
	*row = m;
	*to = (uint32_t)at;
	return 0;
}

static int read_lines(struct stream *s, int fd, uint64_t code)
{
	struct stamped_lines from = {.fd = fd, .code = code, .read = stamped_read};
	char line[MAX_LINE];
	bool begins = true;
	int err = 0;

	while (!err && stamped_line(&from, line, sizeof(line))) {
		size_t n = strlen(line);
		bool ends = n && line[n - 1] == '\n';

		if (ends)
			line[n - 1] = '\0';
		if (begins)
			err = take_line(s, line, ends || n < sizeof(line) - 1);
		begins = ends;
	}
	return err ? err : from.err;
}

int proc_stream_maps(const struct proc *p, struct proc_map **out, size_t *n, char **names,
		     size_t *unnamed)
{
	struct stream s = {0};
	auto_close int fd = stamped_open(p->pid, "maps");
	int err;

	if (fd < 0)
		return -errno;
	err = vec_push(&s.names) ? read_lines(&s, fd, proc_code_now(p)) : -ENOMEM;
	for (size_t i = 0; i < s.row.n; i++)
		s.row.v[i].path = s.names.v + s.at.v[i];
	map64_free(&s.known);
	vec_free(&s.at);
	if (err) {
		vec_free(&s.row);
		vec_free(&s.names);
		return err;
	}
	*out = s.row.v;
	*n = proc_join_heap(s.row.v, s.row.n);
	*names = s.names.v;
	*unnamed = s.unnamed;
	return 0;
}

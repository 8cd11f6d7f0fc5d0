/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A report from a file: the text, the frame around the processes, and the tables' machinery. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "report/read_priv.h"

#define MAX_BYTES (1u << 30) /* 10,000 processes with 200 sites each stay below */

void *read_room(struct reader *rd, const struct jval *array, size_t size, size_t *n)
{
	void *room;

	*n = array ? array->n : 0;
	if (!*n)
		return NULL;
	room = report_alloc(rd->r, *n * size);
	if (!room) {
		rd->out_of_memory = true;
		*n = 0;
	}
	return room;
}

const char *read_string(struct reader *rd, const struct jval *v)
{
	const char *text = jval_string(v), *copy = text ? report_strdup(rd->r, text) : NULL;

	if (text && !copy)
		rd->out_of_memory = true;
	return copy;
}

void read_fields(struct reader *rd, const struct read_field *table, const struct jval *o, void *out)
{
	for (const struct read_field *f = table; f->name; f++) {
		void *at = (char *)out + f->offset;
		const struct jval *v = jval_get(o, f->name);

		switch (f->type) {
		case READ_U64:
			*(uint64_t *)at = jval_is_number(v) ? jval_u64(v) : REPORT_UNKNOWN;
			break;
		case READ_COUNT:
			*(uint64_t *)at = jval_u64(v);
			break;
		case READ_DOUBLE:
			*(double *)at = jval_double(v);
			break;
		case READ_INT:
			*(int *)at = jval_int(v);
			break;
		case READ_BOOL:
			*(bool *)at = jval_bool(v);
			break;
		case READ_STRING:
			*(const char **)at = read_string(rd, v);
			break;
		}
	}
}

/* RFC 3339 as we write it, in UTC. */
static double read_time(const struct jval *o, const char *key)
{
	const char *text = jval_string(jval_get(o, key));
	struct tm tm = {0};
	double second;

	if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%lfZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
			    &tm.tm_hour, &tm.tm_min, &second) != 6)
		return NAN;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (double)timegm(&tm) + second;
}

static const struct read_field tool_fields[] = {
	{"version", READ_STRING, offsetof(struct report, version)},
	{NULL, READ_INT, 0},
};
static const struct read_field host_fields[] = {
	{"hostname", READ_STRING, offsetof(struct report, hostname)},
	{"kernel", READ_STRING, offsetof(struct report, kernel)},
	{"arch", READ_STRING, offsetof(struct report, arch)},
	{NULL, READ_INT, 0},
};
static const struct read_field report_fields[] = {
	{"duration_s", READ_DOUBLE, offsetof(struct report, duration_s)},
	{NULL, READ_INT, 0},
};

static const struct read_field tree_fields[] = {
	{"started", READ_COUNT, offsetof(struct report_tree, started)},
	{"watched", READ_COUNT, offsetof(struct report_tree, watched)},
	{"short_lived", READ_COUNT, offsetof(struct report_tree, short_lived)},
	{"not_python", READ_COUNT, offsetof(struct report_tree, not_python)},
	{"not_watched", READ_COUNT, offsetof(struct report_tree, not_watched)},
	{"no_start", READ_COUNT, offsetof(struct report_tree, no_start)},
	{"lost", READ_COUNT, offsetof(struct report_tree, lost)},
	{NULL, READ_INT, 0},
};

static void read_tree(struct reader *rd, const struct jval *o)
{
	struct report_tree *t = o ? report_alloc(rd->r, sizeof(*t)) : NULL;

	rd->out_of_memory |= o && !t;
	if (!t)
		return;
	t->merged = report_alloc(rd->r, sizeof(*t->merged));
	rd->out_of_memory |= !t->merged;
	if (!t->merged)
		return;
	read_fields(rd, tree_fields, o, t);
	read_process(rd, jval_object(o, "merged"), t->merged);
	rd->r->tree = t;
}

static void read_report(struct reader *rd, const struct jval *o)
{
	struct report *r = rd->r;
	const struct jval *processes = jval_array(o, "processes");
	size_t i = 0;

	read_fields(rd, tool_fields, jval_object(o, "tool"), r);
	read_fields(rd, host_fields, jval_object(o, "host"), r);
	read_fields(rd, report_fields, o, r);
	r->started_at = read_time(o, "started_at");
	r->ended_at = read_time(o, "ended_at");
	r->final = true;
	r->processes = read_room(rd, processes, sizeof(*r->processes), &r->n_processes);
	read_each(v, processes, r->n_processes) read_process(rd, v, &r->processes[i++]);
	read_tree(rd, jval_object(o, "tree"));
}

static int check_schema(const char *path, const struct jval *o)
{
	const char *schema = jval_string(jval_get(o, "schema"));

	if (!schema)
		return fail(-EINVAL, "%s is JSON, but no report of pyleak-bpf", path);
	if (strcmp(schema, REPORT_SCHEMA) != 0)
		return fail(-EINVAL, "%s is of schema %.60s; this version reads %s", path, schema,
			    REPORT_SCHEMA);
	return 0;
}

/* The whole text, and a NUL. */
static int slurp(const char *path, char **text, size_t *len)
{
	bool standard = !strcmp(path, "-");
	auto_close int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	VEC(char) v = {0};
	ssize_t got;

	if (fd < 0)
		return fail(-errno, "%s cannot be opened: %s", path, strerror(errno));
	do {
		if (v.n > MAX_BYTES || (v.cap - v.n < 2 && !vec_reserve(&v, v.n + (64 << 10)))) {
			bool large = v.n > MAX_BYTES;

			vec_free(&v);
			return large ? fail(-EFBIG, "%s is larger than a report can be", path)
				     : fail(-ENOMEM, "out of memory for %s", path);
		}
		got = read(fd, v.v + v.n, v.cap - v.n - 1);
		if (got > 0)
			v.n += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0) {
		vec_free(&v);
		return fail(-errno, "%s cannot be read: %s", path, strerror(errno));
	}
	v.v[v.n] = '\0';
	*text = v.v;
	*len = v.n;
	return 0;
}

int report_read(const char *path, struct report **out)
{
	struct reader rd = {0};
	struct jval_doc doc = {0};
	auto_free char *text = NULL;
	size_t len = 0;
	int err = slurp(path, &text, &len);

	if (err)
		return err;
	err = jval_parse(text, len, &doc);
	if (err)
		return fail_in(err, "%s", path);
	err = check_schema(path, doc.v);
	if (!err)
		err = report_new(&rd.r);
	if (!err) {
		read_report(&rd, doc.v);
		if (rd.out_of_memory)
			err = fail(-ENOMEM, "out of memory for %s", path);
	}
	jval_free(&doc);
	if (err) {
		report_free(rd.r);
		return err;
	}
	*out = rd.r;
	return 0;
}

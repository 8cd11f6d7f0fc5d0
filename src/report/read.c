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
#define MAX_DEPTH 32

struct json_object *read_object(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return o && json_object_object_get_ex(o, key, &v) &&
			       json_object_is_type(v, json_type_object)
		       ? v
		       : NULL;
}

struct json_object *read_array(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return o && json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_array)
		       ? v
		       : NULL;
}

void *read_room(struct reader *rd, struct json_object *array, size_t size, size_t *n)
{
	void *room;

	*n = array ? json_object_array_length(array) : 0;
	if (!*n)
		return NULL;
	room = report_alloc(rd->r, *n * size);
	if (!room) {
		rd->out_of_memory = true;
		*n = 0;
	}
	return room;
}

const char *read_string(struct reader *rd, struct json_object *v)
{
	const char *copy;

	if (!json_object_is_type(v, json_type_string))
		return NULL;
	copy = report_strdup(rd->r, json_object_get_string(v));
	if (!copy)
		rd->out_of_memory = true;
	return copy;
}

static bool is_number(struct json_object *v)
{
	return json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double);
}

void read_fields(struct reader *rd, const struct read_field *table, struct json_object *o,
		 void *out)
{
	for (const struct read_field *f = table; f->name; f++) {
		char *at = (char *)out + f->offset;
		struct json_object *v = NULL;
		bool number;

		if (o)
			json_object_object_get_ex(o, f->name, &v);
		number = is_number(v);
		switch (f->type) {
		case READ_U64:
			*(uint64_t *)at = number ? json_object_get_uint64(v) : REPORT_UNKNOWN;
			break;
		case READ_COUNT:
			*(uint64_t *)at = number ? json_object_get_uint64(v) : 0;
			break;
		case READ_DOUBLE:
			*(double *)at = number ? json_object_get_double(v) : NAN;
			break;
		case READ_INT:
			*(int *)at = number ? json_object_get_int(v) : 0;
			break;
		case READ_BOOL:
			*(bool *)at = json_object_get_boolean(v);
			break;
		case READ_STRING:
			*(const char **)at = read_string(rd, v);
			break;
		}
	}
}

/* RFC 3339 as we write it, in UTC. */
static double read_time(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;
	struct tm tm = {0};
	double second;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string) ||
	    sscanf(json_object_get_string(v), "%4d-%2d-%2dT%2d:%2d:%lfZ", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &second) != 6)
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

static void read_report(struct reader *rd, struct json_object *o)
{
	struct report *r = rd->r;
	struct json_object *processes = read_array(o, "processes");

	read_fields(rd, tool_fields, read_object(o, "tool"), r);
	read_fields(rd, host_fields, read_object(o, "host"), r);
	read_fields(rd, report_fields, o, r);
	r->started_at = read_time(o, "started_at");
	r->ended_at = read_time(o, "ended_at");
	r->final = true;
	r->processes = read_room(rd, processes, sizeof(*r->processes), &r->n_processes);
	for (size_t i = 0; i < r->n_processes; i++)
		read_process(rd, json_object_array_get_idx(processes, i), &r->processes[i]);
}

static int check_schema(const char *path, struct json_object *o)
{
	struct json_object *v = NULL;
	const char *schema;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, "schema", &v) ||
	    !json_object_is_type(v, json_type_string))
		return fail(-EINVAL, "%s is JSON, but no report of pyleak-bpf", path);
	schema = json_object_get_string(v);
	if (strcmp(schema, REPORT_SCHEMA))
		return fail(-EINVAL, "%s is of schema %.60s; this version reads %s", path, schema,
			    REPORT_SCHEMA);
	return 0;
}

/* The whole text. */
static int slurp(const char *path, char **text, size_t *len)
{
	bool standard = !strcmp(path, "-");
	auto_close int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	VEC(char) v = {0};
	ssize_t got;

	if (fd < 0)
		return fail(-errno, "%s cannot be opened: %s", path, strerror(errno));
	do {
		if (v.n > MAX_BYTES || !vec_reserve(&v, v.n + (64 << 10))) {
			bool large = v.n > MAX_BYTES;

			vec_free(&v);
			return large ? fail(-EFBIG, "%s is larger than a report can be", path)
				     : fail(-ENOMEM, "out of memory for %s", path);
		}
		got = read(fd, v.v + v.n, v.cap - v.n);
		if (got > 0)
			v.n += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0) {
		vec_free(&v);
		return fail(-errno, "%s cannot be read: %s", path, strerror(errno));
	}
	*text = v.v;
	*len = v.n;
	return 0;
}

static int parse(const char *path, const char *text, size_t len, struct json_object **out)
{
	struct json_tokener *tok = json_tokener_new_ex(MAX_DEPTH);
	enum json_tokener_error why;
	size_t at;

	if (!tok)
		return fail(-ENOMEM, "out of memory for %s", path);
	*out = json_tokener_parse_ex(tok, text, (int)len);
	why = json_tokener_get_error(tok);
	at = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (why == json_tokener_success && *out)
		return 0;
	json_object_put(*out);
	if (why == json_tokener_continue || !len)
		return fail(-EINVAL, "%s is cut short: no whole JSON text", path);
	return fail(-EINVAL, "%s is no JSON: %s at byte %zu", path, json_tokener_error_desc(why),
		    at);
}

int report_read(const char *path, struct report **out)
{
	struct reader rd = {0};
	struct json_object *o = NULL;
	auto_free char *text = NULL;
	size_t len = 0;
	int err = slurp(path, &text, &len);

	if (!err)
		err = parse(path, text, len, &o);
	if (err)
		return err;
	err = check_schema(path, o);
	if (!err)
		err = report_new(&rd.r);
	if (!err) {
		read_report(&rd, o);
		if (rd.out_of_memory)
			err = fail(-ENOMEM, "out of memory for %s", path);
	}
	json_object_put(o);
	if (err) {
		report_free(rd.r);
		return err;
	}
	*out = rd.r;
	return 0;
}

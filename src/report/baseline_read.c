/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A baseline from its file. The file is the user's: whatever it holds, it is told in one sentence,
 * and it is not touched. */
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>

#include "report/baseline.h"

#define MAX_BYTES (8u << 20)

static int slurp(const char *path, char **text, size_t *n)
{
	auto_free char *buf = NULL;
	size_t cap = 0;
	int err;
	FILE *f;

	if (!vec_grow((void **)&buf, &cap, MAX_BYTES + 1, 1))
		return fail(-ENOMEM, "out of memory for %s", path);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT
			       ? 0
			       : fail(-errno, "%s cannot be opened: %s", path, strerror(errno));
	errno = 0;
	*n = fread(buf, 1, MAX_BYTES, f);
	err = ferror(f) ? (errno ? errno : EIO) : 0;
	fclose(f);
	if (err)
		return fail(-err, "%s cannot be read: %s", path, strerror(err));
	if (*n == MAX_BYTES)
		return fail(-EFBIG, "%s is larger than a baseline can be", path);
	buf[*n] = '\0';
	*text = take(buf);
	return 0;
}

static double number(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v) || !v)
		return NAN;
	return json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double)
		       ? json_object_get_double(v)
		       : NAN;
}

static const char *string(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string)
		       ? json_object_get_string(v)
		       : NULL;
}

static struct json_object *array(struct json_object *o, const char *key, size_t *n)
{
	struct json_object *v = NULL;

	*n = 0;
	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v) ||
	    !json_object_is_type(v, json_type_array))
		return NULL;
	*n = json_object_array_length(v);
	return v;
}

static void read_run(struct json_object *o, struct baseline_run *out)
{
	out->at = number(o, "at");
	out->duration_s = number(o, "duration_s");
	for (enum baseline_number k = 0; k < BASELINE_MAX; k++)
		out->v[k] = number(o, baseline_name(k));
}

static int read_service(struct json_object *o, struct baseline *out)
{
	size_t n, first;
	struct json_object *runs = array(o, "runs", &n);
	const char *name = runs ? string(o, "service") : NULL;
	struct baseline_service *s;

	if (!name || out->services.n == BASELINE_SERVICES)
		return 0;
	s = vec_push(&out->services);
	if (!s)
		return fail(-ENOMEM, "out of memory");
	snprintf(s->name, sizeof(s->name), "%s", name);
	first = n > BASELINE_RUNS ? n - BASELINE_RUNS : 0;
	for (size_t i = first; i < n; i++) {
		struct json_object *run = json_object_array_get_idx(runs, i);

		if (json_object_is_type(run, json_type_object))
			read_run(run, &s->run[s->n++]);
	}
	return 0;
}

static int read_all(const char *path, struct json_object *o, struct baseline *out)
{
	const char *schema = json_object_is_type(o, json_type_object) ? string(o, "schema") : NULL;
	size_t n;
	struct json_object *services = array(o, "services", &n);
	int err = 0;

	if (!schema || strncmp(schema, "pyleak-bpf/baseline/", 20) != 0)
		return fail(-EINVAL, "%s is no baseline of pyleak-bpf; it was left as it is", path);
	if (strcmp(schema, BASELINE_SCHEMA) != 0)
		return fail(
			-EINVAL,
			"%s is of version %.60s, this tool reads %s; it was left as it is: name "
			"another file to learn anew",
			path, schema, BASELINE_SCHEMA);
	for (size_t i = 0; i < n && !err; i++)
		err = read_service(json_object_array_get_idx(services, i), out);
	return err;
}

int baseline_read(const char *path, struct baseline *out)
{
	auto_free char *text = NULL;
	struct json_object *o;
	size_t n = 0;
	int err;

	memset(out, 0, sizeof(*out));
	err = slurp(path, &text, &n);
	if (err || !text)
		return err;
	o = json_tokener_parse(text);
	if (!o)
		return fail(-EINVAL,
			    "%s is cut short or no JSON; it was left as it is: delete it, or name "
			    "another file, to learn anew",
			    path);
	err = read_all(path, o, out);
	json_object_put(o);
	if (err)
		baseline_free(out);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a baseline. The file is the user's: if it is no baseline, one sentence says so, and it is
 * not touched. */
#include <math.h>

#include "base/jval.h"
#include "report/baseline.h"

#define MAX_BYTES (8u << 20)
#define PIECE	  (16u << 10)

static int slurp(FILE *f, const char *path, char **text, size_t *n)
{
	auto_free char *buf = NULL;
	size_t cap = 0, got;
	int err;

	errno = 0;
	do {
		if (!vec_grow((void **)&buf, &cap, *n + PIECE, 1))
			return fail(-ENOMEM, "out of memory for %s", path);
		got = fread(buf + *n, 1, cap - *n - 1, f);
		*n += got;
	} while (got && *n <= MAX_BYTES);
	err = ferror(f) ? (errno ? errno : EIO) : 0;
	if (err)
		return fail(-err, "%s cannot be read: %s", path, strerror(err));
	if (*n > MAX_BYTES)
		return fail(-EFBIG, "%s is larger than a baseline can be", path);
	buf[*n] = '\0';
	*text = take(buf);
	return 0;
}

static void read_run(const struct jval *o, struct baseline_run *out)
{
	out->at = jval_double(jval_get(o, "at"));
	out->duration_s = jval_double(jval_get(o, "duration_s"));
	for (enum baseline_number k = 0; k < BASELINE_MAX; k++)
		out->v[k] = jval_double(jval_get(o, baseline_name(k)));
}

static int read_service(const struct jval *o, struct baseline *out)
{
	const struct jval *runs = jval_array(o, "runs");
	const char *name = jval_string(jval_get(o, "service"));
	struct baseline_service *s;
	size_t skip;

	if (!runs || !name || out->services.n == BASELINE_SERVICES)
		return 0;
	s = vec_push(&out->services);
	if (!s)
		return fail(-ENOMEM, "out of memory");
	snprintf(s->name, sizeof(s->name), "%s", name);
	skip = runs->n > BASELINE_RUNS ? runs->n - BASELINE_RUNS : 0;
	jval_each(run, runs)
	{
		if (skip)
			skip--;
		else if (run->type == JVAL_OBJECT)
			read_run(run, &s->run[s->n++]);
	}
	return 0;
}

static int read_all(const char *path, const struct jval *o, struct baseline *out)
{
	const struct jval *services = jval_array(o, "services");
	const char *schema = jval_string(jval_get(o, "schema"));
	int err = 0;

	if (!schema || strncmp(schema, "pyleak-bpf/baseline/", 20) != 0)
		return fail(-EINVAL, "%s is no baseline of pyleak-bpf; it was left as it is", path);
	if (strcmp(schema, BASELINE_SCHEMA) != 0)
		return fail(
			-EINVAL,
			"%s is of version %.60s, this tool reads %s; it was left as it is: name "
			"another file to learn anew",
			path, schema, BASELINE_SCHEMA);
	jval_each(v, services)
	{
		if (!err)
			err = read_service(v, out);
	}
	return err;
}

int baseline_read(FILE *f, const char *path, struct baseline *out)
{
	auto_free char *text = NULL;
	struct jval_doc doc;
	size_t n = 0;
	int err;

	memset(out, 0, sizeof(*out));
	err = f ? slurp(f, path, &text, &n) : 0;
	if (err || !text)
		return err;
	if (jval_parse(text, n, &doc))
		return fail(-EINVAL,
			    "%s is cut short or no JSON; it was left as it is: delete it, or name "
			    "another file, to learn anew",
			    path);
	err = read_all(path, doc.v, out);
	jval_free(&doc);
	if (err)
		baseline_free(out);
	return err;
}

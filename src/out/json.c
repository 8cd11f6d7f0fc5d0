/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a report as JSON, by the tables of report/shape.c (build/report.schema.json). Members that
 * are not known are null or empty. */
#include <inttypes.h>

#include "out/event.h"
#include "out/frames.h"
#include "out/json_shape.h"
#include "out/json_writer.h"
#include "out/out.h"
#include "report/findings.h"
#include "report/shape.h"

static void put_time(struct json *j, const char *key, double t)
{
	char text[48];

	json_string(j, key, *out_time(t, text, sizeof(text)) ? text : NULL);
}

static void put_hex(struct json *j, const char *key, uint64_t v)
{
	char hex[24];

	snprintf(hex, sizeof(hex), "0x%" PRIx64, v);
	json_string(j, key, hex);
}

/* A merged report stands for many processes or none, and a core file may not tell its pid: null. */
static void put_pid(struct json *j, const char *key, int pid, const struct report_process *p)
{
	if (p->n_members || !p->pid)
		json_null(j, key);
	else
		json_integer(j, key, pid);
}

static void put_text(struct json *j, const char *key, const char *text)
{
	json_string(j, key, text ? text : "");
}

static void put_value(struct json *j, const struct field *f, const void *base)
{
	const void *at = (const char *)base + f->offset;

	switch (f->kind) {
	case FIELD_COUNT:
	case FIELD_TALLY:
		json_unsigned(j, f->name, *(const uint64_t *)at);
		break;
	case FIELD_HEX:
		put_hex(j, f->name, *(const uint64_t *)at);
		break;
	case FIELD_NUMBER:
	case FIELD_AMOUNT:
	case FIELD_SHARE:
		json_number(j, f->name, *(const double *)at);
		break;
	case FIELD_TIME:
		put_time(j, f->name, *(const double *)at);
		break;
	case FIELD_INT:
		json_integer(j, f->name, *(const int *)at);
		break;
	case FIELD_LINE:
		if (*(const int *)at > 0)
			json_integer(j, f->name, *(const int *)at);
		else
			json_null(j, f->name);
		break;
	case FIELD_PID:
		put_pid(j, f->name, *(const int *)at, base);
		break;
	case FIELD_FLAG:
		json_bool(j, f->name, *(const bool *)at);
		break;
	case FIELD_ENDED:
		json_string(j, f->name, *(const bool *)at ? "exited" : "running");
		break;
	case FIELD_TEXT:
		put_text(j, f->name, *(const char *const *)at);
		break;
	case FIELD_MAYBE:
		json_string(j, f->name, *(const char *const *)at);
		break;
	case FIELD_CLASS:
		json_string(j, f->name, report_class_name(*(const enum report_class *)at));
		break;
	case FIELD_KIND:
		json_string(j, f->name, report_kind_name(*(const enum report_kind *)at));
		break;
	case FIELD_ID:
		json_string(j, f->name, at);
		break;
	default:
		json_string(j, f->name, f->is);
	}
}

static void put_members(struct json *j, const struct shape *s, const void *base);

/* Writes null if @base is NULL. */
static void put_object(struct json *j, const char *key, const struct shape *s, const void *base)
{
	if (!base) {
		json_null(j, key);
		return;
	}
	json_object(j, key, s->is_flat);
	put_members(j, s, base);
	json_close(j);
}

static void put_numbers(struct json *j, const char *key, const struct report_frame *v, size_t n)
{
	json_array(j, key, true);
	for (size_t i = 0; i < n; i++) {
		size_t number = out_frames_put(j->frames, &v[i]);

		j->err = number == SIZE_MAX && !j->err ? ENOMEM : j->err;
		json_unsigned(j, NULL, number);
	}
	json_close(j);
}

static void put_array(struct json *j, const struct field *f, const void *base)
{
	const char *v = *(const char *const *)((const char *)base + f->offset);
	size_t n = field_count(f, base);

	if (!n && f->is_optional)
		return;
	if (f->kind == FIELD_FRAMES && j->frames) {
		put_numbers(j, f->name, (const struct report_frame *)(const void *)v, n);
		return;
	}
	json_array(j, f->name, f->is_flat || f->kind == FIELD_STRINGS);
	for (size_t i = 0; i < n; i++) {
		if (f->kind == FIELD_STRINGS)
			json_string(j, NULL, ((const char *const *)(const void *)v)[i]);
		else if (f->kind == FIELD_FRAMES)
			put_object(j, NULL,
				   &f->of[((const struct report_frame *)(const void *)v)[i].native],
				   v + i * f->of->size);
		else
			put_object(j, NULL, f->of, v + i * f->of->size);
	}
	json_close(j);
}

static void put_generations(struct json *j, const char *key, const uint64_t *v)
{
	json_array(j, key, true);
	for (size_t i = 0; i < REPORT_GENERATIONS; i++)
		json_unsigned(j, NULL, v[i]);
	json_close(j);
}

static void put_parts(struct json *j, const char *key, const struct report_parts *v)
{
	json_object(j, key, false);
	for (size_t i = 0; v && i < PART_MAX; i++) {
		json_object(j, report_part_name((enum report_part)i), true);
		json_unsigned(j, "bytes", v->bytes[i]);
		json_number(j, "growth_bytes_per_s", v->growth[i]);
		json_close(j);
	}
	json_close(j);
}

static void put_lost(struct json *j, const char *key, const struct report_process *p)
{
	json_object(j, key, false);
	for (size_t i = 0; i < p->n_lost; i++)
		json_unsigned(j, p->lost[i].key, p->lost[i].n);
	json_close(j);
}

static void put_findings(struct json *j, const struct field *f, const struct report_process *p)
{
	struct report_findings found;
	int err;

	if (j->frames)
		return; /* the page makes findings from the sites itself */
	err = report_findings(p, &found);
	j->err = err && !j->err ? -err : j->err;
	json_array(j, f->name, false);
	for (size_t i = 0; i < found.n; i++)
		put_object(j, NULL, f->of, &found.v[i]);
	json_close(j);
	report_findings_free(&found);
}

static void put_field(struct json *j, const struct field *f, const void *base)
{
	const void *at = (const char *)base + f->offset;
	const struct report_parts *parts;

	switch (f->kind) {
	case FIELD_GROUP:
		put_object(j, f->name, f->of, at);
		break;
	case FIELD_PART:
		put_members(j, f->of, at);
		break;
	case FIELD_INSIDE:
		if (!f->is_optional || !shape_is_absent(f->of, at))
			put_object(j, f->name, f->of, shape_is_absent(f->of, at) ? NULL : at);
		break;
	case FIELD_POINTED:
	case FIELD_OWNED:
		put_object(j, f->name, f->of, *(const void *const *)at);
		break;
	case FIELD_ARRAY:
	case FIELD_FRAMES:
	case FIELD_STRINGS:
		put_array(j, f, base);
		break;
	case FIELD_BY_GENERATION:
		put_generations(j, f->name, at);
		break;
	case FIELD_PARTS:
		put_parts(j, f->name, *(const struct report_parts *const *)at);
		break;
	case FIELD_TRIMMABLE:
		parts = *(const struct report_parts *const *)at;
		json_unsigned(j, f->name, parts ? parts->trimmable : REPORT_UNKNOWN);
		break;
	case FIELD_LOST:
		put_lost(j, f->name, base);
		break;
	case FIELD_FINDINGS:
		put_findings(j, f, base);
		break;
	case FIELD_EARLY:
		if (report_is_too_early(base))
			json_bool(j, f->name, true);
		break;
	default:
		if (!f->is_optional || *(const uint64_t *)at)
			put_value(j, f, base);
	}
}

static void put_members(struct json *j, const struct shape *s, const void *base)
{
	shape_each(f, s) put_field(j, f, base);
}

void json_shape(struct json *j, const char *key, const struct shape *s, const void *base)
{
	put_object(j, key, s, base);
}

int out_json(FILE *f, const struct report *r)
{
	struct json j;
	int err;

	json_begin(&j, f);
	json_shape(&j, NULL, &shape_report, r);
	err = json_end(&j);
	return err ? fail(err, "cannot write the JSON report: %s", strerror(-err)) : 0;
}

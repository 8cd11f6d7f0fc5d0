/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a report from a file: its text, and the members by the tables of shape.c. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/jval.h"
#include "base/lost.h"
#include "report/read.h"
#include "report/shape.h"

#define MAX_BYTES (1u << 30) /* bytes; 10,000 processes with 200 sites each have less */
#define MAX_KEPT  (4u << 20) /* bytes of text, whose room is kept for the next report */

struct reader {
	struct report *r;
	struct report_pool *pool; /* NULL: nothing is shared */
	bool out_of_memory;
};

static void *room(struct reader *rd, size_t n, size_t size)
{
	void *v = report_alloc(rd->r, n * size);

	rd->out_of_memory |= !v;
	return v;
}

static const char *read_string(struct reader *rd, const struct jval *v)
{
	const char *text = jval_string(v), *copy = NULL;

	if (text)
		copy = rd->pool ? report_pool_share(rd->pool, text, strlen(text) + 1)
				: report_strdup(rd->r, text);
	rd->out_of_memory |= text && !copy;
	return copy;
}

/* Reads a time of RFC 3339 as we write it, in UTC. */
static double read_time(const char *text)
{
	struct tm tm = {0};
	double second;

	if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%lfZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
			    &tm.tm_hour, &tm.tm_min, &second) != 6)
		return NAN;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (double)timegm(&tm) + second;
}

static bool is_word(const struct jval *v, const char *word)
{
	const char *text = jval_string(v);

	return text && !strcmp(text, word);
}

static enum report_class read_class(const struct jval *v)
{
	for (int i = 0; i < CLASS_MAX; i++)
		if (is_word(v, report_class_name((enum report_class)i)))
			return (enum report_class)i;
	return CLASS_STEADY;
}

static enum report_kind read_kind(const struct jval *v)
{
	for (int i = 0; i < KIND_MAX; i++)
		if (is_word(v, report_kind_name((enum report_kind)i)))
			return (enum report_kind)i;
	return KIND_OBJECT;
}

static uint64_t read_count(const struct jval *v)
{
	return jval_is_number(v) ? jval_u64(v) : REPORT_UNKNOWN;
}

/* Reads a value; @v is NULL if there is none. */
static void read_value(struct reader *rd, const struct field *f, const struct jval *v, void *at)
{
	const char *text = jval_string(v);

	switch (f->kind) {
	case FIELD_COUNT:
		*(uint64_t *)at = read_count(v);
		break;
	case FIELD_TALLY:
		*(uint64_t *)at = jval_u64(v);
		break;
	case FIELD_HEX:
		*(uint64_t *)at = text ? strtoull(text, NULL, 16) : 0;
		break;
	case FIELD_NUMBER:
	case FIELD_AMOUNT:
	case FIELD_SHARE:
		*(double *)at = jval_double(v);
		break;
	case FIELD_TIME:
		*(double *)at = read_time(text);
		break;
	case FIELD_INT:
	case FIELD_LINE:
	case FIELD_PID:
		*(int *)at = jval_int(v);
		break;
	case FIELD_FLAG:
		*(bool *)at = jval_bool(v);
		break;
	case FIELD_ENDED:
		*(bool *)at = is_word(v, "exited");
		break;
	case FIELD_TEXT:
	case FIELD_MAYBE:
		*(const char **)at = text ? read_string(rd, v) : f->absent;
		break;
	case FIELD_CLASS:
		*(enum report_class *)at = read_class(v);
		break;
	case FIELD_KIND:
		*(enum report_kind *)at = read_kind(v);
		break;
	case FIELD_ID:
		strncpy(at, text ? text : "", sizeof(((struct report_site *)0)->id) - 1);
		break;
	/* constants, members that follow from others, and those that another row has read */
	default:
		break;
	}
}

static void read_object(struct reader *rd, const struct shape *s, const struct jval *o, void *base);

/* Reads an element of the array @f. */
static void read_element(struct reader *rd, const struct field *f, const struct jval *v, void *at)
{
	bool native = false;

	if (f->kind == FIELD_STRINGS) {
		*(const char **)at = jval_string(v) ? read_string(rd, v) : "";
		return;
	}
	if (f->kind == FIELD_FRAMES) {
		native = is_word(jval_get(v, "lang"), "native");
		((struct report_frame *)at)->native = native;
	}
	read_object(rd, &f->of[native], v, at);
}

/* Reads a stack into the pool, where reports share it: it is not written to any more. */
static void share_frames(struct reader *rd, const struct jval *a, const struct field *f, void *base)
{
	auto_free struct report_frame *v = calloc(a->n, sizeof(*v));
	struct report_frame *at = v;
	const void **to = (const void **)((char *)base + f->offset);

	for (const struct jval *e = v ? jval_first(a) : NULL; e; e = jval_next(a, e), at++)
		read_element(rd, f, e, at);
	*to = v ? report_pool_share(rd->pool, v, a->n * sizeof(*v)) : NULL;
	*(size_t *)((char *)base + f->n_offset) = *to ? a->n : 0;
	rd->out_of_memory |= !*to;
}

static void read_array(struct reader *rd, const struct field *f, const struct jval *a, void *base)
{
	size_t size = f->of ? f->of->size : sizeof(const char *);
	char *v;

	if (rd->pool && f->kind == FIELD_FRAMES && a && a->n) {
		share_frames(rd, a, f, base);
		return;
	}
	v = a && a->n ? room(rd, a->n, size) : NULL;
	*(void **)((char *)base + f->offset) = v;
	*(size_t *)((char *)base + f->n_offset) = v ? a->n : 0;
	for (const struct jval *e = v ? jval_first(a) : NULL; e; e = jval_next(a, e), v += size)
		read_element(rd, f, e, v);
}

static void read_generations(const struct jval *a, uint64_t *out)
{
	const struct jval *v = jval_first(a);

	for (size_t i = 0; i < REPORT_GENERATIONS; i++) {
		out[i] = read_count(v);
		v = v ? jval_next(a, v) : NULL;
	}
}

/* Reads all parts or none: a missing part is not zero. */
static void read_parts(struct reader *rd, const struct jval *memory, struct report_parts **out)
{
	const struct jval *parts = jval_object(memory, "parts");
	struct report_parts v;

	for (size_t i = 0; i < PART_MAX; i++) {
		const struct jval *o = jval_object(parts, report_part_name((enum report_part)i));

		if (!o)
			return;
		v.bytes[i] = read_count(jval_get(o, "bytes"));
		v.growth[i] = jval_double(jval_get(o, "growth_bytes_per_s"));
	}
	v.trimmable = read_count(jval_get(memory, "trimmable_bytes"));
	*out = room(rd, 1, sizeof(v));
	if (*out)
		**out = v;
}

static void read_lost(struct reader *rd, const struct jval *lost, struct report_process *p)
{
	struct report_lost *l = lost && lost->n ? room(rd, lost->n, sizeof(*l)) : NULL;

	p->lost = l;
	p->n_lost = l ? lost->n : 0;
	for (const struct jval *v = l ? jval_first(lost) : NULL; v; v = jval_next(lost, v), l++) {
		l->key = report_strdup(rd->r, v->key);
		l->text = lost_sentence(v->key);
		l->text = l->text ? l->text : l->key;
		rd->out_of_memory |= !l->key;
		l->n = jval_u64(v);
	}
}

static void read_field(struct reader *rd, const struct field *f, const struct jval *o, void *base)
{
	const struct jval *v = f->name ? jval_get(o, f->name) : NULL;
	const struct jval *inside = v && v->type == JVAL_OBJECT ? v : NULL;
	const struct jval *array = v && v->type == JVAL_ARRAY ? v : NULL;
	void *at = (char *)base + f->offset;

	switch (f->kind) {
	case FIELD_GROUP:
	case FIELD_INSIDE:
		read_object(rd, f->of, inside, at);
		break;
	case FIELD_PART:
		read_object(rd, f->of, o, at);
		break;
	case FIELD_POINTED:
	case FIELD_OWNED:
		if (inside || f->kind == FIELD_OWNED)
			*(void **)at = room(rd, 1, f->of->size);
		if (*(void **)at)
			read_object(rd, f->of, inside, *(void **)at);
		break;
	case FIELD_ARRAY:
	case FIELD_FRAMES:
	case FIELD_STRINGS:
		read_array(rd, f, array, base);
		break;
	case FIELD_BY_GENERATION:
		read_generations(array, at);
		break;
	case FIELD_PARTS:
		read_parts(rd, o, at);
		break;
	case FIELD_LOST:
		read_lost(rd, inside, base);
		break;
	default:
		read_value(rd, f, v, at);
	}
}

/* Reads each member from @o; if that is NULL, all are unknown. */
static void read_object(struct reader *rd, const struct shape *s, const struct jval *o, void *base)
{
	shape_each(f, s) read_field(rd, f, o, base);
}

/* Fills members that follow from others, and that our reports do not write. */
static void complete(struct report_process *p)
{
	struct report_memory *m = &p->memory;

	if (!m->limit_source)
		m->limit_bytes = REPORT_UNKNOWN;
	m->left_low = m->limit_source ? round(m->left_low) : NAN;
	m->left_high = m->left_low;
	for (size_t i = 0; i < p->n_sites; i++)
		if (p->sites[i].kind != KIND_HEAP)
			p->sites[i].waste_bytes = NAN;
	for (size_t i = 0; i < p->n_instances && !p->instances_of; i++)
		p->instances_of = p->instances[i].type;
}

static void read_report(struct reader *rd, const struct jval *o)
{
	struct report *r = rd->r;

	read_object(rd, &shape_report, o, r);
	r->final = true;
	for (size_t i = 0; i < r->n_processes; i++)
		complete(&r->processes[i]);
	if (r->tree && r->tree->merged)
		complete(r->tree->merged);
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

/* Reads the whole text into @room, and ends it with a NUL. */
static int slurp(const char *path, struct report_room *room)
{
	bool standard = !strcmp(path, "-");
	auto_close int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return fail(-errno, "%s cannot be opened: %s", path, strerror(errno));
	do {
		if (n > MAX_BYTES)
			return fail(-EFBIG, "%s is larger than a report can be", path);
		if (room->text.cap - n < 2 && !vec_reserve(&room->text, n + (64 << 10)))
			return fail(-ENOMEM, "out of memory for %s", path);
		got = read(fd, room->text.v + n, room->text.cap - n - 1);
		if (got > 0)
			n += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		return fail(-errno, "%s cannot be read: %s", path, strerror(errno));
	room->text.v[n] = '\0';
	room->text.n = n;
	return 0;
}

static int read_into(struct report_room *room, const char *path, struct report_pool *pool,
		     struct report **out)
{
	struct reader rd = {.pool = pool};
	int err = slurp(path, room);

	if (err)
		return err;
	err = jval_parse_next(room->text.v, room->text.n, &room->doc);
	if (err)
		return fail_in(err, "%s", path);
	err = check_schema(path, room->doc.v);
	if (!err)
		err = report_new(&rd.r);
	if (!err) {
		read_report(&rd, room->doc.v);
		if (rd.out_of_memory)
			err = fail(-ENOMEM, "out of memory for %s", path);
	}
	if (err) {
		report_free(rd.r);
		return err;
	}
	*out = rd.r;
	return 0;
}

int report_read_shared(const char *path, struct report_pool *pool, struct report **out)
{
	struct report_room of_one = {0}, *room = pool ? report_pool_room(pool) : &of_one;
	int err = read_into(room, path, pool, out);

	if (!pool || room->text.cap > MAX_KEPT) {
		vec_free(&room->text);
		jval_free(&room->doc);
	}
	return err;
}

int report_read(const char *path, struct report **out)
{
	return report_read_shared(path, NULL, out);
}

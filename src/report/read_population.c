/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The census in a saved report. The tables are the members that out/json_population.c writes. */
#include "report/read_priv.h"

#define END                       \
	{                         \
		NULL, READ_INT, 0 \
	}
#define R(name, type, field)                                         \
	{                                                            \
		name, type, offsetof(struct report_class_row, field) \
	}
#define G(name, type, field)                                  \
	{                                                     \
		name, type, offsetof(struct report_gc, field) \
	}
#define V(name, type, field)                                     \
	{                                                        \
		name, type, offsetof(struct report_pools, field) \
	}
#define I(name, type, field)                                        \
	{                                                           \
		name, type, offsetof(struct report_instance, field) \
	}

static const struct read_field row_fields[] = {
	R("name", READ_STRING, name),
	R("count", READ_U64, count),
	R("tracked", READ_U64, tracked),
	R("bytes", READ_U64, bytes),
	R("growth_count_per_s", READ_DOUBLE, growth_count_per_s),
	R("growth_bytes_per_s", READ_DOUBLE, growth_bytes_per_s),
	END,
};
static const struct read_field gc_fields[] = {
	G("enabled", READ_BOOL, enabled),
	G("garbage", READ_U64, garbage),
	G("tracked", READ_U64, tracked),
	G("frozen", READ_U64, frozen),
	G("uncollectable", READ_U64, uncollectable),
	END,
};
static const struct read_field pool_fields[] = {
	V("arenas", READ_U64, arenas),
	V("arena_bytes", READ_U64, arena_bytes),
	V("live_bytes", READ_U64, live_bytes),
	V("free_bytes", READ_U64, free_bytes),
	V("empty_bytes", READ_U64, empty_bytes),
	V("releasable_bytes", READ_U64, releasable_bytes),
	END,
};
static const struct read_field instance_fields[] = {
	I("bytes", READ_U64, bytes),
	I("refcount", READ_U64, refcount),
	I("length", READ_U64, length),
	I("repr", READ_STRING, repr),
	END,
};

struct one_part {
	uint64_t bytes;
	double growth;
};

static struct report_class_row *read_rows(struct reader *rd, const struct jval *array, size_t *n)
{
	struct report_class_row *rows = read_room(rd, array, sizeof(*rows), n), *row = rows;

	read_each(v, array, *n)
	{
		read_fields(rd, row_fields, v, row);
		if (!row->name)
			row->name = "";
		row++;
	}
	return rows;
}

static void read_generations(const struct jval *o, const char *key, uint64_t *out)
{
	const struct jval *a = jval_array(o, key), *v = jval_first(a);

	for (size_t i = 0; i < REPORT_GENERATIONS; i++) {
		out[i] = jval_is_number(v) ? jval_u64(v) : REPORT_UNKNOWN;
		v = v ? jval_next(a, v) : NULL;
	}
}

static void read_gc(struct reader *rd, const struct jval *o, struct report_process *p)
{
	if (!o)
		return;
	p->gc = report_alloc(rd->r, sizeof(*p->gc));
	if (!p->gc) {
		rd->out_of_memory = true;
		return;
	}
	read_fields(rd, gc_fields, o, p->gc);
	read_generations(o, "thresholds", p->gc->threshold);
	read_generations(o, "collections", p->gc->collections);
	read_generations(o, "generations", p->gc->generation);
	p->gc->garbage_types =
		read_rows(rd, jval_array(o, "garbage_types"), &p->gc->n_garbage_types);
}

/* All or none: a part that is missing would not be zero. */
static void read_parts(struct reader *rd, const struct jval *memory, struct report_process *p)
{
	static const struct read_field fields[] = {
		{"bytes", READ_U64, offsetof(struct one_part, bytes)},
		{"growth_bytes_per_s", READ_DOUBLE, offsetof(struct one_part, growth)},
		END,
	};
	static const struct read_field trim[] = {{"trimmable_bytes", READ_U64, 0}, END};
	const struct jval *parts = jval_object(memory, "parts"), *o;
	struct report_parts v;

	for (size_t i = 0; i < PART_MAX; i++) {
		struct one_part one;

		o = jval_object(parts, report_part_name((enum report_part)i));
		if (!o)
			return;
		read_fields(rd, fields, o, &one);
		v.bytes[i] = one.bytes;
		v.growth[i] = one.growth;
	}
	read_fields(rd, trim, memory, &v.trimmable);
	p->parts = report_alloc(rd->r, sizeof(*p->parts));
	if (p->parts)
		*p->parts = v;
	else
		rd->out_of_memory = true;
}

void read_population(struct reader *rd, const struct jval *o, struct report_process *p)
{
	const struct jval *pools = jval_object(jval_object(o, "memory"), "pools");
	const struct jval *instances = jval_array(o, "instances");
	struct report_instance *one;

	read_parts(rd, jval_object(o, "memory"), p);
	p->classes = read_rows(rd, jval_array(o, "types"), &p->n_classes);
	read_gc(rd, jval_object(o, "gc"), p);
	p->pools = pools ? report_alloc(rd->r, sizeof(*p->pools)) : NULL;
	if (p->pools)
		read_fields(rd, pool_fields, pools, p->pools);
	p->instances = read_room(rd, instances, sizeof(*p->instances), &p->n_instances);
	one = p->instances;
	read_each(v, instances, p->n_instances)
	{
		const char *address = jval_string(jval_get(v, "address"));

		read_fields(rd, instance_fields, v, one);
		if (address)
			one->address = strtoull(address, NULL, 16);
		if (!p->instances_of)
			p->instances_of = read_string(rd, jval_get(v, "type"));
		one++;
	}
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a census found, in the report's JSON. */
#include <inttypes.h>

#include "out/json_priv.h"

static void put_generations(struct json *j, const char *key, const uint64_t *v)
{
	json_array(j, key, true);
	for (size_t i = 0; i < REPORT_GENERATIONS; i++)
		json_unsigned(j, NULL, v[i]);
	json_close(j);
}

void json_put_types(struct json *j, const struct report_process *p)
{
	json_array(j, "types", p->n_classes == 0);
	for (size_t i = 0; i < p->n_classes; i++) {
		const struct report_class_row *r = &p->classes[i];

		json_object(j, NULL, true);
		json_string(j, "name", r->name ? r->name : "");
		json_unsigned(j, "count", r->count);
		json_unsigned(j, "tracked", r->tracked);
		json_unsigned(j, "bytes", r->bytes);
		json_number(j, "growth_count_per_s", r->growth_count_per_s);
		json_number(j, "growth_bytes_per_s", r->growth_bytes_per_s);
		json_close(j);
	}
	json_close(j);
}

void json_put_gc(struct json *j, const struct report_gc *g)
{
	if (!g) {
		json_null(j, "gc");
		return;
	}
	json_object(j, "gc", false);
	json_bool(j, "enabled", g->enabled);
	json_unsigned(j, "garbage", g->garbage);
	json_array(j, "garbage_types", true);
	for (size_t i = 0; i < g->n_garbage_types; i++) {
		json_object(j, NULL, true);
		json_string(j, "name", g->garbage_types[i].name ? g->garbage_types[i].name : "");
		json_unsigned(j, "count", g->garbage_types[i].count);
		json_close(j);
	}
	json_close(j);
	put_generations(j, "thresholds", g->threshold);
	put_generations(j, "collections", g->collections);
	put_generations(j, "generations", g->generation);
	json_unsigned(j, "tracked", g->tracked);
	json_unsigned(j, "frozen", g->frozen);
	json_unsigned(j, "uncollectable", g->uncollectable);
	json_close(j);
}

void json_put_parts(struct json *j, const struct report_parts *v)
{
	json_object(j, "parts", v == NULL);
	for (size_t i = 0; v && i < PART_MAX; i++) {
		json_object(j, report_part_name((enum report_part)i), true);
		json_unsigned(j, "bytes", v->bytes[i]);
		json_number(j, "growth_bytes_per_s", v->growth[i]);
		json_close(j);
	}
	json_close(j);
	json_unsigned(j, "trimmable_bytes", v ? v->trimmable : REPORT_UNKNOWN);
}

void json_put_pools(struct json *j, const struct report_pools *v)
{
	if (!v) {
		json_null(j, "pools");
		return;
	}
	json_object(j, "pools", true);
	json_unsigned(j, "arenas", v->arenas);
	json_unsigned(j, "arena_bytes", v->arena_bytes);
	json_unsigned(j, "live_bytes", v->live_bytes);
	json_unsigned(j, "free_bytes", v->free_bytes);
	json_unsigned(j, "empty_bytes", v->empty_bytes);
	json_unsigned(j, "releasable_bytes", v->releasable_bytes);
	json_close(j);
}

void json_put_instances(struct json *j, const struct report_process *p)
{
	char hex[24];

	json_array(j, "instances", p->n_instances == 0);
	for (size_t i = 0; i < p->n_instances; i++) {
		const struct report_instance *v = &p->instances[i];

		snprintf(hex, sizeof(hex), "0x%" PRIx64, v->address);
		json_object(j, NULL, true);
		json_string(j, "address", hex);
		json_string(j, "type", p->instances_of);
		json_unsigned(j, "bytes", v->bytes);
		json_unsigned(j, "refcount", v->refcount);
		json_unsigned(j, "length", v->length);
		json_string(j, "repr", v->repr);
		json_close(j);
	}
	json_close(j);
}

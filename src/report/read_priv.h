/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Members of JSON objects into members of structures, by tables. */
#ifndef PYLEAK_REPORT_READ_PRIV_H
#define PYLEAK_REPORT_READ_PRIV_H

#include <json-c/json.h>

#include "report/read.h"

enum read_type {
	READ_U64,    /* uint64_t; null = REPORT_UNKNOWN */
	READ_COUNT,  /* uint64_t; null = 0 */
	READ_DOUBLE, /* double; null = NAN */
	READ_INT,    /* int; null = 0 */
	READ_BOOL,
	READ_STRING, /* const char *; null = NULL */
};

/* One row. A table ends with a row without a name. */
struct read_field {
	const char *name;
	enum read_type type;
	size_t offset;
};

struct reader {
	struct report *r;
	bool out_of_memory;
};

/* Every row of @table from @o, which may be NULL: then all is unknown. */
void read_fields(struct reader *rd, const struct read_field *table, struct json_object *o,
		 void *out);
/* The member @key of @o when it is of that kind, else NULL. */
struct json_object *read_object(struct json_object *o, const char *key);
struct json_object *read_array(struct json_object *o, const char *key);
/* Room for the @n things of an array; NULL when there are none or memory ran out (*n is then 0). */
void *read_room(struct reader *rd, struct json_object *array, size_t size, size_t *n);
const char *read_string(struct reader *rd, struct json_object *v);

/* Types, collector, pools, samples. */
void read_population(struct reader *rd, struct json_object *o, struct report_process *p);
void read_process(struct reader *rd, struct json_object *o, struct report_process *p);

#endif

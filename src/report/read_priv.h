/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Members of JSON objects into members of structures, by tables. */
#ifndef PYLEAK_REPORT_READ_PRIV_H
#define PYLEAK_REPORT_READ_PRIV_H

#include "base/jval.h"
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
void read_fields(struct reader *rd, const struct read_field *table, const struct jval *o,
		 void *out);
/* Room for the @n things of an array; NULL when there are none or memory ran out (*n is then 0). */
void *read_room(struct reader *rd, const struct jval *array, size_t size, size_t *n);
/* The elements of an array whose read_room was @n. */
#define read_each(v, array, n) \
	for (const struct jval *v = (n) ? jval_first(array) : NULL; v; v = jval_next(array, v))
const char *read_string(struct reader *rd, const struct jval *v);

/* Types, collector, pools, samples. */
void read_population(struct reader *rd, const struct jval *o, struct report_process *p);
void read_process(struct reader *rd, const struct jval *o, struct report_process *p);

#endif

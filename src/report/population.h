/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The findings of a census, as plain data. */
#ifndef PYLEAK_REPORT_POPULATION_H
#define PYLEAK_REPORT_POPULATION_H

#include "report/fields.h"

struct report_class_row {
	REPORT_TYPE_COUNT(FIELD_MEMBER, )
	REPORT_TYPE_REST(FIELD_MEMBER, )
	double gain; /* objects more than there were at the least; NAN = not known: too few
		      * censuses, or their number fell between two; not in the JSON */
	double late; /* part of the gain in the second half of the time; NAN = not known */
};

#define REPORT_GENERATIONS 3
struct report_gc {
	REPORT_GC_GARBAGE(FIELD_MEMBER, )
	REPORT_GC_OBJECTS(FIELD_MEMBER, )
	uint64_t threshold[REPORT_GENERATIONS], collections[REPORT_GENERATIONS];
	uint64_t generation[REPORT_GENERATIONS]; /* tracked objects of each; REPORT_UNKNOWN */
	struct report_class_row *garbage_types;	 /* name and count */
	size_t n_garbage_types;
};

struct report_pools {
	REPORT_POOLS(FIELD_MEMBER, )
};

struct report_instance {
	REPORT_INSTANCE(FIELD_MEMBER, )
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a census found, as plain data. */
#ifndef PYLEAK_REPORT_POPULATION_H
#define PYLEAK_REPORT_POPULATION_H

#include "base/base.h"

/* Objects of one type name. Buffers that no object accounts for come as rows too: "<buffer 64>". */
struct report_class_row {
	const char *name;
	uint64_t count, tracked;		       /* of these under the collector's control */
	uint64_t bytes;				       /* with what belongs to them alone */
	double growth_count_per_s, growth_bytes_per_s; /* NAN: not known */
};

#define REPORT_GENERATIONS 3
struct report_gc {
	bool enabled;
	uint64_t threshold[REPORT_GENERATIONS];
	uint64_t collections[REPORT_GENERATIONS], uncollectable;
	uint64_t tracked;			 /* objects under its control */
	uint64_t generation[REPORT_GENERATIONS]; /* of these; REPORT_UNKNOWN */
	uint64_t frozen;			 /* set aside by gc.freeze() */
	uint64_t garbage;			 /* in gc.garbage */
	struct report_class_row *garbage_types;	 /* name and count */
	size_t n_garbage_types;
};

/* pymalloc's arenas. */
struct report_pools {
	uint64_t arenas, arena_bytes;
	uint64_t live_bytes;  /* blocks in use, whole */
	uint64_t free_bytes;  /* free blocks in pools that are in use: nobody else gets these */
	uint64_t empty_bytes; /* pools without a block in use */
	uint64_t releasable_bytes; /* of these, in arenas where nothing is in use */
};

/* One object of a type that was asked for. */
struct report_instance {
	uint64_t address, bytes, refcount;
	uint64_t length;  /* REPORT_UNKNOWN: not a container */
	const char *repr; /* NULL: redacted, or nothing simple */
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every way in which something is not counted, besides those of the kernel half (pyleak/abi.h):
 * name, JSON key, sentence. */
#ifndef PYLEAK_LOST_H
#define PYLEAK_LOST_H

/* Losses that the user half counts. */
#define SESSION_LOST(X)                                                                            \
	X(SITES_FULL, "sites_full", "the table of native sites was full")                          \
	X(STACK_UNKNOWN, "stack_unknown", "the stack of a survivor was not known")                 \
	X(CODE_UNREADABLE, "code_unreadable", "a code object was gone before its name was read")   \
	X(STACKS_LEFT_OUT, "stacks_left_out",                                                      \
	  "a stack would have taken too much memory, or time to read")                             \
	X(MAPPINGS_UNNAMED, "mappings_unnamed",                                                    \
	  "the name of a mapped file would have taken too much memory")                            \
	X(TYPES_UNNAMED, "types_unnamed",                                                          \
	  "the name of a type would have taken too much memory, or time")                          \
	X(CODE_REUSED, "code_reused", "code on the stack of a survivor was gone: it has no name")  \
	X(TORN_READS, "torn_reads", "a pool header changed while it was read")                     \
	/* The judge counts these two. */                                                          \
	X(STACK_MISSING, "native_stack_missing", "a site's native stack was not to be had")        \
	X(STACK_CUT, "native_stack_cut", "a site's native stack ends in code that was unloaded")   \
	X(THINNED, "samples_thinned", "survivors left out to bound memory; the others count more") \
	X(WINDOWS_REFUSED, "windows_refused",                                                      \
	  "a sampling window was left out, for the sake of the process or the host")               \
	X(BIRTHS_UNSEEN, "births_unseen",                                                          \
	  "a new object was not among the births: it was made in a place that is not known")       \
	X(STOOD_STILL, "stood_still", "the tool stood still, and its probes were out meanwhile")   \
	X(HELD_BY_UNKNOWN, "held_by_unknown", "what holds the survivors was not found out")

/* Memory that was not read. */
#define READS_LOST(X)                                                               \
	X(PAGES_SWAPPED, "pages_swapped", "a page is swapped out and was not read") \
	X(READS_HELD_BACK, "reads_held_back",                                       \
	  "a page of a file was not read, because the process was short of memory") \
	X(PAGES_BROUGHT_IN, "pages_brought_in",                                     \
	  "a page went between our look at it and its reading, which brought it back")

#define CENSUS_NAMES_KEY "census_names_unread"
#define CENSUS_POOLS_KEY "census_pools"

/* The heap that a census has read. */
#define CENSUS_LOST(X)                                                                         \
	X(TORN, "census_torn", "a pool changed each time it was read")                         \
	X(UNREADABLE, "census_unreadable", "a part of the heap could not be read")             \
	X(CUT, "census_cut", "a list of the collector was longer than it can be")              \
	X(TYPES, "census_types", "a type more than are kept")                                  \
	X(UNNAMED, "census_unnamed",                                                           \
	  "the name of a type would have taken too much memory, or time")                      \
	X(NAMES, CENSUS_NAMES_KEY,                                                             \
	  "the name of a type could not be read: it may be the one that --type names")         \
	X(UNSEARCHED, "census_unsearched",                                                     \
	  "a mapping with much other memory was not searched to its end for blocks of malloc") \
	X(MALLOC, "census_malloc",                                                             \
	  "the blocks of malloc, which were not found: big strings and bytes are missing")     \
	X(POOLS, CENSUS_POOLS_KEY,                                                             \
	  "pymalloc's pools, which were not found: only what the collector tracks is counted")

/* The sentence of a JSON key; NULL: it is none of this version. */
const char *lost_sentence(const char *key);

#endif

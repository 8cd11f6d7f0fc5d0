/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The lists of compare.h as tables: what the JSON and its schema are made of. */
#include "compare/compare.h"

/* clang-format off */

#define ROW(S, what, member, key, ...) \
	{.name = key, .kind = FIELD_##what, .offset = offsetof(struct S, member), __VA_ARGS__},
#define SHAPE(id, S, flat) \
	{#id, sizeof(struct S), flat, ARRAY_SIZE(id##_fields), id##_fields}

static const struct field tool_fields[] = {ROW(compare, TEXT, version, "version")};
static const struct shape tool = SHAPE(tool, compare, true);

static const struct field watch_fields[] = {
	ROW(compare_watch, STRINGS, files, "files", .n_offset = offsetof(struct compare_watch, n_files))
	COMPARE_WATCH(ROW, compare_watch)
};
static const struct shape watch = SHAPE(watch, compare_watch, false);

static const struct field changes_fields[] = {COMPARE_COUNTS(ROW, compare)};
static const struct shape changes = SHAPE(changes, compare, true);

static const struct field cause_fields[] = {COMPARE_CAUSE(ROW, compare_cause)};
static const struct shape cause = SHAPE(cause, compare_cause, true);

static const struct field row_fields[] = {
	COMPARE_ROW(ROW, compare_row)
	ROW(compare_row, INSIDE, cause, "cause", .of = &cause, .is_optional = true,
	    .about = "of the first row of a cause: rows that follow are part_of it, whether they differ or not")
	ROW(compare_row, POINTED, a, "a", .of = &shape_site, .about = "as the report has it, sums of all processes")
	ROW(compare_row, POINTED, b, "b", .of = &shape_site)
};
static const struct shape row = SHAPE(row, compare_row, false);

static const struct field compare_fields[] = {
	{.name = "schema", .kind = FIELD_CONST, .is = COMPARE_SCHEMA},
	{.name = "tool", .kind = FIELD_GROUP, .of = &tool},
	ROW(compare, SHARE, level, "level",
	    .about = "of the pairs of watches of the same thing no more than this part is told to differ")
	ROW(compare, GROUP, a, "a", .of = &watch)
	ROW(compare, GROUP, b, "b", .of = &watch)
	{.name = "count", .kind = FIELD_GROUP, .of = &changes, .about = "rows, by change"},
	ROW(compare, FLAG, differs, "differs", .about = "anything is new, grew, shrank, or is gone")
	ROW(compare, FLAG, has_leak, "has_leak", .about = "what is new or grew is a leak in b")
	ROW(compare, ARRAY, rows, "rows", .n_offset = offsetof(struct compare, n_rows), .of = &row,
	    .about = "what is new or grew first, then what shrank or is gone, by how much; below the first "
	     "of a cause all of it")
};
const struct shape shape_compare = SHAPE(compare, compare, false);

/* clang-format on */

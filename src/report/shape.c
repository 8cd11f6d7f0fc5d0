/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The objects of the JSON: which of fields.h's lists each has, and what is inside of it. */
#include "report/findings.h"
#include "report/shape.h"

/* clang-format off */

#define ROW(S, what, member, key, ...) \
	{.name = key, .kind = FIELD_##what, .offset = offsetof(struct S, member), __VA_ARGS__},
#define GROUP(key, shape) \
	{.name = key, .kind = FIELD_GROUP, .of = &(shape)},
#define THING(S, what, member, key, shape, ...) \
	ROW(S, what, member, key, .of = &(shape), __VA_ARGS__)
#define MANY(S, what, member, n_member, key, shape, ...) \
	ROW(S, what, member, key, .n_offset = offsetof(struct S, n_member), .of = shape, \
	    __VA_ARGS__)
#define SHAPE(id, S, flat) \
	{#id, sizeof(struct S), flat, ARRAY_SIZE(id##_fields), id##_fields}

#define FLAT(id, S, list) \
	static const struct field id##_fields[] = {list(ROW, S)}; \
	static const struct shape id = SHAPE(id, S, true)

static const struct field tool_fields[] = {ROW(report, TEXT, version, "version")};
static const struct shape tool = SHAPE(tool, report, true);
FLAT(host, report, REPORT_HOST);

/* ---- Of a process. ---- */

FLAT(container, report_container, REPORT_CONTAINER);
FLAT(python, report_process, REPORT_PYTHON);
FLAT(member, report_member, REPORT_MEMBER);
FLAT(cgroup, report_cgroup, REPORT_CGROUP);
FLAT(series, report_series, REPORT_SERIES);
FLAT(fds, report_fds, REPORT_FDS);
FLAT(departure, report_departure, REPORT_DEPARTURE);
FLAT(probe, report_process, REPORT_PROBE);
FLAT(hint, report_hint, REPORT_HINT);
FLAT(instance, report_instance, REPORT_INSTANCE);

static const struct field pools_fields[] = {REPORT_POOLS(ROW, report_pools)};
const struct shape shape_pools = SHAPE(pools, report_pools, true);

static const struct field limits_fields[] = {
	REPORT_LIMIT(ROW, report_memory)
	REPORT_PAGES(ROW, report_memory)
	THING(report_memory, INSIDE, cgroup, "cgroup", cgroup)
};
const struct shape shape_limits = SHAPE(limits, report_memory, false);

static const struct field memory_fields[] = {
	REPORT_RSS(ROW, report_process)
	THING(report_process, PART, memory, NULL, shape_limits)
	ROW(report_process, PARTS, parts, "parts")
	ROW(report_process, TRIMMABLE, parts, "trimmable_bytes")
	THING(report_process, POINTED, pools, "pools", shape_pools,
	      .about = "pymalloc: free_bytes lie between live blocks, empty_bytes in pools without "
		       "one, of these releasable_bytes in arenas without one")
	MANY(report_process, ARRAY, series, n_series, "series", &series)
};
const struct shape shape_memory = SHAPE(memory, report_process, false);

static const struct field baseline_fields[] = {
	REPORT_BASELINE(ROW, report_baseline)
	MANY(report_baseline, ARRAY, departures, n_departures, "departures", &departure)
};
static const struct shape baseline = SHAPE(baseline, report_baseline, false);

static const struct field verdict_fields[] = {
	REPORT_VERDICT(ROW, report_process)
	{.name = "too_early", .kind = FIELD_EARLY, .is_optional = true,
	 .about = "steady in name only: nothing can be said of its growth yet"},
	THING(report_process, INSIDE, hint, "hint", hint, .about = "about the process as a whole")
};
static const struct shape verdict = SHAPE(verdict, report_process, true);

/* ---- Of a site. ---- */

FLAT(type, report_type, REPORT_TYPE);
FLAT(held, report_held, REPORT_HELD);
FLAT(stays, report_stays, REPORT_STAYS);

static const struct field python_frame_fields[] = {
	{.name = "lang", .kind = FIELD_CONST, .is = "python"},
	ROW(report_frame, TEXT, function, "function")
	ROW(report_frame, TEXT, file, "file")
	ROW(report_frame, LINE, line, "line")
	REPORT_SOURCE(ROW, report_frame)
};
static const struct field native_frame_fields[] = {
	{.name = "lang", .kind = FIELD_CONST, .is = "native"},
	ROW(report_frame, MAYBE, function, "function")
	ROW(report_frame, TEXT, module, "module")
	ROW(report_frame, MAYBE, build_id, "build_id",
	    .about = "of the file that the offset is in; null: not known, or it has none")
	ROW(report_frame, HEX, offset, "offset")
	ROW(report_frame, MAYBE, file, "file")
	ROW(report_frame, LINE, line, "line")
	REPORT_SOURCE(ROW, report_frame)
};
static const struct shape frames[2] = {
	SHAPE(python_frame, report_frame, true),
	SHAPE(native_frame, report_frame, true),
};

static const struct field site_fields[] = {
	ROW(report_site, ID, id, "id",
	    .about = "the same for the same Python stack on every host and in every run, also when "
		     "lines above it move")
	REPORT_SITE(ROW, report_site)
	MANY(report_site, ARRAY, types, n_types, "types", &type, .is_flat = true)
	THING(report_site, INSIDE, hint, "hint", hint)
	THING(report_site, INSIDE, held_by, "held_by", held)
	THING(report_site, INSIDE, stays, "stays", stays, .is_optional = true,
	      .about = "what stays of what is born; not there where the error is more than a twentieth")
	MANY(report_site, FRAMES, stack, n_frames, "stack", frames, .about = "innermost first")
};
const struct shape shape_site = SHAPE(site, report_site, false);

static const struct field finding_fields[] = {
	REPORT_FINDING(ROW, report_finding)
	THING(report_finding, POINTED, frame, "frame", frames[0],
	      .about = "the program's own line that called for it, or else the innermost line there is; "
		       "null: no line of Python is known")
	THING(report_finding, INSIDE, hint, "hint", hint)
	THING(report_finding, INSIDE, held_by, "held_by", held)
	MANY(report_finding, STRINGS, sites, n_sites, "sites", NULL,
	     .about = "ids, the first site's first; their sums are above")
};
static const struct shape finding = SHAPE(finding, report_finding, false);

/* ---- Of a census. ---- */

FLAT(type_count, report_class_row, REPORT_TYPE_COUNT);

static const struct field class_row_fields[] = {
	REPORT_TYPE_COUNT(ROW, report_class_row)
	REPORT_TYPE_REST(ROW, report_class_row)
};
const struct shape shape_class_row = SHAPE(class_row, report_class_row, true);

static const struct field gc_fields[] = {
	REPORT_GC_GARBAGE(ROW, report_gc)
	MANY(report_gc, ARRAY, garbage_types, n_garbage_types, "garbage_types", &type_count,
	     .is_flat = true, .about = "what lies in gc.garbage")
	ROW(report_gc, BY_GENERATION, threshold, "thresholds")
	ROW(report_gc, BY_GENERATION, collections, "collections")
	ROW(report_gc, BY_GENERATION, generation, "generations",
	    .about = "tracked objects by generation")
	REPORT_GC_OBJECTS(ROW, report_gc)
};
const struct shape shape_gc = SHAPE(gc, report_gc, false);

/* ---- All of it. ---- */

static const struct field process_fields[] = {
	REPORT_IDENTITY(ROW, report_process)
	MANY(report_process, STRINGS, cmdline, n_cmdline, "cmdline", NULL)
	THING(report_process, INSIDE, container, "container", container)
	GROUP("python", python)
	REPORT_STATE(ROW, report_process)
	GROUP("memory", shape_memory)
	THING(report_process, INSIDE, fds, "fds", fds)
	THING(report_process, INSIDE, baseline, "baseline", baseline,
	      .about = "against the earlier runs of the same service; null: --baseline was not "
		       "given")
	GROUP("probe", probe)
	GROUP("verdict", verdict)
	MANY(report_process, STRINGS, notes, n_notes, "notes", NULL, .is_optional = true,
	     .about = "sentences: what could not be done as it usually is, and what was done "
		      "in its place")
	MANY(report_process, ARRAY, members, n_members, "members", &member, .is_optional = true,
	     .about = "the processes that a merged report stands for, worst first; pid is null "
		      "then")
	{.name = "findings", .kind = FIELD_FINDINGS, .of = &finding,
	 .about = "one for each cause: sites that one container keeps, or that one line called "
		  "for; none of what is steady"},
	MANY(report_process, ARRAY, sites, n_sites, "sites", &shape_site,
	     .about = "by expected loss: growth, times how sure it is that it goes on")
	MANY(report_process, ARRAY, classes, n_classes, "types", &shape_class_row,
	     .about = "by bytes; with what belongs to the objects alone. \"<buffer N>\": blocks "
		      "of the size class N that no object accounts for, \"<buffer malloc>\": "
		      "outside of pools")
	THING(report_process, POINTED, gc, "gc", shape_gc)
	MANY(report_process, ARRAY, instances, n_instances, "instances", &instance,
	     .about = "samples of the type that was asked for; repr is null when redacted or not "
		      "simple")
	ROW(report_process, LOST, lost, "lost",
	    .about = "every way in which something was not counted; all zero is a clean run")
};
const struct shape shape_process = SHAPE(process, report_process, false);

static const struct field tree_fields[] = {
	REPORT_TREE(ROW, report_tree)
	THING(report_tree, OWNED, merged, "merged", shape_process)
};
static const struct shape tree = SHAPE(tree, report_tree, false);

static const struct field report_fields[] = {
	{.name = "schema", .kind = FIELD_CONST, .is = REPORT_SCHEMA},
	GROUP("tool", tool)
	GROUP("host", host)
	REPORT_TIMES(ROW, report)
	MANY(report, ARRAY, processes, n_processes, "processes", &shape_process)
	THING(report, POINTED, tree, "tree", tree,
	      .about = "With --children: those that were started, counted, and all watched ones as "
		       "one process. null otherwise.")
	REPORT_NOT_WATCHED(ROW, report)
};
const struct shape shape_report = SHAPE(report, report, false);

/* clang-format on */

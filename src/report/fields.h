/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The members of the report, each once. From these lists come the members of the structures, the
 * JSON (out/json.c), what reads it (read.c), the sums of a merge, and build/report.schema.json.
 * Their order is that of the JSON.
 *
 *	X(S, kind, member, "name in the JSON", what else a row of shape.h has)
 *
 * An object or an array inside another has its row in shape.c.
 */
#ifndef PYLEAK_REPORT_FIELDS_H
#define PYLEAK_REPORT_FIELDS_H

#include "base/base.h"

/* Kinds that a row declares. Beside each: how it is written, and what null stands for. */
#define FIELD_C_COUNT  uint64_t	    /* a whole number; REPORT_UNKNOWN */
#define FIELD_C_TALLY  uint64_t	    /* the same; 0 */
#define FIELD_C_HEX    uint64_t	    /* "0x1f40" */
#define FIELD_C_NUMBER double	    /* NAN, as of the next three */
#define FIELD_C_AMOUNT double	    /* not below 0 */
#define FIELD_C_SHARE  double	    /* 0..1 */
#define FIELD_C_TIME   double	    /* seconds since the epoch; RFC 3339 */
#define FIELD_C_INT    int	    /* never null */
#define FIELD_C_LINE   int	    /* 0 */
#define FIELD_C_PID    int	    /* any number, in a report that stands for many */
#define FIELD_C_FLAG   bool	    /* never null */
#define FIELD_C_ENDED  bool	    /* "running|exited" */
#define FIELD_C_TEXT   const char * /* never null: NULL is "" */
#define FIELD_C_MAYBE  const char * /* NULL */
#define FIELD_C_CLASS  enum report_class
#define FIELD_C_KIND   enum report_kind

#define FIELD_MEMBER(S, kind, member, ...) FIELD_C_##kind member;

/* clang-format off */

#define REPORT_HOST(X, S) \
	X(S, TEXT, hostname, "hostname") \
	X(S, TEXT, kernel, "kernel") \
	X(S, TEXT, arch, "arch")

#define REPORT_TIMES(X, S) \
	X(S, TIME, started_at, "started_at") \
	X(S, TIME, ended_at, "ended_at") \
	X(S, AMOUNT, duration_s, "duration_s")

#define REPORT_NOT_WATCHED(X, S) \
	X(S, TALLY, not_watched, "not_watched", .is_optional = true, .least = 1, \
	  .about = "of a sweep: processes that may be Pythons and could not be looked at") \
	X(S, MAYBE, not_watched_why, "not_watched_why", .is_optional = true, \
	  .about = "the last reason for one of them")

/* ---- A process: who it is. ---- */

#define REPORT_IDENTITY(X, S) \
	X(S, PID, pid, "pid", .least = 1) \
	X(S, PID, ns_pid, "ns_pid", .about = "as the process sees itself") \
	X(S, PID, ppid, "ppid") \
	X(S, TEXT, comm, "comm", .merge = MERGE_SAME)

#define REPORT_CONTAINER(X, S) \
	X(S, TEXT, id, "id") /* NULL: in none that we know of */ \
	X(S, MAYBE, name, "name") \
	X(S, MAYBE, runtime, "runtime") \
	X(S, MAYBE, pod, "pod") \
	X(S, MAYBE, namespace, "namespace")

#define REPORT_PYTHON(X, S) \
	X(S, MAYBE, python_version, "version", .merge = MERGE_SAME, .is = "^3\\.[0-9]+") \
	X(S, MAYBE, allocator, "allocator", .merge = MERGE_SAME, \
	  .is = "pymalloc|malloc|mimalloc|debug|other") \
	X(S, FLAG, free_threaded, "free_threaded", .merge = MERGE_SUM) \
	X(S, MAYBE, build, "build", .merge = MERGE_SAME, \
	  .about = "compiler, how it was optimised and linked, libc, as its code tells: " \
		   "nothing of PGO or a JIT inside; null: not known") \
	X(S, MAYBE, tested_as, "tested_as", .merge = MERGE_SAME, \
	  .about = "a build that the tool is tested on and that is like it; null: none is")

#define REPORT_STATE(X, S) \
	X(S, MAYBE, mode, "mode", .merge = MERGE_SAME, .is = "exact|auto|growth") \
	X(S, ENDED, exited, "state") \
	X(S, MAYBE, goes_on, "goes_on", .is_optional = true, \
	  .about = "of one that is exited for the watch alone: what it does now, unwatched")

/* One of the processes that a merged report stands for. */
#define REPORT_MEMBER(X, S) \
	X(S, TEXT, hostname, "hostname", .absent = "") \
	X(S, INT, pid, "pid") \
	X(S, TEXT, comm, "comm", .absent = "") \
	X(S, CLASS, verdict, "verdict") \
	X(S, COUNT, rss_bytes, "rss_bytes", .is = "#unsigned") \
	X(S, NUMBER, growth_bytes_per_s, "growth_bytes_per_s")

/* ---- Its memory. ---- */

#define REPORT_RSS(X, S) \
	X(S, COUNT, rss_bytes, "rss_bytes", .merge = MERGE_SUM) \
	X(S, NUMBER, rss_growth_bytes_per_s, "rss_growth_bytes_per_s", .merge = MERGE_SUM) \
	X(S, SHARE, explained, "growth_explained", \
	  .about = "share of the growth of RSS, or of live blocks where those grow faster, that " \
		   "the sites explain; null: nothing grows, or these are many processes")

/* The limit that will be met first; a source of NULL: none is known. */
#define REPORT_LIMIT(X, S) \
	X(S, COUNT, limit_bytes, "limit_bytes") \
	X(S, MAYBE, limit_source, "limit_source", .is = "cgroup|rlimit|ram") \
	X(S, MAYBE, limit_name, "limit_name", .about = "cgroup path, name of the rlimit, or RAM") \
	X(S, AMOUNT, left_low, "limit_left_bytes", \
	  .about = "room below the limit, counting page cache that is surely given up") \
	X(S, AMOUNT, eta_s, "oom_eta_s", \
	  .about = "until the limit is reached at the rate of the growth, RAM by all of a " \
		   "merged report's host; null where nothing grows") \
	X(S, AMOUNT, eta_low_s, "oom_eta_low_s", .about = "the reach of oom_eta_s, lower end") \
	X(S, AMOUNT, eta_high_s, "oom_eta_high_s", \
	  .about = "upper end; null: no upper end is known")

#define REPORT_PAGES(X, S) \
	X(S, COUNT, pss, "pss_bytes", .merge = MERGE_SUM) \
	X(S, COUNT, anon, "anon_bytes", .merge = MERGE_SUM) \
	X(S, COUNT, swap, "swap_bytes", .merge = MERGE_SUM) \
	X(S, COUNT, huge, "huge_bytes", .merge = MERGE_SUM) \
	X(S, COUNT, private_bytes, "private_bytes", .merge = MERGE_SUM) \
	X(S, COUNT, shared, "shared_bytes", .merge = MERGE_SUM) \
	X(S, AMOUNT, minor_faults_per_s, "minor_faults_per_s", .merge = MERGE_SUM) \
	X(S, AMOUNT, major_faults_per_s, "major_faults_per_s", .merge = MERGE_SUM)

#define REPORT_CGROUP(X, S) \
	X(S, INT, version, "version", .is = "1|2") /* 0: not known, and nothing below */ \
	X(S, TEXT, path, "path") \
	X(S, COUNT, current, "current_bytes") \
	X(S, COUNT, file, "file_bytes", .about = "page cache") \
	X(S, COUNT, limit, "limit_bytes", .about = "the tightest on the way up") \
	X(S, COUNT, high, "high_bytes", .about = "memory.high: throttled from here on") \
	X(S, COUNT, oom_kills, "oom_kills")

#define REPORT_SERIES(X, S) \
	X(S, NUMBER, t_s, "t_s") \
	X(S, COUNT, rss_bytes, "rss_bytes") \
	X(S, COUNT, heap_bytes, "heap_bytes") \
	X(S, COUNT, fds, "fds") \
	X(S, COUNT, threads, "threads") \
	X(S, COUNT, anon_bytes, "anon_bytes") \
	X(S, COUNT, swap_bytes, "swap_bytes") \
	X(S, COUNT, cgroup_bytes, "cgroup_bytes")

/* pymalloc's arenas. */
#define REPORT_POOLS(X, S) \
	X(S, COUNT, arenas, "arenas") \
	X(S, COUNT, arena_bytes, "arena_bytes") \
	X(S, COUNT, live_bytes, "live_bytes") /* blocks in use, whole */ \
	X(S, COUNT, free_bytes, "free_bytes") /* in pools that are in use: for nobody else */ \
	X(S, COUNT, empty_bytes, "empty_bytes") /* pools without a block in use */ \
	X(S, COUNT, releasable_bytes, "releasable_bytes") /* of these, in arenas without one */

/* ---- What is open; what earlier runs were like; how it was watched; what is said of it. ---- */

#define REPORT_FDS(X, S) \
	X(S, TEXT, means, "lines_from", .is = "libc|syscalls|none", /* NULL: not watched */ \
	  .about = "where the lines of descriptors come from") \
	X(S, COUNT, open, "open") \
	X(S, COUNT, at_attach, "at_attach", .about = "of these, open before the tool came") \
	X(S, COUNT, no_line, "no_line", .about = "of these, opened in a way that was not seen") \
	X(S, COUNT, limit, "limit_fds") /* RLIMIT_NOFILE */ \
	X(S, NUMBER, growth_per_s, "growth_per_s") \
	X(S, AMOUNT, eta_s, "fds_eta_s", \
	  .about = "until the limit is reached, null: it will not be") \
	X(S, COUNT, children, "children", .about = "started since, and still there") \
	X(S, TALLY, of_pid, "of_pid", .is_optional = true, .least = 1, \
	  .about = "of many processes: that of the one that meets its limit first, as all this") \
	X(S, MAYBE, of_host, "of_host", .is_optional = true, .about = "where that one runs")

#define REPORT_BASELINE(X, S) \
	X(S, TEXT, service, "service") /* NULL: no baseline was asked for */ \
	X(S, TALLY, runs, "runs")

#define REPORT_DEPARTURE(X, S) \
	X(S, TEXT, name, "name", .is = "rss_bytes|heap_bytes|growth_bytes_per_s|fds|threads") \
	X(S, NUMBER, value, "value") \
	X(S, NUMBER, typical, "typical") \
	X(S, NUMBER, limit, "limit")

#define REPORT_PROBE(X, S) \
	X(S, MAYBE, mechanism, "mechanism", .merge = MERGE_SAME, \
	  .is = "session|multi|perf|tracefs|none") \
	X(S, AMOUNT, on_s, "on_s", .merge = MERGE_SUM, \
	  .about = "for how long the probes on births were all in, and told of births") \
	X(S, SHARE, coverage, "coverage", \
	  .about = "share of the time in which births were watched") \
	X(S, AMOUNT, slowdown_pct, "slowdown_pct", .merge = MERGE_MOST, \
	  .about = "the part of its CPU time that watching cost, estimated; of many processes " \
		   "the mean, weighed by that time") \
	X(S, AMOUNT, core_pct, "core_pct", .merge = MERGE_SUM, \
	  .about = "the same, of one core; of many processes the sum, each weighed by the part of " \
		   "the time that it was watched for") \
	X(S, AMOUNT, stall_ms, "stall_ms", .merge = MERGE_MOST, \
	  .about = "by how much a window of late delayed what ran in it, at most; 0: there is none") \
	X(S, AMOUNT, stalls_per_s, "stalls_per_s", .merge = MERGE_MOST, \
	  .about = "windows a second of late")

#define REPORT_VERDICT(X, S) \
	X(S, CLASS, verdict, "class") \
	X(S, SHARE, confidence, "confidence") \
	X(S, TEXT, reason, "reason", .about = "one sentence") \
	X(S, TALLY, unjudged, "unjudged", .is_optional = true, .least = 1, .merge = MERGE_SUM, \
	  .about = "of many processes: so many were watched too short a time to be judged") \
	X(S, TALLY, unjudged_bytes_per_s, "unjudged_growth_bytes_per_s", .is_optional = true, \
	  .least = 1, .about = "what one of those grew by meanwhile, at most") \
	X(S, TALLY, unnamed, "unnamed", .is_optional = true, .least = 1, .merge = MERGE_SUM, \
	  .about = "of many processes: so many more than are among the members") \
	X(S, TALLY, unnamed_alike, "unnamed_alike", .is_optional = true, .least = 1, \
	  .about = "those of them whose verdict is this one")

/* The cause in one word of the contract, and what to do about it. */
#define REPORT_HINT(X, S) \
	X(S, TEXT, code, "code", /* NULL: none */ \
	  .is = "unbounded-container|lru-cache|closure|exception-traceback|cycle-gc-disabled|" \
		"cycle-uncollectable|gc-garbage|unreferenced|native-leak|fd-not-closed|" \
		"socket-not-closed|db-connection-not-closed|child-not-reaped|" \
		"mapping-not-released|thread-not-ended|task-not-ended|view-pins-base|" \
		"frozen-garbage|classes-created|queue-backlog|arena-fragmentation|" \
		"malloc-fragmentation|copy-on-write|huge-pages|page-cache") \
	X(S, TEXT, text, "text") /* one sentence and the remedy; may hold line breaks */

/* Text that a frame has when its file could be read while it was watched. */
#define REPORT_SOURCE(X, S) \
	X(S, MAYBE, source, "source", .is_optional = true, .about = "the text of the line") \
	X(S, MAYBE, around, "around", .is_optional = true, \
	  .about = "up to five lines, the first of them two above the line where there are two")

/* ---- A site. ---- */

#define REPORT_SITE(X, S) \
	X(S, MAYBE, id_by, "id_by", .is = "source|offset|line", \
	  .about = "what the id rests on besides functions and files: the text of lines, their " \
		   "offset within the function where the text cannot be read, their number; " \
		   "null: C code alone, or a report of an older version") \
	X(S, KIND, kind, "kind") \
	X(S, CLASS, verdict, "verdict") \
	X(S, SHARE, confidence, "confidence") \
	X(S, MAYBE, reason, "reason", .about = "one sentence for the verdict") \
	X(S, MAYBE, part_of, "part_of", .is_optional = true, \
	  .about = "id of the site that has the same cause and comes first: the same container " \
		   "that grows keeps both, or the same line of the program called for both") \
	X(S, TALLY, unlisted, "unlisted", .is_optional = true, .least = 1, .merge = MERGE_SUM, \
	  .about = "sites of the same cause that are too small to be listed") \
	X(S, TALLY, unlisted_bytes_per_s, "unlisted_growth_bytes_per_s", .is_optional = true, \
	  .least = 1, .merge = MERGE_SUM, .about = "what those grow by") \
	X(S, TALLY, unlisted_count_per_s, "unlisted_growth_count_per_s", .is_optional = true, \
	  .least = 1, .merge = MERGE_SUM, .about = "the same of its kind, in number") \
	X(S, TALLY, unlisted_bytes, "unlisted_outstanding_bytes", .is_optional = true, \
	  .least = 1, .merge = MERGE_SUM, .about = "what they hold") \
	X(S, AMOUNT, outstanding_bytes, "outstanding_bytes", .merge = MERGE_SUM) \
	X(S, AMOUNT, outstanding_count, "outstanding_count", .merge = MERGE_SUM) \
	X(S, AMOUNT, waste_bytes, "waste_bytes", .merge = MERGE_SUM, \
	  .about = "of native blocks: bytes that the allocator handed out beyond what was asked " \
		   "for; not in outstanding_bytes; null of other kinds and where it is not known") \
	X(S, NUMBER, growth_bytes_per_s, "growth_bytes_per_s", .merge = MERGE_SUM) \
	X(S, NUMBER, growth_count_per_s, "growth_count_per_s", .merge = MERGE_SUM) \
	X(S, FLAG, estimated, "estimated", .merge = MERGE_SUM) \
	X(S, COUNT, samples, "samples") \
	X(S, AMOUNT, independent, "independent_samples", \
	  .about = "those that came together (one request, one loop) count less: the relative " \
		   "error of the rate is one over the root of this number; null: not known") \
	X(S, AMOUNT, oldest_s, "oldest_s", .merge = MERGE_MOST) \
	X(S, TALLY, processes, "processes", .is_optional = true, .least = 1, /* 0: it is of one */ \
	  .about = "in how many processes of a merged report this site is") \
	X(S, TALLY, of_processes, "of_processes", .is_optional = true, .least = 1, \
	  .about = "so many have the command lines of those, numbers in them aside, and were " \
		   "watched by more than their size: diff divides by it")

#define REPORT_TYPE(X, S) \
	X(S, TEXT, name, "name", .absent = "?") \
	X(S, SHARE, share, "share")

/* Growth per unit of work. */
#define REPORT_STAYS(X, S) \
	X(S, TEXT, type, "type", .about = "most of the site's objects are of it") \
	X(S, AMOUNT, per_1000, "per_1000_births", \
	  .about = "of 1,000 objects of this type that are born, anywhere in the process, so many " \
		   "are born here and stay") \
	X(S, AMOUNT, error, "error", .about = "of that, one standard deviation") \
	X(S, FLAG, is_even, "even", \
	  .about = "as many of the births in the second half as in the first, within the error")

/* The holder that keeps the objects of a site alive. */
#define REPORT_HELD(X, S) \
	X(S, TEXT, path, "path") /* NULL: not known */ \
	X(S, SHARE, share, "share", \
	  .about = "of the objects that were asked for; those that hang on the same container by " \
		   "another way behind it count, too")

/* ---- Sites of one cause, together. ---- */

/* Counts are of the first site's kind: objects and blocks are not added up. */
#define REPORT_FINDING(X, S) \
	X(S, TEXT, id, "id", .about = "of the site that comes first") \
	X(S, KIND, kind, "kind") \
	X(S, CLASS, verdict, "verdict") \
	X(S, SHARE, confidence, "confidence") \
	X(S, NUMBER, growth_bytes_per_s, "growth_bytes_per_s") \
	X(S, NUMBER, growth_count_per_s, "growth_count_per_s") \
	X(S, AMOUNT, outstanding_bytes, "outstanding_bytes")

/* ---- What a census found. ---- */

/* Objects of one type name. Buffers that no object accounts for come as rows too: "<buffer 64>". */
#define REPORT_TYPE_COUNT(X, S) \
	X(S, TEXT, name, "name", .absent = "") \
	X(S, COUNT, count, "count")
#define REPORT_TYPE_REST(X, S) \
	X(S, COUNT, tracked, "tracked") /* of these under the collector's control */ \
	X(S, COUNT, bytes, "bytes") /* with what belongs to them alone */ \
	X(S, NUMBER, growth_count_per_s, "growth_count_per_s") \
	X(S, NUMBER, growth_bytes_per_s, "growth_bytes_per_s")

#define REPORT_GC_GARBAGE(X, S) \
	X(S, FLAG, enabled, "enabled") \
	X(S, COUNT, garbage, "garbage") /* in gc.garbage */
#define REPORT_GC_OBJECTS(X, S) \
	X(S, COUNT, tracked, "tracked") /* objects under its control */ \
	X(S, COUNT, frozen, "frozen") /* set aside by gc.freeze() */ \
	X(S, COUNT, uncollectable, "uncollectable")

/* One object of a type that was asked for. */
#define REPORT_INSTANCE(X, S) \
	X(S, HEX, address, "address") \
	X(S, TEXT, type, "type") \
	X(S, COUNT, bytes, "bytes") \
	X(S, COUNT, refcount, "refcount") \
	X(S, COUNT, length, "length") /* not of what is no container */ \
	X(S, MAYBE, repr, "repr") /* NULL: redacted, or nothing simple */

/* ---- A process and those it started, together. ---- */

#define REPORT_TREE(X, S) \
	X(S, TALLY, started, "started") /* children, once each: there before us, or since */ \
	X(S, TALLY, watched, "watched") /* of them, with probes */ \
	X(S, TALLY, short_lived, "short_lived") /* ended before they were worth a look */ \
	X(S, TALLY, not_python, "not_python") \
	X(S, TALLY, not_watched, "not_watched") /* no place until they ended; or refused */ \
	X(S, TALLY, no_start, "no_start") /* watched, but not what they allocated first */ \
	X(S, TALLY, lost, "lost") /* starts and ends that the kernel could not tell */

/* clang-format on */

#endif

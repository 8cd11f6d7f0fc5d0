/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two watches, site by site: what is new, grew, shrank, is gone, and whether that is more than
 * chance. Plain data; rates are growth per second of one process, on the average of those that run
 * the same program. What is in the JSON is listed here, once (report/fields.h). */
#ifndef PYLEAK_COMPARE_H
#define PYLEAK_COMPARE_H

#include "report/report.h"
#include "report/shape.h"

#define COMPARE_SCHEMA "pyleak-bpf/diff/1"

enum compare_change {
	COMPARE_NEW,
	COMPARE_GREW,
	COMPARE_SHRANK,
	COMPARE_GONE,
	COMPARE_UNSURE,
	COMPARE_SAME,
	COMPARE_MAX
};

/* clang-format off */

/* One of the two: a report, or several as one. */
#define COMPARE_WATCH(X, S) \
	X(S, TALLY, processes, "processes") \
	X(S, TALLY, hosts, "hosts") \
	X(S, MAYBE, comm, "comm", .about = "null: they differ") \
	X(S, TIME, started_at, "started_at") \
	X(S, TIME, ended_at, "ended_at") \
	X(S, AMOUNT, duration_s, "duration_s", .about = "of the longest watch") \
	X(S, AMOUNT, on_s, "on_s", .about = "for how long births were watched, of all processes") \
	X(S, COUNT, rss_bytes, "rss_bytes") \
	X(S, NUMBER, rss_growth_bytes_per_s, "rss_growth_bytes_per_s") \
	X(S, CLASS, verdict, "class") \
	X(S, SHARE, confidence, "confidence")

#define COMPARE_COUNTS(X, S) \
	X(S, TALLY, count[COMPARE_NEW], "new") \
	X(S, TALLY, count[COMPARE_GREW], "grew") \
	X(S, TALLY, count[COMPARE_SHRANK], "shrank") \
	X(S, TALLY, count[COMPARE_GONE], "gone") \
	X(S, TALLY, count[COMPARE_UNSURE], "unsure") \
	X(S, TALLY, count[COMPARE_SAME], "same")

#define COMPARE_ROW(X, S) \
	X(S, TEXT, change, "change", .is = "new|grew|shrank|gone|unsure|same", \
	  .about = "same: no difference, and a doubling would have been seen; unsure: too few " \
		   "samples to tell") \
	X(S, TEXT, unit, "unit", .is = "bytes|count") \
	X(S, AMOUNT, a_per_s, "a_per_s", \
	  .about = "growth of one process, on the average of those of its command line; 0: does " \
		   "not grow, or was not seen") \
	X(S, AMOUNT, b_per_s, "b_per_s") \
	X(S, AMOUNT, ratio, "ratio", .about = "b over a; null: one of them is 0") \
	X(S, AMOUNT, ratio_low, "ratio_low", .about = "95 % interval") \
	X(S, AMOUNT, ratio_high, "ratio_high") \
	X(S, SHARE, chance, "chance", \
	  .about = "how often two watches of the same thing differ as much; null: not tested") \
	X(S, FLAG, by_line, "by_line", \
	  .about = "the two have other ids, as one rests on numbers of lines, and these are equal") \
	X(S, MAYBE, part_of, "part_of", .is_optional = true, \
	  .about = "id of the site of the row above that is the first of the same cause")

#define COMPARE_CAUSE(X, S) \
	X(S, TALLY, places, "places", .least = 2, .about = "of one cause, in A or in B") \
	X(S, AMOUNT, a_per_s, "a_per_s", .about = "bytes, of all of them") \
	X(S, AMOUNT, b_per_s, "b_per_s")

/* clang-format on */

struct compare_watch {
	const char **files;
	size_t n_files;
	COMPARE_WATCH(FIELD_MEMBER, )
	const struct report_process *all; /* NULL: no process was reported */
};

struct compare_cause {
	COMPARE_CAUSE(FIELD_MEMBER, )
};

struct compare_row {
	enum compare_change is;
	COMPARE_ROW(FIELD_MEMBER, )
	/* set in a cause's first row; no places: it has no other rows */
	struct compare_cause cause;
	const struct report_site *a, *b; /* sums over processes; NULL: not in that watch */
	const struct report_site *site;	 /* b, or a where there is no b */
};

struct compare {
	const char *version; /* of the tool */
	double level;	     /* share of pairs of equal watches that show a difference */
	struct compare_watch a, b;
	uint64_t count[COMPARE_MAX];
	bool differs, has_leak; /* has_leak: a row that is new or grew is a leak in b */
	struct compare_row
		*rows; /* new and grown first, by how much, each with those of its cause */
	size_t n_rows;
};

extern const struct shape shape_compare;

/* Compares reports with one process at most, as report_merge() makes them; the result points to
 * them. -ENOMEM with the sentence. */
int compare_reports(const struct report *a, const struct report *b, struct compare *out);
void compare_free(struct compare *c);
/* The mean for one process, @v being the sum over all processes that have @s in @w. */
double compare_mean(double v, const struct report_site *s, const struct compare_watch *w);

#endif

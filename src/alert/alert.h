/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Threshold rules: "rss>2G", "growth>1M/min for 10m", "eta<1h". Plain data for one thread at a
 * time; the caller brings the metrics of a process and the clock. */
#ifndef PYLEAK_ALERT_ALERT_H
#define PYLEAK_ALERT_ALERT_H

#include "base/base.h"

enum metric {
	METRIC_RSS, /* bytes, as the next three */
	METRIC_PSS,
	METRIC_SWAP,
	METRIC_HEAP,
	METRIC_GROWTH, /* of RSS in bytes per second, over the last minute */
	METRIC_FDS,
	METRIC_THREADS,
	METRIC_LIMIT, /* percent of the nearest limit that is in use */
	METRIC_ETA,   /* seconds until that limit is reached; INFINITY = never, as it looks */
	METRIC_MAX
};
const char *metric_name(enum metric m);

/* The metrics of a process at a moment; NAN = not known. */
struct metrics {
	double v[METRIC_MAX];
	bool is_of_ram; /* the limit of METRIC_ETA is the machine's memory */
};
/* Sets METRIC_ETA of all processes whose limit is the machine's memory to the time at which they
 * will have used it up together. */
void metrics_share_ram(struct metrics *m, size_t n);

struct alert_rule {
	const char *text; /* as given, which names the rule in events; not ours */
	enum metric metric;
	bool below, or_equal; /* "<" or ">"; "=" behind it */
	double value;	      /* in the metric's unit */
	double for_s;	      /* the rule fires when it has held for so long; 0 = at once */
	double per_s;	      /* the time unit of a rate as given, in seconds; 0 = it is no rate */
};

/* Parses a rule, which keeps @text. -EINVAL with a sentence that says what was meant, where that
 * can be guessed. */
int alert_parse(const char *text, struct alert_rule *out);

/* The state of one rule on one process; all zero at first. */
struct alert_state {
	bool holds, firing, fired;	    /* now; now; ever */
	bool unknown, told;		    /* it is not known now; that was told once */
	double since_s, fired_s, unknown_s; /* since it holds; it last fired; since it is unknown */
};

enum alert_event { ALERT_NOTHING, ALERT_FIRES, ALERT_ENDS, ALERT_UNKNOWN };

/* Takes the metric's @value at @now_s, seconds of any clock; NAN = not known. A rule fires once,
 * when it has held for its time, and ends when it holds no more; one that flutters does not fire
 * again within ALERT_AGAIN_S. An unknown value keeps the state; when it is unknown for
 * ALERT_UNKNOWN_S, that is told once. */
#define ALERT_AGAIN_S	60
#define ALERT_UNKNOWN_S 60
enum alert_event alert_step(const struct alert_rule *r, struct alert_state *s, double value,
			    double now_s);

/* Writes the sentence "rss is 2.1 GiB, above 2.0 GiB, for 10 m 00 s" into @buf, and returns it. */
char *alert_sentence(const struct alert_rule *r, double value, char *buf, size_t size);

#endif

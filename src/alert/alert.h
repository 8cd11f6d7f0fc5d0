/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Threshold rules: "rss>2G", "growth>1M/min for 10m", "eta<1h". */
#ifndef PYLEAK_ALERT_ALERT_H
#define PYLEAK_ALERT_ALERT_H

#include "base/base.h"

enum metric {
	METRIC_RSS,
	METRIC_PSS,
	METRIC_SWAP,
	METRIC_HEAP,
	METRIC_GROWTH, /* of RSS, bytes per second over the last minute */
	METRIC_FDS,
	METRIC_THREADS,
	METRIC_LIMIT, /* percent of the nearest limit that is in use */
	METRIC_ETA,   /* seconds until it is reached */
	METRIC_MAX
};
const char *metric_name(enum metric m);

/* The metrics of a process at a moment; NAN = not known. */
struct metrics {
	double v[METRIC_MAX];
	bool is_of_ram; /* the limit of METRIC_ETA */
};
/* METRIC_ETA of each whose limit is RAM becomes the time at which all of them have used it up. */
void metrics_share_ram(struct metrics *m, size_t n);

struct alert_rule {
	const char *text; /* as given: the rule's name in events */
	enum metric metric;
	bool below, or_equal;
	double value; /* in the metric's unit */
	double for_s;
	double per_s; /* of a rate: seconds in the time by which it was given; 0 = one */
};

/* -EINVAL with a sentence that says what was meant, where that can be guessed. */
int alert_parse(const char *text, struct alert_rule *out);

/* One rule on one process. Zeroed at first. */
struct alert_state {
	bool holds, firing, fired;
	bool unknown, told;
	double since_s, fired_s, unknown_s;
};

enum alert_event { ALERT_NOTHING, ALERT_FIRES, ALERT_ENDS, ALERT_UNKNOWN };

/* The metric is @value at @now_s. A rule fires once, when it has held for its time, and ends when
 * it does not hold any more; one that flutters does not fire again within ALERT_AGAIN_S. A value
 * that is not known keeps things as they are; one that stays unknown is told of, once. */
#define ALERT_AGAIN_S	60
#define ALERT_UNKNOWN_S 60
enum alert_event alert_step(const struct alert_rule *r, struct alert_state *s, double value,
			    double now_s);

/* A sentence: "rss is 2.1 GiB, above 2.0 GiB, for 10 m 00 s". */
char *alert_sentence(const struct alert_rule *r, double value, char *buf, size_t size);

#endif

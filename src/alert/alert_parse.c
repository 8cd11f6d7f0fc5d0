/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parses a rule: NAME OP NUMBER[UNIT][/TIME] [for DURATION]. A mistyped rule is refused at once,
 * and not found out in the night when it should have fired. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "alert/alert.h"
#include "base/spelling.h"

enum unit { UNIT_BYTES, UNIT_RATE, UNIT_COUNT, UNIT_PERCENT, UNIT_TIME };

static const struct {
	const char *name, *example;
	enum unit unit;
} metrics[METRIC_MAX] = {
	[METRIC_RSS] = {"rss", "rss>2G", UNIT_BYTES},
	[METRIC_PSS] = {"pss", "pss>2G", UNIT_BYTES},
	[METRIC_SWAP] = {"swap", "swap>100M", UNIT_BYTES},
	[METRIC_HEAP] = {"heap", "heap>1G", UNIT_BYTES},
	[METRIC_GROWTH] = {"growth", "growth>1M/min for 10m", UNIT_RATE},
	[METRIC_FDS] = {"fds", "fds>900", UNIT_COUNT},
	[METRIC_THREADS] = {"threads", "threads>200", UNIT_COUNT},
	[METRIC_LIMIT] = {"limit", "limit>90%", UNIT_PERCENT},
	[METRIC_ETA] = {"eta", "eta<1h", UNIT_TIME},
};

const char *metric_name(enum metric m)
{
	return (unsigned)m < METRIC_MAX ? metrics[m].name : "?";
}

static int unknown_name(const char *rule, const char *word, size_t n)
{
	unsigned best = SPELLING_FAR;
	enum metric near = METRIC_MAX;
	char list[128] = "";
	size_t used = 0;

	for (enum metric m = 0; m < METRIC_MAX; m++) {
		unsigned d = spelling_distance(word, n, metrics[m].name);

		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", m ? ", " : "",
					 metrics[m].name);
		if (d < best) {
			best = d;
			near = m;
		}
	}
	if (best <= 2 && best < strlen(metrics[near].name))
		return fail(-EINVAL, "--alert '%s': '%.*s' is not known; did you mean '%s'?", rule,
			    (int)n, word, metrics[near].name);
	if (n > 40)
		n = 40;
	return fail(-EINVAL, "--alert '%s': '%.*s' is not known; there are %s", rule, (int)n, word,
		    list);
}

static const char *blanks(const char *s)
{
	return s + strspn(s, " \t");
}

static const char *number(const char *s, double *out)
{
	size_t n = strspn(s, "0123456789.");
	char *end;

	if (!n || *s == '.')
		return NULL;
	*out = strtod(s, &end);
	return end == s + n ? end : NULL; /* no exponent, no hex, one point */
}

/* Reads "k", "M", "GiB" or "B"; each step is 1024, as everywhere in this tool. */
static const char *size_suffix(const char *s, double *factor)
{
	static const char letters[] = "bkmgt";
	const char *behind = s, *at;

	s = blanks(s);
	at = *s ? strchr(letters, tolower((unsigned char)*s)) : NULL;
	*factor = 1;
	if (!at)
		return behind;
	*factor = pow(1024, (double)(at - letters));
	s++;
	if (at != letters && !strncmp(s, "iB", 2))
		return s + 2;
	if (at != letters && *s == 'B')
		return s + 1;
	return s;
}

static const struct {
	const char *name;
	double s;
} times[] = {{"sec", 1},     {"s", 1},	  {"min", 60},	  {"m", 60},
	     {"hour", 3600}, {"h", 3600}, {"day", 86400}, {"d", 86400}};

static const char *time_unit(const char *s, double *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		size_t n = strlen(times[i].name);

		if (strncmp(s, times[i].name, n) != 0 || isalpha((unsigned char)s[n]))
			continue;
		*out = times[i].s;
		return s + n;
	}
	return NULL;
}

/* Reads "90" (seconds), "10m" or "1h30m". */
static const char *duration(const char *s, double *out)
{
	double n, unit;

	*out = 0;
	do {
		s = number(s, &n);
		if (!s)
			return NULL;
		if (!*s || isspace((unsigned char)*s))
			unit = 1;
		else if (!(s = time_unit(s, &unit)))
			return NULL;
		*out += n * unit;
	} while (*s >= '0' && *s <= '9');
	return s;
}

static const char *quantity(const char *s, enum unit unit, double *out, double *per_s)
{
	double factor;

	if (unit == UNIT_TIME)
		return duration(s, out);
	s = number(s, out);
	if (!s)
		return NULL;
	if (unit == UNIT_PERCENT)
		return s + (*s == '%');
	s = size_suffix(s, &factor);
	*out *= factor;
	if (unit != UNIT_RATE)
		return s;
	if (*s != '/')
		return NULL;
	s = time_unit(s + 1, per_s);
	if (s)
		*out /= *per_s;
	return s;
}

static const char *comparison(const char *s, struct alert_rule *r)
{
	if (*s != '<' && *s != '>')
		return NULL;
	r->below = *s++ == '<';
	r->or_equal = *s == '=';
	return s + r->or_equal;
}

static int bad_comparison(const char *rule, const char *at, const char *example)
{
	const char *meant = !strncmp(at, "=>", 2) ? ">=" : !strncmp(at, "=<", 2) ? "<=" : NULL;

	if (meant)
		return fail(-EINVAL, "--alert '%s': did you mean '%s'?", rule, meant);
	return fail(-EINVAL,
		    "--alert '%s': one of > >= < <= must stand between name and value, as in '%s'",
		    rule, example);
}

static int parse_for(const char *rule, const char *s, struct alert_rule *out)
{
	size_t n = strcspn(s, " \t0123456789");

	if (!*s)
		return 0;
	if (n != 3 || strncmp(s, "for", 3) != 0)
		return fail(
			-EINVAL,
			n && n <= 6 && spelling_distance(s, n, "for") <= 2
				? "--alert '%s': '%.*s' is not known; did you mean 'for'?"
				: "--alert '%s': what is '%.*s' behind the value? Only 'for 10m' "
				  "may follow",
			rule, n ? (int)n : 20, s);
	s = duration(blanks(s + 3), &out->for_s);
	if (!s || *blanks(s))
		return fail(-EINVAL, "--alert '%s': behind 'for' comes a time, as in 'for 10m'",
			    rule);
	return 0;
}

/* Refuses a rule that would fire at once on every healthy process, or never. */
static int check_sense(const struct alert_rule *r, bool has_percent)
{
	if (r->metric == METRIC_ETA && !r->below)
		return fail(-EINVAL,
			    "--alert '%s': what never ends has all the time there is; did you mean "
			    "'eta<%s'?",
			    r->text, r->text + strcspn(r->text, "0123456789"));
	if (r->metric == METRIC_LIMIT && r->value > 100)
		return fail(-EINVAL,
			    "--alert '%s': more than 100 %% of a limit cannot be in use, so it "
			    "would never fire",
			    r->text);
	if (r->metric == METRIC_LIMIT && !has_percent && r->value <= 1)
		return fail(-EINVAL, "--alert '%s': limit is in percent; write '%g%%' or '%g%%'",
			    r->text, 100 * r->value, r->value);
	return 0;
}

int alert_parse(const char *text, struct alert_rule *out)
{
	const char *s = blanks(text), *word = s;
	size_t n = strcspn(s, " \t<>=!0123456789");
	enum metric m = 0;
	int err;

	*out = (struct alert_rule){.text = text};
	if (!n)
		return fail(-EINVAL,
			    "--alert '%s': a rule is like 'rss>2G' or 'growth>1M/min for 10m'",
			    text);
	while (m < METRIC_MAX &&
	       (strlen(metrics[m].name) != n || strncmp(metrics[m].name, word, n) != 0))
		m++;
	if (m == METRIC_MAX)
		return unknown_name(text, word, n);
	out->metric = m;
	word = blanks(word + n);
	s = comparison(word, out);
	if (!s)
		return bad_comparison(text, word, metrics[m].example);
	s = quantity(blanks(s), metrics[m].unit, &out->value, &out->per_s);
	if (!s || (*s && !isspace((unsigned char)*s)))
		return fail(-EINVAL, "--alert '%s': the value is not understood; it is like '%s'",
			    text, metrics[m].example);
	err = check_sense(out, s[-1] == '%');
	return err ? err : parse_for(text, blanks(s), out);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parses options by getopt_long() and a table. */
#include "cli/opts.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>

#include "base/spelling.h"

#define MAX_ROWS    64
#define LONG_BASE   256 /* getopt returns LONG_BASE + n for the long form of row n */
#define HELP_COLUMN 28
#define HELP_WIDTH  80

static int number(const char *text, double *out)
{
	char *end;

	/* no sign, exponent, hex, nan or inf, because nobody means them */
	if (!*text || text[strspn(text, "0123456789.")] != '\0')
		return -EINVAL;
	errno = 0;
	*out = strtod(text, &end);
	return *end || errno ? -EINVAL : 0;
}

/* Reads "4096", "4k", "1M" or "2G". -EINVAL without a sentence: it is none of these. */
static int read_size(const char *text, uint64_t *out)
{
	static const char suffix[] = "kKmMgG";
	unsigned shift = 0;
	uint64_t v;
	const char *at;
	char *end;

	if (!*text || *text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno)
		return -EINVAL;
	at = *end ? strchr(suffix, *end) : NULL;
	if (at) {
		shift = 10 * (1 + (unsigned)(at - suffix) / 2);
		end++;
	}
	if (*end || v > UINT64_MAX >> shift)
		return -EINVAL;
	*out = v << shift;
	return 0;
}

/* Writes an option as complaints show it: "-p/--pid". */
static const char *shown(const struct opt *o, char *buf, size_t size)
{
	if (o->letter)
		snprintf(buf, size, "-%c/--%s", o->letter, o->name);
	else
		snprintf(buf, size, "--%s", o->name);
	return buf;
}

/* Can the text be a name? A mistyped number is none. */
static bool is_name(const char *text)
{
	return isalpha((unsigned char)*text) || (*text && strchr("/_.", *text));
}

static int parse_pids(const struct opt *o, const char *text, struct opt_pids *out)
{
	const char *at = text + (*text == '='); /* -p=12 */
	char buf[32];
	char *end;
	long pid;

	if (is_name(at)) {
		if (strchr(at, ','))
			return fail(-EINVAL, "%s %s: one name at a time, or numbers",
				    shown(o, buf, sizeof(buf)), at);
		if (out->name && strcmp(out->name, at) != 0)
			return fail(-EINVAL, "%s: one name at a time, %s or %s",
				    shown(o, buf, sizeof(buf)), out->name, at);
		out->name = at;
		return 0;
	}
	do {
		errno = 0;
		pid = *at >= '0' && *at <= '9' ? strtol(at, &end, 10) : 0;
		if (errno || pid < 1 || pid > INT_MAX || (*end && *end != ','))
			return fail(-EINVAL, "%s %s: a process id is a number from 1 on",
				    shown(o, buf, sizeof(buf)), text);
		for (size_t i = 0; i < out->n && pid; i++)
			if (out->v[i] == pid) /* a pid that is given twice is watched once */
				pid = 0;
		if (pid && out->n == OPTS_MAX_PIDS)
			return fail(-EINVAL, "%s: at most %d processes at once",
				    shown(o, buf, sizeof(buf)), OPTS_MAX_PIDS);
		if (pid)
			out->v[out->n++] = (int)pid;
		at = end + 1;
	} while (*end);
	return 0;
}

static int parse_word(const struct opt *o, const char *text, const char **out)
{
	char list[256] = "", buf[32];
	size_t used = 0;

	for (const char *const *w = o->words; *w; w++) {
		if (strcmp(*w, text) == 0) {
			*out = *w;
			return 0;
		}
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 used ? ", " : "", *w);
	}
	return fail(-EINVAL, "%s %s: not known here; what exists: %s", shown(o, buf, sizeof(buf)),
		    text, list);
}

static int out_of_range(const struct opt *o, const char *text)
{
	/* in most other programs -o names a file */
	bool is_file = o->letter == 'o' && text[strspn(text, "0123456789.-")] != '\0';
	const char *unit = !strcmp(o->arg, "SEC")  ? " of seconds"
			   : !strcmp(o->arg, "MS") ? " of milliseconds"
						   : "";
	char buf[32];

	return fail(-EINVAL, "%s %s: must be a number%s from %.10g to %.10g%s%s",
		    shown(o, buf, sizeof(buf)), text, unit, o->min, o->max,
		    is_file ? "; a file to write: --output " : "", is_file ? text : "");
}

static int parse_size(const struct opt *o, const char *text, uint64_t *out)
{
	char buf[32];

	if (read_size(text, out) == 0)
		return 0;
	return fail(-EINVAL, "%s %s: must be a size in bytes, such as 512, 4k or 1M",
		    shown(o, buf, sizeof(buf)), text);
}

static int parse_number(const struct opt *o, const char *text, void *to)
{
	double v;

	/* written so that it is false for NAN as well */
	if (number(text, &v) != 0 || !(v >= o->min && v <= o->max))
		return out_of_range(o, text);
	if (o->type == OPT_NUMBER) {
		*(double *)to = v;
		return 0;
	}
	if (v != floor(v))
		return out_of_range(o, text);
	*(uint32_t *)to = (uint32_t)v;
	return 0;
}

static int add_string(const struct opt *o, const char *text, struct opt_strings *out)
{
	if (out->n == OPTS_MAX_STRINGS)
		return fail(-EINVAL, "--%s: at most %d of them", o->name, OPTS_MAX_STRINGS);
	out->v[out->n++] = text;
	return 0;
}

static int store(const struct opt *o, const char *text, void *out)
{
	void *to = (char *)out + o->offset;

	switch (o->type) {
	case OPT_FLAG:
		*(bool *)to = true;
		return 0;
	case OPT_COUNT:
		(*(int *)to)++;
		return 0;
	case OPT_STRING:
		*(const char **)to = text;
		return 0;
	case OPT_WORD:
		return parse_word(o, text, to);
	case OPT_PIDS:
		return parse_pids(o, text, to);
	case OPT_STRINGS:
		return add_string(o, text, to);
	case OPT_SIZE:
		return parse_size(o, text, to);
	case OPT_U32:
	case OPT_NUMBER:
		return parse_number(o, text, to);
	}
	return -EINVAL;
}

/* Writes the table in getopt's two notations. Returns the number of rows. */
static size_t spell(const struct opt *table, char *letters, struct option *names)
{
	size_t n = 0;

	*letters++ = ':'; /* so that getopt tells a missing value from an unknown option */
	for (; n < MAX_ROWS && table[n].name; n++) {
		names[n].name = table[n].name;
		names[n].has_arg = table[n].arg ? required_argument : no_argument;
		names[n].flag = NULL;
		names[n].val = LONG_BASE + (int)n;
		if (table[n].letter)
			*letters++ = table[n].letter;
		if (table[n].letter && table[n].arg)
			*letters++ = ':';
	}
	*letters = '\0';
	return n;
}

static const struct opt *find_row(const struct opt *table, size_t n, int c)
{
	if (c >= LONG_BASE && (size_t)(c - LONG_BASE) < n)
		return &table[c - LONG_BASE];
	for (size_t i = 0; i < n; i++)
		if (table[i].letter && table[i].letter == c)
			return &table[i];
	return NULL;
}

/* Complains of a word such as "--o", which several names begin with; 0: none does. */
static int several(const struct opt *table, const char *word, size_t n)
{
	char list[160] = "";
	size_t used = 0;

	for (const struct opt *o = table; o->name; o++)
		if (!strncmp(o->name, word, n) && used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s--%s",
						 used ? ", " : "", o->name);
	return used ? fail(-EINVAL, "--%.*s may be one of %s", (int)n, word, list) : 0;
}

static int unknown(const struct opt *table, const char *word)
{
	const char *name = word + strspn(word, "-"), *near = NULL;
	unsigned best = SPELLING_FAR;
	size_t n = strcspn(name, "=");
	auto_free char *copy = strndup(name, n);
	int err = several(table, name, n);

	if (err)
		return err;
	for (const struct opt *o = table; copy && o->name; o++)
		if (spelling_is_nearer(copy, o->name, &best))
			near = o->name;
	if (near)
		return fail(-EINVAL, "unknown option %s; did you mean --%s?", word, near);
	return fail(-EINVAL, "unknown option %s; --help lists the options", word);
}

/* Complains of "-pid" for "--pid", which getopt takes for -p; 0: it is no such word. */
static int one_dash(const struct opt *table, const char *word)
{
	for (const struct opt *o = table; o->name && word[0] == '-' && word[1] != '-'; o++)
		if (o->name[1] && !strcmp(word + 1, o->name))
			return fail(-EINVAL, "%s: long options have two dashes, --%s", word,
				    o->name);
	return 0;
}

static int complain(const struct opt *table, size_t n, int c, const char *word)
{
	const struct opt *o = find_row(table, n, optopt);
	char buf[32];
	int err = one_dash(table, word);

	if (err)
		return err;
	if (o && c == ':')
		return fail(-EINVAL, "%s needs a value: %s", shown(o, buf, sizeof(buf)), o->arg);
	if (o && c == '?')
		return fail(-EINVAL, "%s takes no value", shown(o, buf, sizeof(buf)));
	if (optopt && strncmp(word, "--", 2) != 0)
		return fail(-EINVAL, "unknown option -%c; --help lists the options", optopt);
	return unknown(table, word);
}

int opts_parse_words(const struct opt *table, int argc, char **argv, void *out, int *first)
{
	struct option names[MAX_ROWS + 1] = {0};
	char letters[2 * MAX_ROWS + 2];
	size_t n = spell(table, letters, names);
	int c, err;

	opterr = 0;
	optind = 0; /* glibc starts afresh, also in a second call */
	while ((c = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		const struct opt *o = c == '?' || c == ':' ? NULL : find_row(table, n, c);
		const char *word = argv[optind - 1];

		if (o)
			err = optarg == word + 2 ? one_dash(table, word) : 0;
		else if (optind < argc && argv[optind][0] == '-' && argv[optind][1] == optopt)
			err = one_dash(table, argv[optind]); /* getopt is still in this word */
		else
			err = 0;
		if (!err)
			err = o ? store(o, optarg, out) : complain(table, n, c, word);
		if (err)
			return err;
	}
	*first = optind;
	return 0;
}

/* Writes a blank and the text as a shell reads it. Returns the length that it needs. */
static size_t put_quoted(char *buf, size_t size, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-./:=,@%+";
	size_t n = 0;

	if (*text && text[strspn(text, plain)] == '\0')
		return (size_t)snprintf(buf, size, " %s", text);
	n += (size_t)snprintf(buf, size, " '");
	for (; *text; text++)
		n += (size_t)snprintf(n < size ? buf + n : NULL, n < size ? size - n : 0, "%s",
				      *text == '\'' ? "'\\''" : (char[]){*text, '\0'});
	return n + (size_t)snprintf(n < size ? buf + n : NULL, n < size ? size - n : 0, "'");
}

static bool is_in(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

void opts_again(const struct opt *table, int argc, char **argv, const char *const *skip, char *buf,
		size_t size)
{
	struct option names[MAX_ROWS + 1] = {0};
	char letters[2 * MAX_ROWS + 2];
	size_t n = spell(table, letters, names), used = 0;
	int c;

	buf[0] = '\0';
	optind = 0;
	while (used < size && (c = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		const struct opt *o = find_row(table, n, c);

		if (!o || is_in(skip, o->name))
			continue;
		used += o->letter ? (size_t)snprintf(buf + used, size - used, " -%c", o->letter)
				  : (size_t)snprintf(buf + used, size - used, " --%s", o->name);
		if (o->arg && used < size)
			used += put_quoted(buf + used, size - used, optarg);
	}
}

int opts_parse(const struct opt *table, int argc, char **argv, void *out)
{
	char hint[128] = "--help shows the usage";
	int first, err = opts_parse_words(table, argc, argv, out, &first);

	if (err || first >= argc)
		return err;
	for (const struct opt *o = table; o->name; o++)
		if (!strcmp(o->name, "name"))
			snprintf(hint, sizeof(hint), "by name: --name %.80s", argv[first]);
	return opts_unexpected(argv[first], hint);
}

static int set_flag(const struct opt *o, const char *text, void *out)
{
	bool yes = !strcmp(text, "yes");

	if (!yes && strcmp(text, "no") != 0)
		return fail(-EINVAL, "--%s %s: yes or no is expected", o->name, text);
	if (o->type == OPT_COUNT)
		*(int *)((char *)out + o->offset) = yes;
	else
		*(bool *)((char *)out + o->offset) = yes;
	return 0;
}

int opts_set(const struct opt *table, const char *name, const char *value, void *out)
{
	for (const struct opt *o = table; o->name; o++)
		if (!strcmp(o->name, name))
			return o->arg ? store(o, value, out) : set_flag(o, value, out);
	return fail(-EINVAL, "there is no setting '%.60s'", name);
}

/* Prints @text from column @col on, broken at blanks. */
static void wrap(FILE *f, const char *text, int col)
{
	int at = col;
	size_t n;

	while (*text) {
		n = strcspn(text, " ");
		if (at > col && at + 1 + (int)n > HELP_WIDTH) {
			fprintf(f, "\n%*s", col, "");
			at = col;
		} else if (at > col) {
			fputc(' ', f);
			at++;
		}
		fwrite(text, 1, n, f);
		at += (int)n;
		text += n + (text[n] == ' ');
	}
	fputc('\n', f);
}

static void put_title(const struct opt *o, const struct opt_title *titles, FILE *f)
{
	for (; titles && titles->name; titles++)
		if (!strcmp(titles->name, o->name))
			fprintf(f, "%s:\n", titles->text);
}

void opts_help(const struct opt *table, const struct opt_title *titles, FILE *f)
{
	char left[64];

	for (const struct opt *o = table; o->name; o++) {
		put_title(o, titles, f);
		snprintf(left, sizeof(left), "  %c%c%s--%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
		fprintf(f, "%-*s", HELP_COLUMN - 1, left);
		if (strlen(left) > HELP_COLUMN - 2)
			fprintf(f, "\n%*s", HELP_COLUMN - 1, "");
		fputc(' ', f);
		wrap(f, o->help, HELP_COLUMN);
	}
}

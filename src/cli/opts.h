/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Options from one table: the parser, its complaints and --help read the same rows. */
#ifndef PYLEAK_CLI_OPTS_H
#define PYLEAK_CLI_OPTS_H

#include <stdio.h>

#include "base/base.h"

#define OPTS_MAX_PIDS	 64
#define OPTS_MAX_STRINGS 32

enum opt_type {
	OPT_FLAG,    /* bool */
	OPT_COUNT,   /* int, one more each time */
	OPT_U32,     /* uint32_t */
	OPT_NUMBER,  /* double */
	OPT_SIZE,    /* uint64_t, takes k, M, G */
	OPT_STRING,  /* const char * */
	OPT_WORD,    /* const char *, one of .words */
	OPT_PIDS,    /* struct opt_pids */
	OPT_STRINGS, /* struct opt_strings: may be given several times */
};

struct opt_pids {
	int v[OPTS_MAX_PIDS];
	size_t n;
	const char *name; /* what was said in place of a number; NULL: nothing */
};

struct opt_strings {
	const char *v[OPTS_MAX_STRINGS];
	size_t n;
};

/* One row. A table ends with a row without a name. */
struct opt {
	char letter; /* 0 = long form only */
	enum opt_type type;
	const char *name, *arg; /* arg: NULL for flags */
	size_t offset;		/* of the value in the structure that is filled */
	const char *help;
	double min, max;	  /* U32, NUMBER, SIZE: what is accepted */
	const char *const *words; /* WORD: what is accepted, ends with NULL */
};

/* Fill @out, which holds the defaults. -EINVAL with the sentence for bad usage; words that belong
 * to no option are bad usage. */
int opts_parse(const struct opt *table, int argc, char **argv, void *out);
/* The same where words are wanted: they are argv[*first] to the end. */
int opts_parse_words(const struct opt *table, int argc, char **argv, void *out, int *first);
/* The sentence for such a word where none is wanted, with what to do: -EINVAL. */
int opts_unexpected(const char *word, const char *hint);
/* Words that name processes as -p would: numbers, or one name. -EINVAL with the sentence, which
 * knows how many there may be and which option (NULL: none) takes a time. */
int opts_pid_words(char **words, size_t n, size_t max, const char *time, struct opt_pids *out);
/* The options of a command line, but those in @skip (which ends with NULL), as they may be typed
 * again: " -d 60 --json 'my file'". Cut where the buffer ends. */
void opts_again(const struct opt *table, int argc, char **argv, const char *const *skip, char *buf,
		size_t size);
/* One value, by the long name: flags are yes or no. The words of @value live on in @out. */
int opts_set(const struct opt *table, const char *name, const char *value, void *out);
/* A line of its own in the help, above the row of that name. */
struct opt_title {
	const char *name, *text;
};

/* The rows as text, wrapped at 80 columns. Titles end with one without a name; NULL: none. */
void opts_help(const struct opt *table, const struct opt_title *titles, FILE *f);

#endif

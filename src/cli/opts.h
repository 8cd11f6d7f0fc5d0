/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Options from one table: the parser, its complaints and --help read the same rows. For the main
 * thread, because getopt has global state. */
#ifndef PYLEAK_CLI_OPTS_H
#define PYLEAK_CLI_OPTS_H

#include <stdio.h>

#include "base/base.h"

#define OPTS_MAX_PIDS	 64
#define OPTS_MAX_STRINGS 32

enum opt_type {
	OPT_FLAG,    /* bool */
	OPT_COUNT,   /* int, which grows by one each time */
	OPT_U32,     /* uint32_t */
	OPT_NUMBER,  /* double */
	OPT_SIZE,    /* uint64_t in bytes; takes k, M and G */
	OPT_STRING,  /* const char * */
	OPT_WORD,    /* const char *, one of .words */
	OPT_PIDS,    /* struct opt_pids */
	OPT_STRINGS, /* struct opt_strings; the option may be given several times */
};

struct opt_pids {
	int v[OPTS_MAX_PIDS];
	size_t n;
	const char *name; /* a name in place of numbers; NULL: none */
};

struct opt_strings {
	const char *v[OPTS_MAX_STRINGS];
	size_t n;
};

/* A row of a table, which ends with a row without a name. */
struct opt {
	char letter; /* 0 = only the long form */
	enum opt_type type;
	const char *name, *arg; /* arg: the value's name in --help; NULL for flags */
	size_t offset;		/* of the value, in the structure that is filled */
	const char *help;
	double min, max;	  /* U32 and NUMBER: the least and the greatest value */
	const char *const *words; /* WORD: the accepted words, ends with NULL */
};

/* Fills @out, which has the defaults. Strings point into @argv. -EINVAL with the sentence: bad
 * usage, as are words that belong to no option. */
int opts_parse(const struct opt *table, int argc, char **argv, void *out);
/* The same, but words are accepted: argv[*@first] to the end. */
int opts_parse_words(const struct opt *table, int argc, char **argv, void *out, int *first);
/* Complains of a word where none is accepted; @hint is the remedy. Returns -EINVAL with the
 * sentence. */
int opts_unexpected(const char *word, const char *hint);
/* Reads words that name processes as -p would: numbers, or one name. At most @max processes; @time
 * is the option that takes a time, NULL: none. -EINVAL with the sentence. */
int opts_pid_words(char **words, size_t n, size_t max, const char *time, struct opt_pids *out);
/* Writes the options of a command line, except those in @skip (which ends with NULL), as they may
 * be typed again: " -d 60 --json 'my file'". Cut where the buffer ends. */
void opts_again(const struct opt *table, int argc, char **argv, const char *const *skip, char *buf,
		size_t size);
/* Sets one option by its long name; flags are yes or no. Strings point into @value. -EINVAL with
 * the sentence. */
int opts_set(const struct opt *table, const char *name, const char *value, void *out);
/* A line of its own in --help, above the row of that name. */
struct opt_title {
	const char *name, *text;
};

/* Prints the rows as text, at most 80 columns wide. @titles ends with one without a name; NULL:
 * none. */
void opts_help(const struct opt *table, const struct opt_title *titles, FILE *f);

#endif

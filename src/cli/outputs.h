/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files that the user named, which are written after we have given up the right to open any for
 * writing. The keeper, a process that was forked before, opens them: it knows these names, and
 * takes nothing from us but their numbers. A file is complete or not there at all: its text goes to
 * a file beside it, which takes the name when it is whole and on disk. One thread at a time;
 * functions return 0 or a negative errno with the sentence unless noted.
 */
#ifndef PYLEAK_CLI_OUTPUTS_H
#define PYLEAK_CLI_OUTPUTS_H

#include <stdio.h>

#include "base/helper.h"
#include "out/out.h"
#include "report/report.h"

#define OUTPUTS_MAX (2 * OUT_FORMATS_MAX + 2)

/* Where a report goes, by format; "-" is standard output, NULL: the format is not asked for. */
struct outputs_files {
	const char *path[OUT_FORMATS_MAX];
	const char *output; /* its suffix tells the format; outputs_check() moves it to path[] */
};

/* Rows of an option table: OUT_FORMATS(OUTPUTS_ROW, struct my_opts, "final report"), which fills
 * the member files of that structure. */
#define OUTPUTS_ROW(name, text, suffix, type, what)                                 \
	{0,                                                                         \
	 OPT_STRING,                                                                \
	 #name,                                                                     \
	 "FILE",                                                                    \
	 offsetof(type, files.path[OUT_##name]),                                    \
	 "also write the " what " as " text "; - is standard output, for it alone", \
	 0,                                                                         \
	 0,                                                                         \
	 NULL},

/* The row for its member files.output. */
#define OUTPUTS_BY_SUFFIX(type)                                                                   \
	{                                                                                         \
		0, OPT_STRING, "output", "FILE", offsetof(type, files.output),                    \
			"the same, in the format that the name ends in:" OUT_SUFFIXES, 0, 0, NULL \
	}

struct outputs {
	const char *path[OUTPUTS_MAX]; /* by the keeper's numbers; not ours */
	bool is_special[OUTPUTS_MAX];  /* by the same: a pipe or a device */
	size_t n;
	char *save[OUT_FORMATS_MAX]; /* ours; names that outputs_save() may write; NULL = not */
	struct helper keeper;	     /* .sock is -1 when no file is named */
};

/* A file while it is written. */
struct output {
	FILE *f;
	const char *path;
	bool is_special, is_new; /* it is a pipe or a device; no file was there before */
	char name[64];		 /* name of a saved file, chosen by the keeper */
};

/* Checks the names. -EINVAL with the sentence: a name is empty, or its suffix tells no format, or
 * two names, also of @paths, are one file, so that one result would replace the other. */
int outputs_check(struct outputs_files *files, const char *const *paths, size_t n);
/* Checks only for two names of one file; @files NULL = none. */
int outputs_apart(const struct outputs_files *files, const char *const *paths, size_t n);
/* Returns how many formats go to standard output. */
size_t outputs_on_stdout(const struct outputs_files *files);
/* Is the path "-"? NULL is not. */
bool outputs_is_stdout(const char *path);
/* -EINVAL with the sentence: --@option was given an empty name. @path NULL: it was not given. */
int outputs_check_name(const char *option, const char *path);
/* Starts the keeper for @files (NULL = none; at most one on standard output) and @paths; NULL and
 * "-", standard output, are left out. Fails for a file that cannot be written, also because there
 * is no room for it. Call it before the first thread. */
int outputs_open(struct outputs *o, const struct outputs_files *files, const char *const *paths,
		 size_t n, bool no_sandbox);
/* The same for a watch. Its recording and baseline (@paths) belong to the user who called sudo, as
 * its reports do. Reports may also be saved whenever the user wishes, in the current directory as
 * @stem, the time and a suffix; @stem NULL: they may not. If that cannot be written, it is told
 * when it is tried. */
int outputs_open_saving(struct outputs *o, const struct outputs_files *files,
			const char *const *paths, size_t n, const char *stem, bool no_sandbox);
/* -EINVAL with the sentence: an output is one of the @n files (NULL is left out) from which it is
 * made, and would replace it. */
int outputs_spare(const struct outputs *o, const char *const *files, size_t n);
void outputs_close(struct outputs *o);

/* Has @write (0 or a negative errno) write @path, one of those files or standard output. */
int outputs_write(const struct outputs *o, const char *path, int (*write)(FILE *f, const void *ctx),
		  const void *ctx);
/* Has each @write write its file (@path NULL: it is not asked for). Pipes, devices and standard
 * output come last, as their readers may stand still. Returns the first error; others are told at
 * once. 1: the reader of standard output left, and nothing failed. */
struct outputs_result {
	const char *path;
	int (*write)(FILE *f, const void *ctx);
	const void *ctx;
};
int outputs_write_all(const struct outputs *o, const struct outputs_result *v, size_t n);
/* The same for a report in all formats of @files; says on a terminal which files were written,
 * and a reader who has left is no error. */
int outputs_report(const struct outputs *o, const struct outputs_files *files,
		   const struct report *r);
/* Is any format asked for? */
bool outputs_any(const struct outputs_files *files);
/* Shall text be printed? Not when another result @is_taken to standard output, and not to a closed
 * standard output if there are files that tell the same. */
bool outputs_want_text(bool is_taken, bool any_files);
/* Saves a report as a new file, never over one that is there. @name gets its name. */
int outputs_save(const struct outputs *o, enum out_format as, const struct report *r, char *name,
		 size_t size);
/* Writes a file in two steps. With @err nothing is left of it, and the sentence of @err stays. */
int outputs_begin(const struct outputs *o, const char *path, struct output *out);
int outputs_end(const struct outputs *o, struct output *out, int err);
/* Opens the file as it is now, for reading; *@out is NULL when there is none. */
int outputs_read(const struct outputs *o, const char *path, FILE **out);

/* A function like out_term(). */
typedef int (*outputs_text)(FILE *f, const struct report *r, const struct out_term_opts *o);
/* Writes a report to @files, and as @text (NULL: not) unless one of the files is standard output. A
 * reader who has left is no error. */
int outputs_print(const struct outputs *o, const struct outputs_files *files, outputs_text text,
		  struct out_term_opts how, const struct report *r);
/* Returns how text looks on our standard output. */
struct out_term_opts outputs_term(size_t top, bool no_color, int verbose);

#endif

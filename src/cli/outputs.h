/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files that the user named, written after we have given up the right to open any for writing. The
 * keeper, a process that was forked before, opens them: it knows these names, and takes nothing
 * from us but their numbers. A file is complete or not there at all: its text goes to a file beside
 * it, which takes the name when it is whole and on disk.
 */
#ifndef PYLEAK_CLI_OUTPUTS_H
#define PYLEAK_CLI_OUTPUTS_H

#include <stdio.h>

#include "base/helper.h"
#include "out/out.h"
#include "report/report.h"

#define OUTPUTS_MAX (2 * OUT_FORMATS_MAX + 2)

/* Where a report goes, by format; "-" is standard output, NULL: not asked for. */
struct outputs_files {
	const char *path[OUT_FORMATS_MAX];
	const char *output; /* of a format that its suffix tells: outputs_check() puts it there */
};

/* Rows of an option table: OUT_FORMATS(OUTPUTS_ROW, struct my_opts, "final report"), which fills
 * its member files. */
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

/* And for the member files.output. */
#define OUTPUTS_BY_SUFFIX(type)                                                                   \
	{                                                                                         \
		0, OPT_STRING, "output", "FILE", offsetof(type, files.output),                    \
			"the same, in the format that the name ends in:" OUT_SUFFIXES, 0, 0, NULL \
	}

struct outputs {
	const char *path[OUTPUTS_MAX];
	size_t n;
	char *save[OUT_FORMATS_MAX]; /* what outputs_save() may write; NULL = not */
	struct helper keeper;	     /* none where no file is named */
};

/* One of them while it is written. */
struct output {
	FILE *f;
	const char *path;
	bool is_special, is_new; /* a pipe, a device; nothing was there before */
	char name[64];		 /* of one that is saved */
};

/* -EINVAL with the sentence for a name that is none, or has no suffix where one is needed, and for
 * two names of one file, of those in @paths too: the one result would replace the other. */
int outputs_check(struct outputs_files *files, const char *const *paths, size_t n);
/* The check for two names of one file alone; @files NULL = none. */
int outputs_apart(const struct outputs_files *files, const char *const *paths, size_t n);
size_t outputs_on_stdout(const struct outputs_files *files);
/* Is it "-"? NULL is not. */
bool outputs_is_stdout(const char *path);
/* -EINVAL with the sentence when the name that --@option was given is empty; NULL: it was not. */
int outputs_check_name(const char *option, const char *path);
/* @files (NULL = none; one on standard output at most) and @paths. "-" is standard output, of which
 * the keeper knows nothing; NULL is left out. Fails with the sentence for one that cannot be
 * written, also when there is no room for it. Before the first thread. */
int outputs_open(struct outputs *o, const struct outputs_files *files, const char *const *paths,
		 size_t n, bool no_sandbox);
/* The same for a watch, whose recording and baseline (@paths) belong to who asked by sudo, as its
 * reports do. Reports may be saved too, whenever the user wishes it: in the current directory, as
 * @stem, the time and a suffix. @stem NULL: no. That it cannot be written there is said when it is
 * tried. */
int outputs_open_saving(struct outputs *o, const struct outputs_files *files,
			const char *const *paths, size_t n, const char *stem, bool no_sandbox);
/* -EINVAL with the sentence when one of them is one of the @n files (NULL is left out) that are
 * read for it: the result would replace it. */
int outputs_spare(const struct outputs *o, const char *const *files, size_t n);
void outputs_close(struct outputs *o);

/* Lets @write (0 or a negative errno) write, as one of those files or on standard output. */
int outputs_write(const struct outputs *o, const char *path, int (*write)(FILE *f, const void *ctx),
		  const void *ctx);
int outputs_report(const struct outputs *o, const struct outputs_files *files,
		   const struct report *r);
/* Says which files were written, to who looks at a terminal. */
void outputs_say_written(const struct outputs_files *files);
bool outputs_any(const struct outputs_files *files);
/* Is text printed? Not where another result @is_taken to standard output; nor, where that is
 * closed, if there are files that tell the same. */
bool outputs_want_text(bool is_taken, bool any_files);
/* A new file, never one that is there. @name: what it is called. */
int outputs_save(const struct outputs *o, enum out_format as, const struct report *r, char *name,
		 size_t size);
/* The same in two steps; with @err nothing is left of it, and the sentence stays. */
int outputs_begin(const struct outputs *o, const char *path, struct output *out);
int outputs_end(const struct outputs *o, struct output *out, int err);
/* Opens the file that is there now: NULL in *out when none is. */
int outputs_read(const struct outputs *o, const char *path, FILE **out);

/* out_term() and its like. */
typedef int (*outputs_text)(FILE *f, const struct report *r, const struct out_term_opts *o);
/* A report in @files, and as @text (NULL: not) unless one of them took standard output. A reader
 * who has left is no fault. */
int outputs_print(const struct outputs *o, const struct outputs_files *files, outputs_text text,
		  struct out_term_opts how, const struct report *r);
/* How text looks on our standard output. */
struct out_term_opts outputs_term(size_t top, bool no_color, int verbose);

#endif

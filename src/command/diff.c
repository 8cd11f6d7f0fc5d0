/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `diff`: tells which sites are new, grew, shrank or are gone between two watches. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/opts.h"
#include "cli/outputs.h"
#include "command/command.h"
#include "command/reports.h"
#include "compare/compare.h"
#include "confine/confine.h"
#include "out/diff.h"

struct diff_opts {
	struct outputs_files files; /* only those of DIFF_FORMATS */
	const char *fail_on;
	uint32_t top;
	int verbose;
	bool no_color, no_sandbox, want_help;
};

/* The files of A, or of B. */
struct side {
	char **v;
	size_t n;
};

#define ROW(field) offsetof(struct diff_opts, field)

static const char *const fail_words[] = {"leak", NULL};

#define SUFFIXES DIFF_FORMATS(OUT_SUFFIX, )

static const struct opt table[] = {
	DIFF_FORMATS(OUTPUTS_ROW, struct diff_opts, "comparison"){
		0, OPT_STRING, "output", "FILE", ROW(files.output),
		"the same, in the format that the name ends in:" SUFFIXES, 0, 0, NULL},
	{0, OPT_WORD, "fail-on", "leak", ROW(fail_on),
	 "exit status 3 when a line that is new or grew is a leak in B", 0, 0, fail_words},
	{'T', OPT_U32, "top", "N", ROW(top), "lines shown (default 10)", 1, 10000, NULL},
	{0, OPT_FLAG, "no-sandbox", NULL, ROW(no_sandbox), CLI_NO_SANDBOX_HELP, 0, 0, NULL},
	{'v', OPT_COUNT, "verbose", NULL, ROW(verbose), "all lines, those that do not differ too",
	 0, 0, NULL},
	{0, OPT_FLAG, "no-color", NULL, ROW(no_color), "no colours (as with NO_COLOR set)", 0, 0,
	 NULL},
	{'h', OPT_FLAG, "help", NULL, ROW(want_help), "this text", 0, 0, NULL},
	{0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct {
	enum out_format as;
	int (*write)(FILE *f, const struct compare *c);
} formats[] = {
#define X(name, ...) {OUT_##name, diff_##name},
	DIFF_FORMATS(X, )
#undef X
};

static void help(void)
{
	fputs("usage: pyleak-bpf diff A.json B.json [options]\n"
	      "       pyleak-bpf diff [options] A.json... -- B.json...\n"
	      "\n"
	      "Compares two watches, saved with --json or --record: which lines are new in B, "
	      "grew, "
	      "shrank,\n"
	      "are gone. A line is the same when its function, file and text are, wherever it has "
	      "moved.\n"
	      "A difference is told only when it is more than chance: rates come from samples. "
	      "With\n"
	      "several files on a side (workers, hosts) rates are of one process, on the average.\n"
	      "\n",
	      stdout);
	opts_help(table, NULL, stdout);
	fputs("\n"
	      "Columns: growth per second in A -> in B, how many times that is and its 95 % "
	      "interval, and\n"
	      "how often two watches of the same thing differ as much by chance.\n"
	      "\n"
	      "Examples:\n"
	      "  pyleak-bpf diff before.json after.json          did the fix help?\n"
	      "  pyleak-bpf diff --fail-on leak main-*.json -- branch-*.json\n"
	      "                                                  does the branch leak more?\n"
	      "\n"
	      "Exit status: 0 done, 1 a report could not be read, 2 bad usage, 3 --fail-on leak, "
	      "and one was found.\n",
	      stdout);
}

/* ---- Output. ---- */

static int check(struct diff_opts *o)
{
	bool is_known = !o->files.output;

	for (size_t i = 0; i < ARRAY_SIZE(formats) && !is_known; i++)
		is_known = out_format_of(o->files.output) == formats[i].as;
	return is_known ? outputs_check(&o->files, NULL, 0)
			: fail(-EINVAL, "--output %s: its name must end in one of" SUFFIXES,
			       o->files.output);
}

struct formatted {
	const struct compare *c;
	size_t as;
};

static int write_as(FILE *f, const void *ctx)
{
	const struct formatted *it = ctx;

	return formats[it->as].write(f, it->c);
}

static int print(const struct diff_opts *o, const struct outputs *to, const struct compare *c)
{
	struct out_term_opts how = outputs_term(o->top, o->no_color, o->verbose);
	struct outputs_result results[ARRAY_SIZE(formats)];
	struct formatted in[ARRAY_SIZE(formats)];
	struct cli_failures failed = {0};
	bool want_text = outputs_want_text(outputs_on_stdout(&o->files), outputs_any(&o->files));
	int err = want_text ? diff_term(stdout, c, &how) : 0;

	cli_note(&failed, cli_reader_left(err) ? 0 : err);
	for (size_t as = 0; as < ARRAY_SIZE(formats); as++) {
		in[as] = (struct formatted){c, as};
		results[as] =
			(struct outputs_result){o->files.path[formats[as].as], write_as, &in[as]};
	}
	err = outputs_write_all(to, results, ARRAY_SIZE(formats));
	cli_note(&failed, err < 0 ? err : 0);
	return cli_noted(&failed);
}

/* ---- The comparison. ---- */

/* Returns the exit status. */
static int diff(const struct diff_opts *o, const struct outputs *to, const struct side *a,
		const struct side *b)
{
	struct report *in[2] = {NULL, NULL};
	struct report_pool *pool = NULL;
	struct compare c = {0};
	int err = report_pool_new(&pool);

	if (!err)
		err = reports_merge(a->v, a->n, pool, true, &in[0]);
	if (!err)
		err = reports_merge(b->v, b->n, pool, true, &in[1]);
	if (!err)
		err = compare_reports(in[0], in[1], &c);
	if (!err) {
		c.a.files = (const char **)a->v;
		c.a.n_files = a->n;
		c.b.files = (const char **)b->v;
		c.b.n_files = b->n;
		err = print(o, to, &c);
	}
	compare_free(&c);
	report_free(in[0]);
	report_free(in[1]);
	report_pool_free(pool);
	if (err)
		return cli_complain(CLI_FAILED);
	return o->fail_on && c.has_leak ? CLI_LEAK : CLI_DONE;
}

/* Finds the files: "A B", or "A... -- B...". @cut: the index of the first word behind "--". */
static int find_sides(char **argv, int first, int argc, int cut, struct side *a, struct side *b)
{
	int end = cut ? cut : argc;

	if (!cut && argc - first != 2)
		return fail(-EINVAL, "diff takes two reports, A and B; several of a side: A... -- "
				     "B...; diff --help shows examples");
	if (!cut)
		end = first + 1;
	*a = (struct side){argv + first, (size_t)(end - first)};
	*b = (struct side){argv + end, (size_t)(argc - end)};
	if (!a->n || !b->n)
		return fail(-EINVAL, "no report %s --: name files on both sides of it",
			    a->n ? "behind" : "before");
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i][0] == '-' && b->v[i][1] && access(b->v[i], F_OK))
			return fail(-EINVAL, "%s: options come before the first file", b->v[i]);
	return reports_check(a->v, a->n + b->n);
}

/* Takes the first "--" out. Returns its index; 0 = there is none. */
static int cut_words(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++)
		if (!strcmp(argv[i], "--")) {
			memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof(*argv));
			--*argc;
			return i;
		}
	return 0;
}

int command_diff(int argc, char **argv)
{
	struct diff_opts o = {.top = 10};
	struct side a = {0}, b = {0};
	struct outputs to;
	int first, status, cut = cut_words(&argc, argv);

	if (opts_parse_words(table, cut ? cut : argc, argv, &o, &first) != 0)
		return cli_complain(CLI_USAGE);
	if (o.want_help) {
		help();
		return CLI_DONE;
	}
	if (check(&o) || find_sides(argv, first, argc, cut, &a, &b))
		return cli_complain(CLI_USAGE);
	status = outputs_open(&to, &o.files, NULL, 0, o.no_sandbox);
	if (!status)
		status = outputs_spare(&to, (const char *const *)argv + first,
				       (size_t)(argc - first));
	if (!status)
		status = confine(&(struct confine_opts){
			.is_off = o.no_sandbox, .kind = FILTER_READS, .only_files = true});
	status = status ? cli_complain(CLI_FAILED) : diff(&o, &to, &a, &b);
	outputs_close(&to);
	return status;
}

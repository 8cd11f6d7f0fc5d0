/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `diff`: what is new, grew, shrank or is gone between two watches. */
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
	const char *path[DIFF_FORMATS_MAX], *output, *fail_on;
	uint32_t top;
	int verbose;
	bool no_color, no_sandbox, want_help;
};

/* Files of one side. */
struct side {
	char **v;
	size_t n;
};

#define ROW(field) offsetof(struct diff_opts, field)

static const char *const fail_words[] = {"leak", NULL};

#define FORMAT(name, text, ...)                                           \
	{0,                                                               \
	 OPT_STRING,                                                      \
	 #name,                                                           \
	 "FILE",                                                          \
	 ROW(path[DIFF_##name]),                                          \
	 "also write it as " text "; - is standard output, for it alone", \
	 0,                                                               \
	 0,                                                               \
	 NULL},
#define SUFFIX(name, text, suffix, ...) " " suffix

static const struct opt table[] = {
	DIFF_FORMATS(FORMAT, ){
		0, OPT_STRING, "output", "FILE", ROW(output),
		"the same, in the format that the name ends in:" DIFF_FORMATS(SUFFIX, ), 0, 0,
		NULL},
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
	const char *name, *suffix;
	int (*write)(FILE *f, const struct compare *c);
} formats[] = {
#define X(name, text, suffix, ...) {#name, suffix, diff_##name},
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

/* ---- Where it is written. ---- */

static int sort_by_suffix(struct diff_opts *o)
{
	size_t n = o->output ? strlen(o->output) : 0;

	for (size_t i = 0; o->output && i < DIFF_FORMATS_MAX; i++) {
		size_t k = strlen(formats[i].suffix);

		if (n <= k || strcmp(o->output + n - k, formats[i].suffix) != 0)
			continue;
		if (o->path[i])
			return fail(-EINVAL,
				    "--%s %s and --output %s are the same format: one of them",
				    formats[i].name, o->path[i], o->output);
		o->path[i] = o->output;
		return 0;
	}
	return o->output ? fail(-EINVAL,
				"--output %s: its name must end in one of" DIFF_FORMATS(SUFFIX, ),
				o->output)
			 : 0;
}

static size_t on_stdout(const struct diff_opts *o)
{
	size_t n = 0;

	for (size_t i = 0; i < DIFF_FORMATS_MAX; i++)
		n += outputs_is_stdout(o->path[i]);
	return n;
}

static bool any_file(const struct diff_opts *o)
{
	size_t n = 0;

	while (n < DIFF_FORMATS_MAX && !o->path[n])
		n++;
	return n < DIFF_FORMATS_MAX;
}

static int check(struct diff_opts *o)
{
	if (sort_by_suffix(o))
		return -EINVAL;
	for (size_t i = 0; i < DIFF_FORMATS_MAX; i++)
		if (outputs_check_name(formats[i].name, o->path[i]))
			return -EINVAL;
	if (on_stdout(o) > 1)
		return fail(-EINVAL, "standard output takes one format");
	return outputs_apart(NULL, o->path, DIFF_FORMATS_MAX);
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
	struct cli_failures failed = {0};
	bool is_taken = on_stdout(o);
	int err = outputs_want_text(is_taken, any_file(o)) ? diff_term(stdout, c, &how) : 0;

	cli_note(&failed, cli_reader_left(err) ? 0 : err);
	for (size_t i = 0; i < DIFF_FORMATS_MAX; i++) {
		const struct formatted it = {c, i};
		int one = o->path[i] ? outputs_write(to, o->path[i], write_as, &it) : 0;

		cli_note(&failed, is_taken && one == -EPIPE ? 0 : one);
	}
	return cli_noted(&failed);
}

/* ---- What is compared. ---- */

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

/* "A B", or "A... -- B...": what is behind the -- is B's. */
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

/* The place of the "--", which is taken out; 0 = there is none. */
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
	status = outputs_open(&to, NULL, o.path, DIFF_FORMATS_MAX, o.no_sandbox);
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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `merge`: joins saved reports of many processes or hosts into one. */
#include <stdio.h>

#include "cli/cli.h"
#include "command/command.h"
#include "command/reports.h"
#include "cli/opts.h"
#include "cli/outputs.h"
#include "confine/confine.h"
#include "out/out.h"

struct merge_opts {
	struct outputs_files files;
	uint32_t top;
	int verbose;
	bool no_color, no_sandbox, want_help;
};

#define ROW(field) offsetof(struct merge_opts, field)

static const struct opt table[] = {
	OUT_FORMATS(OUTPUTS_ROW, struct merge_opts, "merged report")
		OUTPUTS_BY_SUFFIX(struct merge_opts),
	{'T', OPT_U32, "top", "N", ROW(top), "sites shown (default 10)", 1, 10000, NULL},
	{0, OPT_FLAG, "no-sandbox", NULL, ROW(no_sandbox), CLI_NO_SANDBOX_HELP, 0, 0, NULL},
	{'v', OPT_COUNT, "verbose", NULL, ROW(verbose), "whole stacks, all sites", 0, 0, NULL},
	{0, OPT_FLAG, "no-color", NULL, ROW(no_color), "no colours (as with NO_COLOR set)", 0, 0,
	 NULL},
	{'h', OPT_FLAG, "help", NULL, ROW(want_help), "this text", 0, 0, NULL},
	{0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static void help(void)
{
	fputs("usage: pyleak-bpf merge A.json B.json... [options]\n"
	      "\n"
	      "Joins saved reports (--json, --record) of many processes or hosts: a line that "
	      "leaks in ten\n"
	      "workers is one site, with the sums of all ten. A process that is in several "
	      "reports\n"
	      "counts once, as last reported, or as a merged one has it. - is standard input.\n"
	      "\n",
	      stdout);
	opts_help(table, NULL, stdout);
	fputs("\n"
	      "Examples:\n"
	      "  pyleak-bpf merge web-*.json\n"
	      "  pyleak-bpf merge host1.json host2.json --json all.json\n"
	      "\n"
	      "Exit status: 0 done, 1 a report could not be read, 2 bad usage.\n",
	      stdout);
}

static int merge(const struct merge_opts *o, const struct outputs *to, char **files, size_t n)
{
	struct report_pool *pool = NULL;
	struct report *all = NULL;
	int err = report_pool_new(&pool);

	if (!err)
		err = reports_merge(files, n, pool, false, &all);
	if (!err)
		err = outputs_print(to, &o->files, out_term,
				    outputs_term(o->top, o->no_color, o->verbose), all);
	report_free(all);
	report_pool_free(pool);
	return err;
}

int command_merge(int argc, char **argv)
{
	struct merge_opts o = {.top = 10};
	struct outputs to;
	int first, err;

	if (opts_parse_words(table, argc, argv, &o, &first) != 0)
		return cli_complain(CLI_USAGE);
	if (o.want_help) {
		help();
		return CLI_DONE;
	}
	if (outputs_check(&o.files, NULL, 0))
		return cli_complain(CLI_USAGE);
	if (first == argc) {
		fail(-EINVAL, "which reports? Name the files; merge --help shows examples");
		return cli_complain(CLI_USAGE);
	}
	if (reports_check(argv + first, (size_t)(argc - first)))
		return cli_complain(CLI_USAGE);
	err = outputs_open(&to, &o.files, NULL, 0, o.no_sandbox);
	if (!err)
		err = outputs_spare(&to, (const char *const *)argv + first, (size_t)(argc - first));
	if (!err)
		err = confine(&(struct confine_opts){
			.is_off = o.no_sandbox, .kind = FILTER_READS, .only_files = true});
	if (!err)
		err = merge(&o, &to, argv + first, (size_t)(argc - first));
	outputs_close(&to);
	return err ? cli_complain(CLI_FAILED) : CLI_DONE;
}

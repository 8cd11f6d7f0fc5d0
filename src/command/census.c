/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `census`: counts what lives in the heap of a process now, by type. */
#include <stdio.h>
#include <unistd.h>

#include "base/lost.h"
#include "base/thread.h"
#include "command/census_process.h"
#include "cli/cli.h"
#include "command/command.h"
#include "cli/opts.h"
#include "cli/progress.h"
#include "cli/source.h"
#include "cli/stop.h"
#include "out/out.h"

struct census_cmd {
	struct cli_source_opts source;
	struct cli_again again;
	double diff_s;
	const char *type, *json, *save;
	uint32_t top;
	int verbose;
	bool redact, no_redact, is_quiet, no_color, want_help;
	struct progress progress;
	struct outputs outputs;
};

#define ROW(field) offsetof(struct census_cmd, field)

static const struct opt table[] = {
	{'p', OPT_PIDS, "pid", "PID[,PID]", ROW(source.pids),
	 "processes to look at; or the name of one", 0, 0, NULL},
	CLI_FIND_ROWS(ROW(source.find)),
	CLI_SOURCE_FILES(ROW(source)),
	CLI_SOURCE_SWAPPED(ROW(source)),
	{0, OPT_STRING, "save", "FILE", ROW(save),
	 "save the process's memory for --from, here or on another machine; the file holds all "
	 "that "
	 "the process knows, secrets too",
	 0, 0, NULL},
	{0, OPT_NUMBER, "diff", "SEC", ROW(diff_s), "what grew within SEC, by several censuses",
	 0.2, 86400, NULL},
	{0, OPT_STRING, "type", "NAME", ROW(type),
	 "samples of the objects of this type: app.Session, or just Session", 0, 0, NULL},
	{0, OPT_FLAG, "redact", NULL, ROW(redact), "with --type: no values (the default)", 0, 0,
	 NULL},
	{0, OPT_FLAG, "no-redact", NULL, ROW(no_redact),
	 "with --type: also the values of numbers and the beginning of strings; of containers the "
	 "length alone",
	 0, 0, NULL},
	{'T', OPT_U32, "top", "N", ROW(top), "types and samples shown (default 20)", 1, 100000,
	 NULL},
	{0, OPT_STRING, "json", "FILE", ROW(json),
	 "also write all of it as JSON; - is standard output, for it alone", 0, 0, NULL},
	{0, OPT_FLAG, "no-sandbox", NULL, ROW(source.no_sandbox), CLI_NO_SANDBOX_HELP, 0, 0, NULL},
	{'q', OPT_FLAG, "quiet", NULL, ROW(is_quiet), "no progress", 0, 0, NULL},
	{'v', OPT_COUNT, "verbose", NULL, ROW(verbose), "what the tool does", 0, 0, NULL},
	{0, OPT_FLAG, "no-color", NULL, ROW(no_color), "no colours (as with NO_COLOR set)", 0, 0,
	 NULL},
	{'h', OPT_FLAG, "help", NULL, ROW(want_help), "this text", 0, 0, NULL},
	{0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static void help(void)
{
	fputs("usage: pyleak-bpf census -p PID[,PID...] [options]\n"
	      "\n"
	      "Counts the objects of a running Python program by type, from outside: its memory "
	      "is\n"
	      "read while it runs, nothing is stopped or installed, and no garbage collection is\n"
	      "needed. What belongs to an object alone (items of a list, keys of a dict) is\n"
	      "counted with it; <buffer N> is memory that no Python object accounts for.\n"
	      "\n",
	      stdout);
	opts_help(table, NULL, stdout);
	fputs("\n"
	      "Examples:\n"
	      "  sudo pyleak-bpf census -p 1234                   the largest types\n"
	      "  sudo pyleak-bpf census -p 1234 --diff 30         what grew in half a minute\n"
	      "  sudo pyleak-bpf census -p 1234 --type app.Session --no-redact\n"
	      "  sudo pyleak-bpf census -p 1234 --save app.snap   then, anywhere: --from app.snap\n"
	      "\n"
	      "Exit status: 0 done, 1 could not be done, 2 bad usage, 130 interrupted.\n",
	      stdout);
}

static int parse(int argc, char **argv, struct census_cmd *c)
{
	int first, err;

	*c = (struct census_cmd){
		.top = 20,
		.outputs.keeper.sock = -1,
		.again = {table, argc, argv, "census", OPTS_MAX_PIDS, false},
	};
	err = opts_parse_words(table, argc, argv, c, &first);
	if (err || c->want_help)
		return err;
	err = opts_pid_words(argv + first, (size_t)(argc - first), OPTS_MAX_PIDS, "--diff",
			     &c->source.pids);
	if (err)
		return err;
	err = cli_source_check(&c->source, OPTS_MAX_PIDS);
	if (err)
		return err;
	if (c->save && c->source.pids.n > 1)
		return fail(-EINVAL, "--save takes one process at a time");
	if (c->save && (!*c->save || !strcmp(c->save, "-")))
		return fail(-EINVAL, "--save needs the name of a file");
	if (c->diff_s > 0 && (c->source.from || c->source.core))
		return fail(-EINVAL, "--diff needs a process that runs: -p PID");
	if (c->redact && c->no_redact)
		return fail(-EINVAL, "--redact and --no-redact exclude each other");
	err = outputs_check_name("json", c->json);
	return err ? err : outputs_apart(NULL, (const char *const[]){c->json, c->save}, 2);
}

static bool json_on_stdout(const struct census_cmd *c)
{
	return outputs_is_stdout(c->json);
}

static int save(struct census_cmd *c, struct cli_source *s)
{
	return cli_source_save(s, &c->outputs, c->save, &c->progress,
			       json_on_stdout(c) ? stderr : stdout);
}

/* Takes the census of process @i for the next place in the report. */
static int take_one(struct census_cmd *c, size_t i, struct report *r)
{
	const struct census_opts o = {
		.diff_s = c->diff_s,
		.type = c->type,
		.samples = c->top,
		.values = c->no_redact,
		.watch = progress_heap,
		.watch_ctx = &c->progress,
	};
	struct cli_source s;
	int err = cli_source_open(&c->source, i, &s);

	progress_begin(&c->progress, c->is_quiet);
	if (!err && c->save)
		err = save(c, &s);
	if (!err)
		err = census_process(s.proc, s.rt, &o, r, &r->processes[r->n_processes]);
	progress_end(&c->progress);
	cli_source_close(&s);
	return err;
}

/* Takes the census of all. After Ctrl-C those that are done count; @left_out: some failed. */
static int take_all(struct census_cmd *c, struct report *r, bool *left_out)
{
	size_t n = c->source.pids.n ? c->source.pids.n : 1;

	r->processes = report_alloc(r, n * sizeof(*r->processes));
	if (!r->processes)
		return fail(-ENOMEM, "no memory for a report");
	for (size_t i = 0; i < n; i++) {
		int err = take_one(c, i, r);

		if (err == -ECANCELED && r->n_processes) {
			log_line("interrupted: %zu of %zu processes", r->n_processes, n);
			return 0;
		}
		if (err && (err == -ECANCELED || n == 1))
			return err;
		if (err) {
			cli_complain(CLI_FAILED);
			*left_out = true;
		} else {
			r->n_processes++;
		}
	}
	return 0;
}

/* With --type: has any process such objects? */
static int check_found(const struct census_cmd *c, const struct report *r)
{
	uint64_t unread = 0;
	char words[512];

	for (size_t i = 0; i < r->n_processes; i++) {
		const struct report_process *p = &r->processes[i];

		if (p->n_instances)
			return 0;
		for (size_t k = 0; k < p->n_lost; k++)
			if (!strcmp(p->lost[k].key, CENSUS_NAMES_KEY))
				unread += p->lost[k].n;
	}
	if (!unread)
		return fail(-ENOENT, "no object of type %s: pyleak-bpf census %s lists the types",
			    c->type, cli_source_words(&c->source, words, sizeof(words)));
	return fail(-ENOENT,
		    "no object of type %s was found, and the names of %llu types could not be read",
		    c->type, (unsigned long long)unread);
}

static int print(const struct census_cmd *c, const struct report *r)
{
	return outputs_print(&c->outputs, &(struct outputs_files){.path = {[OUT_json] = c->json}},
			     out_census, outputs_term(c->top, c->no_color, c->verbose), r);
}

static int run(struct census_cmd *c)
{
	const char *const paths[] = {c->json, c->save};
	uint64_t begin = clock_ns();
	bool left_out = false;
	struct report *r;
	int err;

	thread_calm();
	stop_install();
	err = cli_source_confine(&c->source, &c->outputs, paths, ARRAY_SIZE(paths));
	if (!err)
		err = cli_source_find(&c->source, &c->again);
	if (!err)
		err = report_new(&r);
	if (err) {
		outputs_close(&c->outputs);
		return cli_complain(stop_code(err));
	}
	r->started_at = wall_clock();
	r->final = true;
	err = take_all(c, r, &left_out);
	r->ended_at = wall_clock();
	r->duration_s = (double)(clock_ns() - begin) / 1e9;
	if (c->diff_s > 0 && stop_asked())
		log_line("interrupted: what grew is of less than %g s, or not known", c->diff_s);
	/* The other types, in a table, would hide that this one is missing. */
	if (!err && r->n_processes && (!c->type || c->json || !check_found(c, r)))
		err = print(c, r);
	if (!err && c->type && r->n_processes)
		err = check_found(c, r);
	report_free(r);
	outputs_close(&c->outputs);
	if (err)
		return cli_complain(stop_code(err));
	return left_out ? CLI_FAILED : CLI_DONE;
}

int command_census(int argc, char **argv)
{
	struct census_cmd c;

	if (parse(argc, argv, &c) != 0)
		return cli_complain(CLI_USAGE);
	if (c.want_help) {
		help();
		return CLI_DONE;
	}
	log_set_level((enum log_level)c.verbose);
	return run(&c);
}

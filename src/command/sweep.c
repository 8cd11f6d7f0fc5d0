/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `sweep`: finds the Pythons on this host that leak. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/thread.h"
#include "cli/cli.h"
#include "command/command.h"
#include "cli/outputs.h"
#include "command/on_screen.h"
#include "command/record.h"
#include "cli/select.h"
#include "cli/stop.h"
#include "confine/confine.h"
#include "out/out.h"

#define TURN_S	   0.2
#define INTERVAL_S 30
#define FIRST_S	   1.0

struct sweep_cmd {
	struct cli_select select;
	double duration_s, interval_s;
	uint32_t top;
	const char *record, *fail_on;
	struct outputs_files files;
	int verbose;
	bool no_tui, is_quiet, no_color, no_sandbox, want_help;
	bool is_unread; /* nobody reads standard output any more */
	struct on_screen on;
	struct outputs outputs;
	struct record rec;
};

#define ROW(field) offsetof(struct sweep_cmd, field)

static const char *const fail_words[] = {"leak", NULL};

static const struct opt table[] = {
	{'d', OPT_NUMBER, "duration", "SEC", ROW(duration_s),
	 "stop after SEC and print the final report (default: at Ctrl-C)", 0.1, 31536000, NULL},
	{'i', OPT_NUMBER, "interval", "SEC", ROW(interval_s),
	 "report every SEC (default 30; full-screen 2)", 0.1, 86400, NULL},
	{'T', OPT_U32, "top", "N", ROW(top), "processes shown (default 10)", 1, 10000, NULL},
	CLI_SELECT_ROWS(struct sweep_cmd),
	{0, OPT_STRING, "record", "FILE", ROW(record),
	 "also save what was seen of those with probes: pyleak-bpf --from FILE", 0, 0, NULL},
	OUT_FORMATS(OUTPUTS_ROW, struct sweep_cmd, "final report")
		OUTPUTS_BY_SUFFIX(struct sweep_cmd),
	{0, OPT_WORD, "fail-on", "WHAT", ROW(fail_on),
	 "leak: exit 3 when the verdict on a process is leak", 0, 0, fail_words},
	{0, OPT_FLAG, "no-sandbox", NULL, ROW(no_sandbox), CLI_NO_SANDBOX_HELP, 0, 0, NULL},
	{0, OPT_FLAG, "no-tui", NULL, ROW(no_tui),
	 "reports one after the other on a terminal too, no full-screen view (as with -q, -v and "
	 "in a pipe)",
	 0, 0, NULL},
	{'q', OPT_FLAG, "quiet", NULL, ROW(is_quiet), "print only the final report", 0, 0, NULL},
	{'v', OPT_COUNT, "verbose", NULL, ROW(verbose), "steady processes too", 0, 0, NULL},
	{0, OPT_FLAG, "no-color", NULL, ROW(no_color), "no colours (as with NO_COLOR set)", 0, 0,
	 NULL},
	{'h', OPT_FLAG, "help", NULL, ROW(want_help), "this text", 0, 0, NULL},
	{0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static void help(void)
{
	fputs("usage: pyleak-bpf sweep [options]\n"
	      "\n"
	      "Finds every Python on this host, in containers too, and watches all of them by "
	      "what\n"
	      "costs them nothing: resident size and the counters of their heaps. Those that grow\n"
	      "are probed, two at a time, until the line that leaks is known. All options that\n"
	      "select must hold.\n"
	      "\n",
	      stdout);
	opts_help(table, NULL, stdout);
	fputs("\n"
	      "Examples:\n"
	      "  sudo pyleak-bpf sweep                         until Ctrl-C\n"
	      "  sudo pyleak-bpf sweep -d 120 --user www-data\n"
	      "  sudo pyleak-bpf sweep -d 120 -q --fail-on leak --json sweep.json\n"
	      "\n"
	      "Exit status: 0 done, 1 could not be done, 2 bad usage, 3 with --fail-on leak when "
	      "a\n"
	      "process leaks, 130 interrupted before anything could be reported, or twice.\n",
	      stdout);
}

static int parse(int argc, char **argv, struct sweep_cmd *c, struct sweep_opts *so)
{
	int err;

	*c = (struct sweep_cmd){.select = CLI_SELECT_DEFAULTS,
				.interval_s = NAN,
				.top = 10,
				.outputs.keeper.sock = -1};
	err = opts_parse(table, argc, argv, c);
	if (err || c->want_help)
		return err;
	if (outputs_check(&c->files, &c->record, 1))
		return -EINVAL;
	if (c->record && (!*c->record || !strcmp(c->record, "-")))
		return fail(-EINVAL, "--record needs the name of a file");
	return cli_select_parse(&c->select, so);
}

static int print(struct sweep_cmd *c, const struct report *r)
{
	const struct out_term_opts how = outputs_term(c->top, c->no_color, c->verbose);
	int err;

	if (c->on.screen)
		return screen_report(c->on.screen, r);
	if (r->final)
		return outputs_print(&c->outputs, &c->files, c->is_unread ? NULL : out_term_sweep,
				     how, r);
	err = outputs_want_text(outputs_on_stdout(&c->files), outputs_any(&c->files))
		      ? out_term_sweep(stdout, r, &how)
		      : 0;
	c->is_unread = cli_reader_left(err);
	return c->is_unread ? 0 : err;
}

static int report(struct sweep_cmd *c, struct sweep *s, double started_at, uint64_t begin,
		  bool final, bool *leaks)
{
	struct cli_failures failed = {0};
	struct report *r = NULL;
	int err = report_new(&r);

	if (err)
		return err;
	r->final = final;
	r->started_at = started_at;
	r->ended_at = wall_clock();
	r->duration_s = (double)(clock_ns() - begin) / 1e9;
	err = sweep_fill(s, r);
	cli_note(&failed, err);
	/* who reads the report may stand still, and nothing more is recorded */
	if (!err && final)
		cli_note(&failed, record_end(&c->rec, 0));
	if (!err)
		cli_note(&failed, print(c, r));
	*leaks = r->n_processes && r->processes[0].verdict == CLASS_LEAK;
	report_free(r);
	return cli_noted(&failed);
}

static void say_watching(const struct sweep_cmd *c, const struct sweep *s)
{
	size_t refused, n = sweep_count(s, &refused);

	if (c->is_quiet)
		return;
	if (!c->on.screen && c->duration_s > 0 && c->duration_s <= c->interval_s)
		log_line("watching %zu Python process%s; final report in %g s, Ctrl-C for it now",
			 n, n == 1 ? "" : "es", c->duration_s);
	else if (!c->on.screen)
		log_line("watching %zu Python process%s; a report every %g s, Ctrl-C for the final "
			 "one",
			 n, n == 1 ? "" : "es", c->interval_s);
}

static void step_screen(struct sweep_cmd *c, double now)
{
	if (!c->on.screen)
		return;
	if (c->duration_s > 0)
		screen_left(c->on.screen, fmax(0, c->duration_s - now));
	on_screen_step(&c->on, 0);
}

static int loop(struct sweep_cmd *c, struct sweep *s, bool *leaks)
{
	uint64_t begin = clock_ns();
	double started_at = wall_clock(), next = c->on.screen ? FIRST_S : c->interval_s, now;
	bool told = false;
	struct cli_failures failed = {0};
	int err = 0;

	if (c->on.screen)
		screen_doing(c->on.screen, "looking for Python processes");
	while (!err && !stop_asked() && !c->is_unread) {
		record_tell(&c->rec);
		cli_helpers_tell();
		err = sweep_step(s, c->on.screen ? ON_SCREEN_TURN_S : TURN_S);
		now = (double)(clock_ns() - begin) / 1e9;
		step_screen(c, now);
		if (!told && sweep_has_round(s)) {
			say_watching(c, s);
			told = true;
		}
		if (c->duration_s > 0 && now >= c->duration_s)
			break;
		/* before the first round, a report on some processes would look like one on all */
		if (err || now < next || !sweep_has_round(s))
			continue;
		if (!c->is_quiet)
			err = report(c, s, started_at, begin, false, leaks);
		if (c->on.screen && next < c->interval_s)
			next = 0;
		while (next <= now)
			next += c->interval_s;
	}
	on_screen_end(&c->on);
	/* nothing is known, so that files of an earlier run are not replaced */
	if (!sweep_has_round(s) && (err || stop_asked()))
		return err ? err : -ECANCELED;
	if (!sweep_has_round(s))
		log_line("pyleak-bpf: not every process was looked at in %g s: the report tells "
			 "of some; a longer -d tells of all",
			 c->duration_s);
	/* a full disk behind standard output is no reason to lose the files */
	cli_note(&failed, err);
	cli_note(&failed, report(c, s, started_at, begin, true, leaks));
	return cli_noted(&failed);
}

static int run(struct sweep_cmd *c, struct sweep_opts *so)
{
	struct probe_guard *guard = NULL;
	struct sweep *s = NULL;
	bool leaks = false, was_watched;
	struct cli_failures failed = {0};
	int err;

	on_screen_decide(&c->on,
			 !c->no_tui && !c->is_quiet && !c->verbose && !outputs_on_stdout(&c->files),
			 0);
	if (isnan(c->interval_s))
		c->interval_s = c->on.is_wanted ? ON_SCREEN_INTERVAL_S : INTERVAL_S;
	thread_calm();
	stop_install();
	cli_select_raise_limit();
	err = cli_preflight();
	if (!err)
		err = cli_guard_start(c->no_sandbox, &guard);
	if (!err)
		err = outputs_open_saving(&c->outputs, &c->files, &c->record, 1,
					  on_screen_stem(&c->on), c->no_sandbox);
	if (!err)
		err = cli_helpers_start(c->no_sandbox);
	if (!err)
		err = on_screen_begin(&c->on, &c->outputs, c->no_color, c->no_sandbox);
	if (!err)
		err = confine(&(struct confine_opts){.is_off = c->no_sandbox,
						     .kind = FILTER_WATCHES,
						     .paints = c->on.is_wanted});
	if (!err)
		err = record_begin(&c->rec, &c->outputs, c->record);
	if (!err)
		err = on_screen_open(&c->on);
	so->on_evidence = c->rec.rec ? record_evidence : NULL;
	so->on_evidence_ctx = c->rec.rec;
	so->keeps_leaks = true;
	if (!err)
		err = sweep_new(so, guard, &s);
	if (!err)
		err = loop(c, s, &leaks);
	cli_note(&failed, err);
	on_screen_end(&c->on);
	was_watched = s && sweep_has_round(s);
	sweep_free(s);
	cli_note(&failed, record_end(&c->rec, was_watched ? 0 : err));
	cli_guard_stop(guard);
	outputs_close(&c->outputs);
	cli_helpers_stop();
	if (err == -ECANCELED && stop_asked())
		return cli_interrupted();
	if (cli_noted(&failed))
		return cli_complain(CLI_FAILED);
	return c->fail_on && leaks ? CLI_LEAK : CLI_DONE;
}

int command_sweep(int argc, char **argv)
{
	struct sweep_opts so;
	struct sweep_cmd c;
	int code;

	if (parse(argc, argv, &c, &so) != 0)
		return cli_complain(CLI_USAGE);
	if (c.want_help) {
		help();
		return CLI_DONE;
	}
	log_set_level((enum log_level)c.verbose);
	code = run(&c, &so);
	cli_select_free(&c.select);
	return code;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The option table of `watch`, its defaults and its help. */
#include "command/watch_opts.h"

#include <math.h>

#include "confine/confine.h"
#include "session/session.h"

/* Seconds that the final report waits for what holds the objects. With --fail-on it must wait
 * longer, as no line is called a leak before that is known. */
#define WAIT_S		  0.1
#define WAIT_FOR_STATUS_S 8
#define OLDER_MS	  500
#define OVERHEAD_PCT	  3

#define ROW(field) offsetof(struct watch_opts, field)

static const char *const failures[] = {"leak", NULL};
static const char *const modes[] = {"auto", NULL};

static const struct opt table[] = {
	{'p', OPT_PIDS, "pid", "PID[,PID]", ROW(pids), "processes to watch; or the name of one", 0,
	 0, NULL},
	CLI_FIND_ROWS(ROW(find)),
	{0, OPT_FLAG, "children", NULL, ROW(children),
	 "follow what they fork, spawn and exec too: one merged report", 0, 0, NULL},
	{'i', OPT_NUMBER, "interval", "SEC", ROW(interval_s),
	 "print the top sites every SEC (default 5; full-screen 2)", 0.1, 86400, NULL},
	{'d', OPT_NUMBER, "duration", "SEC", ROW(duration_s),
	 "stop after SEC and print the final report (default: at Ctrl-C)", 0.1, 31536000, NULL},
	{0, OPT_NUMBER, "wait", "SEC", ROW(wait_s),
	 "let the final report wait so long for what holds the objects, and for debuginfod servers "
	 "(default 0.1; 8 with --fail-on)",
	 0, 3600, NULL},
	{'T', OPT_U32, "top", "N", ROW(top), "sites shown (default 10)", 1, 10000, NULL},
	{'o', OPT_U32, "older", "MS", ROW(older_ms),
	 "count only blocks at least this old, in milliseconds (default 500)", 0, 3600000, NULL},
	{'z', OPT_SIZE, "min-size", "BYTES", ROW(min_size),
	 "smallest size traced; k, M and G are understood", 0, 0, NULL},
	{'Z', OPT_SIZE, "max-size", "BYTES", ROW(max_size), "largest size traced", 0, 0, NULL},
	{0, OPT_FLAG, "fds", NULL, ROW(fds),
	 "descriptors, sockets, threads and children too, by the line that opened or started them "
	 "(default)",
	 0, 0, NULL},
	{0, OPT_FLAG, "no-fds", NULL, ROW(no_fds), "memory only", 0, 0, NULL},
	{0, OPT_FLAG, "native", NULL, ROW(want_native),
	 "native frames between the Python line and the allocator (default)", 0, 0, NULL},
	{0, OPT_FLAG, "no-native", NULL, ROW(no_native), "Python frames alone", 0, 0, NULL},
	{0, OPT_WORD, "mode", "MODE", ROW(mode),
	 "auto (default): the process is slowed down by at most --overhead, and what is counted "
	 "is an estimate, marked with ~",
	 0, 0, modes},
	{0, OPT_NUMBER, "overhead", "PCT", ROW(overhead_pct),
	 "what probes may cost the process, in percent of its CPU time (default 3); up to 0.8 % "
	 "of a core where that is more, else an idle one could not be seen. Up to twice that in "
	 "the first minute, while something grows; in the first 3 s what one that uses a whole "
	 "core may cost",
	 0.1, 50, NULL},
	{0, OPT_NUMBER, "max-pause", "MS", ROW(max_pause_ms),
	 "how long one sampling window should keep it waiting: the aim, not a promise; where an "
	 "event is dear ('doctor' says 5000 ns) births alone may take twice that (default 5)",
	 1, 1000, NULL},
	OUT_FORMATS(OUTPUTS_ROW, struct watch_opts, "final report")
		OUTPUTS_BY_SUFFIX(struct watch_opts),
	{0, OPT_STRING, "record", "FILE", ROW(record),
	 "also save what was seen, so that the report of any moment can be had again; with --from: "
	 "of that moment alone",
	 0, 0, NULL},
	{0, OPT_STRING, "from", "FILE", ROW(from),
	 "instead of -p: the report of a recording (--record), or a saved one (--json); as text "
	 "unless it is written to a file (--html F)",
	 0, 0, NULL},
	{0, OPT_NUMBER, "at", "SEC", ROW(at_s),
	 "of a recording, as of SEC after its start (default: the end)", 0, 31536000, NULL},
	{0, OPT_FLAG, "tui", NULL, ROW(tui),
	 "with --from: the full-screen view, moment by moment of a recording", 0, 0, NULL},
	{0, OPT_STRINGS, "alert", "RULE", ROW(alerts),
	 "tell when a rule holds: 'rss>2G', 'growth>1M/min for 10m', 'eta<1h'; also pss, swap, "
	 "heap, fds, threads, limit>90%; may be given several times",
	 0, 0, NULL},
	{0, OPT_STRING, "alert-log", "FILE", ROW(alert_log),
	 "append alerts to FILE as JSON lines; - is standard output, for it alone", 0, 0, NULL},
	{0, OPT_STRING, "alert-hook", "CMD", ROW(alert_hook),
	 "run CMD for each alert, with PYLEAK_RULE, _STATE, _VALUE, _PID, ... in its environment",
	 0, 0, NULL},
	{0, OPT_STRING, "baseline", "FILE", ROW(baseline),
	 "learn in FILE what is usual for this program, and say when a run is unlike the earlier "
	 "ones",
	 0, 0, NULL},
	{0, OPT_WORD, "fail-on", "WHAT", ROW(fail_on),
	 "leak: exit with status 3 when the verdict on a process is leak; lines whose memory is "
	 "less than a tenth of what it grows by do not make it one",
	 0, 0, failures},
	{0, OPT_FLAG, "no-sandbox", NULL, ROW(no_sandbox), CLI_NO_SANDBOX_HELP, 0, 0, NULL},
	{0, OPT_FLAG, "no-tui", NULL, ROW(no_tui),
	 "reports one after the other on a terminal too, no full-screen view (as with -q, -v, "
	 "-- CMD and in a pipe)",
	 0, 0, NULL},
	{'q', OPT_FLAG, "quiet", NULL, ROW(is_quiet), "print only the final report", 0, 0, NULL},
	{'v', OPT_COUNT, "verbose", NULL, ROW(verbose),
	 "whole stacks, all sites, all counters, what the tool does; twice: more", 0, 0, NULL},
	{0, OPT_FLAG, "no-color", NULL, ROW(no_color), "no colours (as with NO_COLOR set)", 0, 0,
	 NULL},
	{'h', OPT_FLAG, "help", NULL, ROW(want_help), "this text", 0, 0, NULL},
	{'V', OPT_FLAG, "version", NULL, ROW(want_version), "print the version", 0, 0, NULL},
	{0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static const struct opt_title titles[] = {
	{"pid", "Processes"},
	{"interval", "Time, and what is shown"},
	{"older", "What is counted"},
	{"mode", "Cost"},
	{"json", "Reports in files"},
	{"record", "Recordings"},
	{"alert", "Alerts, baseline, exit status"},
	{"no-sandbox", "Other"},
	{NULL, NULL},
};

/* Takes words as processes; fails if they look like a program that is to be started. */
static int target_words(char **words, size_t n, struct watch_opts *out)
{
	if (cli_find_is_script(words[0]) && n > 1)
		return fail(-EINVAL,
			    "to start %s and watch it: pyleak-bpf -- python3 %s %s ...; if it runs "
			    "already: pyleak-bpf -p %s",
			    words[0], words[0], words[1], words[0]);
	if (n > 1 && strspn(words[0], "0123456789") != strlen(words[0]))
		return fail(-EINVAL,
			    "unexpected words '%s %s'; to start a program and watch it: pyleak-bpf "
			    "-- %s %s",
			    words[0], words[1], words[0], words[1]);
	return opts_pid_words(words, n, OPTS_MAX_PIDS, "-d", &out->pids);
}

/* Words behind "--" are a command. Other words name processes, and are refused beside a command:
 * getopt has moved those from before "--" behind it. */
static int parse_words(int argc, char **argv, struct watch_opts *out)
{
	int dashes = 1, first, err;
	size_t n;

	while (dashes < argc && strcmp(argv[dashes], "--") != 0)
		dashes++;
	err = opts_parse_words(table, argc, argv, out, &first);
	out->again = (struct cli_again){.table = table,
					.argc = argc,
					.argv = argv,
					.command = "",
					.max = OPTS_MAX_PIDS,
					.children = out->children};
	if (err || first >= argc)
		return err;
	n = (size_t)(argc - first);
	if (strcmp(argv[first - 1], "--") != 0)
		return target_words(argv + first, n, out);
	if (dashes < argc && n > (size_t)(argc - dashes - 1))
		return opts_unexpected(argv[first], "what is started comes behind --");
	if (!*argv[first])
		return fail(-EINVAL, "the program behind -- has an empty name");
	out->command = argv + first;
	return 0;
}

/* The first option given that only a watch has; NULL: there is none. */
static const char *of_watch(const struct watch_opts *o)
{
	const struct {
		bool is;
		const char *name;
	} wish[] = {
		{o->children, "--children"},
		{!isnan(o->interval_s), "-i"},
		{o->duration_s > 0, "-d"},
		{!isnan(o->wait_s), "--wait"},
		{o->older_ms != OLDER_MS, "-o"},
		{o->min_size, "-z"},
		{o->max_size != UINT64_MAX, "-Z"},
		{o->fds, "--fds"},
		{o->no_fds, "--no-fds"},
		{o->want_native, "--native"},
		{o->no_native, "--no-native"},
		{o->mode, "--mode"},
		{o->overhead_pct > OVERHEAD_PCT || o->overhead_pct < OVERHEAD_PCT, "--overhead"},
		{fabs(o->max_pause_ms - 1000 * SESSION_PAUSE_S) > 0, "--max-pause"},
		{o->alerts.n, "--alert"},
		{o->alert_log, "--alert-log"},
		{o->alert_hook, "--alert-hook"},
		{o->baseline, "--baseline"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wish); i++)
		if (wish[i].is)
			return wish[i].name;
	return NULL;
}

/* Checks --from, with which nothing is watched. */
static int check_from(struct watch_opts *o)
{
	const char *wish = of_watch(o);

	if (!*o->from)
		return fail(-EINVAL, "--from needs the name of a file");
	if (o->pids.n || cli_find_is_wanted(&o->find, &o->pids) || o->command)
		return fail(-EINVAL, "a process or --from FILE: one of them");
	if (wish)
		return fail(-EINVAL,
			    "%s is for a watch, and --from tells of what was seen: it goes with "
			    "--at, -T, --json, --html, --folded, --speedscope, --pprof, --output, "
			    "--tui, --record, --fail-on, -q and -v",
			    wish);
	if (o->tui && (o->no_tui || o->is_quiet || o->record))
		return fail(-EINVAL, "--tui goes without --no-tui, -q and --record");
	return outputs_check(&o->files, &o->record, 1);
}

int watch_opts_parse(int argc, char **argv, struct watch_opts *out)
{
	bool is_found;
	int err;

	*out = (struct watch_opts){
		.interval_s = NAN,
		.wait_s = NAN,
		.top = 10,
		.older_ms = OLDER_MS,
		.max_size = UINT64_MAX,
		.overhead_pct = OVERHEAD_PCT,
		.max_pause_ms = 1000 * SESSION_PAUSE_S,
		.at_s = NAN,
	};
	err = parse_words(argc, argv, out);
	if (err || out->want_help || out->want_version)
		return err;
	if (out->record && (!*out->record || !strcmp(out->record, "-")))
		return fail(-EINVAL, "--record needs the name of a file");
	if (out->from)
		return check_from(out);
	if (isnan(out->wait_s))
		out->wait_s = out->fail_on ? WAIT_FOR_STATUS_S : WAIT_S;
	if (out->tui)
		return fail(-EINVAL,
			    "--tui goes with --from FILE; a watch has the full-screen view on a "
			    "terminal by itself");
	if (!isnan(out->at_s))
		return fail(-EINVAL, "--at goes with --from FILE");
	is_found = cli_find_is_wanted(&out->find, &out->pids);
	if ((out->pids.n || is_found) && out->command)
		return fail(-EINVAL, "a process (-p) or a command (--): one of them");
	if (!out->pids.n && !is_found && !out->command)
		return fail(-EINVAL, "which process? Name it with -p PID; --help shows examples");
	if (cli_find_check(&out->find, &out->pids))
		return -EINVAL;
	if (out->fds && out->no_fds)
		return fail(-EINVAL, "--fds and --no-fds: one of them");
	if (out->min_size > out->max_size)
		return fail(-EINVAL, "--min-size is larger than --max-size: nothing is left");
	if (out->want_native && out->no_native)
		return fail(-EINVAL, "--native and --no-native: which one?");
	if (outputs_check(&out->files,
			  (const char *const[]){out->baseline, out->record, out->alert_log}, 3))
		return -EINVAL;
	if (out->baseline && (!*out->baseline || !strcmp(out->baseline, "-")))
		return fail(-EINVAL, "--baseline needs the name of a file");
	if ((out->children || out->command) && out->baseline)
		return fail(-EINVAL, "--baseline is for one process that runs: -p PID");
	if (!out->alerts.n && !out->baseline && (out->alert_log || out->alert_hook))
		return fail(-EINVAL, "%s needs a rule: --alert 'rss>2G'",
			    out->alert_log ? "--alert-log" : "--alert-hook");
	if (outputs_is_stdout(out->alert_log) && outputs_on_stdout(&out->files))
		return fail(
			-EINVAL,
			"a report in a file format and --alert-log cannot both be standard output");
	return 0;
}

void watch_opts_help(FILE *f)
{
	fputs("usage: pyleak-bpf PID|NAME [options]   or -p PID[,PID...]\n"
	      "       pyleak-bpf --name REGEX|--container NAME|--pod NS/NAME [options]\n"
	      "       pyleak-bpf [options] -- CMD [ARG...]   start CMD and watch it\n"
	      "       pyleak-bpf --from FILE [--at SEC]   the report of what was recorded\n"
	      "       pyleak-bpf sweep [selection]   every Python on this host: who leaks?\n"
	      "       pyleak-bpf serve [options]   stay resident: metrics, reports, profiles\n"
	      "       pyleak-bpf merge A.json B.json...   many reports as one\n"
	      "       pyleak-bpf diff A.json B.json   what grew, beyond chance\n"
	      "       pyleak-bpf doctor [-p PID]   what this kernel, this user allow\n"
	      "       pyleak-bpf census -p PID[,PID...] [options]   what is in the heap\n"
	      "       pyleak-bpf why -p PID --type NAME   what keeps such objects alive\n"
	      "Each of these has a --help of its own.\n"
	      "\n"
	      "Finds the lines of a running Python program whose objects stay in memory, from\n"
	      "outside: nothing is installed in the process, restarted or stopped. Ctrl-C\n"
	      "prints the final report and leaves the process as it was; CMD goes on as well\n"
	      "(it is in the background: what it reads must not come from the terminal).\n"
	      "\n",
	      f);
	opts_help(table, titles, f);
	fputs("\n"
	      "What the report says, worst site first:\n"
	      "  #1 LEAK           grows on and on; GROWING: grew, too early to call it a leak\n"
	      "  ~+1.2 MiB/s       growth; ~ marks an estimate, made 'from N samples'\n"
	      "  ~+3.4 k objects/s the same in objects (blocks, for memory of C code)\n"
	      "  oldest            age of the oldest object from here that is still there\n"
	      "  site              name of this stack, the same in every run and on every host\n"
	      "  dict 83 %         types of what stays, by share of the objects\n"
	      "  app.py:42  add    the stack: the line that made them first, its callers below\n"
	      "  held by (84 %)    the path to most of them from something with a name; for\n"
	      "                    the other paths: pyleak-bpf why\n"
	      "and of the process:\n"
	      "  sites explain     so much of the growth of its resident size\n"
	      "  confidence        0 to 1, in the verdict; grows with the time watched\n"
	      "  costs             the part of a core that probes take, and of its CPU time\n"
	      "  delays            by a window, to what runs in it: at most, and how often\n"
	      "  coverage          share of the time in which births were seen; 0.5 % will do\n"
	      "  not counted       what the numbers lack, and why\n"
	      "\n"
	      "Examples:\n"
	      "  sudo pyleak-bpf -p 1234                    watch until Ctrl-C\n"
	      "  sudo pyleak-bpf -p 1234 -d 60 -q           one report after a minute\n"
	      "  sudo pyleak-bpf gunicorn --children        a server and its workers as one\n"
	      "  sudo pyleak-bpf --container web            the Python in a container\n"
	      "  sudo pyleak-bpf -p \"$(pgrep -d, gunicorn)\" -d 60 -q --json - | jq .\n"
	      "\n"
	      "Exit status: 0 done, 1 could not be done, 2 bad usage, 3 --fail-on leak and one\n"
	      "was found, 130 interrupted before anything could be reported, or twice.\n",
	      f);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `why`: tells what keeps objects alive. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/thread.h"
#include "cli/cli.h"
#include "command/command.h"
#include "cli/opts.h"
#include "cli/progress.h"
#include "cli/source.h"
#include "cli/stop.h"
#include "command/why_priv.h"
#include "inquiry/inquiry.h"
#include "proc/list.h"
#include "report/read.h"

#define MAX_ADDR   64
#define CLOCK_S	   2 /* seconds by which the clock may have been set since */
#define ROOM_SHARE 2 /* half of the memory that is left may be used */

struct why_cmd {
	struct cli_source_opts source; /* its .from is a snapshot */
	struct cli_again again;
	const char *type, *site, *addr, *from, *json, *dot;
	uint32_t paths;
	double watch_s;
	int verbose;
	bool is_quiet, want_help;
	struct outputs outputs;

	uint64_t v[MAX_ADDR]; /* the addresses of --addr */
	size_t n;
	char type_of_site[512], site_in_words[560];
};

#define ROW(field) offsetof(struct why_cmd, field)

static const struct opt table[] = {
	{'p', OPT_PIDS, "pid", "PID", ROW(source.pids), "the process, or its name", 0, 0, NULL},
	CLI_FIND_ROWS(ROW(source.find)),
	{0, OPT_STRING, "type", "NAME", ROW(type),
	 "objects of this type: app.Session, or just Session", 0, 0, NULL},
	{0, OPT_STRING, "addr", "HEX[,HEX]", ROW(addr), "the objects at these addresses", 0, 0,
	 NULL},
	{0, OPT_STRING, "site", "ID", ROW(site),
	 "objects of the type that stays at this site of a report (with --from)", 0, 0, NULL},
	{0, OPT_STRING, "from", "FILE", ROW(from),
	 "with --site: the JSON report that has it; else a snapshot instead of a process: what "
	 "census --save wrote",
	 0, 0, NULL},
	CLI_SOURCE_CORE(ROW(source)),
	CLI_SOURCE_SWAPPED(ROW(source)),
	{'T', OPT_U32, "top", "N", ROW(paths), "paths shown (default 5)", 1, 1000, NULL},
	{0, OPT_NUMBER, "watch", "SEC", ROW(watch_s),
	 "time between two looks at the lengths of containers (default 1; 0: one look)", 0, 3600,
	 NULL},
	{0, OPT_STRING, "json", "FILE", ROW(json),
	 "also write the answer as JSON; - is standard output, for it alone", 0, 0, NULL},
	{0, OPT_STRING, "dot", "FILE", ROW(dot), "also write the paths as a graph for dot(1)", 0, 0,
	 NULL},
	{0, OPT_FLAG, "no-sandbox", NULL, ROW(source.no_sandbox), CLI_NO_SANDBOX_HELP, 0, 0, NULL},
	{'q', OPT_FLAG, "quiet", NULL, ROW(is_quiet), "no progress", 0, 0, NULL},
	{'v', OPT_COUNT, "verbose", NULL, ROW(verbose), "what is read, on standard error", 0, 0,
	 NULL},
	{'h', OPT_FLAG, "help", NULL, ROW(want_help), "this text", 0, 0, NULL},
	{0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static void help(void)
{
	fputs("usage: pyleak-bpf why -p PID|--from SNAPSHOT|--core CORE --type NAME | --addr HEX\n"
	      "       pyleak-bpf why [-p PID|--core CORE] --site ID --from REPORT.json\n"
	      "\n"
	      "What keeps these objects alive: the shortest way to them from something with a "
	      "name,\n"
	      "read from outside while the process runs. Paths that look alike are one line.\n"
	      "\n",
	      stdout);
	opts_help(table, NULL, stdout);
	fputs("\n"
	      "  module app :: CACHE (dict, 10 entries)   an attribute of a module\n"
	      "  (dict, 10 entries of at most 50)         a bound that was read\n"
	      "  frame main :: items                      a variable of a running function\n"
	      "  [key], [i]                               any value of a dict, item of a list\n"
	      "  unreferenced                             nobody: a reference too many was taken\n"
	      "  cycle                                    only itself: waits for the collector\n"
	      "\n"
	      "Examples:\n"
	      "  sudo pyleak-bpf why -p 1234 --type Session\n"
	      "  sudo pyleak-bpf why -p 1234 --type dict --top 20 --dot dicts.dot\n"
	      "  sudo pyleak-bpf -p 1234 -d 60 --json leaks.json       then, by the id of a site:\n"
	      "  sudo pyleak-bpf why -p 1234 --site 9f3c --from leaks.json\n"
	      "\n"
	      "Exit status: 0 done, 1 could not be done (no such object, too), 2 bad usage,\n"
	      "130 interrupted.\n",
	      stdout);
}

static int parse_addr(struct why_cmd *w)
{
	const char *at = w->addr;
	char *end;

	do {
		errno = 0;
		if (w->n == MAX_ADDR)
			return fail(-EINVAL, "--addr: at most %d addresses", MAX_ADDR);
		w->v[w->n++] = strtoull(at, &end, 16);
		if (end == at || errno || (*end && *end != ',') || *at == '-')
			return fail(-EINVAL, "--addr %s: an address is a hexadecimal number",
				    w->addr);
		at = end + 1;
	} while (*end);
	return 0;
}

static int fail_typeless(const struct report_site *s)
{
	if (s->kind == KIND_HEAP || s->kind == KIND_MMAP)
		return fail(-ENOENT, "site %s is memory of C code, not of objects: the report %s",
			    s->id,
			    s->held_by.path ? "itself says who holds it (held by)"
					    : "does not say who holds it: that was not found out");
	return fail(-ENOENT,
		    "site %s %shas no Python objects of a known type: ask for them by --type",
		    s->id,
		    s->kind == KIND_FD	     ? "is of descriptors and "
		    : s->kind == KIND_THREAD ? "is of threads and "
					     : "");
}

/* Finds the site whose id begins as asked; in a report of several processes, that of the one with
 * -p. Only sites of objects will do: if no such site has this id, but one of descriptors or blocks,
 * the sentence says so. */
static int pick_site(const struct why_cmd *w, const struct report *r, int *pid,
		     const struct report_site **out)
{
	const struct report_site *other = NULL;

	for (size_t i = 0; i < r->n_processes; i++) {
		const struct report_process *p = &r->processes[i];

		if (r->n_processes > 1 && w->source.pids.n && p->pid != w->source.pids.v[0])
			continue;
		for (size_t k = 0; k < p->n_sites; k++) {
			if (strncmp(p->sites[k].id, w->site, strlen(w->site)) != 0)
				continue;
			if (p->sites[k].kind != KIND_OBJECT) {
				other = &p->sites[k];
				continue;
			}
			if (*out && strcmp((*out)->id, p->sites[k].id) != 0)
				return fail(-EINVAL, "--site %s: %s has several that begin so",
					    w->site, w->from);
			if (*out)
				return fail(-EINVAL,
					    "site %s is one of several processes of %s: which? -p "
					    "PID",
					    (*out)->id, w->from);
			*out = &p->sites[k];
			*pid = p->pid;
		}
	}
	if (!*out && other)
		return fail_typeless(other);
	return *out ? 0 : fail(-ENOENT, "%s has no site %s", w->from, w->site);
}

/* Checks that @pid is the report's process: on another host it is not, unless the user named it
 * here (@is_named), nor if it was started after the report was written. */
static int check_process(const struct why_cmd *w, const struct report *r, int pid, bool is_named)
{
	struct proc_entry e;
	struct utsname u;

	if (!is_named && r->hostname && *r->hostname && !uname(&u) &&
	    strcmp(r->hostname, u.nodename) != 0)
		return fail(-EINVAL,
			    "%s is of process %d on %s, and this is %s: name the process here by "
			    "-p PID, or ask by --type",
			    w->from, pid, r->hostname, u.nodename);
	if (isfinite(r->ended_at) && proc_list_one(pid, &e) &&
	    wall_clock() - e.age_s > r->ended_at + CLOCK_S)
		return fail(-ESRCH,
			    "process %d was started after %s was written: it is another one; ask "
			    "by --type",
			    pid, w->from);
	return 0;
}

/* Finds the most frequent type of the site, and its process if that was not named. */
static int find_site(struct why_cmd *w)
{
	const struct report_site *site = NULL;
	struct report *r;
	int pid = 0, err = report_read(w->from, &r);

	if (err)
		return fail_in(err, "--site takes the site from a report (--json of a watch)");
	err = pick_site(w, r, &pid, &site);
	if (!err && site && !site->n_types)
		err = fail_typeless(site);
	if (!err && !pid && !w->source.pids.n && !w->source.core)
		err = fail(-EINVAL, "%s is merged from several processes: which one? -p PID",
			   w->from);
	if (!err && pid && w->source.pids.n && w->source.pids.v[0] != pid)
		err = fail(
			-EINVAL,
			"%s is a report of process %d, not of %d: leave -p out, or ask by --type",
			w->from, pid, w->source.pids.v[0]);
	if (!err && pid && !w->source.core)
		err = check_process(w, r, pid, w->source.pids.n > 0);
	if (!err && site) {
		snprintf(w->type_of_site, sizeof(w->type_of_site), "%s", site->types[0].name);
		snprintf(w->site_in_words, sizeof(w->site_in_words),
			 "%s, the most frequent type of site %s", site->types[0].name, site->id);
		if (!w->source.pids.n && !w->source.core)
			w->source.pids.v[w->source.pids.n++] = pid;
	}
	report_free(r);
	return err;
}

static int check_outputs(const struct why_cmd *w)
{
	if (outputs_check_name("json", w->json) || outputs_check_name("dot", w->dot))
		return -EINVAL;
	if (outputs_is_stdout(w->json) && outputs_is_stdout(w->dot))
		return fail(-EINVAL, "standard output takes one format");
	return outputs_apart(NULL, (const char *const[]){w->json, w->dot}, 2);
}

static int parse(int argc, char **argv, struct why_cmd *w)
{
	int first, err = opts_parse_words(table, argc, argv, w, &first);

	w->again = (struct cli_again){table, argc, argv, "why", 1, false};
	if (err || w->want_help)
		return err;
	err = opts_pid_words(argv + first, (size_t)(argc - first), 1, NULL, &w->source.pids);
	if (err)
		return err;
	if (!w->type + !w->addr + !w->site != 2)
		return fail(-EINVAL, "which objects? One of --type NAME, --addr HEX, --site ID");
	if (w->site && !w->from)
		return fail(-EINVAL,
			    "--site needs the report that has it: --from REPORT.json, as written "
			    "by --json");
	if (w->site && (!*w->site || strspn(w->site, "0123456789abcdef") != strlen(w->site)))
		return fail(-EINVAL, "--site %s: an id is up to 16 of the digits 0-9a-f", w->site);
	if (!w->site)
		w->source.from = w->from;
	/* a site's report knows the process, so it need not be named */
	if (!w->site || w->source.pids.n || w->source.core ||
	    cli_find_is_wanted(&w->source.find, &w->source.pids))
		err = cli_source_check(&w->source, 1);
	if (!err)
		err = check_outputs(w);
	return !err && w->addr ? parse_addr(w) : err;
}

static int print(const struct why_question *q, const struct why_answer *a,
		 const struct why_stats *s)
{
	int err = why_print(stdout, q, a, s);

	if (cli_reader_left(err))
		return 0;
	return err ? fail(err, "cannot write the answer: %s", strerror(-err)) : 0;
}

static int none_found(const struct why_cmd *w, const struct why_question *say,
		      const struct why_answer *a, const struct why_stats *stats)
{
	const char *type = w->site ? w->type_of_site : w->type;
	char words[512];

	if (!type)
		return fail(-ENOENT, "%s has no object at %s", say->where, w->addr);
	if (a->targets)
		return fail(-ENOENT,
			    "what %s had of type %s died while its heap was read: ask again",
			    say->where, type);
	if (stats->pages_swapped && !a->nearest)
		return fail(-ENOENT,
			    "%s has no object of type %s in memory, but a part of it is swapped "
			    "out: --swapped reads that, which brings it back into memory",
			    say->where, type);
	if (a->nearest)
		return fail(-ENOENT, "%s has no object of type %s; did you mean --type %s?",
			    say->where, type, a->nearest);
	return fail(-ENOENT, "%s has no object of type %s: pyleak-bpf census %s lists the types",
		    say->where, type, cli_source_words(&w->source, words, sizeof(words)));
}

static int tell(const struct why_cmd *w, const struct why_question *say, const struct why_answer *a,
		const struct why_stats *stats)
{
	bool is_taken = outputs_is_stdout(w->json) || outputs_is_stdout(w->dot);
	struct cli_failures failed = {0};
	int err;

	if (outputs_want_text(is_taken, w->json || w->dot))
		cli_note(&failed, print(say, a, stats));
	err = why_write_files(&w->outputs, w->json, w->dot, say, a, stats);
	cli_note(&failed, err < 0 ? err : 0);
	return cli_noted(&failed);
}

static int ask(struct why_cmd *w, struct py_runtime *rt)
{
	const struct why_query q = {w->site ? w->type_of_site : w->type, w->v, w->n};
	const struct why_opts o = {.max_paths = w->paths,
				   .watch_s = proc_is_live(rt->proc) ? w->watch_s : 0,
				   .max_blocks = inquiry_max_blocks(ROOM_SHARE)};
	const char *what = w->site ? w->site_in_words : w->type ? w->type : w->addr;
	char process[32];
	const char *file = w->source.core ? w->source.core : w->source.from;
	struct why_question say = {rt->proc->pid, rt->proc->pid ? process : file, rt->version, what,
				   w->source.from != NULL};
	struct why_answer *a = NULL;
	struct progress progress;
	struct why_stats stats;
	struct heap *h;
	int err = heap_open(rt, &h);

	if (err)
		return err;
	snprintf(process, sizeof(process), "process %d", say.pid);
	progress_begin(&progress, w->is_quiet);
	heap_watch_by(h, progress_heap, &progress);
	err = heap_why(h, &q, 1, &o, &a, &stats);
	progress_end(&progress);
	heap_close(h);
	if (!err)
		log_info("%" PRIu64 " blocks, %" PRIu64 " references, %" PRIu64 " roots, %" PRIu64
			 " torn, %" PRIu64 " unreadable, %.2f s, %.0f MiB",
			 stats.blocks, stats.references, stats.roots, stats.torn, stats.unreadable,
			 (double)stats.ns / 1e9, (double)stats.memory_bytes / 1048576);
	if (err == -E2BIG)
		fail_in(err,
			"ask of a snapshot (census --save, why --from) where there is more memory");
	/* a process that died may have been read in part only */
	if (err != -ECANCELED && proc_is_live(rt->proc) && !proc_alive(rt->proc))
		err = fail(-ESRCH, "%s ended while its heap was read", say.where);
	if (!err && !a->sampled)
		err = none_found(w, &say, a, &stats);
	err = err ? err : tell(w, &say, a, &stats);
	why_free(a, 1);
	return err;
}

int command_why(int argc, char **argv)
{
	struct why_cmd w = {.paths = 5, .watch_s = 1, .outputs.keeper.sock = -1};
	struct cli_source s = {0};
	int err;

	if (parse(argc, argv, &w))
		return cli_complain(CLI_USAGE);
	if (w.want_help) {
		help();
		return CLI_DONE;
	}
	log_set_level((enum log_level)w.verbose);
	thread_calm();
	stop_install();
	err = cli_source_confine(&w.source, &w.outputs, (const char *const[]){w.json, w.dot}, 2);
	if (!err)
		err = outputs_spare(&w.outputs, &w.from, 1); /* the report of --site */
	if (!err)
		err = cli_source_find(&w.source, &w.again);
	if (!err && w.site)
		err = find_site(&w);
	if (!err)
		err = cli_source_open(&w.source, 0, &s);
	if (!err)
		err = ask(&w, s.rt);
	cli_source_close(&s);
	outputs_close(&w.outputs);
	return err ? cli_complain(stop_code(err)) : CLI_DONE;
}

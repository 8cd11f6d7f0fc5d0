/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `why`: what keeps objects alive. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/opts.h"
#include "cli/why_priv.h"
#include "report/read.h"

#define MAX_ADDR 64

struct why_cmd {
	struct opt_pids pids;
	const char *type, *site, *addr, *from, *json, *dot;
	uint32_t paths;
	double watch_s;
	int verbose;
	bool is_quiet, want_help;

	uint64_t v[MAX_ADDR]; /* --addr */
	size_t n;
	char type_of_site[512];
};

#define ROW(field) offsetof(struct why_cmd, field)

static const struct opt table[] = {
	{'p', OPT_PIDS, "pid", "PID", ROW(pids), "the process", 0, 0, NULL},
	{0, OPT_STRING, "type", "NAME", ROW(type),
	 "objects of this type: app.Session, or just Session", 0, 0, NULL},
	{0, OPT_STRING, "addr", "HEX[,HEX]", ROW(addr), "the objects at these addresses", 0, 0,
	 NULL},
	{0, OPT_STRING, "site", "ID", ROW(site),
	 "objects of the type that stays at this site of a report (with --from)", 0, 0, NULL},
	{0, OPT_STRING, "from", "REPORT", ROW(from), "the JSON report that has the site", 0, 0,
	 NULL},
	{'T', OPT_U32, "top", "N", ROW(paths), "paths shown (default 5)", 1, 1000, NULL},
	{0, OPT_NUMBER, "watch", "SEC", ROW(watch_s),
	 "time between two looks at the lengths of containers (default 1; 0: one look)", 0, 3600,
	 NULL},
	{0, OPT_STRING, "json", "FILE", ROW(json),
	 "also write the answer as JSON; - is standard output, and then nothing else is written "
	 "there",
	 0, 0, NULL},
	{0, OPT_STRING, "dot", "FILE", ROW(dot), "also write the paths as a graph for dot(1)", 0, 0,
	 NULL},
	{'q', OPT_FLAG, "quiet", NULL, ROW(is_quiet), "no progress", 0, 0, NULL},
	{'v', OPT_COUNT, "verbose", NULL, ROW(verbose), "what is read, on standard error", 0, 0,
	 NULL},
	{'h', OPT_FLAG, "help", NULL, ROW(want_help), "this text", 0, 0, NULL},
	{0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static void help(void)
{
	fputs("usage: pyleak-bpf why -p PID --type NAME | --addr HEX | --site ID --from REPORT\n"
	      "\n"
	      "What keeps these objects alive: the shortest way to them from something with a "
	      "name,\n"
	      "read from outside while the process runs. Paths that look alike are one line.\n"
	      "\n",
	      stdout);
	opts_help(table, stdout);
	fputs("\n"
	      "  module app :: CACHE (dict, 10 entries)   an attribute of a module\n"
	      "  frame main :: items                      a variable of a running function\n"
	      "  [key], [i]                               any value of a dict, item of a list\n"
	      "  unreferenced                             nobody: a reference too many was taken\n"
	      "  cycle                                    only itself: waits for the collector\n"
	      "\n"
	      "Examples:\n"
	      "  sudo pyleak-bpf why -p 1234 --type Session\n"
	      "  sudo pyleak-bpf why -p 1234 --type dict --top 20 --dot dicts.dot\n"
	      "\n"
	      "Exit status: 0 done, 1 could not be done (no such object, too), 2 bad usage.\n",
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

/* The type most of what stays at the site has; and the process, when it was not said. */
static int find_site(struct why_cmd *w)
{
	const struct report_site *found = NULL;
	struct report *r;
	int err = report_read(w->from, &r);

	if (err)
		return err;
	for (size_t i = 0; i < r->n_processes && !found; i++)
		for (size_t k = 0; k < r->processes[i].n_sites && !found; k++) {
			const struct report_site *s = &r->processes[i].sites[k];

			if (strncmp(s->id, w->site, strlen(w->site)) != 0)
				continue;
			found = s;
			if (!w->pids.n)
				w->pids.v[w->pids.n++] = r->processes[i].pid;
		}
	if (!found)
		err = fail(-ENOENT, "%s has no site %s", w->from, w->site);
	else if (!found->n_types)
		err = fail(-ENOENT, "site %s has no objects of a known type", found->id);
	else
		snprintf(w->type_of_site, sizeof(w->type_of_site), "%s", found->types[0].name);
	report_free(r);
	return err;
}

static int parse(int argc, char **argv, struct why_cmd *w)
{
	int err = opts_parse(table, argc, argv, w);

	if (err || w->want_help)
		return err;
	if (!w->type + !w->addr + !w->site != 2)
		return fail(-EINVAL, "which objects? One of --type NAME, --addr HEX, --site ID");
	if (!w->site != !w->from)
		return fail(-EINVAL, "--site and --from belong together: a site of a JSON report");
	if (!w->pids.n && !w->from)
		return fail(-EINVAL, "which process? Name it with -p PID");
	if (w->pids.n > 1)
		return fail(-EINVAL, "why looks at one process at a time");
	return w->addr ? parse_addr(w) : 0;
}

static void progress(void *ctx, const char *what, double share)
{
	const struct why_cmd *w = ctx;

	if (!w->is_quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%-24s %3.0f %%\r", what, 100 * share);
}

static int ask(struct why_cmd *w, struct py_runtime *rt)
{
	const struct why_query q = {w->site ? w->type_of_site : w->type, w->v, w->n};
	const struct why_opts o = {
		.max_paths = w->paths, .watch_s = w->watch_s, .progress = progress, .ctx = w};
	struct why_question say = {rt->proc->pid, rt->version, q.type ? q.type : w->addr};
	struct why_answer *a = NULL;
	struct why_stats stats;
	struct heap *h;
	int err = heap_open(rt, &h);

	if (err)
		return err;
	err = heap_why(h, &q, 1, &o, &a, &stats);
	heap_close(h);
	if (!err)
		log_info("%" PRIu64 " blocks, %" PRIu64 " references, %" PRIu64 " roots, %" PRIu64
			 " torn, %" PRIu64 " unreadable, %.2f s, %.0f MiB",
			 stats.blocks, stats.references, stats.roots, stats.torn, stats.unreadable,
			 (double)stats.ns / 1e9, (double)stats.memory_bytes / 1048576);
	if (!err && !a->sampled)
		err = q.type ? fail(-ENOENT, "process %d has no object of type %s", say.pid, q.type)
			     : fail(-ENOENT, "process %d has no object at %s", say.pid, w->addr);
	if (!err && !(w->json && !strcmp(w->json, "-")) && !(w->dot && !strcmp(w->dot, "-")))
		why_print(stdout, &say, a, &stats);
	if (!err && w->json)
		err = why_write_json(w->json, &say, a, &stats);
	if (!err && w->dot)
		err = why_write_dot(w->dot, &say, a);
	why_free(a, 1);
	return err;
}

int cli_why(int argc, char **argv)
{
	struct why_cmd w = {.paths = 5, .watch_s = 1};
	struct py_runtime *rt = NULL;
	struct proc *p = NULL;
	int err;

	if (parse(argc, argv, &w))
		return cli_complain(CLI_USAGE);
	if (w.want_help) {
		help();
		return CLI_DONE;
	}
	log_set_level((enum log_level)w.verbose);
	err = w.site ? find_site(&w) : 0;
	if (!err)
		err = proc_open(w.pids.v[0], &p);
	if (!err)
		err = py_open(p, &rt);
	if (!err)
		err = ask(&w, rt);
	py_close(rt);
	proc_close(p);
	return err ? cli_complain(CLI_FAILED) : CLI_DONE;
}

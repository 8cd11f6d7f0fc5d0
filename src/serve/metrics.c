/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the report as Prometheus metrics. Their number is bounded: processes, and sites of each;
 * what is left out is counted. Labels hold no address, no argument and no long path. */
#include <math.h>
#include <stdio.h>
#include <xxhash.h>

#include "serve/serve.h"

#define LABEL_MAX 200	/* bytes of a label's value that comes from a process */
#define LEFT_OUT  16384 /* entries from which on those are forgotten that have gone */

struct family {
	const char *name, *type, *help;
};

/* Replaces what is not ASCII: a scrape accepts only UTF-8. */
static char shown(char c)
{
	return c == '\n' || (c >= 0x20 && c < 0x7f) ? c : '?';
}

/* Writes a label's value, escaped as the format demands. */
static void put_value(FILE *f, const char *s)
{
	size_t n = 0;

	fputc('"', f);
	for (; s && *s && n < LABEL_MAX; s++, n++) {
		char c = shown(*s);

		if (c == '\\' || c == '"')
			fprintf(f, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", f);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

/* Writes a number: bytes exactly, as in the report; rates with ten digits. */
static void put_number(FILE *f, double v)
{
	if (isnan(v))
		fputs(" NaN\n", f);
	else if (isinf(v))
		fputs(v > 0 ? " +Inf\n" : " -Inf\n", f);
	else
		fprintf(f, v == rint(v) ? " %.15g\n" : " %.10g\n", v);
}

static void begin(FILE *f, const struct family *m)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
}

static const char *container_of(const struct report_process *p)
{
	return p->container.name ? p->container.name : p->container.id;
}

/* Writes the labels of a process: a pid alone does not tell it from one that had it before. */
static void put_process(FILE *f, const struct report_process *p, bool with_pid)
{
	fputs("comm=", f);
	put_value(f, p->comm);
	fputs(",container=", f);
	put_value(f, container_of(p));
	fputs(",pod=", f);
	put_value(f, p->container.pod ? p->container.pod : "");
	fputs(",namespace=", f);
	put_value(f, p->container.namespace ? p->container.namespace : "");
	if (with_pid)
		fprintf(f, ",pid=\"%d\"", p->pid);
}

static void put_tool(FILE *f, const struct report *r, const struct serve_metrics_opts *o)
{
	static const struct family build = {"pyleak_build_info", "gauge",
					    "Version of the tool, always 1."};
	static const struct family cpu = {"process_cpu_seconds_total", "counter",
					  "CPU time of the tool itself in seconds."};
	static const struct family rss = {"process_resident_memory_bytes", "gauge",
					  "Resident memory of the tool itself in bytes."};
	static const struct family start = {"process_start_time_seconds", "gauge",
					    "Start of the tool, seconds since the epoch."};
	static const struct family dropped = {"pyleak_series_dropped_total", "counter",
					      "Series left out to keep their number bounded."};
	static const struct family refused = {
		"pyleak_processes_refused_total", "counter",
		"Processes that may be Pythons and could not be watched."};

	begin(f, &build);
	fputs("pyleak_build_info{version=", f);
	put_value(f, r->version);
	fputs("} 1\n", f);
	begin(f, &cpu);
	fputs(cpu.name, f);
	put_number(f, o->cpu_s);
	begin(f, &rss);
	fputs(rss.name, f);
	put_number(f, (double)o->rss_bytes);
	begin(f, &start);
	fputs(start.name, f);
	put_number(f, o->start_time_s);
	begin(f, &dropped);
	fputs(dropped.name, f);
	put_number(f, (double)o->dropped);
	begin(f, &refused);
	fputs(refused.name, f);
	put_number(f, (double)o->refused);
}

/* A class of its own in metrics: it is not known to be steady. */
#define TOO_EARLY CLASS_MAX

static unsigned class_of(const struct report_process *p)
{
	return report_is_too_early(p) ? TOO_EARLY : (unsigned)p->verdict;
}

static const char *class_name(unsigned c)
{
	return c == TOO_EARLY ? "too_early" : report_class_name((enum report_class)c);
}

static void put_classes(FILE *f, const struct report *r)
{
	static const struct family m = {"pyleak_processes", "gauge",
					"Watched Python processes by verdict."};
	size_t n[TOO_EARLY + 1] = {0};

	for (size_t i = 0; i < r->n_processes; i++)
		if (class_of(&r->processes[i]) <= TOO_EARLY)
			n[class_of(&r->processes[i])]++;
	begin(f, &m);
	for (unsigned c = 0; c <= TOO_EARLY; c++)
		fprintf(f, "pyleak_processes{class=\"%s\"} %zu\n", class_name(c), n[c]);
}

static double rss_of(const struct report_process *p)
{
	return p->rss_bytes == REPORT_UNKNOWN ? NAN : (double)p->rss_bytes;
}

static double growth_of(const struct report_process *p)
{
	return p->rss_growth_bytes_per_s;
}

static double eta_of(const struct report_process *p)
{
	return p->memory.limit_source ? p->memory.eta_s : NAN;
}

static double limit_of(const struct report_process *p)
{
	return p->memory.limit_source ? (double)p->memory.limit_bytes : NAN;
}

static double overhead_of(const struct report_process *p)
{
	return p->slowdown_pct / 100;
}

static const struct {
	struct family m;
	double (*value)(const struct report_process *p);
} per_process[] = {
	{{"pyleak_process_resident_memory_bytes", "gauge", "Resident size of the process."},
	 rss_of},
	{{"pyleak_process_resident_memory_growth_bytes_per_second", "gauge",
	  "Slope of the resident size."},
	 growth_of},
	{{"pyleak_process_memory_limit_bytes", "gauge", "The limit that is met first."}, limit_of},
	{{"pyleak_process_limit_eta_seconds", "gauge",
	  "Time until the limit is met at this rate: cgroup, rlimit, or ram by its growth alone."},
	 eta_of},
	{{"pyleak_probe_overhead_ratio", "gauge",
	  "Part of its CPU time that probes take, estimated."},
	 overhead_of},
};

/* Writes the time until RAM is used up by all processes together: each alone would tell a time that
 * is many times too long. */
static void put_ram(FILE *f, const struct report *r)
{
	static const struct family m = {
		"pyleak_ram_eta_seconds", "gauge",
		"Time until all processes that grow have used up RAM together."};
	double all = NAN;

	for (size_t i = 0; i < r->n_processes; i++)
		if (report_takes_ram(&r->processes[i]))
			all = report_eta_together(all, r->processes[i].memory.eta_s);
	if (isnan(all))
		return;
	begin(f, &m);
	fputs(m.name, f);
	put_number(f, all);
}

/* Writes processes, without numbers that are not known: a NaN would only alarm rules that do not
 * expect it. */
static void put_processes(FILE *f, const struct report *r, size_t n)
{
	static const struct family verdict = {"pyleak_process_verdict", "gauge",
					      "1 for the class the process is in: leak, growing, "
					      "warmup, bloat, retention, steady; too_early: "
					      "nothing can be said of its growth yet."};

	for (size_t k = 0; k < ARRAY_SIZE(per_process); k++) {
		begin(f, &per_process[k].m);
		for (size_t i = 0; i < n; i++) {
			double v = per_process[k].value(&r->processes[i]);

			if (isnan(v))
				continue;
			fprintf(f, "%s{", per_process[k].m.name);
			put_process(f, &r->processes[i], true);
			/* RAM is used up by all together (put_ram): rules can leave it out */
			if (per_process[k].value == eta_of)
				fprintf(f, ",limit=\"%s\"", r->processes[i].memory.limit_source);
			fputc('}', f);
			put_number(f, v);
		}
	}
	begin(f, &verdict);
	for (size_t i = 0; i < n; i++) {
		fputs("pyleak_process_verdict{", f);
		put_process(f, &r->processes[i], true);
		fprintf(f, ",class=\"%s\"} 1\n", class_name(class_of(&r->processes[i])));
	}
}

/* A site of a program, summed over workers of the program in one container, and over all that
 * labels do not tell apart (podman's containers of two users): a scrape accepts one series of
 * those. */
struct site_row {
	const struct report_process *process;
	const struct report_site *site;
	double growth, held; /* of what is known; NAN: nothing is */
};

/* Are the texts the same as values of labels? */
static bool same_text(const char *a, const char *b)
{
	size_t n = 0;

	a = a ? a : "";
	b = b ? b : "";
	while (n < LABEL_MAX && a[n] && b[n] && shown(a[n]) == shown(b[n]))
		n++;
	return n == LABEL_MAX || (!a[n] && !b[n]);
}

static bool same_row(const struct site_row *r, const struct report_process *p,
		     const struct report_site *s)
{
	return !strcmp(r->site->id, s->id) && r->site->kind == s->kind &&
	       same_text(r->process->comm, p->comm) &&
	       same_text(container_of(r->process), container_of(p)) &&
	       same_text(r->process->container.pod, p->container.pod) &&
	       same_text(r->process->container.namespace, p->container.namespace);
}

static double plus(double sum, double v)
{
	if (!isfinite(v))
		return sum;
	return isnan(sum) ? v : sum + v;
}

static uint64_t mix(uint64_t h, const char *text)
{
	return text ? XXH64(text, strlen(text), h) : h;
}

/* Counts a site of a program, or (@site NULL) a process, as left out: once, in however many
 * scrapes. */
static void leave_out(struct serve_metrics_opts *o, const struct report_process *p,
		      const struct report_site *site, size_t series)
{
	uint64_t h = mix(site ? (uint64_t)site->kind : KIND_MAX + (uint64_t)p->pid, p->comm), *at;

	h = mix(mix(h, container_of(p)), site ? site->id : NULL);
	h = mix(mix(h, p->container.pod), p->container.namespace);
	at = map64_put(&o->left_out, h ? h : 1);
	if (!at)
		return;
	o->dropped += *at ? 0 : series;
	*at = o->calls;
}

/* Forgets all that the last call did not leave out. */
static void forget_former(struct serve_metrics_opts *o)
{
	struct map64 kept = {0};

	for (size_t i = 0; i < o->left_out.cap; i++) {
		const uint64_t *pair = o->left_out.slot + 2 * i;
		uint64_t *at = pair[0] && pair[1] == o->calls ? map64_put(&kept, pair[0]) : NULL;

		if (at)
			*at = pair[1];
	}
	map64_free(&o->left_out);
	o->left_out = kept;
}

static int gather(const struct report *r, size_t n, struct serve_metrics_opts *o,
		  struct site_row **out, size_t *n_rows)
{
	struct site_row *v = calloc(n * o->sites + 1, sizeof(*v));
	size_t used = 0;

	if (!v)
		return fail(-ENOMEM, "out of memory");
	if (o->left_out.n >= LEFT_OUT)
		forget_former(o);
	o->calls++;
	for (size_t i = n; i < r->n_processes; i++)
		leave_out(o, &r->processes[i], NULL, ARRAY_SIZE(per_process));
	for (size_t i = 0; i < n; i++) {
		const struct report_process *p = &r->processes[i];
		size_t sites = p->n_sites < o->sites ? p->n_sites : o->sites;

		for (size_t k = sites; k < p->n_sites; k++)
			leave_out(o, p, &p->sites[k], 1);
		for (size_t k = 0; k < sites; k++) {
			const struct report_site *s = &p->sites[k];
			size_t at = 0;

			while (at < used && !same_row(&v[at], p, s))
				at++;
			if (at == used)
				v[used++] = (struct site_row){p, s, NAN, NAN};
			/* The worst is told, as in a merge. */
			if (s->verdict < v[at].site->verdict) {
				v[at].process = p;
				v[at].site = s;
			}
			v[at].growth = plus(v[at].growth, s->growth_bytes_per_s);
			v[at].held = plus(v[at].held, s->outstanding_bytes);
		}
	}
	*out = v;
	*n_rows = used;
	return 0;
}

static void put_site_key(FILE *f, const char *name, const struct site_row *row)
{
	fprintf(f, "%s{site=\"%s\",kind=\"%s\",", name, row->site->id,
		report_kind_name(row->site->kind));
	put_process(f, row->process, false);
}

/* Descriptors and threads have no bytes. */
static void put_of_site(FILE *f, const char *name, const struct site_row *row, double v)
{
	if (isnan(v))
		return;
	put_site_key(f, name, row);
	fputc('}', f);
	put_number(f, v);
}

/* Cuts a path to its end, which says more than its beginning. */
static const char *tail(const char *path)
{
	size_t n = path ? strlen(path) : 0;

	return n > LABEL_MAX ? path + n - LABEL_MAX : path;
}

static void put_sites(FILE *f, const struct site_row *v, size_t n)
{
	static const struct family growth = {"pyleak_site_growth_bytes_per_second", "gauge",
					     "Growth of what one line keeps."};
	static const struct family held = {"pyleak_site_outstanding_bytes", "gauge",
					   "What one line keeps."};
	static const struct family info = {"pyleak_site_info", "gauge",
					   "Where a site is, always 1."};

	begin(f, &growth);
	for (size_t i = 0; i < n; i++)
		put_of_site(f, growth.name, &v[i], v[i].growth);
	begin(f, &held);
	for (size_t i = 0; i < n; i++)
		put_of_site(f, held.name, &v[i], v[i].held);
	begin(f, &info);
	for (size_t i = 0; i < n; i++) {
		const struct report_frame *at = report_own_frame(v[i].site);

		put_site_key(f, info.name, &v[i]);
		fprintf(f, ",verdict=\"%s\",function=", report_class_name(v[i].site->verdict));
		put_value(f, at ? at->function : "");
		fputs(",file=", f);
		put_value(f, at ? tail(at->file) : "");
		fprintf(f, ",line=\"%d\"} 1\n", at ? at->line : 0);
	}
}

/* Writes losses by reason, summed over processes; each has counted since it was last probed. */
static void put_lost(FILE *f, const struct report *r, size_t n)
{
	static const struct family m = {
		"pyleak_lost_events", "gauge",
		"What could not be counted, by reason, in what is shown now."};
	const struct report_process *first = NULL;

	begin(f, &m);
	for (size_t i = 0; i < n && !first; i++)
		if (r->processes[i].n_lost)
			first = &r->processes[i];
	for (size_t k = 0; first && k < first->n_lost; k++) {
		double sum = 0;

		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < r->processes[i].n_lost; j++)
				if (!strcmp(r->processes[i].lost[j].key, first->lost[k].key) &&
				    r->processes[i].lost[j].n != REPORT_UNKNOWN)
					sum += (double)r->processes[i].lost[j].n;
		fprintf(f, "%s{reason=\"%s\"}", m.name, first->lost[k].key);
		put_number(f, sum);
	}
}

int serve_metrics(const struct report *r, struct serve_metrics_opts *o, char **text, size_t *len)
{
	size_t n = r->n_processes < o->processes ? r->n_processes : o->processes, rows = 0;
	auto_free struct site_row *row = NULL;
	FILE *f = open_memstream(text, len);
	int err;

	if (!f)
		return fail(-ENOMEM, "out of memory");
	err = o->counts_only ? 0 : gather(r, n, o, &row, &rows);
	if (!err) {
		put_tool(f, r, o);
		put_classes(f, r);
		put_lost(f, r, n);
	}
	if (!err && !o->counts_only) {
		put_processes(f, r, n);
		put_ram(f, r);
		put_sites(f, row, rows);
	}
	if (fclose(f) != 0 && !err)
		err = fail(-ENOMEM, "out of memory");
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}

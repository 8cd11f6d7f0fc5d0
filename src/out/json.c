/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The report as JSON, schema pyleak-bpf/report/1 (docs/report.schema.json). What this version does
 * not find out yet is null or empty, never invented. */
#include <math.h>
#include <inttypes.h>

#include "out/event.h"
#include "out/json_priv.h"
#include "out/out.h"

#define SCHEMA "pyleak-bpf/report/1"

static void put_time(struct json *j, const char *key, double t)
{
	char text[48];

	json_string(j, key, *out_time(t, text, sizeof(text)) ? text : NULL);
}

static void put_line(struct json *j, int line)
{
	json_unsigned(j, "line", line > 0 ? (uint64_t)line : REPORT_UNKNOWN);
}

static void put_frame(struct json *j, const struct report_frame *f)
{
	char hex[24];

	json_object(j, NULL, true);
	json_string(j, "lang", f->native ? "native" : "python");
	if (f->native) {
		snprintf(hex, sizeof(hex), "0x%" PRIx64, f->offset);
		json_string(j, "function", f->function);
		json_string(j, "module", f->module ? f->module : "");
		json_string(j, "offset", hex);
		json_string(j, "file", f->file);
	} else {
		json_string(j, "function", f->function ? f->function : "");
		json_string(j, "file", f->file ? f->file : "");
	}
	put_line(j, f->line);
	json_close(j);
}

static void put_site_numbers(struct json *j, const struct report_site *s)
{
	json_string(j, "id", s->id);
	json_string(j, "kind", report_kind_name(s->kind));
	json_string(j, "verdict", report_class_name(s->verdict));
	json_number(j, "confidence", s->confidence);
	json_string(j, "reason", s->reason);
	json_number(j, "outstanding_bytes", s->outstanding_bytes);
	json_number(j, "outstanding_count", s->outstanding_count);
	json_number(j, "waste_bytes", s->kind == KIND_HEAP ? s->waste_bytes : NAN);
	json_number(j, "growth_bytes_per_s", s->growth_bytes_per_s);
	json_number(j, "growth_count_per_s", s->growth_count_per_s);
	json_bool(j, "estimated", s->estimated);
	json_unsigned(j, "samples", s->samples);
	json_number(j, "oldest_s", s->oldest_s);
	if (s->processes)
		json_unsigned(j, "processes", s->processes);
}

static void put_hint(struct json *j, const struct report_hint *h)
{
	if (!h->code) {
		json_null(j, "hint");
		return;
	}
	json_object(j, "hint", true);
	json_string(j, "code", h->code);
	json_string(j, "text", h->text ? h->text : "");
	json_close(j);
}

static void put_held(struct json *j, const struct report_held *h)
{
	if (!h->path) {
		json_null(j, "held_by");
		return;
	}
	json_object(j, "held_by", true);
	json_string(j, "path", h->path);
	json_number(j, "share", h->share);
	json_close(j);
}

static void put_site(struct json *j, const struct report_site *s)
{
	json_object(j, NULL, false);
	put_site_numbers(j, s);
	json_array(j, "types", true);
	for (size_t i = 0; i < s->n_types; i++) {
		json_object(j, NULL, true);
		json_string(j, "name", s->types[i].name ? s->types[i].name : "");
		json_number(j, "share", s->types[i].share);
		json_close(j);
	}
	json_close(j);
	put_hint(j, &s->hint);
	put_held(j, &s->held_by);
	json_array(j, "stack", false);
	for (size_t i = 0; i < s->n_frames; i++)
		put_frame(j, &s->stack[i]);
	json_close(j);
	json_close(j);
}

static void put_memory(struct json *j, const struct report_process *p)
{
	json_object(j, "memory", false);
	json_unsigned(j, "rss_bytes", p->rss_bytes);
	json_number(j, "rss_growth_bytes_per_s", p->rss_growth_bytes_per_s);
	json_put_limits(j, &p->memory);
	json_put_parts(j, p->parts);
	json_put_pools(j, p->pools);
	json_array(j, "series", false);
	for (size_t i = 0; i < p->n_series; i++) {
		const struct report_series *s = &p->series[i];

		json_object(j, NULL, true);
		json_number(j, "t_s", s->t_s);
		json_unsigned(j, "rss_bytes", s->rss_bytes);
		json_unsigned(j, "heap_bytes", s->heap_bytes);
		json_unsigned(j, "fds", s->fds);
		json_unsigned(j, "threads", s->threads);
		json_unsigned(j, "anon_bytes", s->anon_bytes);
		json_unsigned(j, "swap_bytes", s->swap_bytes);
		json_unsigned(j, "cgroup_bytes", s->cgroup_bytes);
		json_close(j);
	}
	json_close(j);
	json_close(j);
}

/* A merged report stands for many, or for none. */
static void put_pid(struct json *j, const char *key, const struct report_process *p, int pid)
{
	if (p->n_members || !p->pid)
		json_null(j, key);
	else
		json_integer(j, key, pid);
}

static void put_container(struct json *j, const struct report_container *c)
{
	if (!c->id) {
		json_null(j, "container");
		return;
	}
	json_object(j, "container", true);
	json_string(j, "id", c->id);
	json_string(j, "name", c->name);
	json_string(j, "runtime", c->runtime);
	json_string(j, "pod", c->pod);
	json_string(j, "namespace", c->namespace);
	json_close(j);
}

static void put_identity(struct json *j, const struct report_process *p)
{
	put_pid(j, "pid", p, p->pid);
	put_pid(j, "ns_pid", p, p->ns_pid);
	put_pid(j, "ppid", p, p->ppid);
	json_string(j, "comm", p->comm ? p->comm : "");
	json_array(j, "cmdline", true);
	for (size_t i = 0; i < p->n_cmdline; i++)
		json_string(j, NULL, p->cmdline[i]);
	json_close(j);
	put_container(j, &p->container);
	json_object(j, "python", true);
	json_string(j, "version", p->python_version);
	json_string(j, "allocator", p->allocator);
	json_bool(j, "free_threaded", p->free_threaded);
	json_close(j);
	json_string(j, "mode", p->mode);
	json_string(j, "state", p->exited ? "exited" : "running");
}

static void put_judgement(struct json *j, const struct report_process *p)
{
	json_object(j, "probe", true);
	json_string(j, "mechanism", p->mechanism);
	json_number(j, "on_s", p->on_s);
	json_number(j, "coverage", p->coverage);
	json_number(j, "slowdown_pct", p->slowdown_pct);
	json_close(j);
	json_object(j, "verdict", true);
	json_string(j, "class", report_class_name(p->verdict));
	json_number(j, "confidence", p->confidence);
	json_string(j, "reason", p->reason ? p->reason : "");
	put_hint(j, &p->hint);
	json_close(j);
}

static void put_fds(struct json *j, const struct report_fds *f)
{
	if (!f->means) {
		json_null(j, "fds");
		return;
	}
	json_object(j, "fds", true);
	json_string(j, "lines_from", f->means);
	json_unsigned(j, "open", f->open);
	json_unsigned(j, "at_attach", f->at_attach);
	json_unsigned(j, "no_line", f->no_line);
	json_unsigned(j, "limit_fds", f->limit);
	json_number(j, "growth_per_s", f->growth_per_s);
	json_number(j, "fds_eta_s", f->eta_s);
	json_unsigned(j, "children", f->children);
	json_close(j);
}

static void put_members(struct json *j, const struct report_process *p)
{
	if (!p->n_members)
		return;
	json_array(j, "members", false);
	for (size_t i = 0; i < p->n_members; i++) {
		const struct report_member *m = &p->members[i];

		json_object(j, NULL, true);
		json_string(j, "hostname", m->hostname);
		json_integer(j, "pid", m->pid);
		json_string(j, "comm", m->comm);
		json_string(j, "verdict", report_class_name(m->verdict));
		json_unsigned(j, "rss_bytes", m->rss_bytes);
		json_number(j, "growth_bytes_per_s", m->growth_bytes_per_s);
		json_close(j);
	}
	json_close(j);
}

static void put_process(struct json *j, const char *key, const struct report_process *p)
{
	json_object(j, key, false);
	put_identity(j, p);
	put_memory(j, p);
	put_fds(j, &p->fds);
	json_put_baseline(j, &p->baseline);
	put_judgement(j, p);
	put_members(j, p);
	json_array(j, "sites", false);
	for (size_t i = 0; i < p->n_sites; i++)
		put_site(j, &p->sites[i]);
	json_close(j);
	json_put_types(j, p);
	json_put_gc(j, p->gc);
	json_put_instances(j, p);
	json_object(j, "lost", false);
	for (size_t i = 0; i < p->n_lost; i++)
		json_unsigned(j, p->lost[i].key, p->lost[i].n);
	json_close(j);
	json_close(j);
}

static void put_tree(struct json *j, const struct report_tree *t)
{
	if (!t) {
		json_null(j, "tree");
		return;
	}
	json_object(j, "tree", false);
	json_unsigned(j, "started", t->started);
	json_unsigned(j, "watched", t->watched);
	json_unsigned(j, "short_lived", t->short_lived);
	json_unsigned(j, "not_python", t->not_python);
	json_unsigned(j, "not_watched", t->not_watched);
	json_unsigned(j, "no_start", t->no_start);
	json_unsigned(j, "lost", t->lost);
	put_process(j, "merged", t->merged);
	json_close(j);
}

int out_json(FILE *f, const struct report *r)
{
	struct json j;
	int err;

	json_begin(&j, f);
	json_object(&j, NULL, false);
	json_string(&j, "schema", SCHEMA);
	json_object(&j, "tool", true);
	json_string(&j, "version", r->version);
	json_close(&j);
	json_object(&j, "host", true);
	json_string(&j, "hostname", r->hostname);
	json_string(&j, "kernel", r->kernel);
	json_string(&j, "arch", r->arch);
	json_close(&j);
	put_time(&j, "started_at", r->started_at);
	put_time(&j, "ended_at", r->ended_at);
	json_number(&j, "duration_s", r->duration_s);
	json_array(&j, "processes", false);
	for (size_t i = 0; i < r->n_processes; i++)
		put_process(&j, NULL, &r->processes[i]);
	json_close(&j);
	put_tree(&j, r->tree);
	json_close(&j);
	err = json_end(&j);
	return err ? fail(err, "cannot write the JSON report: %s", strerror(-err)) : 0;
}

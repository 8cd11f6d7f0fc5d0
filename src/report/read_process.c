/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One process of a saved report. The tables are the members that out/json.c writes. */
#include <math.h>

#include "report/read_priv.h"

#define END                       \
	{                         \
		NULL, READ_INT, 0 \
	}
#define P(name, type, field)                                       \
	{                                                          \
		name, type, offsetof(struct report_process, field) \
	}
#define M(name, type, field)                                      \
	{                                                         \
		name, type, offsetof(struct report_memory, field) \
	}
#define C(name, type, field)                                      \
	{                                                         \
		name, type, offsetof(struct report_cgroup, field) \
	}
#define D(name, type, field)                                   \
	{                                                      \
		name, type, offsetof(struct report_fds, field) \
	}
#define T(name, type, field)                                      \
	{                                                         \
		name, type, offsetof(struct report_series, field) \
	}
#define S(name, type, field)                                    \
	{                                                       \
		name, type, offsetof(struct report_site, field) \
	}
#define F(name, type, field)                                     \
	{                                                        \
		name, type, offsetof(struct report_frame, field) \
	}

static const struct read_field process_fields[] = {
	P("pid", READ_INT, pid),      P("ns_pid", READ_INT, ns_pid), P("ppid", READ_INT, ppid),
	P("comm", READ_STRING, comm), P("mode", READ_STRING, mode),  END,
};
static const struct read_field container_fields[] = {
	{"id", READ_STRING, offsetof(struct report_container, id)},
	{"name", READ_STRING, offsetof(struct report_container, name)},
	{"runtime", READ_STRING, offsetof(struct report_container, runtime)},
	{"pod", READ_STRING, offsetof(struct report_container, pod)},
	{"namespace", READ_STRING, offsetof(struct report_container, namespace)},
	END,
};
static const struct read_field python_fields[] = {
	P("version", READ_STRING, python_version),
	P("allocator", READ_STRING, allocator),
	P("free_threaded", READ_BOOL, free_threaded),
	END,
};
static const struct read_field probe_fields[] = {
	P("mechanism", READ_STRING, mechanism),
	P("on_s", READ_DOUBLE, on_s),
	P("coverage", READ_DOUBLE, coverage),
	P("slowdown_pct", READ_DOUBLE, slowdown_pct),
	END,
};
static const struct read_field fds_fields[] = {
	D("lines_from", READ_STRING, means),
	D("open", READ_U64, open),
	D("at_attach", READ_U64, at_attach),
	D("no_line", READ_U64, no_line),
	D("limit_fds", READ_U64, limit),
	D("growth_per_s", READ_DOUBLE, growth_per_s),
	D("fds_eta_s", READ_DOUBLE, eta_s),
	D("children", READ_U64, children),
	END,
};
static const struct read_field verdict_fields[] = {
	P("confidence", READ_DOUBLE, confidence),
	P("reason", READ_STRING, reason),
	END,
};
static const struct read_field rss_fields[] = {
	P("rss_bytes", READ_U64, rss_bytes),
	P("rss_growth_bytes_per_s", READ_DOUBLE, rss_growth_bytes_per_s),
	END,
};
static const struct read_field memory_fields[] = {
	M("limit_bytes", READ_U64, limit_bytes),
	M("limit_source", READ_STRING, limit_source),
	M("limit_name", READ_STRING, limit_name),
	M("limit_left_bytes", READ_DOUBLE, left_low),
	M("oom_eta_s", READ_DOUBLE, eta_s),
	M("oom_eta_low_s", READ_DOUBLE, eta_low_s),
	M("oom_eta_high_s", READ_DOUBLE, eta_high_s),
	M("pss_bytes", READ_U64, pss),
	M("anon_bytes", READ_U64, anon),
	M("swap_bytes", READ_U64, swap),
	M("huge_bytes", READ_U64, huge),
	M("private_bytes", READ_U64, private_bytes),
	M("shared_bytes", READ_U64, shared),
	M("minor_faults_per_s", READ_DOUBLE, minor_faults_per_s),
	M("major_faults_per_s", READ_DOUBLE, major_faults_per_s),
	END,
};
static const struct read_field cgroup_fields[] = {
	C("version", READ_INT, version),       C("path", READ_STRING, path),
	C("current_bytes", READ_U64, current), C("file_bytes", READ_U64, file),
	C("limit_bytes", READ_U64, limit),     C("high_bytes", READ_U64, high),
	C("oom_kills", READ_U64, oom_kills),   END,
};
static const struct read_field series_fields[] = {
	T("t_s", READ_DOUBLE, t_s),
	T("rss_bytes", READ_U64, rss_bytes),
	T("heap_bytes", READ_U64, heap_bytes),
	T("fds", READ_U64, fds),
	T("threads", READ_U64, threads),
	T("anon_bytes", READ_U64, anon_bytes),
	T("swap_bytes", READ_U64, swap_bytes),
	T("cgroup_bytes", READ_U64, cgroup_bytes),
	END,
};
static const struct read_field site_fields[] = {
	S("confidence", READ_DOUBLE, confidence),
	S("reason", READ_STRING, reason),
	S("outstanding_bytes", READ_DOUBLE, outstanding_bytes),
	S("outstanding_count", READ_DOUBLE, outstanding_count),
	S("waste_bytes", READ_DOUBLE, waste_bytes),
	S("growth_bytes_per_s", READ_DOUBLE, growth_bytes_per_s),
	S("growth_count_per_s", READ_DOUBLE, growth_count_per_s),
	S("estimated", READ_BOOL, estimated),
	S("samples", READ_U64, samples),
	S("oldest_s", READ_DOUBLE, oldest_s),
	S("processes", READ_COUNT, processes),
	END,
};
static const struct read_field held_fields[] = {
	{"path", READ_STRING, offsetof(struct report_held, path)},
	{"share", READ_DOUBLE, offsetof(struct report_held, share)},
	END,
};

static const struct read_field hint_fields[] = {
	{"code", READ_STRING, offsetof(struct report_hint, code)},
	{"text", READ_STRING, offsetof(struct report_hint, text)},
	END,
};
static const struct read_field baseline_fields[] = {
	{"service", READ_STRING, offsetof(struct report_baseline, service)},
	{"runs", READ_COUNT, offsetof(struct report_baseline, runs)},
	END,
};
static const struct read_field departure_fields[] = {
	{"name", READ_STRING, offsetof(struct report_departure, name)},
	{"value", READ_DOUBLE, offsetof(struct report_departure, value)},
	{"typical", READ_DOUBLE, offsetof(struct report_departure, typical)},
	{"limit", READ_DOUBLE, offsetof(struct report_departure, limit)},
	END,
};
static const struct read_field type_fields[] = {
	{"name", READ_STRING, offsetof(struct report_type, name)},
	{"share", READ_DOUBLE, offsetof(struct report_type, share)},
	END,
};
static const struct read_field member_fields[] = {
	{"hostname", READ_STRING, offsetof(struct report_member, hostname)},
	{"pid", READ_INT, offsetof(struct report_member, pid)},
	{"comm", READ_STRING, offsetof(struct report_member, comm)},
	{"rss_bytes", READ_U64, offsetof(struct report_member, rss_bytes)},
	{"growth_bytes_per_s", READ_DOUBLE, offsetof(struct report_member, growth_bytes_per_s)},
	END,
};
static const struct read_field frame_fields[] = {
	F("function", READ_STRING, function),
	F("file", READ_STRING, file),
	F("line", READ_INT, line),
	F("module", READ_STRING, module),
	END,
};

/* The number of the word @key in an enum whose words @name tells; @other when it is none of them.
 */
static int read_word(const struct jval *o, const char *key, const char *(*name)(int), int n,
		     int other)
{
	const char *word = jval_string(jval_get(o, key));

	for (int i = 0; word && i < n; i++)
		if (!strcmp(word, name(i)))
			return i;
	return other;
}

static const char *class_word(int i)
{
	return report_class_name((enum report_class)i);
}

static const char *kind_word(int i)
{
	return report_kind_name((enum report_kind)i);
}

static bool is_word(const struct jval *o, const char *key, const char *word)
{
	const char *text = jval_string(jval_get(o, key));

	return text && !strcmp(text, word);
}

static void read_frame(struct reader *rd, const struct jval *o, struct report_frame *f)
{
	const char *offset = jval_string(jval_get(o, "offset"));

	read_fields(rd, frame_fields, o, f);
	f->native = is_word(o, "lang", "native");
	if (f->native && offset)
		f->offset = strtoull(offset, NULL, 16);
}

static void read_site(struct reader *rd, const struct jval *o, struct report_site *s)
{
	const struct jval *types = jval_array(o, "types"), *stack = jval_array(o, "stack");
	const char *id = jval_string(jval_get(o, "id"));
	size_t i = 0;

	read_fields(rd, site_fields, o, s);
	read_fields(rd, hint_fields, jval_object(o, "hint"), &s->hint);
	read_fields(rd, held_fields, jval_object(o, "held_by"), &s->held_by);
	if (id)
		strncpy(s->id, id, sizeof(s->id) - 1);
	s->kind = (enum report_kind)read_word(o, "kind", kind_word, KIND_MAX, KIND_OBJECT);
	s->verdict =
		(enum report_class)read_word(o, "verdict", class_word, CLASS_MAX, CLASS_STEADY);
	s->types = read_room(rd, types, sizeof(*s->types), &s->n_types);
	read_each(v, types, s->n_types)
	{
		read_fields(rd, type_fields, v, &s->types[i]);
		if (!s->types[i].name)
			s->types[i].name = "?";
		i++;
	}
	s->stack = read_room(rd, stack, sizeof(*s->stack), &s->n_frames);
	i = 0;
	read_each(v, stack, s->n_frames) read_frame(rd, v, &s->stack[i++]);
}

static void read_memory(struct reader *rd, const struct jval *o, struct report_process *p)
{
	const struct jval *series = jval_array(o, "series");
	size_t i = 0;

	read_fields(rd, rss_fields, o, p);
	read_fields(rd, memory_fields, o, &p->memory);
	p->memory.left_high = p->memory.left_low;
	read_fields(rd, cgroup_fields, jval_object(o, "cgroup"), &p->memory.cgroup);
	p->series = read_room(rd, series, sizeof(*p->series), &p->n_series);
	read_each(v, series, p->n_series) read_fields(rd, series_fields, v, &p->series[i++]);
}

static void read_cmdline(struct reader *rd, const struct jval *o, struct report_process *p)
{
	const struct jval *words = jval_array(o, "cmdline");
	size_t i = 0;

	p->cmdline = read_room(rd, words, sizeof(*p->cmdline), &p->n_cmdline);
	read_each(v, words, p->n_cmdline) p->cmdline[i++] = read_string(rd, v);
}

static void read_members(struct reader *rd, const struct jval *o, struct report_process *p)
{
	const struct jval *members = jval_array(o, "members");
	size_t i = 0;

	p->members = read_room(rd, members, sizeof(*p->members), &p->n_members);
	read_each(v, members, p->n_members)
	{
		struct report_member *m = &p->members[i++];

		read_fields(rd, member_fields, v, m);
		m->verdict = (enum report_class)read_word(v, "verdict", class_word, CLASS_MAX,
							  CLASS_STEADY);
		/* sorting and merging compare these */
		if (!m->hostname)
			m->hostname = "";
		if (!m->comm)
			m->comm = "";
	}
}

static void read_lost(struct reader *rd, const struct jval *o, struct report_process *p)
{
	const struct jval *lost = jval_object(o, "lost");
	size_t i = 0;

	p->lost = read_room(rd, lost, sizeof(*p->lost), &p->n_lost);
	read_each(v, lost, p->n_lost)
	{
		p->lost[i].key = p->lost[i].text = report_strdup(rd->r, v->key);
		rd->out_of_memory |= !p->lost[i].key;
		p->lost[i++].n = jval_u64(v);
	}
}

static void read_baseline(struct reader *rd, const struct jval *o, struct report_baseline *b)
{
	const struct jval *departures = jval_array(o, "departures");
	size_t i = 0;

	read_fields(rd, baseline_fields, o, b);
	b->departures = read_room(rd, departures, sizeof(*b->departures), &b->n_departures);
	read_each(v, departures, b->n_departures)
		read_fields(rd, departure_fields, v, &b->departures[i++]);
}

void read_process(struct reader *rd, const struct jval *o, struct report_process *p)
{
	const struct jval *verdict = jval_object(o, "verdict"), *sites = jval_array(o, "sites");
	size_t i = 0;

	read_fields(rd, process_fields, o, p);
	read_fields(rd, container_fields, jval_object(o, "container"), &p->container);
	read_fields(rd, python_fields, jval_object(o, "python"), p);
	read_fields(rd, probe_fields, jval_object(o, "probe"), p);
	read_fields(rd, verdict_fields, verdict, p);
	read_fields(rd, hint_fields, jval_object(verdict, "hint"), &p->hint);
	p->verdict =
		(enum report_class)read_word(verdict, "class", class_word, CLASS_MAX, CLASS_STEADY);
	p->exited = is_word(o, "state", "exited");
	read_cmdline(rd, o, p);
	read_memory(rd, jval_object(o, "memory"), p);
	if (jval_object(o, "fds"))
		read_fields(rd, fds_fields, jval_object(o, "fds"), &p->fds);
	p->explained = NAN; /* of the series that the judge had */
	p->sites = read_room(rd, sites, sizeof(*p->sites), &p->n_sites);
	read_each(v, sites, p->n_sites) read_site(rd, v, &p->sites[i++]);
	read_population(rd, o, p);
	read_members(rd, o, p);
	read_baseline(rd, jval_object(o, "baseline"), &p->baseline);
	read_lost(rd, o, p);
}

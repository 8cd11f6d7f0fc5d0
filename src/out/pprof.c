/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a profile for pprof and the servers that read its format: the memory that stays, by stack.
 *
 * Memory that was freed again is not counted, so alloc_* say the same as inuse_*. They are samples
 * of their own, without the labels that may change between profiles (verdict, type): a reader that
 * subtracts one profile from the next would take a new label for growth. */
#include <math.h>

#include "out/out.h"
#include "out/pprof_priv.h"

enum { ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE, VALUES };

#define LABELS 8
struct labels {
	Pprof__Label label[LABELS], *v[LABELS];
	size_t n;
};

static int64_t name_index(struct pprof *p, const char *text)
{
	return pprof_string(p, text, PPROF_NAME_MAX);
}

static void put_types(struct pprof *p)
{
	static const char *const type[VALUES][2] = {
		[ALLOC_OBJECTS] = {"alloc_objects", "count"},
		[ALLOC_SPACE] = {"alloc_space", "bytes"},
		[INUSE_OBJECTS] = {"inuse_objects", "count"},
		[INUSE_SPACE] = {"inuse_space", "bytes"},
	};
	Pprof__ValueType value[VALUES], *v[VALUES];
	Pprof__Profile part = PPROF__PROFILE__INIT;

	for (size_t i = 0; i < VALUES; i++) {
		value[i] = (Pprof__ValueType)PPROF__VALUE_TYPE__INIT;
		value[i].type = name_index(p, type[i][0]);
		value[i].unit = name_index(p, type[i][1]);
		v[i] = &value[i];
	}
	part.n_sample_type = VALUES;
	part.sample_type = v;
	part.default_sample_type = value[INUSE_SPACE].type;
	pprof_put(p, &part);
}

static int64_t whole(double v)
{
	return v >= 0.5 ? (int64_t)fmin(round(v), 0x1p62) : 0;
}

/* Rounds to milliseconds: times in a report are no finer. */
static int64_t nanoseconds(double s)
{
	return whole(fmin(s * 1e3, 0x1p42)) * 1000000;
}

/* Writes times, and a period of one byte: values are scaled up already, so readers must not. */
static void put_times(struct pprof *p, const struct report *r)
{
	Pprof__ValueType period = PPROF__VALUE_TYPE__INIT;
	Pprof__Profile part = PPROF__PROFILE__INIT;

	period.type = name_index(p, "space");
	period.unit = name_index(p, "bytes");
	part.period_type = &period;
	part.period = 1;
	part.time_nanos = nanoseconds(r->ended_at);
	part.duration_nanos = nanoseconds(r->duration_s);
	pprof_put(p, &part);
}

static void put_comments(struct pprof *p, const struct report *r)
{
	char tool[PPROF_NAME_MAX];
	int64_t comment[3];
	Pprof__Profile part = PPROF__PROFILE__INIT;

	snprintf(tool, sizeof(tool), "pyleak-bpf %s on %s", r->version ? r->version : "?",
		 r->hostname ? r->hostname : "?");
	comment[0] = name_index(p, tool);
	comment[1] = name_index(p, "inuse_*: what was allocated since the watch began and stays, "
				   "estimated and scaled up where it was sampled");
	comment[2] = name_index(p, "alloc_*: the same, for what was freed again is not counted");
	part.n_comment = ARRAY_SIZE(comment);
	part.comment = comment;
	pprof_put(p, &part);
}

static Pprof__Label *add_label(struct pprof *p, struct labels *l, const char *key)
{
	Pprof__Label *to = &l->label[l->n];

	*to = (Pprof__Label)PPROF__LABEL__INIT;
	to->key = name_index(p, key);
	l->v[l->n++] = to;
	return to;
}

static void label(struct pprof *p, struct labels *l, const char *key, const char *value)
{
	if (value && *value)
		add_label(p, l, key)->str = pprof_string(p, value, PPROF_LABEL_MAX);
}

/* Adds labels of the process that a sample belongs to. */
static void label_process(struct pprof *p, struct labels *l, const struct report_process *of)
{
	const struct report_container *c = &of->container;

	label(p, l, "comm", of->comm);
	if (of->pid)
		add_label(p, l, "pid")->num = of->pid;
	label(p, l, "container", c->name && *c->name ? c->name : c->id);
	label(p, l, "pod", c->pod);
	label(p, l, "namespace", c->namespace);
}

static void put_sample(struct pprof *p, Pprof__Sample *s, struct labels *l)
{
	Pprof__Profile part = PPROF__PROFILE__INIT;

	s->n_label = l->n;
	s->label = l->v;
	part.n_sample = 1;
	part.sample = &s;
	pprof_put(p, &part);
}

static const struct report_frame no_stack = {.function = "(no stack)", .file = ""};
static const struct report_frame cut_here = {.function = "...", .file = ""};

/* Puts the ids of locations into @room, innermost first; it has room for two more than there are
 * frames. Returns their number. */
static size_t locations(struct pprof *p, const struct report_site *s, uint64_t *room)
{
	size_t n = 0, taken;

	for (size_t i = 0; i < s->n_frames; i += taken)
		room[n++] = pprof_location(p, &s->stack[i], s->n_frames - i, &taken);
	if (!n)
		room[n++] = pprof_location(p, &no_stack, 1, &taken);
	if (s->truncated)
		room[n++] = pprof_location(p, &cut_here, 1, &taken);
	return n;
}

static void put_site(struct pprof *p, const struct report_process *of, const struct report_site *s)
{
	int64_t bytes = whole(s->outstanding_bytes), count = whole(s->outstanding_count);
	int64_t stays[VALUES] = {[INUSE_OBJECTS] = count, [INUSE_SPACE] = bytes};
	int64_t came[VALUES] = {[ALLOC_OBJECTS] = count, [ALLOC_SPACE] = bytes};
	Pprof__Sample sample = PPROF__SAMPLE__INIT;
	auto_free uint64_t *at = NULL;
	struct labels l = {0};

	if (!bytes && !count)
		return;
	at = malloc((s->n_frames + 2) * sizeof(*at));
	if (!at) {
		p->err = p->err ? p->err : -ENOMEM;
		return;
	}
	sample.location_id = at;
	sample.n_location_id = locations(p, s, at);
	sample.n_value = VALUES;
	sample.value = came;
	label(p, &l, "kind", report_kind_name(s->kind));
	label_process(p, &l, of);
	put_sample(p, &sample, &l);
	sample.value = stays;
	label(p, &l, "verdict", report_class_name(s->verdict));
	label(p, &l, "type", s->n_types ? s->types[0].name : NULL);
	put_sample(p, &sample, &l);
}

int out_pprof(FILE *f, const struct report *r)
{
	struct pprof *p = malloc(sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	pprof_begin(p, f);
	pprof_start_tables(p);
	put_types(p);
	put_times(p, r);
	put_comments(p, r);
	for (size_t i = 0; i < r->n_processes; i++)
		for (size_t k = 0; k < r->processes[i].n_sites; k++)
			put_site(p, &r->processes[i], &r->processes[i].sites[k]);
	pprof_put_tables(p);
	err = pprof_end(p);
	free(p);
	return err;
}

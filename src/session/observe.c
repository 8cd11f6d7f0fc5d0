/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Collects evidence from the sources, and has it judged. */
#include "judge/judge.h"
#include "memory/identity.h"
#include "memory/reads.h"
#include "session/session_priv.h"

/* ---- Facts that no source tells. ---- */

void session_see_notes(const struct session *s, struct report *r, struct report_process *p)
{
	p->notes = report_alloc(r, (s->notes.n + 2) * sizeof(*p->notes));
	p->n_notes = 0;
	for (size_t i = 0; p->notes && i < s->notes.n; i++)
		p->notes[p->n_notes++] = report_strdup(r, s->notes.v[i]);
	if (p->notes && s->notes.left_out)
		p->notes[p->n_notes++] =
			report_printf(r, "%zu more notes were left out", s->notes.left_out);
}

static void see_identity(const struct session *s, struct report *r, struct report_process *p)
{
	identity_fill(s->proc, s->rt, r, p);
	p->mode = "auto";
	p->exited = s->ended;
	p->goes_on = s->goes_on;
	p->is_told_later = s->o.is_told_later;
	session_see_notes(s, r, p);
}

/* Lays out the rows of losses, with the numbers that no source has. */
static int lay_out_lost(const struct session *s, struct report *r, struct report_process *p)
{
#define X(id, key, text) {key, text, 0},
	static const struct report_lost row[] = {PL_LOST(X) SESSION_LOST(X)};
#undef X
	struct report_lost *v = report_alloc(r, (LOST_MAX + READS_ROWS) * sizeof(*v));

	if (!v)
		return fail(-ENOMEM, "out of memory");
	memcpy(v, row, sizeof(row));
	for (size_t i = 0; s->kern.stats && i < PL_LOST_MAX; i++)
		v[i].n = s->kern.stats->lost[i];
	v[LOST_CODE_UNREADABLE].n = stacks_unread_codes(s->stacks);
	v[LOST_STACKS_LEFT_OUT].n = stacks_left_out(s->stacks);
	v[LOST_MAPPINGS_UNNAMED].n = s->proc->maps_unnamed;
	v[LOST_TYPES_UNNAMED].n = names_left_out(s->names) + py_unnamed(s->rt);
	v[LOST_STOOD_STILL].n = s->kern.stood_still;
	reads_lost(s->proc, r, v + LOST_MAX);
	p->lost = v;
	p->n_lost = LOST_MAX + READS_ROWS;
	return 0;
}

/* ---- Stacks and names of all that the sources have told. ---- */

/* The keys of a map, which is freed. */
static uint64_t *keys(struct map64 *of, struct report *scratch, size_t *n)
{
	uint64_t *v = report_alloc(scratch, (of->n + 1) * sizeof(*v));

	*n = 0;
	for (size_t i = 0; v && i < of->cap; i++)
		if (of->slot[2 * i])
			v[(*n)++] = of->slot[2 * i];
	map64_free(of);
	return v;
}

size_t frames_name(struct session *s, const struct stack *st, struct report_frame *out)
{
	for (size_t i = 0; i < st->n; i++) {
		const struct py_code *c = st->frame[i].code;

		out[i] = (struct report_frame){
			.function = c ? py_code_function(c) : "?",
			.file = c ? py_code_file(c) : "?",
			.line = st->frame[i].line,
			.place = lines_place(&s->lines, s->proc, c, st->frame[i].line),
		};
	}
	return st->n;
}

static void copy_stack(struct session *s, const struct stack *st, struct report *scratch,
		       struct evidence_stack *to)
{
	struct evidence_frame *f = report_alloc(scratch, (st->n + 1) * sizeof(*f));

	*to = (struct evidence_stack){st->id, st->flags & PL_STACK_TRUNCATED, f ? st->n : 0, f};
	for (size_t i = 0; i < to->n; i++) {
		const struct py_code *c = st->frame[i].code;

		f[i] = (struct evidence_frame){
			.function = c ? py_code_function(c) : NULL,
			.file = c ? py_code_file(c) : NULL,
			.line = st->frame[i].line,
			.place = lines_place(&s->lines, s->proc, c, st->frame[i].line),
			.entry = st->frame[i].entry,
		};
	}
}

static int observe_stacks(struct session *s, struct report *scratch, struct evidence *e)
{
	struct map64 ids = {0};
	struct evidence_stack *v;
	uint64_t *id;
	size_t n;

	for (size_t i = 0; i < e->objects.n; i++)
		map64_put(&ids, e->objects.v[i].stack);
	for (size_t i = 0; i < e->native.n; i++)
		if (e->native.v[i].key.stack) {
			map64_put(&ids, e->native.v[i].key.stack);
			map64_put(&ids, native_named(&e->native.v[i]));
		}
	for (size_t i = 0; i < e->n_fds; i++)
		map64_put(&ids, e->fd[i].stack);
	id = keys(&ids, scratch, &n);
	v = id ? report_alloc(scratch, (n + 1) * sizeof(*v)) : NULL;
	if (!v)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const struct stack *st = stacks_find(s->stacks, id[i]);

		if (st)
			copy_stack(s, st, scratch, &v[e->n_stacks++]);
	}
	e->stack = v;
	return 0;
}

static int observe_types(struct session *s, struct report *scratch, struct evidence *e)
{
	struct map64 types = {0};
	struct evidence_type *v;
	uint64_t *type;
	size_t n;

	for (size_t i = 0; i < e->objects.n; i++)
		map64_put(&types, e->objects.v[i].type);
	for (size_t i = 0; i < e->native.n; i++)
		if (e->native.v[i].objects)
			map64_put(&types, e->native.v[i].type);
	type = keys(&types, scratch, &n);
	v = type ? report_alloc(scratch, (n + 1) * sizeof(*v)) : NULL;
	if (!v)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		v[i] = (struct evidence_type){type[i], names_type(s->names, type[i])};
	e->type = v;
	e->n_types = n;
	return 0;
}

static int observe(struct session *s, const struct observation *to)
{
	struct evidence *e = to->e;
	int err;

	*e = (struct evidence){
		.start_ns = s->time.start_ns,
		.now_ns = to->now_ns,
		.older_s = s->o.older_s,
		.min_size = s->o.min_size,
		.max_size = s->o.max_size,
		.interpreter = s->rt->name,
	};
	report_process_init(&e->seen);
	see_identity(s, to->r, &e->seen);
	err = lay_out_lost(s, to->r, &e->seen);
	if (!err)
		err = sources_observe(s, to);
	ledger_tell(&s->ledger, to->now_ns, &e->seen); /* with what was charged just now */
	if (!err)
		err = observe_stacks(s, to->scratch, e);
	if (!err)
		err = observe_types(s, to->scratch, e);
	evidence_sort(e);
	return err;
}

int session_judge_again(struct session *s, const struct evidence *e, struct report *r,
			struct report_process *p)
{
	if (s->o.on_evidence)
		s->o.on_evidence(s->o.on_evidence_ctx, e);
	return judge(e, r, p);
}

int session_judge(struct session *s, struct observation *to, struct report_process *p)
{
	int err;

	memset(p, 0, sizeof(*p));
	session_drain(s);
	if (s->ended)
		to->now_ns = s->time.end_ns;
	to->e = report_alloc(to->scratch, sizeof(*to->e));
	err = to->e ? observe(s, to) : fail(-ENOMEM, "out of memory");
	return err ? err : session_judge_again(s, to->e, to->r, p);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names for functions without symbols, from a source outside this room: CPython has the names of C
 * functions that Python code can call. The source is asked once, when the first such name is
 * needed. */
#include "sym/sym_priv.h"

#define MOST_KNOWN  65536
#define MOST_ASKED  32 /* searches through a file's code for callers, per process */
#define MOST_PARTED 2  /* callers followed: compilers part functions from checks of arguments */

void sym_ask(struct sym *s, void (*ask)(void *ctx), void *ctx)
{
	s->ask = ask;
	s->ask_ctx = ctx;
}

static uint64_t key_of(const struct sym_pc *at, uint64_t start)
{
	return start | (uint64_t)(at->file + 1) << 48;
}

void sym_know(struct sym *s, uint64_t pc, const char *name, const char *module)
{
	struct sym_known *k;
	struct sym_pc at;
	uint64_t *place;

	if (s->known.n == MOST_KNOWN || !sym_locate(s, pc, &at) || at.addr >> 48)
		return;
	place = map64_put(&s->known_at, key_of(&at, at.addr));
	if (!place)
		return;
	if (*place) {
		/* one function has two names, as where the linker keeps equal code once: use
		 * neither */
		k = &s->known.v[*place - 1];
		k->is_ambiguous = k->is_ambiguous || strcmp(k->name, name) != 0;
		return;
	}
	k = vec_push(&s->known);
	if (!k)
		return;
	*k = (struct sym_known){.name = strdup(name), .module = module ? strdup(module) : NULL};
	if (!k->name || (module && !k->module)) {
		free(k->name);
		free(k->module);
		s->known.n--;
		return;
	}
	*place = s->known.n;
	s->file[at.file]->has_known = true;
}

static const struct sym_known *known_at(const struct sym *s, const struct sym_pc *at, uint64_t fn)
{
	const uint64_t *place = map64_get(&s->known_at, key_of(at, fn));

	return place && *place ? &s->known.v[*place - 1] : NULL;
}

/* Returns the known function whose part @fn is: the only one that calls it. NULL: none. */
static const struct sym_known *known_caller(struct sym *s, const struct sym_pc *at,
					    struct dso_range fn)
{
	const struct sym_known *k = NULL;

	for (int i = 0; i < MOST_PARTED && !k && s->callers_asked < MOST_ASKED; i++) {
		int err = dso_only_caller(s->file[at->file]->dso, &fn, &fn);

		s->callers_asked++;
		dso_forget_bytes(s->file[at->file]->dso);
		if (err)
			return NULL;
		k = known_at(s, at, fn.addr);
	}
	return k;
}

void sym_name_known(struct sym *s, const struct sym_pc *at, struct sym_names_of *n)
{
	struct sym_frame *last = &n->v[n->n - 1];
	const struct sym_known *k;
	struct dso_range fn;
	uint64_t depth;

	if (n->is_known_asked || last->function || !sym_file_answers(s->file[at->file]))
		return;
	n->is_known_asked = true;
	if (s->ask) {
		void (*ask)(void *) = s->ask;

		s->ask = NULL;
		ask(s->ask_ctx);
	}
	if (!s->known.n || dso_frame_at(s->file[at->file]->dso, at->addr, &fn, &depth))
		return;
	k = known_at(s, at, fn.addr);
	if (!k && s->file[at->file]->has_known)
		k = known_caller(s, at, fn);
	if (!k || k->is_ambiguous)
		return;
	last->function = strdup(k->name);
	if (last->function && k->module)
		last->module = k->module;
}

void sym_forget_known(struct sym *s)
{
	for (size_t i = 0; i < s->known.n; i++) {
		free(s->known.v[i].name);
		free(s->known.v[i].module);
	}
	vec_free(&s->known);
	map64_free(&s->known_at);
}

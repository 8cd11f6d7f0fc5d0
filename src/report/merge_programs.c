/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the mean rate of a site over the processes that run the same program: other programs on a
 * host say nothing about a leak. */
#include <string.h>
#include <xxhash.h>

#include "report/merge_priv.h"

/* Key of the program: its command line without digits, since ports and numbers of workers tell
 * processes of one program apart. */
static uint64_t program_of(const struct report_process *p)
{
	static const char digits[] = "0123456789";
	uint64_t h = 0;

	for (size_t i = 0; i < p->n_cmdline; i++)
		for (const char *at = p->cmdline[i]; *at; at += strspn(at, digits)) {
			size_t n = strcspn(at, digits);

			h = XXH64(at, n, h);
			at += n;
		}
	return h ? h : 1;
}

/* Was the process watched by more than its size, so that a line could be known? */
static bool is_close(const struct report_process *p)
{
	return p->n_sites || !p->mode || strcmp(p->mode, "growth") != 0 || p->on_s > 0;
}

static int count(struct merge_programs *m, const struct merge_part *part)
{
	uint64_t *at = map64_put(&m->index, part->program);

	if (!at || (!*at && !vec_push(&m->all)))
		return fail(-ENOMEM, "out of memory");
	*at = *at ? *at : m->all.n;
	m->all.v[*at - 1].n++;
	m->all.v[*at - 1].on_s += part->process->on_s;
	return 0;
}

int merge_programs(struct merge_programs *m, struct report_process *to, struct merge_parts *parts)
{
	int err = 0;

	for (size_t i = 0; i < parts->n && !err; i++) {
		struct merge_part *part = &parts->v[i];

		if (part->process->n_members) {
			to->n_close += report_members(part->process);
			continue;
		}
		part->program = program_of(part->process);
		/* its rate is not in the sums, so it is no part of the mean */
		if (!is_close(part->process) || (parts->stops_ended && part->process->exited))
			continue;
		err = count(m, part);
		to->n_close++;
	}
	return err;
}

void merge_programs_free(struct merge_programs *m)
{
	vec_free(&m->all);
	map64_free(&m->index);
	map64_free(&m->seen);
}

/* Key for site @i and one that has it. */
static uint64_t meeting(size_t i, uint64_t what)
{
	const uint64_t pair[2] = {i, what};
	uint64_t key = XXH64(pair, sizeof(pair), 0);

	return key ? key : 1;
}

/* Key of the process's name: a merged report keeps no command lines. */
static uint64_t name_of(const struct report_process *p)
{
	return p->comm ? XXH64(p->comm, strlen(p->comm), 1) : 0;
}

/* Adds processes to a site's mean. All of a merged report count, since it does not say who was
 * probed for how long: that tells less of a line that others lack. */
static void add(struct report_site *to, uint64_t n, double on_s)
{
	to->of_processes += n;
	to->of_on_s += on_s;
}

int merge_programs_meet(struct merge_programs *m, const struct merge_part *part,
			const struct report_site *s, size_t i, struct report_site *to)
{
	const struct report_process *p = part->process;
	uint64_t *met, *at, name = name_of(p);

	if (name) {
		met = map64_put(&m->seen, meeting(i, name));
		if (!met)
			return fail(-ENOMEM, "out of memory");
		*met = 1;
	}
	met = map64_put(&m->seen, meeting(i, p->n_members ? (uintptr_t)p : part->program));
	if (!met)
		return fail(-ENOMEM, "out of memory");
	if (p->n_members)
		add(to, s->of_processes ? s->of_processes : report_members(p), *met ? 0 : p->on_s);
	else if (!*met && (at = map64_get(&m->index, part->program)))
		add(to, m->all.v[*at - 1].n, m->all.v[*at - 1].on_s);
	*met = 1;
	return 0;
}

void merge_programs_absent(const struct merge_programs *m, const struct merge_parts *parts,
			   struct report_process *to)
{
	for (size_t k = 0; k < parts->n; k++) {
		const struct report_process *p = parts->v[k].process;
		uint64_t name = name_of(p);

		for (size_t i = 0; p->n_members && name && is_close(p) && i < to->n_sites; i++)
			if (map64_get(&m->seen, meeting(i, name)) &&
			    !map64_get(&m->seen, meeting(i, (uintptr_t)p)))
				add(&to->sites[i], report_members(p), p->on_s);
	}
}

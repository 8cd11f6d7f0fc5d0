/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ladder/watched.h"

void watched_add(struct watched *w, uint64_t from_ns, uint64_t to_ns, const struct ladder_aim *aim)
{
	bool by_type = aim && aim->n_types;

	coverage_add(&w->aimed, from_ns, to_ns);
	if (by_type)
		w->by_type_ns += to_ns - from_ns;
	else
		coverage_add(&w->all, from_ns, to_ns);
	if (aim) {
		w->set_ns += to_ns - from_ns;
		return;
	}
	coverage_add(&w->other_all, from_ns, to_ns);
	coverage_add(&w->other_aimed, from_ns, to_ns);
}

void watched_begin_set(struct watched *w)
{
	w->other_all = w->all;
	w->other_aimed = w->aimed;
	w->other_by_type_ns = w->by_type_ns;
	w->set_ns = 0;
}

uint64_t watched_take_back(struct watched *w)
{
	uint64_t ns = w->set_ns;

	w->all = w->other_all;
	w->aimed = w->other_aimed;
	w->by_type_ns = w->other_by_type_ns;
	w->set_ns = 0;
	return ns;
}

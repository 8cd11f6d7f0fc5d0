/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "memory/view.h"

int view_pace(const struct heap_progress *at, void *ctx)
{
	(void)at;
	return worker_pace(ctx);
}

int view_open(struct view *v, int pid, uint64_t start_ticks, struct worker *w)
{
	int err;

	*v = (struct view){0};
	err = proc_open(pid, &v->p);
	if (!err && v->p->start_ticks != start_ticks)
		err = fail(-ESRCH, "process %d has ended", pid);
	if (!err)
		err = py_open(v->p, &v->rt);
	if (!err)
		err = heap_open(v->rt, &v->heap);
	if (err)
		return err;
	heap_watch_by(v->heap, view_pace, w);
	py_close_file(v->rt);
	return 0;
}

void view_close(struct view *v)
{
	heap_close(v->heap);
	py_close(v->rt);
	proc_close(v->p);
}

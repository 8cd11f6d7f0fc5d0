/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "memory/identity.h"

#include <math.h>

#include "container/container.h"
#include "proc/list.h"
#include "py/shape.h"

static const char *known(struct report *r, const char *s)
{
	return *s ? report_strdup(r, s) : NULL;
}

static void fill_container(const struct proc *t, struct report *r, struct report_container *out)
{
	struct proc_container c;

	if (!proc_is_live(t) || !proc_container(t, &c))
		return;
	out->id = report_strdup(r, c.id);
	out->runtime = report_strdup(r, c.runtime);
	out->name = known(r, c.name);
	out->pod = known(r, c.pod[0] ? c.pod : c.pod_uid);
	out->namespace = known(r, c.namespace);
}

void identity_fill(const struct proc *t, const struct py_runtime *rt, struct report *r,
		   struct report_process *p)
{
	char words[PY_SHAPE_WORDS];
	size_t n = 0;

	p->pid = t->pid;
	p->ns_pid = t->ns_pid;
	p->ppid = t->ppid;
	p->age_s = proc_is_live(t) ? proc_age_s(t->start_ticks) : NAN;
	p->comm = report_strdup(r, t->comm);
	while (t->cmdline && t->cmdline[n])
		n++;
	p->cmdline = report_alloc(r, (n + 1) * sizeof(*p->cmdline));
	for (size_t i = 0; p->cmdline && i < n; i++)
		p->cmdline[p->n_cmdline++] = report_strdup(r, t->cmdline[i]);
	fill_container(t, r, &p->container);
	p->python_version = report_strdup(r, rt->version);
	p->allocator = py_allocator_name(rt->allocator);
	p->free_threaded = rt->free_threaded;
	if (rt->shape) {
		p->build = report_strdup(r, py_shape_words(rt->shape, words, sizeof(words)));
		p->tested_as = py_shape_tested(rt->shape);
	}
}

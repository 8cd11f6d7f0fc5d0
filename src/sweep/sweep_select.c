/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Selects the processes that are wanted. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "container/container.h"
#include "proc/limits.h"
#include "sweep/sweep_priv.h"

#define CMDLINE_MAX 4096

bool sweep_wants_entry(const struct sweep_opts *o, const struct proc_entry *e)
{
	return (o->uid < 0 || e->uid == (uid_t)o->uid) && e->age_s >= o->min_age_s &&
	       e->rss_bytes >= o->min_rss;
}

bool sweep_is_same(const struct proc_entry *a, const struct proc_entry *b)
{
	return a->pid == b->pid && a->start_ticks == b->start_ticks &&
	       a->start_stack == b->start_stack;
}

bool sweep_is_no_loss(const struct proc_entry *e, int err)
{
	char path[32], program[8];
	struct proc_entry now;

	if (err != -ESRCH)
		return err == -ENOENT;
	if (proc_list_one(e->pid, &now) && !sweep_is_same(e, &now))
		return true;
	snprintf(path, sizeof(path), "/proc/%d/exe", e->pid);
	if (readlink(path, program, sizeof(program)) < 0)
		return true;
	fail(err, "process %d cannot be read, and has not ended", e->pid);
	return false;
}

bool sweep_has_words(const struct proc *p)
{
	return p->cmdline[0] != NULL;
}

void sweep_command_line(const struct proc *p, char *buf, size_t size)
{
	size_t used = 0;

	snprintf(buf, size, "%s", sweep_has_words(p) ? "" : p->comm);
	for (size_t i = 0; p->cmdline[i] && used < size - 2; i++) {
		size_t room = size - 1 - used, n = strnlen(p->cmdline[i], room - 1);

		if (used)
			buf[used++] = ' ';
		memcpy(buf + used, p->cmdline[i], n);
		used += n;
		buf[used] = '\0';
	}
}

static bool has_name(const struct proc *p, const regex_t *name)
{
	char text[CMDLINE_MAX];

	sweep_command_line(p, text, sizeof(text));
	return regexec(name, text, 0, NULL, 0) == 0;
}

/* "shop/web-7d9f", "web-7d9f", or its uid. */
static bool is_pod(const struct proc_container *c, const char *wanted)
{
	const char *slash = strchr(wanted, '/');
	size_t n = slash ? (size_t)(slash - wanted) : 0;

	if (slash)
		return strlen(c->namespace) == n && !strncmp(c->namespace, wanted, n) &&
		       !strcmp(c->pod, slash + 1);
	return !strcmp(c->pod, wanted) || !strcmp(c->pod_uid, wanted);
}

static bool in_container(const struct proc *p, const struct sweep_opts *o)
{
	struct proc_container c;

	if (!proc_container(p, &c))
		return false;
	if (o->pod && !is_pod(&c, o->pod))
		return false;
	return !o->container || !strncmp(c.id, o->container, strlen(o->container)) ||
	       !strcmp(c.name, o->container);
}

static bool in_place(const struct proc *p, const struct sweep_opts *o)
{
	return ((!o->container && !o->pod) || in_container(p, o)) &&
	       (!o->cgroup || proc_in_cgroup(p, o->cgroup));
}

bool sweep_wants(const struct sweep_opts *o, const struct proc *p)
{
	return (!o->name || has_name(p, o->name)) && in_place(p, o);
}

bool sweep_may_want(const struct sweep_opts *o, const struct proc *p)
{
	return (!o->name || !sweep_has_words(p) || has_name(p, o->name)) && in_place(p, o);
}

bool sweep_may_want_unopened(const struct sweep_opts *o, const struct proc_entry *e)
{
	char *no_words = NULL;
	struct proc p = {.pid = e->pid, .cmdline = &no_words};

	memcpy(p.comm, e->comm, sizeof(p.comm));
	return (!o->name || !strncmp(p.comm, "python", 6) || has_name(&p, o->name)) &&
	       in_place(&p, o);
}

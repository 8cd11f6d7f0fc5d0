/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which of the host's processes are wanted. */
#include <string.h>

#include "proc/container.h"
#include "proc/limits.h"
#include "sweep/sweep_priv.h"

#define CMDLINE_MAX 4096

bool sweep_wants_entry(const struct sweep_opts *o, const struct proc_entry *e)
{
	return (o->uid < 0 || e->uid == (uid_t)o->uid) && e->age_s >= o->min_age_s &&
	       e->rss_bytes >= o->min_rss;
}

static bool has_name(const struct proc *p, const regex_t *name)
{
	char text[CMDLINE_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; p->cmdline && p->cmdline[i] && used < sizeof(text) - 2; i++) {
		size_t room = sizeof(text) - 1 - used, n = strnlen(p->cmdline[i], room - 1);

		if (used)
			text[used++] = ' ';
		memcpy(text + used, p->cmdline[i], n);
		used += n;
		text[used] = '\0';
	}
	return regexec(name, text, 0, NULL, 0) == 0;
}

static bool in_container(const struct proc *p, const struct sweep_opts *o)
{
	struct proc_container c;

	if (!proc_container(p, &c))
		return false;
	if (o->pod && strcmp(c.pod, o->pod) != 0 && strcmp(c.pod_uid, o->pod) != 0)
		return false;
	return !o->container || !strncmp(c.id, o->container, strlen(o->container)) ||
	       !strcmp(c.name, o->container);
}

bool sweep_wants(const struct sweep_opts *o, const struct proc *p)
{
	return (!o->name || has_name(p, o->name)) &&
	       ((!o->container && !o->pod) || in_container(p, o)) &&
	       (!o->cgroup || proc_in_cgroup(p, o->cgroup));
}

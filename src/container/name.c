/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the name that people gave a container, which its cgroups do not have. The kubelet and
 * docker keep it in files; podman and CRI-O tell it to the monitor that is the parent of everything
 * in the container. */
#include <dirent.h>
#include <stdio.h>

#include "base/jval.h"
#include "container/container.h"
#include "proc/inside.h"

#define POD_LOGS       "/var/log/pods"	     /* a directory per pod: NAMESPACE_NAME_UID */
#define CONTAINER_LOGS "/var/log/containers" /* a link per container: POD_NAMESPACE_NAME-ID.log */
#define DOCKER	       "/var/lib/docker/containers"
#define MAX_PARENTS    64

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && !memcmp(s + len - n, end, n);
}

static void name_pod(const char *host, struct proc_container *c)
{
	char path[512];
	size_t n = strlen(c->pod_uid);
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%.400s" POD_LOGS, host);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		size_t len = strlen(e->d_name);
		const char *pod = strchr(e->d_name, '_'), *end;

		if (len < n + 4 || !pod || !ends_with(e->d_name, len, c->pod_uid))
			continue;
		end = e->d_name + len - n - 1;
		if (end <= pod || *end != '_')
			continue;
		snprintf(c->namespace, sizeof(c->namespace), "%.*s", (int)(pod - e->d_name),
			 e->d_name);
		snprintf(c->pod, sizeof(c->pod), "%.*s", (int)(end - (pod + 1)), pod + 1);
		break;
	}
	if (d)
		closedir(d);
}

static void name_by_kubelet(const char *host, struct proc_container *c)
{
	char path[512], end[sizeof(c->id) + 8];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%.400s" CONTAINER_LOGS, host);
	snprintf(end, sizeof(end), "-%s.log", c->id);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		size_t len = strlen(e->d_name);
		const char *name = strrchr(e->d_name, '_');

		if (!name || !ends_with(e->d_name, len, end))
			continue;
		snprintf(c->name, sizeof(c->name), "%.*s",
			 (int)(e->d_name + len - strlen(end) - (name + 1)), name + 1);
		break;
	}
	if (d)
		closedir(d);
}

static void name_by_docker(const char *host, struct proc_container *c)
{
	auto_free char *text = NULL;
	struct jval_doc doc;
	const char *name;
	char path[512];
	size_t len;

	snprintf(path, sizeof(path), "%.300s" DOCKER "/%s/config.v2.json", host, c->id);
	if (proc_slurp_path(path, &text, &len) || jval_parse(text, len, &doc))
		return;
	name = jval_string(jval_get(doc.v, "Name"));
	if (name)
		snprintf(c->name, sizeof(c->name), "%.71s", name + (*name == '/'));
	jval_free(&doc);
}

/* Takes the name from the command line "conmon ... -c ID ... -n NAME ..." */
static void name_by_monitor(char *const *word, struct proc_container *c)
{
	const char *name = NULL;
	bool is_its = false;

	if (!word[0] || strcmp(file_name(word[0]), "conmon") != 0)
		return;
	for (size_t i = 0; word[i + 1]; i++) {
		is_its |= !strcmp(word[i], "-c") && !strcmp(word[i + 1], c->id);
		if (!name && !strcmp(word[i], "-n"))
			name = word[i + 1];
	}
	if (is_its && name)
		snprintf(c->name, sizeof(c->name), "%.71s", name);
}

static bool read_status(int pid, struct proc_status *out)
{
	auto_free char *text = NULL;
	size_t len;

	return !proc_slurp(pid, "status", &text, &len) && !proc_parse_status(text, out);
}

/* May it hold its mmap_lock for as long as storage is silent? Then whoever reads its arguments
 * waits as long (W4). */
static bool is_stuck(int pid)
{
	struct proc_status st;

	return !read_status(pid, &st) || st.state == 'D';
}

/* Asks the nearest process above @pid that is not in the container itself. */
static void ask_monitor(int pid, struct proc_container *c)
{
	for (int i = 0; i < MAX_PARENTS && pid > 1; i++) {
		auto_free char *cgroup = NULL;
		struct proc_container above;
		struct proc *monitor;
		struct proc_status st;
		size_t len;

		if (!read_status(pid, &st) || proc_slurp(st.ppid, "cgroup", &cgroup, &len))
			return;
		pid = st.ppid;
		if (proc_container_parse(cgroup, &above) && !strcmp(above.id, c->id))
			continue;
		if (!is_stuck(pid) && !proc_open(pid, &monitor)) {
			name_by_monitor(monitor->cmdline, c);
			proc_close(monitor);
		}
		return;
	}
}

void proc_container_name(int pid, const char *host, struct proc_container *c)
{
	if (c->pod_uid[0]) {
		name_pod(host, c);
		name_by_kubelet(host, c);
	} else if (!strcmp(c->runtime, "docker")) {
		name_by_docker(host, c);
	} else if (strlen(c->id) != PROC_CONTAINER_ID) {
		snprintf(c->name, sizeof(c->name), "%s", c->id);
	}
	if (!c->name[0] && pid > 0)
		ask_monitor(pid, c);
}

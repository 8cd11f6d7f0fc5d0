/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds containers by the names of cgroups. A runtime puts each container into a cgroup of its own,
 * and names it as a directory (/docker/ID, /kubepods/burstable/podUID/ID) or as a unit of systemd
 * (docker-ID.scope, kubepods-burstable-podUID.slice/cri-containerd-ID.scope). The innermost name
 * counts. */
#include "container/container.h"

#include <ctype.h>
#include <stdio.h>

#include "proc/inside.h"

/* Units and directories that hold a whole id. */
static const struct {
	const char *prefix, *runtime;
} hex_names[] = {
	{"docker-", "docker"}, {"libpod-payload-", "podman"},
	{"libpod-", "podman"}, {"cri-containerd-", "containerd"},
	{"crio-", "cri-o"},    {"", NULL},
};

/* Units and directories that hold a name. */
static const struct {
	const char *prefix, *suffix, *runtime;
} plain_names[] = {
	{"systemd-nspawn@", ".service", "systemd-nspawn"},
	{"machine-", ".scope", "systemd-nspawn"},
	{"lxc.payload.", "", "lxc"},
};

static size_t hex_digits(const char *s)
{
	size_t n = 0;

	while (isxdigit((unsigned char)s[n]))
		n++;
	return n;
}

/* Does the part have a 64-digit id behind one of the prefixes? ".scope" or nothing may follow. */
static bool hex_name(const char *part, const char *above, struct proc_container *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(hex_names); i++) {
		size_t n = strlen(hex_names[i].prefix);
		const char *runtime = hex_names[i].runtime;

		if (strncmp(part, hex_names[i].prefix, n) != 0 ||
		    hex_digits(part + n) != PROC_CONTAINER_ID ||
		    (part[n + PROC_CONTAINER_ID] &&
		     strcmp(part + n + PROC_CONTAINER_ID, ".scope") != 0))
			continue;
		/* the directory above says whose a bare id is */
		if (!runtime)
			runtime = strstr(above, "docker")   ? "docker"
				  : strstr(above, "libpod") ? "podman"
							    : "containerd";
		snprintf(out->id, sizeof(out->id), "%.*s", PROC_CONTAINER_ID, part + n);
		snprintf(out->runtime, sizeof(out->runtime), "%s", runtime);
		return true;
	}
	return false;
}

/* Undoes systemd's escapes: a character that a unit's name may not have is written as \x2d. */
static void unescape(char *s)
{
	char *to = s;
	unsigned v;

	while (*s) {
		if (s[0] == '\\' && s[1] == 'x' && hex_digits(s + 2) >= 2 &&
		    sscanf(s + 2, "%2x", &v) == 1 && v) {
			*to++ = (char)v;
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}

static bool plain_name(const char *part, struct proc_container *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain_names); i++) {
		size_t n = strlen(plain_names[i].prefix), m = strlen(plain_names[i].suffix);
		size_t len = strlen(part);

		if (len <= n + m || strncmp(part, plain_names[i].prefix, n) != 0 ||
		    strcmp(part + len - m, plain_names[i].suffix) != 0)
			continue;
		snprintf(out->id, sizeof(out->id), "%.*s", (int)(len - n - m), part + n);
		unescape(out->id);
		snprintf(out->runtime, sizeof(out->runtime), "%s", plain_names[i].runtime);
		return true;
	}
	return false;
}

/* Finds a pod's uid in the directory "pod<uid>" or the unit "...-pod<uid with underscores>.slice".
 */
static void pod_uid(const char *part, struct proc_container *out)
{
	const char *at = strncmp(part, "pod", 3) != 0 ? strstr(part, "-pod") : part - 1;
	size_t n;

	if (!at || (strncmp(part, "pod", 3) != 0 && strncmp(part, "kubepods", 8) != 0))
		return;
	at += 4;
	n = strspn(at, "0123456789abcdefABCDEF-_");
	if (n < 32 || n >= sizeof(out->pod_uid) || (at[n] && strcmp(at + n, ".slice") != 0))
		return;
	snprintf(out->pod_uid, sizeof(out->pod_uid), "%.*s", (int)n, at);
	for (char *c = out->pod_uid; *c; c++)
		if (*c == '_')
			*c = '-';
}

/* Reads one path from the root down: the innermost container wins. */
static bool parse_path(char *path, struct proc_container *out)
{
	const char *above = "";
	bool found = false;
	char *save = NULL;

	for (char *part = strtok_r(path, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		pod_uid(part, out);
		if (hex_name(part, above, out) || plain_name(part, out)) {
			found = true;
		} else if (!strcmp(above, "lxc")) {
			snprintf(out->id, sizeof(out->id), "%.71s", part);
			strcpy(out->runtime, "lxc");
			found = true;
		}
		above = part;
	}
	return found;
}

bool proc_container_parse(const char *text, struct proc_container *out)
{
	while (*text) {
		const char *end = strchrnul(text, '\n'),
			   *path = memchr(text, ':', (size_t)(end - text));

		/* "4:memory:/path", "0::/path" */
		path = path ? memchr(path + 1, ':', (size_t)(end - path - 1)) : NULL;
		if (path) {
			auto_free char *copy = strndup(path + 1, (size_t)(end - path - 1));

			memset(out, 0, sizeof(*out));
			if (copy && parse_path(copy, out))
				return true;
		}
		text = *end ? end + 1 : end;
	}
	memset(out, 0, sizeof(*out));
	return false;
}

bool proc_container(const struct proc *p, struct proc_container *out)
{
	auto_free char *text = NULL;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (proc_slurp(p->pid, "cgroup", &text, &len) || !proc_container_parse(text, out))
		return false;
	proc_container_name(p->pid, "", out);
	/* where the tool runs in a container, the host's files are those that pid 1 sees */
	if (!out->name[0] && proc_in_first_pid_ns())
		proc_container_name(0, "/proc/1/root", out);
	return true;
}

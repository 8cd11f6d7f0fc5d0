/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "proc/list.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "proc/inside.h"

/* Real user of the "Uid:" row. */
static uid_t real_uid(const char *status)
{
	const char *row = strstr(status, "\nUid:");

	return row ? (uid_t)strtoul(row + 5, NULL, 10) : 0;
}

double proc_age_s(uint64_t start_ticks)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9 -
	       (double)start_ticks / (double)sysconf(_SC_CLK_TCK);
}

/* Kernel threads and zombies have none of their own. */
static bool has_memory(int pid, char **status, struct proc_status *st)
{
	size_t len;

	return !proc_slurp(pid, "status", status, &len) && !proc_parse_status(*status, st) &&
	       st->rss_kb && st->state != 'Z' && st->state != 'X';
}

bool proc_list_one(int pid, struct proc_entry *out)
{
	auto_free char *status = NULL, *stat = NULL;
	struct proc_status st;
	struct proc_stat s;
	size_t len;

	if (!has_memory(pid, &status, &st) || proc_slurp(pid, "stat", &stat, &len) ||
	    proc_parse_stat(stat, &s))
		return false;
	out->pid = pid;
	out->ppid = st.ppid;
	out->ns_pid = st.ns_pid ? st.ns_pid : pid;
	out->uid = real_uid(status);
	out->start_ticks = s.start_ticks;
	out->start_stack = s.start_stack;
	out->rss_bytes = st.rss_kb * 1024;
	out->is_stuck = st.state == 'D';
	out->age_s = proc_age_s(s.start_ticks);
	memcpy(out->comm, s.comm, sizeof(out->comm));
	return true;
}

int proc_list(struct proc_entry **out, size_t *n)
{
	VEC(struct proc_entry) v = {0};
	DIR *d = opendir("/proc");
	struct dirent *e;
	int err;

	if (!d)
		return fail(-errno, "/proc cannot be read: %s", strerror(errno));
	while (errno = 0, (e = readdir(d))) {
		struct proc_entry one, *to;

		if (!atoi(e->d_name) || !proc_list_one(atoi(e->d_name), &one))
			continue;
		to = vec_push(&v);
		if (!to)
			break; /* errno tells */
		*to = one;
	}
	err = errno ? fail(-errno, "/proc cannot be read: %s", strerror(errno)) : 0;
	closedir(d);
	if (err)
		vec_free(&v);
	*out = v.v;
	*n = v.n;
	return err;
}

size_t proc_count_threads(void)
{
	auto_free char *text = NULL;
	size_t all = 0, len;

	if (!proc_slurp_path("/proc/loadavg", &text, &len))
		(void)sscanf(text, "%*s %*s %*s %*[^/]/%zu", &all);
	return all;
}

size_t proc_count(size_t most)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	while (errno = 0, d && n < most && (e = readdir(d))) {
		auto_free char *status = NULL;
		struct proc_status st;

		n += atoi(e->d_name) && has_memory(atoi(e->d_name), &status, &st);
	}
	n = errno ? 0 : n;
	if (d)
		closedir(d);
	return n;
}

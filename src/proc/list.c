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

bool proc_list_one(int pid, struct proc_entry *out)
{
	auto_free char *status = NULL, *stat = NULL;
	struct proc_status st;
	struct proc_stat s;
	size_t len;

	if (proc_slurp(pid, "status", &status, &len) || proc_slurp(pid, "stat", &stat, &len) ||
	    proc_parse_status(status, &st) || proc_parse_stat(stat, &s))
		return false;
	/* No memory of its own: a kernel thread, a zombie. */
	if (!st.rss_kb || st.state == 'Z' || st.state == 'X')
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

static int list(struct proc_entry **out, size_t *n, size_t most)
{
	VEC(struct proc_entry) v = {0};
	DIR *d = opendir("/proc");
	struct dirent *e;

	if (!d)
		return fail(-errno, "/proc cannot be read: %s", strerror(errno));
	while (errno = 0, v.n < most && (e = readdir(d))) {
		struct proc_entry *to;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		to = vec_push(&v);
		if (!to) {
			vec_free(&v);
			closedir(d);
			return fail(-ENOMEM, "out of memory");
		}
		if (!proc_list_one(atoi(e->d_name), to))
			v.n--;
	}
	if (errno) {
		int err = fail(-errno, "/proc cannot be read: %s", strerror(errno));

		vec_free(&v);
		closedir(d);
		return err;
	}
	closedir(d);
	*out = v.v;
	*n = v.n;
	return 0;
}

int proc_list(struct proc_entry **out, size_t *n)
{
	return list(out, n, SIZE_MAX);
}

size_t proc_count_threads(void)
{
	FILE *f = fopen("/proc/loadavg", "re");
	size_t all = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%*s %*s %*s %*[^/]/%zu", &all) != 1)
		all = 0;
	fclose(f);
	return all;
}

size_t proc_count(size_t most)
{
	auto_free struct proc_entry *v = NULL;
	size_t n = 0;

	return list(&v, &n, most) ? 0 : n;
}

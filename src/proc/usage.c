/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Readings beside the resident size: whose pages they are, faults, open files. */
#include <inttypes.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "proc/inside.h"
#include "proc/limits.h"
#include "proc/stamped.h"

#define MOST_THREADS 64

int proc_rollup(const struct proc *p, struct proc_rollup *out)
{
	static const struct {
		const char *key;
		size_t at;
	} rows[] = {
#define ROW(key, field) {"\n" key ":", offsetof(struct proc_rollup, field)}
		ROW("Rss", rss),
		ROW("Pss", pss),
		ROW("Pss_Anon", pss_anon),
		ROW("Pss_Shmem", pss_shmem),
		ROW("Private_Clean", private_clean),
		ROW("Private_Dirty", private_dirty),
		ROW("Anonymous", anon),
		ROW("AnonHugePages", huge),
		ROW("Swap", swap),
#undef ROW
	};
	char text[2048]; /* 30 rows of 28 bytes, with one read: each is a walk of its own */
	ssize_t got;

	memset(out, 0, sizeof(*out));
	if (proc_is_large(p))
		return -EFBIG;
	auto_close int fd = stamped_open(p->pid, "smaps_rollup");
	got = fd < 0 ? -1 : stamped_walk(fd, text, sizeof(text) - 1, proc_code_now(p));
	if (got < 0)
		return -errno;
	text[got] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *row = strstr(text, rows[i].key);

		if (row)
			*(uint64_t *)((char *)out + rows[i].at) =
				strtoull(row + strlen(rows[i].key), NULL, 10) * 1024;
	}
	out->shared = out->rss - out->private_clean - out->private_dirty;
	if (out->shared > out->rss)
		out->shared = 0; /* no two of the numbers need be of the same moment */
	return out->rss ? 0 : -ENODATA;
}

/* From 6.2 on the directory's size is the number of its entries; a process may have millions. */
static uint64_t count_fds(int pid)
{
	struct dirent *e;
	struct stat st;
	uint64_t n = 0;
	char path[40];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	if (stat(path, &st))
		return PROC_UNKNOWN;
	if (st.st_size > 0)
		return (uint64_t)st.st_size;
	dir = opendir(path);
	if (!dir)
		return PROC_UNKNOWN;
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static uint64_t io_bytes(int pid)
{
	uint64_t rchar, wchar, calls[2], from_disk, to_disk;
	auto_free char *text = NULL;
	size_t len;

	if (proc_slurp(pid, "io", &text, &len) ||
	    sscanf(text,
		   "rchar: %" SCNu64 " wchar: %" SCNu64 " syscr: %" SCNu64 " syscw: %" SCNu64
		   " read_bytes: %" SCNu64 " write_bytes: %" SCNu64,
		   &rchar, &wchar, &calls[0], &calls[1], &from_disk, &to_disk) != 6)
		return PROC_UNKNOWN;
	return rchar + wchar > from_disk + to_disk ? rchar + wchar : from_disk + to_disk;
}

/* Each thread has its own, and a process may have thousands: for waiting the first ones stand for
 * it. What they did is of all threads or not known: another thread in the place of one that ended
 * would be hours of work in a moment. */
static void read_turns(int pid, struct proc_usage *out)
{
	uint64_t ran, waited, turns;
	bool is_whole = true;
	struct dirent *e;
	char path[48];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return;
	for (unsigned n = 0; (e = readdir(dir));) {
		auto_free char *text = NULL;
		size_t len;

		if (!isdigit((unsigned char)*e->d_name))
			continue;
		if (n++ == MOST_THREADS) {
			is_whole = false;
			break;
		}
		snprintf(path, sizeof(path), "task/%.20s/schedstat", e->d_name);
		if (!proc_slurp(pid, path, &text, &len) &&
		    sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &ran, &waited, &turns) == 3) {
			out->ran_ns += ran;
			out->waited_ns += waited;
			out->turns += turns;
		} else {
			is_whole = false;
		}
	}
	closedir(dir);
	if (!is_whole)
		out->ran_ns = out->turns = 0;
}

int proc_usage(const struct proc *p, struct proc_usage *out)
{
	auto_free char *text = NULL;
	struct proc_stat st;
	size_t len;
	int err;

	memset(out, 0, sizeof(*out));
	out->fds = count_fds(p->pid);
	out->io_bytes = io_bytes(p->pid);
	read_turns(p->pid, out);
	err = proc_slurp(p->pid, "stat", &text, &len);
	if (err)
		return err;
	err = proc_parse_stat(text, &st);
	out->minor_faults = st.minor_faults;
	out->major_faults = st.major_faults;
	return err;
}

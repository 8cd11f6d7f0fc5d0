/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text files of /proc: reading one whole, and parsing status and stat. */
#include "proc/inside.h"
#include "proc/stamped.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TEXT (64u << 20) /* 65530 mappings (vm.max_map_count) of long paths stay below */

typedef ssize_t (*read_fn)(int fd, void *buf, size_t size);

static int read_some(int fd, read_fn call, size_t max, bool cut, char **text, size_t *len)
{
	auto_free char *buf = NULL;
	size_t n = 0, cap = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got;

		if (n > max)
			return -EFBIG;
		if (cut && n == max)
			break;
		if (!vec_grow((void **)&buf, &cap, n + 4097, 1))
			return -ENOMEM;
		got = call(fd, buf + n, cut && cap - n - 1 > max - n ? max - n : cap - n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	buf[n] = '\0';
	*text = take(buf);
	*len = n;
	return 0;
}

int proc_slurp_path(const char *path, char **text, size_t *len)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return read_some(fd, read, MAX_TEXT, false, text, len);
}

/* Nobody knows yet which CPython this process has. */
static ssize_t read_stamped(int fd, void *buf, size_t size)
{
	return stamped_read(fd, buf, size, 0);
}

int proc_slurp_head(int pid, const char *name, size_t max, char **text, size_t *len)
{
	auto_close int fd = stamped_open(pid, name);

	return read_some(fd, read_stamped, max, true, text, len);
}

int proc_slurp(int pid, const char *name, char **text, size_t *len)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return proc_slurp_path(path, text, len);
}

int proc_slurp_fd(int fd, size_t max, uint8_t **bytes, size_t *size)
{
	auto_free uint8_t *buf = NULL;
	struct stat st;
	size_t n = 0;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > max)
		return -ENOEXEC;
	buf = malloc((size_t)st.st_size);
	if (!buf)
		return -ENOMEM;
	while (n < (size_t)st.st_size) {
		ssize_t got = pread(fd, buf + n, (size_t)st.st_size - n, (off_t)n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EIO;
		n += (size_t)got;
	}
	*bytes = take(buf);
	*size = n;
	return 0;
}

/* "NSpid:\t4711\t12\t1": the last number is the pid in the innermost namespace. */
static int last_number(const char *s)
{
	int last = 0;

	while (*s && *s != '\n') {
		char *end;
		long v = strtol(s, &end, 10);

		if (end == s)
			break;
		last = (int)v;
		s = end;
	}
	return last;
}

static void status_line(const char *line, struct proc_status *out)
{
	static const struct {
		const char *key;
		size_t at;
	} sizes[] = {
		{"VmRSS:", offsetof(struct proc_status, rss_kb)},
		{"RssAnon:", offsetof(struct proc_status, anon_kb)},
		{"RssFile:", offsetof(struct proc_status, file_kb)},
		{"RssShmem:", offsetof(struct proc_status, shmem_kb)},
		{"VmSwap:", offsetof(struct proc_status, swap_kb)},
		{"HugetlbPages:", offsetof(struct proc_status, huge_kb)},
		{"VmSize:", offsetof(struct proc_status, size_kb)},
		{"VmData:", offsetof(struct proc_status, data_kb)},
		{"voluntary_ctxt_switches:", offsetof(struct proc_status, waits)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t k = strlen(sizes[i].key);

		if (!strncmp(line, sizes[i].key, k))
			*(uint64_t *)((char *)out + sizes[i].at) = strtoull(line + k, NULL, 10);
	}
	if (!strncmp(line, "Tgid:", 5)) {
		out->tgid = atoi(line + 5);
		out->has_tgid = true;
	} else if (!strncmp(line, "PPid:", 5)) {
		out->ppid = atoi(line + 5);
	} else if (!strncmp(line, "TracerPid:", 10)) {
		out->tracer = atoi(line + 10);
	} else if (!strncmp(line, "NSpid:", 6)) {
		out->ns_pid = last_number(line + 6);
	} else if (!strncmp(line, "Threads:", 8)) {
		out->threads = (uint32_t)strtoul(line + 8, NULL, 10);
	} else if (!strncmp(line, "SigPnd:", 7)) {
		out->pending = strtoull(line + 7, NULL, 16);
	} else if (!strncmp(line, "State:", 6)) {
		line += 6;
		line += strspn(line, " \t");
		out->state = *line;
	}
}

int proc_parse_status(const char *text, struct proc_status *out)
{
	memset(out, 0, sizeof(*out));
	/* "Name:" is first and cannot hold a newline: the kernel escapes it. */
	for (const char *line = text; line && *line;) {
		status_line(line, out);
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return out->has_tgid ? 0 : -EINVAL;
}

/* The kernel shows it as it is, and a thread may call itself anything. */
static void copy_name(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)from[i] < ' ' || from[i] == 0x7f ? '?' : from[i];
}

int proc_parse_stat(const char *text, struct proc_stat *out)
{
	/* The name may hold blanks and parentheses: it ends at the last ')'. */
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	uint64_t field[50] = {0}; /* as far as arg_end */
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!open || !close || close < open || close[1] != ' ' || !close[2])
		return -EINVAL;
	n = (size_t)(close - open) - 1;
	if (n > sizeof(out->comm) - 1)
		n = sizeof(out->comm) - 1;
	copy_name(out->comm, open + 1, n);
	out->state = close[2];
	/* proc(5) counts from 1: pid 1, comm 2, state 3. */
	text = close + 3;
	for (size_t i = 4; i < ARRAY_SIZE(field); i++) {
		char *end;

		field[i] = strtoull(text, &end, 10);
		if (end == text)
			break;
		text = end;
	}
	out->flags = field[9];
	out->minor_faults = field[10];
	out->major_faults = field[12];
	out->start_ticks = field[22];
	out->start_stack = field[28];
	out->arg_start = field[48];
	out->arg_end = field[49];
	return 0;
}

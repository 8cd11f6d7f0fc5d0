/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Perf events: opening them for a process, and the uprobe PMU, one event per site. */
#include "probe/mechanism_priv.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UPROBE_PMU "/sys/bus/event_source/devices/uprobe"

static int open_event(struct perf_event_attr *attr, int tid)
{
	long fd = syscall(__NR_perf_event_open, attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

/* The main thread may have ended while others go on; any task leads to the address space. */
static int open_for_any_thread(struct perf_event_attr *attr, int pid)
{
	char path[40];
	struct dirent *e;
	int fd = -ESRCH;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return -ESRCH;
	while (fd == -ESRCH && (e = readdir(dir))) {
		int tid = atoi(e->d_name);

		if (tid > 0 && tid != pid)
			fd = open_event(attr, tid);
	}
	closedir(dir);
	return fd;
}

int probe_perf_event(struct perf_event_attr *attr, int pid)
{
	int fd = open_event(attr, pid);

	if (fd == -ESRCH && pid > 0)
		fd = open_for_any_thread(attr, pid);
	switch (fd) {
	case -ESRCH:
		return fail(-ESRCH, "no process %d here any more", pid);
	case -EPERM:
	case -EACCES:
		return fail(-EPERM,
			    "no permission to open a uprobe on process %d: run as root "
			    "(CAP_PERFMON and ptrace rights; the uprobe PMU of kernels "
			    "since July 2025 wants CAP_SYS_ADMIN)",
			    pid ? pid : getpid());
	case -EMFILE:
	case -ENFILE:
		return fail(fd, "too many open files: raise the limit (ulimit -n)");
	}
	if (fd < 0)
		return fail(fd, "perf_event_open failed on process %d: %s", pid ? pid : getpid(),
			    strerror(-fd));
	return fd;
}

int probe_perf_set_bpf(int event_fd, int prog_fd)
{
	if (!ioctl(event_fd, PERF_EVENT_IOC_SET_BPF, prog_fd))
		return 0;
	if (errno == EINVAL)
		return fail(-EINVAL, "the program was not loaded for this kind of probe "
				     "(see probe_attach_type)");
	return fail(-errno, "the program could not be put on the probe: %s", strerror(errno));
}

static int read_text(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	char *got;

	if (!f)
		return -errno;
	got = fgets(buf, (int)size, f);
	fclose(f);
	return got ? 0 : -EIO;
}

/* The PMU's number and the bit of attr.config that means "at return". */
static int read_pmu(unsigned int *type, unsigned int *return_bit)
{
	char text[64];

	if (read_text(UPROBE_PMU "/type", text, sizeof(text)) || sscanf(text, "%u", type) != 1 ||
	    read_text(UPROBE_PMU "/format/retprobe", text, sizeof(text)) ||
	    sscanf(text, "config:%u", return_bit) != 1 || *return_bit > 63)
		return fail(-ENOTSUP, "this kernel has no uprobe events in perf (4.17 and later, "
				      "CONFIG_UPROBE_EVENTS)");
	return 0;
}

static int perf_open(struct probe_set *s)
{
	if (s->n > PROBE_PERF_MAX_SITES)
		return fail(-ENOTSUP, "perf events hold %d sites at most, not %zu",
			    PROBE_PERF_MAX_SITES, s->n);
	s->fds = calloc(s->n, sizeof(*s->fds));
	if (!s->fds)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < s->n; i++)
		s->fds[i] = -1;
	return 0;
}

static int perf_off(struct probe_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		close_fd(&s->fds[i]);
		s->fds[i] = -1;
	}
	return 0;
}

static int perf_on(struct probe_set *s)
{
	unsigned int type = 0, bit = 0;
	int err = read_pmu(&type, &bit);

	for (size_t i = 0; i < s->n && !err; i++) {
		struct perf_event_attr attr = {
			.type = type,
			.size = sizeof(attr),
			.config = s->on_return ? 1ull << bit : 0,
			.config1 = (uintptr_t)s->path,
			.config2 = s->offsets[i],
			.disabled = 1,
		};

		s->fds[i] = probe_perf_event(&attr, s->pid);
		err = s->fds[i] < 0 ? s->fds[i] : probe_perf_set_bpf(s->fds[i], s->prog_fd);
	}
	if (err)
		perf_off(s);
	return err;
}

const struct probe_ops probe_perf_ops = {
	.open = perf_open,
	.on = perf_on,
	.off = perf_off,
	.is_light = true,
};

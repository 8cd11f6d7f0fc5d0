/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs the birth program on a live Python with everything given by hand, and prints what it
 * recorded: the driver (walk_live.py) compares that with what the program says of itself.
 *
 * walk_live KEY=VALUE...: pid minor how tstate_addr tls_module tls_offset musl key path ms enough
 * mech (perf, multi or tracefs), and site=OFFSET:IP:REG:DISP once or more; enough=N waits for so
 * many births; load=1 only loads the programs for every layout and prints what the verifier
 * counted.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/types.h>

#include "pyleak/abi.h"
#include "pyleak.skel.h"
#include "../walk/layouts.h"

#define MAX_SITES 512
#define TRACEFS	  "/sys/kernel/tracing/"

struct job {
	int pid, minor, ms, load, enough;
	char path[512], mech[16];
	struct pl_walk walk;
	size_t n;
	unsigned long offset[MAX_SITES];
	__u64 ip[MAX_SITES];
	struct pl_site site[MAX_SITES];
	int fd[3];
	size_t fds;
	struct bpf_link *link[MAX_SITES];
	size_t links;
};

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

static void parse_site(struct job *j, const char *v)
{
	unsigned long off;
	__u64 ip;
	unsigned int reg;
	int disp;

	if (j->n == MAX_SITES || sscanf(v, "%lx:%llx:%u:%d", &off, &ip, &reg, &disp) != 4)
		exit(2);
	j->offset[j->n] = off;
	j->ip[j->n] = ip;
	j->site[j->n] = (struct pl_site){.reg = reg, .number = j->n, .disp = disp};
	j->n++;
}

static void parse(struct job *j, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *k = argv[i], *v = strchr(k, '=');

		if (!v)
			exit(2);
		*v++ = 0;
		if (!strcmp(k, "minor")) {
			__u64 addr = j->walk.tstate_addr;

			j->minor = atoi(v);
			j->walk = layout_of(j->minor);
			j->walk.tstate_addr = addr;
		} else if (!strcmp(k, "site"))
			parse_site(j, v);
		else if (!strcmp(k, "path"))
			snprintf(j->path, sizeof(j->path), "%s", v);
		else if (!strcmp(k, "mech"))
			snprintf(j->mech, sizeof(j->mech), "%s", v);
		else if (!strcmp(k, "pid"))
			j->pid = atoi(v);
		else if (!strcmp(k, "ms"))
			j->ms = atoi(v);
		else if (!strcmp(k, "enough"))
			j->enough = atoi(v);
		else if (!strcmp(k, "load"))
			j->load = atoi(v);
		else if (!strcmp(k, "how"))
			j->walk.tstate_how = atoi(v);
		else if (!strcmp(k, "tstate_addr"))
			j->walk.tstate_addr = strtoull(v, NULL, 0);
		else if (!strcmp(k, "tls_offset"))
			j->walk.tls_offset = strtoll(v, NULL, 0);
		else if (!strcmp(k, "tls_module"))
			j->walk.tls_module = atoi(v);
		else if (!strcmp(k, "musl"))
			j->walk.dtv_is_musl = atoi(v);
		else if (!strcmp(k, "key"))
			j->walk.pthread_key = atoi(v);
		else
			exit(2);
	}
}

static struct pyleak_bpf *load(const struct pl_walk *walk, int tgid, bool multi, bool shared,
			       char *log, size_t size)
{
	struct pyleak_bpf *b = pyleak_bpf__open();
	struct bpf_program *p;

	if (!b)
		return NULL;
	bpf_object__for_each_program(p, b->obj) bpf_program__set_autoload(p, false);
	p = shared ? b->progs.birth_shared : b->progs.birth;
	bpf_program__set_autoload(p, true);
	if (multi)
		bpf_program__set_expected_attach_type(p, 48); /* BPF_TRACE_UPROBE_MULTI */
	if (log) {
		bpf_program__set_log_buf(p, log, size);
		bpf_program__set_log_level(p, 4); /* only the numbers */
	}
	b->rodata->config.walk = *walk;
	b->rodata->config.tgid = tgid;
	b->rodata->config.max_frames = PL_MAX_FRAMES;
	b->rodata->config.type_offset = 8;
	if (!pyleak_bpf__load(b))
		return b;
	pyleak_bpf__destroy(b);
	return NULL;
}

static int load_all(void)
{
	static char log[1 << 16];
	int bad = 0;

	for (int m = PY_FIRST_MINOR; m <= py_last_minor(); m++) {
		const struct pl_walk w = layout_of(m);

		/* births at once, of several GILs: from 3.12 on */
		for (int shared = 0; shared < 1 + (m >= 12); shared++) {
			struct pyleak_bpf *b = load(&w, 1, false, shared, log, sizeof(log));
			const char *n = strstr(log, "processed");

			printf("3.%d %s %s: %s", m, shared ? "birth_shared" : "birth",
			       b ? "loads" : "REFUSED", n ? n : log);
			bad |= !b;
			if (b)
				pyleak_bpf__destroy(b);
		}
	}
	return bad;
}

static int attach_multi(struct job *j, int prog)
{
	struct {
		__u32 prog_fd, target_fd, attach_type, flags;
		__u64 path, offsets, ref_ctr, cookies;
		__u32 cnt, uflags, pid, pad;
	} a = {.prog_fd = prog,
	       .attach_type = 48,
	       .path = (__u64)(unsigned long)j->path,
	       .offsets = (__u64)(unsigned long)j->offset,
	       .cnt = j->n,
	       .pid = j->pid};

	j->fd[j->fds++] = syscall(__NR_bpf, 28 /* BPF_LINK_CREATE */, &a, sizeof(a));
	return j->fd[0] < 0 ? -errno : 0;
}

/* Defined completely, then parked: an event is never changed once it is open. */
static int attach_tracefs(struct job *j, int prog)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT,
				       .size = sizeof(attr),
				       .sample_period = 1,
				       .disabled = 1};
	char line[700], name[64];
	int fd = open(TRACEFS "uprobe_events", O_WRONLY | O_APPEND);
	FILE *f;

	if (fd < 0)
		return -errno;
	snprintf(name, sizeof(name), "pyleaktest_%d/birth", getpid());
	for (size_t i = 0; i < j->n; i++) {
		int n = snprintf(line, sizeof(line), "p:%s %s:0x%lx\n", name, j->path,
				 j->offset[i]);

		if (write(fd, line, n) != n)
			return -errno;
	}
	close(fd);
	snprintf(line, sizeof(line), TRACEFS "events/%s/id", name);
	f = fopen(line, "r");
	if (!f || fscanf(f, "%lld", (long long *)&attr.config) != 1)
		return -ENOENT;
	fclose(f);
	j->fd[0] = syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (j->fd[0] < 0 || ioctl(j->fd[0], PERF_EVENT_IOC_SET_BPF, prog))
		return -errno;
	j->fd[1] = syscall(__NR_perf_event_open, &attr, j->pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	j->fds = 2;
	return j->fd[1] < 0 ? -errno : 0;
}

static void detach(struct job *j)
{
	while (j->fds)
		close(j->fd[--j->fds]);
	while (j->links)
		bpf_link__destroy(j->link[--j->links]);
	if (!strcmp(j->mech, "tracefs")) {
		int fd = open(TRACEFS "uprobe_events", O_WRONLY | O_APPEND);

		dprintf(fd, "-:pyleaktest_%d/birth\n", getpid());
		close(fd);
	}
}

static int attach(struct job *j, struct bpf_program *p)
{
	if (!strcmp(j->mech, "multi"))
		return attach_multi(j, bpf_program__fd(p));
	if (!strcmp(j->mech, "tracefs"))
		return attach_tracefs(j, bpf_program__fd(p));
	for (size_t i = 0; i < j->n; i++) {
		struct bpf_link *l =
			bpf_program__attach_uprobe(p, false, j->pid, j->path, j->offset[i]);

		if (!l)
			return -errno;
		j->link[j->links++] = l;
	}
	return 0;
}

/* Time the first thread of the target spent on a CPU: other load does not count. */
static unsigned long long cpu_ns(int pid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

static int print_stack(void *ctx, void *data, size_t size)
{
	const struct pl_stack *s = data;

	(void)ctx;
	if (size != 16 + 16ULL * s->n)
		printf("BADSIZE %zu n %u\n", size, s->n);
	printf("stack %llx flags %u", s->id, s->flags);
	for (__u32 i = 0; i < s->n; i++)
		printf(" %llx:%llx", s->frames[i].code & ~PL_FRAME_ENTRY, s->frames[i].instr);
	printf("\n");
	return 0;
}

static void print_births(const struct pyleak_bpf *b, const struct pl_stats *st)
{
	const struct pl_birth *v = mmap(NULL, sizeof(*v) * PL_BIRTH_SLOTS, PROT_READ, MAP_SHARED,
					bpf_map__fd(b->maps.births), 0);
	struct ring_buffer *rb;
	__u64 n = st->births, from = n > PL_BIRTH_SLOTS ? n - PL_BIRTH_SLOTS : 0;

	rb = ring_buffer__new(bpf_map__fd(b->maps.ring), print_stack, NULL, NULL);
	if (v == MAP_FAILED || !rb)
		exit(1);
	ring_buffer__consume(rb);
	for (__u64 i = from; i < n; i++) {
		const struct pl_birth *r = &v[i % PL_BIRTH_SLOTS];

		printf("birth %llx %llx %llx %u %u%s\n", r->object, r->type, r->stack, r->tid,
		       r->site, r->lap == (__u16)(i / PL_BIRTH_SLOTS + 1) ? "" : " BADLAP");
	}
	printf("births %llu\n", n);
#define X(id, key, text)            \
	if (st->lost[PL_LOST_##id]) \
		printf("lost %s %llu\n", key, st->lost[PL_LOST_##id]);
	PL_LOST(X)
#undef X
}

int main(int argc, char **argv)
{
	static struct job j = {.ms = 20, .enough = 50, .mech = "perf"};
	struct timespec t;
	struct pyleak_bpf *b;
	struct pl_stats *st;
	unsigned long long ns, births;
	int err;

	libbpf_set_print(say_nothing);
	parse(&j, argc, argv);
	if (j.load)
		return load_all();
	b = load(&j.walk, j.pid, !strcmp(j.mech, "multi"), false, NULL, 0);
	if (!b)
		return 1;
	for (size_t i = 0; i < j.n; i++)
		bpf_map_update_elem(bpf_map__fd(b->maps.sites), &j.ip[i], &j.site[i], BPF_ANY);
	st = mmap(NULL, sizeof(*st), PROT_READ, MAP_SHARED, bpf_map__fd(b->maps.stats), 0);
	err = attach(&j, b->progs.birth);
	if (err == -EINVAL && !strcmp(j.mech, "multi"))
		return 3; /* a kernel before 6.6 */
	if (err) {
		fprintf(stderr, "attach by %s: %s\n", j.mech, strerror(-err));
		return 1;
	}
	t = (struct timespec){j.ms / 1000, j.ms % 1000 * 1000000L};
	births = st->births;
	ns = cpu_ns(j.pid);
	/* A busy machine may not run the target at all for a while. */
	for (int turn = 0; turn < 500 && st->births - births < (__u64)j.enough; turn++)
		nanosleep(&t, NULL);
	ns = cpu_ns(j.pid) - ns;
	births = st->births - births;
	detach(&j);
	printf("cost %llu ns of the target's CPU time per birth\n", births ? ns / births : 0);
	print_births(b, st);
	pyleak_bpf__destroy(b);
	return 0;
}

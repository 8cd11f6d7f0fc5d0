/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Starts a program under a Python and records every birth from the moment the program says that it
 * is ready: the session's own way to find the sites, its birth program, probes that stay in. The
 * driver (test_births_live.py) compares the record with what the program says of its objects.
 *
 * births_live DIR -- COMMAND...
 *
 * The program writes one byte to descriptor 3 and reads the answer from descriptor 4: the first
 * time it waits for the probes, then for everything born so far to be on file; with 'e' the probes
 * come out, 'q' is its last word. In DIR: births (pairs of u64: object and type; an answer is 0 and
 * its number), truth (the program's standard output), maps (as they were at its last word), memory
 * (what was writable when the probes were in: address and length as u64, the bytes, and so on).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "places/places.h"
#include "session/session_priv.h"
#include "session/sites.h"

#include "pyleak.skel.h" /* uses the types of pyleak/abi.h */

#define EXIT_OVERRUN 4 /* the machine was too busy: the driver tries again */
#define WAIT_MS	     1
#define WRITTEN_NS \
	(50 * 1000000ull) /* the record of a birth that has its number is there by then */

struct pair {
	uint64_t object, type;
};

struct live {
	struct session s;
	const char *dir;
	FILE *out;
	int asked, answer; /* the ends of the pipes */
	uint64_t seen, steps, overrun, torn;
	bool hit[PL_MAX_SITES];
};

static int open_in(const char *dir, const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	return fd >= 0 ? fd : fail(-errno, "%s: %s", path, strerror(errno));
}

/* The target, with the pipes as 3 and 4. It ends with us. */
static void run_command(int ask, int answer, int truth, char **command)
{
	int high[3] = {fcntl(ask, F_DUPFD, 10), fcntl(answer, F_DUPFD, 10),
		       fcntl(truth, F_DUPFD, 10)};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(high[0], 3) < 0 || dup2(high[1], 4) < 0 || dup2(high[2], 1) < 0)
		_exit(126);
	for (size_t i = 0; i < ARRAY_SIZE(high); i++)
		close(high[i]);
	execvp(command[0], command);
	_exit(127);
}

static int start(struct live *l, char **command, pid_t *pid)
{
	auto_close int truth = open_in(l->dir, "truth");
	int ask[2], answer[2];

	if (truth < 0)
		return truth;
	if (pipe2(ask, O_CLOEXEC) || pipe2(answer, O_CLOEXEC))
		return fail(-errno, "no pipes: %s", strerror(errno));
	*pid = fork();
	if (!*pid)
		run_command(ask[1], answer[0], truth, command);
	close(ask[1]);
	close(answer[0]);
	l->asked = ask[0];
	l->answer = answer[1];
	return *pid > 0 ? 0 : fail(-errno, "no new process: %s", strerror(errno));
}

/* Stacks are taken out of the ring, so that the program does its normal work, and forgotten. */
static int forget_stack(void *ctx, void *data, size_t size)
{
	(void)ctx, (void)data, (void)size;
	return 0;
}

/* For the test of the test: every so many sites left out, as if the finder had missed them. */
static void leave_out_sites(struct session *s)
{
	const char *text = getenv("BIRTHS_LIVE_LEAVE_OUT");
	size_t every = text ? strtoul(text, NULL, 10) : 0;

	for (size_t i = 0; every && i < s->sites->files.n; i++) {
		struct places *p = &s->sites->files.v[i].points;
		size_t n = 0;

		for (size_t k = 0; k < p->n; k++)
			if ((k + 1) % every)
				p->v[n++] = p->v[k];
		s->sites->n -= p->n - n;
		p->n = n;
	}
}

static int attach(struct session *s, pid_t pid)
{
	int err = proc_open(pid, &s->proc);

	if (!err)
		err = py_open(s->proc, &s->rt);
	if (!err)
		err = sites_open(s);
	leave_out_sites(s);
	if (!err)
		err = kern_load(s, s->sites->n);
	if (err)
		return err;
	ring_buffer__free(s->kern.ring);
	s->kern.ring =
		ring_buffer__new(bpf_map__fd(s->kern.skel->maps.ring), forget_stack, NULL, NULL);
	if (!s->kern.ring)
		return fail(-errno, "cannot read the ring: %s", strerror(errno));
	err = sites_attach(s);
	if (!err)
		err = sites_warm(s->sites);
	return err ? err : sites_each(s->sites, s->sites->set, probe_set_insist);
}

static void detach(struct session *s)
{
	sites_close(s->sites);
	kern_close(&s->kern);
	py_close(s->rt);
	proc_close(s->proc);
}

static void record(struct live *l, uint64_t object, uint64_t type)
{
	const struct pair p = {object, type};

	fwrite(&p, sizeof(p), 1, l->out);
}

/* From 3.12 on a birth takes its number before it writes its record: that may still be on its way,
 * by a thread that has lost its CPU meanwhile. */
static bool is_whole(const volatile struct pl_birth *b, uint64_t i)
{
	const uint64_t until = clock_ns() + WRITTEN_NS;

	while (b->lap != (uint16_t)(i / PL_BIRTH_SLOTS + 1))
		if (clock_ns() > until)
			return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return true;
}

static void drain(struct live *l)
{
	struct session *s = &l->s;
	uint64_t n = __atomic_load_n(&s->kern.stats->births, __ATOMIC_ACQUIRE), from = l->seen;

	for (; l->seen < n; l->seen++) {
		const struct pl_birth *b = &s->kern.births[l->seen % PL_BIRTH_SLOTS];

		l->torn += !is_whole(b, l->seen);
		record(l, b->object, b->type);
		l->hit[b->site % PL_MAX_SITES] = true;
	}
	n = __atomic_load_n(&s->kern.stats->births, __ATOMIC_ACQUIRE);
	/* Records written over while they were copied count as well: >= for the record in work. */
	if (n - from >= PL_BIRTH_SLOTS)
		l->overrun += n - from - PL_BIRTH_SLOTS + 1;
	ring_buffer__consume(s->kern.ring);
}

#define MEMORY_MAX (2ull << 30) /* of one mapping: none of Python is larger */
#define PAGE	   4096

/* The driver looks here for objects that the program cannot reach: held by C code alone. */
/* One run of pages that were ever touched: mimalloc reserves a gigabyte at once. */
static void copy_run(const struct proc *p, uint64_t start, uint64_t end, FILE *f)
{
	uint64_t head[2] = {start, end - start};
	auto_free void *data = malloc(head[1] + 1);

	if (!head[1] || !data || proc_read(p, start, data, head[1]))
		return;
	fwrite(head, sizeof(head), 1, f);
	fwrite(data, head[1], 1, f);
}

static int copy_memory(const struct live *l)
{
	const struct proc *p = l->s.proc;
	int fd = open_in(l->dir, "memory");
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!f)
		return fail(-EIO, "no file for the memory");
	for (size_t i = 0; i < p->n_maps; i++) {
		const struct proc_map *m = &p->maps[i];
		uint64_t run = m->start, at;

		if (!m->writable || m->end - m->start > MEMORY_MAX)
			continue;
		for (at = m->start; at < m->end; at += PAGE)
			if (!m->inode && proc_next_touched(p, at, at + PAGE) > at) {
				copy_run(p, run, at, f);
				run = at + PAGE;
			}
		copy_run(p, run, at, f);
	}
	return fclose(f) ? fail(-EIO, "the memory could not be written") : 0;
}

static int answer_step(struct live *l)
{
	record(l, 0, ++l->steps);
	return write(l->answer, "a", 1) == 1 ? 0 : fail(-errno, "the program does not listen");
}

static int copy_maps(const struct live *l)
{
	auto_close int to = open_in(l->dir, "maps");
	char path[64], buf[65536];
	ssize_t n = -1;

	snprintf(path, sizeof(path), "/proc/%d/maps", l->s.proc->pid);
	auto_close int from = open(path, O_RDONLY | O_CLOEXEC);
	while (from >= 0 && to >= 0 && (n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)n) != n)
			return fail(-EIO, "cannot copy %s", path);
	return n ? fail(-EIO, "cannot read %s", path) : 0;
}

/* Until the program's last word. */
static int follow(struct live *l)
{
	struct pollfd fd = {.fd = l->asked, .events = POLLIN};
	char word = 0;
	int err = answer_step(l);

	while (!err && word != 'q') {
		int n = poll(&fd, 1, WAIT_MS);

		drain(l);
		if (n <= 0)
			continue;
		if (read(l->asked, &word, 1) != 1)
			return fail(-EPIPE, "the program ended too early");
		drain(l);
		if (word == 'e')
			err = sites_each(l->s.sites, l->s.sites->set, probe_set_off);
		if (word == 'q')
			err = copy_maps(l);
		if (!err)
			err = answer_step(l);
	}
	return err;
}

static void print_summary(const struct live *l)
{
	const struct session *s = &l->s;
	size_t hit = 0;

	for (size_t i = 0; i < PL_MAX_SITES; i++)
		hit += l->hit[i];
	printf("{\"births\": %llu, \"sites\": %zu, \"hit\": %zu, \"files\": %zu, \"mechanism\": "
	       "\"%s\", "
	       "\"overrun\": %llu, \"torn\": %llu, \"minor\": %d, \"version\": \"%s\", \"lost\": {",
	       (unsigned long long)l->seen, s->sites->n, hit, s->sites->files.n,
	       probe_mechanism_name(s->kern.mechanism), (unsigned long long)l->overrun,
	       (unsigned long long)l->torn, s->rt->minor, s->rt->version);
#define X(id, key, text) \
	printf("%s\"%s\": %llu", PL_LOST_##id ? ", " : "", key, s->kern.stats->lost[PL_LOST_##id]);
	PL_LOST(X)
#undef X
	printf("}}\n");
}

static int watch(struct live *l, pid_t pid)
{
	int fd, err;
	char word;

	if (read(l->asked, &word, 1) != 1)
		return fail(-EPIPE, "the program ended before it was ready");
	fd = open_in(l->dir, "births");
	l->out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!l->out)
		return fail(-EIO, "no file for the births");
	err = attach(&l->s, pid);
	if (!err)
		err = proc_read_maps(l->s.proc);
	if (!err)
		err = copy_memory(l);
	if (!err)
		err = follow(l);
	if (!err)
		print_summary(l);
	if (fclose(l->out) && !err)
		err = fail(-EIO, "the births could not be written");
	return err;
}

int main(int argc, char **argv)
{
	static struct live l;
	pid_t pid = 0;
	int err;

	if (argc < 4 || strcmp(argv[2], "--")) {
		fprintf(stderr, "usage: births_live DIR -- COMMAND...\n");
		return 2;
	}
	l.dir = argv[1];
	setpriority(PRIO_PROCESS, 0, -15); /* the record has room for some 200 ms */
	signal(SIGPIPE, SIG_IGN);
	err = start(&l, argv + 3, &pid);
	if (!err)
		err = watch(&l, pid);
	if (err)
		fprintf(stderr, "%s\n", fail_text());
	detach(&l.s);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return err ? 1 : l.overrun || l.torn ? EXIT_OVERRUN : 0;
}

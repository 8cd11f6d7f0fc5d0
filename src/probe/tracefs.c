/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One tracefs event for all sites, parked, and one perf_event_open per burst.
 *
 * Registering hundreds of uprobes and taking them off again waits for grace periods (110 ms). That
 * wait is paid once per event, by its first open and its last close. So one perf event is kept open
 * that plants nothing ("parked") and carries the BPF program; then a burst is one perf_event_open
 * for the target, which writes the breakpoints into that address space, and one close (how long
 * they take: docs/BENCHMARKS.md). The program hangs at the event, not at the fd, and runs for all
 * tasks whose address space has an fd open. PERF_EVENT_IOC_DISABLE is no gate: the breakpoints stay
 * and the program still runs.
 */
#include "probe/mechanism_priv.h"
#include "probe/turn.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OTHERS_US 50000

struct parked {
	struct probe_event event;
	int fd; /* carries the program; plants nothing */
};

struct tracefs_set {
	struct parked sites;
	struct parked warm; /* one nop of our own binary; made at the first probe_set_warm */
};

static struct perf_event_attr attr_of(const struct parked *p)
{
	return (struct perf_event_attr){
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(struct perf_event_attr),
		.config = p->event.id,
		.disabled = 1,
	};
}

struct park_job {
	struct perf_event_attr attr;
	int fd, err, tid;
	char why[512];
};

static void *park_here(void *arg)
{
	struct park_job *job = arg;
	int fd = probe_perf_event(&job->attr, 0);

	job->tid = (int)syscall(SYS_gettid);
	if (fd < 0) {
		job->err = fd;
		snprintf(job->why, sizeof(job->why), "%s", fail_text());
	}
	job->fd = fd;
	return NULL;
}

/* A joined thread may still have its address space for a moment; while it has, the kernel takes
 * ours for covered by the parked event and plants nothing when a set is switched on for ourselves.
 */
static void wait_for_end(int tid)
{
	for (int i = 0; i < 2000 && !syscall(SYS_tgkill, getpid(), tid, 0); i++)
		usleep(100);
}

/*
 * The kernel plants breakpoints by address space, in every one that belongs to the task of an open
 * event: parked on ourselves, probes on malloc would trap in our own libc. So the event is opened
 * on a thread that ends at once. A task without an address space matches nothing, and the event
 * lives as long as its fd. enable_on_exec makes the kernel skip planting at the open itself.
 */
static int park(struct parked *p, size_t n, int prog_fd)
{
	struct park_job job = {.attr = attr_of(p), .fd = -1};
	pthread_t thread;
	int err = probe_event_seal(&p->event, n);

	if (err)
		return err;
	job.attr.enable_on_exec = 1;
	err = pthread_create(&thread, NULL, park_here, &job);
	if (err)
		return fail(-err, "no thread could be started: %s", strerror(err));
	pthread_join(thread, NULL);
	wait_for_end(job.tid);
	if (job.err)
		return fail(job.err, "%s", job.why);
	p->fd = job.fd;
	return prog_fd < 0 ? 0 : probe_perf_set_bpf(p->fd, prog_fd);
}

/* An event whose name goes while a descriptor of it is open brings the kernel down, and who looks
 * at ours (lsof, /proc/PID/fdinfo) has it open for that moment, beyond our close. */
static void let_others_go(void)
{
	usleep(OTHERS_US);
}

static void unpark(struct parked *p)
{
	if (p->fd >= 0) {
		close_fd(&p->fd);
		let_others_go();
	}
	p->fd = -1;
	probe_event_remove(&p->event);
}

static int define_and_park(struct parked *p, const struct probe_set *s)
{
	int err;

	/* A second time when somebody removed definitions in between; under a new name. */
	for (int tries = 0; tries < 2; tries++) {
		err = probe_event_define(&p->event, s->label, s->path, s->offsets, s->n,
					 s->on_return);
		if (!err)
			err = park(p, s->n, s->prog_fd);
		if (!err)
			return 0;
		unpark(p);
		if (err != -EAGAIN && err != -ENOENT)
			break;
	}
	return err;
}

static int tracefs_open(struct probe_set *s)
{
	int err;

	s->t = calloc(1, sizeof(*s->t));
	s->fds = calloc(1, sizeof(*s->fds));
	if (!s->t || !s->fds) {
		free(s->t);
		return fail(-ENOMEM, "out of memory");
	}
	s->t->sites.fd = s->t->warm.fd = -1;
	err = define_and_park(&s->t->sites, s);
	if (err)
		free(s->t);
	return err;
}

static int make_warm(struct parked *p)
{
	struct probe_self self;
	int err = probe_self_find(&self);

	if (!err)
		err = probe_event_define(&p->event, "warm", self.path, self.offsets, 1, false);
	if (!err)
		err = park(p, 1, -1);
	if (err)
		unpark(p);
	return err;
}

/* The first change of breakpoints after a pause waits 4-8 ms for a grace period (6.18), changes
 * within some 20 ms after it do not. The wait is taken here, by a probe on a nop of ours. */
static int tracefs_warm(struct probe_set *s)
{
	struct parked *w = &s->t->warm;
	struct perf_event_attr attr;
	int err = w->fd < 0 ? make_warm(w) : 0;
	int fd;

	if (err)
		return err;
	attr = attr_of(w);
	fd = probe_perf_event(&attr, 0);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int tracefs_on(struct probe_set *s)
{
	struct perf_event_attr attr = attr_of(&s->t->sites);

	s->fds[0] = probe_perf_event(&attr, s->pid);
	return s->fds[0] < 0 ? s->fds[0] : 0;
}

static int tracefs_off(struct probe_set *s)
{
	close(s->fds[0]);
	return 0;
}

static void tracefs_close(struct probe_set *s)
{
	close_fd(&s->t->sites.fd);
}

static void tracefs_forget(struct probe_set *s)
{
	struct turn t = {
		.kind = TURN_OUT, .code = s->code, .is_library = s->is_library, .is_patient = true};

	/* A second last close within the turn of the first would take the lock of all forks when
	 * that turn, which then only waits for the kernel to forget, has been passed on. */
	if (s->t->warm.fd >= 0) {
		turn_take(&t);
		close_fd(&s->t->warm.fd);
		turn_pass(&t);
	}
	let_others_go();
	turn_take(&t);
	probe_event_remove(&s->t->sites.event);
	probe_event_remove(&s->t->warm.event);
	turn_pass(&t);
	free(s->t);
}

const struct probe_ops probe_tracefs_ops = {
	.open = tracefs_open,
	.warm = tracefs_warm,
	.on = tracefs_on,
	.off = tracefs_off,
	.close = tracefs_close,
	.forget = tracefs_forget,
};

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A set of sites behind one interface, and the choice of what carries it. */
#include "probe/mechanism_priv.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define SITES_MAX 65536
#define PHASE_NS  4000000u /* one scheduler tick at HZ=250 */

static const struct {
	const char *name; /* the words of the report's probe.mechanism */
	const struct probe_ops *ops;
} mechanisms[] = {
	[PROBE_NONE] = {"none", NULL},
	[PROBE_TRACEFS] = {"tracefs", &probe_tracefs_ops},
	[PROBE_MULTI] = {"multi", &probe_multi_ops},
	[PROBE_PERF] = {"perf", &probe_perf_ops},
};

const char *probe_mechanism_name(enum probe_mechanism m)
{
	return (size_t)m < ARRAY_SIZE(mechanisms) ? mechanisms[m].name : "none";
}

int probe_attach_type(enum probe_mechanism m)
{
	return m == PROBE_MULTI ? PROBE_BPF_TRACE_UPROBE_MULTI : 0;
}

static int compare_offsets(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* An event refuses a second probe at the same place, so duplicates go. */
static int copy_offsets(struct probe_set *s, const struct probe_set_spec *spec)
{
	size_t n = 0;

	s->offsets = calloc(spec->n, sizeof(*s->offsets));
	if (!s->offsets)
		return fail(-ENOMEM, "out of memory");
	memcpy(s->offsets, spec->offsets, spec->n * sizeof(*s->offsets));
	qsort(s->offsets, spec->n, sizeof(*s->offsets), compare_offsets);
	for (size_t i = 0; i < spec->n; i++)
		if (!n || s->offsets[i] != s->offsets[n - 1])
			s->offsets[n++] = s->offsets[i];
	s->n = n;
	return 0;
}

static int set_init(struct probe_set *s, const struct probe_set_spec *spec)
{
	snprintf(s->label, sizeof(s->label), "%s", spec->label ? spec->label : "");
	s->pid = spec->pid;
	s->on_return = spec->on_return;
	/* The kernel reads paths from lines split at blanks, and a path can change its meaning
	 * (another file in its place, a container that goes); the descriptor does neither. */
	s->file_fd = fcntl(spec->file_fd, F_DUPFD_CLOEXEC, 3);
	if (s->file_fd < 0)
		return fail(-errno, "no file for the probes: %s", strerror(errno));
	snprintf(s->path, sizeof(s->path), "/proc/self/fd/%d", s->file_fd);
	if (spec->pidfd > 0)
		s->pidfd = fcntl(spec->pidfd, F_DUPFD_CLOEXEC, 3);
	s->prog_fd = fcntl(spec->prog_fd, F_DUPFD_CLOEXEC, 3);
	if (s->prog_fd < 0)
		return fail(-errno, "no BPF program for the probes: %s", strerror(errno));
	return copy_offsets(s, spec);
}

int probe_set_open(enum probe_mechanism m, const struct probe_set_spec *spec,
		   struct probe_set **out)
{
	struct probe_set *s;
	int err;

	*out = NULL;
	if ((size_t)m >= ARRAY_SIZE(mechanisms) || !mechanisms[m].ops)
		return fail(-EINVAL, "internal error: no probe mechanism");
	/* pid 0 would mean ourselves to one mechanism and everybody to another. */
	if (!spec->n || spec->n > SITES_MAX || spec->pid <= 0)
		return fail(-EINVAL, "internal error: %zu sites for process %d", spec->n,
			    spec->pid);
	s = calloc(1, sizeof(*s));
	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->ops = spec->guard ? &probe_remote_ops : mechanisms[m].ops;
	s->mechanism = m;
	s->channel = spec->guard;
	s->file_fd = s->prog_fd = s->pidfd = -1;
	err = set_init(s, spec);
	if (!err && !spec->guard && spec->on_return)
		err = probe_check_return(s->pid);
	if (!err && !spec->guard)
		err = probe_check_storage(s);
	if (!err && !spec->guard)
		err = probe_make_resident(s);
	if (!err)
		err = s->ops->open(s);
	if (err) {
		probe_set_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void probe_set_close(struct probe_set *s)
{
	if (!s)
		return;
	probe_set_off(s);
	if (s->ops->close)
		s->ops->close(s);
	close_fd(&s->file_fd);
	close_fd(&s->prog_fd);
	close_fd(&s->pidfd);
	free(s->offsets);
	free(s->fds);
	free(s);
}

int probe_set_warm(struct probe_set *s)
{
	struct timespec wait = {0};
	uint32_t random;
	int err = s->ops->warm ? s->ops->warm(s) : 0;

	if (err)
		return err;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uint32_t)clock_ns();
	wait.tv_nsec = (long)(random % PHASE_NS);
	nanosleep(&wait, NULL);
	return 0;
}

/* The kernel is told a number, which may be another's by now. Asked again when the probes are in:
 * between two looks at a process that lives the number was its own. */
static int check_target(const struct probe_set *s)
{
	struct pollfd p = {.fd = s->pidfd, .events = POLLIN};

	return poll(&p, 1, 0) > 0 ? fail(-ESRCH, "process %d has ended", s->pid) : 0;
}

/* In this process; what the guardian holds is its own to check. */
static int set_on_here(struct probe_set *s)
{
	int err = probe_make_resident(s);

	if (!err)
		err = check_target(s);
	if (!err)
		err = s->ops->on(s);
	if (err)
		return err;
	err = check_target(s);
	if (err)
		s->ops->off(s);
	return err;
}

int probe_set_on(struct probe_set *s)
{
	int err = 0;

	if (!probe_set_is_on(s))
		err = s->channel ? s->ops->on(s) : set_on_here(s);
	if (!err)
		s->on = true;
	return err;
}

int probe_set_off(struct probe_set *s)
{
	if (s->on)
		s->ops->off(s);
	s->on = false;
	return 0;
}

bool probe_set_is_on(const struct probe_set *s)
{
	return s->on && !(s->ops->was_lost && s->ops->was_lost(s));
}

/*
 * tracefs before multi, because it costs the target less (bench/mechanism.c on 6.18, Debian's LTO
 * python3.11 that allocates without pause, its 272 birth sites on for 5 ms, 4 times a second; lost
 * work per CPU second, median of 12 rounds: tracefs 3.5 %, multi 5.6 %; at 8 a second and no hold
 * 4.2 % and 8.1 %). On sites that are never executed both cost the same (2 % at 10 a second): the
 * difference is multi's detach of 25-45 ms, in which the sites still trap. It also finds the
 * threads of a process whose main thread has ended, and children forked meanwhile shed the probes.
 */
int probe_choose(size_t n, enum probe_mechanism prefer, enum probe_mechanism *out)
{
	static const enum probe_mechanism order[] = {PROBE_TRACEFS, PROBE_MULTI, PROBE_PERF};
	char why[640] = "";
	size_t len = 0;
	int code = -ENOTSUP;

	*out = PROBE_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		enum probe_mechanism m = order[i];
		int err;

		if (prefer != PROBE_NONE && prefer != m)
			continue;
		if (m == PROBE_PERF && n > PROBE_PERF_MAX_SITES)
			err = fail(-ENOTSUP, "too slow for %zu sites", n);
		else
			err = probe_selftest(m);
		if (!err) {
			*out = m;
			return 0;
		}
		log_debug("no probes by %s: %s", probe_mechanism_name(m), fail_text());
		if (err == -EPERM || err == -EACCES)
			code = -EPERM;
		if (len < sizeof(why))
			len += (size_t)snprintf(why + len, sizeof(why) - len, "%s%s: %.190s",
						len ? "; " : "", probe_mechanism_name(m),
						fail_text());
	}
	return fail(code, "no way to place probes here (%s)", why);
}

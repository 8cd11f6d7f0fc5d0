/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A set of sites behind one interface, and the choice of what carries it. */
#include "base/reading.h"
#include "probe/mechanism_priv.h"
#include "probe/turn.h"
#include "proc/proc.h"
#include "storage/storage.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define SITES_MAX      65536
#define PHASE_NS       4000000u /* one scheduler tick at HZ=250 */
#define INSIST_NS      2000000000ull
#define INSIST_POLL_NS 20000000
#define TRIAL_NS       1500000000 /* what is in comes out when the tool is away for two seconds */

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
	s->is_library = spec->is_library;
	if (spec->pidfd > 0)
		s->pidfd = fcntl(spec->pidfd, F_DUPFD_CLOEXEC, 3);
	s->prog_fd = fcntl(spec->prog_fd, F_DUPFD_CLOEXEC, 3);
	if (s->prog_fd < 0)
		return fail(-errno, "no BPF program for the probes: %s", strerror(errno));
	return copy_offsets(s, spec);
}

static struct turn turn_of(const struct probe_set *s, enum turn_kind kind, bool is_patient)
{
	return (struct turn){
		.kind = kind,
		.code = s->code,
		.is_library = s->is_library,
		.sites = s->n,
		.is_piecewise = s->mechanism == PROBE_PERF,
		.is_link = s->mechanism == PROBE_MULTI,
		.is_patient = is_patient,
	};
}

/* The kernel reads paths from lines split at blanks, and a path can change its meaning (another
 * file in its place, a container that goes); the descriptor does neither. Storage is waited for
 * before a turn, with no lock of anybody's. */
static int keep_file(struct probe_set *s, int fd)
{
	int err;

	s->file_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (s->file_fd < 0)
		return fail(-errno, "no file for the probes: %s", strerror(errno));
	snprintf(s->path, sizeof(s->path), "/proc/self/fd/%d", s->file_fd);
	s->code = reading_code_of(s->file_fd);
	err = probe_check_storage(s);
	if (!err)
		err = probe_make_resident(s);
	if (!err)
		probe_pin(s);
	return err;
}

static int open_here(struct probe_set *s, const struct probe_set_spec *spec)
{
	int err = s->on_return ? probe_check_return(s->pid) : 0;
	struct turn t;

	if (!err)
		err = keep_file(s, spec->file_fd);
	if (!err && spec->go_on)
		err = spec->go_on(spec->ctx);
	if (err)
		return err;
	if (s->ops->is_light)
		return s->ops->open(s);
	t = turn_of(s, TURN_PREPARE, false);
	err = turn_take(&t);
	if (err)
		return err;
	err = s->ops->open(s);
	turn_pass(&t);
	return err;
}

/* The tool waits for no storage that is silent, and keeps no descriptor: to close one may ask, too.
 */
static int open_there(struct probe_set *s, const struct probe_set_spec *spec)
{
	int err;

	if (storage_ask(spec->file_fd, STORAGE_READ))
		return fail(-EAGAIN,
			    "the storage that code of process %d lies on does not answer: no "
			    "probes are set at the moment",
			    s->pid);
	s->file_fd = spec->file_fd;
	err = s->ops->open(s);
	s->file_fd = -1;
	return err;
}

static void set_free(struct probe_set *s)
{
	probe_unpin(s);
	close_fd(&s->file_fd);
	close_fd(&s->prog_fd);
	close_fd(&s->pidfd);
	free(s->offsets);
	free(s->fds);
	free(s);
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
	if (!err)
		err = spec->guard ? open_there(s, spec) : open_here(s, spec);
	if (err)
		set_free(s);
	else
		*out = s;
	return err;
}

static void close_here(struct probe_set *s)
{
	struct turn t = turn_of(s, TURN_OUT, true);

	turn_take(&t);
	s->ops->close(s);
	turn_pass(&t);
	if (s->ops->forget)
		s->ops->forget(s);
}

void probe_set_close(struct probe_set *s)
{
	if (!s)
		return;
	probe_set_off(s);
	if (s->ops->close && s->channel)
		s->ops->close(s);
	else if (s->ops->close)
		close_here(s);
	set_free(s);
}

static int warm_here(struct probe_set *s)
{
	struct turn t = turn_of(s, TURN_IN, false);
	int err = turn_take(&t);

	if (err)
		return err;
	err = s->ops->warm(s);
	turn_pass(&t);
	return err;
}

int probe_set_warm(struct probe_set *s)
{
	struct timespec wait = {0};
	uint32_t random;
	int err = 0;

	if (s->ops->warm)
		err = s->channel ? s->ops->warm(s) : warm_here(s);
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

int probe_check_tracer(int pid, bool of_any_thread)
{
	const struct proc p = {.pid = pid};
	struct proc_memory m;

	if (proc_memory(&p, &m) || !(of_any_thread ? proc_is_any_traced(&p, &m) : m.traced))
		return 0;
	return fail(-EAGAIN,
		    "process %d is held by a debugger or strace: no probes are set meanwhile", pid);
}

/* Without a turn: they read files. */
static int check_harm(const struct probe_set *s)
{
	int err;

	if (s->pid == getpid()) /* a trial on two bytes of our own */
		return 0;
	err = probe_check_room(s->pid, probe_pages(s));
	return err ? err : probe_check_tracer(s->pid, false);
}

/* In this process; what the guardian holds is its own to check. */
static int set_on_here(struct probe_set *s)
{
	struct turn t = turn_of(s, TURN_IN, false);
	int err = s->pin ? 0 : probe_make_resident(s);

	if (!err)
		err = check_harm(s);
	t.is_planting = true;
	if (!err)
		err = turn_take(&t);
	if (err)
		return err;
	err = check_target(s);
	if (!err) {
		err = s->ops->on(s);
		if (!err && check_target(s)) {
			s->ops->off(s);
			err = -ESRCH;
		}
	}
	turn_pass(&t);
	return err;
}

static int set_on_there(struct probe_set *s)
{
	int err = probe_check_room_theirs(s);

	return err ? err : s->ops->on(s);
}

int probe_set_on(struct probe_set *s)
{
	int err = 0;

	if (!probe_set_is_on(s))
		err = s->channel ? set_on_there(s) : set_on_here(s);
	if (!err)
		s->on = true;
	return err;
}

int probe_set_insist(struct probe_set *s)
{
	const struct timespec nap = {.tv_nsec = INSIST_POLL_NS};
	uint64_t until = clock_ns() + INSIST_NS;
	int err;

	while ((err = probe_set_on(s)) == -EAGAIN && clock_ns() < until)
		nanosleep(&nap, NULL);
	return err;
}

static int off_here(struct probe_set *s, bool is_patient)
{
	struct turn t = turn_of(s, TURN_OUT, is_patient);
	int err;

	t.is_planting = true;
	err = turn_take(&t);

	if (err)
		return err;
	s->ops->off(s);
	turn_pass(&t);
	return 0;
}

static int set_off(struct probe_set *s, bool is_patient)
{
	int err = 0;

	if (s->on)
		err = s->channel ? s->ops->off(s) : off_here(s, is_patient);
	if (!err || s->channel)
		s->on = false;
	return err;
}

int probe_set_off(struct probe_set *s)
{
	return set_off(s, true);
}

int probe_set_try_off(struct probe_set *s)
{
	return set_off(s, false);
}

int probe_set_let_go(struct probe_set *s)
{
	int err = 0;

	if (!s->ops->let_go)
		return probe_set_off(s);
	if (s->on)
		err = s->ops->let_go(s);
	s->on = false;
	return err;
}

/* As set_on_here(): another process of the number would get all places; and what was asked of the
 * target when they went in may be true no more (they may be swapped out). */
int probe_shed_begin(struct probe_set *s, struct probe_shed *shed)
{
	struct turn in = turn_of(s, TURN_IN, false);
	int err = check_harm(s);

	shed->out = turn_of(s, TURN_OUT, true);
	in.is_planting = shed->out.is_planting = true;
	err = err ? err : turn_take(&in);
	if (err)
		return err;
	err = check_target(s);
	shed->fd = err ? err : s->ops->shed(s);
	if (shed->fd >= 0 && check_target(s)) {
		close(shed->fd);
		shed->fd = -ESRCH;
	}
	turn_pass(&in);
	return shed->fd < 0 ? shed->fd : 0;
}

void probe_shed_end(struct probe_shed *shed)
{
	turn_take(&shed->out);
	close(shed->fd);
	turn_pass(&shed->out);
}

bool probe_set_is_on(const struct probe_set *s)
{
	return s->on && !(s->ops->was_lost && s->ops->was_lost(s));
}

size_t probe_set_sites_in(const struct probe_set *s)
{
	return s && probe_set_is_on(s) ? s->n : 0;
}

/*
 * multi before tracefs, because nobody else can get at it: the name of a tracefs event that is open
 * can be removed by whoever may write to uprobe_events, and the kernel crashes then
 * (docs/KERNEL-HAZARDS.md). perf events have no names either, but take a tenth of a second each to
 * close.
 */
static const enum probe_mechanism order[] = {PROBE_MULTI, PROBE_TRACEFS, PROBE_PERF};

static int try_one(enum probe_mechanism m, size_t n)
{
	if (m == PROBE_PERF && n > PROBE_PERF_MAX_SITES)
		return fail(-ENOTSUP, "too slow for %zu sites", n);
	return probe_selftest(m);
}

int probe_choose(size_t n, enum probe_mechanism prefer, enum probe_mechanism *out)
{
	char why[640] = "";
	size_t len = 0;
	int code = -ENOTSUP;

	*out = PROBE_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		enum probe_mechanism m = order[i];
		int err;

		if (prefer != PROBE_NONE && prefer != m)
			continue;
		err = try_one(m, n);
		if (!err) {
			*out = m;
			return 0;
		}
		/* The next one may work, and would be taken for the only one. */
		if (probe_not_now(err))
			return err;
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

/* A trial plants and waits, and a second one beside it would find the breakpoints of the first. One
 * that waits for a read that hangs keeps nobody for as long. */
static int choose_once(size_t n, enum probe_mechanism *out)
{
	static pthread_mutex_t trial = PTHREAD_MUTEX_INITIALIZER;
	static enum probe_mechanism known;
	const struct timespec end = clock_deadline(clock_ns() + TRIAL_NS);
	int err = 0;

	*out = PROBE_NONE;
	if (pthread_mutex_clocklock(&trial, CLOCK_MONOTONIC, &end))
		return fail(-EAGAIN, "it is being tried how probes are placed: none are set at the "
				     "moment");
	if (known == PROBE_NONE || (known == PROBE_PERF && n > PROBE_PERF_MAX_SITES))
		err = probe_choose(n, PROBE_NONE, out);
	else
		*out = known;
	if (!err)
		known = *out;
	pthread_mutex_unlock(&trial);
	return err;
}

/* An event of tracefs could follow the other threads, but has a name: where a kernel has sound
 * links a watch never has one (docs/KERNEL-HAZARDS.md, W1, W2). */
int probe_choose_for(int pid, size_t n, enum probe_mechanism *out)
{
	int err = choose_once(n, out);

	if (err || *out != PROBE_MULTI || !pid || !probe_check_main_thread(pid))
		return err;
	*out = PROBE_NONE;
	return -ENODATA;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks alert rules once a second and tells standard error, the log and the hook. */
#include "alert/alerts.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "confine/place.h"

#define CHECK_NS 1000000000u
#define LOOK_US	 50000

int alerts_init(const char *const *rules, size_t n, struct alerts *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	out->log = out->hooks.sock = -1;
	for (size_t i = 0; i < n; i++) {
		err = alert_parse(rules[i], &out->rule[i]);
		if (err)
			return err;
	}
	out->n = n;
	return 0;
}

/* A pipe may have no reader yet, who is waited for. One who stops to read does not hold up the
 * watch: what the pipe has no room for is lost. */
static int open_log(const struct place *p, bool (*is_cancelled)(void))
{
	int fd;

	while ((fd = place_append(p)) == -ENXIO && place_is_pipe(p)) {
		if (is_cancelled())
			return -ECANCELED;
		usleep(LOOK_US);
	}
	return fd;
}

int alerts_open(struct alerts *a, const char *log, const char *hook, bool (*is_cancelled)(void))
{
	int err = hook_open(&a->hooks, hook);
	struct place p;

	if (err || !log)
		return err;
	if (!strcmp(log, "-")) {
		a->log = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		if (a->log < 0)
			a->log = -errno;
	} else {
		err = place_find(log, &p);
		if (err)
			return err;
		a->log = open_log(&p, is_cancelled);
		place_close(&p);
	}
	return a->log >= 0 ? 0 : fail(a->log, "cannot write %s: %s", log, strerror(-a->log));
}

void alerts_close(struct alerts *a)
{
	hook_close(&a->hooks);
	if (a->log >= 0)
		close(a->log);
	a->log = -1;
}

bool alerts_due(struct alerts *a, uint64_t now_ns)
{
	if (now_ns - a->checked_ns < CHECK_NS)
		return false;
	a->checked_ns = now_ns;
	return a->n > 0;
}

/* Writes the line by one call, so that lines of several tools in one file stay whole. Where that
 * takes a part of it, as on a full disk, only the next one tells why. */
static void write_log(struct alerts *a, const struct event *e)
{
	auto_free char *line = out_event_line(e);
	size_t n = line ? strlen(line) : 0;
	ssize_t got = line ? write(a->log, line, n) : -1;

	if (got > 0 && (size_t)got < n) {
		n -= (size_t)got;
		got = write(a->log, line + got, n);
	}
	if (got >= 0 && (size_t)got == n)
		return;
	if (!a->log_failed)
		log_line("pyleak-bpf: the alert log cannot be written: %s",
			 strerror(!line	    ? ENOMEM
				  : got < 0 ? errno
					    : EAGAIN));
	a->log_failed = true;
}

static void run_hook(struct alerts *a, const struct event *e)
{
	char *env[10] = {0};
	char when[48];
	size_t n = 0;
	bool ok = true;

#define ENV(...) ok = (n < 9 && asprintf(&env[n++], __VA_ARGS__) >= 0) && ok
	ENV("PYLEAK_STATE=%s", e->state);
	ENV("PYLEAK_RULE=%s", e->rule);
	ENV("PYLEAK_NAME=%s", e->name);
	ENV("PYLEAK_VALUE=%.10g", e->value);
	ENV("PYLEAK_LIMIT=%.10g", e->limit);
	ENV("PYLEAK_PID=%d", e->pid);
	ENV("PYLEAK_COMM=%s", e->comm);
	ENV("PYLEAK_TEXT=%s", e->text);
	ENV("PYLEAK_TIME=%s", out_time(e->time, when, sizeof(when)));
#undef ENV
	if (ok)
		hook_start(&a->hooks, env, e->rule);
	else
		log_line("pyleak-bpf: out of memory: the hook was not started");
	while (n > 0)
		free(env[--n]);
}

static void tell(struct alerts *a, const struct event *e)
{
	if (!a->is_quiet || (a->log < 0 && a->hooks.sock < 0))
		log_line("pyleak-bpf: %s %s '%s': pid %d: %s", e->event, e->state, e->rule, e->pid,
			 e->text);
	if (a->log >= 0)
		write_log(a, e);
	if (a->hooks.sock >= 0)
		run_hook(a, e);
}

static void tell_rule(struct alerts *a, const struct alert_rule *r, bool fires, double value,
		      int pid, const char *comm, const char *text)
{
	const struct event e = {
		.time = wall_clock(),
		.event = "alert",
		.state = fires ? "firing" : "resolved",
		.rule = r->text,
		.name = metric_name(r->metric),
		.value = value,
		.limit = r->value,
		.for_s = r->for_s,
		.pid = pid,
		.comm = comm,
		.text = text,
	};

	tell(a, &e);
}

void alerts_end(struct alerts *a, size_t target, int pid, const char *comm, const char *why)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->state[target][i].firing)
			tell_rule(a, &a->rule[i], false, NAN, pid, comm, why);
	memset(a->state[target], 0, sizeof(a->state[target]));
}

void alerts_check(struct alerts *a, size_t target, int pid, const char *comm,
		  const struct metrics *m, uint64_t now_ns)
{
	char text[200];

	for (size_t i = 0; i < a->n; i++) {
		const struct alert_rule *r = &a->rule[i];
		double value = m->v[r->metric];
		enum alert_event e =
			alert_step(r, &a->state[target][i], value, (double)now_ns / 1e9);

		if (e == ALERT_UNKNOWN)
			log_line("pyleak-bpf: alert '%s': pid %d: %s is not known: the rule cannot "
				 "fire while this is so",
				 r->text, pid, metric_name(r->metric));
		else if (e != ALERT_NOTHING)
			tell_rule(a, r, e == ALERT_FIRES, value, pid, comm,
				  alert_sentence(r, value, text, sizeof(text)));
	}
}

void alerts_tell_departures(struct alerts *a, const struct report_process *p)
{
	char text[200], value[32], limit[32];

	/* without a log and a hook, the report says it */
	if (a->log < 0 && a->hooks.sock < 0)
		return;
	for (size_t i = 0; i < p->baseline.n_departures; i++) {
		const struct report_departure *d = &p->baseline.departures[i];
		const struct event e = {
			.time = wall_clock(),
			.event = "alert",
			.state = "firing",
			.rule = "baseline",
			.name = d->name,
			.value = d->value,
			.limit = d->limit,
			.pid = p->pid,
			.comm = p->comm,
			.text = text,
		};

		const char *per = strstr(d->name, "_per_s") ? "/s" : "";

		if (strstr(d->name, "bytes")) {
			fmt_bytes(value, sizeof(value), d->value);
			fmt_bytes(limit, sizeof(limit), d->limit);
		} else {
			snprintf(value, sizeof(value), "%.10g", d->value);
			snprintf(limit, sizeof(limit), "%.10g", d->limit);
		}
		snprintf(text, sizeof(text), "%s of %s is %s%s, above %s%s", d->name,
			 p->baseline.service, value, per, limit, per);
		tell(a, &e);
	}
}

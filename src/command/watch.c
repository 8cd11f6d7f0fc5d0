/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `watch`, the main job: attaches to the named processes, works on them in turn, prints a report
 * every interval and a final one at the end. */
#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/select.h"
#include "command/command.h"
#include "cli/stop.h"
#include "command/watch_priv.h"
#include "confine/confine.h"
#include "out/out.h"

_Static_assert(ALERTS_RULES == OPTS_MAX_STRINGS && ALERTS_TARGETS == OPTS_MAX_PIDS, "rules fit");

#define TURN_S	    0.2	 /* longest time without a look at signals and the clock */
#define UNWATCHED_S 5	 /* CMD may take so long to become a Python before it is told of */
#define TREE_TURN_S 0.05 /* with children, which are looked at soon after their start */
#define TURN_MIN_S  0.02 /* shortest turn of one among many processes */
#define FIRST_S	    1.0	 /* time of the first report on a screen */
#define INTERVAL_S  5.0
#define ROUND_MIN_S 0.001

static void close_all(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		session_hang_up(w->target[i].session);
	for (size_t i = 0; i < w->n; i++) {
		session_close(w->target[i].session);
		w->target[i].session = NULL;
	}
	children_free(w->children);
}

/* Most sentences name the process already, but where there are several, all must. */
int watch_name_target(int err, int pid)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", pid);
	return strstr(fail_text(), number) ? err : fail_in(err, "pid %d", pid);
}

static int open_children(struct watch *w, struct session_opts so)
{
	int err = 0;

	if (w->o.children || w->o.command)
		err = children_new(&so, &w->children);
	for (size_t i = 0; i < w->n && !err && w->children; i++)
		err = children_follow(w->children, w->target[i].pid);
	if (!err && w->o.command)
		err = children_await(w->children, w->launch.pid, !w->o.children);
	if (!err && w->o.command)
		err = launch_go(&w->launch, w->o.command[0]);
	return err;
}

/* Keeps all sessions awake: a round over many takes longer than one may go without a heartbeat. */
static void keep_alive(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->target[i].session && !w->target[i].is_over)
			session_keep_alive(w->target[i].session);
}

/* Opens all or none: a report about some of the named processes would look like one about all. */
static int open_all(struct watch *w)
{
	struct session_opts so = {
		.top = w->o.top,
		.older_s = w->o.older_ms / 1000.0,
		.min_size = w->o.min_size,
		.max_size = w->o.max_size,
		.overhead = w->o.overhead_pct / 100,
		.max_pause_s = w->o.max_pause_ms / 1000,
		.wait_s = w->o.wait_s,
		.fds = !w->o.no_fds,
		.sources = true,
		.native_stacks = !w->o.no_native,
		.is_cancelled = stop_is_due,
		.guard = w->guard,
		.on_evidence = w->record.rec ? record_evidence : NULL,
		.on_evidence_ctx = w->record.rec,
	};
	int err = cli_find(&w->o.find, &w->o.pids, &w->o.again, &so.start_ticks);

	if (err)
		return err;
	for (size_t i = 0; i < w->o.pids.n && !stop_asked(); i++) {
		struct watch_target *t = &w->target[i];

		t->pid = w->o.pids.v[i];
		err = session_open(t->pid, &so, &t->session);
		if (err)
			return err == -ECANCELED
				       ? err
				       : watch_name_target(cli_find_meant(err, t->pid), t->pid);
		w->n++;
		keep_alive(w); /* opening the next takes a while */
	}
	so.start_ticks = 0; /* it is that of the named process, not of its children */
	return stop_asked() ? -ECANCELED : open_children(w, so);
}

struct opening {
	struct watch *w;
	int err;
	char why[512];
};

static void *open_calmly(void *arg)
{
	struct opening *o = arg;

	if (o->w->is_crowded && o->w->o.pids.n <= 2)
		thread_brisk();
	else
		thread_calm();
	o->err = open_all(o->w);
	if (o->err)
		snprintf(o->why, sizeof(o->why), "%s", fail_text());
	return NULL;
}

/* Shows on the screen that it is attaching; q cancels that, as Ctrl-C does. */
static void show_opening(struct watch *w, pthread_t thread, const char *text)
{
	screen_doing(w->on.screen, text);
	do
		on_screen_step(&w->on, ON_SCREEN_TURN_S);
	while (pthread_tryjoin_np(thread, NULL) == EBUSY);
	screen_doing(w->on.screen, "attached, first windows and readings");
}

/* Shows progress: loading takes a second or two if the kernel's verifier is slow, more on a busy
 * host. */
static void await_opening(const struct watch *w, pthread_t thread, const char *text)
{
	struct progress progress;
	struct timespec until;

	progress_begin(&progress, w->o.is_quiet || w->o.verbose);
	do {
		progress_wait(&progress, text);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
	} while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
	progress_end(&progress);
}

/* Attaching takes half a second of CPU. A thread does it calmly, or it might take the target's CPU
 * while others have the rest; but on a crowded machine briskly, or it would wait for seconds. */
static int attach(struct watch *w)
{
	struct opening o = {.w = w};
	pthread_t thread;
	char text[64];
	int err = thread_start(&thread, open_calmly, &o);

	if (err)
		return fail(err, "no thread could be started: %s", strerror(-err));
	if (w->o.pids.n == 1)
		snprintf(text, sizeof(text), "attaching to %d", w->o.pids.v[0]);
	else
		snprintf(text, sizeof(text), "attaching to %zu processes", w->o.pids.n);
	if (w->on.screen)
		show_opening(w, thread, text);
	else
		await_opening(w, thread, text);
	return o.err ? fail(o.err, "%s", o.why) : 0;
}

/* Starts all sessions at one time, the report's. Those that were opened first have waited for the
 * others, and may have fallen asleep: they are woken up before. */
static void start_all(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++) {
		session_beat(w->target[i].session);
		keep_alive(w);
	}
	w->start_ns = clock_ns();
	w->started_at = wall_clock();
	if (w->o.duration_s > 0)
		stop_at(w->start_ns + (uint64_t)(w->o.duration_s * 1e9));
	for (size_t i = 0; i < w->n; i++)
		session_start(w->target[i].session);
}

static void say_watching(const struct watch *w)
{
	double first = w->o.interval_s;

	if (w->on.screen)
		return;
	for (size_t i = 0; i < w->n && !w->o.is_quiet; i++)
		log_line("watching %d (%s)", w->target[i].pid, session_title(w->target[i].session));
	if (w->o.is_quiet)
		return;
	if (w->is_stdout_taken && !(w->o.duration_s > 0))
		log_line("Ctrl-C for the report");
	else if (w->o.duration_s > 0 && (w->o.duration_s <= first || w->is_stdout_taken))
		log_line("final report in %g s, Ctrl-C for it now", w->o.duration_s);
	else
		log_line("first report in %g s, Ctrl-C for the final one", first);
}

static void end_target(struct watch *w, struct watch_target *t, const char *why)
{
	t->is_over = true;
	w->n_over++;
	if (t->is_child)
		log_info("%s", why);
	else if (!w->o.is_quiet || w->has_failed)
		log_line("pyleak-bpf: %s", why);
	alerts_end(&w->alerts, (size_t)(t - w->target), t->pid, session_comm(t->session), why);
	if (!w->children)
		return;
	children_end(w->children, t->session);
	t->session = NULL;
}

/* The place for a child: that of a process that has ended, or a new one; NULL: all are taken. */
static struct watch_target *free_place(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (!w->target[i].session)
			return &w->target[i];
	return w->n < OPTS_MAX_PIDS ? &w->target[w->n] : NULL;
}

static void welcome_children(struct watch *w)
{
	struct watch_target *t = free_place(w);
	struct session *s = w->children ? children_poll(w->children, t != NULL) : NULL;

	if (!s || !t) /* no session is asked for without a place */
		return;
	if (t == &w->target[w->n])
		w->n++;
	else
		w->n_over--;
	*t = (struct watch_target){.pid = session_pid(s), .session = s, .is_child = true};
	log_info("watching child %d (%s)", t->pid, session_title(s));
}

/* Gives each process a turn: @max_s in all, more if there are many, as TURN_MIN_S is the least. */
static void work(struct watch *w, double max_s)
{
	size_t running = w->n - w->n_over;
	double turn_s = max_s / (double)(running ? running : 1);
	uint64_t begin = clock_ns();
	int n;

	welcome_children(w);
	if (turn_s < TURN_MIN_S)
		turn_s = TURN_MIN_S < max_s ? TURN_MIN_S : max_s;
	for (size_t i = 0; i < w->n && !stop_is_due(); i++) {
		struct watch_target *t = &w->target[i];

		if (t->is_over)
			continue;
		keep_alive(w);
		session_pause(t->session, stop_is_paused());
		n = session_step(t->session, turn_s);
		if (n < 0) {
			w->has_failed = true;
			watch_name_target(n, t->pid);
			end_target(w, t, fail_text());
		} else if (n > 0) {
			end_target(w, t, session_end_reason(t->session));
		}
	}
	if (clock_ns() - begin < (uint64_t)(ROUND_MIN_S * 1e9))
		usleep((useconds_t)(ROUND_MIN_S * 1e6));
}

static double until_next(const struct watch *w, double report_s)
{
	double left = report_s - watch_elapsed_s(w);
	double turn_s = w->children ? TREE_TURN_S : w->on.screen ? ON_SCREEN_TURN_S : TURN_S;

	if (w->o.duration_s > 0 && w->o.duration_s - watch_elapsed_s(w) < left)
		left = w->o.duration_s - watch_elapsed_s(w);
	return fmax(0, fmin(left, turn_s));
}

static bool is_done(struct watch *w)
{
	bool is_over = w->n_over == w->n && !launch_is_alive(&w->launch) &&
		       !(w->children && children_expected(w->children));

	return stop_is_due() || w->is_unread || is_over;
}

static void check_alerts(struct watch *w)
{
	struct metrics m[OPTS_MAX_PIDS] = {0};
	uint64_t now = clock_ns();

	if (!alerts_due(&w->alerts, now))
		return;
	for (size_t i = 0; i < w->n; i++)
		if (!w->target[i].is_over)
			session_metrics(w->target[i].session, &m[i]);
	metrics_share_ram(m, w->n);
	for (size_t i = 0; i < w->n; i++) {
		const struct watch_target *t = &w->target[i];

		if (!t->is_over)
			alerts_check(&w->alerts, i, t->pid, session_comm(t->session), &m[i], now);
	}
}

static void step_screen(struct watch *w)
{
	if (!w->on.screen)
		return;
	if (w->o.duration_s > 0)
		screen_left(w->on.screen, fmax(0, w->o.duration_s - watch_elapsed_s(w)));
	on_screen_step(&w->on, 0);
}

/* Fails with the reason why CMD, which was waited for, never got a session. */
static int fail_unwatched(struct watch *w)
{
	const char *why = children_refusal(w->children), *cmd = w->o.command[0];

	if (why)
		return fail(-ESRCH, "%s was not watched: %s", cmd, why);
	if (children_are_opened(w->children))
		return fail(-ESRCH, "%s was still being attached to after %.0f s", cmd,
			    watch_elapsed_s(w));
	if (launch_is_alive(&w->launch))
		return fail(-ESRCH,
			    "%s was no Python that could be watched in %.0f s; it goes on%s", cmd,
			    watch_elapsed_s(w),
			    w->o.children ? "" : "; those that it starts need --children");
	if (w->o.children)
		return fail(-ESRCH,
			    "%s has ended: neither it nor what it started was a Python for long "
			    "enough to be watched",
			    cmd);
	return fail(-ESRCH,
		    "%s has ended and was no Python for long enough to be watched; a Python that "
		    "it starts is watched with --children",
		    cmd);
}

/* Says that CMD is not watched so far: a program that only starts a Python would keep us waiting
 * to its end, without a word. It is no report, so it is said with -q, too. */
static void say_unwatched(const struct watch *w)
{
	const char *why = children_refusal(w->children);

	log_line("pyleak-bpf: %s is not watched so far: %s", w->o.command[0],
		 why		 ? why
		 : w->o.children ? "no Python has been started"
				 : "it is no Python; those it starts need --children");
}

static int loop(struct watch *w)
{
	double next_s = w->on.screen ? FIRST_S : w->o.interval_s;
	struct cli_failures failed = {0};
	bool is_said = !w->o.command;
	int err = 0;

	while (!err && !is_done(w)) {
		record_tell(&w->record);
		cli_helpers_tell();
		watch_count_children(w);
		watch_near_end(w);
		work(w, until_next(w, next_s));
		check_alerts(w);
		step_screen(w);
		if (!is_said && (w->n || watch_elapsed_s(w) > UNWATCHED_S) &&
		    !children_are_opened(w->children)) {
			is_said = true;
			if (!w->n)
				say_unwatched(w);
		}
		if (is_done(w) || watch_elapsed_s(w) < next_s)
			continue;
		if (!w->o.is_quiet && w->n)
			err = watch_report(w, false);
		if (w->on.screen && next_s < w->o.interval_s)
			next_s = 0;
		while (next_s <= watch_elapsed_s(w)) /* leaves out what a late report missed */
			next_s += w->o.interval_s;
	}
	stop_at(0); /* the last report and the end take the time they need */
	if (!err && !w->n && w->o.command)
		return stop_asked() ? -ECANCELED : fail_unwatched(w);
	on_screen_end(&w->on);
	cli_note(&failed, err);
	cli_note(&failed, watch_report(w, true));
	return cli_noted(&failed);
}

/* Decides on the screen: none if other output would run through it, that of CMD or of -v. */
static void decide_on_screen(struct watch *w)
{
	const struct watch_opts *o = &w->o;

	on_screen_decide(&w->on,
			 !o->no_tui && !o->is_quiet && !o->verbose && !o->command &&
				 !w->is_stdout_taken,
			 o->pids.n == 1 ? o->pids.v[0] : 0);
	if (isnan(w->o.interval_s))
		w->o.interval_s = w->on.is_wanted ? ON_SCREEN_INTERVAL_S : INTERVAL_S;
}

static int run(struct watch *w)
{
	int err = w->o.command ? launch_prepare(w->o.command, &w->launch) : 0;
	struct cli_failures failed = {0};

	thread_haste();
	cli_select_raise_limit();
	w->is_crowded = thread_is_crowded();
	stop_install();
	if (!err)
		err = cli_preflight();
	if (!err)
		err = cli_guard_start(w->o.no_sandbox, &w->guard);
	decide_on_screen(w);
	if (!err)
		err = outputs_open_saving(&w->outputs, &w->o.files,
					  (const char *const[]){w->o.baseline, w->o.record}, 2,
					  on_screen_stem(&w->on), w->o.no_sandbox);
	if (!err && w->o.baseline)
		err = watch_read_baseline(w);
	if (!err)
		err = alerts_open(&w->alerts, w->o.alert_log, w->o.alert_hook, stop_asked);
	if (!err)
		err = cli_helpers_start(w->o.no_sandbox);
	if (!err)
		err = on_screen_begin(&w->on, &w->outputs, w->o.no_color, w->o.no_sandbox);
	if (!err)
		err = confine(&(struct confine_opts){.is_off = w->o.no_sandbox,
						     .kind = FILTER_WATCHES,
						     .paints = w->on.is_wanted});
	if (!err)
		err = record_begin(&w->record, &w->outputs, w->o.record);
	if (!err)
		err = on_screen_open(&w->on);
	if (!err)
		err = attach(w);
	if (!err) {
		start_all(w);
		say_watching(w);
		err = loop(w);
	}
	cli_note(&failed, err);
	on_screen_end(&w->on);
	close_all(w);
	cli_note(&failed, record_end(&w->record, w->start_ns && w->n ? 0 : err));
	launch_close(&w->launch);
	alerts_close(&w->alerts);
	cli_guard_stop(w->guard);
	outputs_close(&w->outputs);
	cli_helpers_stop();
	baseline_free(&w->baseline);
	if (err == -ECANCELED && stop_asked())
		return cli_interrupted();
	if (cli_noted(&failed))
		return cli_complain(CLI_FAILED);
	return w->has_failed ? CLI_FAILED : w->o.fail_on && w->has_leak ? CLI_LEAK : CLI_DONE;
}

int command_watch(int argc, char **argv)
{
	struct watch w = {.outputs.keeper.sock = -1};

	if (watch_opts_parse(argc, argv, &w.o) != 0 ||
	    alerts_init(w.o.alerts.v, w.o.alerts.n, &w.alerts) != 0)
		return cli_complain(CLI_USAGE);
	if (w.o.want_help) {
		watch_opts_help(stdout);
		return CLI_DONE;
	}
	if (w.o.want_version) {
		printf("pyleak-bpf %s\n", PYLEAK_VERSION);
		return CLI_DONE;
	}
	if (w.o.from)
		return cli_replay(&w.o);
	log_set_level(w.o.is_quiet && !w.o.verbose ? LOG_QUIET : (enum log_level)w.o.verbose);
	w.is_stdout_taken = !outputs_want_text(
		outputs_on_stdout(&w.o.files) || outputs_is_stdout(w.o.alert_log),
		outputs_any(&w.o.files) || w.o.record || w.o.alert_log || w.o.alert_hook);
	w.alerts.is_quiet = w.o.is_quiet;
	return run(&w);
}

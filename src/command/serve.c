/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `serve`: runs a sweep that never ends, and serves its findings over HTTP. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/packet.h"
#include "base/thread.h"
#include "cli/awaited.h"
#include "cli/cli.h"
#include "command/command.h"
#include "cli/config.h"
#include "command/notify.h"
#include "command/serve_settings.h"
#include "cli/stop.h"
#include "confine/confine.h"
#include "out/out.h"
#include "probe/guard.h"
#include "serve/serve.h"
#include "storage/storage.h"

#define TURN_S	   0.2
#define PUBLISH_NS 5000000000ull

struct service {
	int argc;
	char **argv;
	struct serve_settings *c;
	struct serve *http;
	struct helper keeper; /* removes the name of a unix socket at the end */
	struct sweep *sweep;
	struct probe_guard *guard;
	struct serve_metrics_opts metrics;
	uint64_t begin_ns;
};

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static uint64_t own_rss(void)
{
	unsigned long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%lu %lu", &size, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int put_report(struct serve *http, enum serve_page page,
		      int (*write)(FILE *f, const struct report *r), const struct report *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int err = f ? write(f, r) : fail(-ENOMEM, "out of memory");

	if (f && fclose(f) != 0 && !err)
		err = fail(-ENOMEM, "out of memory");
	if (err) {
		free(text);
		return err;
	}
	return serve_put(http, page, text, len);
}

static int profile_of(const struct report *all, struct report_process *processes, size_t n,
		      struct serve_profile *out)
{
	struct report some = *all;
	FILE *f = open_memstream(&out->text, &out->len);
	int err = f ? 0 : -ENOMEM;

	some.processes = processes;
	some.n_processes = n;
	if (!err)
		err = out_pprof(f, &some);
	if (f && fclose(f) != 0 && !err)
		err = -ENOMEM;
	if (!err)
		return 0;
	free(take(out->text));
	return fail(err, "no profile: %s", strerror(-err));
}

static int put_profiles(struct serve *http, const struct report *r)
{
	size_t n = SERVE_PROFILES_FIRST + r->n_processes;
	auto_free struct serve_profile *v = calloc(n, sizeof(*v));
	int err = v ? 0 : fail(-ENOMEM, "out of memory");

	if (!err)
		err = profile_of(r, r->processes, r->n_processes, &v[SERVE_PROFILE_ALL]);
	if (!err)
		err = profile_of(r, NULL, 0, &v[SERVE_PROFILE_EMPTY]);
	for (size_t i = 0; i < r->n_processes && !err; i++) {
		struct serve_profile *to = &v[SERVE_PROFILES_FIRST + i];

		to->pid = r->processes[i].pid;
		if (r->processes[i].n_sites)
			err = profile_of(r, &r->processes[i], 1, to);
	}
	if (!err)
		return serve_put_profiles(http, v, n);
	for (size_t i = 0; v && i < n; i++)
		free(v[i].text);
	return err;
}

static int put_metrics(struct serve *http, const struct report *r, struct serve_metrics_opts *mo)
{
	char *text;
	size_t len;
	int err;

	mo->cpu_s = cpu_s();
	mo->rss_bytes = own_rss();
	err = serve_metrics(r, mo, &text, &len);
	return err ? err : serve_put(http, SERVE_METRICS, text, len);
}

static int publish(struct service *v)
{
	struct report *r = NULL;
	size_t refused;
	int err = report_new(&r);

	if (err)
		return err;
	r->started_at = v->metrics.start_time_s;
	r->ended_at = wall_clock();
	r->duration_s = (double)(clock_ns() - v->begin_ns) / 1e9;
	r->final = true;
	err = sweep_fill(v->sweep, r);
	if (!err)
		err = put_report(v->http, SERVE_REPORT, out_json, r);
	if (!err)
		err = put_report(v->http, SERVE_HTML, out_html, r);
	if (!err)
		err = put_profiles(v->http, r);
	sweep_count(v->sweep, &refused);
	v->metrics.refused = refused;
	if (!err)
		err = put_metrics(v->http, r, &v->metrics);
	report_free(r);
	return err;
}

/* Takes over all new settings or none: steps that can fail come first. */
static int adopt(struct service *v, struct serve_settings *c)
{
	auto_free char *token = NULL;
	int err;

	if (!serve_settings_same_place(v->c, c))
		return fail(-EINVAL, "another address, certificate, or the first or last token "
				     "takes a restart");
	if (c->token) {
		token = strdup(c->token);
		if (!token)
			return fail(-ENOMEM, "out of memory");
	}
	err = sweep_reselect(v->sweep, &c->sweep);
	if (!err && token)
		serve_set_token(v->http, take(token));
	return err;
}

static void reload(struct service *v)
{
	struct serve_settings *c = NULL;
	int err = serve_settings_new(v->argc, v->argv, &c);

	if (!err)
		err = adopt(v, c);
	if (err) {
		serve_settings_free(c);
		log_line("pyleak-bpf: the settings stay as they were: %s", fail_text());
		return;
	}
	serve_settings_free(v->c);
	v->c = c;
	v->metrics.processes = c->processes;
	v->metrics.sites = c->sites;
	log_set_level((enum log_level)c->verbose);
	if (!c->is_quiet)
		log_line("settings of %s are in effect", c->config ? c->config : c->token_file);
}

static int loop(struct service *v)
{
	uint64_t due = v->begin_ns + 1000000000ull;
	int err = 0;

	notify_ready();
	while (!err && !stop_asked()) {
		if (stop_reload_asked())
			reload(v);
		err = sweep_step(v->sweep, TURN_S);
		if (!err)
			err = probe_guard_check(v->guard);
		if (!err)
			err = storage_asker_check();
		notify_alive();
		serve_beat(v->http, clock_ns());
		if (err || clock_ns() < due)
			continue;
		err = publish(v);
		due = clock_ns() + PUBLISH_NS;
	}
	notify_stopping();
	return err;
}

/* A helper process runs this: it removes the socket's name at the end, when the tool may not. */
static void remove_socket(int sock, void *service)
{
	const struct service *v = service;
	char none = 0;

	if (!v->c->no_sandbox && confine_keeper())
		return;
	packet_receive(sock, &none, sizeof(none), NULL);
	serve_remove_socket(v->http);
}

static int keep_socket(struct service *v)
{
	return strncmp(serve_address(v->http), "unix:", 5)
		       ? 0
		       : helper_start("pyleak-files", remove_socket, v, &v->keeper);
}

/* Is a change of probes waited for? Then this service is not called hung: a restart would kill the
 * guardian within that change. */
static bool waits_for_probes(void *v)
{
	return probe_guard_is_awaited(((struct service *)v)->guard);
}

/* Takes the address with all rights, as it may be a low port, and answers clients with few. */
static int start(struct service *v)
{
	const struct serve_settings *c = v->c;
	auto_free char *cert = NULL, *key = NULL;
	struct serve_opts o = {
		.listen = serve_settings_address(c),
		.token = c->token,
		.counts_only = serve_settings_counts_only(c),
		.is_excused = waits_for_probes,
		.ctx = v,
	};
	int err = c->tls_cert ? config_text(c->tls_cert, &cert) : 0;

	if (!err && c->tls_key)
		err = config_text(c->tls_key, &key);
	o.cert = cert;
	o.key = key;
	if (!err)
		err = serve_listen(&o, &v->http);
	notify_open();
	if (!err)
		err = keep_socket(v);
	if (!err)
		err = cli_helpers_start(c->no_sandbox);
	if (!err)
		err = confine(
			&(struct confine_opts){.is_off = c->no_sandbox, .kind = FILTER_SERVES});
	return err ? err : serve_start(v->http, &o);
}

/* Logs the address, and who may read which pages there. */
static void say_where(const struct service *v)
{
	const struct serve_settings *c = v->c;
	const char *who = "";

	if (serve_settings_counts_only(c))
		who = "counts for everybody, and no more without --token-file or --listen: ";
	else if (!c->token && strncmp(c->listen, "unix:", 5) != 0)
		who = "every user of this host can read command lines, paths and functions here "
		      "(--token-file asks for a token): ";
	log_line("%slistening on %s", who, serve_address(v->http));
}

static int run(struct service *v)
{
	int err;

	thread_calm();
	if (v->c->config || v->c->token_file)
		stop_reload_on_hangup();
	stop_install();
	cli_select_raise_limit();
	err = cli_preflight();
	if (!err)
		err = cli_guard_start(v->c->no_sandbox, &v->guard);
	if (!err)
		err = start(v);
	if (!err)
		err = sweep_new(&v->c->sweep, v->guard, &v->sweep);
	if (!err && !v->c->is_quiet)
		say_where(v);
	v->begin_ns = clock_ns();
	v->metrics.start_time_s = wall_clock();
	v->metrics.processes = v->c->processes;
	v->metrics.sites = v->c->sites;
	v->metrics.counts_only = serve_settings_counts_only(v->c);
	if (!err)
		err = loop(v);
	sweep_free(v->sweep);
	serve_stop(v->http);
	map64_free(&v->metrics.left_out);
	awaited_stop_files(&v->keeper);
	cli_guard_stop(v->guard);
	cli_helpers_stop();
	if (err == -ECANCELED && stop_asked())
		return CLI_DONE;
	return err ? cli_complain(CLI_FAILED) : CLI_DONE;
}

int command_serve(int argc, char **argv)
{
	struct service v = {.argc = argc, .argv = argv, .keeper.sock = -1};
	int code, err;

	/* it may ask for new settings while these are read */
	stop_hold_hangup();
	err = serve_settings_new(argc, argv, &v.c);
	if (err)
		return cli_complain(err == -EINVAL ? CLI_USAGE : CLI_FAILED);
	if (v.c->want_help) {
		serve_settings_help();
		code = CLI_DONE;
	} else {
		log_set_level((enum log_level)v.c->verbose);
		code = run(&v);
	}
	serve_settings_free(v.c);
	return code;
}

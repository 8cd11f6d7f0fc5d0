/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `serve`: a sweep that never ends, its findings over HTTP. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/notify.h"
#include "cli/select.h"
#include "cli/stop.h"
#include "out/out.h"
#include "serve/serve.h"

#define TURN_S	   0.2
#define PUBLISH_NS 5000000000ull
#define FILE_MAX   (64 << 10)

struct serve_cmd {
	struct cli_select select;
	const char *listen, *token_file, *tls_cert, *tls_key;
	uint32_t processes, sites;
	int verbose;
	bool is_quiet, want_help;
};

#define ROW(field) offsetof(struct serve_cmd, field)

static const struct opt table[] = {
	{0, OPT_STRING, "listen", "ADDR:PORT", ROW(listen),
	 "where (default 127.0.0.1:9477), or unix:PATH for a socket of the owner and the group", 0,
	 0, NULL},
	{0, OPT_STRING, "token-file", "FILE", ROW(token_file),
	 "clients must send what is in FILE as bearer token; needed for other than local addresses",
	 0, 0, NULL},
	{0, OPT_STRING, "tls-cert", "FILE", ROW(tls_cert), "PEM certificates: speak HTTPS", 0, 0,
	 NULL},
	{0, OPT_STRING, "tls-key", "FILE", ROW(tls_key), "the PEM key of --tls-cert", 0, 0, NULL},
	{0, OPT_U32, "max-processes", "N", ROW(processes),
	 "processes with metrics of their own, worst first (default 100)", 1, 10000, NULL},
	{0, OPT_U32, "max-sites", "N", ROW(sites), "sites of each (default 10)", 0, 1000, NULL},
	CLI_SELECT_ROWS(struct serve_cmd),
	{'q', OPT_FLAG, "quiet", NULL, ROW(is_quiet), "say nothing on standard error", 0, 0, NULL},
	{'v', OPT_COUNT, "verbose", NULL, ROW(verbose), "what the tool does", 0, 0, NULL},
	{'h', OPT_FLAG, "help", NULL, ROW(want_help), "this text", 0, 0, NULL},
	{0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL},
};

static void help(void)
{
	fputs("usage: pyleak-bpf serve [options]\n"
	      "\n"
	      "Stays resident, watches every Python on this host as sweep does, and answers:\n"
	      "  /metrics      Prometheus' text format\n"
	      "  /report.json  the report of all processes\n"
	      "  /healthz, /-/ready\n"
	      "Pages are made every five seconds, whoever asks; nothing can be changed over HTTP.\n"
	      "\n",
	      stdout);
	opts_help(table, stdout);
	fputs("\n"
	      "Examples:\n"
	      "  sudo pyleak-bpf serve\n"
	      "  sudo pyleak-bpf serve --listen :9477 --token-file /etc/pyleak/token\n"
	      "  sudo pyleak-bpf serve --listen unix:/run/pyleak.sock --user www-data\n"
	      "\n"
	      "Exit status: 0 after a signal, 1 could not be done, 2 bad usage.\n",
	      stdout);
}

/* The text of a small file, without the newline at its end. The caller frees. */
static int read_text(const char *path, char **out)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_free char *text = calloc(1, FILE_MAX + 1);
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return fail(-errno, "%s cannot be opened: %s", path, strerror(errno));
	if (!text)
		return fail(-ENOMEM, "out of memory");
	while (n < FILE_MAX && (got = read(fd, text + n, FILE_MAX - n)) > 0)
		n += (size_t)got;
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	if (!n)
		return fail(-EINVAL, "%s is empty", path);
	*out = take(text);
	return 0;
}

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

static int put_json(struct serve *http, const struct report *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int err = f ? out_json(f, r) : fail(-ENOMEM, "out of memory");

	if (f && fclose(f) != 0 && !err)
		err = fail(-ENOMEM, "out of memory");
	if (err) {
		free(text);
		return err;
	}
	serve_put(http, SERVE_REPORT, text, len);
	return 0;
}

static int put_metrics(struct serve *http, const struct report *r, struct serve_metrics_opts *mo)
{
	char *text;
	size_t len;
	int err;

	mo->cpu_s = cpu_s();
	mo->rss_bytes = own_rss();
	err = serve_metrics(r, mo, &text, &len);
	if (!err)
		serve_put(http, SERVE_METRICS, text, len);
	return err;
}

static int publish(struct serve *http, struct sweep *s, struct serve_metrics_opts *mo,
		   double started_at, uint64_t begin)
{
	struct report *r = NULL;
	int err = report_new(&r);

	if (err)
		return err;
	r->started_at = started_at;
	r->ended_at = cli_wall_clock();
	r->duration_s = (double)(clock_ns() - begin) / 1e9;
	r->final = true;
	err = sweep_fill(s, r);
	if (!err)
		err = put_json(http, r);
	if (!err)
		err = put_metrics(http, r, mo);
	report_free(r);
	return err;
}

static int loop(const struct serve_cmd *c, struct sweep *s, struct serve *http)
{
	struct serve_metrics_opts mo = {.processes = c->processes, .sites = c->sites};
	uint64_t begin = clock_ns(), due = begin + 1000000000ull;
	double started_at = cli_wall_clock();
	int err = 0;

	mo.start_time_s = started_at;
	notify_ready();
	while (!err && !stop_asked()) {
		err = sweep_step(s, TURN_S);
		notify_alive();
		if (err || clock_ns() < due)
			continue;
		err = publish(http, s, &mo, started_at, begin);
		due = clock_ns() + PUBLISH_NS;
	}
	notify_stopping();
	return err;
}

static int start(const struct serve_cmd *c, struct serve **out)
{
	auto_free char *token = NULL, *cert = NULL, *key = NULL;
	struct serve_opts o = {.listen = c->listen};
	int err = c->token_file ? read_text(c->token_file, &token) : 0;

	if (!err && c->tls_cert)
		err = read_text(c->tls_cert, &cert);
	if (!err && c->tls_key)
		err = read_text(c->tls_key, &key);
	if (err)
		return err;
	o.token = token;
	o.cert = cert;
	o.key = key;
	return serve_start(&o, out);
}

static int run(const struct serve_cmd *c, const struct sweep_opts *so)
{
	struct serve *http = NULL;
	struct sweep *s = NULL;
	int err;

	stop_install();
	cli_select_raise_limit();
	err = cli_preflight();
	if (!err)
		err = start(c, &http);
	if (!err)
		err = sweep_new(so, &s);
	if (!err && !c->is_quiet)
		fprintf(stderr, "listening on %s\n", serve_address(http));
	if (!err)
		err = loop(c, s, http);
	sweep_free(s);
	serve_stop(http);
	return err ? cli_complain(CLI_FAILED) : CLI_DONE;
}

int cli_serve(int argc, char **argv)
{
	struct serve_cmd c = {
		.select = CLI_SELECT_DEFAULTS,
		.listen = "127.0.0.1:9477",
		.processes = 100,
		.sites = 10,
	};
	struct sweep_opts so;
	int code, err = opts_parse(table, argc, argv, &c);

	if (!err && c.want_help) {
		help();
		return CLI_DONE;
	}
	if (!err && !c.tls_cert != !c.tls_key)
		err = fail(-EINVAL, "--tls-cert and --tls-key go together");
	if (!err)
		err = cli_select_parse(&c.select, &so);
	if (err)
		return cli_complain(CLI_USAGE);
	log_set_level((enum log_level)c.verbose);
	code = run(&c, &so);
	cli_select_free(&c.select);
	return code;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "command/serve_settings.h"

#include <stdio.h>

#include "cli/config.h"
#include "confine/confine.h"
#include "serve/serve.h"

#define DEFAULT_ADDRESS "127.0.0.1:9477"

#define ROW(field) offsetof(struct serve_settings, field)

static const struct opt table[] = {
	{0, OPT_STRING, "listen", "ADDR:PORT", ROW(listen),
	 "where (default " DEFAULT_ADDRESS
	 "), or unix:PATH for a socket of the owner and the group; every user of this host can "
	 "read all pages at a local address that is given without --token-file",
	 0, 0, NULL},
	{0, OPT_STRING, "token-file", "FILE", ROW(token_file),
	 "clients must send what is in FILE as bearer token; needed for other than local addresses",
	 0, 0, NULL},
	{0, OPT_STRING, "tls-cert", "FILE", ROW(tls_cert), "PEM certificates: speak HTTPS", 0, 0,
	 NULL},
	{0, OPT_STRING, "tls-key", "FILE", ROW(tls_key), "the PEM key of --tls-cert", 0, 0, NULL},
	{0, OPT_U32, "max-processes", "N", ROW(processes),
	 "processes with metrics of their own, worst first (default 100)", 1, 10000, NULL},
	{0, OPT_U32, "max-sites", "N", ROW(sites), "sites of each (default 10)", 0, 1000, NULL},
	CLI_SELECT_ROWS(struct serve_settings),
	{0, OPT_STRING, "config", "FILE", ROW(config),
	 "settings: these options as lines of name = value; options given here win; SIGHUP reads "
	 "it, and the token, again",
	 0, 0, NULL},
	{0, OPT_FLAG, "no-sandbox", NULL, ROW(no_sandbox), CLI_NO_SANDBOX_HELP, 0, 0, NULL},
	{'q', OPT_FLAG, "quiet", NULL, ROW(is_quiet), "say nothing on standard error", 0, 0, NULL},
	{'v', OPT_COUNT, "verbose", NULL, ROW(verbose), "what the tool does", 0, 0, NULL},
	{'h', OPT_FLAG, "help", NULL, ROW(want_help), "this text", 0, 0, NULL},
	{0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL},
};

void serve_settings_help(void)
{
	fputs("usage: pyleak-bpf serve [options]\n"
	      "\n"
	      "Stays resident, watches every Python on this host as sweep does, and answers:\n"
	      "  /metrics      Prometheus' text format\n"
	      "  /report.json  the report of all processes\n"
	      "  /report.html  the same as a page, of one file\n"
	      "  /debug/pprof/heap, /debug/pprof/allocs\n"
	      "                the same as a profile for pprof, Pyroscope and Parca; ?pid=N: of "
	      "one\n"
	      "  /healthz, /-/ready\n"
	      "Pages are made every five seconds, whoever asks; nothing can be changed over HTTP.\n"
	      "They hold command lines, paths and names of functions. With neither --token-file "
	      "nor\n"
	      "--listen there is only /metrics, with counts: of processes by verdict, of losses.\n"
	      "\n",
	      stdout);
	opts_help(table, NULL, stdout);
	fputs("\n"
	      "Examples:\n"
	      "  sudo pyleak-bpf serve\n"
	      "  sudo pyleak-bpf serve --listen :9477 --token-file /etc/pyleak/token\n"
	      "  sudo pyleak-bpf serve --config /etc/pyleak-bpf.conf\n"
	      "  sudo pyleak-bpf serve --listen unix:/run/pyleak.sock --user www-data\n"
	      "\n"
	      "Exit status: 0 after a signal, 1 could not be done, 2 bad usage.\n",
	      stdout);
}

static void set_defaults(struct serve_settings *c)
{
	*c = (struct serve_settings){
		.select = CLI_SELECT_DEFAULTS,
		.processes = 100,
		.sites = 10,
	};
}

/* Reads the command line twice: to learn of the settings file, and to win over it. */
static int read_options(int argc, char **argv, struct serve_settings *c)
{
	const char *config;
	int err;

	set_defaults(c);
	err = opts_parse(table, argc, argv, c);
	if (err || c->want_help || !c->config)
		return err;
	config = c->config;
	set_defaults(c);
	err = config_read(table, config, &c->text, c);
	return err ? err : opts_parse(table, argc, argv, c);
}

/* Reads the token: one word, as clients send it in a header. */
static int read_token(struct serve_settings *c)
{
	int err = config_text(c->token_file, &c->token);
	char *word;

	if (err)
		return err;
	word = config_trim(c->token);
	if (!*word || word[strcspn(word, " \t\r\n")])
		return fail(-EINVAL, "%s must hold one word", c->token_file);
	memmove(c->token, word, strlen(word) + 1);
	return 0;
}

int serve_settings_new(int argc, char **argv, struct serve_settings **out)
{
	struct serve_settings *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return fail(-ENOMEM, "out of memory");
	err = read_options(argc, argv, c);
	if (!err && !c->tls_cert != !c->tls_key)
		err = fail(-EINVAL, "--tls-cert and --tls-key go together");
	if (!err)
		err = cli_select_parse(&c->select, &c->sweep);
	if (!err && c->token_file)
		err = read_token(c);
	if (!err)
		err = serve_check_listen(serve_settings_address(c));
	if (err) {
		serve_settings_free(c);
		return err;
	}
	*out = c;
	return 0;
}

void serve_settings_free(struct serve_settings *c)
{
	if (!c)
		return;
	if (c->sweep.name)
		cli_select_free(&c->select);
	free(c->text);
	free(c->token);
	free(c);
}

const char *serve_settings_address(const struct serve_settings *c)
{
	return c->listen ? c->listen : DEFAULT_ADDRESS;
}

bool serve_settings_counts_only(const struct serve_settings *c)
{
	return !c->listen && !c->token;
}

static bool same(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

bool serve_settings_same_place(const struct serve_settings *a, const struct serve_settings *b)
{
	return same(a->listen, b->listen) && same(a->tls_cert, b->tls_cert) &&
	       same(a->tls_key, b->tls_key) && !a->token == !b->token;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes the settings of `serve` from the command line and a file, also while it runs. */
#ifndef PYLEAK_COMMAND_SERVE_SETTINGS_H
#define PYLEAK_COMMAND_SERVE_SETTINGS_H

#include "cli/select.h"

struct serve_settings {
	struct cli_select select;
	struct sweep_opts sweep; /* made from .select; points into this structure */
	const char *listen;	 /* NULL = not given */
	const char *token_file, *tls_cert, *tls_key, *config;
	char *token; /* the word in the token file; NULL: no token */
	uint32_t processes, sites;
	int verbose;
	bool is_quiet, no_sandbox, want_help;
	char *text; /* text of the settings file, into which options point */
};

/* Takes the defaults, then the file, then the command line. A negative errno with a sentence on
 * failure: -EINVAL for bad usage. */
int serve_settings_new(int argc, char **argv, struct serve_settings **out);
void serve_settings_free(struct serve_settings *c);
void serve_settings_help(void);

/* The address as given, or the default. */
const char *serve_settings_address(const struct serve_settings *c);
/* Are only counts served? Yes without --listen and a token: nobody has said then who may read, so
 * everybody may, and no page tells of a single process. */
bool serve_settings_counts_only(const struct serve_settings *c);

/* Are those settings equal that cannot change while it runs: address, certificate, whether there is
 * a token? */
bool serve_settings_same_place(const struct serve_settings *a, const struct serve_settings *b);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PYLEAK_COMMAND_SERVE_SETTINGS_H
#define PYLEAK_COMMAND_SERVE_SETTINGS_H

#include "cli/select.h"

struct serve_settings {
	struct cli_select select;
	struct sweep_opts sweep; /* made of it; points into this structure */
	const char *listen;	 /* NULL = nobody said where */
	const char *token_file, *tls_cert, *tls_key, *config;
	char *token; /* what is in the file */
	uint32_t processes, sites;
	int verbose;
	bool is_quiet, no_sandbox, want_help;
	char *text; /* of the settings file */
};

/* Defaults, then the file, then the command line. The sentence on failure: -EINVAL for bad usage.
 */
int serve_settings_new(int argc, char **argv, struct serve_settings **out);
void serve_settings_free(struct serve_settings *c);
void serve_settings_help(void);

const char *serve_settings_address(const struct serve_settings *c);
/* Somebody who names neither an address nor a token has not thought of who may read: everybody,
 * then, and nothing that is anybody's. */
bool serve_settings_counts_only(const struct serve_settings *c);

/* Settings that cannot change while it runs: address, certificate, whether there is a token. */
bool serve_settings_same_place(const struct serve_settings *a, const struct serve_settings *b);

#endif

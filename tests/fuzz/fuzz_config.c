/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The settings file of serve, and the options that it is made of: selections, addresses, sizes.
 *
 * reads: src/cli/config.c src/cli/opts.c src/command/serve_settings.c src/cli/select.c
 * reads: src/command/watch_opts.c
 * apart: opts_help wrap watch_opts_help serve_settings_help: nothing is read, text is printed
 * apart: cli_select_raise_limit: a system call, nothing is read
 */
#include "command/serve_settings.h"
#include "command/watch_opts.h"
#include "fuzz/fuzz.h"
#include "serve/serve.h"

#define MAX_ARGS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[MAX_ARGS + 4] = {"serve", "--config", "/fuzz.conf"}, *word[MAX_ARGS];
	struct fuzz_in in = {data, size}, file = in_part(&in), token = in_part(&in);
	struct serve_settings *c;
	struct watch_opts watch;
	int argc = 3, n = 0;

	fake_only_below("/fuzz.");
	fake_file("/fuzz.conf", file.p, file.n);
	fake_file("/fuzz.token", token.p, token.n);
	for (; in.n && n < MAX_ARGS; n++) {
		struct fuzz_in part = in_part(&in);

		argv[argc++] = word[n] = in_text(&part);
	}
	if (!serve_settings_new(argc, argv, &c)) {
		serve_settings_same_place(c, c);
		serve_settings_counts_only(c);
		serve_settings_free(c);
	}
	/* Without the file. */
	if (n && !serve_settings_new(argc - 2, argv + 2, &c))
		serve_settings_free(c);
	/* The same words, as the main job takes them. */
	argv[2] = "pyleak-bpf";
	watch_opts_parse(n + 1, argv + 2, &watch);
	while (n)
		free(word[--n]);
	return 0;
}

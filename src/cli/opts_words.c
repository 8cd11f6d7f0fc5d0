/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads words of a command line that belong to no option. */
#include "cli/opts.h"

static bool is_number(const char *word)
{
	return *word && word[strspn(word, "0123456789")] == '\0';
}

int opts_unexpected(const char *word, const char *hint)
{
	if (is_number(word))
		return fail(-EINVAL,
			    "unexpected word '%s'; a process is watched by pyleak-bpf -p %s", word,
			    word);
	return fail(-EINVAL, "unexpected word '%s'; %s", word, hint);
}

/* Complains of words beside -p: other tools take an interval and a count there. */
static int beside_pids(const char *word, const struct opt_pids *pids, size_t max, const char *time)
{
	if (!is_number(word) || !pids->n)
		return opts_unexpected(word, "--help shows the usage");
	if (max == 1)
		return fail(-EINVAL, "unexpected word '%s'; one process at a time: -p PID", word);
	if (!time)
		return fail(-EINVAL, "unexpected word '%s'; another process is -p %d,%s", word,
			    pids->v[0], word);
	return fail(-EINVAL,
		    "unexpected word '%s'; another process is -p %d,%s, a time in seconds %s %s",
		    word, pids->v[0], word, time, word);
}

int opts_pid_words(char **words, size_t n, size_t max, const char *time, struct opt_pids *out)
{
	static const struct opt rows[] = {{'p', OPT_PIDS, "pid", "PID", 0, "", 0, 0, NULL},
					  {0, OPT_FLAG, NULL, NULL, 0, NULL, 0, 0, NULL}};
	int err = 0;

	if (n && (out->n || out->name))
		return beside_pids(words[0], out, max, time);
	for (size_t i = 0; i < n && !err; i++) {
		if (n == 1 || is_number(words[i]))
			err = opts_set(rows, "pid", words[i], out);
		else
			err = opts_unexpected(words[i], "--help shows the usage");
	}
	return err;
}

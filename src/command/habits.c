/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "command/habits.h"

#include <stdio.h>
#include <unistd.h>

#include "base/spelling.h"

/* Commands of py-spy, memray, perf and htop; PID stands for the process that was named with it. */
static const struct {
	const char *word, *instead;
} others[] = {
	{"top", "pyleak-bpf sweep watches all Pythons of this host, pyleak-bpf -p PID one of them"},
	{"live", "pyleak-bpf -p PID watches a process"},
	{"attach", "pyleak-bpf -p PID watches a process"},
	{"record", "pyleak-bpf -p PID -d 60 --record FILE saves what is seen in a minute, "
		   "--speedscope FILE a flame graph of it"},
	{"flamegraph",
	 "pyleak-bpf -p PID -d 60 --speedscope FILE, or --from FILE of what was saved"},
	{"dump", "pyleak-bpf census -p PID lists what the heap holds, pyleak-bpf why -p PID --type "
		 "NAME what keeps it"},
	{"stats", "pyleak-bpf census -p PID lists what the heap holds"},
	{"snapshot", "pyleak-bpf census -p PID --save FILE saves the memory of a process"},
	{"report", "pyleak-bpf --from FILE shows a saved report or recording"},
	{"run", "pyleak-bpf -- COMMAND starts a program and watches it"},
	{"trace", "pyleak-bpf -p PID watches a process, pyleak-bpf -- COMMAND a new one"},
	{"ps", "pyleak-bpf sweep -d 5 -v lists all Pythons of this host"},
	{"list", "pyleak-bpf sweep -d 5 -v lists all Pythons of this host"},
	{"check", "pyleak-bpf doctor tells what works on this machine"},
	{"version", "pyleak-bpf --version prints it"},
};

/* The pid among the words: behind -p or --pid, or by itself; "PID" when there is none. */
static const char *named_pid(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		const char *word = argv[i];

		word += !strncmp(word, "--pid=", 6) ? 6 : !strncmp(word, "-p", 2) ? 2 : 0;
		if (*word && word[strspn(word, "0123456789")] == '\0')
			return word;
	}
	return "PID";
}

static int instead_of(const char *word, const char *instead, const char *pid)
{
	char text[512] = "";
	size_t n = 0;

	for (const char *at = instead; *at && n < sizeof(text);) {
		if (!strncmp(at, "PID", 3)) {
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", pid);
			at += 3;
		} else {
			text[n++] = *at++;
		}
	}
	text[n < sizeof(text) ? n : sizeof(text) - 1] = '\0';
	return fail(-EINVAL, "there is no command '%s'; %s", word, text);
}

static const char *nearest(const char *word, const char *const *commands)
{
	unsigned best = SPELLING_FAR;
	const char *near = NULL;

	for (; *commands; commands++)
		if (spelling_is_nearer(word, *commands, &best))
			near = *commands;
	return near;
}

/* Is it a file with a report or a recording, rather than the name of a process? */
static bool is_saved(const char *word)
{
	const char *dot = strrchr(word, '.');

	return dot && (!strcmp(dot, ".json") || !strcmp(dot, ".rec")) && !access(word, F_OK);
}

int habits_check(int argc, char **argv, const char *const *commands)
{
	const char *word = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL, *near;

	if (!word)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(word, others[i].word))
			return instead_of(word, others[i].instead, named_pid(argc, argv));
	if (is_saved(word))
		return fail(-EINVAL, "'%s' is a file; pyleak-bpf --from %s shows what it holds",
			    word, word);
	near = nearest(word, commands);
	return near ? fail(-EINVAL,
			   "there is no command '%s'; did you mean pyleak-bpf %s? A process of "
			   "that "
			   "name: -p %s",
			   word, near, word)
		    : 0;
}

int habits_unknown(const char *word, const char *const *commands)
{
	const char *near = nearest(word, commands);
	char list[160] = "";
	size_t n = 0;

	if (near)
		return fail(-EINVAL, "there is no command '%s'; did you mean %s?", word, near);
	for (; *commands && n < sizeof(list); commands++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", *commands);
	return fail(-EINVAL, "there is no command '%s'; there are %s", word, list);
}

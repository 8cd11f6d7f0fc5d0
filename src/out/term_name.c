/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names the program of a process: "python3.11" says nothing on a host that has twenty of them. */
#include "base/base.h"
#include "out/term_priv.h"

#define ROOM 48 /* bytes of the command line that are shown, about as many columns */

static bool takes_a_word(const char *option)
{
	return !strcmp(option, "-W") || !strcmp(option, "-X") ||
	       !strcmp(option, "--check-hash-based-pycs");
}

/* The index of the word that names the program: the script, -m or -c, behind other options. */
static size_t find_program(const struct report_process *p)
{
	size_t i = 1;

	for (; i < p->n_cmdline && p->cmdline[i][0] == '-'; i++) {
		const char *o = p->cmdline[i];

		if (o[1] != '-' && strpbrk(o, "cm"))
			break;
		i += takes_a_word(o);
	}
	return i;
}

void term_name(const struct report_process *p, char *buf, size_t size)
{
	const char *comm = p->comm ? p->comm : "";
	size_t at = find_program(p), n = (size_t)snprintf(buf, size, "pid %d %s", p->pid, comm);
	size_t end = n + ROOM < size ? n + ROOM : size, words = p->n_cmdline;

	while (words > 1 && !*p->cmdline[words - 1])
		words--;
	/* a title that the program wrote over its command line, with zeros behind it */
	if (words == 1 && strchr(p->cmdline[0], ' ')) {
		snprintf(buf, end, "pid %d %s", p->pid, p->cmdline[0]);
		return;
	}
	for (size_t i = at; i < p->n_cmdline && n < end; i++) {
		const char *word = i == at ? file_name(p->cmdline[i]) : p->cmdline[i];
		bool is_code = i == at && word[0] == '-' && strchr(word, 'c');

		/* the script is left out if comm has its name already */
		if (i > at || strcmp(word, comm) != 0)
			n += (size_t)snprintf(buf + n, end - n, " %s", word);
		if (is_code) /* the text of a program follows, not a name */
			break;
	}
	if (n >= end)
		snprintf(buf + end - 4, 4, "...");
}

const char *term_end(const struct report_process *p)
{
	return p->goes_on ? p->goes_on : "has ended";
}

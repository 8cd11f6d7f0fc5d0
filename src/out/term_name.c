/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names the program of a process: "python3.11" says nothing on a host that has twenty of them. */
#include <inttypes.h>

#include "base/base.h"
#include "base/program.h"
#include "out/term_priv.h"

#define ROOM 48 /* bytes of the command line that are shown, about as many columns */

/* Begins a name. A core file may not tell the pid: 0. */
static size_t put_pid(char *buf, size_t size, int pid, const char *name)
{
	return (size_t)(pid ? snprintf(buf, size, "pid %d %s", pid, name)
			    : snprintf(buf, size, "%s", *name ? name : "a process"));
}

/* Ends the text of @size - 1 bytes, which was cut, with dots behind its last whole character. */
static void end_with_dots(char *buf, size_t size)
{
	size_t at = size - 4;

	while (at && ((unsigned char)buf[at] & 0xc0) == 0x80)
		at--;
	strcpy(buf + at, "...");
}

static void name_many(const struct report_process *p, char *buf, size_t size)
{
	uint64_t n = report_members(p);
	int len = snprintf(buf, size, "%" PRIu64 " process%s%s%s", n, n == 1 ? "" : "es",
			   p->comm ? " of " : "", p->comm ? p->comm : "");

	if ((size_t)len >= size)
		end_with_dots(buf, size);
}

static void name_one(const struct report_process *p, char *buf, size_t size)
{
	const char *comm = p->comm ? p->comm : "";
	char by;
	size_t at = program_word(p->cmdline, p->n_cmdline, &by);
	size_t n = put_pid(buf, size, p->pid, comm);
	size_t end = n + ROOM < size ? n + ROOM : size, words = p->n_cmdline;

	while (words > 1 && !*p->cmdline[words - 1])
		words--;
	/* a title that the program wrote over its command line, with zeros behind it */
	if (words == 1 && strchr(p->cmdline[0], ' ')) {
		n = put_pid(buf, end, p->pid, p->cmdline[0]);
		at = p->n_cmdline;
	} else if (by == 'c') { /* the text of a program follows, not a name */
		const char *word = p->cmdline[at];

		if (n < end)
			n += (size_t)snprintf(buf + n, end - n, " %.*s",
					      (int)strcspn(word, "c") + 1, word);
		at = p->n_cmdline;
	}
	for (size_t i = at; i < p->n_cmdline && n < end; i++) {
		const char *word = i == at ? file_name(p->cmdline[i]) : p->cmdline[i];

		/* the script is left out if comm has its name already */
		if (i > at || strcmp(word, comm) != 0)
			n += (size_t)snprintf(buf + n, end - n, " %s", word);
	}
	if (n >= end)
		end_with_dots(buf, end);
}

void term_name(const struct report_process *p, char *buf, size_t size)
{
	(p->n_members ? name_many : name_one)(p, buf, size);
}

const char *term_end(const struct report_process *p)
{
	return p->goes_on ? p->goes_on : "has ended";
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/find.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/select.h"
#include "cli/stop.h"
#include "sweep/find.h"

#define MAX_LISTED 20

bool cli_find_is_wanted(const struct cli_find *f, const struct opt_pids *pids)
{
	return f->name || f->container || f->pod || pids->name;
}

int cli_find_check(const struct cli_find *f, const struct opt_pids *pids)
{
	struct cli_select select = {0};
	struct sweep_opts so;
	int err;

	if (pids->n && cli_find_is_wanted(f, pids))
		return fail(-EINVAL,
			    "a process by its number (-p %d) or by what it is called: one of them",
			    pids->v[0]);
	if (f->name && pids->name)
		return fail(-EINVAL, "-p %s and --name %s: one of them", pids->name, f->name);
	if ((f->container && !*f->container) || (f->pod && !*f->pod) || (f->name && !*f->name))
		return fail(-EINVAL, "--name, --container and --pod need a name");
	/* a wrong pattern is bad usage, which is told at once */
	select.name = f->name;
	err = cli_select_parse(&select, &so);
	cli_select_free(&select);
	return err;
}

/* Returns a pattern for the name as a word of the command line, or as the end of a path in it:
 * "gunicorn" fits "/usr/bin/gunicorn app:app" and "gunicorn: master", "app" fits "python3 app.py".
 * The caller frees it. */
static char *word_pattern(const char *name)
{
	static const char special[] = ".[]{}()*+?^$|\\";
	char *out = malloc(2 * strlen(name) + 32), *to = out;

	if (!out)
		return NULL;
	to += sprintf(to, "(^|[ /])");
	for (; *name; name++) {
		if (strchr(special, *name))
			*to++ = '\\';
		*to++ = *name;
	}
	sprintf(to, "([ .:]|$)");
	return out;
}

/* Writes the wish as it was typed: "--container web --name x", "gunicorn". */
static void say_wish(const struct cli_find *f, const struct opt_pids *pids, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	if (pids->name)
		n += (size_t)snprintf(buf, size, "%.80s", pids->name);
	if (f->name)
		n += (size_t)snprintf(buf + n, size - n, "%s--name %.80s", n ? " " : "", f->name);
	if (f->container)
		n += (size_t)snprintf(buf + n, size - n, "%s--container %.80s", n ? " " : "",
				      f->container);
	if (f->pod)
		snprintf(buf + n, size - n, "%s--pod %.80s", n ? " " : "", f->pod);
}

bool cli_find_is_script(const char *word)
{
	size_t n = strlen(word);

	return n > 3 && !strcmp(word + n - 3, ".py");
}

static int none_fits(const struct cli_find *f, const struct opt_pids *pids, const char *wish,
		     const struct sweep_found *found)
{
	const char *place = f->pod ? "pod" : "container";
	char more[320] = "", lost[320] = "";

	if (found->others)
		snprintf(more, sizeof(more), ", %zu fit and are none (%s)", found->others,
			 found->other);
	else if ((f->container || f->pod) && found->places[0])
		snprintf(more, sizeof(more), "; %ss here: %s", place, found->places);
	else if (f->container || f->pod)
		snprintf(more, sizeof(more), ", none of them in a %s", place);
	else if (pids->name && cli_find_is_script(pids->name))
		snprintf(more, sizeof(more), "; to start and watch it: pyleak-bpf -- python3 %.80s",
			 pids->name);
	else if (pids->name)
		snprintf(more, sizeof(more),
			 "; a program is started and watched by pyleak-bpf -- COMMAND");
	if (found->unread)
		snprintf(lost, sizeof(lost), "; not looked into: %zu, as: %s", found->unread,
			 found->why);
	return fail(-ENOENT,
		    "no Python fits %s: %zu processes looked through%s; pyleak-bpf sweep -d 5 -v "
		    "lists all Pythons%s",
		    wish, found->processes, more, lost);
}

static const char *command_word(const struct cli_again *a, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s%s", getenv("SUDO_UID") ? "sudo " : "", program_invocation_name,
		 *a->command ? " " : "", a->command);
	return buf;
}

static int list(const struct cli_again *a, const struct sweep_found *found, const char *wish)
{
	static const char *const skip[] = {"pid", "name", "container", "pod", NULL};
	char command[256], options[512], rss[32], age[32], pids[16 * OPTS_MAX_PIDS] = "";
	const struct sweep_match *root = NULL;
	size_t n = found->match.n, n_roots = 0, used = 0;

	command_word(a, command, sizeof(command));
	opts_again(a->table, a->argc, a->argv, skip, options, sizeof(options));
	for (size_t i = 0; i < n; i++) {
		const struct sweep_match *m = &found->match.v[i];

		if (!m->is_below) {
			root = m;
			n_roots++;
		}
		if (used < sizeof(pids))
			used += (size_t)snprintf(pids + used, sizeof(pids) - used, "%s%d",
						 i ? "," : "", m->entry.pid);
		if (i >= MAX_LISTED)
			continue;
		/* a line that may be pasted into a shell never has words of the target */
		log_line("pid %d: %s, %s, %s old%s", m->entry.pid, m->command,
			 fmt_bytes(rss, sizeof(rss), (double)m->entry.rss_bytes),
			 fmt_duration(age, sizeof(age), m->entry.age_s), m->where);
		log_line("   %s -p %d%s", command, m->entry.pid, options);
	}
	if (n > MAX_LISTED)
		log_line("and %zu more", n - MAX_LISTED);
	if (n_roots == 1 && root && !*a->command) {
		log_line("the first of them with all that it started");
		log_line("   %s -p %d --children%s", command, root->entry.pid, options);
	} else if (n <= a->max) {
		log_line("all of them");
		log_line("   %s -p %s%s", command, pids, options);
	}
	return fail(-EEXIST, "%zu Pythons fit %s: type one of the indented lines above", n, wish);
}

static void keep_oldest(struct sweep_found *found)
{
	size_t kept = 0;

	for (size_t i = 0; i < found->match.n; i++)
		if (!found->match.v[i].is_below)
			found->match.v[kept++] = found->match.v[i];
	found->match.n = kept;
}

static int choose(const struct cli_find *f, struct opt_pids *pids, const struct cli_again *again,
		  struct sweep_found *found, uint64_t *start_ticks)
{
	char wish[400];

	say_wish(f, pids, wish, sizeof(wish));
	if (!found->match.n)
		return none_fits(f, pids, wish, found);
	if (again->children)
		keep_oldest(found);
	if (found->match.n > 1)
		return list(again, found, wish);
	pids->v[0] = found->match.v[0].entry.pid;
	pids->n = 1;
	*start_ticks = found->match.v[0].entry.start_ticks;
	return 0;
}

int cli_find(const struct cli_find *f, struct opt_pids *pids, const struct cli_again *again,
	     uint64_t *start_ticks)
{
	auto_free char *pattern = pids->name ? word_pattern(pids->name) : NULL;
	struct cli_select select = {
		.name = pattern ? pattern : f->name, .container = f->container, .pod = f->pod};
	struct sweep_found found;
	struct sweep_opts so;
	int err;

	*start_ticks = 0;
	if (!cli_find_is_wanted(f, pids))
		return 0;
	if (pids->name && !pattern)
		return fail(-ENOMEM, "out of memory");
	err = cli_select_parse(&select, &so);
	if (err)
		return err;
	err = sweep_find(&so, &found);
	cli_select_free(&select);
	if (err)
		return err;
	err = choose(f, pids, again, &found, start_ticks);
	sweep_found_free(&found);
	return err;
}

/* Writes the program of a pid: "; it is /usr/sbin/nginx". */
static void say_program(int pid, char *buf, size_t size)
{
	char path[32], to[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, to, sizeof(to) - 1);
	if (n > 0)
		snprintf(buf, size, "; it is %.*s", (int)n, to);
}

int cli_find_meant(int err, int pid)
{
	char program[300] = "", meant[700];
	auto_free char *said = NULL;

	switch (err) {
	case -ENOENT: /* the process is no Python */
		say_program(pid, program, sizeof(program));
		break;
	case -ESRCH: /* no such process; if it has just ended, the sentence says enough */
		if (!kill(pid, 0))
			return err;
		break;
	case -EINVAL: /* a kernel thread: their pids are small, as those in containers are */
	case -EPERM:
		break;
	default:
		return err;
	}
	said = strdup(fail_text());
	sweep_meant(pid, meant, sizeof(meant));
	return said ? fail(err, "%s%s%s", said, program, meant) : err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "probe/leftovers.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/thread.h"
#include "probe/mechanism_priv.h"
#include "probe/turn.h"

#define AGAIN_NS 2000000000ull
#define LOOK_US	 500000
#define MOST	 256 /* in one run */

/* "p:pyleak_PID_NAMESPACE_RANDOM/LABEL_NUMBER FILE:OFFSET". The kernel numbers processes up to
 * 4,194,304. */
int leftover_maker(const char *line, uint64_t namespace, char *name, size_t size)
{
	unsigned long long theirs, random;
	int pid = 0, end = 0;
	const char *blank;

	if ((line[0] != 'p' && line[0] != 'r') || line[1] != ':')
		return 0;
	line += 2;
	blank = strchr(line, ' ');
	if (sscanf(line, "pyleak_%7d_%llx_%16llx/%n", &pid, &theirs, &random, &end) != 3 || !end ||
	    line[end - 1] != '/' || !blank || blank <= line + end || pid <= 0 ||
	    theirs != namespace || (size_t)(blank - line) >= size)
		return 0;
	memcpy(name, line, (size_t)(blank - line));
	name[blank - line] = '\0';
	return pid;
}

bool leftover_is_alive(int pidfd, int err)
{
	return pidfd >= 0 || err != ESRCH;
}

static bool exists(int pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool is = leftover_is_alive(fd, errno);

	if (fd >= 0)
		close(fd);
	return is;
}

static struct probe_event event_of(const char *name)
{
	struct probe_event ev = {.state = EVENT_SEALED};

	snprintf(ev.name, sizeof(ev.name), "%s", name);
	return ev;
}

static bool is_off(const char *name)
{
	const struct probe_event ev = event_of(name);

	return probe_event_is_off(&ev);
}

static bool is_new(const struct leftovers *l, const char *name)
{
	for (size_t i = 0; i < l->names.n; i++)
		if (!strcmp(l->names.v[i], name))
			return false;
	return true;
}

static void look(struct leftovers *l)
{
	int fd = probe_open_events(O_RDONLY);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	auto_free char *line = NULL;
	size_t cap = 0;
	struct stat ns;
	char name[96];

	if (!f && fd >= 0)
		close(fd);
	while (f && !stat("/proc/self/ns/pid", &ns) && l->names.n < MOST &&
	       getline(&line, &cap, f) > 0) {
		int pid = leftover_maker(line, ns.st_ino, name, sizeof(name));
		char **to;

		if (!pid || !is_new(l, name) || exists(pid) || !is_off(name))
			continue;
		to = vec_push(&l->names);
		if (to && !(*to = strdup(name)))
			l->names.n--;
	}
	if (f)
		fclose(f);
}

static void remove_one(const char *name, const struct leftovers *now)
{
	struct probe_event ev = event_of(name);

	if (is_new(now, name))
		return;
	log_debug("removing %s, left behind by a process that is gone", name);
	probe_event_remove(&ev);
}

/* Removes each that was there two seconds ago and is now, in a turn that no other copy shares. */
static void look_again(struct leftovers *l)
{
	struct turn t = {.kind = TURN_PREPARE, .code = 1};
	struct leftovers now = {0};

	if (turn_take(&t))
		return;
	look(&now);
	for (size_t i = 0; t.is_alone && i < l->names.n; i++)
		remove_one(l->names.v[i], &now);
	turn_pass(&t);
	leftovers_free(&now);
}

void leftovers_step(struct leftovers *l)
{
	uint64_t now = clock_ns();

	if (l->is_done || (l->looked_ns && now - l->looked_ns < AGAIN_NS))
		return;
	if (l->looked_ns) {
		look_again(l);
		l->is_done = true;
		return;
	}
	look(l);
	l->looked_ns = now;
	l->is_done = !l->names.n;
}

void leftovers_free(struct leftovers *l)
{
	for (size_t i = 0; i < l->names.n; i++)
		free(l->names.v[i]);
	vec_free(&l->names);
}

void *leftovers_remove(void *unused)
{
	struct leftovers l = {0};

	(void)unused;
	thread_calm();
	for (; !l.is_done; usleep(LOOK_US))
		leftovers_step(&l);
	leftovers_free(&l);
	return NULL;
}

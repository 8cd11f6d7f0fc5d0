/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A kernel that frees the probes of an open event, shown without a crash:
 *
 *	make build/tests/vm/r1; tests/vm/run.sh 6.1 -- build/tests/vm/r1
 *
 * One event gets two probes and is opened by perf; then its name is removed. The kernel must refuse
 * that, and does; but with the bug one of the probes is gone all the same, and freed while it is
 * registered: "2 probes, removal: Device or resource busy, 1 left". The next who opens, closes or
 * maps this file would bring the kernel down, so this program restarts the machine at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing/"
#define NAME	"wedge/busy"

__attribute__((noinline, used)) static void first(void)
{
	__asm__ volatile("nop");
}

__attribute__((noinline, used)) static void second(void)
{
	__asm__ volatile("nop\n\tnop");
}

static void die(const char *what)
{
	fprintf(stderr, "r1: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int probes(void)
{
	char line[512];
	int n = 0;
	FILE *f = fopen(TRACING "uprobe_events", "re");

	if (!f)
		die("uprobe_events");
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, ":" NAME " ");
	fclose(f);
	return n;
}

/* Where in this program's file a function is. */
static unsigned long offset_of(void (*function)(void))
{
	unsigned long at = (unsigned long)function, from, to, offset;
	char line[512];
	FILE *f = fopen("/proc/self/maps", "re");

	if (!f)
		die("/proc/self/maps");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %*s %lx", &from, &to, &offset) == 3 && at >= from &&
		    at < to) {
			fclose(f);
			return at - from + offset;
		}
	die("no mapping of this program");
	return 0;
}

static int open_event(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT,
				       .size = sizeof(attr),
				       .disabled = 1,
				       .enable_on_exec = 1};
	FILE *f = fopen(TRACING "events/" NAME "/id", "re");
	unsigned id;

	if (!f || fscanf(f, "%u", &id) != 1)
		die("the event has no number");
	fclose(f);
	attr.config = id;
	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static void define(int events, const char *path, void (*function)(void))
{
	char line[600];
	int len = snprintf(line, sizeof(line), "p:" NAME " %s:0x%lx\n", path, offset_of(function));

	if (write(events, line, (size_t)len) != len)
		die("uprobe_events takes no definition");
}

int main(void)
{
	int events, before, removed;
	struct utsname host;
	char path[400] = "";
	const char *said;
	FILE *rc;

	if (access("/tmp/vm/job", F_OK))
		die("for the virtual machine of tests/vm/run.sh alone");
	events = open(TRACING "uprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (events < 0 || readlink("/proc/self/exe", path, sizeof(path) - 1) < 0 || uname(&host))
		die("uprobe_events");
	define(events, path, first);
	define(events, path, second);
	if (open_event() < 0)
		die("the event cannot be opened");
	before = probes();
	removed = (int)write(events, "-:" NAME "\n", strlen("-:" NAME "\n"));
	said = removed < 0 ? strerror(errno) : "done";
	printf("%s: %d probes, removal: %s, %d left\n", host.release, before, said, probes());
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	rc = fopen("/tmp/vm/rc", "we");
	if (rc) {
		fputs("0\n", rc);
		fclose(rc);
	}
	sync();
	/* Not exit(): to close the event is what the kernel would not survive. */
	reboot(RB_AUTOBOOT);
	return 1;
}

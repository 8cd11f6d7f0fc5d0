/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Definitions in tracefs' uprobe_events: make one event of many probes, and remove it.
 *
 * A definition is a name in the kernel that outlives its maker; it costs nobody anything until a
 * perf event is opened on it. To remove a name that is open frees its probes while they are
 * registered: the kernel's busy check asks only the last probe of a name (5.4 to the newest). So
 * this process removes what it has closed itself; what a killed one has left, leftovers.c. The name
 * tells the pid namespace, the pid in it, and 64 random bits: two copies in two containers can have
 * the same pid.
 *
 * Appending a probe to an event that is open makes the next perf_event_open dereference NULL inside
 * the kernel (seen on 6.18), and the dying task keeps the lock of the tracing core: only a reboot
 * helps. So an event is defined completely, then sealed, and a sealed event refuses definitions.
 */
#include "probe/mechanism_priv.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The kernel takes a write to uprobe_events in pieces of 4,096 bytes. */
#define WRITE_MAX  4000
#define SEAL_TRIES 20

static const char *const tracefs_roots[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

static int explain_no_tracefs(int err)
{
	if (err == ENODEV)
		return fail(-ENOTSUP, "this kernel has no tracefs (CONFIG_UPROBE_EVENTS)");
	return fail(err == EPERM || err == EACCES ? -EPERM : -ENOTSUP,
		    "tracefs is not mounted here and could not be mounted (%s): as root, run "
		    "`mount -t tracefs tracefs /sys/kernel/tracing`",
		    strerror(err));
}

/* Where it was found: who takes a definition away must not fail to find its place again. */
static const char *found_root;

/* Where tracefs is; mounts it at its usual place when it is nowhere. */
static int find_tracefs(const char **out)
{
	char path[64];

	*out = found_root;
	if (found_root)
		return 0;
	for (int tried = 0; tried < 2; tried++) {
		for (size_t i = 0; i < ARRAY_SIZE(tracefs_roots); i++) {
			*out = tracefs_roots[i];
			snprintf(path, sizeof(path), "%s/uprobe_events", *out);
			if (access(path, F_OK) == 0) {
				found_root = *out;
				return 0;
			}
			if (errno == EACCES || errno == EPERM)
				return fail(-EPERM, "%s may not be read: run as root", *out);
		}
		if (tried == 0) {
			if (mount("tracefs", tracefs_roots[0], "tracefs",
				  MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
				return explain_no_tracefs(errno);
			log_debug("mounted tracefs at %s", tracefs_roots[0]);
		}
	}
	return explain_no_tracefs(ENODEV);
}

int probe_open_events(int flags)
{
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(tracefs_roots); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/uprobe_events", tracefs_roots[i]);
		fd = open(path, flags | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -errno;
}

/* The file that takes definitions: who has given its rights up opens nothing for writing. Once it
 * could not be opened it holds the error, and why: it is not tried again. */
static int kept_fd = -1;
static char kept_why[256];

/* O_APPEND always: a write-open without it makes the kernel clear everybody's events. */
static int open_for_write(const char **root)
{
	char path[64];
	int err = find_tracefs(root);
	int fd;

	if (*kept_why)
		return fail(kept_fd, "%s", kept_why);
	if (err)
		return err;
	if (kept_fd >= 0) {
		fd = fcntl(kept_fd, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? fail(-errno, "no descriptor for a definition of probes: %s",
				     strerror(errno))
			      : fd;
	}
	snprintf(path, sizeof(path), "%s/uprobe_events", *root);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == EROFS)
		return fail(-ENOTSUP, "%s is mounted read-only: remount it read-write", *root);
	if (errno == EACCES || errno == EPERM)
		return fail(-EPERM,
			    "%s may not be written: run as root; a kernel in lockdown mode "
			    "refuses root as well",
			    path);
	return fail(-errno, "%s cannot be opened: %s", path, strerror(errno));
}

int probe_mount(void)
{
	const char *root;

	return find_tracefs(&root);
}

int probe_prepare(void)
{
	const char *root;

	if (kept_fd >= 0)
		return 0;
	kept_fd = open_for_write(&root);
	if (kept_fd >= 0)
		return 0;
	snprintf(kept_why, sizeof(kept_why), "%s", fail_text());
	return kept_fd;
}

static int name_event(struct probe_event *ev, const char *label)
{
	/* Unique in this process for its whole life: a name that was used may still be open. */
	static atomic_uint next_number;
	struct stat ns;
	uint64_t nonce;
	char word[24];
	size_t n = 0;

	if (stat("/proc/self/ns/pid", &ns))
		return fail(-errno, "/proc/self/ns cannot be looked at: is /proc mounted?");
	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return fail(-errno, "no random number for the name of an event: %s",
			    strerror(errno));
	/* The kernel wants an identifier. */
	for (; label && label[n] && n < sizeof(word) - 1; n++)
		word[n] = isalnum((unsigned char)label[n]) ? label[n] : '_';
	word[n] = '\0';
	snprintf(ev->name, sizeof(ev->name), "pyleak_%d_%llx_%016llx/%s_%u", getpid(),
		 (unsigned long long)ns.st_ino, (unsigned long long)nonce, n ? word : "probe",
		 atomic_fetch_add(&next_number, 1));
	return 0;
}

static int write_lines(int fd, const char *text, size_t len)
{
	ssize_t done = write(fd, text, len);

	if (done == (ssize_t)len)
		return 0;
	return done < 0 ? -errno : -EIO;
}

static int define_all(int fd, const struct probe_event *ev, const char *path,
		      const uint64_t *offsets, size_t n, bool on_return)
{
	char text[WRITE_MAX];
	size_t len = 0;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		char line[256];
		int l = snprintf(line, sizeof(line), "%c:%s %s:0x%llx\n", on_return ? 'r' : 'p',
				 ev->name, path, (unsigned long long)offsets[i]);

		if (l < 0 || (size_t)l >= sizeof(line))
			return -ENAMETOOLONG;
		if (len + (size_t)l > sizeof(text)) {
			err = write_lines(fd, text, len);
			len = 0;
		}
		memcpy(text + len, line, (size_t)l);
		len += (size_t)l;
	}
	return err ? err : write_lines(fd, text, len);
}

static int read_id(const char *root, struct probe_event *ev)
{
	char path[192];
	FILE *f;
	int got;

	snprintf(path, sizeof(path), "%s/events/%s/id", root, ev->name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	got = fscanf(f, "%u", &ev->id);
	fclose(f);
	return got == 1 ? 0 : -EIO;
}

int probe_event_define(struct probe_event *ev, const char *label, const char *path,
		       const uint64_t *offsets, size_t n, bool on_return)
{
	const char *root;
	char dir[192];
	int err;

	if (ev->state != EVENT_NONE)
		return fail(-EBUSY, "internal error: event %s is complete and may not be changed",
			    ev->name);
	auto_close int fd = open_for_write(&root);
	if (fd < 0)
		return fd;
	err = name_event(ev, label);
	if (err)
		return err;
	snprintf(dir, sizeof(dir), "%s/events/%s", root, ev->name);
	if (access(dir, F_OK) == 0)
		return fail(-EEXIST, "the kernel already has an event %s", ev->name);

	err = define_all(fd, ev, path, offsets, n, on_return);
	ev->state = EVENT_DEFINED;
	if (!err)
		err = read_id(root, ev);
	if (err) {
		probe_event_remove(ev);
		return fail(err,
			    "the kernel refused a probe definition (%s); %s/error_log may say why",
			    strerror(-err), root);
	}
	log_debug("defined %s: %zu probes", ev->name, n);
	return 0;
}

/* Is @line "p:NAME ..." or "r:NAME ..."? */
static bool line_is_of(const char *line, const char *name)
{
	size_t len = strlen(name);

	return line[0] && line[1] == ':' && !strncmp(line + 2, name, len) && line[2 + len] == ' ';
}

static FILE *open_list(const char *root)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/uprobe_events", root);
	return fopen(path, "re");
}

/* Probes that the list shows for @name. The list is read in pieces, and a piece begins where the
 * one before ended by number: whoever removes definitions meanwhile makes some of the others be
 * skipped. */
static int count_probes(const char *root, const char *name, size_t *out)
{
	auto_free char *line = NULL;
	FILE *f = open_list(root);
	size_t cap = 0;

	*out = 0;
	if (!f)
		return fail(-errno, "%s/uprobe_events cannot be read: %s", root, strerror(errno));
	while (getline(&line, &cap, f) > 0)
		*out += line_is_of(line, name);
	fclose(f);
	return 0;
}

int probe_event_seal(struct probe_event *ev, size_t n)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	size_t found = 0, most = 0;
	const char *root;
	int err = find_tracefs(&root);

	if (err)
		return err;
	if (ev->state != EVENT_DEFINED)
		return fail(-EBUSY, "internal error: event %s is not there to be sealed", ev->name);
	ev->state = EVENT_SEALED;
	/* Seen once is there: only a list that never shows them all has lost some. */
	for (int i = 0; i < SEAL_TRIES && most < n && !err; i++) {
		if (i)
			nanosleep(&pause, NULL);
		err = count_probes(root, ev->name, &found);
		most = found > most ? found : most;
	}
	if (err)
		return err;
	/* Somebody else may remove definitions between two writes (`perf probe -d`, a copy of
	 * before 0.2); with a site missing there would be births nobody sees. */
	if (most != n)
		return fail(-EAGAIN,
			    "event %s has %zu probes instead of %zu: somebody removed some",
			    ev->name, most, n);
	return 0;
}

/* "0" in one instance of tracing ("": the first), or not there at all. */
static bool is_off_in(const char *root, const char *instance, const struct probe_event *ev)
{
	char path[512], text[8] = "";
	int len = snprintf(path, sizeof(path), "%s%s%s/events/%s/enable", root,
			   *instance ? "/instances/" : "", instance, ev->name);

	if (len < 0 || (size_t)len >= sizeof(path))
		return false;
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	return read(fd, text, sizeof(text) - 1) == 2 && !strcmp(text, "0\n");
}

/* Somebody else may have enabled it (`echo 1 > events/enable`): then it is in use. */
bool probe_event_is_off_below(const char *root, const struct probe_event *ev)
{
	char path[384];
	struct dirent *e;
	bool is = true;
	DIR *dir;

	if (!is_off_in(root, "", ev))
		return false;
	snprintf(path, sizeof(path), "%s/instances", root);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT;
	/* A name may begin with a dot; "." has no events, and ".." those that were asked. */
	while (is && (errno = 0, e = readdir(dir)))
		is = is_off_in(root, e->d_name, ev);
	is = is && !errno;
	closedir(dir);
	return is;
}

bool probe_event_is_off(const struct probe_event *ev)
{
	const char *root;

	return !find_tracefs(&root) && probe_event_is_off_below(root, ev);
}

void probe_event_remove(struct probe_event *ev)
{
	const char *root;
	char line[128];

	if (ev->state == EVENT_NONE)
		return;
	if (!probe_event_is_off(ev)) {
		log_debug("event %s stays defined: somebody has enabled it", ev->name);
		memset(ev, 0, sizeof(*ev));
		return;
	}
	auto_close int fd = open_for_write(&root);
	int len = snprintf(line, sizeof(line), "-:%s\n", ev->name);
	int err = fd < 0 ? fd : write_lines(fd, line, (size_t)len);

	if (err && err != -ENOENT)
		log_debug("event %s stays defined: %s", ev->name, strerror(-err));
	memset(ev, 0, sizeof(*ev));
}

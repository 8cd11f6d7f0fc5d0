/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A separate process asks storage whether it answers, because a thread that waits for a FUSE server
 * which has taken the request cannot be killed, and a process with such a thread does not end. A
 * thread of that process asks about each file; at most one hangs for each device.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/packet.h"
#include "base/thread.h"
#include "storage/storage.h"

#define DEVICES	    32
#define PATIENCE_NS 1500000000ull /* probes come out after 2 s without a sign of life */
#define FRESH_NS    1000000000	  /* an answer holds for so long */

struct device {
	dev_t dev;
	unsigned users;	      /* threads that ask about it now; without, its place may be taken */
	pthread_mutex_t lock; /* of what follows, so that one device holds up no other */
	uint64_t answered_ns[STORAGE_QUESTIONS];
	int waits; /* the pipe by which a late answer will come; 0 = none is awaited */
};

/* All threads of the tool share these, as they share the asker. */
static struct helper asker = {.sock = -1};
static struct device device[DEVICES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of each place's device and users */

struct question {
	int file, answer;
	char what;
};

/* Asks in a thread of the asker: makes the calls that a reader of the file is going to make. The
 * answer is a byte, whatever the calls return. */
static void *ask(void *arg)
{
	struct question *q = arg;
	char path[40], byte;
	struct statx st;
	bool is_told;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", q->file);
	if (!statx(q->file, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st) &&
	    q->what == STORAGE_READ && S_ISREG(st.stx_mode)) {
		auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		bool is_read = fd >= 0 && read(fd, &byte, 1) >= 0;

		(void)is_read;
	}
	close(q->file);
	is_told = write(q->answer, "", 1) == 1;
	(void)is_told;
	close(q->answer);
	free(q);
	return NULL;
}

static void begin_to_ask(const int fds[PACKET_FDS], char what)
{
	struct question *q = malloc(sizeof(*q));
	pthread_t thread;

	if (q)
		*q = (struct question){fds[0], fds[1], what};
	if (q && !thread_start(&thread, ask, q)) {
		pthread_detach(thread);
		return;
	}
	free(q);
	close(fds[0]);
	close(fds[1]);
}

static void serve(int sock, void *confine)
{
	int (*const *give_up)(void) = confine;
	int fds[PACKET_FDS];
	char what = 0;
	size_t n;

	helper_title("pyleak-storage (asks whether storage answers, ends with the tool)");
	helper_let_go(sock); /* it may hang for ever */
	if (*give_up && (*give_up)())
		return;
	while (packet_receive_fds(sock, &what, 1, fds, &n) > 0)
		if (n == 2)
			begin_to_ask(fds, what);
		else
			while (n)
				close(fds[--n]);
}

int storage_asker_start(int (*confine)(void))
{
	for (struct device *d = device; d < device + DEVICES; d++)
		pthread_mutex_init(&d->lock, NULL);
	return helper_start("pyleak-storage", serve, &confine, &asker);
}

void storage_asker_stop(void)
{
	helper_release(&asker);
}

bool storage_is_asked(void)
{
	return asker.sock >= 0;
}

/* Has its main thread ended? After a kill a thread that hangs keeps its end of the socket
 * open, and waitpid() waits for that thread, too. */
static bool is_zombie(pid_t pid)
{
	char path[40], line[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && !state && fgets(line, sizeof(line), f))
		if (sscanf(line, "State: %c", &state) != 1)
			state = 0;
	if (f)
		fclose(f);
	return state == 'Z';
}

int storage_asker_check(void)
{
	struct pollfd p = {.fd = asker.sock};

	if (!storage_is_asked() || (poll(&p, 1, 0) <= 0 && !is_zombie(asker.pid)))
		return 0;
	return fail(-ESRCH, "the process that asks storage (pyleak-storage) has ended, so "
			    "processes on overlay, btrfs, tmpfs and network storage are refused: "
			    "start again");
}

/* Finds the device's place, or takes over the one that was asked about least lately; NULL: all are
 * in use. The caller holds the lock. */
static struct device *device_of(dev_t dev)
{
	struct device *oldest = NULL;

	for (struct device *d = device; d < device + DEVICES; d++) {
		if (d->dev == dev)
			return d;
		if (!d->users && !d->waits &&
		    (!oldest || d->answered_ns[STORAGE_LOOK] < oldest->answered_ns[STORAGE_LOOK]))
			oldest = d;
	}
	if (oldest) {
		oldest->dev = dev;
		memset(oldest->answered_ns, 0, sizeof(oldest->answered_ns));
	}
	return oldest;
}

static struct device *begin_with(dev_t dev)
{
	struct device *d;

	pthread_mutex_lock(&lock);
	d = device_of(dev);
	if (d)
		d->users++;
	pthread_mutex_unlock(&lock);
	return d;
}

static void end_with(struct device *d)
{
	pthread_mutex_lock(&lock);
	d->users--;
	pthread_mutex_unlock(&lock);
}

/* Sends a question. Returns the pipe by which the answer comes; only the asker has its other end.
 * 0: the question could not be sent. */
static int send_to_ask(int fd, enum storage_question what)
{
	const char word = (char)what;
	int pair[2], err;

	if (pipe2(pair, O_CLOEXEC))
		return 0;
	err = packet_send_fds(asker.sock, &word, 1, (const int[]){fd, pair[1]}, 2);
	close(pair[1]);
	if (!err)
		return pair[0];
	close(pair[0]);
	return 0;
}

/* Has the awaited answer come by @until? A signal does not end the wait. False as well when the
 * asker could not ask: it closes the pipe without an answer. */
static bool has_come(struct device *d, uint64_t until)
{
	struct pollfd p = {.fd = d->waits, .events = POLLIN};
	bool is_told = true;
	char byte;

	while (d->waits) {
		uint64_t now = clock_ns();
		int n = poll(&p, 1, now < until ? (int)((until - now) / 1000000) + 1 : 0);

		if (n > 0) {
			is_told = read(d->waits, &byte, 1) == 1;
			close(d->waits);
			d->waits = 0;
		} else if (!n || errno != EINTR) {
			return false;
		}
	}
	return is_told;
}

static bool is_fresh(uint64_t answered_ns)
{
	return answered_ns && clock_ns() - answered_ns < FRESH_NS;
}

/* Does the device answer by @until? The caller holds the device's lock. */
static bool answers(struct device *d, int fd, enum storage_question what, uint64_t until)
{
	if (!has_come(d, 0))
		return false;
	if (is_fresh(d->answered_ns[what]))
		return true;
	d->waits = send_to_ask(fd, what);
	if (!d->waits || !has_come(d, until))
		return false;
	/* a device that answers a read answers a look, too */
	for (int k = 0; k <= (int)what; k++)
		d->answered_ns[k] = clock_ns();
	return true;
}

int storage_ask(int fd, enum storage_question what)
{
	uint64_t until = clock_ns() + PATIENCE_NS;
	const struct timespec when = clock_deadline(until);
	struct device *d;
	bool does;
	dev_t dev;

	if (!storage_is_asked() || !storage_may_be_silent(fd, &dev))
		return 0;
	d = begin_with(dev);
	if (!d)
		return -EREMOTE;
	does = !pthread_mutex_clocklock(&d->lock, CLOCK_MONOTONIC, &when);
	if (does) {
		does = answers(d, fd, what, until);
		pthread_mutex_unlock(&d->lock);
	}
	end_with(d);
	return does ? 0 : -EREMOTE;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Debug information from debuginfod servers, for users who set DEBUGINFOD_URLS. A separate process
 * asks the servers, so the tool itself opens no connection. It is sent build ids and sends back
 * descriptors; until it answers, a file is used as it is.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/libc.h"
#include "base/packet.h"
#include "sym/sym_priv.h"

/* Seconds until a server's first answer, and for a whole file: other files wait meanwhile.
 * libdebuginfod itself would wait 90 s for an answer, and for a file as long as it takes. */
#define ANSWER_S "10"
#define WHOLE_S	 "20"
#define MAX_SIZE "268435456" /* SYM_DEBUG_MAX, as text */
#define SLOW_NS	 8000000000ull
#define MAX_ID	 64

struct answer {
	bool is_slow;
};

/* The tool has one asker, as it has one DEBUGINFOD_URLS. It is started before there are threads.
 * Only the thread that steps sessions uses it, for one file at a time. */
static struct helper asker = {.sock = -1};
static bool is_asking;
/* asked is locked, because a session may be closed by another thread than the one that takes the
 * answer */
static pthread_mutex_t asked_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sym_file *asked; /* the file whose answer is awaited; NULL: none, or it was closed */
static uint64_t asked_ns;      /* when it was asked for */
static uint64_t silent_ns;     /* when the servers last were found too slow; 0 = never */

static void set_bounds(void)
{
	setenv("DEBUGINFOD_TIMEOUT", ANSWER_S, 0);
	setenv("DEBUGINFOD_RETRY_LIMIT", "0", 0);
	setenv("DEBUGINFOD_MAXTIME", WHOLE_S, 0);
	setenv("DEBUGINFOD_MAXSIZE", MAX_SIZE, 0);
}

/* Has libdwfl ask the servers for a module of which only the build id is known. Returns a
 * descriptor; -1: they have none. */
static int ask(const unsigned char *id, int n)
{
	static const Dwfl_Callbacks none = {0};
	Dwfl *dwfl = dwfl_begin(&none);
	Dwfl_Module *mod = dwfl ? dwfl_report_module(dwfl, "asked", 4096, 8192) : NULL;
	void *unused = NULL, **userdata = &unused;
	char *file = NULL;
	int fd = -1;

	if (mod && !dwfl_module_report_build_id(mod, id, (size_t)n, 0))
		fd = dwfl_standard_find_debuginfo(mod, userdata, "asked", 4096, NULL, NULL, 0,
						  &file);
	free(file);
	dwfl_end(dwfl);
	return fd;
}

static void serve(int sock, void *confine)
{
	int (*const *give_up)(void) = confine;
	unsigned char id[MAX_ID];
	ssize_t n;

	set_bounds();
	if (!getenv("DEBUGINFOD_VERBOSE")) /* its messages go to the terminal then */
		helper_let_go(sock);
	if (*give_up && (*give_up)())
		return;
	while ((n = packet_receive(sock, id, sizeof(id), NULL)) > 0) {
		uint64_t begin = clock_ns();
		int fd = ask(id, (int)n);
		const struct answer a = {fd < 0 && clock_ns() - begin > SLOW_NS};

		if (packet_send(sock, &a, sizeof(a), fd))
			return;
		close_fd(&fd);
	}
}

int sym_servers_start(int (*confine)(void))
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	if (LIBC_IS_STATIC && urls && *urls) {
		log_info("DEBUGINFOD_URLS is not used: the static build asks no servers");
		return 0;
	}
	return urls && *urls ? helper_start("pyleak-debug", serve, &confine, &asker) : 0;
}

/* The asker may still wait for a server: it ends later, and a file that arrives by then is in its
 * cache the next time. */
void sym_servers_stop(void)
{
	helper_release(&asker);
	is_asking = false;
}

static size_t id_bytes(const char *hex, unsigned char id[MAX_ID])
{
	size_t n = 0;
	unsigned byte;

	while (n < MAX_ID && sscanf(hex + 2 * n, "%2x", &byte) == 1)
		id[n++] = (unsigned char)byte;
	return n;
}

int sym_servers_find(struct sym_file *f)
{
	if (f->asked == SYM_ANSWERED)
		return f->served < 0 ? -1 : fcntl(f->served, F_DUPFD_CLOEXEC, 3);
	if (!f->asked && asker.sock >= 0)
		f->asked = SYM_WANTED;
	return -1;
}

void sym_servers_forget(struct sym_file *f)
{
	pthread_mutex_lock(&asked_lock);
	if (asked == f)
		asked = NULL;
	pthread_mutex_unlock(&asked_lock);
	if (f->asked == SYM_ANSWERED)
		close_fd(&f->served);
}

static struct sym_file *first(const struct sym *s, enum sym_asked state)
{
	for (size_t i = 0; i < s->n_files; i++)
		if (s->file[i]->asked == state)
			return s->file[i];
	return NULL;
}

bool sym_servers_are_silent(const struct sym *s)
{
	return silent_ns >= s->opened_ns;
}

static bool is_waiting(const struct sym *s)
{
	return asker.sock >= 0 && !sym_servers_are_silent(s) &&
	       (first(s, SYM_ASKED) || first(s, SYM_WANTED));
}

/* Ends the asking for all sessions that are open now: where one has waited in vain, the others need
 * not try. Sessions opened later ask again. */
static void give_up(void)
{
	silent_ns = clock_ns();
	log_warn("the servers of DEBUGINFOD_URLS do not answer in time: not asked again");
}

static void ask_next(const struct sym *s)
{
	struct sym_file *f = is_asking || !is_waiting(s) ? NULL : first(s, SYM_WANTED);
	unsigned char id[MAX_ID];

	if (!f)
		return;
	log_info("asking the debuginfod servers for %s", f->path);
	if (packet_send(asker.sock, id, id_bytes(dso_build_id(f->dso), id), -1)) {
		helper_release(&asker);
		return;
	}
	f->asked = SYM_ASKED;
	pthread_mutex_lock(&asked_lock);
	asked = f;
	pthread_mutex_unlock(&asked_lock);
	asked_ns = clock_ns();
	is_asking = true;
}

static bool has_come(uint64_t until_ns)
{
	struct pollfd p = {.fd = asker.sock, .events = POLLIN};
	uint64_t now = clock_ns();

	return is_asking &&
	       poll(&p, 1, now < until_ns ? (int)((until_ns - now) / 1000000) + 1 : 0) > 0;
}

/* True: the file that was asked for has got debug information. */
static bool give_to_asked(int fd)
{
	bool is_news = false;

	pthread_mutex_lock(&asked_lock);
	if (asked) {
		asked->asked = SYM_ANSWERED;
		asked->served = fd;
		is_news = fd >= 0;
		if (is_news)
			sym_file_renew(asked);
		asked = NULL;
	} else {
		close_fd(&fd);
	}
	pthread_mutex_unlock(&asked_lock);
	return is_news;
}

/* False: no answer has come by then. */
static bool take_answer(uint64_t until_ns, bool *is_news)
{
	struct answer a = {0};
	int fd = -1;

	if (!has_come(until_ns))
		return false;
	if (packet_receive(asker.sock, &a, sizeof(a), &fd) != (ssize_t)sizeof(a))
		helper_release(&asker);
	is_asking = false;
	if (a.is_slow && asked_ns > silent_ns)
		give_up();
	*is_news |= give_to_asked(fd);
	return true;
}

bool sym_hear(struct sym *s, uint64_t until_ns)
{
	bool is_news = false;

	do
		ask_next(s);
	while (take_answer(is_waiting(s) ? until_ns : 0, &is_news));
	if (until_ns && is_waiting(s))
		give_up();
	return is_news;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Debug information from debuginfod servers, for who asks for it by DEBUGINFOD_URLS. A process of
 * its own asks them, whatever talks to the network there: the tool itself opens no connection. It
 * is sent build ids, and sends back descriptors.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/libc.h"
#include "base/packet.h"
#include "sym/sym_priv.h"

/* We wait for them, and do nothing else meanwhile. libdebuginfod's own: 90 s without an answer, and
 * as long as it takes with one. */
#define ANSWER_S "10"
#define WHOLE_S	 "20"
#define MAX_SIZE "268435456" /* SYM_DEBUG_MAX */
#define SLOW_NS	 8000000000ull
#define MAX_ID	 64

struct answer {
	bool is_slow;
};

/* Of the whole process, as the variable is; started before there are threads. */
static struct helper asker = {.sock = -1};
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void set_bounds(void)
{
	setenv("DEBUGINFOD_TIMEOUT", ANSWER_S, 0);
	setenv("DEBUGINFOD_RETRY_LIMIT", "0", 0);
	setenv("DEBUGINFOD_MAXTIME", WHOLE_S, 0);
	setenv("DEBUGINFOD_MAXSIZE", MAX_SIZE, 0);
}

/* libdwfl asks them for a module of which nothing is known but its build id. */
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

void sym_servers_stop(void)
{
	helper_stop(&asker);
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
	struct answer a = {0};
	unsigned char id[MAX_ID];
	size_t n = id_bytes(dso_build_id(f->dso), id);
	int fd = -1;

	if (asker.sock < 0 || !n || !f->no_servers || *f->no_servers)
		return -1;
	log_info("asking the debuginfod servers for %s", f->path);
	pthread_mutex_lock(&one_at_a_time);
	if (packet_send(asker.sock, id, n, -1) ||
	    packet_receive(asker.sock, &a, sizeof(a), &fd) != (ssize_t)sizeof(a))
		*f->no_servers = true;
	pthread_mutex_unlock(&one_at_a_time);
	if (fd < 0 && a.is_slow) {
		*f->no_servers = true;
		log_warn("the servers of DEBUGINFOD_URLS do not answer in time: not asked again");
	}
	return fd;
}

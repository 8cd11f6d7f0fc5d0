/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Debug information from debuginfod servers, for who asks for it by DEBUGINFOD_URLS. */
#include "sym/sym_priv.h"

/* We wait for them, and do nothing else meanwhile. libdebuginfod's own: 90 s without an answer, and
 * as long as it takes with one. */
#define ANSWER_S "10"
#define WHOLE_S	 "20"
#define MAX_SIZE "268435456" /* SYM_DEBUG_MAX */
#define SLOW_NS	 8000000000ull

static bool has_servers(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	return urls && *urls;
}

bool sym_asks_servers(void)
{
	if (!has_servers())
		return false;
	setenv("DEBUGINFOD_TIMEOUT", ANSWER_S, 0);
	setenv("DEBUGINFOD_RETRY_LIMIT", "0", 0);
	setenv("DEBUGINFOD_MAXTIME", WHOLE_S, 0);
	setenv("DEBUGINFOD_MAXSIZE", MAX_SIZE, 0);
	return true;
}

int sym_servers_find(struct sym_file *f, Dwfl_Module *mod, void **userdata, const char *name,
		     Dwarf_Addr base, char **debug_file)
{
	uint64_t begin = clock_ns();
	int fd;

	/* Not asked, the client stays out: it brings a web stack of 10 MB. */
	if (!has_servers() || !f->no_servers || *f->no_servers)
		return -1;
	log_info("asking the debuginfod servers for %s", f->path);
	fd = dwfl_standard_find_debuginfo(mod, userdata, name, base, NULL, NULL, 0, debug_file);
	if (fd < 0 && clock_ns() - begin > SLOW_NS) {
		*f->no_servers = true;
		log_warn("the servers of DEBUGINFOD_URLS do not answer in time: not asked again");
	}
	return fd;
}

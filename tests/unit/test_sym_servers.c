/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Debug information that a server has, and one that keeps silent: nobody waits for it who does not
 * say how long. */
#include "sym/sym_priv.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define SECOND	 1000000000ull
#define AT_ONCE	 (SECOND / 2)
#define PATIENCE (20 * SECOND)

static char dir[64];

static void sh(const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && %s", dir, command);
	assert_int_equal(system(line), 0);
}

static int listen_here(char url[64])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(url, 64, "http://127.0.0.1:%d", ntohs(at.sin_port));
	return fd;
}

/* The file for the next who asks, whatever for. */
static void answer_one(int listening)
{
	char path[96], buf[4096];
	int to = accept(listening, NULL, NULL);
	FILE *f;
	struct stat st;
	size_t n;

	assert_true(read(to, buf, sizeof(buf)) > 0);
	snprintf(path, sizeof(path), "%s/served.debug", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	fstat(fileno(f), &st);
	dprintf(to, "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", (long long)st.st_size);
	while ((n = fread(buf, 1, sizeof(buf), f)))
		assert_int_equal(write(to, buf, n), n);
	fclose(f);
	close(to);
}

struct asked {
	struct proc *p;
	struct sym *s;
	struct sym_pc pc;
	int server;
};

static struct asked begin(void)
{
	struct asked a;
	char path[96], url[64];
	void *at;

	alarm(60);
	snprintf(path, sizeof(path), "%s/served.so", dir);
	at = dlopen(path, RTLD_NOW);
	at = at ? dlsym(at, "served") : NULL;
	assert_non_null(at);
	a.server = listen_here(url);
	setenv("DEBUGINFOD_URLS", url, 1);
	assert_int_equal(sym_servers_start(NULL), 0);
	assert_int_equal(proc_open(getpid(), &a.p), 0);
	assert_int_equal(sym_open(a.p, &a.s), 0);
	assert_true(sym_locate(a.s, (uintptr_t)at + 4, &a.pc));
	return a;
}

/* Its line, 0 = it has none; the name it has from the file itself. */
static int line_of(struct asked *a)
{
	const struct sym_frame *f;

	assert_int_equal(sym_names(a->s, &a->pc, &f), 1);
	assert_string_equal(f[0].function, "served");
	return f[0].line;
}

static void end(struct asked *a)
{
	uint64_t began = clock_ns();

	sym_close(a->s);
	sym_servers_stop();
	proc_close(a->p);
	assert_true(clock_ns() - began < AT_ONCE);
	close(a->server);
}

static pid_t serve(const struct asked *a)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	alarm(PATIENCE / SECOND);
	answer_one(a->server);
	_exit(0);
}

static void silent(void **state)
{
	struct asked a = begin();
	uint64_t began = clock_ns();

	(void)state;
	assert_int_equal(line_of(&a), 0);
	assert_false(sym_hear(a.s, 0));
	assert_int_equal(line_of(&a), 0);
	assert_false(sym_hear(a.s, 0));
	assert_false(sym_servers_are_silent(a.s));
	assert_true(clock_ns() - began < AT_ONCE);
	assert_false(sym_hear(a.s, clock_ns() + AT_ONCE / 10));
	assert_true(sym_servers_are_silent(a.s));
	assert_true(clock_ns() - began < 2 * AT_ONCE);
	end(&a);
}

/* One has waited in vain: nothing is asked for another who is there, and nobody waits again. Who
 * comes later asks. */
static void silent_to_all(void **state)
{
	struct asked a = begin(), b = a;
	uint64_t began;

	(void)state;
	assert_int_equal(sym_open(a.p, &b.s), 0);
	assert_true(sym_locate(b.s, a.pc.pc, &b.pc));
	assert_int_equal(line_of(&a), 0);
	assert_int_equal(line_of(&b), 0);
	assert_false(sym_hear(a.s, clock_ns() + AT_ONCE / 10));
	assert_true(sym_servers_are_silent(a.s));
	assert_true(sym_servers_are_silent(b.s));
	began = clock_ns();
	assert_false(sym_hear(b.s, began + PATIENCE));
	assert_true(clock_ns() - began < AT_ONCE);
	sym_close(b.s);
	assert_int_equal(sym_open(a.p, &b.s), 0);
	assert_false(sym_servers_are_silent(b.s));
	sym_close(b.s);
	end(&a);
}

/* The answer comes, and the file has its lines. */
static void hear(struct asked *a)
{
	pid_t server = serve(a);

	assert_true(sym_hear(a->s, clock_ns() + PATIENCE));
	assert_int_equal(line_of(a), 2);
	assert_int_equal(waitpid(server, NULL, 0), server);
}

static void late(void **state)
{
	struct asked a = begin();

	(void)state;
	assert_int_equal(line_of(&a), 0);
	assert_false(sym_hear(a.s, 0));
	hear(&a);
	/* Debug information that was given back is not asked for again. */
	for (size_t i = 0; i < a.s->n_files; i++)
		sym_file_renew(a.s->file[i]);
	assert_int_equal(line_of(&a), 2);
	assert_false(sym_servers_are_silent(a.s));
	end(&a);
}

/* The answer is to a file that nobody has open any more, and the next one is asked for. */
static void forgotten(void **state)
{
	struct asked a = begin();

	(void)state;
	assert_int_equal(line_of(&a), 0);
	assert_false(sym_hear(a.s, 0));
	sym_close(a.s);
	assert_int_equal(sym_open(a.p, &a.s), 0);
	assert_true(sym_locate(a.s, a.pc.pc, &a.pc));
	assert_int_equal(line_of(&a), 0);
	hear(&a);
	end(&a);
}

/* An empty cache for each. */
static int clean(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/cache", dir);
	sh("rm -rf cache");
	setenv("DEBUGINFOD_CACHE_PATH", path, 1);
	setenv("no_proxy", "*", 1);
	return 0;
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/pyleak-sym-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	sh("printf 'int x;\\nvoid served(void) { x++; }\\n' > served.c && "
	   "gcc -g -fPIC -shared -Wl,--build-id served.c -o served.so && "
	   "objcopy --only-keep-debug served.so served.debug && strip served.so");
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	sh("rm -rf $PWD");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(silent, clean),
		cmocka_unit_test_setup(silent_to_all, clean),
		cmocka_unit_test_setup(late, clean),
		cmocka_unit_test_setup(forgotten, clean),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

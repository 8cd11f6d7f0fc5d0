/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whoever waits in the kernel is named, whichever of its threads it is, and also where a signal
 * would end that: who reads from FUSE may hold an mmap_lock meanwhile. */
#include "base/base.h"
#include "probe/waited_for.h"

#include <linux/fuse.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "kern/waiting.h"

#define ENOUGH 100 /* looks */

static int serve_nothing;
static char top[32];

static void *ask(void *unused)
{
	char path[64];

	(void)unused;
	snprintf(path, sizeof(path), "%s/file", top);
	return access(path, F_OK) ? NULL : top;
}

/* Greets the kernel, and answers no question. */
static bool greet(void)
{
	struct {
		struct fuse_out_header head;
		struct fuse_init_out init;
	} answer = {.head.len = sizeof(answer), .init.major = FUSE_KERNEL_VERSION};
	char request[65536];
	const struct fuse_in_header *head = (const void *)request;
	const struct fuse_init_in *init = (const void *)(head + 1);

	if (read(serve_nothing, request, sizeof(request)) < 0 || head->opcode != FUSE_INIT)
		return false;
	answer.head.unique = head->unique;
	answer.init.minor = init->minor;
	answer.init.max_write = 4096;
	return write(serve_nothing, &answer, sizeof(answer)) == sizeof(answer);
}

/* In its second thread, by a mount that nobody else has. */
static void wait_for_fuse(int told)
{
	char options[64];
	pthread_t thread;

	serve_nothing = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0",
		 serve_nothing);
	if (serve_nothing < 0 || unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, "") ||
	    mount("silent", top, "fuse", MS_NOSUID | MS_NODEV, options) || !greet())
		return;
	if (!pthread_create(&thread, NULL, ask, NULL) && write(told, "y", 1) == 1)
		pthread_join(thread, NULL);
}

/* Others may wait for a moment, and be named in its place. */
static bool is_named(const char *whom)
{
	char who[128];

	for (int i = 0; i < ENOUGH; i++) {
		waited_for_look();
		waited_for_tell(who, sizeof(who));
		if (strstr(who, whom))
			return true;
		usleep(50000);
	}
	print_message("%s is not among: %s\n", whom, who);
	return false;
}

static void check(const char *name, waiting_fn wait_in_kernel)
{
	char whom[64];
	bool is;
	pid_t pid;

	if (!waiting_start(&pid, name, wait_in_kernel)) {
		waiting_end(pid);
		print_message("no such wait can be made here\n");
		skip();
	}
	snprintf(whom, sizeof(whom), "%s (%d)", name, pid);
	is = is_named(whom);
	waiting_end(pid);
	assert_true(is);
}

static void a_thread_that_is_not_the_first(void **state)
{
	(void)state;
	check("has a child", wait_for_a_child);
}

static void a_read_of_fuse_that_signals_can_end(void **state)
{
	(void)state;
	strcpy(top, "/tmp/pyleak-silent-XXXXXX");
	assert_non_null(mkdtemp(top));
	check("reads fuse", wait_for_fuse);
}

static int remove_top(void **state)
{
	(void)state;
	return rmdir(top);
}

static void threads_that_rest_are_not(void **state)
{
	char who[128], self[32];

	(void)state;
	waited_for_look();
	waited_for_tell(who, sizeof(who));
	snprintf(self, sizeof(self), "(%d)", getpid());
	assert_null(strstr(who, self));
	snprintf(self, sizeof(self), "(%d)", getppid());
	assert_null(strstr(who, self));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_that_is_not_the_first),
		cmocka_unit_test_teardown(a_read_of_fuse_that_signals_can_end, remove_top),
		cmocka_unit_test(threads_that_rest_are_not),
	};

	return cmocka_run_group_tests_name("waited for", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files on a FUSE mount whose server never answers: named by a process as its source, or asked. */
#include "storage/storage.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"
#include "proc/gate.h"
#include "unit.h"
#include "unit/silent.h"

#define PATIENCE_MS 10000

static void tables_are_not_taken_at_their_owners_word(void **state)
{
	static const struct {
		const char *line;
		long user;
	} rows[] = {
		{"36 28 0:52 / /mnt rw,nosuid - fuse.sshfs web:/srv rw,user_id=1000,group_id=0\n",
		 1000},
		{"36 28 0:52 / /mnt rw shared:7 - fuse cvmfs ro,user_id=0,allow_other\n", 0},
		{"36 28 0:53 / /mnt rw - fuse cvmfs ro,user_id=0,allow_other\n", -1},
		{"36 28 8:52 / /mnt/0:52 rw - ext4 /dev/sda rw\n", -1},
		{"36 28 0:52 / /mnt rw - overlay ,user_id=7 rw\n", -1},
		{"36 28 0:52 / /mnt rw - virtiofs src rw\n", 0},
		/* Names that their owner chose. */
		{"36 28 0:52 / /mnt rw - fuse.user_id=0 user_id=0 rw,user_id=1000\n", 1000},
		{"36 28 0:52 / /mnt rw - fuse.a,user_id=0 b,user_id=0 rw,user_id=1000\n", 1000},
		{"36 28 0:51 / /0:52 rw - fuse x rw,user_id=0\n", -1},
		{"36 28 0:52 / /mnt rw - fuse", -1},
		{"36 28 0:52 / /mnt rw - fuse x", -1},
		{"", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		long user = storage_parse_mount(rows[i].line, makedev(0, 52));

		if (user != rows[i].user)
			fail_msg("%s: user %ld", rows[i].line, user);
	}
}

static int ask_gate(const struct proc *p, const void *name)
{
	int fd = -1;

	return proc_open_named(p, name, 1 << 20, &fd);
}

/* The answer of @question; 1 when it is still waiting after PATIENCE_MS. */
static int ask_by(int (*question)(const struct proc *p, const void *ctx), const struct proc *p,
		  const void *ctx)
{
	int answer[2], err = 1;
	struct pollfd waits;
	pid_t asker;

	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	asker = fork();
	if (!asker) {
		err = question(p, ctx);
		_exit(write(answer[1], &err, sizeof(err)) != sizeof(err));
	}
	waits = (struct pollfd){.fd = answer[0], .events = POLLIN};
	if (poll(&waits, 1, PATIENCE_MS) > 0)
		assert_int_equal(read(answer[0], &err, sizeof(err)), sizeof(err));
	kill(asker, SIGKILL);
	close(answer[0]);
	close(answer[1]);
	return err;
}

static int ask(const struct proc *p, const char *name)
{
	return ask_by(ask_gate, p, name);
}

static void *ask_silent(void *fd)
{
	return storage_ask(*(int *)fd, STORAGE_LOOK) == -EREMOTE ? fd : NULL;
}

/* One question about a silent directory waits, and holds up neither the end of this process nor
 * questions about other files. 0: as it should be. */
static int ask_storage(const struct proc *p, const void *mount)
{
	const struct silent *s = mount;
	char name[64];
	const struct proc_map row = {.inode = 1, .path = name};
	int silent = silent_open(s), fine = memfd_create("fine", MFD_CLOEXEC), fd;
	pthread_t thread;
	uint64_t begin;
	void *silence;

	if (silent < 0 || fine < 0 || storage_asker_start(NULL))
		return 2;
	/* The asker may have no CPU for a while. */
	for (int i = 0; storage_ask(fine, STORAGE_READ); i++)
		if (i == 10)
			return 3;
	/* A file that is mapped: it is a user's, and nobody is asked. */
	snprintf(name, sizeof(name), "%s/lib.so", s->top);
	begin = clock_ns();
	if (proc_map_open(p, &row, &fd) != -EREMOTE || clock_ns() - begin > 900000000)
		return 9;
	if (thread_start(&thread, ask_silent, &silent))
		return 2;
	usleep(200000);
	begin = clock_ns();
	if (storage_ask(fine, STORAGE_READ) || clock_ns() - begin > 900000000)
		return 8;
	if (pthread_join(thread, &silence) || !silence)
		return 4;
	begin = clock_ns();
	if (storage_ask(silent, STORAGE_LOOK) != -EREMOTE || clock_ns() - begin > 1400000000)
		return 5;
	if (gate_reopen(silent, UINT64_MAX, &fd) != -EREMOTE || storage_ask(fine, STORAGE_LOOK))
		return 6;
	/* An error is an answer. */
	kill(p->pid, SIGKILL);
	while (storage_ask(silent, STORAGE_LOOK) && clock_ns() - begin < 5000000000)
		;
	return storage_ask(silent, STORAGE_LOOK) ? 7 : 0;
}

static void nobody_waits_for_a_silent_server(void **state)
{
	char name[64], link[64];
	struct proc *p = NULL;
	int direct, by_link, below, asked;
	struct silent mount;

	(void)state;
	if (!silent_start(&mount))
		skip();
	assert_int_equal(proc_open(mount.server, &p), 0);
	snprintf(name, sizeof(name), "%s/app.py", mount.top);
	snprintf(link, sizeof(link), "%s.link", mount.top);
	assert_int_equal(symlink(name, link), 0);
	direct = ask(p, name);
	by_link = ask(p, link);
	below = ask(p, "/tmp/./../etc/passwd");
	asked = ask_by(ask_storage, p, &mount);
	silent_stop(&mount); /* before anything can fail */
	while (waitpid(-1, NULL, 0) > 0)
		;
	proc_close(p);
	unlink(link);
	assert_int_equal(direct, -EREMOTE);
	assert_int_equal(by_link, -EREMOTE);
	assert_int_equal(below, 0);
	assert_int_equal(asked, 0);
}

static int die(void)
{
	return raise(SIGKILL);
}

static void *hang(void *arg)
{
	sleep(PATIENCE_MS / 1000);
	return arg;
}

/* Ends but for a thread, as a killed asker does with one that waits for a FUSE server. */
static int die_but_for_a_thread(void)
{
	pthread_t thread;

	if (!thread_start(&thread, hang, NULL))
		pthread_exit(NULL);
	return 0;
}

/* Is it told within two seconds that the asker has ended? */
static bool is_told(void)
{
	for (int i = 0; i < 200 && !storage_asker_check(); i++)
		usleep(10000);
	return storage_asker_check() && strstr(fail_text(), "(pyleak-storage) has ended");
}

/* 0: no file was taken for one that answers, and it is told why. */
static int ask_dead(const struct proc *p, const void *death)
{
	int (*const *confine)(void) = death;
	int fd = memfd_create("fine", MFD_CLOEXEC);

	(void)p;
	if (fd < 0 || storage_asker_check() || storage_asker_start(*confine))
		return 2;
	if (!is_told())
		return 4;
	for (int i = 0; i < 3; i++)
		if (storage_ask(fd, STORAGE_LOOK) != -EREMOTE)
			return 3;
	return 0;
}

static int ask_without_descriptors(const struct proc *p, const void *ctx)
{
	const struct rlimit none = {0};
	int fd = memfd_create("fine", MFD_CLOEXEC);

	(void)p;
	(void)ctx;
	if (fd < 0 || storage_asker_start(NULL) || setrlimit(RLIMIT_NOFILE, &none))
		return 2;
	if (storage_asker_check()) /* it lives */
		return 4;
	return storage_ask(fd, STORAGE_LOOK) == -EREMOTE ? 0 : 3;
}

/* To open them then could mean to wait for ever. */
static void files_that_cannot_be_asked_about_do_not_answer(void **state)
{
	static int (*const deaths[])(void) = {die, die_but_for_a_thread};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(deaths); i++)
		assert_int_equal(ask_by(ask_dead, NULL, &deaths[i]), 0);
	assert_int_equal(ask_by(ask_without_descriptors, NULL, NULL), 0);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* As the kernel's: a directory for each mount, which is its owner's. */
static void list_mount(const char *list, const char *name, uid_t owner)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", list, name);
	assert_int_equal(mkdir(path, 0500), 0);
	assert_int_equal(chown(path, owner, owner), 0);
}

static void unlist_all(const char *list)
{
	static const char *const names[] = {"51", "52", ""};
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", list, names[i]);
		rmdir(path);
	}
}

static void a_list_that_cannot_be_read_may_have_anybody(void **state)
{
	char list[] = "/tmp/pyleak-fuse-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(list));
	assert_false(storage_lists_users(list));
	list_mount(list, "51", 0);
	assert_false(storage_lists_users(list));
	list_mount(list, "52", 1000);
	assert_true(storage_lists_users(list));
	unlist_all(list);
	assert_false(storage_lists_users(list));     /* no FUSE in this kernel */
	assert_true(storage_lists_users("/sys/fs")); /* where it would be mounted */
	assert_true(storage_lists_users("/proc/self/exe"));
}

/* Returns its file, with a mount that it alone has; -1: none can be made. */
static int overlay_start(const char *top, int namespaces, pid_t *pid)
{
	char ready = 'n', path[64];
	int told[2];

	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	*pid = fork();
	if (!*pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!unshare(namespaces) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, "") &&
		    !mount("user", top, "overlay", MS_RDONLY, "lowerdir=/etc:/usr"))
			ready = 'y';
		if (write(told[1], &ready, 1) == 1 && ready == 'y')
			pause();
		_exit(0);
	}
	close(told[1]);
	assert_int_equal(read(told[0], &ready, 1), 1);
	close(told[0]);
	snprintf(path, sizeof(path), "/proc/%d/root%s/passwd", *pid, top);
	return ready == 'y' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

static void an_overlay_of_a_user_may_lie_on_fuse(void **state)
{
	char top[] = "/tmp/pyleak-overlay-XXXXXX", list[] = "/tmp/pyleak-fuse-XXXXXX";
	int of_root, of_user, held[4];
	pid_t root, user;

	(void)state;
	assert_non_null(mkdtemp(top));
	assert_non_null(mkdtemp(list));
	list_mount(list, "51", 0);
	of_root = overlay_start(top, CLONE_NEWNS, &root);
	of_user = overlay_start(top, CLONE_NEWUSER | CLONE_NEWNS, &user);
	held[0] = storage_is_held(user, of_user, list);
	list_mount(list, "52", 1000);
	held[1] = storage_is_held(user, of_user, list);
	held[2] = storage_is_held(getpid(), of_user, list); /* run below /proc/PID/root */
	held[3] = storage_is_held(root, of_root, list);
	unlist_all(list);
	kill(root, SIGKILL);
	kill(user, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(of_root);
	close(of_user);
	rmdir(top);
	if (of_root < 0 || of_user < 0) {
		print_message("no overlay can be mounted here\n");
		skip();
	}
	assert_false(held[0]);
	assert_true(held[1]);
	assert_true(held[2]);
	assert_false(held[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_that_cannot_be_read_may_have_anybody),
		cmocka_unit_test(an_overlay_of_a_user_may_lie_on_fuse),
		cmocka_unit_test(tables_are_not_taken_at_their_owners_word),
		cmocka_unit_test(nobody_waits_for_a_silent_server),
		cmocka_unit_test(files_that_cannot_be_asked_about_do_not_answer),
	};

	if (geteuid()) {
		print_message("storage: needs root, for mounts\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

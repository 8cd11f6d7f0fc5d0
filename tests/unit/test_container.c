/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Containers by the names of cgroups, as the runtimes write them. */
#include <stdio.h>
#include <unistd.h>

#include "container/container.h"
#include "unit.h"

#define ID  "3f5c0e1d2b4a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define UID "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"

static const struct {
	const char *text, *id, *runtime, *uid;
} cases[] = {
	{"0::/system.slice/docker-" ID ".scope\n", ID, "docker", ""},
	{"12:memory:/docker/" ID "\n0::/system.slice/containerd.service\n", ID, "docker", ""},
	{"0::/machine.slice/libpod-" ID ".scope/container\n", ID, "podman", ""},
	{"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope\n", ID,
	 "podman", ""},
	{"0::/kubepods.slice/kubepods-burstable.slice/"
	 "kubepods-burstable-pod0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9.slice/cri-containerd-" ID
	 ".scope\n",
	 ID, "containerd", UID},
	{"4:memory:/kubepods/besteffort/pod" UID "/" ID "\n", ID, "containerd", UID},
	{"0::/kubepods.slice/kubepods-pod0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9.slice/crio-" ID
	 ".scope\n",
	 ID, "cri-o", UID},
	{"0::/machine.slice/systemd-nspawn@web\\x2d1.service/payload\n", "web-1", "systemd-nspawn",
	 ""},
	/* a code that is cut is none, and does not lead behind the name */
	{"0::/machine.slice/systemd-nspawn@web\\x5.service\n", "web\\x5", "systemd-nspawn", ""},
	{"0::/machine.slice/systemd-nspawn@a\\x 5b.service\n", "a\\x 5b", "systemd-nspawn", ""},
	{"0::/machine.slice/machine-build.scope\n", "build", "systemd-nspawn", ""},
	{"0::/lxc.payload.db/init.scope\n", "db", "lxc", ""},
	{"3:memory:/lxc/db\n", "db", "lxc", ""},
	/* docker in docker: the innermost */
	{"0::/docker/" ID "/docker/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "\n",
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "docker", ""},
	{"0::/user.slice/user-1000.slice/session-2.scope\n", NULL, NULL, NULL},
	{"0::/system.slice/docker.service\n", NULL, NULL, NULL},
	{"0::/system.slice/docker-0123.scope\n", NULL, NULL, NULL},
	{"0::/\n", NULL, NULL, NULL},
	{"", NULL, NULL, NULL},
	{"::::\n:\n/docker/\n0:", NULL, NULL, NULL},
};

static void runtimes_are_told_by_their_cgroups(void **state)
{
	struct proc_container c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool is = proc_container_parse(cases[i].text, &c);

		if (is != (cases[i].id != NULL))
			fail_msg("%s: %s %s", cases[i].text, c.runtime, c.id);
		if (!is)
			continue;
		assert_string_equal(c.id, cases[i].id);
		assert_string_equal(c.runtime, cases[i].runtime);
		assert_string_equal(c.pod_uid, cases[i].uid);
	}
}

static void this_process_may_be_asked(void **state)
{
	struct proc_container c;
	struct proc *p;

	(void)state;
	assert_int_equal(proc_open(getpid(), &p), 0);
	if (!proc_container(p, &c))
		assert_string_equal(c.id, "");
	proc_close(p);
}

static void put(const char *root, const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "mkdir -p %s%s", root, dir);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s%s/%s", root, dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* As the files of a kubelet and of docker tell; what lies or is missing leaves the name out. */
static void names_are_where_the_runtimes_keep_them(void **state)
{
	struct proc_container c = {.id = ID, .runtime = "containerd", .pod_uid = UID};
	char root[] = "/tmp/pyleak-container-XXXXXX", command[64];

	(void)state;
	assert_non_null(mkdtemp(root));
	proc_container_name(0, root, &c);
	assert_string_equal(c.name, "");
	put(root, "/var/log/pods/shop_web-7d9f_" UID, "x", "");
	put(root, "/var/log/pods/shop_other_0" UID, "x", "");
	put(root, "/var/log/containers", "a", "");
	put(root, "/var/log/containers", "web-7d9f_shop_gunicorn-" ID ".log", "");
	proc_container_name(0, root, &c);
	assert_string_equal(c.pod, "web-7d9f");
	assert_string_equal(c.namespace, "shop");
	assert_string_equal(c.name, "gunicorn");

	c = (struct proc_container){.id = ID, .runtime = "docker"};
	put(root, "/var/lib/docker/containers/" ID, "config.v2.json", "{\"Name\": [\"/web\"");
	proc_container_name(0, root, &c);
	assert_string_equal(c.name, "");
	put(root, "/var/lib/docker/containers/" ID, "config.v2.json",
	    "{\"State\": {\"Name\": \"no\"}, \"Name\": \"/web\"}");
	proc_container_name(0, root, &c);
	assert_string_equal(c.name, "web");

	c = (struct proc_container){.id = "db", .runtime = "lxc"};
	proc_container_name(0, root, &c);
	assert_string_equal(c.name, "db");
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runtimes_are_told_by_their_cgroups),
		cmocka_unit_test(this_process_may_be_asked),
		cmocka_unit_test(names_are_where_the_runtimes_keep_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which container a process is in, told by the names of its cgroups. */
#ifndef PYLEAK_CONTAINER_CONTAINER_H
#define PYLEAK_CONTAINER_CONTAINER_H

#include "proc/proc.h"

#define PROC_CONTAINER_ID 64 /* hex digits */

struct proc_container {
	char id[72];	    /* 64 hex digits, or the name where the runtime knows nothing else */
	char runtime[24];   /* "docker", "podman", "containerd", "cri-o", "systemd-nspawn", "lxc" */
	char name[72];	    /* what people call it, "" when nobody tells */
	char pod_uid[48];   /* Kubernetes: with dashes; "" elsewhere */
	char pod[256];	    /* name of the pod, "" when no file tells it */
	char namespace[72]; /* of the pod */
};

/* From the text of /proc/PID/cgroup. False: in no container that we know of. */
bool proc_container_parse(const char *text, struct proc_container *out);
/* The names of container and pod, from what the runtime keeps below the directory @host ("" = the
 * root) and from the monitor above @pid (0 = do not ask). */
void proc_container_name(int pid, const char *host, struct proc_container *c);
/* The container of a process, with its names. */
bool proc_container(const struct proc *p, struct proc_container *out);

#endif

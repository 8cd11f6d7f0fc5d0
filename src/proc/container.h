/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which container a process is in, told by the names of its cgroups. */
#ifndef PYLEAK_PROC_CONTAINER_H
#define PYLEAK_PROC_CONTAINER_H

#include "proc/proc.h"

struct proc_container {
	char id[72];	    /* 64 hex digits, or the name where the runtime knows nothing else */
	char runtime[24];   /* "docker", "podman", "containerd", "cri-o", "systemd-nspawn", "lxc" */
	char pod_uid[48];   /* Kubernetes: with dashes; "" elsewhere */
	char pod[256];	    /* name of the pod, "" when no file tells it */
	char namespace[72]; /* of the pod */
};

/* From the text of /proc/PID/cgroup. False: in no container that we know of. */
bool proc_container_parse(const char *text, struct proc_container *out);
/* Of a process; names of pods from the directories below @pod_logs, NULL = where the kubelet keeps
 * them. */
bool proc_container(const struct proc *p, const char *pod_logs, struct proc_container *out);

#endif

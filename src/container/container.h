/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the container of a process by the names of its cgroups, and its names by files of the
 * runtime and its monitor's command line. Any thread may call this; what is not known is "" or
 * false, without an error. */
#ifndef PYLEAK_CONTAINER_CONTAINER_H
#define PYLEAK_CONTAINER_CONTAINER_H

#include "proc/proc.h"

#define PROC_CONTAINER_ID 64 /* hex digits */

struct proc_container {
	char id[72];	    /* 64 hex digits, or a name if the runtime has no ids */
	char runtime[24];   /* "docker", "podman", "containerd", "cri-o", "systemd-nspawn", "lxc" */
	char name[72];	    /* its name among people; "" = not known */
	char pod_uid[48];   /* in Kubernetes, with dashes; "" elsewhere */
	char pod[256];	    /* name of the pod; "" = not known */
	char namespace[72]; /* namespace of the pod; "" = not known */
};

/* Reads the text of /proc/PID/cgroup. False: the process is in no container that is known here. */
bool proc_container_parse(const char *text, struct proc_container *out);
/* Fills in the names of container and pod, by what the runtime keeps below the directory @host (""
 * = the root), and by the monitor above @pid (0 = it is not asked). */
void proc_container_name(int pid, const char *host, struct proc_container *c);
/* Finds the container of a process, with its names. False: it is in none, or has ended. */
bool proc_container(const struct proc *p, struct proc_container *out);

#endif

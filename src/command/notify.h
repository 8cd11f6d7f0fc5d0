/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells systemd the state of a service, by a datagram each; does nothing if nobody listens. */
#ifndef PYLEAK_COMMAND_NOTIFY_H
#define PYLEAK_COMMAND_NOTIFY_H

/* Connects to systemd. To be called before confine(), which forbids new sockets. */
void notify_open(void);
void notify_ready(void);
void notify_stopping(void);
/* Keeps the watchdog quiet. To be called often: it sends at most once a second. */
void notify_alive(void);

#endif

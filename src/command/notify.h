/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells systemd about a service: a datagram each, and nothing where nobody listens. */
#ifndef PYLEAK_COMMAND_NOTIFY_H
#define PYLEAK_COMMAND_NOTIFY_H

/* While sockets may still be made and connected. */
void notify_open(void);
void notify_ready(void);
void notify_stopping(void);
/* To be called often: keeps the watchdog quiet, at most once a second. */
void notify_alive(void);

#endif

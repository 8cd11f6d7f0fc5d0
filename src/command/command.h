/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The commands. Each takes the words of the command line and returns the exit code (cli/cli.h). */
#ifndef PYLEAK_COMMAND_COMMAND_H
#define PYLEAK_COMMAND_COMMAND_H

int command_watch(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_census(int argc, char **argv);
int command_why(int argc, char **argv);
int command_sweep(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_merge(int argc, char **argv);
int command_diff(int argc, char **argv);

#endif

/* Spawn: a role as seen by who starts it: the parent, and a command line that finds no daemon and
 * starts the engine alone for one command.
 *
 * Threads: the caller's. Ownership: the caller owns what is given out. */
#pragma once
#include "base/proc.h"
#include "program/role.h"

struct spawn {
    enum role role;
    uint32_t instance;
    const struct config *config;
    const char *data;
    unsigned flags;        /* enum role_flag */
    const char *injection; /* "" */
    struct proc_user user;
    int lock; /* -1: none; the engine keeps it open, so that the folder is its own until it is dead
               */
};
/* Starts the process: *fd is the parent's end of its wire. Nothing is sent yet. */
MUST_CHECK int spawn_start(const struct spawn *spawn, pid_t *pid, int *fd, struct err *err);
/* MESSAGE_CONFIG and MESSAGE_ROLE: what every role gets first. The rest, and GO, is the caller's.
 */
MUST_CHECK int spawn_settle(const struct spawn *spawn, struct wire *wire, struct err *err);
/* MESSAGE_NODE_KEY, for the engine. */
MUST_CHECK int spawn_send_key(struct wire *wire, const char *data, struct err *err);
/* The engine alone, with the control wire of one client (*client, a connected fd), READY. Waits for
 * it. ERR_BUSY: a daemon has the data folder. */
MUST_CHECK int spawn_engine_alone(const struct config *config, const char *data, pid_t *pid,
                                  int *parent, int *client, struct err *err);

/* Folder: the layout of a data folder for the node: its parts with owners and modes, the lock of
 * who runs on it, and whether it and canh.yaml can be trusted (DESIGN section 4, docs/keys.md).
 *
 *   DATA           0751 engine          others may pass, to control.sock
 *   DATA/state     2750 engine, group <user>-state      role web reads it
 *   DATA/private   0700 engine          credentials
 *   DATA/keys      0700 engine          the parent reads keys and hands them out
 *   DATA/{journal,segments,...} 2750 engine, group <user>-store      role query reads them
 *
 * Threads: one, at the start. Ownership: said at each call. */
#pragma once
#include "base/proc.h"
#include "watch/config.h"

enum { FOLDER_PATH_BYTES_MAX = 1024, FOLDER_LOCK_MS = 5000 };
/* serve.user with the suffix ("-web"), or serve.user itself with serve.one_user. Not as root: as
 * this process is. ERR_NOT_FOUND with the mend. */
MUST_CHECK int folder_user(const struct config *config, const char *suffix, struct proc_user *out,
                           struct err *err);
/* Makes what is not there; refuses (ERR_USAGE, with the mend) what others may read or change.
 * engine: whose it is. */
MUST_CHECK int folder_make(const struct config *config, const char *data,
                           const struct proc_user *engine, struct err *err);
/* DATA/run.lock, of whoever starts an engine: released when all that have the descriptor are gone.
 * Waits FOLDER_LOCK_MS for one that is ending. ERR_BUSY. */
MUST_CHECK int folder_lock(const char *data, int *fd, struct err *err);
/* A file of settings, and conf.d beside it: nobody but root and this user may change them. One that
 * is not there is good. ERR_USAGE with the mend. */
MUST_CHECK int folder_check_settings(const char *path, struct err *err);

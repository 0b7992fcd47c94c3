/* Backup: the layout of a backup's folder, and what making and restoring share.
 *
 *   state/state.db, private/credentials.db   the state, copied by SQLite
 *   store/...                                the store's snapshot (absent: nothing was stored)
 *   rules/...                                bundles of rules (absent: no node ever ran)
 *   keys.canh                                DATA/keys, sealed (vault.h)
 *   canh.yaml                                the settings as they held
 *   MANIFEST                                 SHA-256 of each file (manifest.h), written last
 *
 * Threads: the main one. */
#pragma once
#include "base/str.h"

#define BACKUP_KEYS     "keys.canh"
#define BACKUP_SETTINGS "canh.yaml"
#define BACKUP_STORE    "store"
#define BACKUP_RULES    "rules" /* in DATA, too */
enum { BACKUP_FORMAT = 1 };

/* Of the file, or asked for on the terminal (twice when it is a new one). */
MUST_CHECK int backup_passphrase(const char *file, bool is_new, bool vietnamese, struct buf *out,
                                 struct err *err);

/* What the files of the state share. For state*.c only. */
#pragma once
#include "state/audit.h"
#include "state/state.h"

struct state {
    struct disk *disk;
    bool owns_disk;
    int lock_fd; /* -1: none */
    const struct command_table *table;
    const struct sign_key *key;
    struct database *db, *credentials;           /* the writer's */
    struct database *slow_db, *slow_credentials; /* prepare's */
    struct audit *audit;
    uint64_t epoch;
    bool changed; /* since the newest checkpoint */
};

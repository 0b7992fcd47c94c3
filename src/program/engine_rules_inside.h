/* The inside of the engine's rules, shared by engine_rules*.c only. Threads: the loop's, but where
 * said otherwise. */
#pragma once
#include <pthread.h>
#include <sys/stat.h>

#include "base/disk.h"
#include "program/engine_rules.h"

enum rules_step { RULES_IDLE, RULES_COMPILING, RULES_COMMITTING, RULES_HANDING };

struct engine_rules {
    struct engine *engine;
    const struct live *live;
    struct disk *disk;
    enum rules_step step;
    uint64_t generation; /* of the newest RULES */
    int fd;              /* sealed memory of the active bundle */
    struct stat table;   /* indicators.table when it was handed over last */
    int64_t looked_ns;
    char active[LIVE_VERSION_BYTES];
    bool is_new;               /* it is to be written down as active */
    struct live_rules *before; /* at the start: what was active, when is_new */
    int64_t updated_ns;
    struct buf origin;
    char failure[ERR_TEXT_BYTES];
    struct engine_rules_suspended suspended[ENGINE_RULES_SUSPENDED_MAX];
    uint32_t suspended_count;

    uv_async_t changed; /* wanted, resume, compiled */
    bool is_started;
    pthread_mutex_t mutex; /* of what follows */
    char wanted[LIVE_VERSION_BYTES];
    struct buf resume; /* texts: ids of rules */
    bool is_compiled;

    pthread_t thread; /* and what it works with */
    char version[LIVE_VERSION_BYTES];
    struct live_rules *made;
    int rc;
    struct err err;
};

/* engine_rules_file.c */
/* DATA/rules/<version>.bundle, checked by its name. Any thread. */
MUST_CHECK int engine_rules_read(struct disk *disk, const char *version, struct buf *out,
                                 struct err *err);
MUST_CHECK int engine_rules_write(struct disk *disk, const char *version, struct slice bytes,
                                  struct err *err);
MUST_CHECK int engine_rules_memory(struct slice bytes, int *fd, struct err *err);
/* The newest row of rules_active; false: none. */
bool engine_rules_active(struct database *db, char version[LIVE_VERSION_BYTES]);
int64_t engine_rules_updated(struct database *db); /* 0: never */

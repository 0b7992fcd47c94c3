/* Engine seen: what has come from each source, listener and followed file: how many events, and
 * when the newest of them, so that silence is told apart from health.
 *
 * A figure is a cursor of the store's carry ("seen:SOURCE/PLACE"; a source's own has no place), and
 * stands or falls with the rows it counts. Limits: ENGINE_SEEN_ROWS_MAX; past them the place that
 * has been silent for longest goes, and its events stay counted for its source. Threads: one adds,
 * any asks. Ownership: copies. */
#pragma once
#include "base/clock.h"
#include "store/carry.h"

enum { ENGINE_SEEN_ROWS_MAX = 2048 };

struct engine_seen_figures {
    uint64_t stored, stored_since_start;
    int64_t newest_ns; /* when it came; CLOCK_NONE: nothing ever did */
};

struct engine_seen;
struct engine_seen *engine_seen_open(const struct carry *carry);
void engine_seen_close(struct engine_seen **seen);
/* Events of a group that is being made. place: a listener's name or a file's path. */
void engine_seen_add(struct engine_seen *s, struct slice source, struct slice place, uint64_t rows,
                     int64_t now_ns);
void engine_seen_put(struct engine_seen *s, struct buf *items); /* the group's carry */
void engine_seen_settle(struct engine_seen *s, bool durable);   /* what became of the group */

/* Of a source: place empty. */
void engine_seen_of(struct engine_seen *s, struct slice source, struct slice place,
                    struct engine_seen_figures *out);
/* Places of a source, in the order they were first seen; under its lock. */
typedef void engine_seen_visit(void *context, struct slice place,
                               const struct engine_seen_figures *figures);
void engine_seen_places(struct engine_seen *s, struct slice source, engine_seen_visit *visit,
                        void *context);

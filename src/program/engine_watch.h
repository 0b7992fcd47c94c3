/* Engine watch: what is known of how sources send: silence and volume (watch/silence.h), learned
 * from the ledger's closed hours, the newest day of them, and since when Canh has listened without
 * a break.
 *
 * Until the hours of before the start are read (engine_watch_read, a thread of its own), every
 * source without a set interval is shown as learning. Limits: those of silence.h; a day's figures
 * of LEDGER_SOURCES_MAX sources. Threads: any; its own lock. Ownership: copies; borrows the
 * configuration and the zone. */
#pragma once
#include "store/store.h"
#include "watch/config.h"
#include "watch/silence.h"

enum { ENGINE_WATCH_STOP_S = 300, ENGINE_WATCH_WEEKS = 6 };

struct engine_watch;
/* ERR_USAGE: health.free_days names no days. */
MUST_CHECK int engine_watch_open(struct engine_watch **out, const struct config *config,
                                 const struct clock_zone *zone, struct err *err);
void engine_watch_close(struct engine_watch **watch);
/* A stop of less than ENGINE_WATCH_STOP_S is no break. */
void engine_watch_begin(struct engine_watch *w, const struct carry *carry, int64_t now_ns);
bool engine_watch_is_due(struct engine_watch *w, int64_t now_ns); /* to be noted again */
void engine_watch_put(struct engine_watch *w, int64_t now_ns, struct buf *items);
void engine_watch_jumped(struct engine_watch *w, int64_t now_ns); /* the clock */

/* Closed hours of before until_ns (when this engine began), oldest first; then those that were
 * learned meanwhile. canceled: looked at now and then. */
MUST_CHECK int engine_watch_read(struct engine_watch *w, const char *data, int64_t until_ns,
                                 const bool *canceled, struct err *err);
void engine_watch_learn(struct engine_watch *w, const struct ledger_cell *cell); /* it is durable */
void engine_watch_tick(struct engine_watch *w, int64_t now_ns);

struct engine_watch_source {
    bool is_set_up;  /* live: it has a listener, a file to follow ... */
    bool is_read;    /* the hours of before the start are learned from */
    bool has_jumped; /* Canh's clock, in this hour or the one before */
    struct silence_verdict silence;
    struct silence_volume volume; /* of the newest closed hour, if it is the one before this */
    struct ledger_figures hour, before, day; /* this hour, the one before, 24 hours back */
    struct ledger_totals totals;
};
/* source: its row in canh.yaml. */
void engine_watch_source(struct engine_watch *w, struct ledger *ledger,
                         const struct config_source *source, int64_t now_ns,
                         struct engine_watch_source *out);
/* Whether events of it can come in live at all. */
bool engine_watch_is_live(const struct config *config, const struct config_source *source);

/* Engine health: looks every ENGINE_HEALTH_LOOK_S at what is wrong with the watch (watch/health.h):
 * what the judgement over all finds (engine_overall.c) and what sources, rules and indicators show;
 * hands what begins and ends to the committer, who makes findings of it (rows of _findings).
 *
 * Threads: the loop's. Ownership: the engine's store owns it. */
#pragma once
#include "program/engine_status.h"
#include "store/carry.h"
#include "watch/health.h"

enum {
    ENGINE_HEALTH_LOOK_S = 5,
    ENGINE_HEALTH_SHOWN = 20,    /* of a kind in the judgement over all; the others are counted */
    ENGINE_HEALTH_SETTLE_S = 60, /* after the start, before what is not seen has ended */
    ENGINE_HEALTH_REFUSED_MIN = 10, /* fewer refused records in an hour are no finding */
    ENGINE_HEALTH_LATE_MIN = 10
};

struct engine_health;
/* What lasts already, as the carry has it. */
struct engine_health *engine_health_open(const struct carry *carry);
void engine_health_close(struct engine_health **health);
void engine_health_tick(struct engine *e, const struct engine_figures *f);
/* The committer is done with changes. */
void engine_health_taken(struct engine_health *h, const struct health_change *changes,
                         uint32_t count, bool durable);
/* What sources, rules and indicators showed at the newest look, as reasons. */
void engine_health_reasons(const struct engine_health *h, struct engine_judgement *j);
/* The status's object "health": how many of each kind, and the findings. */
void engine_health_status(const struct engine_health *h, const struct engine_scope *scope,
                          struct json_writer *w);
/* What sources show now, told to health (between its begin and end). */
struct engine_watch;
struct ledger;
void engine_health_sources(const struct config *config, struct engine_watch *watch,
                           struct ledger *ledger, struct health *health);
const struct health *engine_health_list(const struct engine_health *h);

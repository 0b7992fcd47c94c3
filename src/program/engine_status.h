/* Inside of the node's status: engine_status.c writes it, engine_overall.c judges. Threads: the
 * loop's. */
#pragma once
#include "formats/json.h"
#include "program/engine.h"
#include "program/engine_parse.h"

struct engine_status {
    struct buf roles_payload; /* of the newest ROLES: `roles` borrows from it */
    struct engine_roles roles;
    bool is_told;
    int64_t clock_offset_ns; /* wall clock against the monotonic one */
    int64_t jump_ns, jump_at_ns;
    uint64_t touched_ns, ticks;
};

/* UNSEEN: all is at work, and a source is silent since ever. */
enum engine_overall { ENGINE_WATCHING, ENGINE_UNSEEN, ENGINE_PARTIAL, ENGINE_UNKNOWN };
/* Whether all is watched; w (may be NULL) gets it as an object, with the reasons. */
enum engine_overall engine_status_overall(struct engine *e, const struct engine_figures *f,
                                          struct json_writer *w);
bool engine_status_is_partial(const struct engine_role *role); /* its sandbox lacks a layer */
/* engine_sources.c: the member "sources"; live sources that nothing ever came from, their names
 * appended. */
void engine_status_sources(const struct engine *e, struct json_writer *w);
uint32_t engine_status_unseen(const struct engine *e, struct buf *names);

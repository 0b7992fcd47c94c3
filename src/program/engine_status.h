/* Inside of the node's status: engine_status.c writes it, engine_overall.c judges. Threads: the
 * loop's. */
#pragma once
#include "formats/json.h"
#include "program/engine.h"
#include "program/engine_parse.h"
#include "program/engine_scope.h"

struct engine_status {
    struct buf roles_payload; /* of the newest ROLES: `roles` borrows from it */
    struct engine_roles roles;
    bool is_told;
    struct buf unread;       /* engine_unread.c: the newest UNREAD */
    int64_t clock_offset_ns; /* wall clock against the monotonic one */
    int64_t jump_ns, jump_at_ns;
    uint64_t touched_ns, ticks;
};

/* UNSEEN: all is at work, and a source is silent since ever. */
enum engine_overall { ENGINE_WATCHING, ENGINE_UNSEEN, ENGINE_PARTIAL, ENGINE_UNKNOWN };
struct health;
struct engine_judgement {
    struct json_writer *w;            /* inside of the array of reasons, or NULL */
    const struct engine_scope *scope; /* who reads it; NULL: sees everything */
    bool hides;                       /* something that the scope does not see */
    struct health *health; /* gets reasons whose code is a kind of health finding; or NULL */
    enum engine_overall worst;
};
struct engine_reason {
    enum engine_overall grade;
    const char *code;
    struct slice subject; /* may be empty */
    struct slice en, vi;
};
void engine_judge(struct engine_judgement *j, const struct engine_reason *reason);
/* All but what engine_health.c looks for. */
void engine_status_judge(struct engine *e, const struct engine_figures *f,
                         struct engine_judgement *j);
/* Whether all is watched; w (may be NULL) gets it as an object, with the reasons. */
enum engine_overall engine_status_overall(struct engine *e, const struct engine_figures *f,
                                          const struct engine_scope *scope, struct json_writer *w);
bool engine_status_is_partial(const struct engine_role *role); /* its sandbox lacks a layer */
/* engine_sources.c: the member "sources"; live sources that nothing ever came from, their names
 * appended. */
void engine_status_sources(struct engine *e, const struct engine_scope *scope,
                           struct json_writer *w);
/* has_more: further ones are not of the scope. */
uint32_t engine_status_unseen(const struct engine *e, const struct engine_scope *scope,
                              struct buf *names, bool *has_more);

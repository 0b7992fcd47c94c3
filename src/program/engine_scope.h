/* Engine scope: what of the node's status a caller may see who is not everywhere: the sources of
 * its units, and what is wrong with them. A source without a unit and the outputs are the node's.
 *
 * A scope that is NULL sees everything. Threads: engine_scope_read the writer's; the others any.
 * Ownership: borrows the configuration and the arena. DESIGN section 7. */
#pragma once
#include "base/map.h"
#include "program/engine.h"
#include "watch/health.h"

struct engine_scope {
    const struct config *config;
    struct map units; /* by name, as sources[].unit has it */
};
MUST_CHECK int engine_scope_read(struct engine_scope *scope, struct database *db,
                                 const struct caller *caller, struct arena *arena, struct err *err);
void engine_scope_free(struct engine_scope *scope);
bool engine_scope_has(const struct engine_scope *scope, const struct config_source *source);
/* A finding or a reason: code is the name of its kind; subject that of its source or output. */
bool engine_scope_tells(const struct engine_scope *scope, const char *code, struct slice subject);

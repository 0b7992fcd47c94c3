#include "program/engine_scope.h"

#include "state/state.h"

int engine_scope_read(struct engine_scope *scope, struct database *db, const struct caller *caller,
                      struct arena *arena, struct err *err)
{
    int rc = ERR_OK;
    for (uint32_t i = 0; i < caller->unit_count && rc == ERR_OK; i++) {
        struct statement *s = statement_get(db, "SELECT name FROM unit WHERE id = ?1");
        statement_u64(s, 1, caller->units[i]);
        rc = statement_step(s, err);
        if (rc == ERR_OK)
            (void)map_put(&scope->units, arena_copy(arena, statement_column_text(s, 0)), 0, NULL);
        else if (rc == ERR_END)
            rc = ERR_OK;
        statement_reset(s);
    }
    return rc;
}

void engine_scope_free(struct engine_scope *scope)
{
    map_free(&scope->units);
}

bool engine_scope_has(const struct engine_scope *scope, const struct config_source *source)
{
    return !scope || (source && source->unit.len && map_find(&scope->units, source->unit));
}

bool engine_scope_tells(const struct engine_scope *scope, const char *code, struct slice subject)
{
    if (!scope)
        return true;
    for (int i = 0; i < HEALTH_KINDS; i++)
        if (health_kinds[i].is_of_source && strcmp(health_kinds[i].name, code) == 0)
            return engine_scope_has(scope, config_source(scope->config, subject));
    return strcmp(code, "output") != 0;
}

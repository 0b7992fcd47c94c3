#include "program/role.h"

enum { ENGINE_MAY = SANDBOX_READ | SANDBOX_WRITE | SANDBOX_ACCEPT };

const struct role_spec role_specs[ROLES] = {
    [ROLE_PARENT] = {.name = "parent", .user_suffix = "", .may = SANDBOX_CHILDREN},
    [ROLE_ENGINE] = {.name = "engine",
                     .user_suffix = "",
                     .groups = {"-state", "-store"},
                     .may = ENGINE_MAY,
                     .instances = 1,
                     .kept = true,
                     .paths = engine_paths,
                     .open = engine_open,
                     .run = engine_run,
                     .close = engine_close},
    [ROLE_INTAKE] = {.name = "intake",
                     .user_suffix = "-intake",
                     .may = SANDBOX_ACCEPT | SANDBOX_WRITE_EXEC,
                     .instances = 1,
                     .kept = true,
                     .paths = intake_paths,
                     .open = intake_open,
                     .run = intake_run,
                     .close = intake_close},
    [ROLE_READER] = {.name = "reader",
                     .user_suffix = "-intake",
                     .may = SANDBOX_WRITE_EXEC,
                     .instances = ROLE_READERS_MAX,
                     .paths = reader_paths,
                     .open = reader_open,
                     .run = reader_run,
                     .close = reader_close},
    [ROLE_QUERY] = {.name = "query",
                    .user_suffix = "-query",
                    .groups = {"-store"},
                    .may = SANDBOX_READ | SANDBOX_WRITE_EXEC,
                    .instances = ROLE_QUERIES_MAX,
                    .kept = true,
                    .paths = query_paths,
                    .open = query_open,
                    .run = query_role_run,
                    .close = query_close_role},
    [ROLE_WEB] = {.name = "web",
                  .user_suffix = "-web",
                  .groups = {"-state"},
                  .may = SANDBOX_READ | SANDBOX_ACCEPT,
                  .instances = 1,
                  .kept = true,
                  .paths = web_paths,
                  .open = web_open,
                  .run = web_run,
                  .close = web_close},
    [ROLE_COURIER] = {.name = "courier",
                      .user_suffix = "-courier",
                      .may = SANDBOX_READ | SANDBOX_CONNECT,
                      .instances = 1,
                      .kept = true,
                      .paths = courier_paths,
                      .open = courier_open,
                      .run = courier_run,
                      .close = courier_close},
};

const struct role_spec *role_of_name(const char *name)
{
    for (int i = 0; i < ROLES; i++)
        if (strcmp(role_specs[i].name, name) == 0)
            return &role_specs[i];
    return NULL;
}

bool role_has_wire(enum role a, enum role b)
{
    enum role other = a == ROLE_ENGINE ? b : a;
    return (a == ROLE_ENGINE) != (b == ROLE_ENGINE) && other != ROLE_PARENT;
}

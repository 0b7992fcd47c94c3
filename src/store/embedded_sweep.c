/* Files that left the catalog are unlinked when no query can hold their names any more. */
#include "store/embedded_care.h"

struct sweep {
    struct embedded *e;
    struct err *err;
};

static int file_sweep(void *context, struct slice path)
{
    struct sweep *s = context;
    struct arena arena = {0};
    const char *name = arena_copy(&arena, path).data;
    int rc = disk_exists(s->e->disk, name) ? disk_remove(s->e->disk, name, s->err) : ERR_OK;
    if (rc == ERR_OK) /* before the catalog forgets it: a file that came back would stay */
        rc = disk_sync_folder_of(s->e->disk, name, s->err);
    arena_free(&arena);
    return rc;
}

int embedded_sweep(struct embedded *e, int64_t now_ns, struct err *err)
{
    struct sweep s = {e, err};
    return catalog_gone(e->catalog, now_ns - e->options.query_ns, file_sweep, &s, err);
}

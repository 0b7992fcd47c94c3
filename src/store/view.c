#include "store/view.h"

#include "store/identity.h"

int view_open(struct view *out, struct disk *disk, bool live, struct err *err)
{
    struct catalog *catalog = NULL;
    *out = (struct view){.disk = disk};
    int rc = identity_read(disk, &out->identity, err);
    if (rc == ERR_OK)
        rc = journal_scan_open(&out->journal, disk, &out->identity, (struct journal_place){0, 0},
                               live, err);
    if (rc == ERR_OK)
        rc = catalog_open(&catalog, disk, false, err);
    if (rc == ERR_OK)
        rc = catalog_read(catalog, &out->segments, err);
    catalog_close(&catalog);
    if (rc) {
        view_close(out);
        return rc;
    }
    out->sealed_sequence = out->segments.sealed_sequence;
    return ERR_OK;
}

void view_close(struct view *view)
{
    journal_scan_close(&view->journal);
    catalog_list_free(&view->segments);
}

/* A notary of hostile text beside an empty store: verify ends, tells problems, and never crashes;
 * what it takes for anchored it found. */
#include <stdlib.h>

#include "base/disk_sim.h"
#include "store/store_embedded.h"

static const char log_path[] = "notary/202611.log";

static struct disk *store_disk(void)
{
    struct disk *disk = disk_sim_open(1);
    struct store *store = NULL;
    struct store_options options = {.write = true, .disk = disk};
    if (store_open(&store, "simulated", &options, NULL) != ERR_OK)
        abort();
    store_close(&store);
    return disk;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct disk *disk;
    struct store *store = NULL;
    struct store_verified out;
    if (!disk)
        disk = store_disk();
    struct store_options options = {.write = false, .disk = disk};
    struct slice text = slice_make((const char *)data, size);
    if (disk_write_file(disk, log_path, text, NULL) != ERR_OK ||
        store_open(&store, "simulated", &options, NULL) != ERR_OK)
        abort();
    int rc = store_verify(store, slice_part(text, size / 2, 64), NULL, NULL, &out, NULL);
    if (rc == ERR_OK && out.anchored && out.heads == 0)
        abort();
    if (rc == ERR_OK && size && data[size - 1] != '\n' && out.problems == 0)
        abort();
    store_close(&store);
    return 0;
}

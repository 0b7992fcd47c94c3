/* Checkpoints from hostile bytes, with a checksum that holds: no crash, and what reads is written
 * so that it reads back. */
#include <stdlib.h>

#include "base/disk_sim.h"
#include "base/hash.h"
#include "base/bytes.h"
#include "store/checkpoint.h"

static void write_again(const struct checkpoint *c)
{
    struct disk *disk = disk_sim_open(1);
    struct checkpoint again;
    if (checkpoint_write(disk, c, NULL) ||
        checkpoint_read(disk, &c->identity, &again, NULL, NULL) || again.number != c->number ||
        !slice_equal(again.carry, c->carry) || !slice_equal(again.chain, c->chain) ||
        again.last_sequence != c->last_sequence || again.commit_ns != c->commit_ns)
        abort();
    checkpoint_free(&again);
    disk_sim_close(&disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = {0};
    struct checkpoint c = {0};
    buf_append(&text, data, size);
    if (checkpoint_parse(buf_as_slice(&text), &c, NULL) == ERR_OK && c.number &&
        c.number < UINT64_MAX)
        write_again(&c);
    bytes_put_u64(&text, hash_bytes(text.data, text.len, 0));
    if (checkpoint_parse(buf_as_slice(&text), &c, NULL) == ERR_OK && c.number &&
        c.number < UINT64_MAX)
        write_again(&c);
    buf_free(&text);
    return 0;
}

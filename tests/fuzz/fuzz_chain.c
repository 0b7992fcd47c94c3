/* The chain's state from hostile bytes: no crash; a state that is taken goes on with rows and time,
 * and is written so that it reads back the same. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 64 << 10, ROWS = 40 };

static void chain_go_on(struct chain *c, struct digester *d)
{
    static const char *const names[] = {"windows", "linux", "_findings"};
    struct digest digest = digest_of(d, SLICE("a row"));
    struct buf heads = {0};
    uint32_t count;
    for (uint64_t i = 0; i < ROWS; i++) {
        int rc = chain_add(c, slice_from(names[i % 3]), 1000 + i, &digest,
                           (int64_t)i * 20 * CLOCK_SECOND_NS, NULL);
        check(rc == ERR_OK || rc == ERR_LIMIT);
    }
    chain_tick(c, INT64_MAX);
    chain_cut(c);
    chain_heads_text(c, &heads);
    (void)chain_closed(c, &count);
    chain_noted(c, count);
    buf_free(&heads);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_BYTES_MAX)
        return 0;
    struct slice state = slice_make((const char *)data, size);
    struct chain *c = chain_open(), *again = chain_open();
    struct digester *digester = digester_open();
    struct buf written = {0}, twice = {0};
    if (chain_read(c, state, NULL) == ERR_OK) {
        chain_write(c, &written);
        check(chain_read(again, buf_as_slice(&written), NULL) == ERR_OK);
        chain_write(again, &twice);
        check(slice_equal(buf_as_slice(&written), buf_as_slice(&twice)));
        chain_go_on(c, digester);
    }
    buf_free(&written);
    buf_free(&twice);
    digester_close(&digester);
    chain_close(&again);
    chain_close(&c);
    return 0;
}

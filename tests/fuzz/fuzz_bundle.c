#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "watch/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is opened is written again as the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bundle bundle;
    struct buf again = {0};
    struct err err;
    struct slice bytes = slice_make((const char *)data, size);
    if (bundle_open(&bundle, bytes, &err) == ERR_OK) {
        struct bundle_writer *w = bundle_writer_open();
        check(bundle_add_bundle(w, &bundle, SLICE(""), &err) == ERR_OK);
        check(bundle_end(w, &again, &err) == ERR_OK);
        check(slice_equal(buf_as_slice(&again), bytes));
        bundle_writer_close(&w);
    }
    bundle_close(&bundle);
    buf_free(&again);
    return 0;
}

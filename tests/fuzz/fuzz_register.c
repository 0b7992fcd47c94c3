/* The table of registered hosts as intake and engine read it, and names that senders give: nothing
 * but what the table says is found, and each of its keys is. The first byte cuts the input into
 * table and name. */
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "watch/register.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct register_table *table, struct slice name)
{
    struct register_host host;
    if (register_find(table, name, SLICE(""), &host) ||
        register_find(table, name, SLICE("it"), &host))
        check(host.host.len > 0);
}

/* A name that was put is found by it, for its unit. */
static void put_and_find(struct slice name)
{
    struct buf made = {0};
    struct register_table *table = NULL;
    struct register_host host = {SLICE("h"), SLICE("s"), SLICE("u")}, found;
    struct err err;
    register_begin(&made);
    check(register_put(&made, name, &host));
    check(register_open(&table, buf_as_slice(&made), &err) == ERR_OK);
    if (register_count(table) > 0)
        check(register_find(table, name, SLICE("u"), &found) &&
              slice_equal(found.host, SLICE("h")) && slice_equal(found.system, SLICE("s")));
    check(!register_find(table, name, SLICE("another"), &found));
    register_unuse(&table);
    buf_free(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct register_table *table = NULL;
    struct err err;
    if (size == 0)
        return 0;
    struct slice all = slice_make((const char *)data + 1, size - 1);
    size_t name_len = data[0] < all.len ? data[0] : all.len;
    struct slice name = slice_part(all, 0, name_len), bytes = slice_part(all, name_len, SIZE_MAX);
    if (register_open(&table, bytes, &err) == ERR_OK) {
        struct bytes_in in = bytes_in(slice_part(bytes, 16, SIZE_MAX));
        while (bytes_left(&in))
            look(table, bytes_take_text(&in, 1024));
        look(table, name);
        register_unuse(&table);
    }
    put_and_find(name);
    return 0;
}

/* What a server, a result or a backup's manifest may hold: read without harm, shown without it. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "program/cli_node.h"
#include "program/client_inside.h"
#include "program/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct listing_column columns[] = {
    {.name = "id", .kind = LISTING_NUMBER},
    {.name = "name", .kind = LISTING_TEXT},
    {.name = "open", .kind = LISTING_BOOL},
    {.name = "made", .kind = LISTING_TIME},
};
static const struct listing listing = {.name = "things",
                                       .noun = "thing",
                                       .columns = columns,
                                       .column_count = sizeof columns / sizeof columns[0]};

static int row_see(void *context, const struct listing *l, const struct listing_value *values)
{
    uint64_t *bytes = context;
    for (uint32_t i = 0; i < l->column_count; i++)
        *bytes += values[i].is_null ? 0 : values[i].text.len;
    return ERR_OK;
}

static int path_see(void *context, struct slice path, struct err *err)
{
    (void)context;
    (void)err;
    check(path.len > 0 && path.data[0] != '/');
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make((const char *)data, size);
    uint64_t bytes = 0, visited = 0, next = 0;
    struct buf out = {0};
    struct err err;
    int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct client_stream stream = {.to = sink};
    (void)!client_answer_rows(input, &listing, UINT64_MAX, row_see, &bytes, &visited, &next, &err);
    cli_node_show(input, CLI_DONE, "title", visited & 1, next, &out);
    for (size_t i = 0; i < out.len; i++) /* no terminal is steered */
        check((unsigned char)out.data[i] >= ' ' || out.data[i] == '\n');
    for (size_t at = 0; at < size; at += 7)
        client_stream_add(&stream, slice_part(input, at, 7));
    (void)!client_stream_end(&stream, &err);
    (void)!manifest_each(input, path_see, NULL, &err);
    (void)manifest_value(input, SLICE("made"));
    (void)close(sink);
    buf_free(&out);
    return 0;
}

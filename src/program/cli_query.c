#include "program/cli_query.h"

#include <stdio.h>

#include "program/cell.h"

enum { SHOWN_BEFORE = 40, SHOWN_COLUMNS = 72 };

int cli_query_check_partitions(const struct option_list *partitions, struct err *err)
{
    for (size_t i = 0; i < partitions->count; i++)
        if (!row_partition_name_ok(slice_from(partitions->items[i])))
            return err_set(err, ERR_USAGE,
                           "--partition %.60s is no name of a partition; `canh store stat` lists "
                           "those there are",
                           partitions->items[i]);
    return ERR_OK;
}

int cli_query_data(struct data *out, const struct data_settings *settings, const struct data *given,
                   struct err *err)
{
    if (!given)
        return data_open(out, settings, false, err);
    data_borrow(out, given);
    return ERR_OK;
}

int cli_query_open(struct query_run *out, const struct data *data,
                   const struct query_settings *settings, const struct option_list *words,
                   struct err *err)
{
    const struct config_store *c = &data->config->store;
    const char *configured = c->timezone.len ? c->timezone.data : NULL;
    struct query_run_options options = {.words = words,
                                        .partitions = &settings->span.partitions,
                                        .from = settings->span.from,
                                        .to = settings->span.to,
                                        .mappings = settings->mappings,
                                        .timezone =
                                            settings->timezone ? settings->timezone : configured,
                                        .now_ns = clock_now_ns()};
    int rc = cli_query_check_partitions(&settings->span.partitions, err);
    if (rc == ERR_OK)
        rc = query_run_open(out, data->store, &options, err);
    out->search.units = data->units;
    out->search.unit_count = data->unit_count;
    out->search.scoped = data->scoped;
    out->search.memory_bytes =
        (size_t)(settings->memory_bytes ? settings->memory_bytes : c->query_memory_bytes);
    return rc;
}

/* The part of the query round the column, and a mark under it. */
static void place_show(struct slice text, uint32_t column)
{
    struct buf out = {0};
    struct slice rest = text;
    uint32_t before = 0;
    size_t at = 0;
    for (uint32_t i = 1; i < column && at < text.len; i++)
        for (at++; at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80;)
            at++;
    if (at > SHOWN_BEFORE) {
        size_t from = at - SHOWN_BEFORE;
        while (from < at && ((unsigned char)text.data[from] & 0xc0) == 0x80)
            from++;
        rest = slice_part(text, from, SIZE_MAX);
        at -= from;
    }
    buf_string(&out, "    ");
    before = cell_terminal(slice_part(rest, 0, at), 0, &out);
    (void)cell_terminal(slice_part(rest, at, SIZE_MAX), SHOWN_COLUMNS - SHOWN_BEFORE, &out);
    buf_string(&out, "\n    ");
    cell_blanks(&out, before);
    buf_string(&out, "^\n");
    (void)fwrite(out.data, 1, out.len, stderr);
    buf_free(&out);
}

int cli_query_fail(const struct query_run *run, const struct err *err)
{
    bool of_query = err->line == 1 && err->column > 0 && run->text.len > 0;
    if (of_query) {
        struct err told = *err;
        (void)err_prefix(&told, "the query, column %lu", (unsigned long)err->column);
        (void)cli_fail(CLI_USAGE, &told);
        if (!cli_is_catching())
            place_show(buf_as_slice(&run->text), err->column);
        return CLI_USAGE;
    }
    bool usage = err->code == ERR_USAGE || err->code == ERR_UNSUPPORTED || err->code == ERR_SYNTAX;
    return cli_fail(usage ? CLI_USAGE : CLI_FAILURE, err);
}

/* canh NOUN list: the rows of a listing, as a table, CSV or lines of JSON. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/cli_node.h"
#include "program/grid.h"

enum { WRITE_BYTES = 64 << 10, OPTIONS_MAX = LISTING_COLUMNS_MAX + 20 };
#define LIST_ROWS_MAX ((uint64_t)1000000000)

struct list_settings {
    struct cli_common common;
    struct data_settings data;
    struct server_settings server;
    const char *text;
    uint64_t limit, after;
    const char *filters[LISTING_COLUMNS_MAX];
};

struct listing_run {
    const struct listing *listing;
    struct list_settings settings;
    struct option options[OPTIONS_MAX];
    size_t option_count;
    struct output_options output;
    uint32_t shown[LISTING_COLUMNS_MAX]; /* columns of the table */
    uint32_t shown_count;
    struct grid *grid;
    struct clock_zone *zone;
    struct buf out;
    uint64_t rows;
    bool closed, denied;
    struct arena arena;
};

#define AT(member) offsetof(struct list_settings, member)
static const struct option list_options[] = {
    {"text", 't', OPTION_TEXT, AT(text), "TEXT", 0, 0,
     "only rows that have this text somewhere (marks and case do not matter)",
     "chỉ những dòng có đoạn chữ này (không phân biệt dấu, hoa thường)"},
    {"limit", 'n', OPTION_NUMBER, AT(limit), "N", 1, LIST_ROWS_MAX, "stop after N rows",
     "dừng sau N dòng"},
    {"after", 0, OPTION_NUMBER, AT(after), "ID", 1, INT64_MAX, "begin behind the row of this id",
     "bắt đầu sau dòng có mã này"},
    DATA_OPTIONS(list_settings, data),
    SERVER_OPTIONS(list_settings, server),
    CLI_OPTIONS(list_settings, common, "auto|table|ndjson|csv"),
};

static void options_make(struct listing_run *run)
{
    for (uint32_t i = 0; i < run->listing->column_count; i++) {
        const struct listing_column *c = &run->listing->columns[i];
        struct slice name = arena_copy(&run->arena, slice_from(c->name));
        if (!c->filter)
            continue;
        char *at = arena_bytes(&run->arena, name.len + 1);
        for (size_t k = 0; k <= name.len; k++)
            at[k] = name.data[k] == '_' ? '-' : name.data[k];
        run->options[run->option_count++] = (struct option){
            .name = at,
            .kind = OPTION_TEXT,
            .offset = AT(filters) + i * sizeof(const char *),
            .value = c->kind == LISTING_BOOL ? "true|false" : "VALUE",
            .help_en = arena_printf(&run->arena, "only rows with this: %s", c->title_en).data,
            .help_vi = arena_printf(&run->arena, "chỉ những dòng có: %s", c->title_vi).data};
    }
    for (size_t i = 0; i < sizeof list_options / sizeof list_options[0]; i++)
        if (run->listing->text || strcmp(list_options[i].name, "text") != 0)
            run->options[run->option_count++] = list_options[i];
}

static void columns_choose(struct listing_run *run, struct slice_list *names)
{
    bool vi = run->output.vietnamese, all = run->output.kind == OUTPUT_CSV;
    names->items = arena_zeroed(&run->arena, run->listing->column_count, sizeof(struct slice));
    for (uint32_t i = 0; i < run->listing->column_count; i++) {
        const struct listing_column *c = &run->listing->columns[i];
        if (c->wide && !all)
            continue;
        names->items[run->shown_count] = slice_from(all ? c->name : vi ? c->title_vi : c->title_en);
        run->shown[run->shown_count++] = i;
    }
    names->count = run->shown_count;
}

static struct pipe_cell cell_of(const struct listing_column *column,
                                const struct listing_value *value, bool vietnamese, char *room,
                                size_t size)
{
    if (value->is_null)
        return (struct pipe_cell){.kind = PIPE_MISSING};
    if (column->kind == LISTING_TIME) {
        size_t len = clock_text(room, value->number);
        return (struct pipe_cell){.kind = PIPE_TIME, .time_ns = value->number, .text = {room, len}};
    }
    if (column->kind == LISTING_BOOL) {
        const char *yes = vietnamese ? "có" : "yes", *no = vietnamese ? "không" : "no";
        return (struct pipe_cell){.kind = PIPE_TEXT, .text = slice_from(value->number ? yes : no)};
    }
    if (column->kind == LISTING_NUMBER) {
        int len = snprintf(room, size, "%lld", (long long)value->number);
        return (struct pipe_cell){
            .kind = PIPE_NUMBER, .number = (double)value->number, .text = {room, (size_t)len}};
    }
    return (struct pipe_cell){.kind = PIPE_TEXT, .text = value->text};
}

static int row_show(void *context, const struct listing *listing,
                    const struct listing_value *values)
{
    struct listing_run *run = context;
    struct pipe_cell cells[LISTING_COLUMNS_MAX];
    char rooms[LISTING_COLUMNS_MAX][CLOCK_TEXT_BYTES];
    run->rows++;
    if (!run->grid) {
        listing_json(listing, values, &run->out);
        buf_char(&run->out, '\n');
    } else {
        bool table = run->output.kind == OUTPUT_TABLE;
        for (uint32_t i = 0; i < run->shown_count; i++) {
            const struct listing_column *column = &listing->columns[run->shown[i]];
            struct listing_value value = values[run->shown[i]];
            if (table && column->kind == LISTING_TIME) /* people read seconds */
                value.number -= value.number % CLOCK_SECOND_NS;
            cells[i] =
                cell_of(column, &value, run->output.vietnamese && table, rooms[i], sizeof rooms[i]);
        }
        grid_row(run->grid, cells, &run->out);
    }
    if (run->out.len >= WRITE_BYTES && cli_write(&run->out, &run->closed) != CLI_OK)
        return ERR_IO;
    return run->closed ? ERR_CLOSED : ERR_OK;
}

static int ask_make(struct listing_run *run, struct listing_filter *filters,
                    struct listing_ask *ask)
{
    ask->filters = filters;
    for (uint32_t i = 0; i < run->listing->column_count; i++)
        if (run->settings.filters[i])
            filters[ask->filter_count++] = (struct listing_filter){
                slice_from(run->listing->columns[i].name), slice_from(run->settings.filters[i])};
    ask->text = slice_from(run->settings.text);
    ask->after = run->settings.after;
    ask->limit = (uint32_t)(run->settings.limit < UINT32_MAX ? run->settings.limit : UINT32_MAX);
    return ERR_OK;
}

static int list_with(struct listing_run *run, struct err *err)
{
    struct listing_filter filters[LISTING_COLUMNS_MAX];
    struct listing_ask ask = {0};
    struct client *client = NULL;
    struct slice_list names = {0};
    run->output.vietnamese = cli_vietnamese(&run->settings.common);
    int rc = output_options_set(&run->output, run->settings.common.output, STDOUT_FILENO, err);
    if (rc == ERR_OK)
        rc = ask_make(run, filters, &ask);
    if (rc == ERR_OK)
        rc = cli_node_open(&client, &run->settings.data, &run->settings.server,
                           &run->settings.common, err);
    if (rc == ERR_OK && client_config(client) &&
        clock_zone_open(&run->zone, client_config(client)->store.timezone, err) == ERR_OK)
        run->output.zone = run->zone;
    if (rc == ERR_OK && run->output.kind != OUTPUT_NDJSON) {
        columns_choose(run, &names);
        run->grid = grid_open(&run->output, &names);
    }
    if (rc == ERR_OK)
        rc = client_list(client, run->listing, &ask, row_show, run, err);
    if (run->grid && rc == ERR_OK)
        grid_end(run->grid, &run->out);
    run->denied = client && client_was_denied(client);
    client_close(&client);
    return rc == ERR_CLOSED && run->closed ? ERR_OK : rc;
}

int cli_list(const struct listing *listing, int argc, char **argv)
{
    struct listing_run *run = mem_zeroed(1, sizeof *run);
    struct option_list operands = {0};
    struct err err = {0};
    struct cli_common by_environment = {0};
    run->listing = listing;
    options_make(run);
    bool vi = cli_vietnamese(&by_environment);
    struct slice usage = arena_printf(&run->arena, "canh %s list [options]\n%s\n", listing->noun,
                                      vi ? listing->title_vi : listing->title_en);
    int code = cli_parse(run->options, run->option_count, argc, argv, &run->settings,
                         &run->settings.common, &operands, usage.data);
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE, "list takes options only, not \"%.60s\": --help shows them",
                      operands.items[0]);
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0) {
        int rc = list_with(run, &err);
        code = rc ? cli_fail(cli_node_exit(rc, run->denied), &err) : CLI_OK;
        if (rc == ERR_OK && !run->closed)
            code = cli_write(&run->out, NULL);
    }
    grid_close(&run->grid);
    clock_zone_close(&run->zone);
    buf_free(&run->out);
    option_list_free(&operands);
    arena_free(&run->arena);
    mem_free(run);
    return code;
}

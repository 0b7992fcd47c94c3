/* canh sources: what became of every record, by source and hour; silence, volume and skew. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "formats/json.h"
#include "program/cell.h"
#include "program/cli_node.h"
#include "program/client_inside.h"
#include "program/grid.h"
#include "store/store.h"
#include "watch/ledger.h"

enum { HOURS_SHOWN_MAX = 24 * 35 };
#define HOUR_NS (3600 * CLOCK_SECOND_NS)

struct sources_settings {
    struct cli_common common;
    struct data_settings data;
    struct server_settings server;
    bool hours;
};

static const struct option sources_options[] = {
    {"hours", 0, OPTION_FLAG, offsetof(struct sources_settings, hours), NULL, 0, 0,
     "the hours of the source that is named, or of all: open ones, and closed ones of five weeks",
     "các giờ của nguồn được nêu tên, hoặc của mọi nguồn: giờ đang mở và giờ đã đóng trong năm "
     "tuần"},
    DATA_OPTIONS(sources_settings, data),
    SERVER_OPTIONS(sources_settings, server),
    CLI_OPTIONS(sources_settings, common, "auto|table|ndjson|csv"),
};

struct sources {
    const struct sources_settings *settings;
    struct slice only; /* name; empty: all */
    struct output_options output;
    struct clock_zone *zone;
    struct grid *grid;
    struct slice_list names; /* of its columns */
    struct buf out, notes;
    bool vi, is_known, has_problem;
    struct arena arena;
};

/* ---- JSON ---- */

static struct slice member(struct slice object, const char *name)
{
    struct slice value = {0};
    return client_answer_raw(object, name, &value) ? value : (struct slice){0};
}

static struct slice text_of(struct sources *s, struct slice raw)
{
    char *text = arena_bytes(&s->arena, raw.len + 1);
    return raw.len ? slice_make(text, json_unescape(text, raw)) : SLICE("");
}

static void each(struct sources *s, struct slice array,
                 void (*visit)(struct sources *s, struct slice object, void *context),
                 void *context)
{
    struct json_reader r;
    json_reader_open(&r, array);
    if (array.len == 0 || json_next(&r) != JSON_ARRAY_OPEN)
        return;
    while (json_next(&r) == JSON_OBJECT_OPEN) {
        size_t start = r.at - 1;
        if (json_skip(&r) == JSON_ERROR)
            return;
        visit(s, slice_part(array, start, r.at - start), context);
    }
}

static struct ledger_figures figures_of(struct slice object)
{
    struct ledger_figures f = {0};
    for (int i = 0; i < LEDGER_COUNTS; i++)
        (void)slice_to_u64(member(object, ledger_names[i].name), &f.counts[i]);
    (void)slice_to_u64(member(object, "ahead_max_s"), &f.ahead_max_s);
    (void)slice_to_u64(member(object, "behind_max_s"), &f.behind_max_s);
    return f;
}

/* ---- cells ---- */

static struct pipe_cell text_cell(struct slice text)
{
    return (struct pipe_cell){.kind = PIPE_TEXT, .text = text};
}

static struct pipe_cell number_cell(struct sources *s, int64_t number)
{
    return (struct pipe_cell){.kind = PIPE_NUMBER,
                              .number = (double)number,
                              .text = arena_printf(&s->arena, "%" PRId64, number)};
}

static struct pipe_cell count_cell(struct sources *s, uint64_t number)
{
    return number_cell(s, number < INT64_MAX ? (int64_t)number : INT64_MAX);
}

static struct pipe_cell time_cell(struct sources *s, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_ns == CLOCK_NONE)
        return (struct pipe_cell){.kind = PIPE_MISSING};
    time_ns -= time_ns % CLOCK_SECOND_NS;
    struct slice shown = slice_make(text, clock_text(text, time_ns));
    return (struct pipe_cell){
        .kind = PIPE_TIME, .time_ns = time_ns, .text = arena_copy(&s->arena, shown)};
}

struct column {
    const char *name, *title_en, *title_vi;
};

static void grid_begin(struct sources *s, const struct column *columns, uint32_t count)
{
    bool csv = s->output.kind == OUTPUT_CSV;
    s->names.items = arena_zeroed(&s->arena, count, sizeof(struct slice));
    s->names.count = count;
    for (uint32_t i = 0; i < count; i++)
        s->names.items[i] = slice_from(csv     ? columns[i].name
                                       : s->vi ? columns[i].title_vi
                                               : columns[i].title_en);
    s->grid = grid_open(&s->output, &s->names);
}

/* ---- the list ---- */

static const struct column list_columns[] = {
    {"source", "source", "nguồn"},
    {"state", "state", "trạng thái"},
    {"newest", "newest", "mới nhất"},
    {"this_hour", "this hour", "giờ này"},
    {"received", "24 h: received", "24 giờ: nhận"},
    {"stored", "stored", "lưu"},
    {"refused", "refused", "từ chối"},
    {"dropped", "lost", "mất"},
    {"duplicate", "known", "trùng"},
    {"joined", "joined", "ghép"},
    {"since_start", "since start", "từ khi chạy"},
    {"unaccounted", "unaccounted", "không rõ"},
};

static struct slice state_word(const struct sources *s, struct slice state)
{
    static const struct column words[] = {{"ok", "ok", "bình thường"},
                                          {"silent", "SILENT", "IM LẶNG"},
                                          {"learning", "learning", "đang học"},
                                          {"unknown", "not yet seen", "chưa thấy"},
                                          {"disabled", "not judged", "không xét"},
                                          {"unset", "not live", "không trực tiếp"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (s->output.kind != OUTPUT_CSV && slice_equal(state, slice_from(words[i].name)))
            return slice_from(s->vi ? words[i].title_vi : words[i].title_en);
    return state;
}

/* Behind the table: why a state is so, and what was refused or lost for which reason. */
static void notes_put(struct sources *s, struct slice object, const struct ledger_figures *day,
                      const struct ledger_figures *ever)
{
    struct slice name = text_of(s, member(object, "name"));
    struct slice reason = text_of(s, member(object, s->vi ? "reason_vi" : "reason_en"));
    struct slice volume = text_of(s, member(object, s->vi ? "volume_vi" : "volume_en"));
    buf_printf(&s->notes, "%.*s: %.*s", (int)name.len, name.data, (int)reason.len, reason.data);
    if (slice_equal(member(object, "volume"), SLICE("changed")))
        buf_printf(&s->notes, " %.*s", (int)volume.len, volume.data);
    buf_char(&s->notes, '\n');
    for (int i = 0; i < LEDGER_OUTCOMES_END; i++)
        if (day->counts[i] && (ledger_names[i].of == LEDGER_CLASS_REFUSED ||
                               ledger_names[i].of == LEDGER_CLASS_DROPPED))
            buf_printf(&s->notes, "  %s: %" PRIu64 "\n",
                       s->vi ? ledger_names[i].title_vi : ledger_names[i].title_en, day->counts[i]);
    if (day->counts[LEDGER_AHEAD] || day->counts[LEDGER_LATE] || day->counts[LEDGER_OLD])
        buf_printf(&s->notes,
                   s->vi ? "  đồng hồ: sớm nhất trước %" PRIu64 " giây, muộn nhất sau %" PRIu64
                           " giây so với lúc nhận\n"
                         : "  clock: up to %" PRIu64 " s behind and %" PRIu64
                           " s ahead of when events came\n",
                   day->behind_max_s, day->ahead_max_s);
    if (ledger_unaccounted(ever) == 0)
        return;
    buf_printf(&s->notes,
               s->vi ? "  !!! %" PRId64 " BẢN GHI KHÔNG RÕ ĐI ĐÂU: đây là lỗi của Canh\n"
                     : "  !!! %" PRId64 " RECORDS ARE NOT ACCOUNTED FOR: this is a fault of Canh\n",
               ledger_unaccounted(ever));
}

static void not_read_put(struct sources *s, struct slice object, void *context)
{
    struct slice what = text_of(s, member(object, "what")), why = text_of(s, member(object, "why"));
    (void)context;
    buf_string(&s->notes, s->vi ? "  KHÔNG đọc được " : "  NOT read: ");
    (void)cell_terminal(what, 0, &s->notes);
    buf_string(&s->notes, ": ");
    (void)cell_terminal(why, 0, &s->notes);
    buf_char(&s->notes, '\n');
}

static void source_put(struct sources *s, struct slice object, void *context)
{
    struct slice state = member(object, "state");
    struct ledger_figures day = figures_of(member(object, "last_day"));
    struct ledger_figures hour = figures_of(member(object, "this_hour"));
    struct ledger_figures start = figures_of(member(object, "since_start"));
    struct ledger_figures ever = figures_of(member(object, "ever"));
    (void)context;
    if (s->only.len && !slice_equal(s->only, text_of(s, member(object, "name"))))
        return;
    s->is_known = true;
    s->has_problem |= slice_equal(state, SLICE("silent")) || ledger_unaccounted(&ever) != 0;
    if (!s->grid) {
        buf_slice(&s->out, object);
        buf_char(&s->out, '\n');
        return;
    }
    const struct pipe_cell cells[] = {
        text_cell(text_of(s, member(object, "name"))),
        text_cell(state_word(s, state)),
        time_cell(s, clock_parse(member(object, "newest"), NULL, CLOCK_NONE)),
        count_cell(s, hour.counts[LEDGER_RECEIVED]),
        count_cell(s, day.counts[LEDGER_RECEIVED]),
        count_cell(s, day.counts[LEDGER_STORED]),
        count_cell(s, ledger_class_sum(&day, LEDGER_CLASS_REFUSED)),
        count_cell(s, ledger_class_sum(&day, LEDGER_CLASS_DROPPED)),
        count_cell(s, day.counts[LEDGER_DUPLICATE]),
        count_cell(s, day.counts[LEDGER_JOINED]),
        count_cell(s, start.counts[LEDGER_RECEIVED]),
        number_cell(s, ledger_unaccounted(&ever))};
    grid_row(s->grid, cells, &s->out);
    if (s->output.kind != OUTPUT_TABLE)
        return;
    notes_put(s, object, &day, &ever);
    each(s, member(object, "not_read"), not_read_put, NULL);
}

/* ---- hours ---- */

static const struct column hour_columns[] = {
    {"hour", "hour", "giờ"},
    {"source", "source", "nguồn"},
    {"closed", "closed", "đã đóng"},
    {"received", "received", "nhận"},
    {"stored", "stored", "lưu"},
    {"refused", "refused", "từ chối"},
    {"dropped", "lost", "mất"},
    {"duplicate", "known", "trùng"},
    {"joined", "joined", "ghép"},
    {"findings", "findings", "phát hiện"},
    {"unaccounted", "unaccounted", "không rõ"},
};

static void hour_field(void *context, const char *name, uint64_t value)
{
    json_key(context, name);
    json_u64(context, value);
}

static void hour_json(struct sources *s, const struct ledger_cell *cell, bool closed)
{
    struct json_writer w = {.out = &s->out};
    char time[CLOCK_TEXT_BYTES];
    json_open_object(&w);
    json_key(&w, "hour");
    json_string(&w, slice_make(time, clock_text(time, cell->hour * HOUR_NS)));
    json_key(&w, "source");
    json_string(&w, cell->source);
    json_key(&w, "closed");
    json_bool(&w, closed);
    json_key(&w, "unaccounted");
    json_i64(&w, ledger_unaccounted(&cell->figures));
    ledger_cell_fields(cell, hour_field, &w);
    json_close_object(&w);
    buf_char(&s->out, '\n');
}

static void hour_put(struct sources *s, const struct ledger_cell *cell, bool closed)
{
    const struct ledger_figures *f = &cell->figures;
    s->is_known = true;
    s->has_problem |= ledger_unaccounted(f) != 0;
    if (!s->grid) {
        hour_json(s, cell, closed);
        return;
    }
    const char *word = closed ? (s->vi ? "rồi" : "yes") : (s->vi ? "chưa" : "no");
    const struct pipe_cell cells[] = {time_cell(s, cell->hour * HOUR_NS),
                                      text_cell(arena_copy(&s->arena, cell->source)),
                                      text_cell(slice_from(word)),
                                      count_cell(s, f->counts[LEDGER_RECEIVED]),
                                      count_cell(s, f->counts[LEDGER_STORED]),
                                      count_cell(s, ledger_class_sum(f, LEDGER_CLASS_REFUSED)),
                                      count_cell(s, ledger_class_sum(f, LEDGER_CLASS_DROPPED)),
                                      count_cell(s, f->counts[LEDGER_DUPLICATE]),
                                      count_cell(s, f->counts[LEDGER_JOINED]),
                                      count_cell(s, f->counts[LEDGER_FINDINGS]),
                                      number_cell(s, ledger_unaccounted(f))};
    grid_row(s->grid, cells, &s->out);
}

static void open_hour_put(struct sources *s, struct slice object, void *context)
{
    const struct slice *source = context;
    struct ledger_cell cell;
    int64_t time_ns = clock_parse(member(object, "hour"), NULL, CLOCK_NONE);
    if (time_ns == CLOCK_NONE)
        return;
    ledger_cell_begin(&cell, time_ns / HOUR_NS, *source);
    cell.figures = figures_of(object);
    hour_put(s, &cell, false);
}

static void open_hours_put(struct sources *s, struct slice object, void *context)
{
    struct slice name = text_of(s, member(object, "name"));
    (void)context;
    if (s->only.len == 0 || slice_equal(s->only, name))
        each(s, member(object, "open_hours"), open_hour_put, &name);
}

static void row_put(struct sources *s, const struct row *row)
{
    struct ledger_cell cell;
    if (row->time_ns == CLOCK_NONE || (s->only.len && !slice_equal(s->only, row->context->source)))
        return;
    ledger_cell_begin(&cell, row->time_ns / HOUR_NS, row->context->source);
    for (uint32_t i = 0; i < row->record->count; i++)
        ledger_cell_take(&cell, row->record->fields[i].name, row->record->fields[i].value);
    hour_put(s, &cell, true);
}

/* Of the store of this machine, newest first. */
static int closed_hours_put(struct sources *s, struct err *err)
{
    struct slice partition = LEDGER_PARTITION;
    struct store_search search = {.from_ns = clock_now_ns() - HOURS_SHOWN_MAX * HOUR_NS,
                                  .until_ns = CLOCK_NONE,
                                  .received_from_ns = CLOCK_NONE,
                                  .received_until_ns = CLOCK_NONE,
                                  .order = STORE_NEWEST,
                                  .partitions = &partition,
                                  .partition_count = 1};
    struct data data = {0};
    struct store_cursor *cursor = NULL;
    struct store_item item;
    int rc = data_open(&data, &s->settings->data, false, err);
    if (rc == ERR_OK)
        rc = store_search(data.store, &search, &cursor, err);
    while (rc == ERR_OK && (rc = store_next(cursor, &item, err)) == ERR_OK)
        if (item.kind == STORE_ROW)
            row_put(s, item.row);
    store_cursor_close(&cursor);
    data_close(&data);
    return rc == ERR_END ? ERR_OK : rc;
}

/* ---- the command ---- */

static int ask(struct sources *s, struct buf *json, struct err *err)
{
    const struct sources_settings *settings = s->settings;
    struct client *client = NULL;
    int rc = cli_node_open(&client, &settings->data, &settings->server, &settings->common, err);
    if (rc == ERR_OK && client_has_daemon(client))
        rc = client_status(client, json, err);
    else if (rc == ERR_OK && !settings->hours)
        rc =
            err_set(err, ERR_CLOSED,
                    s->vi ? "nút canh không chạy: khởi động bằng `canh serve`; các giờ đã đóng xem "
                            "bằng `canh sources --hours`"
                          : "the node does not run: start it with `canh serve`; `canh sources "
                            "--hours` shows the hours that are closed");
    if (rc == ERR_OK && client_config(client) &&
        clock_zone_open(&s->zone, client_config(client)->store.timezone, NULL) == ERR_OK)
        s->output.zone = s->zone;
    client_close(&client);
    return rc;
}

static int show(struct sources *s, struct slice json, struct err *err)
{
    bool hours = s->settings->hours;
    struct slice list = member(json, "sources");
    int rc = ERR_OK;
    if (s->output.kind != OUTPUT_NDJSON)
        grid_begin(s, hours ? hour_columns : list_columns,
                   hours ? sizeof(hour_columns) / sizeof(hour_columns[0])
                         : sizeof(list_columns) / sizeof(list_columns[0]));
    each(s, list, hours ? open_hours_put : source_put, NULL);
    if (hours && !s->settings->server.server)
        rc = closed_hours_put(s, err);
    if (s->grid && rc == ERR_OK)
        grid_end(s->grid, &s->out);
    grid_close(&s->grid);
    if (rc == ERR_OK && s->only.len && !s->is_known && !hours)
        rc = err_set(err, ERR_NOT_FOUND,
                     s->vi ? "không có nguồn %.*s: `canh sources` liệt kê các nguồn"
                           : "there is no source %.*s: `canh sources` lists those there are",
                     (int)s->only.len, s->only.data);
    return rc;
}

static int sources_with(struct sources *s, struct err *err)
{
    struct buf json = {0};
    int rc = output_options_set(&s->output, s->settings->common.output, STDOUT_FILENO, err);
    s->output.vietnamese = s->vi;
    if (rc == ERR_OK)
        rc = ask(s, &json, err);
    if (rc == ERR_OK)
        rc = show(s, buf_as_slice(&json), err);
    int code = rc ? cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, err) : CLI_OK;
    if (rc == ERR_OK && s->notes.len) {
        buf_char(&s->out, '\n');
        buf_slice(&s->out, buf_as_slice(&s->notes));
    }
    if (rc == ERR_OK)
        code = cli_write(&s->out, NULL);
    if (code == CLI_OK && s->has_problem)
        code = CLI_PROBLEMS;
    clock_zone_close(&s->zone);
    buf_free(&json);
    buf_free(&s->out);
    buf_free(&s->notes);
    arena_free(&s->arena);
    return code;
}

int cli_sources(int argc, char **argv)
{
    struct sources_settings settings = {0};
    struct sources s = {.settings = &settings};
    struct option_list operands = {0};
    struct err err = {0};
    int code = cli_parse(sources_options, sizeof sources_options / sizeof sources_options[0], argc,
                         argv, &settings, &settings.common, &operands,
                         "canh sources [options] [NAME]\ncanh sources --hours [NAME]\n");
    if (code < 0 && operands.count > 1) {
        (void)err_set(&err, ERR_USAGE, "sources takes one name at most");
        code = cli_fail(CLI_USAGE, &err);
    }
    s.vi = cli_vietnamese(&settings.common);
    if (operands.count)
        s.only = slice_from(operands.items[0]);
    if (code < 0)
        code = sources_with(&s, &err);
    option_list_free(&operands);
    return code;
}

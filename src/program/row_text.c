#include "program/row_text.h"

#include "base/mem.h"
#include "program/cell.h"
#include "program/row_json.h"

enum { TIME_COLUMNS = 19, WHERE_COLUMNS = 18, ID_COLUMNS = 10, ID_FROM_COLUMNS = 110, GAP = 2 };

/* What tells most of an event, by the names of rules, in this order. */
static const char *const telling_names[] = {"EventID",
                                            "Image",
                                            "CommandLine",
                                            "ParentImage",
                                            "TargetUserName",
                                            "User",
                                            "SubjectUserName",
                                            "LogonType",
                                            "IpAddress",
                                            "SourceIp",
                                            "src_ip",
                                            "DestinationIp",
                                            "dst_ip",
                                            "DestinationPort",
                                            "dst_port",
                                            "DestinationHostname",
                                            "QueryName",
                                            "TargetFilename",
                                            "TargetObject",
                                            "Details",
                                            "ImageLoaded",
                                            "ServiceName",
                                            "ScriptBlockText",
                                            "c-ip",
                                            "cs-method",
                                            "cs-uri-stem",
                                            "c-uri",
                                            "sc-status",
                                            "action",
                                            "eventName",
                                            "message",
                                            "Message",
                                            NULL};

struct row_text {
    struct row_text_options options;
    struct slice names[sizeof telling_names / sizeof telling_names[0]];
    struct slice_list telling;
    struct query_values *values;
    struct buf line;
};

struct row_text *row_text_open(const struct row_text_options *options)
{
    struct row_text *t = mem_zeroed(1, sizeof(*t));
    t->options = *options;
    t->telling.items = t->names;
    while (telling_names[t->telling.count]) {
        t->names[t->telling.count] = slice_from(telling_names[t->telling.count]);
        t->telling.count++;
    }
    struct query_values_options values = {.mappings = options->mappings,
                                          .set = options->set,
                                          .fields = &t->telling,
                                          .epoch = options->output->epoch};
    t->values = query_values_open(&values);
    return t;
}

void row_text_close(struct row_text **t)
{
    if (!*t)
        return;
    query_values_close(&(*t)->values);
    buf_free(&(*t)->line);
    mem_free(*t);
    *t = NULL;
}

static bool shows_ids(const struct row_text *t)
{
    uint32_t columns = t->options.output->columns;
    return columns == 0 || columns >= ID_FROM_COLUMNS;
}

static void cell_put(struct slice text, uint32_t columns, struct buf *out)
{
    uint32_t width = cell_terminal(text, columns, out);
    cell_blanks(out, width >= columns ? GAP : columns + GAP - width);
}

void row_text_heading(const struct row_text *t, struct buf *out)
{
    static const char *const names[][2] = {{"time", "thời gian"},
                                           {"time (UTC)", "thời gian (UTC)"},
                                           {"host or source", "máy hoặc nguồn"},
                                           {"id", "mã"},
                                           {"event", "sự kiện"}};
    const struct output_options *o = t->options.output;
    if (o->kind == OUTPUT_CSV)
        buf_string(out, "id,time,received,source,partition,file,line,mapping,fields\r\n");
    if (o->kind != OUTPUT_TABLE)
        return;
    bool vi = o->vietnamese;
    if (o->colour)
        buf_string(out, "\033[1m");
    cell_put(slice_from(names[o->zone ? 0 : 1][vi]), TIME_COLUMNS, out);
    if (shows_ids(t))
        cell_put(slice_from(names[3][vi]), ID_COLUMNS, out);
    cell_put(slice_from(names[2][vi]), WHERE_COLUMNS, out);
    buf_string(out, names[4][vi]);
    buf_string(out, o->colour ? "\033[0m\n" : "\n");
}

/* ---- table ---- */

/* The host; where nobody tells it, the registered one, the source, or the name of the file. */
static struct slice where(struct row_text *t, const struct row *row)
{
    struct slice host = query_values_host(t->values), file = row->context->file;
    if (host.len)
        return host;
    if (row->context->host.len)
        return row->context->host;
    if (row->context->source.len)
        return row->context->source;
    for (size_t i = file.len; i > 0; i--)
        if (file.data[i - 1] == '/')
            return slice_part(file, i, file.len);
    return file.len ? file : SLICE("-");
}

static bool is_hidden(const struct row_text *t, struct slice name)
{
    for (uint32_t i = 0; t->options.hidden && i < t->options.hidden->count; i++)
        if (slice_equal(t->options.hidden->items[i], name))
            return true;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Runs of blanks as one: messages of Windows are laid out in lines. */
static void value_put(struct row_text *t, struct slice value)
{
    bool blank = false;
    value = slice_trim(slice_part(value, 0, ROW_TEXT_VALUE_BYTES_MAX));
    for (size_t i = 0; i < value.len; i++) {
        if (!is_blank(value.data[i]) || !blank)
            buf_char(&t->line, is_blank(value.data[i]) ? ' ' : value.data[i]);
        blank = is_blank(value.data[i]);
    }
}

static void pair_put(struct row_text *t, struct slice name, struct slice value)
{
    if (value.len == 0 || is_hidden(t, name))
        return;
    if (t->line.len)
        buf_string(&t->line, "  ");
    buf_slice(&t->line, name);
    buf_char(&t->line, '=');
    value_put(t, value);
}

static bool is_matched(const struct matched_field *matched, uint32_t count, struct slice name,
                       struct slice value)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_equal(matched[i].name, name) || slice_equal(matched[i].value, value))
            return true;
    return false;
}

static bool line_is_full(const struct row_text *t)
{
    uint32_t columns = t->options.output->columns;
    return t->line.len > (columns ? (size_t)columns * 4 : ROW_TEXT_VALUE_BYTES_MAX);
}

static void event_put(struct row_text *t, const struct row *row,
                      const struct matched_field *matched, uint32_t matched_count)
{
    buf_clear(&t->line);
    for (uint32_t i = 0; i < matched_count; i++)
        pair_put(t, matched[i].name, matched[i].value);
    for (uint32_t i = 0; i < t->telling.count && !line_is_full(t); i++) {
        struct slice value = query_values_get(t->values, i, 0);
        if (value.len && !is_matched(matched, matched_count, t->telling.items[i], value))
            pair_put(t, t->telling.items[i], value);
    }
    if (t->line.len)
        return;
    for (uint32_t i = 0; i < row->record->count && !line_is_full(t); i++)
        if (row->record->fields[i].kind != VALUE_OBJECT)
            pair_put(t, row->record->fields[i].name,
                     record_text(row->record, &row->record->fields[i]));
}

void row_text_time(const struct clock_zone *zone, int64_t time_ns, struct buf *out)
{
    struct clock_date date;
    char text[CLOCK_TEXT_BYTES];
    clock_to_date(time_ns, clock_zone_offset(zone, time_ns), &date);
    size_t len = clock_text(text, clock_from_date(&date, 0));
    text[10] = ' ';
    buf_append(out, text, len - 1);
}

static void time_put(const struct output_options *o, int64_t time_ns, struct buf *out)
{
    size_t start = out->len;
    row_text_time(o->zone, time_ns, out);
    out->len = start + TIME_COLUMNS;
    cell_blanks(out, GAP);
}

static void table_row(struct row_text *t, const struct row *row,
                      const struct matched_field *matched, uint32_t matched_count, struct buf *out)
{
    const struct output_options *o = t->options.output;
    uint32_t used = TIME_COLUMNS + GAP + WHERE_COLUMNS + GAP;
    time_put(o, row_time(row), out);
    if (shows_ids(t)) {
        size_t start = out->len;
        buf_printf(out, "%lu:%llu", (unsigned long)o->epoch, (unsigned long long)row->sequence);
        uint32_t width = (uint32_t)(out->len - start);
        cell_blanks(out, GAP + (width < ID_COLUMNS ? ID_COLUMNS - width : 0));
        used += GAP + (width < ID_COLUMNS ? ID_COLUMNS : width);
    }
    cell_put(where(t, row), WHERE_COLUMNS, out);
    if (row->context->flags & ROW_DRILL)
        used += cell_terminal(o->vietnamese ? SLICE("[diễn tập] ") : SLICE("[drill] "), 0, out);
    event_put(t, row, matched, matched_count);
    uint32_t room = o->columns > used + 10 ? o->columns - used : 10;
    cell_terminal(buf_as_slice(&t->line), o->columns ? room : 0, out);
    buf_char(out, '\n');
}

/* ---- CSV ---- */

static void csv_cell(struct slice text, struct buf *out)
{
    cell_csv(text, out);
    buf_char(out, ',');
}

static void csv_row(const struct row_text *t, const struct row *row, struct buf *out)
{
    const struct row_context *c = row->context;
    char text[CLOCK_TEXT_BYTES];
    struct buf fields = {0};
    buf_printf(out, "%lu:%llu,", (unsigned long)t->options.output->epoch,
               (unsigned long long)row->sequence);
    if (row->time_ns != CLOCK_NONE)
        buf_append(out, text, clock_text(text, row->time_ns));
    buf_char(out, ',');
    buf_append(out, text, clock_text(text, row->received_ns));
    buf_char(out, ',');
    csv_cell(c->source, out);
    csv_cell(c->partition, out);
    csv_cell(c->file, out);
    buf_printf(out, "%llu,", (unsigned long long)row->line);
    csv_cell(c->mapping, out);
    row_json_fields(row->record, false, t->options.hidden, &fields);
    cell_csv(buf_as_slice(&fields), out);
    buf_string(out, "\r\n");
    buf_free(&fields);
}

/* ---- all ---- */

static void json_row(const struct row_text *t, const struct row *row, struct buf *out)
{
    buf_char(out, '{');
    row_json_about(row, t->options.output->epoch, out);
    buf_string(out, ",\"fields\":");
    row_json_fields(row->record, false, t->options.hidden, out);
    size_t before = out->len;
    buf_string(out, ",\"derived\":");
    size_t start = out->len;
    row_json_fields(row->record, true, t->options.hidden, out);
    if (out->len - start <= 2) /* none */
        out->len = before;
    buf_string(out, "}\n");
}

void row_text_row(struct row_text *t, const struct row *row, const struct matched_field *matched,
                  uint32_t matched_count, struct buf *out)
{
    query_values_row(t->values, row);
    if (t->options.output->kind == OUTPUT_TABLE)
        table_row(t, row, matched, matched_count, out);
    else if (t->options.output->kind == OUTPUT_CSV)
        csv_row(t, row, out);
    else
        json_row(t, row, out);
}

void row_text_item(struct row_text *t, const struct store_item *item, struct buf *out)
{
    struct matched_field matched[MATCHED_FIELDS_MAX];
    uint32_t count = 0;
    if (item->matcher && item->rule_count)
        count = matcher_matched(item->matcher, item->rules[0], matched);
    row_text_row(t, item->row, matched, count, out);
}

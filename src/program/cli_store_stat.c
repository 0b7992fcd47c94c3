/* canh store stat: what is in a store. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "formats/json.h"
#include "program/cell.h"
#include "program/cli_store.h"
#include "program/output.h"

enum { NAME_COLUMNS = 18, TIME_COLUMNS = 20 };

struct stat_settings {
    struct cli_common common;
    struct data_settings data;
};

static const struct option stat_options[] = {
    DATA_OPTIONS(stat_settings, data),
    CLI_OPTIONS(stat_settings, common, "auto|table|ndjson|csv"),
};

static void size_put(struct buf *out, uint64_t bytes)
{
    if (bytes >= (uint64_t)10 << 30)
        buf_printf(out, "%.1f GB", (double)bytes / (double)((uint64_t)1 << 30));
    else
        buf_printf(out, "%.1f MB", (double)bytes / (double)((uint64_t)1 << 20));
}

static void time_put(struct buf *out, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    buf_append(out, text, clock_text(text, time_ns / CLOCK_SECOND_NS * CLOCK_SECOND_NS));
}

static void cell_put(struct buf *out, struct slice text, uint32_t columns, bool right)
{
    struct buf cell = {0};
    uint32_t width = cell_terminal(text, columns, &cell);
    uint32_t blanks = columns > width ? columns - width : 0;
    if (right)
        cell_blanks(out, blanks);
    buf_slice(out, buf_as_slice(&cell));
    cell_blanks(out, right ? 2 : blanks + 2);
    buf_free(&cell);
}

static void partition_line(const struct store_partition_stats *p, struct buf *out)
{
    struct buf text = {0};
    cell_put(out, p->name, NAME_COLUMNS, false);
    buf_printf(&text, "%llu", (unsigned long long)p->rows);
    cell_put(out, buf_as_slice(&text), 12, true);
    buf_clear(&text);
    buf_printf(&text, "%llu", (unsigned long long)p->segments);
    cell_put(out, buf_as_slice(&text), 9, true);
    buf_clear(&text);
    size_put(&text, p->bytes);
    cell_put(out, buf_as_slice(&text), 10, true);
    buf_clear(&text);
    size_put(&text, p->raw_bytes);
    cell_put(out, buf_as_slice(&text), 10, true);
    buf_clear(&text);
    time_put(&text, p->time_min_ns);
    cell_put(out, buf_as_slice(&text), TIME_COLUMNS, false);
    time_put(out, p->time_max_ns);
    buf_char(out, '\n');
    buf_free(&text);
}

static void stat_table(const struct data *data, const struct store_stats *s, bool vi,
                       struct buf *out)
{
    static const char *const heads[][2] = {{"partition", "phân vùng"}, {"events", "sự kiện"},
                                           {"segments", "phân đoạn"},  {"on disk", "trên đĩa"},
                                           {"received", "đã nhận"},    {"oldest", "cũ nhất"},
                                           {"newest", "mới nhất"}};
    static const uint32_t widths[] = {NAME_COLUMNS, 12, 9, 10, 10, TIME_COLUMNS, 0};
    struct buf uuid = {0};
    text_hex(&uuid, slice_make((const char *)s->uuid, sizeof s->uuid));
    buf_printf(out,
               vi ? "kho %s (%.*s), đợt %lu\n%llu sự kiện đã niêm, %llu trong nhật ký (%.1f MB); "
                    "mã tiếp theo %lu:%llu\n"
                  : "store %s (%.*s), epoch %lu\n%llu events sealed, %llu in the journal (%.1f "
                    "MB); the next id is %lu:%llu\n",
               data->path, (int)uuid.len, uuid.data, (unsigned long)s->epoch,
               (unsigned long long)s->sealed_sequence, (unsigned long long)s->journal_rows,
               (double)s->journal_bytes / (double)((uint64_t)1 << 20), (unsigned long)s->epoch,
               (unsigned long long)s->next_sequence);
    buf_free(&uuid);
    if (s->partition_count == 0)
        return;
    buf_char(out, '\n');
    for (size_t i = 0; i + 1 < sizeof heads / sizeof heads[0]; i++)
        cell_put(out, slice_from(heads[i][vi]), widths[i], i > 0 && i < 5);
    buf_printf(out, "%s\n", heads[6][vi]);
    for (uint32_t i = 0; i < s->partition_count; i++)
        partition_line(&s->partitions[i], out);
}

static void time_json(struct json_writer *w, const char *key, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    json_key(w, key);
    json_string(w, slice_make(text, clock_text(text, time_ns)));
}

static void stat_json(const struct store_stats *s, struct buf *out)
{
    struct json_writer w = {.out = out};
    struct buf uuid = {0};
    text_hex(&uuid, slice_make((const char *)s->uuid, sizeof s->uuid));
    json_open_object(&w);
    json_key(&w, "uuid");
    json_string(&w, buf_as_slice(&uuid));
    json_member_u64(&w, "epoch", s->epoch);
    json_member_u64(&w, "next_sequence", s->next_sequence);
    json_member_u64(&w, "sealed_sequence", s->sealed_sequence);
    json_member_u64(&w, "journal_events", s->journal_rows);
    json_member_u64(&w, "journal_bytes", s->journal_bytes);
    json_key(&w, "partitions");
    json_open_array(&w);
    for (uint32_t i = 0; i < s->partition_count; i++) {
        const struct store_partition_stats *p = &s->partitions[i];
        json_open_object(&w);
        json_key(&w, "name");
        json_string(&w, p->name);
        json_member_u64(&w, "events", p->rows);
        json_member_u64(&w, "segments", p->segments);
        json_member_u64(&w, "bytes", p->bytes);
        json_member_u64(&w, "received_bytes", p->raw_bytes);
        time_json(&w, "oldest", p->time_min_ns);
        time_json(&w, "newest", p->time_max_ns);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    buf_char(out, '\n');
    buf_free(&uuid);
}

static void stat_csv(const struct store_stats *s, struct buf *out)
{
    buf_string(out, "partition,events,segments,bytes,received_bytes,oldest,newest\r\n");
    for (uint32_t i = 0; i < s->partition_count; i++) {
        const struct store_partition_stats *p = &s->partitions[i];
        cell_csv(p->name, out);
        buf_printf(out, ",%llu,%llu,%llu,%llu,", (unsigned long long)p->rows,
                   (unsigned long long)p->segments, (unsigned long long)p->bytes,
                   (unsigned long long)p->raw_bytes);
        time_put(out, p->time_min_ns);
        buf_char(out, ',');
        time_put(out, p->time_max_ns);
        buf_string(out, "\r\n");
    }
}

static int stat_show(const struct stat_settings *settings, const struct data *data, struct err *err)
{
    struct output_options form = {0};
    struct store_stats stats;
    struct buf out = {0};
    int rc = output_options_set(&form, settings->common.output, STDOUT_FILENO, err);
    if (rc == ERR_OK)
        rc = store_stat(data->store, &stats, err);
    if (rc)
        return cli_fail(CLI_FAILURE, err);
    if (form.kind == OUTPUT_TABLE)
        stat_table(data, &stats, cli_vietnamese(&settings->common), &out);
    else if (form.kind == OUTPUT_CSV)
        stat_csv(&stats, &out);
    else
        stat_json(&stats, &out);
    int code = cli_write(&out, NULL);
    buf_free(&out);
    return code;
}

int cli_store_stat(int argc, char **argv)
{
    struct stat_settings settings = {0};
    struct option_list operands = {0};
    struct data data = {0};
    struct err err = {0};
    int code = cli_parse(stat_options, sizeof stat_options / sizeof stat_options[0], argc, argv,
                         &settings, &settings.common, &operands, "canh store stat --data DIR\n");
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE, "store stat takes options only, not \"%.60s\"",
                      operands.items[0]);
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0 && data_open(&data, &settings.data, false, &err) != ERR_OK)
        code = cli_fail(CLI_FAILURE, &err);
    if (code < 0)
        code = stat_show(&settings, &data, &err);
    data_close(&data);
    option_list_free(&operands);
    return code;
}

#include "program/cli_intel.h"

#include <stdio.h>

#include "formats/json.h"
#include "program/cell.h"

void cli_intel_problem(void *problems, const char *text)
{
    struct cli_intel_problems *p = problems;
    p->count++;
    if (p->common->verbose || (!p->common->quiet && p->count <= CLI_INTEL_SHOWN)) {
        struct buf line = {0};
        (void)cell_terminal(slice_from(text), 0, &line);
        (void)fprintf(stderr, "%s\n", buf_text(&line));
        buf_free(&line);
    }
}

void cli_intel_note(void *problems, const char *text)
{
    const struct cli_intel_problems *p = problems;
    if (p->common->verbose)
        (void)fprintf(stderr, "canh: %s\n", text);
}

void cli_intel_problems_end(const struct cli_intel_problems *p)
{
    if (p->common->quiet || p->common->verbose || p->count <= CLI_INTEL_SHOWN)
        return;
    (void)fprintf(stderr,
                  cli_vietnamese(p->common) ? "canh: còn %llu lỗi nữa (xem bằng -v)\n"
                                            : "canh: and %llu more (-v shows them)\n",
                  (unsigned long long)(p->count - CLI_INTEL_SHOWN));
}

/* ---- rows ---- */

enum { CELL_COUNT = 9, CONFIDENCE_BYTES = 4 };

struct row {
    struct slice cells[CELL_COUNT];
    char confidence[CONFIDENCE_BYTES], from[CLOCK_TEXT_BYTES], until[CLOCK_TEXT_BYTES];
};
enum { CELL_CONFIDENCE = 4 };
static const char *const names[CELL_COUNT] = {"type", "indicator", "source", "title", "confidence",
                                              "tlp",  "from",      "until",  "id"};

static struct slice time_cell(char room[CLOCK_TEXT_BYTES], int64_t time_ns)
{
    return time_ns == CLOCK_NONE ? SLICE("") : slice_make(room, clock_text(room, time_ns));
}

static void row_make(struct row *row, const struct indicator *i)
{
    struct slice confidence = SLICE("");
    if (i->confidence != INDICATOR_CONFIDENCE_NONE)
        confidence =
            slice_make(row->confidence, (size_t)snprintf(row->confidence, sizeof row->confidence,
                                                         "%u", i->confidence));
    const struct slice cells[CELL_COUNT] = {slice_from(indicator_type_names[i->type]),
                                            i->value,
                                            i->source,
                                            i->title,
                                            confidence,
                                            slice_from(indicator_tlp_names[i->tlp]),
                                            time_cell(row->from, i->from_ns),
                                            time_cell(row->until, i->until_ns),
                                            i->id};
    memcpy(row->cells, cells, sizeof cells);
}

static void table_line(const struct slice *value, const struct slice *cells, struct buf *out)
{
    static const uint32_t columns[CELL_COUNT] = {10, 50, 24, 40, 10, 16, 20, 20, 0};
    if (value)
        cell_blanks(out, 40 - cell_terminal(*value, 40, out) + 2);
    for (size_t i = 0; i < CELL_COUNT; i++) {
        uint32_t width = cell_terminal(cells[i], columns[i], out);
        if (columns[i])
            cell_blanks(out, columns[i] - width + 2);
    }
    buf_char(out, '\n');
}

void cli_intel_head(const struct output_options *form, bool with_value, struct buf *out)
{
    static const char *const vi[CELL_COUNT] = {"loại", "dấu hiệu", "nguồn",   "mô tả", "độ tin cậy",
                                               "TLP",  "từ",       "đến hết", "mã"};
    struct slice cells[CELL_COUNT];
    struct slice value = form->vietnamese ? SLICE("giá trị") : SLICE("value");
    for (size_t i = 0; i < CELL_COUNT; i++)
        cells[i] = slice_from(form->vietnamese ? vi[i] : names[i]);
    if (form->kind == OUTPUT_TABLE)
        table_line(with_value ? &value : NULL, cells, out);
    if (form->kind != OUTPUT_CSV)
        return;
    buf_string(out, with_value ? "value" : "");
    for (size_t i = 0; i < CELL_COUNT; i++)
        buf_printf(out, "%s%s", i || with_value ? "," : "", names[i]);
    buf_string(out, "\r\n");
}

static void json_line(const struct slice *value, const struct indicator *i,
                      const struct slice *cells, struct buf *out)
{
    struct json_writer w = {.out = out};
    json_open_object(&w);
    if (value) {
        json_key(&w, "value");
        json_string(&w, *value);
    }
    for (size_t k = 0; k < CELL_COUNT; k++) {
        json_key(&w, names[k]);
        if (!cells[k].len)
            json_null(&w);
        else if (k == CELL_CONFIDENCE)
            json_u64(&w, i->confidence);
        else
            json_string(&w, cells[k]);
    }
    json_close_object(&w);
    buf_char(out, '\n');
}

void cli_intel_row(const struct output_options *form, const struct slice *value,
                   const struct indicator *i, struct buf *out)
{
    struct row row;
    row_make(&row, i);
    if (form->kind == OUTPUT_TABLE) {
        table_line(value, row.cells, out);
    } else if (form->kind == OUTPUT_NDJSON) {
        json_line(value, i, row.cells, out);
    } else {
        if (value)
            cell_csv(*value, out);
        for (size_t k = 0; k < CELL_COUNT; k++) {
            if (k || value)
                buf_char(out, ',');
            cell_csv(row.cells[k], out);
        }
        buf_string(out, "\r\n");
    }
}

/* ---- commands ---- */

static const struct cli_command commands[] = {
    {"import", cli_intel_import, "read feeds into the data folder",
     "nạp dấu hiệu nhận biết vào thư mục dữ liệu"},
    {"list", cli_intel_list, "list imported indicators", "liệt kê dấu hiệu đã nạp"},
    {"match", cli_intel_match, "look up values", "tra cứu giá trị"},
    {"pattern", cli_intel_pattern, "match or check STIX patterns",
     "so khớp hoặc kiểm tra mẫu STIX"},
    {"remove", cli_intel_remove, "take out all that is from a source", "gỡ mọi thứ của một nguồn"},
    {NULL, NULL, NULL, NULL},
};

int cli_intel(int argc, char **argv)
{
    return cli_dispatch(commands, "canh intel", argc, argv);
}

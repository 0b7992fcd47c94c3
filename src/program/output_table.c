#include <stdlib.h>

#include "base/mem.h"
#include "program/cell.h"
#include "program/output_inside.h"

enum { TIME_COLUMNS = 19, HOST_COLUMNS = 18, TITLE_COLUMNS = 48, GAP = 2 };

static uint32_t level_columns(const struct output *o)
{
    return o->options.vietnamese ? 12 : 8;
}

void output_table_widths(struct output *o)
{
    uint32_t fixed = TIME_COLUMNS + GAP + level_columns(o) + GAP;
    o->host_columns = HOST_COLUMNS;
    o->title_columns = TITLE_COLUMNS;
    o->matched_columns = 0;
    if (o->options.columns == 0)
        return;
    uint32_t room = o->options.columns > fixed + 30 ? o->options.columns - fixed : 30;
    o->host_columns = room / 6 > HOST_COLUMNS ? HOST_COLUMNS : room / 6;
    room -= o->host_columns + GAP;
    o->title_columns = room * 2 / 5 > 64 ? 64 : room * 2 / 5;
    room -= o->title_columns + GAP;
    o->matched_columns = room;
}

/* A cell that others follow. */
static void cell(const struct output *o, struct slice text, uint32_t columns, struct buf *out)
{
    uint32_t width = cell_terminal(text, o->options.columns ? columns : 0, out);
    cell_blanks(out, width >= columns ? GAP : columns + GAP - width);
}

const char *output_level_colour(enum rule_level level)
{
    switch (level) {
    case LEVEL_CRITICAL:
        return "\033[1;37;41m";
    case LEVEL_HIGH:
        return "\033[1;31m";
    case LEVEL_MEDIUM:
        return "\033[33m";
    case LEVEL_LOW:
        return "\033[36m";
    default:
        return "\033[2m";
    }
}

void output_table_heading(const struct output *o, struct buf *out)
{
    static const char *const names[][2] = {
        {"time", "thời gian"}, {"time (UTC)", "thời gian (UTC)"},
        {"level", "mức"},      {"host or file", "máy hoặc tệp"},
        {"rule", "quy tắc"},   {"what matched", "nội dung khớp"}};
    bool vi = o->options.vietnamese;
    if (o->options.colour)
        buf_string(out, "\033[1m");
    cell(o, slice_from(names[o->options.zone ? 0 : 1][vi]), TIME_COLUMNS, out);
    cell(o, slice_from(names[2][vi]), level_columns(o), out);
    cell(o, slice_from(names[3][vi]), o->host_columns, out);
    cell(o, slice_from(names[4][vi]), o->title_columns, out);
    buf_string(out, names[5][vi]);
    buf_string(out, o->options.colour ? "\033[0m\n" : "\n");
}

/* The host, or where nobody tells it, the name of the file. */
static struct slice where(const struct finding *f)
{
    if (f->host.len)
        return f->host;
    struct slice file = f->event_count ? f->events[f->event_count - 1].file : f->place.file;
    for (size_t i = file.len; i > 0; i--)
        if (file.data[i - 1] == '/')
            return slice_part(file, i, file.len);
    return file.len ? file : SLICE("-");
}

void output_table_finding(const struct output *o, const struct finding *f, struct buf *out)
{
    const struct output_rule *rule = &o->shown[f->rule];
    struct buf text = {0};
    output_time(o, f->place.time_ns, &text);
    cell(o, text.len ? buf_as_slice(&text) : SLICE("-"), TIME_COLUMNS, out);
    if (o->options.colour)
        buf_string(out, output_level_colour(rule->level));
    struct slice level = slice_from(output_level_name(o, rule->level));
    uint32_t width = cell_terminal(level, 0, out);
    if (o->options.colour)
        buf_string(out, "\033[0m");
    cell_blanks(out, level_columns(o) + GAP - width);
    cell(o, where(f), o->host_columns, out);
    cell(o, rule->title, o->title_columns, out);
    buf_clear(&text);
    output_matched_text(o, f, &text);
    if (!text.len && f->place.file.len) { /* nothing to show of the event: where it is */
        buf_slice(&text, f->place.file);
        buf_printf(&text, ":%llu", (unsigned long long)f->place.line);
    }
    cell_terminal(buf_as_slice(&text), o->matched_columns, out);
    buf_char(out, '\n');
    buf_free(&text);
}

enum { SUMMARY_RULES_MAX = 30 };

struct summary_row {
    uint32_t rule;
    enum rule_level level;
    uint64_t count;
};

static int summary_order(const void *a, const void *b)
{
    const struct summary_row *x = a, *y = b;
    if (x->level != y->level)
        return x->level > y->level ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (x->rule > y->rule) - (x->rule < y->rule);
}

void output_table_summary(const struct output *o, struct buf *out)
{
    struct summary_row *rows = mem_zeroed(o->rules->count, sizeof(*rows));
    uint64_t findings = 0, left = 0;
    uint32_t count = 0;
    bool vi = o->options.vietnamese;
    for (uint32_t i = 0; i < o->rules->count; i++)
        if (o->counts[i])
            rows[count++] = (struct summary_row){i, o->shown[i].level, o->counts[i]};
    qsort(rows, count, sizeof(*rows), summary_order);
    for (uint32_t i = 0; i < count; i++)
        findings += rows[i].count;
    buf_printf(out,
               vi ? "\n%llu kết quả, từ %u trong %u quy tắc\n"
                  : "\n%llu findings, from %u of %u rules\n",
               (unsigned long long)findings, count, o->rules->count);
    for (uint32_t i = 0; i < count; i++) {
        if (i >= SUMMARY_RULES_MAX) {
            left += rows[i].count;
            continue;
        }
        buf_printf(out, "%8llu  ", (unsigned long long)rows[i].count);
        if (o->options.colour)
            buf_string(out, output_level_colour(rows[i].level));
        cell(o, slice_from(output_level_name(o, rows[i].level)), level_columns(o), out);
        if (o->options.colour)
            buf_string(out, "\033[0m");
        buf_slice(out, o->shown[rows[i].rule].title);
        buf_char(out, '\n');
    }
    if (left)
        buf_printf(out, vi ? "%8llu  của các quy tắc khác\n" : "%8llu  of other rules\n",
                   (unsigned long long)left);
    mem_free(rows);
}

#include <unistd.h>

#include "base/mem.h"
#include "formats/json.h"
#include "program/cell.h"
#include "program/cli_rules.h"
#include "program/output.h"

static const char *kind_name(const struct rule *rule)
{
    static const char *const names[] = {[RULE_DETECTION] = "detection",
                                        [RULE_CORRELATION] = "correlation",
                                        [RULE_FILTER] = "filter"};
    return names[rule->kind];
}

void cli_rules_logsource(const struct rule *rule, struct buf *out)
{
    const struct slice parts[] = {rule->logsource.product, rule->logsource.category,
                                  rule->logsource.service};
    size_t count = 3;
    if (rule->kind == RULE_CORRELATION) {
        buf_string(out, "correlation");
        return;
    }
    while (count > 1 && !parts[count - 1].len)
        count--;
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_char(out, '/');
        if (parts[i].len)
            buf_slice(out, parts[i]);
        else
            buf_char(out, '*');
    }
}

static void json_row(const struct rule *rule, struct slice source, struct buf *out)
{
    const struct {
        const char *key;
        struct slice text;
    } members[] = {
        {"id", rule->id},         {"level", slice_from(rule_level_names[rule->level])},
        {"status", rule->status}, {"kind", slice_from(kind_name(rule))},
        {"logsource", source},    {"title", rule->title},
        {"author", rule->author}, {"file", rule->file},
    };
    struct json_writer w = {.out = out};
    json_open_object(&w);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        json_key(&w, members[i].key);
        if (members[i].text.len)
            json_string(&w, members[i].text);
        else
            json_null(&w);
    }
    json_key(&w, "line");
    json_u64(&w, rule->line);
    json_close_object(&w);
    buf_char(out, '\n');
}

static void csv_row(const struct rule *rule, struct slice source, struct buf *out)
{
    const struct slice cells[] = {rule->id,     slice_from(rule_level_names[rule->level]),
                                  rule->status, slice_from(kind_name(rule)),
                                  source,       rule->title,
                                  rule->author, rule->file};
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        cell_csv(cells[i], out);
        buf_char(out, ',');
    }
    buf_printf(out, "%u\r\n", rule->line);
}

static void table_row(const struct slice *cells, uint32_t title_columns, struct buf *out)
{
    const uint32_t columns[] = {36, 13, 12, 40, title_columns, 0};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        uint32_t width = cell_terminal(cells[i], columns[i], out);
        if (columns[i])
            cell_blanks(out, columns[i] - width + 2);
    }
    buf_char(out, '\n');
}

static void table_write(const struct rule_list *rules, const struct output_options *form,
                        bool vietnamese, struct buf *out)
{
    const struct slice en[] = {SLICE("id"),        SLICE("level"), SLICE("status"),
                               SLICE("logsource"), SLICE("title"), SLICE("file")};
    const struct slice vi[] = {SLICE("mã"),        SLICE("mức"),     SLICE("trạng thái"),
                               SLICE("nguồn log"), SLICE("tiêu đề"), SLICE("tệp")};
    uint32_t title_columns = form->columns > 220 ? 90 : 60;
    struct buf source = {0};
    table_row(vietnamese ? vi : en, title_columns, out);
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct rule *rule = rules->rules[i];
        buf_clear(&source);
        cli_rules_logsource(rule, &source);
        const struct slice cells[] = {rule->id,
                                      slice_from(rule_level_names[rule->level]),
                                      rule->status,
                                      buf_as_slice(&source),
                                      vietnamese && rule->title_vi.len ? rule->title_vi
                                                                       : rule->title,
                                      rule->file};
        table_row(cells, title_columns, out);
    }
    buf_free(&source);
}

void cli_rules_list(const struct rules_load *load, const struct rules_settings *settings,
                    struct buf *out)
{
    struct output_options form = {0};
    struct buf source = {0};
    check(output_options_set(&form, settings->common.output, STDOUT_FILENO, NULL) == ERR_OK);
    if (form.kind == OUTPUT_TABLE)
        table_write(&load->rules, &form, cli_vietnamese(&settings->common), out);
    if (form.kind == OUTPUT_CSV)
        buf_string(out, "id,level,status,kind,logsource,title,author,file,line\r\n");
    for (uint32_t i = 0; i < load->rules.count && form.kind != OUTPUT_TABLE; i++) {
        const struct rule *rule = load->rules.rules[i];
        buf_clear(&source);
        cli_rules_logsource(rule, &source);
        if (form.kind == OUTPUT_CSV)
            csv_row(rule, buf_as_slice(&source), out);
        else
            json_row(rule, buf_as_slice(&source), out);
    }
    buf_free(&source);
}

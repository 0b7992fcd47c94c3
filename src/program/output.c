#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "formats/json.h"
#include "program/output_inside.h"

enum { COLUMNS_MIN = 60, COLUMNS_USUAL = 120, COLUMNS_MAX = 1000 };

int output_options_set(struct output_options *options, const char *name, int fd, struct err *err)
{
    static const char *const names[] = {[OUTPUT_NDJSON] = "ndjson",
                                        [OUTPUT_CSV] = "csv",
                                        [OUTPUT_TABLE] = "table",
                                        [OUTPUT_HTML] = "html"};
    bool terminal = isatty(fd);
    if (!name || strcmp(name, "auto") == 0)
        name = terminal ? "table" : "ndjson";
    unsigned kind = 0;
    while (kind < sizeof names / sizeof names[0] && strcmp(names[kind], name) != 0)
        kind++;
    if (kind == sizeof names / sizeof names[0])
        return err_set(err, ERR_USAGE,
                       "--output cannot be \"%.40s\": it is auto, table, ndjson, csv or html",
                       name);
    const char *no_colour = getenv("NO_COLOR");
    struct winsize size;
    options->kind = (enum output_kind)kind;
    options->colour = terminal && !(no_colour && *no_colour);
    options->columns = 0;
    if (terminal) {
        options->columns = COLUMNS_USUAL;
        if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
            options->columns = size.ws_col;
        if (options->columns < COLUMNS_MIN)
            options->columns = COLUMNS_MIN;
        if (options->columns > COLUMNS_MAX)
            options->columns = COLUMNS_MAX;
    }
    return ERR_OK;
}

static void rule_render(struct output *o, uint32_t index)
{
    const struct rule *rule = o->rules->rules[index];
    struct output_rule *shown = &o->shown[index];
    struct buf text = {0};
    if (o->options.kind == OUTPUT_NDJSON) {
        output_json_rule(rule, &text);
        shown->json = arena_copy(&o->arena, buf_as_slice(&text));
    } else if (o->options.kind == OUTPUT_CSV) {
        output_csv_rule(o, rule, &text);
        shown->csv = arena_copy(&o->arena, buf_as_slice(&text));
    }
    shown->title = o->options.vietnamese && rule->title_vi.len ? rule->title_vi : rule->title;
    shown->level = rule->level;
    shown->is_correlation = rule->kind == RULE_CORRELATION;
    buf_free(&text);
}

struct output *output_open(const struct output_options *options, const struct rule_list *rules)
{
    struct output *o = mem_zeroed(1, sizeof(*o));
    o->options = *options;
    o->rules = rules;
    o->shown = mem_zeroed(rules->count, sizeof(*o->shown));
    o->counts = mem_zeroed(rules->count, sizeof(*o->counts));
    for (uint32_t i = 0; i < rules->count; i++)
        rule_render(o, i);
    output_table_widths(o);
    if (options->kind == OUTPUT_HTML)
        o->page = output_page_open(o);
    return o;
}

void output_close(struct output **o)
{
    if (!o || !*o)
        return;
    output_page_close(&(*o)->page);
    arena_free(&(*o)->arena);
    mem_free((*o)->shown);
    mem_free((*o)->counts);
    mem_free(*o);
    *o = NULL;
}

bool output_shows_host(const struct output *o)
{
    return o->options.kind != OUTPUT_NDJSON;
}

void output_begin(const struct output *o, struct buf *out)
{
    if (o->options.kind == OUTPUT_CSV)
        output_csv_heading(out);
    else if (o->options.kind == OUTPUT_TABLE)
        output_table_heading(o, out);
}

/* Long values once more in fields, cut between characters. */
static void cut_values(struct finding *f, struct finding_field fields[OUTPUT_MATCHED_MAX])
{
    for (uint32_t i = 0; i < f->matched_count; i++) {
        struct slice *value = &fields[i].value;
        fields[i] = f->matched[i];
        if (value->len <= FINDING_VALUE_BYTES_MAX)
            continue;
        value->len = FINDING_VALUE_BYTES_MAX;
        for (int back = 0; back < 3 && ((unsigned char)value->data[value->len] & 0xc0) == 0x80;
             back++)
            value->len--;
        f->cut = true;
    }
    f->matched = fields;
}

/* People's forms show the indicator as two more fields. */
static void indicator_fields(const struct output *o, struct finding *f,
                             struct finding_field fields[OUTPUT_MATCHED_MAX])
{
    bool vi = o->options.vietnamese;
    uint32_t count = 0;
    while (count < f->matched_count && count < OUTPUT_MATCHED_MAX - 2) {
        fields[count] = f->matched[count];
        count++;
    }
    fields[count++] =
        (struct finding_field){vi ? SLICE("dấu hiệu") : SLICE("indicator"), f->indicator->value};
    if (f->indicator->source.len)
        fields[count++] =
            (struct finding_field){vi ? SLICE("nguồn") : SLICE("source"), f->indicator->source};
    f->matched = fields;
    f->matched_count = count;
}

void output_finding(const struct output *o, const struct finding *f, struct buf *out)
{
    struct finding cut = *f;
    struct finding_field fields[OUTPUT_MATCHED_MAX], more[OUTPUT_MATCHED_MAX];
    if (cut.indicator && o->options.kind != OUTPUT_NDJSON)
        indicator_fields(o, &cut, more);
    if (cut.matched_count > OUTPUT_MATCHED_MAX)
        cut.matched_count = OUTPUT_MATCHED_MAX;
    for (uint32_t i = 0; i < cut.matched_count; i++)
        if (cut.matched[i].value.len > FINDING_VALUE_BYTES_MAX) {
            cut_values(&cut, fields);
            break;
        }
    switch (o->options.kind) {
    case OUTPUT_NDJSON:
        output_json_finding(o, &cut, out);
        break;
    case OUTPUT_CSV:
        output_csv_finding(o, &cut, out);
        break;
    case OUTPUT_TABLE:
        (void)__atomic_fetch_add(&o->counts[cut.rule], 1, __ATOMIC_RELAXED);
        output_table_finding(o, &cut, out);
        break;
    case OUTPUT_HTML:
        output_page_row(o, &cut, out);
        break;
    }
}

void output_pass(struct output *o, struct buf *out)
{
    if (o->options.kind != OUTPUT_HTML)
        return;
    output_page_keep(o, buf_as_slice(out));
    buf_clear(out);
}

void output_end(struct output *o, struct buf *out)
{
    if (o->options.kind == OUTPUT_HTML)
        output_page_write(o, out);
    else if (o->options.kind == OUTPUT_TABLE)
        output_table_summary(o, out);
}

void output_time(const struct output *o, int64_t time_ns, struct buf *out)
{
    struct clock_date date;
    char text[CLOCK_TEXT_BYTES];
    if (time_ns == CLOCK_NONE)
        return;
    int offset = clock_zone_offset(o->options.zone, time_ns);
    clock_to_date(time_ns, offset, &date);
    date.nanosecond = 0;
    size_t len = clock_text(text, clock_from_date(&date, 0));
    if (len < 20)
        return;
    text[10] = ' ';
    buf_append(out, text, len - 1);
}

const char *output_level_text(enum rule_level level, bool vietnamese)
{
    static const char *const names[][2] = {
        [LEVEL_NONE] = {"-", "-"},      [LEVEL_INFORMATIONAL] = {"info", "thông tin"},
        [LEVEL_LOW] = {"low", "thấp"},  [LEVEL_MEDIUM] = {"medium", "trung bình"},
        [LEVEL_HIGH] = {"high", "cao"}, [LEVEL_CRITICAL] = {"critical", "nghiêm trọng"},
    };
    return names[level][vietnamese];
}

const char *output_level_name(const struct output *o, enum rule_level level)
{
    return output_level_text(level, o->options.vietnamese);
}

static void pair_append(struct buf *out, size_t start, struct slice name, struct slice value)
{
    if (out->len > start)
        buf_string(out, "; ");
    buf_slice(out, name);
    buf_char(out, '=');
    buf_slice(out, value);
}

void output_matched_text(const struct output *o, const struct finding *f, struct buf *out)
{
    size_t start = out->len;
    for (uint32_t i = 0; i < f->matched_count; i++)
        pair_append(out, start, f->matched[i].name, f->matched[i].value);
    if (f->cut)
        buf_string(out, "…");
    if (!o->shown[f->rule].is_correlation)
        return;
    for (uint32_t i = 0; i < f->group_count; i++)
        pair_append(out, start, f->group_names[i], f->group_values[i]);
    struct buf value = {0};
    struct json_writer w = {.out = &value};
    json_double(&w, f->value);
    pair_append(out, start, o->options.vietnamese ? SLICE("giá trị") : SLICE("value"),
                buf_as_slice(&value));
    buf_clear(&value);
    w.comma = false;
    json_u64(&w, f->event_total);
    pair_append(out, start, o->options.vietnamese ? SLICE("số sự kiện") : SLICE("events"),
                buf_as_slice(&value));
    buf_free(&value);
}

/* Findings as lines for people: when, how grave, what, where; those of an exercise are marked. */
#include "base/map.h"
#include "base/mem.h"
#include "program/cell.h"
#include "program/cli_watch.h"
#include "program/client_inside.h"
#include "watch/rules_load.h"
#include "watch/rules_set.h"

enum {
    TIME_COLUMNS = 19,
    TIME_COLUMNS_NARROW = 14,
    WIDE_FROM = 100,
    LEVEL_COLUMNS_EN = 8,
    LEVEL_COLUMNS_VI = 12,
    WHERE_COLUMNS_MAX = 40,
    TITLE_COLUMNS = 52, /* where rows are not cut */
    GAP = 2,
    FLUSH_BYTES = 1 << 16
};

struct watch_findings {
    struct watch *w;
    struct store *store;
    uint64_t next; /* sequence */
    int64_t since_ns;
    struct bundle bundle; /* for titles in Vietnamese */
    struct buf bundle_bytes;
    struct rules_load load;
    struct map titles; /* rule id -> number of the rule */
};

/* ---- titles ---- */

/* Findings are shown with the title they were stored with where the rules cannot be read. */
static void titles_load(struct watch_findings *f)
{
    struct sigma_options options = {0};
    struct buf problems = {0};
    struct err err;
    int rc = rules_set_make(&f->w->config->rules, NULL, &f->bundle_bytes, &problems, &err);
    if (rc == ERR_OK)
        rc = bundle_open(&f->bundle, buf_as_slice(&f->bundle_bytes), &err);
    if (rc == ERR_OK)
        rules_load_bundle(&f->load, &f->bundle, &options);
    for (uint32_t i = 0; i < f->load.rules.count; i++) {
        const struct rule *rule = f->load.rules.rules[i];
        bool made;
        if (rule->id.len && rule->title_vi.len)
            (void)map_put(&f->titles, rule->id, i, &made);
    }
    buf_free(&problems);
}

static struct slice text_of(const struct row *row, struct slice name)
{
    struct field *field = record_find(row->record, name);
    return field ? record_text(row->record, field) : SLICE("");
}

static struct slice title_of(struct watch_findings *f, const struct row *row)
{
    struct slice message = text_of(row, f->w->vi ? SLICE("message_vi") : SLICE("message_en"));
    if (message.len) /* of Canh itself */
        return message;
    const struct map_entry *known = map_find(&f->titles, text_of(row, SLICE("rule.id")));
    return known ? f->load.rules.rules[known->value]->title_vi : text_of(row, SLICE("rule.title"));
}

/* ---- a line ---- */

static void cell_put(struct slice text, uint32_t columns, struct buf *out)
{
    uint32_t width = cell_terminal(text, columns, out);
    cell_blanks(out, width >= columns ? GAP : columns + GAP - width);
}

static uint32_t time_put(struct watch_findings *f, const struct row *row, struct buf *out)
{
    const struct watch *w = f->w;
    struct clock_date d;
    int64_t time_ns = row_time(row);
    clock_to_date(time_ns, clock_zone_offset(w->zone, time_ns), &d);
    bool wide = w->output.columns == 0 || w->output.columns >= WIDE_FROM;
    if (wide)
        buf_printf(out, "%04d-%02d-%02d", d.year, d.month, d.day);
    else if (w->vi)
        buf_printf(out, "%02d/%02d", d.day, d.month);
    else
        buf_printf(out, "%02d-%02d", d.month, d.day);
    buf_printf(out, " %02d:%02d:%02d", d.hour, d.minute, d.second);
    cell_blanks(out, GAP);
    return (wide ? TIME_COLUMNS : TIME_COLUMNS_NARROW) + GAP;
}

static uint32_t level_put(struct watch_findings *f, const struct row *row, struct buf *out)
{
    const struct watch *w = f->w;
    uint32_t columns = w->vi ? LEVEL_COLUMNS_VI : LEVEL_COLUMNS_EN;
    struct buf name = {0};
    buf_slice(&name, text_of(row, SLICE("rule.level")));
    enum rule_level level = finding_level_of(buf_text(&name));
    if (w->output.colour)
        buf_string(out, output_level_colour(level));
    struct slice text = slice_from(output_level_text(level, w->vi));
    uint32_t width = cell_terminal(text, columns, out);
    if (w->output.colour)
        buf_string(out, "\033[0m");
    cell_blanks(out, (width < columns ? columns - width : 0) + GAP);
    buf_free(&name);
    return columns + GAP;
}

/* The host, or what the finding is about (its group, else what matched), and the source. */
static void where_put(const struct row *row, struct buf *out)
{
    const struct row_context *c = row->context;
    const struct record *record = row->record;
    struct slice about = c->host;
    static const char *const heads[] = {"group.", "matched."};
    for (size_t k = 0; k < 2 && about.len == 0; k++)
        for (uint32_t i = 0; i < record->count && about.len == 0; i++)
            if (slice_starts(record->fields[i].name, slice_from(heads[k])))
                about = record_text(row->record, &row->record->fields[i]);
    if (about.len == 0)
        about = text_of(row, SLICE("subject"));
    buf_slice(out, about);
    if (about.len && c->source.len)
        buf_string(out, ", ");
    buf_slice(out, c->source);
}

static void line_put(struct watch_findings *f, const struct row *row)
{
    struct watch *w = f->w;
    struct buf *out = &w->out, title = {0}, where = {0};
    uint32_t used = time_put(f, row, out);
    used += level_put(f, row, out);
    if (row->context->flags & ROW_DRILL)
        buf_string(&title, w->vi ? "[diễn tập] " : "[drill] ");
    buf_slice(&title, title_of(f, row));
    where_put(row, &where);
    uint32_t title_columns = TITLE_COLUMNS, where_columns = 0;
    bool is_own = text_of(row, SLICE("message_en")).len > 0; /* Canh's: a whole sentence */
    if (w->output.columns) {
        uint32_t room = w->output.columns > used + 30 ? w->output.columns - used : 30;
        uint32_t share = w->output.columns < WIDE_FROM ? room / 4 : room * 2 / 5;
        where_columns = share > WHERE_COLUMNS_MAX ? WHERE_COLUMNS_MAX : share;
        title_columns = is_own ? room : room - where_columns - GAP;
    }
    if (w->output.columns) {
        cell_put(buf_as_slice(&title), title_columns, out);
    } else {
        uint32_t width = cell_terminal(buf_as_slice(&title), 0, out);
        cell_blanks(out, (width < title_columns ? title_columns - width : 0) + GAP);
    }
    if (!is_own)
        (void)cell_terminal(buf_as_slice(&where), where_columns, out);
    buf_char(out, '\n');
    buf_free(&title);
    buf_free(&where);
}

/* ---- following ---- */

static int next_read(struct watch_findings *f, uint64_t *next, struct err *err)
{
    struct store_stats stats;
    int rc = store_stat(f->store, &stats, err);
    if (rc == ERR_OK)
        *next = stats.next_sequence;
    return rc;
}

int watch_findings_show(struct watch_findings *f, uint64_t *count, struct err *err)
{
    static const struct slice partitions[] = {{"_findings", 9}};
    struct store_search search = {.from_ns = CLOCK_NONE,
                                  .until_ns = CLOCK_NONE,
                                  .received_from_ns = f->since_ns,
                                  .received_until_ns = CLOCK_NONE,
                                  .after_sequence = f->next - 1,
                                  .order = STORE_SEQUENCE,
                                  .partitions = partitions,
                                  .partition_count = 1};
    struct store_cursor *cursor = NULL;
    struct store_item item;
    uint64_t next;
    int rc = next_read(f, &next, err);
    if (rc != ERR_OK || next == f->next)
        return rc;
    rc = store_search(f->store, &search, &cursor, err);
    while (rc == ERR_OK && !f->w->closed && (rc = store_next(cursor, &item, err)) == ERR_OK) {
        if (item.kind != STORE_ROW)
            continue;
        if (item.row->sequence >= next)
            next = item.row->sequence + 1;
        line_put(f, item.row);
        (*count)++;
        if (f->w->out.len > FLUSH_BYTES && cli_write(&f->w->out, &f->w->closed) != CLI_OK)
            rc = err_set(err, ERR_IO, "the findings could not be written out");
    }
    if (cursor)
        store_cursor_close(&cursor);
    if (rc != ERR_END && rc != ERR_OK)
        return rc;
    f->next = next;
    if (f->w->out.len && cli_write(&f->w->out, &f->w->closed) != CLI_OK)
        return err_set(err, ERR_IO, "the findings could not be written out");
    return ERR_OK;
}

void watch_findings_rewind(struct watch_findings *f)
{
    struct slice started = {0};
    f->next = 1;
    if (client_answer_raw(buf_as_slice(&f->w->status), "started", &started))
        f->since_ns = clock_parse(started, NULL, CLOCK_NONE);
}

int watch_findings_open(struct watch_findings **out, struct watch *w, struct err *err)
{
    struct watch_findings *f = mem_zeroed(1, sizeof(*f));
    struct store_options options;
    *out = f;
    f->w = w;
    f->since_ns = CLOCK_NONE;
    data_store_options(&w->config->store, false, &options);
    int rc = store_open(&f->store, client_data(w->client), &options, err);
    if (rc == ERR_OK)
        rc = next_read(f, &f->next, err);
    if (rc == ERR_OK && w->vi)
        titles_load(f);
    return rc;
}

void watch_findings_close(struct watch_findings **findings)
{
    struct watch_findings *f = *findings;
    if (!f)
        return;
    store_close(&f->store);
    rules_load_free(&f->load);
    bundle_close(&f->bundle);
    buf_free(&f->bundle_bytes);
    map_free(&f->titles);
    mem_free(f);
    *findings = NULL;
}

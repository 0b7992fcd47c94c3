/* One self-contained page: no script, nothing loaded from elsewhere, prints on A4.
 *
 * A finding travels as a row of bytes from the thread that found it to output_pass, which counts it
 * and keeps it while there is room. Rejected: writing HTML at once, since the summary stands first
 * and the findings are grouped by rule. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "formats/json.h"
#include "program/cell.h"
#include "program/output_html_text.h"
#include "program/output_inside.h"

enum { PLACES_SHOWN_MAX = 5 };

struct row { /* followed by field_count pairs and place_count places, then their texts */
    uint32_t size_bytes, rule, field_count, place_count;
    uint64_t event_total;
    int64_t time_ns;
    double value;
    uint32_t host_bytes;
    bool capped;
};

struct row_pair {
    uint32_t name_bytes, value_bytes;
};

struct row_place {
    uint64_t line;
    uint32_t file_bytes;
};

struct rule_total {
    uint64_t count;
    int64_t first_ns, last_ns;
    uint32_t kept;
};

struct output_page {
    struct buf rows;
    struct rule_total *totals; /* by rule */
    uint32_t kept;
    uint64_t count;
};

struct output_page *output_page_open(const struct output *o)
{
    struct output_page *page = mem_zeroed(1, sizeof(*page));
    page->totals = mem_zeroed(o->rules->count, sizeof(*page->totals));
    return page;
}

void output_page_close(struct output_page **page)
{
    if (!*page)
        return;
    buf_free(&(*page)->rows);
    mem_free((*page)->totals);
    mem_free(*page);
    *page = NULL;
}

/* ---- rows: written by any thread, read by the page ---- */

static void pair_sizes(struct buf *out, struct slice name, struct slice value)
{
    struct row_pair pair = {(uint32_t)name.len, (uint32_t)value.len};
    buf_append(out, &pair, sizeof pair);
}

void output_page_row(const struct output *o, const struct finding *f, struct buf *out)
{
    bool correlation = o->shown[f->rule].is_correlation;
    const struct finding_place *places = correlation ? f->events : &f->place;
    size_t start = out->len;
    struct row row = {.rule = f->rule,
                      .field_count = f->matched_count + (correlation ? f->group_count : 0),
                      .place_count = correlation ? f->event_count : 1,
                      .event_total = correlation ? f->event_total : 0,
                      .time_ns = f->place.time_ns,
                      .value = f->value,
                      .host_bytes = (uint32_t)f->host.len,
                      .capped = f->capped};
    if (row.place_count > PLACES_SHOWN_MAX)
        row.place_count = PLACES_SHOWN_MAX;
    buf_append(out, &row, sizeof row);
    for (uint32_t i = 0; i < f->matched_count; i++)
        pair_sizes(out, f->matched[i].name, f->matched[i].value);
    for (uint32_t i = f->matched_count; i < row.field_count; i++)
        pair_sizes(out, f->group_names[i - f->matched_count],
                   f->group_values[i - f->matched_count]);
    for (uint32_t i = 0; i < row.place_count; i++) {
        struct row_place place = {places[i].line, (uint32_t)places[i].file.len};
        buf_append(out, &place, sizeof place);
    }
    buf_slice(out, f->host);
    for (uint32_t i = 0; i < f->matched_count; i++) {
        buf_slice(out, f->matched[i].name);
        buf_slice(out, f->matched[i].value);
    }
    for (uint32_t i = f->matched_count; i < row.field_count; i++) {
        buf_slice(out, f->group_names[i - f->matched_count]);
        buf_slice(out, f->group_values[i - f->matched_count]);
    }
    for (uint32_t i = 0; i < row.place_count; i++)
        buf_slice(out, places[i].file);
    row.size_bytes = (uint32_t)(out->len - start);
    memcpy(out->data + start, &row, sizeof row);
}

static struct row row_at(const struct buf *rows, size_t at)
{
    struct row row;
    memcpy(&row, rows->data + at, sizeof row);
    return row;
}

void output_page_keep(struct output *o, struct slice rows)
{
    struct output_page *page = o->page;
    while (rows.len) {
        struct row row;
        memcpy(&row, rows.data, sizeof row);
        struct rule_total *total = &page->totals[row.rule];
        if (row.time_ns != CLOCK_NONE) {
            bool timed = total->first_ns || total->last_ns;
            if (!timed || row.time_ns < total->first_ns)
                total->first_ns = row.time_ns;
            if (!timed || row.time_ns > total->last_ns)
                total->last_ns = row.time_ns;
        }
        total->count++;
        page->count++;
        if (total->kept < OUTPUT_HTML_OF_RULE_MAX && page->kept < OUTPUT_HTML_FINDINGS_MAX &&
            page->rows.len + row.size_bytes <= OUTPUT_HTML_BYTES_MAX) {
            total->kept++;
            page->kept++;
            buf_append(&page->rows, rows.data, row.size_bytes);
        }
        rows = slice_part(rows, row.size_bytes, rows.len);
    }
}

/* ---- the page ---- */

static void escape_clean(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        switch (c) {
        case '&':
            buf_string(out, "&amp;");
            break;
        case '<':
            buf_string(out, "&lt;");
            break;
        case '>':
            buf_string(out, "&gt;");
            break;
        case '"':
            buf_string(out, "&quot;");
            break;
        case '\'':
            buf_string(out, "&#39;");
            break;
        default:
            buf_char(out, c);
        }
    }
}

/* With U+FFFD for what must not reach a page (cell_is_unsafe). */
static void escape(struct buf *out, struct slice text)
{
    struct buf clean = {0};
    for (size_t at = 0; at < text.len;) {
        char bytes[4];
        uint32_t c = text_next_char(text, &at);
        if (cell_is_unsafe(c) && c != '\n' && c != '\t')
            c = 0xfffd;
        buf_append(&clean, bytes, text_put_char(bytes, c));
    }
    escape_clean(out, buf_as_slice(&clean));
    buf_free(&clean);
}

static const char *word(const struct output *o, enum html_word which)
{
    return html_words[which][o->options.vietnamese];
}

static void number(struct buf *out, uint64_t value)
{
    buf_printf(out, "%llu", (unsigned long long)value);
}

static void time_cell(const struct output *o, int64_t time_ns, struct buf *out)
{
    buf_string(out, "<td class=t>");
    output_time(o, time_ns, out);
    buf_string(out, "</td>");
}

static void head_write(const struct output *o, struct buf *out)
{
    const struct output_page *page = o->page;
    buf_printf(out, "<!doctype html>\n<html lang=%s>\n<head>\n<meta charset=utf-8>\n",
               o->options.vietnamese ? "vi" : "en");
    buf_string(out, html_meta);
    buf_printf(out, "<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n<h1>%s</h1>\n<p>",
               word(o, HTML_TITLE), html_style, word(o, HTML_TITLE));
    number(out, page->count);
    buf_printf(out, " %s. ", word(o, HTML_FINDINGS));
    if (o->options.now_ns != CLOCK_NONE) {
        buf_printf(out, "%s ", word(o, HTML_MADE));
        output_time(o, o->options.now_ns, out);
        buf_string(out, ". ");
    }
    buf_string(out, word(o, o->options.zone ? HTML_TIMES_LOCAL : HTML_TIMES_UTC));
    buf_string(out, "</p>\n");
    if (page->kept < page->count) {
        buf_string(out, "<p class=note>");
        number(out, page->count - page->kept);
        buf_printf(out, " %s</p>\n", word(o, HTML_LEFT_OUT));
    }
}

static void levels_write(const struct output *o, struct buf *out)
{
    uint64_t counts[LEVEL_CRITICAL + 1] = {0}, most = 1;
    for (uint32_t i = 0; i < o->rules->count; i++)
        counts[o->shown[i].level] += o->page->totals[i].count;
    for (int level = LEVEL_CRITICAL; level >= LEVEL_NONE; level--)
        most = counts[level] > most ? counts[level] : most;
    buf_printf(out, "<h2>%s</h2>\n<table class=levels>\n", word(o, HTML_BY_LEVEL));
    for (int level = LEVEL_CRITICAL; level >= LEVEL_NONE; level--) {
        if (level == LEVEL_NONE && !counts[level])
            continue;
        buf_printf(out, "<tr><th class=l%d>%s</th><td class=n>", level,
                   output_level_name(o, (enum rule_level)level));
        number(out, counts[level]);
        buf_printf(out, "</td><td class=b><div class=l%d style=width:%u%%></div></td></tr>\n",
                   level, (unsigned)(counts[level] * 100 / most));
    }
    buf_string(out, "</table>\n");
}

/* attack.t1059.001 -> T1059.001, with its address; other tags as they are. */
static void tag_write(struct slice tag, struct buf *out)
{
    struct slice name = slice_part(tag, 7, tag.len);
    uint64_t digits;
    if (slice_starts(tag, SLICE("attack.t")) && slice_to_u64(slice_part(name, 1, 4), &digits)) {
        struct slice technique = slice_cut(&name, '.');
        buf_string(out, "<a class=tag href=\"https://attack.mitre.org/techniques/T");
        escape(out, slice_part(technique, 1, technique.len));
        if (name.len) {
            buf_char(out, '/');
            escape(out, name);
        }
        buf_string(out, "/\">T");
        escape(out, slice_part(tag, 8, tag.len));
        buf_string(out, "</a> ");
        return;
    }
    buf_string(out, "<span class=tag>");
    escape(out, slice_starts(tag, SLICE("attack.")) ? name : tag);
    buf_string(out, "</span> ");
}

static void rules_write(const struct output *o, const uint32_t *order, uint32_t count,
                        struct buf *out)
{
    buf_printf(out,
               "<h2>%s</h2>\n<table>\n<thead><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th>"
               "<th>%s</th></tr></thead>\n<tbody>\n",
               word(o, HTML_BY_RULE), word(o, HTML_LEVEL), word(o, HTML_RULE), word(o, HTML_COUNT),
               word(o, HTML_FIRST), word(o, HTML_LAST));
    for (uint32_t i = 0; i < count; i++) {
        const struct output_rule *rule = &o->shown[order[i]];
        const struct rule_total *total = &o->page->totals[order[i]];
        bool timed = total->first_ns || total->last_ns;
        buf_printf(out, "<tr><td><b class=l%d>%s</b></td><td><a href=\"#r%u\">", (int)rule->level,
                   output_level_name(o, rule->level), order[i]);
        escape(out, rule->title);
        buf_string(out, "</a></td><td class=n>");
        number(out, total->count);
        buf_string(out, "</td>");
        time_cell(o, timed ? total->first_ns : CLOCK_NONE, out);
        time_cell(o, timed ? total->last_ns : CLOCK_NONE, out);
        buf_string(out, "</tr>\n");
    }
    buf_string(out, "</tbody>\n</table>\n");
}

static void fact_write(const struct output *o, enum html_word name, struct slice text,
                       struct buf *out)
{
    if (!text.len)
        return;
    buf_printf(out, "<dt>%s</dt><dd>", word(o, name));
    escape(out, text);
    buf_string(out, "</dd>");
}

static void references_write(const struct output *o, const struct slice_list *list, struct buf *out)
{
    if (!list->count)
        return;
    buf_printf(out, "<dt>%s</dt><dd>", word(o, HTML_REFERENCES));
    for (uint32_t i = 0; i < list->count; i++) {
        struct slice item = list->items[i];
        bool link = slice_starts(item, SLICE("https://")) || slice_starts(item, SLICE("http://"));
        if (i)
            buf_string(out, "<br>");
        if (link) {
            buf_string(out, "<a rel=noreferrer href=\"");
            escape(out, item);
            buf_string(out, "\">");
        }
        escape(out, item);
        if (link)
            buf_string(out, "</a>");
    }
    buf_string(out, "</dd>");
}

static void finding_write(const struct output *o, const struct buf *rows, size_t at,
                          struct buf *out)
{
    struct row row = row_at(rows, at);
    struct slice pairs =
        slice_make(rows->data + at + sizeof row, row.field_count * sizeof(struct row_pair));
    struct slice places =
        slice_make(pairs.data + pairs.len, row.place_count * sizeof(struct row_place));
    const char *text = places.data + places.len;
    buf_string(out, "<tr>");
    time_cell(o, row.time_ns, out);
    buf_string(out, "<td>");
    escape(out, slice_make(text, row.host_bytes));
    text += row.host_bytes;
    buf_string(out, "</td><td>");
    for (uint32_t i = 0; i < row.field_count; i++) {
        struct row_pair pair;
        memcpy(&pair, pairs.data + i * sizeof pair, sizeof pair);
        buf_string(out, "<div><b>");
        escape(out, slice_make(text, pair.name_bytes));
        buf_string(out, "</b> ");
        escape(out, slice_make(text + pair.name_bytes, pair.value_bytes));
        buf_string(out, "</div>");
        text += pair.name_bytes + pair.value_bytes;
    }
    if (o->shown[row.rule].is_correlation) {
        struct json_writer w = {.out = out};
        buf_printf(out, "<div>%s ", word(o, HTML_VALUE));
        json_double(&w, row.value);
        buf_printf(out, ", %llu %s%s</div>", (unsigned long long)row.event_total,
                   word(o, HTML_EVENTS), row.capped ? word(o, HTML_CAPPED) : "");
    }
    buf_string(out, "</td><td class=p>");
    for (uint32_t i = 0; i < row.place_count; i++) {
        struct row_place place;
        memcpy(&place, places.data + i * sizeof place, sizeof place);
        buf_string(out, i ? "<br>" : "");
        escape(out, slice_make(text, place.file_bytes));
        buf_printf(out, ":%llu", (unsigned long long)place.line);
        text += place.file_bytes;
    }
    buf_string(out, row.event_total > row.place_count ? "<br>…</td></tr>\n" : "</td></tr>\n");
}

static void section_write(const struct output *o, uint32_t index, const size_t *places,
                          struct buf *out)
{
    const struct output_rule *shown = &o->shown[index];
    const struct rule *rule = o->rules->rules[index];
    const struct rule_total *total = &o->page->totals[index];
    bool vi = o->options.vietnamese;
    buf_printf(out, "<section id=r%u>\n<h3><b class=l%d>%s</b> ", index, (int)shown->level,
               output_level_name(o, shown->level));
    escape(out, shown->title);
    buf_string(out, "</h3>\n<p>");
    escape(out, vi && rule->description_vi.len ? rule->description_vi : rule->description);
    buf_string(out, "</p>\n<p>");
    for (uint32_t i = 0; i < rule->tags.count; i++)
        tag_write(rule->tags.items[i], out);
    buf_string(out, "</p>\n<dl>");
    fact_write(o, HTML_AUTHOR, rule->author, out);
    fact_write(o, HTML_ID, rule->id, out);
    fact_write(o, HTML_SOURCE, rule->file, out);
    references_write(o, &rule->references, out);
    buf_printf(out,
               "</dl>\n<table class=f>\n<thead><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th>"
               "</tr></thead>\n<tbody>\n",
               word(o, HTML_TIME), word(o, HTML_HOST), word(o, HTML_MATCHED), word(o, HTML_PLACE));
    for (uint32_t i = 0; i < total->kept; i++)
        finding_write(o, &o->page->rows, places[i], out);
    buf_string(out, "</tbody>\n</table>\n");
    if (total->kept < total->count)
        buf_printf(out, "<p class=note>%llu %s</p>\n",
                   (unsigned long long)(total->count - total->kept), word(o, HTML_LEFT_OUT));
    buf_string(out, "</section>\n");
}

static int order_compare(const void *a, const void *b, void *context)
{
    const struct output *o = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (o->shown[x].level != o->shown[y].level)
        return o->shown[x].level > o->shown[y].level ? -1 : 1;
    if (o->page->totals[x].count != o->page->totals[y].count)
        return o->page->totals[x].count > o->page->totals[y].count ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Rules with findings, the gravest and most frequent first. */
static uint32_t rule_order(const struct output *o, uint32_t *order)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < o->rules->count; i++)
        if (o->page->totals[i].count)
            order[count++] = i;
    struct output shared = *o;
    qsort_r(order, count, sizeof(*order), order_compare, &shared);
    return count;
}

/* starts[rule] .. starts[rule + 1]: the kept rows of the rule in places, in order. */
static void rows_by_rule(const struct output *o, size_t *places, uint32_t *starts)
{
    const struct buf *rows = &o->page->rows;
    uint32_t *next = mem_zeroed(o->rules->count + 1u, sizeof(*next));
    for (uint32_t i = 0; i < o->rules->count; i++)
        next[i + 1] = next[i] + o->page->totals[i].kept;
    memcpy(starts, next, (o->rules->count + 1u) * sizeof(*next));
    for (size_t at = 0; at < rows->len;) {
        struct row row = row_at(rows, at);
        places[next[row.rule]++] = at;
        at += row.size_bytes;
    }
    mem_free(next);
}

void output_page_write(const struct output *o, struct buf *out)
{
    uint32_t rule_count = o->rules->count;
    size_t *places = mem_zeroed(o->page->kept, sizeof(*places));
    uint32_t *starts = mem_zeroed(rule_count + 1u, sizeof(*starts));
    uint32_t *order = mem_zeroed(rule_count, sizeof(*order));
    rows_by_rule(o, places, starts);
    uint32_t count = rule_order(o, order);
    head_write(o, out);
    levels_write(o, out);
    if (count)
        rules_write(o, order, count, out);
    for (uint32_t i = 0; i < count; i++)
        section_write(o, order[i], places + starts[order[i]], out);
    buf_printf(out, "<p class=note>%s</p>\n</body>\n</html>\n", word(o, HTML_CREDIT));
    mem_free(order);
    mem_free(starts);
    mem_free(places);
}

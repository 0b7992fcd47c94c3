/* CSV with a header: columns are known by their names. */
#include "detection/intel_inside.h"
#include "formats/csv.h"

enum column_role {
    ROLE_NONE,
    ROLE_VALUE,
    ROLE_TYPED,
    ROLE_TYPE,
    ROLE_TITLE,
    ROLE_CONFIDENCE,
    ROLE_TLP,
    ROLE_SOURCE,
    ROLE_FROM,
    ROLE_UNTIL,
    ROLE_ID,
    ROLE_TO_IDS
};

/* `# value;note` over a list tells of its form; the notes may have the separator in them. */
enum { COMMENT_COLUMNS_MIN = 3 };

struct table {
    struct slice columns[INTEL_COLUMNS_MAX];
    enum column_role roles[INTEL_COLUMNS_MAX];
    enum indicator_type types[INTEL_COLUMNS_MAX]; /* ROLE_TYPED */
    struct format_header header;
    bool has_value; /* a column of values of any type: typed columns are not looked at */
    bool has_typed;
};

static enum column_role role_of(struct slice name, enum indicator_type *type)
{
    static const struct {
        const char *name;
        enum column_role role;
    } names[] = {
        {"value", ROLE_VALUE},
        {"indicator", ROLE_VALUE},
        {"ioc", ROLE_VALUE},
        {"ioc_value", ROLE_VALUE},
        {"ioc value", ROLE_VALUE},
        {"indicator_value", ROLE_VALUE},
        {"observable", ROLE_VALUE},
        {"hash", ROLE_VALUE},
        {"file_hash", ROLE_VALUE},
        {"type", ROLE_TYPE},
        {"indicator_type", ROLE_TYPE},
        {"ioc_type", ROLE_TYPE},
        {"description", ROLE_TITLE},
        {"comment", ROLE_TITLE},
        {"comments", ROLE_TITLE},
        {"title", ROLE_TITLE},
        {"note", ROLE_TITLE},
        {"notes", ROLE_TITLE},
        {"category", ROLE_TITLE},
        {"threat", ROLE_TITLE},
        {"malware", ROLE_TITLE},
        {"malware_printable", ROLE_TITLE},
        {"malware_family", ROLE_TITLE},
        {"signature", ROLE_TITLE},
        {"event_info", ROLE_TITLE},
        {"confidence", ROLE_CONFIDENCE},
        {"score", ROLE_CONFIDENCE},
        {"confidence_level", ROLE_CONFIDENCE},
        {"tlp", ROLE_TLP},
        {"source", ROLE_SOURCE},
        {"provider", ROLE_SOURCE},
        {"valid_from", ROLE_FROM},
        {"valid_until", ROLE_UNTIL},
        {"expires", ROLE_UNTIL},
        {"expiry", ROLE_UNTIL},
        {"expiration", ROLE_UNTIL},
        {"expiration_date", ROLE_UNTIL},
        {"id", ROLE_ID},
        {"uuid", ROLE_ID},
        {"ioc_id", ROLE_ID},
        {"to_ids", ROLE_TO_IDS},
    };
    name = slice_trim(name);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_equal_nocase(name, slice_from(names[i].name)))
            return names[i].role;
    return intel_type_find(name, type) ? ROLE_TYPED : ROLE_NONE;
}

/* The next cell of a header, without its quotes; false: there is none left. */
static bool next_name(struct slice *rest, char separator, struct slice *name)
{
    if (!rest->data)
        return false;
    bool last = slice_find_char(*rest, separator) == SLICE_NONE;
    struct slice cell = slice_trim(slice_cut(rest, separator));
    if (cell.len >= 2 && cell.data[0] == '"' && cell.data[cell.len - 1] == '"')
        cell = slice_part(cell, 1, cell.len - 2);
    if (last)
        rest->data = NULL;
    *name = cell;
    return true;
}

static bool read_names(struct table *t, struct slice line, char separator)
{
    struct slice rest = line, name;
    bool said = false;
    *t = (struct table){.header = {.columns = t->columns, .separator = separator}};
    while (next_name(&rest, separator, &name)) {
        uint32_t i = t->header.column_count;
        if (i == INTEL_COLUMNS_MAX)
            return false;
        t->columns[i] = name;
        t->roles[i] = role_of(name, &t->types[i]);
        t->has_value = t->has_value || t->roles[i] == ROLE_VALUE;
        t->has_typed = t->has_typed || t->roles[i] == ROLE_TYPED;
        said = said || name.len > 60 || slice_find_char(name, '/') != SLICE_NONE;
        t->header.column_count++;
    }
    return !said && t->header.column_count > 0 && (t->has_value || t->has_typed);
}

/* line as a header with any of the separators; a single column only where that is not a comment. */
static bool read_header(struct table *t, struct slice line, bool is_comment)
{
    static const char separators[] = {',', '\t', ';', '|'};
    for (size_t i = 0; i < sizeof separators; i++)
        if (slice_find_char(line, separators[i]) != SLICE_NONE &&
            read_names(t, line, separators[i]))
            return true;
    return !is_comment && slice_find_char(line, ' ') == SLICE_NONE && read_names(t, line, ',');
}

/* The header row, or the last comment before the first row when that names columns. *rest is left
 * behind it, *line counts the lines before. */
static bool find_header(struct table *t, struct slice *rest, uint64_t *line)
{
    struct slice text, comment = SLICE("");
    for (;;) {
        struct slice before = *rest;
        if (!intel_line_next(rest, &text))
            return false;
        text = slice_trim(text);
        if (text.len > INTEL_ROW_BYTES_MAX)
            return false;
        if (!intel_line_is_comment(text)) {
            if (read_header(t, text, false)) {
                ++*line;
                return true;
            }
            *rest = before;
            break;
        }
        ++*line;
        if (text.len > 1 && text.data[0] == '#')
            comment = slice_trim(slice_part(text, 1, text.len));
    }
    return comment.len && read_header(t, comment, true) &&
           t->header.column_count >= COMMENT_COLUMNS_MIN;
}

bool intel_csv_has_header(struct slice text)
{
    struct table t;
    uint64_t line = 0;
    t.header.column_count = 0;
    return find_header(&t, &text, &line);
}

/* The next row: lines, until its quotes close. *lines: how many they were. */
static bool next_row(struct slice *rest, struct slice *row, uint64_t *lines)
{
    struct slice start = *rest, line, first_rest;
    *lines = 0;
    if (!intel_line_next(rest, row))
        return false;
    first_rest = *rest;
    *lines = 1;
    size_t quotes = 0;
    for (size_t i = 0; i < row->len; i++)
        quotes += row->data[i] == '"';
    while (quotes % 2) {
        if (!intel_line_next(rest, &line) ||
            (size_t)(line.data - start.data) + line.len > INTEL_ROW_BYTES_MAX) {
            *rest = first_rest; /* a stray quote costs one line */
            *lines = 1;
            return true;
        }
        for (size_t i = 0; i < line.len; i++)
            quotes += line.data[i] == '"';
        row->len = (size_t)(line.data - start.data) + line.len;
        ++*lines;
    }
    return true;
}

static void read_cell(const struct table *t, size_t column, struct slice cell,
                      struct intel_item *item, bool *for_detection)
{
    enum indicator_type type;
    if (!cell.len)
        return;
    switch (t->roles[column]) {
    case ROLE_VALUE:
        if (!item->value.len)
            item->value = cell;
        break;
    case ROLE_TYPE:
        if (intel_type_find(cell, &type))
            item->type = type;
        break;
    case ROLE_TITLE:
        if (!item->title.len)
            item->title = cell;
        break;
    case ROLE_CONFIDENCE:
        item->confidence = intel_confidence(cell);
        break;
    case ROLE_TLP:
        (void)intel_reader_tlp(cell, &item->tlp);
        break;
    case ROLE_SOURCE:
        item->source = cell;
        break;
    case ROLE_FROM:
        item->from_ns = clock_parse(cell, NULL, CLOCK_NONE);
        break;
    case ROLE_UNTIL:
        item->until_ns = clock_parse(cell, NULL, CLOCK_NONE);
        break;
    case ROLE_ID:
        item->id = cell;
        break;
    case ROLE_TO_IDS:
        *for_detection =
            !slice_equal(cell, SLICE("0")) && !slice_equal_nocase(cell, SLICE("false"));
        break;
    case ROLE_NONE:
    case ROLE_TYPED:
        break;
    }
}

static int give_row(struct intel_reading *r, const struct table *t, const struct record *row,
                    uint64_t line, struct err *err)
{
    struct intel_item item = intel_item_make();
    bool for_detection = true, any = false;
    int rc = ERR_OK;
    item.line = line;
    for (uint32_t i = 0; i < row->count; i++)
        read_cell(t, i, slice_trim(row->fields[i].value), &item, &for_detection);
    if (!for_detection && !r->options->all) {
        r->counts->passed_over++;
        return ERR_OK;
    }
    if (item.value.len)
        return intel_item_give(r, &item, err);
    for (uint32_t i = 0; i < row->count && !t->has_value && rc == ERR_OK; i++) {
        item.value = slice_trim(row->fields[i].value);
        if (t->roles[i] != ROLE_TYPED || !item.value.len)
            continue;
        any = true;
        item.type = t->types[i];
        rc = intel_item_give(r, &item, err);
    }
    if (!any)
        intel_refuse(r, line, "the row has no value");
    return rc;
}

int intel_csv_read(struct intel_reading *r, struct err *err)
{
    struct table t;
    struct record record = {0};
    struct slice rest = r->text, row;
    uint64_t line = 1, lines;
    int rc = ERR_OK;
    t.header.column_count = 0;
    if (!find_header(&t, &rest, &line))
        return err_set(err, ERR_SYNTAX, "no row names the columns");
    while (rc == ERR_OK && next_row(&rest, &row, &lines)) {
        struct err why;
        record_reset(&record);
        arena_reset(&r->scratch);
        if (row.len > INTEL_ROW_BYTES_MAX)
            intel_refuse(r, line, "the row is longer than %d bytes", INTEL_ROW_BYTES_MAX);
        else if (slice_trim(row).len && row.data[0] != '#') {
            if (csv_parse(&record, row, &t.header, &why) == ERR_OK)
                rc = give_row(r, &t, &record, line, err);
            else
                intel_refuse(r, line, "%s", why.text);
        }
        line += lines;
    }
    record_free(&record);
    return rc;
}

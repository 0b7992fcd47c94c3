#include "formats/csv.h"
#include "formats/probe.h"
#include "formats/weblog.h"

/* One value of a row up to `separator`. quotes: "..." may hold separators, "" stands for one quote.
 */
static bool take_value(struct slice *s, char separator, bool quotes, struct slice *value)
{
    if (quotes && s->len > 1 && s->data[0] == '"') {
        for (size_t i = 1; i < s->len; i++) {
            if (s->data[i] != '"')
                continue;
            if (i + 1 < s->len && s->data[i + 1] == '"') {
                i++;
                continue;
            }
            if (i + 1 < s->len && s->data[i + 1] != separator)
                return false;
            *value = slice_part(*s, 0, i + 1);
            *s = slice_part(*s, i + 2, s->len);
            return true;
        }
        return false;
    }
    *value = slice_cut(s, separator);
    return true;
}

/* Number of values of the row, 0 when its quotes do not fit. */
static uint64_t count_values(struct slice s, char separator, bool quotes)
{
    uint64_t count = 0;
    while (s.len) {
        struct slice value;
        if (!take_value(&s, separator, quotes, &value))
            return 0;
        count++;
    }
    return count;
}

static struct slice unquote(struct record *r, struct slice value)
{
    if (value.len < 2 || value.data[0] != '"')
        return value;
    value = slice_part(value, 1, value.len - 2);
    if (slice_find_char(value, '"') == SLICE_NONE)
        return value;
    char *out = arena_bytes(&r->arena, value.len);
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        out[len++] = value.data[i];
        i += value.data[i] == '"' ? 1 : 0;
    }
    return slice_make(out, len);
}

static int add_date(struct record *r, const struct format_header *header, struct err *err)
{
    bool has_time = false, has_date = false;
    for (uint32_t i = 0; i < header->column_count; i++) {
        has_time = has_time || slice_equal(header->columns[i], SLICE("time"));
        has_date = has_date || slice_equal(header->columns[i], SLICE("date"));
    }
    struct slice date = slice_trim(header->date);
    if (!has_time || has_date || date.len == 0)
        return ERR_OK;
    return record_add(r, SLICE("date"), slice_cut(&date, ' '), VALUE_STRING, 0, err);
}

static int add_value(struct record *r, struct slice name, struct slice value, struct err *err)
{
    if (name.len > RECORD_NAME_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "a name in #Fields is longer than %d bytes",
                       RECORD_NAME_BYTES_MAX);
    if (slice_equal(value, SLICE("-")))
        return record_add(r, name, slice_part(value, 0, 0), VALUE_NULL, 0, err);
    return record_add(r, name, value, VALUE_STRING, 0, err);
}

int w3c_parse(struct record *r, struct slice text, const struct format_header *header,
              struct err *err)
{
    if (!header || header->column_count == 0)
        return err_set(err, ERR_SYNTAX, "no #Fields line before this row names its columns");
    text = slice_trim(text);
    if (header->separator == ',') { /* Exchange: the rows are those of a CSV file */
        int rc = csv_parse(r, text, header, err);
        return rc ? rc : add_date(r, header, err);
    }
    char separator = slice_find_char(text, '\t') == SLICE_NONE ? ' ' : '\t';
    /* IIS does not quote, proxies do: quotes count when the number of values fits with them */
    bool quotes = count_values(text, separator, true) == header->column_count;
    uint64_t count = quotes ? header->column_count : count_values(text, separator, false);
    if (count != header->column_count)
        return err_set(err, ERR_SYNTAX, "the row has %llu values, #Fields names %u",
                       (unsigned long long)count, header->column_count);
    for (uint32_t i = 0; i < header->column_count; i++) {
        struct slice value;
        if (!take_value(&text, separator, quotes, &value))
            break;
        int rc = add_value(r, header->columns[i], quotes ? unquote(r, value) : value, err);
        if (rc)
            return rc;
    }
    return add_date(r, header, err);
}

int w3c_probe(struct slice head)
{
    struct slice line;
    int surety = 0;
    if (slice_starts(head, SLICE("\xef\xbb\xbf")))
        head = slice_part(head, 3, head.len);
    for (int i = 0; i < PROBE_LINES_MAX && probe_line(&head, &line, NULL); i++) {
        if (slice_starts(line, SLICE("#Fields:")))
            return 100;
        if (line.data[0] != '#')
            break;
        if (slice_starts(line, SLICE("#Software:")) || slice_starts(line, SLICE("#Version:")))
            surety = 90;
    }
    return surety;
}

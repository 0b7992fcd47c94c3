#include "store/row.h"

#include "base/hash.h"

bool row_context_equal(const struct row_context *a, const struct row_context *b)
{
    return a->mapping_version == b->mapping_version && a->flags == b->flags &&
           a->mapping_set == b->mapping_set && slice_equal(a->partition, b->partition) &&
           slice_equal(a->source, b->source) && slice_equal(a->system, b->system) &&
           slice_equal(a->unit, b->unit) && slice_equal(a->file, b->file) &&
           slice_equal(a->mapping, b->mapping) && slice_equal(a->product, b->product) &&
           slice_equal(a->category, b->category) && slice_equal(a->service, b->service);
}

uint64_t row_context_hash(const struct row_context *c)
{
    const struct slice texts[] = {c->partition, c->source,  c->system,   c->unit,   c->file,
                                  c->mapping,   c->product, c->category, c->service};
    uint64_t h = c->mapping_set ^ ((uint64_t)c->mapping_version << 32 | c->flags);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        h = hash_bytes(texts[i].data ? texts[i].data : "", texts[i].len, h + i);
    return h;
}

bool row_partition_name_ok(struct slice name)
{
    if (name.len == 0 || name.len > ROW_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

static void number_append(struct buf *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_append(out, digits + at, sizeof digits - at);
}

static void time_append(struct buf *out, int64_t time_ns)
{
    if (time_ns == CLOCK_NONE) {
        buf_char(out, '-');
        return;
    }
    char text[CLOCK_TEXT_BYTES];
    buf_append(out, text, clock_text(text, time_ns));
}

/* `name length=value` and a newline: the length makes values with newlines unambiguous. */
static void context_append(struct buf *out, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    buf_string(out, name);
    buf_char(out, ' ');
    number_append(out, value.len);
    buf_char(out, '=');
    buf_slice(out, value);
    buf_char(out, '\n');
}

static void field_append(struct buf *out, const struct field *f)
{
    static const char kinds[] = {
        [VALUE_STRING] = 's', [VALUE_NUMBER] = 'n', [VALUE_BOOL] = 'b',
        [VALUE_NULL] = '0',   [VALUE_OBJECT] = 'o',
    };
    buf_char(out, kinds[f->kind]);
    if (f->flags & FIELD_NESTED)
        buf_char(out, '.');
    if (f->flags & FIELD_DERIVED)
        buf_char(out, '+');
    buf_char(out, ' ');
    number_append(out, f->name.len);
    buf_char(out, ' ');
    number_append(out, f->value.len);
    buf_char(out, ' ');
    buf_slice(out, f->name);
    buf_char(out, '=');
    buf_slice(out, f->value);
    buf_char(out, '\n');
}

void row_canonical(const struct row *row, struct buf *out)
{
    const struct row_context *c = row->context;
    buf_string(out, "canh-event 1\ntime ");
    time_append(out, row->time_ns);
    buf_string(out, "\nreceived ");
    time_append(out, row->received_ns);
    buf_string(out, "\nline ");
    number_append(out, row->line);
    buf_string(out, "\nflags ");
    number_append(out, c->flags);
    buf_char(out, '\n');
    context_append(out, "partition", c->partition);
    context_append(out, "source", c->source);
    context_append(out, "system", c->system);
    context_append(out, "unit", c->unit);
    context_append(out, "file", c->file);
    context_append(out, "mapping", c->mapping);
    buf_string(out, "mapping_version ");
    number_append(out, c->mapping_version);
    buf_string(out, "\nfields ");
    number_append(out, row->record->count);
    buf_char(out, '\n');
    for (uint32_t i = 0; i < row->record->count; i++)
        field_append(out, &row->record->fields[i]);
}

struct digest row_digest(const struct row *row, struct digester *d, struct buf *scratch)
{
    buf_clear(scratch);
    row_canonical(row, scratch);
    return digest_of(d, buf_as_slice(scratch));
}

struct digest row_leaf(uint64_t sequence, const struct digest *digest, struct digester *d)
{
    uint8_t head[9] = {0};
    for (size_t i = 0; i < 8; i++)
        head[1 + i] = (uint8_t)(sequence >> (56 - 8 * i));
    digester_add(d, head, sizeof head);
    digester_add(d, digest->bytes, sizeof digest->bytes);
    return digester_end(d);
}

#include "store/row.h"

#include "base/hash.h"
#include "base/bytes.h"

/* The order is that in which a batch and a segment hold them. */
void row_context_texts(struct row_context *c, struct slice *out[ROW_CONTEXT_TEXTS])
{
    struct slice *const texts[ROW_CONTEXT_TEXTS] = {
        &c->partition, &c->source,   &c->system,  &c->unit,       &c->file, &c->mapping,
        &c->product,   &c->category, &c->service, &c->configured, &c->host, &c->sender};
    memcpy(out, texts, sizeof texts);
}

bool row_context_equal(const struct row_context *a, const struct row_context *b)
{
    return a->mapping_version == b->mapping_version && a->flags == b->flags &&
           a->mapping_set == b->mapping_set && slice_equal(a->partition, b->partition) &&
           slice_equal(a->source, b->source) && slice_equal(a->system, b->system) &&
           slice_equal(a->unit, b->unit) && slice_equal(a->file, b->file) &&
           slice_equal(a->mapping, b->mapping) && slice_equal(a->product, b->product) &&
           slice_equal(a->category, b->category) && slice_equal(a->service, b->service) &&
           slice_equal(a->configured, b->configured) && slice_equal(a->host, b->host) &&
           slice_equal(a->sender, b->sender);
}

uint64_t row_context_hash(const struct row_context *context)
{
    struct row_context c = *context;
    struct slice *texts[ROW_CONTEXT_TEXTS];
    row_context_texts(&c, texts);
    uint64_t h = c.mapping_set ^ ((uint64_t)c.mapping_version << 32 | c.flags);
    for (size_t i = 0; i < ROW_CONTEXT_TEXTS; i++)
        h = hash_bytes(texts[i]->data ? texts[i]->data : "", texts[i]->len, h + i);
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

void row_context_write(const struct row_context *context, struct buf *out)
{
    struct row_context c = *context;
    struct slice *texts[ROW_CONTEXT_TEXTS];
    row_context_texts(&c, texts);
    bytes_put_u32(out, c.flags);
    bytes_put_u32(out, c.mapping_version);
    bytes_put_u64(out, c.mapping_set);
    for (size_t i = 0; i < ROW_CONTEXT_TEXTS; i++)
        bytes_put_text(out, *texts[i]);
}

bool row_context_read(struct bytes_in *in, enum row_context_form form, struct row_context *c)
{
    struct slice *texts[ROW_CONTEXT_TEXTS];
    size_t count = form == ROW_CONTEXT_1 ? ROW_CONTEXT_TEXTS_1 : ROW_CONTEXT_TEXTS;
    row_context_texts(c, texts);
    c->flags = bytes_take_u32(in);
    c->mapping_version = bytes_take_u32(in);
    c->mapping_set = bytes_take_u64(in);
    for (size_t i = 0; i < ROW_CONTEXT_TEXTS; i++)
        *texts[i] = i < count ? bytes_take_text(in, ROW_TEXT_BYTES_MAX) : SLICE("");
    return !in->bad && row_partition_name_ok(c->partition);
}

/* Room for all of a field's line, or a context's, but its texts: kind, flags, two numbers. */
enum { LINE_BYTES_MAX = 64, HEAD_BYTES_MAX = 512 };

static char *text_put(char *at, struct slice text)
{
    if (text.len)
        memcpy(at, text.data, text.len);
    return at + text.len;
}

static char *number_put(char *at, uint64_t value)
{
    if (value < 10) {
        *at = (char)('0' + value);
        return at + 1;
    }
    if (value < 100) {
        at[0] = (char)('0' + value / 10);
        at[1] = (char)('0' + value % 10);
        return at + 2;
    }
    char digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    memcpy(at, digits + first, sizeof digits - first);
    return at + (sizeof digits - first);
}

static char *time_put(char *at, int64_t time_ns)
{
    if (time_ns == CLOCK_NONE) {
        *at = '-';
        return at + 1;
    }
    char text[CLOCK_TEXT_BYTES];
    return text_put(at, slice_make(text, clock_text(text, time_ns)));
}

/* `name length=value` and a newline: the length makes values with newlines unambiguous. */
static void context_append(struct buf *out, struct slice name, struct slice value)
{
    if (value.len == 0)
        return;
    buf_reserve(out, name.len + value.len + LINE_BYTES_MAX);
    char *at = text_put(out->data + out->len, name);
    *at++ = ' ';
    at = number_put(at, value.len);
    *at++ = '=';
    at = text_put(at, value);
    *at++ = '\n';
    out->len = (size_t)(at - out->data);
}

/* The first line says 2 only when something follows that 1 does not know: rows from before it keep
 * their text, and so their digests, wherever a merge puts them. */
static bool needs_version_2(const struct row_context *c)
{
    return c->host.len || c->sender.len || c->flags & ~(uint32_t)(ROW_HISTORICAL | ROW_INTERNAL);
}

static void head_append(struct buf *out, const struct row *row)
{
    buf_reserve(out, HEAD_BYTES_MAX);
    char *at = text_put(out->data + out->len, needs_version_2(row->context)
                                                  ? SLICE("canh-event 2\ntime ")
                                                  : SLICE("canh-event 1\ntime "));
    at = time_put(at, row->time_ns);
    at = text_put(at, SLICE("\nreceived "));
    at = time_put(at, row->received_ns);
    at = text_put(at, SLICE("\nline "));
    at = number_put(at, row->line);
    at = text_put(at, SLICE("\nflags "));
    at = number_put(at, row->context->flags);
    *at++ = '\n';
    out->len = (size_t)(at - out->data);
}

static char *field_put(char *at, const struct field *f)
{
    static const char kinds[] = {
        [VALUE_STRING] = 's', [VALUE_NUMBER] = 'n', [VALUE_BOOL] = 'b',
        [VALUE_NULL] = '0',   [VALUE_OBJECT] = 'o',
    };
    *at++ = kinds[f->kind];
    if (f->flags & FIELD_NESTED)
        *at++ = '.';
    if (f->flags & FIELD_DERIVED)
        *at++ = '+';
    *at++ = ' ';
    at = number_put(at, f->name.len);
    *at++ = ' ';
    at = number_put(at, f->value.len);
    *at++ = ' ';
    at = text_put(at, f->name);
    *at++ = '=';
    at = text_put(at, f->value);
    *at++ = '\n';
    return at;
}

static void fields_append(struct buf *out, const struct row_context *c, const struct record *r)
{
    size_t bytes = LINE_BYTES_MAX + LINE_BYTES_MAX * (size_t)r->count;
    for (uint32_t i = 0; i < r->count; i++)
        bytes += r->fields[i].name.len + r->fields[i].value.len;
    buf_reserve(out, bytes);
    char *at = text_put(out->data + out->len, SLICE("mapping_version "));
    at = number_put(at, c->mapping_version);
    at = text_put(at, SLICE("\nfields "));
    at = number_put(at, r->count);
    *at++ = '\n';
    for (uint32_t i = 0; i < r->count; i++)
        at = field_put(at, &r->fields[i]);
    out->len = (size_t)(at - out->data);
}

void row_canonical(const struct row *row, struct buf *out)
{
    const struct row_context *c = row->context;
    head_append(out, row);
    context_append(out, SLICE("partition"), c->partition);
    context_append(out, SLICE("source"), c->source);
    context_append(out, SLICE("system"), c->system);
    context_append(out, SLICE("unit"), c->unit);
    context_append(out, SLICE("file"), c->file);
    context_append(out, SLICE("mapping"), c->mapping);
    context_append(out, SLICE("host"), c->host);
    context_append(out, SLICE("sender"), c->sender);
    fields_append(out, c, row->record);
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

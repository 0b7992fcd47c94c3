#include "base/mem.h"
#include "store/batch.h"
#include "base/bytes.h"

/* The least that a name, a context and a row take: what a count can be at most. */
enum {
    NAME_BYTES_MIN = 3,
    CONTEXT_BYTES_MIN = 16 + ROW_CONTEXT_TEXTS_1 * 2 + 1,
    NAME_FLAGS_ALL = 3
};

static int damaged(struct err *err, const char *what, uint32_t number)
{
    return err_set(err, ERR_DAMAGED, "The batch is damaged: %s %u does not hold.", what, number);
}

static int header_read(struct batch_reader *r, struct bytes_in *in, struct err *err)
{
    uint32_t magic = bytes_take_u32(in);
    uint16_t version = bytes_take_u16(in), flags = bytes_take_u16(in);
    r->row_count = bytes_take_u32(in);
    r->name_count = bytes_take_u32(in);
    r->context_count = bytes_take_u32(in);
    uint32_t bytes = bytes_take_u32(in);
    r->received_ns = bytes_take_i64(in);
    if (in->bad || magic != BATCH_MAGIC)
        return err_set(err, ERR_DAMAGED, "The batch is damaged: it does not begin like one.");
    if (version == 0 || version > BATCH_VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "The batch has version %u, and this program reads versions 1 to %d: use the "
                       "program that wrote it, or a newer one.",
                       version, BATCH_VERSION);
    r->context_form = version == 1 ? ROW_CONTEXT_1 : ROW_CONTEXT_2;
    size_t left = bytes_left(in);
    if (flags || bytes != r->bytes.len || r->row_count > BATCH_ROWS_MAX ||
        r->name_count > BATCH_NAMES_MAX || r->context_count > ROW_CONTEXTS_MAX ||
        r->row_count > left / BATCH_ROW_BYTES || r->name_count > left / NAME_BYTES_MIN ||
        r->context_count > left / CONTEXT_BYTES_MIN)
        return err_set(err, ERR_DAMAGED, "The batch is damaged: its counts do not hold.");
    return ERR_OK;
}

static int names_read(struct batch_reader *r, struct bytes_in *in, struct err *err)
{
    r->names = arena_alloc(&r->arena, r->name_count * sizeof(*r->names));
    r->name_hashes = arena_alloc(&r->arena, r->name_count * sizeof(*r->name_hashes));
    r->name_flags = arena_alloc(&r->arena, r->name_count);
    for (uint32_t i = 0; i < r->name_count; i++) {
        uint16_t len = bytes_take_u16(in);
        uint8_t flags = bytes_take_u8(in);
        r->names[i] = bytes_take(in, len);
        if (in->bad || len > RECORD_NAME_BYTES_MAX || flags > NAME_FLAGS_ALL)
            return damaged(err, "name", i);
        r->name_flags[i] = (uint8_t)(flags << 1); /* FIELD_ESCAPED is never stored */
        r->name_hashes[i] = field_name_hash(r->names[i]);
    }
    return ERR_OK;
}

static int contexts_read(struct batch_reader *r, struct bytes_in *in, struct err *err)
{
    r->contexts = arena_alloc(&r->arena, r->context_count * sizeof(*r->contexts));
    for (uint32_t i = 0; i < r->context_count; i++)
        if (!row_context_read(in, r->context_form, &r->contexts[i]))
            return damaged(err, "context", i);
    return ERR_OK;
}

/* One row: *fields of it. */
static bool row_check(const struct batch_reader *r, struct bytes_in *in, uint32_t *fields)
{
    uint32_t bytes = bytes_take_u32(in), context = bytes_take_u32(in);
    (void)bytes_take(in, 16);
    uint32_t count = bytes_take_u32(in);
    if (in->bad || context >= r->context_count || count > RECORD_FIELDS_MAX)
        return false;
    struct slice entries = bytes_take(in, BATCH_FIELD_BYTES * (size_t)count);
    if (in->bad)
        return false;
    uint64_t value_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const char *entry = entries.data + BATCH_FIELD_BYTES * (size_t)i;
        uint32_t kind_len = bytes_u32(entry + 4);
        if (bytes_u32(entry) >= r->name_count || kind_len >> 28 > VALUE_OBJECT)
            return false;
        value_bytes += kind_len & 0x0fffffff;
    }
    if (bytes != BATCH_ROW_BYTES + entries.len + value_bytes)
        return false;
    (void)bytes_take(in, value_bytes);
    *fields = count;
    return !in->bad;
}

static int rows_check(struct batch_reader *r, struct bytes_in *in, struct err *err)
{
    uint32_t most = 0;
    for (uint32_t i = 0, fields; i < r->row_count; i++) {
        if (!row_check(r, in, &fields))
            return damaged(err, "row", i);
        most = fields > most ? fields : most;
    }
    if (bytes_left(in))
        return err_set(err, ERR_DAMAGED, "The batch is damaged: something stands behind it.");
    if (most > r->record.capacity) {
        r->record.fields = mem_resize(r->record.fields, most, sizeof(*r->record.fields));
        r->record.capacity = most;
    }
    return ERR_OK;
}

int batch_reader_open(struct batch_reader *r, struct slice bytes, struct err *err)
{
    arena_reset(&r->arena);
    r->bytes = bytes;
    r->next = 0;
    r->first_sequence = 0;
    struct bytes_in in = bytes_in(bytes);
    int rc = header_read(r, &in, err);
    if (!rc)
        rc = names_read(r, &in, err);
    if (!rc)
        rc = contexts_read(r, &in, err);
    r->at = bytes.len - bytes_left(&in);
    if (!rc)
        rc = rows_check(r, &in, err);
    if (rc)
        r->row_count = 0;
    return rc;
}

bool batch_next(struct batch_reader *r, struct row *row)
{
    if (r->next >= r->row_count)
        return false;
    const char *at = r->bytes.data + r->at;
    uint32_t bytes = bytes_u32(at), count = bytes_u32(at + 24);
    const char *entry = at + BATCH_ROW_BYTES;
    const char *value = entry + BATCH_FIELD_BYTES * (size_t)count;
    record_reset(&r->record);
    for (uint32_t i = 0; i < count; i++, entry += BATCH_FIELD_BYTES) {
        uint32_t name = bytes_u32(entry), kind_len = bytes_u32(entry + 4);
        size_t len = kind_len & 0x0fffffff;
        r->record.fields[i] = (struct field){.name = r->names[name],
                                             .value = slice_make(value, len),
                                             .name_hash = r->name_hashes[name],
                                             .kind = (uint8_t)(kind_len >> 28),
                                             .flags = r->name_flags[name]};
        value += len;
    }
    r->record.count = count;
    uint32_t context = bytes_u32(at + 4);
    *row = (struct row){.sequence = r->first_sequence ? r->first_sequence + r->next : 0,
                        .time_ns = bytes_i64(at + 8),
                        .received_ns = r->received_ns,
                        .line = bytes_u64(at + 16),
                        .context_number = context,
                        .context = &r->contexts[context],
                        .record = &r->record};
    r->at += bytes;
    r->next++;
    return true;
}

void batch_reader_free(struct batch_reader *r)
{
    record_free(&r->record);
    arena_free(&r->arena);
    *r = (struct batch_reader){0};
}

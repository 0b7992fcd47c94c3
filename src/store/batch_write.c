#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/batch.h"
#include "base/bytes.h"
#include "store/journal_format.h"

enum {
    NAMES_FIRST = 256,
    NAMES_KEPT = 1 << 14, /* a larger table is given back between batches */
    /* Names are hashed without a seed: a sender can make them collide. A name that is not found
     * after so many looks is written again instead. */
    PROBES_MAX = 48,
    CONTEXTS_FIRST = 16,
    HEAD_FIRST = 16 << 10 /* room before the rows for header, names and contexts */
};
/* What one context takes at most: numbers and texts. */
#define CONTEXT_BYTES_MAX ((size_t)16 + ROW_CONTEXT_TEXTS * (2 + ROW_TEXT_BYTES_MAX))

struct name_known {
    uint32_t hash;
    uint32_t offset; /* of its bytes in `names` */
    uint16_t len;
    uint8_t flags;
};

struct batch_writer {
    int64_t received_ns;
    bool with_digests;
    struct buf names, contexts, rows; /* as they stand in the batch; rows: behind the room */
    size_t head_room;
    struct name_known *known;
    uint32_t name_count, name_capacity;
    uint32_t *slots; /* number + 1 of a name; 0: free; at most half full */
    uint32_t slot_mask;
    struct map context_numbers; /* keys: their bytes, in arena */
    struct row_context *context_list;
    uint32_t context_count, context_capacity;
    struct buf row_contexts; /* u32 a row */
    struct buf digests;
    uint32_t row_count;
    struct buf scratch;
    struct digester *digester;
    struct packer *packer;
    struct arena arena; /* copies of contexts */
};

static void names_size(struct batch_writer *w, uint32_t capacity)
{
    w->name_capacity = capacity;
    w->slot_mask = 2 * capacity - 1;
    w->known = mem_resize(w->known, capacity, sizeof(*w->known));
    w->slots = mem_resize(w->slots, 2 * (size_t)capacity, sizeof(*w->slots));
}

struct batch_writer *batch_writer_open(void)
{
    struct batch_writer *w = mem_zeroed(1, sizeof(*w));
    names_size(w, NAMES_FIRST);
    w->context_capacity = CONTEXTS_FIRST;
    w->context_list = mem_resize(NULL, w->context_capacity, sizeof(*w->context_list));
    w->digester = digester_open();
    w->packer = packer_open();
    return w;
}

void batch_writer_close(struct batch_writer **writer)
{
    struct batch_writer *w = *writer;
    if (!w)
        return;
    buf_free(&w->names);
    buf_free(&w->contexts);
    buf_free(&w->rows);
    buf_free(&w->row_contexts);
    buf_free(&w->digests);
    buf_free(&w->scratch);
    mem_free(w->known);
    mem_free(w->slots);
    map_free(&w->context_numbers);
    mem_free(w->context_list);
    digester_close(&w->digester);
    packer_close(&w->packer);
    arena_free(&w->arena);
    mem_free(w);
    *writer = NULL;
}

void batch_begin(struct batch_writer *w, int64_t received_ns, bool with_digests)
{
    w->received_ns = received_ns;
    w->with_digests = with_digests;
    buf_clear(&w->names);
    buf_clear(&w->contexts);
    buf_clear(&w->rows);
    w->head_room = HEAD_FIRST;
    buf_reserve(&w->rows, w->head_room);
    w->rows.len = w->head_room;
    buf_clear(&w->row_contexts);
    buf_clear(&w->digests);
    if (w->name_capacity > NAMES_KEPT)
        names_size(w, NAMES_FIRST);
    memset(w->slots, 0, ((size_t)w->slot_mask + 1) * sizeof(*w->slots));
    map_free(&w->context_numbers);
    arena_reset(&w->arena);
    w->name_count = 0;
    w->context_count = 0;
    w->row_count = 0;
}

uint32_t batch_rows(const struct batch_writer *w)
{
    return w->row_count;
}

size_t batch_bytes(const struct batch_writer *w)
{
    return BATCH_HEADER_BYTES + w->names.len + w->contexts.len + w->rows.len - w->head_room;
}

static int context_check(const struct row_context *context, struct err *err)
{
    struct row_context c = *context;
    struct slice *texts[ROW_CONTEXT_TEXTS];
    row_context_texts(&c, texts);
    if (!row_partition_name_ok(c.partition))
        return err_set(err, ERR_USAGE,
                       "A partition's name has 1 to %d characters of a-z, 0-9, _ and -: choose "
                       "another one.",
                       ROW_NAME_BYTES_MAX);
    for (size_t i = 0; i < ROW_CONTEXT_TEXTS; i++)
        if (texts[i]->len > ROW_TEXT_BYTES_MAX)
            return err_set(err, ERR_USAGE,
                           "A source's texts and file names have at most %d bytes: \"%.40s...\" "
                           "has more; shorten it.",
                           ROW_TEXT_BYTES_MAX, texts[i]->data);
    return ERR_OK;
}

static struct row_context context_copy(struct arena *a, const struct row_context *c)
{
    struct row_context copy = *c;
    struct slice *texts[ROW_CONTEXT_TEXTS];
    row_context_texts(&copy, texts);
    for (size_t i = 0; i < ROW_CONTEXT_TEXTS; i++)
        *texts[i] = texts[i]->len ? arena_copy(a, *texts[i]) : SLICE("");
    return copy;
}

int batch_context(struct batch_writer *w, const struct row_context *context, uint32_t *number,
                  struct err *err)
{
    int rc = context_check(context, err);
    if (rc)
        return rc;
    buf_clear(&w->scratch);
    row_context_write(context, &w->scratch);
    struct slice key = buf_as_slice(&w->scratch);
    struct map_entry *known = map_find(&w->context_numbers, key);
    if (known) {
        *number = (uint32_t)known->value;
        return ERR_OK;
    }
    if (w->context_count == ROW_CONTEXTS_MAX || batch_bytes(w) + key.len > BATCH_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "The batch has no room for a further context.");
    if (w->context_count == w->context_capacity) {
        w->context_capacity *= 2;
        w->context_list =
            mem_resize(w->context_list, w->context_capacity, sizeof(*w->context_list));
    }
    (void)map_put(&w->context_numbers, arena_copy(&w->arena, key), w->context_count, NULL);
    buf_slice(&w->contexts, key);
    w->context_list[w->context_count] = context_copy(&w->arena, context);
    *number = w->context_count++;
    return ERR_OK;
}

static uint32_t slot_of(const struct batch_writer *w, uint32_t hash, uint8_t flags)
{
    return (hash ^ (uint32_t)flags * 0x9e3779b1u) & w->slot_mask;
}

static void slot_fill(struct batch_writer *w, uint32_t number)
{
    const struct name_known *k = &w->known[number];
    uint32_t slot = slot_of(w, k->hash, k->flags);
    for (int probe = 0; probe < PROBES_MAX; probe++, slot = (slot + 1) & w->slot_mask)
        if (!w->slots[slot]) {
            w->slots[slot] = number + 1;
            return;
        }
}

static void slots_fill(struct batch_writer *w)
{
    memset(w->slots, 0, ((size_t)w->slot_mask + 1) * sizeof(*w->slots));
    for (uint32_t i = 0; i < w->name_count; i++)
        slot_fill(w, i);
}

static uint32_t name_add(struct batch_writer *w, const struct field *f, uint8_t flags)
{
    if (w->name_count == w->name_capacity) {
        names_size(w, 2 * w->name_capacity);
        slots_fill(w);
    }
    bytes_put_u16(&w->names, (uint16_t)f->name.len);
    buf_char(&w->names, (char)(flags >> 1)); /* FIELD_ESCAPED is never stored */
    w->known[w->name_count] = (struct name_known){.hash = f->name_hash,
                                                  .offset = (uint32_t)w->names.len,
                                                  .len = (uint16_t)f->name.len,
                                                  .flags = flags};
    if (f->name.len)
        buf_slice(&w->names, f->name);
    slot_fill(w, w->name_count);
    return w->name_count++;
}

static inline uint32_t name_number(struct batch_writer *w, const struct field *f)
{
    uint8_t flags = f->flags & (FIELD_NESTED | FIELD_DERIVED);
    uint32_t slot = slot_of(w, f->name_hash, flags);
    for (int probe = 0; probe < PROBES_MAX; probe++, slot = (slot + 1) & w->slot_mask) {
        uint32_t n = w->slots[slot];
        if (!n)
            break;
        const struct name_known *k = &w->known[n - 1];
        if (k->hash == f->name_hash && k->len == f->name.len && k->flags == flags &&
            (k->len == 0 || memcmp(w->names.data + k->offset, f->name.data, k->len) == 0))
            return n - 1;
    }
    return name_add(w, f, flags);
}

static void names_cut(struct batch_writer *w, uint32_t count, size_t bytes)
{
    w->name_count = count;
    w->names.len = bytes;
    slots_fill(w);
}

/* Unescapes all values; *bytes: of the row. ERR_UNSUPPORTED: no batch can hold it. */
static int row_measure(struct record *record, size_t *bytes, struct err *err)
{
    size_t sum = BATCH_ROW_BYTES + BATCH_FIELD_BYTES * (size_t)record->count;
    size_t longest_name = 0;
    for (uint32_t i = 0; i < record->count; i++) {
        struct field *f = &record->fields[i];
        sum += f->flags & FIELD_ESCAPED ? record_text(record, f).len : f->value.len;
        if (f->name.len > longest_name)
            longest_name = f->name.len;
    }
    *bytes = sum;
    if (record->count > RECORD_FIELDS_MAX || longest_name > RECORD_NAME_BYTES_MAX ||
        sum > BATCH_BYTES_MAX)
        return err_set(err, ERR_UNSUPPORTED,
                       "The event is too large to be stored: %u fields, %zu bytes, the longest "
                       "name has %zu bytes; have the source send smaller events.",
                       record->count, sum, longest_name);
    return ERR_OK;
}

static void row_put(struct batch_writer *w, const struct record *record, char *field_at,
                    char *value_at)
{
    for (uint32_t i = 0; i < record->count; i++) {
        const struct field *f = &record->fields[i];
        bytes_set_u32(field_at, name_number(w, f));
        bytes_set_u32(field_at + 4, (uint32_t)f->kind << 28 | (uint32_t)f->value.len);
        field_at += BATCH_FIELD_BYTES;
        if (f->value.len)
            memcpy(value_at, f->value.data, f->value.len);
        value_at += f->value.len;
    }
}

static void row_digest_add(struct batch_writer *w, uint32_t context, int64_t time_ns, uint64_t line,
                           struct record *record)
{
    struct row row = {.time_ns = time_ns,
                      .received_ns = w->received_ns,
                      .line = line,
                      .context = &w->context_list[context],
                      .record = record};
    struct digest digest = row_digest(&row, w->digester, &w->scratch);
    buf_append(&w->digests, &digest, sizeof digest);
}

int batch_add(struct batch_writer *w, uint32_t context, int64_t time_ns, uint64_t line,
              struct record *record, uint32_t *index, struct err *err)
{
    check(context < w->context_count);
    size_t bytes;
    int rc = row_measure(record, &bytes, err);
    if (rc)
        return rc;
    if (w->row_count == BATCH_ROWS_MAX || batch_bytes(w) + bytes > BATCH_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "The batch has no room for a further row.");
    uint32_t names_before = w->name_count;
    size_t name_bytes_before = w->names.len;
    buf_reserve(&w->rows, bytes);
    char *row = w->rows.data + w->rows.len;
    bytes_set_u32(row, (uint32_t)bytes);
    bytes_set_u32(row + 4, context);
    bytes_set_i64(row + 8, time_ns);
    bytes_set_u64(row + 16, line);
    bytes_set_u32(row + 24, record->count);
    row_put(w, record, row + BATCH_ROW_BYTES,
            row + BATCH_ROW_BYTES + BATCH_FIELD_BYTES * (size_t)record->count);
    if (batch_bytes(w) + bytes > BATCH_BYTES_MAX || w->name_count > BATCH_NAMES_MAX) {
        size_t own =
            BATCH_HEADER_BYTES + CONTEXT_BYTES_MAX + bytes + (w->names.len - name_bytes_before);
        names_cut(w, names_before, name_bytes_before);
        return names_before == 0 && own > BATCH_BYTES_MAX
                   ? err_set(err, ERR_UNSUPPORTED,
                             "The event is too large to be stored: its names and values have more "
                             "than %zu bytes; have the source send smaller events.",
                             BATCH_BYTES_MAX)
                   : err_set(err, ERR_LIMIT, "The batch has no room for a further row.");
    }
    w->rows.len += bytes;
    bytes_put_u32(&w->row_contexts, context);
    if (w->with_digests)
        row_digest_add(w, context, time_ns, line, record);
    *index = w->row_count++;
    return ERR_OK;
}

/* Rows' partitions: numbers into the distinct names. */
static void partitions_put(const struct batch_writer *w, struct batch *out)
{
    uint16_t *of_context = arena_alloc_aligned(&out->arena, w->context_count * sizeof(uint16_t), 2);
    out->partitions = arena_zeroed(&out->arena, w->context_count, sizeof(struct slice));
    out->partition = arena_alloc_aligned(&out->arena, w->row_count * sizeof(uint16_t), 2);
    out->partition_count = 0;
    struct map numbers = {0};
    for (uint32_t i = 0; i < w->context_count; i++) {
        struct slice name = w->context_list[i].partition;
        bool made;
        struct map_entry *e = map_put(&numbers, name, out->partition_count, &made);
        if (made)
            out->partitions[out->partition_count++] = arena_copy(&out->arena, name);
        of_context[i] = (uint16_t)e->value;
    }
    map_free(&numbers);
    for (uint32_t i = 0; i < w->row_count; i++)
        out->partition[i] = of_context[bytes_u32(w->row_contexts.data + i * sizeof(uint32_t))];
}

/* Header, names and contexts to their place before the rows, which only move when the room is too
 * small. */
static struct slice batch_join(struct batch_writer *w)
{
    char header[BATCH_HEADER_BYTES] = {0};
    size_t bytes = batch_bytes(w), rows = w->rows.len - w->head_room, head = bytes - rows;
    bytes_set_u32(header, BATCH_MAGIC);
    bytes_set_u16(header + 4, BATCH_VERSION);
    bytes_set_u32(header + 8, w->row_count);
    bytes_set_u32(header + 12, w->name_count);
    bytes_set_u32(header + 16, w->context_count);
    bytes_set_u32(header + 20, (uint32_t)bytes);
    bytes_set_i64(header + 24, w->received_ns);
    if (head > w->head_room) {
        buf_reserve(&w->rows, head - w->head_room);
        memmove(w->rows.data + head, w->rows.data + w->head_room, rows);
        w->rows.len += head - w->head_room;
        w->head_room = head;
    }
    char *at = w->rows.data + w->head_room - head;
    memcpy(at, header, sizeof header);
    if (w->names.len)
        memcpy(at + sizeof header, w->names.data, w->names.len);
    if (w->contexts.len)
        memcpy(at + sizeof header + w->names.len, w->contexts.data, w->contexts.len);
    return slice_make(at, bytes);
}

struct slice batch_raw(struct batch_writer *w)
{
    return batch_join(w);
}

void batch_end(struct batch_writer *w, struct batch *out)
{
    struct slice bytes = batch_join(w);
    arena_reset(&out->arena);
    buf_clear(&out->section);
    packer_section(w->packer, &out->section, JOURNAL_BATCH, bytes);
    out->raw_bytes = bytes.len;
    out->row_count = w->row_count;
    out->digests = NULL;
    if (w->with_digests) {
        out->digests = arena_alloc(&out->arena, w->digests.len);
        if (w->digests.len)
            memcpy(out->digests, w->digests.data, w->digests.len);
    }
    partitions_put(w, out);
}

void batch_free(struct batch *batch)
{
    buf_free(&batch->section);
    arena_free(&batch->arena);
    *batch = (struct batch){0};
}

#include "watch/haul.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "detection/match.h"
#include "store/carry.h"

#define HAUL_MAGIC 0x4c554148u /* "HAUL" */
enum {
    HAUL_VERSION = 3,
    /* An item's kind, rule, row, line, time and count. */
    ITEM_BYTES_MIN = 1 + 4 + 4 + 8 + 8 + 4,
    FIELD_BYTES_MIN = 4 + 4,
    VALUE_BYTES_MIN = 4,
    ID_BYTES_MIN = 4 + 2
};
#define VALUE_MISSING UINT32_MAX

static void long_put(struct buf *out, struct slice text)
{
    bytes_put_u32(out, (uint32_t)text.len);
    if (text.len)
        buf_slice(out, text);
}

static struct slice long_take(struct bytes_in *in)
{
    return bytes_take(in, bytes_take_u32(in));
}

static void fields_put(struct buf *out, const struct harvest_item *item)
{
    long_put(out, item->host);
    long_put(out, item->mapping.id);
    bytes_put_u32(out, item->mapping.version);
    for (uint32_t i = 0; i < item->count; i++) {
        long_put(out, item->fields[i].name);
        long_put(out, item->fields[i].value);
    }
}

static void values_put(struct buf *out, const struct harvest_item *item)
{
    for (uint32_t i = 0; i < item->count; i++) {
        if (item->values[i].data)
            long_put(out, item->values[i]);
        else
            bytes_put_u32(out, VALUE_MISSING);
    }
}

static void item_put(struct buf *out, const struct harvest_item *item)
{
    buf_char(out, (char)item->kind);
    bytes_put_u32(out, item->rule);
    bytes_put_u32(out, item->row);
    bytes_put_u64(out, item->line);
    bytes_put_i64(out, item->time_ns);
    bytes_put_u32(out, item->kind == HARVEST_REFUSED ? 0 : item->count);
    if (item->kind == HARVEST_FINDING) {
        fields_put(out, item);
    } else if (item->kind == HARVEST_INPUT) {
        values_put(out, item);
    } else {
        buf_char(out, (char)(item->why - LEDGER_REFUSED_SPLIT));
        long_put(out, item->reason);
        long_put(out, item->text);
    }
}

struct slice haul_lane_cursor(uint64_t lane, char out[HAUL_LANE_BYTES])
{
    int len = snprintf(out, HAUL_LANE_BYTES, HAUL_LANE "%016" PRIx64, lane);
    return slice_make(out, (size_t)len);
}

static void figures_put(struct buf *out, const struct haul_head *head, const struct harvest *haul)
{
    struct ledger_figures f = head->figures;
    ledger_figures_add(&f, &haul->figures);
    for (int i = 0; i < LEDGER_COUNTS; i++)
        bytes_put_u64(out, f.counts[i]);
    bytes_put_u64(out, f.ahead_max_s);
    bytes_put_u64(out, f.behind_max_s);
}

static void ids_put(struct buf *out, const struct haul_head *head)
{
    bytes_put_u32(out, head->id_count);
    for (uint32_t i = 0; i < head->id_count; i++) {
        bytes_put_u32(out, head->ids[i].row);
        bytes_put_text(out, slice_part(head->ids[i].id, 0, HAUL_ID_BYTES_MAX));
    }
}

int haul_pack(const struct haul_head *head, struct slice raw, const struct harvest *haul,
              size_t max, struct buf *out, struct err *err)
{
    size_t before = out->len;
    check(head->cursor_count <= HAUL_CURSORS_MAX);
    if (haul->item_count > HAUL_ITEMS_MAX)
        return err_set(err, ERR_LIMIT,
                       "the events gave more findings than are handed over at a "
                       "time: have the source send fewer at once");
    bytes_put_u32(out, HAUL_MAGIC);
    bytes_put_u16(out, HAUL_VERSION);
    bytes_put_u16(out, (uint16_t)head->cursor_count);
    bytes_put_u64(out, head->rules);
    bytes_put_u64(out, head->lane);
    bytes_put_u64(out, head->number);
    figures_put(out, head, haul);
    bytes_put_i64(out, head->received_ns);
    long_put(out, head->source);
    long_put(out, head->listener);
    long_put(out, head->sender);
    ids_put(out, head);
    for (uint32_t i = 0; i < head->cursor_count; i++) {
        long_put(out, head->cursors[i].name);
        long_put(out, head->cursors[i].value);
    }
    bytes_put_u32(out, (uint32_t)haul->item_count);
    long_put(out, raw);
    for (size_t i = 0; i < haul->item_count && out->len - before <= max; i++)
        item_put(out, &haul->items[i]);
    if (out->len - before <= max)
        return ERR_OK;
    out->len = before;
    return err_set(err, ERR_LIMIT,
                   "what the events gave does not fit into the %zu bytes that are handed over at a "
                   "time: have the source send smaller events",
                   max);
}

static int damaged(struct err *err, const char *what)
{
    return err_set(err, ERR_DAMAGED, "The haul is damaged: %s does not hold.", what);
}

/* Nothing that a sender counts alone may be larger than what it says it received: but figures
 * that add up are not asked for here; the ledger shows what is missing. */
static bool figures_take(struct bytes_in *in, struct haul_head *head)
{
    struct ledger_figures *f = &head->figures;
    for (int i = 0; i < LEDGER_COUNTS; i++) {
        f->counts[i] = bytes_take_u64(in);
        if (f->counts[i] > HAUL_RECORDS_MAX ||
            (i != LEDGER_BYTES && f->counts[i] > f->counts[LEDGER_RECEIVED]))
            return false;
    }
    f->ahead_max_s = bytes_take_u64(in);
    f->behind_max_s = bytes_take_u64(in);
    /* what only the engine knows */
    return !in->bad && f->counts[LEDGER_STORED] == 0 && f->counts[LEDGER_FINDINGS] == 0;
}

static bool ids_take(struct bytes_in *in, struct haul_head *head, struct harvest *haul)
{
    uint32_t count = bytes_take_u32(in);
    if (in->bad || count > bytes_left(in) / ID_BYTES_MIN)
        return false;
    struct haul_id *ids = arena_zeroed(&haul->arena, count + 1u, sizeof(*ids));
    for (uint32_t i = 0; i < count; i++) {
        ids[i].row = bytes_take_u32(in);
        ids[i].id = bytes_take_text(in, HAUL_ID_BYTES_MAX);
        if (i > 0 && ids[i].row <= ids[i - 1].row)
            return false;
    }
    head->ids = ids;
    head->id_count = count;
    return !in->bad;
}

static int head_take(struct bytes_in *in, struct haul_head *head, struct harvest *haul,
                     struct err *err)
{
    uint32_t magic = bytes_take_u32(in);
    uint16_t version = bytes_take_u16(in);
    head->cursor_count = bytes_take_u16(in);
    head->rules = bytes_take_u64(in);
    head->lane = bytes_take_u64(in);
    head->number = bytes_take_u64(in);
    if (!figures_take(in, head))
        return damaged(err, "what it counts");
    head->received_ns = bytes_take_i64(in);
    head->source = long_take(in);
    head->listener = long_take(in);
    head->sender = long_take(in);
    if (in->bad || magic != HAUL_MAGIC || version != HAUL_VERSION ||
        head->cursor_count > HAUL_CURSORS_MAX || head->source.len > CARRY_NAME_BYTES_MAX ||
        head->listener.len > ROW_TEXT_BYTES_MAX || head->sender.len > HAUL_SENDER_BYTES_MAX)
        return damaged(err, "its beginning");
    if (!ids_take(in, head, haul))
        return damaged(err, "an id");
    for (uint32_t i = 0; i < head->cursor_count; i++) {
        struct haul_cursor *c = &head->cursors[i];
        c->name = long_take(in);
        c->value = long_take(in);
        if (in->bad || !c->name.len || c->name.len > CARRY_NAME_BYTES_MAX ||
            c->value.len > CARRY_NAME_BYTES_MAX)
            return damaged(err, "a cursor");
    }
    haul->records = head->figures.counts[LEDGER_RECEIVED];
    haul->text_bytes = head->figures.counts[LEDGER_BYTES];
    haul->refused = ledger_class_sum(&head->figures, LEDGER_CLASS_REFUSED);
    return ERR_OK;
}

static bool fields_take(struct bytes_in *in, struct harvest *haul, struct harvest_item *item)
{
    item->host = long_take(in);
    item->mapping.id = long_take(in);
    item->mapping.version = bytes_take_u32(in);
    if (in->bad || item->mapping.id.len > ROW_TEXT_BYTES_MAX || item->count > MATCHED_FIELDS_MAX ||
        item->count > bytes_left(in) / FIELD_BYTES_MIN)
        return false;
    struct finding_field *fields = arena_zeroed(&haul->arena, item->count + 1u, sizeof(*fields));
    for (uint32_t i = 0; i < item->count; i++) {
        fields[i].name = long_take(in);
        fields[i].value = long_take(in);
        if (fields[i].name.len > RECORD_NAME_BYTES_MAX)
            return false;
    }
    item->fields = fields;
    return !in->bad;
}

static bool values_take(struct bytes_in *in, struct harvest *haul, struct harvest_item *item)
{
    if (item->count > CARRY_INPUT_VALUES_MAX || item->count > bytes_left(in) / VALUE_BYTES_MIN)
        return false;
    struct slice *values = arena_zeroed(&haul->arena, item->count + 1u, sizeof(*values));
    for (uint32_t i = 0; i < item->count; i++) {
        uint32_t len = bytes_take_u32(in);
        values[i] = len == VALUE_MISSING ? (struct slice){0} : bytes_take(in, len);
        if (values[i].len > CARRY_VALUE_BYTES_MAX)
            return false;
    }
    item->values = values;
    return !in->bad;
}

struct item_bounds {
    uint32_t rules, rows;
};

static bool item_take(struct bytes_in *in, const struct item_bounds *bounds, struct harvest *haul)
{
    unsigned kind = bytes_take_u8(in);
    if (kind > HARVEST_REFUSED)
        return false;
    struct harvest_item *item = harvest_add(haul, (enum harvest_kind)kind);
    item->rule = bytes_take_u32(in);
    item->row = bytes_take_u32(in);
    item->line = bytes_take_u64(in);
    item->time_ns = bytes_take_i64(in);
    item->count = bytes_take_u32(in);
    if (in->bad)
        return false;
    if (item->kind == HARVEST_REFUSED) {
        unsigned why = bytes_take_u8(in);
        if (why > LEDGER_REFUSED_OTHER - LEDGER_REFUSED_SPLIT)
            return false;
        item->why = (enum ledger_count)(LEDGER_REFUSED_SPLIT + why);
        item->reason = long_take(in);
        item->text = long_take(in);
        return !in->bad && item->count == 0 && item->reason.len <= ROW_TEXT_BYTES_MAX &&
               item->text.len <= HARVEST_REFUSED_BYTES_MAX;
    }
    if (item->rule >= bounds->rules || item->row >= bounds->rows)
        return false;
    return item->kind == HARVEST_FINDING ? fields_take(in, haul, item)
                                         : values_take(in, haul, item);
}

/* As the batch says; whoever opens it sees whether that holds. */
static uint32_t raw_rows(struct slice raw)
{
    return raw.len < BATCH_HEADER_BYTES ? 0 : bytes_u32(raw.data + 8);
}

bool haul_rules(struct slice bytes, uint64_t *rules)
{
    struct bytes_in in = bytes_in(bytes);
    uint32_t magic = bytes_take_u32(&in);
    (void)bytes_take_u32(&in);
    *rules = bytes_take_u64(&in);
    return !in.bad && magic == HAUL_MAGIC;
}

int haul_unpack(struct slice bytes, uint32_t rule_count, struct haul_head *head, struct slice *raw,
                struct harvest *haul, struct err *err)
{
    struct bytes_in in = bytes_in(bytes);
    *head = (struct haul_head){0};
    harvest_clear(haul);
    int rc = head_take(&in, head, haul, err);
    if (rc)
        return rc;
    uint32_t count = bytes_take_u32(&in);
    *raw = long_take(&in);
    if (in.bad || count > HAUL_ITEMS_MAX || count > bytes_left(&in) / ITEM_BYTES_MIN)
        return damaged(err, "the number of its items");
    struct item_bounds bounds = {rule_count, raw_rows(*raw)};
    uint64_t refused = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!item_take(&in, &bounds, haul))
            return damaged(err, "an item");
        refused += haul->items[i].kind == HARVEST_REFUSED;
    }
    if (bytes_left(&in) || refused > haul->refused ||
        bounds.rows > head->figures.counts[LEDGER_RECEIVED] ||
        (head->id_count && head->ids[head->id_count - 1].row >= bounds.rows))
        return damaged(err, "what it counts");
    return ERR_OK;
}

#include "sim/sim_observe.h"

#include "base/mem.h"

static uint8_t partition_number(struct slice name)
{
    for (uint8_t i = 0; i < SIM_PARTITIONS; i++)
        if (slice_equal(sim_partitions[i], name))
            return i;
    return SIM_PARTITIONS;
}

static void named_note(struct sim_observed *o, const struct row *row)
{
    if (!slice_equal(row->context->partition, ROW_FINDINGS))
        return;
    for (uint32_t i = 0; i < row->record->count; i++) {
        struct slice value = row->record->fields[i].value;
        uint64_t sequence;
        if (!slice_equal(row->record->fields[i].name, SLICE("event")))
            continue;
        (void)slice_cut(&value, ':');
        if (o->named_count == o->named_capacity) {
            o->named_capacity = o->named_capacity ? o->named_capacity * 2 : 64;
            o->named = mem_resize(o->named, o->named_capacity, sizeof(*o->named));
        }
        o->named[o->named_count++] = slice_to_u64(value, &sequence) ? sequence : 0;
    }
}

static void row_note(struct sim *s, struct sim_observed *o, const struct row *row)
{
    if (o->count && row->sequence <= o->items[o->count - 1].sequence)
        sim_fail(s, "event %llu comes twice or out of order", (unsigned long long)row->sequence);
    if (o->count == o->capacity) {
        o->capacity = o->capacity ? o->capacity * 2 : 256;
        o->items = mem_resize(o->items, o->capacity, sizeof(*o->items));
    }
    o->items[o->count++] = (struct sim_seen){row->sequence, sim_row_hash(row),
                                             partition_number(row->context->partition)};
    named_note(o, row);
}

static int tomb_visit(void *context, const struct notary_line *line)
{
    struct sim_observed *o = context;
    struct sim_tomb tomb = {0};
    if (line->torn || line->word_count < 8 || !slice_equal(line->words[0], SLICE("gone")) ||
        !slice_to_u64(line->words[2], &tomb.first) || !slice_to_u64(line->words[3], &tomb.last))
        return ERR_OK;
    tomb.partition = partition_number(line->words[1]);
    if (o->tomb_count == o->tomb_capacity) {
        o->tomb_capacity = o->tomb_capacity ? o->tomb_capacity * 2 : 64;
        o->tombs = mem_resize(o->tombs, o->tomb_capacity, sizeof(*o->tombs));
    }
    o->tombs[o->tomb_count++] = tomb;
    return ERR_OK;
}

int sim_observe_tombs(struct sim *s, struct sim_observed *out)
{
    return notary_read(s->disk, tomb_visit, out, NULL);
}

int sim_observe(struct sim *s, struct sim_observed *out, struct err *err)
{
    struct store *reader = NULL;
    struct store_cursor *cursor = NULL;
    struct store_options options = {.disk = s->disk};
    struct store_search search = {.from_ns = CLOCK_NONE,
                                  .until_ns = CLOCK_NONE,
                                  .received_from_ns = CLOCK_NONE,
                                  .received_until_ns = CLOCK_NONE,
                                  .order = STORE_SEQUENCE,
                                  .partitions = sim_partitions,
                                  .partition_count = SIM_PARTITIONS};
    struct store_item item;
    int rc = store_open(&reader, "simulated", &options, err);
    if (rc == ERR_OK)
        rc = store_search(reader, &search, &cursor, err);
    while (rc == ERR_OK && (rc = store_next(cursor, &item, err)) == ERR_OK)
        if (item.kind == STORE_ROW)
            row_note(s, out, item.row);
    if (rc == ERR_END) {
        struct store_progress progress;
        store_cursor_progress(cursor, &progress);
        out->damaged_rows = progress.damaged_rows;
        rc = notary_read(s->disk, tomb_visit, out, err);
    }
    store_cursor_close(&cursor);
    store_close(&reader);
    return rc;
}

void sim_observed_free(struct sim_observed *o)
{
    mem_free(o->items);
    mem_free(o->named);
    mem_free(o->tombs);
    *o = (struct sim_observed){0};
}

static int text_visit(void *context, const struct notary_line *line)
{
    struct buf *out = context;
    buf_slice(out, line->text);
    if (!line->torn)
        buf_char(out, '\n');
    return ERR_OK;
}

int sim_notary_text(struct disk *disk, struct buf *out, struct err *err)
{
    buf_clear(out);
    return notary_read(disk, text_visit, out, err);
}

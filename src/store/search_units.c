/* The units of a search: which blocks and frames there are within its ranges, and in which order
 * they are looked at. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/embedded_search.h"

/* Whether [min, max] and [from, until) have a time in common; CLOCK_NONE: open. */
static bool spans_meet(int64_t min_ns, int64_t max_ns, int64_t from_ns, int64_t until_ns)
{
    return (from_ns == CLOCK_NONE || max_ns >= from_ns) &&
           (until_ns == CLOCK_NONE || min_ns < until_ns);
}

bool search_in_range(const struct search *s, int64_t time_ns, int64_t received_ns,
                     uint64_t sequence)
{
    const struct store_search *o = &s->options;
    return sequence > o->after_sequence && spans_meet(time_ns, time_ns, o->from_ns, o->until_ns) &&
           spans_meet(received_ns, received_ns, o->received_from_ns, o->received_until_ns);
}

bool search_partition_wanted(const struct search *s, struct slice partition)
{
    const struct store_search *o = &s->options;
    if (o->partition_count == 0)
        return o->internal || (partition.len && partition.data[0] != '_');
    for (uint32_t i = 0; i < o->partition_count; i++)
        if (slice_equal(o->partitions[i], partition))
            return true;
    return false;
}

static int unit_compare(const void *key, const void *item)
{
    return slice_compare(*(const struct slice *)key, *(const struct slice *)item);
}

bool search_unit_wanted(const struct search *s, struct slice unit)
{
    const struct store_search *o = &s->options;
    return !o->scoped || (o->unit_count &&
                          bsearch(&unit, o->units, o->unit_count, sizeof(*o->units), unit_compare));
}

static struct search_unit *unit_add(struct search *s)
{
    if (s->unit_count == s->unit_capacity) {
        s->unit_capacity = s->unit_capacity ? s->unit_capacity * 2 : 64;
        s->units = mem_resize(s->units, s->unit_capacity, sizeof(*s->units));
    }
    struct search_unit *unit = &s->units[s->unit_count++];
    *unit = (struct search_unit){.segment = UINT32_MAX};
    return unit;
}

static void damage_note(void *context, const struct journal_damage *damage)
{
    struct search *s = context;
    uint64_t first = damage->first_missing; /* what is sealed is not looked for in the journal */
    first = first > s->view.sealed_sequence ? first : s->view.sealed_sequence + 1;
    if (damage->next_sequence > first)
        s->progress.damaged_rows += damage->next_sequence - first;
}

static int frames_add(struct search *s, struct err *err)
{
    struct journal_frame frame;
    int rc;
    while ((rc = journal_scan_skip(s->view.journal, &frame, damage_note, s, err)) == ERR_OK) {
        uint64_t last = frame.first_sequence + frame.row_count;
        if (frame.row_count == 0 || last - 1 <= s->view.sealed_sequence ||
            last - 1 <= s->options.after_sequence)
            continue;
        struct search_unit *unit = unit_add(s);
        unit->begin = frame.begin;
        unit->time_min_ns = INT64_MIN;
        unit->time_max_ns = INT64_MAX;
        unit->first_sequence = frame.first_sequence;
        unit->row_count = frame.row_count;
        unit->raw_bytes = frame.end.offset - frame.begin.offset;
    }
    return rc == ERR_END ? ERR_OK : rc;
}

/* The ranges of a segment stand in the catalog; those of its blocks in its footer, so a segment
 * that may have any is opened here, and closed again: they can be many. */
static void blocks_add(struct search *s, uint32_t number)
{
    const struct catalog_segment *item = &s->view.segments.items[number];
    struct segment *segment = NULL;
    if (segment_open(&segment, s->store->disk, item->path.data, NULL) != ERR_OK) {
        s->progress.damaged_rows += item->row_count;
        return;
    }
    const struct segment_about *about = segment_about(segment);
    for (uint32_t b = 0; b < about->block_count; b++) {
        const struct segment_block *block = &segment_blocks(segment)[b];
        if (block->last_sequence <= s->options.after_sequence ||
            !spans_meet(block->time_min_ns, block->time_max_ns, s->options.from_ns,
                        s->options.until_ns))
            continue;
        struct search_unit *unit = unit_add(s);
        unit->segment = number;
        unit->block = b;
        unit->time_min_ns = block->time_min_ns;
        unit->time_max_ns = block->time_max_ns;
        unit->first_sequence = block->first_sequence;
        unit->row_count = block->row_count;
        unit->raw_bytes =
            about->row_count ? about->raw_bytes * block->row_count / about->row_count : 0;
        s->segments[number].live++;
        s->segments[number].waiting++;
    }
    segment_close(&segment);
}

static int newest_first(const void *a, const void *b)
{
    const struct search_unit *x = a, *y = b;
    if (x->time_max_ns != y->time_max_ns)
        return x->time_max_ns > y->time_max_ns ? -1 : 1;
    return (x->first_sequence < y->first_sequence) - (x->first_sequence > y->first_sequence);
}

static int oldest_first(const void *a, const void *b)
{
    const struct search_unit *x = a, *y = b;
    if (x->time_min_ns != y->time_min_ns)
        return x->time_min_ns < y->time_min_ns ? -1 : 1;
    return (x->first_sequence > y->first_sequence) - (x->first_sequence < y->first_sequence);
}

static int by_sequence(const void *a, const void *b)
{
    const struct search_unit *x = a, *y = b;
    return (x->first_sequence > y->first_sequence) - (x->first_sequence < y->first_sequence);
}

int search_units(struct search *s, struct err *err)
{
    static int (*const orders[])(const void *, const void *) = {[STORE_NEWEST] = newest_first,
                                                                [STORE_OLDEST] = oldest_first,
                                                                [STORE_SEQUENCE] = by_sequence};
    const struct store_search *o = &s->options;
    s->segments = mem_zeroed(s->view.segments.count + 1, sizeof(*s->segments));
    int rc = frames_add(s, err);
    for (uint32_t i = 0; i < s->view.segments.count && rc == ERR_OK; i++) {
        const struct catalog_segment *g = &s->view.segments.items[i];
        if (search_partition_wanted(s, g->partition) && g->last_sequence > o->after_sequence &&
            spans_meet(g->time_min_ns, g->time_max_ns, o->from_ns, o->until_ns) &&
            spans_meet(g->received_min_ns, g->received_max_ns, o->received_from_ns,
                       o->received_until_ns))
            blocks_add(s, i);
    }
    if (s->unit_count > 1)
        qsort(s->units, s->unit_count, sizeof(*s->units), orders[o->order]);
    for (uint32_t i = 0; i < s->unit_count; i++)
        s->progress.bytes_total += s->units[i].raw_bytes;
    s->heap = mem_zeroed(s->unit_count + 1, sizeof(struct search_unit *));
    return rc;
}

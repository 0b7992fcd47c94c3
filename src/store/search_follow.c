/* Rows in the order of their numbers, as they become durable. What is far behind comes by a search,
 * which puts segments and frames in order; from the end of that on the journal's frames are read
 * behind the last place, as long as they join on to it. */
#include "base/mem.h"
#include "store/embedded_rows.h"
#include "store/embedded_search.h"

/* A search holds files that may be removed when a query has lasted as long as queries may. */
enum { PASSES_IN_A_QUERY = 4 };

struct follow_tomb { /* of a segment that retention removed */
    struct slice path;
    uint64_t last, rows;
};

struct follow {
    struct embedded *store;
    struct store_search options; /* of the search */
    struct durable *durable;     /* NULL: the disk has none */
    struct store_follow_stats stats;
    struct search *search;
    uint64_t search_since_ns;
    struct follow_tomb *tombs; /* of rows that the search will not meet */
    uint32_t tomb_count, tomb_capacity;

    struct journal_place place; /* frames up to here were given; file 0: not known */
    struct journal_scan *scan;
    struct journal_frame frame;
    uint32_t section;          /* next one of frame */
    uint64_t section_sequence; /* of its first row */
    bool joined;               /* the scan gave a frame */
    struct batch_reader reader;
    struct row row;
    struct arena arena, tomb_arena;
};

int embedded_follow_open(void *self, const struct store_follow_options *options, void **follow,
                         struct err *err)
{
    struct embedded *e = self;
    struct follow *f = mem_zeroed(1, sizeof(*f));
    f->store = e;
    struct slice *partitions =
        arena_zeroed(&f->arena, options->partition_count + 1, sizeof(*partitions));
    for (uint32_t i = 0; i < options->partition_count; i++)
        partitions[i] = arena_copy(&f->arena, options->partitions[i]);
    f->options = (struct store_search){.from_ns = CLOCK_NONE,
                                       .until_ns = CLOCK_NONE,
                                       .received_from_ns = CLOCK_NONE,
                                       .received_until_ns = CLOCK_NONE,
                                       .order = STORE_SEQUENCE,
                                       .partitions = partitions,
                                       .partition_count = options->partition_count,
                                       .internal = options->internal};
    f->stats.sequence = options->after_sequence;
    int rc = durable_open(&f->durable, e->disk, false, err);
    if (rc && rc != ERR_NOT_FOUND) {
        embedded_follow_close(f);
        return rc;
    }
    *follow = f;
    return ERR_OK;
}

static bool is_wanted(const struct follow *f, struct slice partition)
{
    const struct search asked = {.options = f->options};
    return search_partition_wanted(&asked, partition);
}

/* ---- what retention removed ---- */

static int tomb_note(void *context, const struct notary_line *line)
{
    struct follow *f = context;
    const struct slice *w = line->words;
    struct follow_tomb tomb = {.path = w[5]};
    uint64_t first;
    if (line->torn || line->word_count < 6 || !slice_equal(w[0], SLICE("gone")) ||
        !is_wanted(f, w[1]) || !slice_to_u64(w[2], &first) || !slice_to_u64(w[3], &tomb.last) ||
        !slice_to_u64(w[4], &tomb.rows) || tomb.last <= f->stats.sequence)
        return ERR_OK;
    for (uint32_t i = 0; i < f->tomb_count; i++)
        if (slice_equal(f->tombs[i].path, tomb.path))
            return ERR_OK; /* a crash had it written twice */
    if (first <= f->stats.sequence && tomb.last - f->stats.sequence < tomb.rows)
        tomb.rows = tomb.last - f->stats.sequence; /* the others were given */
    if (f->tomb_count == f->tomb_capacity) {
        f->tomb_capacity = f->tomb_capacity ? 2 * f->tomb_capacity : 16;
        f->tombs = mem_resize(f->tombs, f->tomb_capacity, sizeof(*f->tombs));
    }
    tomb.path = arena_copy(&f->tomb_arena, tomb.path);
    f->tombs[f->tomb_count++] = tomb;
    return ERR_OK;
}

static uint64_t block_rows_behind(struct segment *s, uint32_t number, uint64_t after)
{
    const struct segment_block *block = &segment_blocks(s)[number];
    struct segment_rows rows = {0};
    uint64_t count = 0;
    if (block->first_sequence > after)
        return block->row_count;
    if (block->last_sequence > after && segment_read_rows(s, number, &rows, NULL) == ERR_OK)
        for (uint32_t i = 0; i < rows.count; i++)
            count += rows.sequences[i] > after;
    segment_rows_free(&rows);
    return count;
}

/* What cannot be read counts as a gap: looking for tombstones does no harm. */
static uint64_t rows_behind(const struct view *view, const struct catalog_segment *item,
                            uint64_t after)
{
    struct segment *s = NULL;
    uint64_t count = 0;
    if (item->first_sequence > after)
        return item->row_count;
    if (item->last_sequence <= after ||
        segment_open(&s, view->disk, item->path.data, NULL) != ERR_OK)
        return 0;
    for (uint32_t b = 0; b < segment_about(s)->block_count; b++)
        count += block_rows_behind(s, b, after);
    segment_close(&s);
    return count;
}

/* Whether segments lack rows behind the position: only then is the notary's log read, for it is
 * long. */
static bool has_gap(const struct follow *f, const struct view *view)
{
    uint64_t rows = 0, through = view->sealed_sequence, after = f->stats.sequence;
    for (uint32_t i = 0; i < view->segments.count; i++)
        rows += rows_behind(view, &view->segments.items[i], after);
    return through > after && rows < through - after;
}

static void tombs_count(struct follow *f)
{
    for (uint32_t i = 0; i < f->tomb_count; i++)
        if (f->tombs[i].last <= f->stats.sequence)
            f->stats.expired_rows += f->tombs[i].rows;
    f->tomb_count = 0;
    arena_reset(&f->tomb_arena);
}

/* ---- by a search ---- */

static int search_begin(struct follow *f, struct err *err)
{
    void *search;
    f->options.after_sequence = f->stats.sequence;
    int rc = embedded_search(f->store, &f->options, &search, err);
    if (rc)
        return rc;
    f->search = search;
    f->search_since_ns = clock_monotonic_ns();
    return has_gap(f, &f->search->view) ? notary_read(f->store->disk, tomb_note, f, err) : ERR_OK;
}

static void search_end(struct follow *f)
{
    f->stats.damaged_rows += f->search->progress.damaged_rows;
    tombs_count(f);
    embedded_cursor_close(f->search);
    f->search = NULL;
}

/* All that was durable when it began was given. */
static void search_complete(struct follow *f)
{
    struct journal_start at;
    uint64_t through = f->search->view.sealed_sequence;
    journal_scan_start(f->search->view.journal, &at);
    f->place = at.end;
    if (at.next_sequence > through)
        through = at.next_sequence - 1;
    if (through > f->stats.sequence)
        f->stats.sequence = through;
    search_end(f);
}

static int search_row(struct follow *f, const struct row **row, struct err *err)
{
    struct store_item item;
    int rc;
    if (clock_monotonic_ns() - f->search_since_ns >
        (uint64_t)f->store->options.query_ns / PASSES_IN_A_QUERY) {
        search_end(f);
        rc = search_begin(f, err);
        if (rc)
            return rc;
    }
    while ((rc = embedded_next(f->search, &item, err)) == ERR_OK && item.kind != STORE_ROW)
        continue;
    if (rc == ERR_OK) {
        *row = item.row;
        f->stats.sequence = item.row->sequence;
    } else if (rc == ERR_END) {
        search_complete(f);
    }
    return rc;
}

/* ---- by frames of the journal ---- */

static void damage_note(void *context, const struct journal_damage *damage)
{
    (void)context; /* the search that follows tells how much it is */
    (void)damage;
}

static int tail_begin(struct follow *f, struct err *err)
{
    struct embedded *e = f->store;
    f->joined = false;
    f->frame.section_count = f->section = 0;
    f->reader.row_count = f->reader.next = 0;
    return journal_scan_open(&f->scan, e->disk, &e->identity, f->place,
                             disk_is_real(e->disk) && embedded_is_live(e), err);
}

/* ERR_NOT_FOUND: the next frame does not join on, its forerunners were sealed and removed. */
static int tail_frame(struct follow *f, struct err *err)
{
    int rc = journal_scan_next(f->scan, &f->frame, damage_note, f, err);
    if (rc) {
        f->frame.section_count = 0;
        return rc;
    }
    if (f->frame.first_sequence > f->stats.sequence + 1)
        return err_set(err, ERR_NOT_FOUND, "The frame before is gone.");
    f->joined = true;
    f->section = 0;
    f->section_sequence = f->frame.first_sequence;
    return ERR_OK;
}

static int tail_section(struct follow *f, struct err *err)
{
    uint32_t section = f->section++;
    if (f->frame.kinds[section] != JOURNAL_BATCH)
        return ERR_OK;
    int rc = batch_reader_open(&f->reader, f->frame.sections[section], err);
    f->reader.first_sequence = f->section_sequence;
    f->section_sequence += f->reader.row_count;
    return rc;
}

static int tail_row(struct follow *f, const struct row **row, struct err *err)
{
    for (int rc = ERR_OK; rc == ERR_OK;) {
        while (batch_next(&f->reader, &f->row)) {
            if (f->row.sequence <= f->stats.sequence)
                continue;
            f->stats.sequence = f->row.sequence;
            if (is_wanted(f, f->row.context->partition)) {
                *row = &f->row;
                return ERR_OK;
            }
        }
        if (f->section < f->frame.section_count) {
            rc = tail_section(f, err);
        } else {
            if (f->joined)
                f->place = f->frame.end;
            rc = tail_frame(f, err);
        }
        if (rc)
            return rc;
    }
    return ERR_END;
}

/* ---- both ---- */

/* False also when that cannot be told. */
static bool nothing_new(const struct follow *f)
{
    struct journal_place place;
    uint64_t last_sequence;
    return disk_is_real(f->store->disk) && embedded_is_live(f->store) &&
           durable_read(f->durable, &place, &last_sequence) && last_sequence <= f->stats.sequence;
}

int embedded_follow_next(void *follow, const struct row **row, struct err *err)
{
    struct follow *f = follow;
    *row = NULL;
    if (f->search)
        return search_row(f, row, err);
    if (!f->scan && nothing_new(f))
        return err_set(err, ERR_END, "There is no newer row.");
    int rc = ERR_NOT_FOUND;
    if (!f->scan && f->place.file)
        rc = tail_begin(f, err);
    if (f->scan) {
        rc = tail_row(f, row, err);
        if (rc == ERR_OK)
            return ERR_OK;
        journal_scan_close(&f->scan);
        if (rc == ERR_END && f->joined)
            return rc;
    }
    if (rc != ERR_END && rc != ERR_NOT_FOUND && rc != ERR_DAMAGED)
        return rc;
    rc = search_begin(f, err); /* what was new is sealed, or damaged */
    return rc ? rc : search_row(f, row, err);
}

void embedded_follow_stats(const void *follow, struct store_follow_stats *out)
{
    const struct follow *f = follow;
    *out = f->stats;
}

void embedded_follow_close(void *follow)
{
    struct follow *f = follow;
    if (f->search)
        search_end(f);
    journal_scan_close(&f->scan);
    durable_close(&f->durable);
    batch_reader_free(&f->reader);
    mem_free(f->tombs);
    arena_free(&f->arena);
    arena_free(&f->tomb_arena);
    mem_free(f);
}

#include "store/embedded_rows.h"

#include "store/segment.h"

static int block_rows(struct segment *s, uint32_t block, const struct embedded_range *range,
                      embedded_row_visit *visit, void *context, struct err *err)
{
    struct segment_rows rows = {0};
    struct segment_cursor *cursor = NULL;
    struct row row;
    int rc = segment_read_rows(s, block, &rows, err);
    for (uint32_t i = 0; i < rows.count && rc == ERR_OK; i++) {
        if (rows.sequences[i] < range->first || rows.sequences[i] > range->last)
            continue;
        if (!cursor)
            rc = segment_cursor_open(&cursor, s, block, NULL, EMBEDDED_ROW_BYTES_MAX, err);
        if (rc == ERR_OK)
            rc = segment_cursor_row(cursor, i, &row, err);
        if (rc == ERR_OK)
            rc = visit(context, &row);
    }
    segment_cursor_close(&cursor);
    segment_rows_free(&rows);
    return rc;
}

int embedded_segment_rows(struct segment *s, uint64_t first, uint64_t last,
                          embedded_row_visit *visit, void *context, struct err *err)
{
    struct embedded_range range = {.first = first, .last = last};
    int rc = ERR_OK;
    for (uint32_t b = 0; b < segment_about(s)->block_count && rc == ERR_OK; b++) {
        const struct segment_block *block = &segment_blocks(s)[b];
        if (block->last_sequence >= first && block->first_sequence <= last)
            rc = block_rows(s, b, &range, visit, context, err);
    }
    return rc;
}

int embedded_frame_rows(const struct journal_frame *frame, struct batch_reader *reader,
                        embedded_row_visit *visit, void *context, struct err *err)
{
    uint64_t sequence = frame->first_sequence;
    struct row row;
    int rc = ERR_OK;
    for (uint32_t i = 0; i < frame->section_count && rc == ERR_OK; i++) {
        if (frame->kinds[i] != JOURNAL_BATCH)
            continue;
        rc = batch_reader_open(reader, frame->sections[i], err);
        if (rc)
            return rc;
        reader->first_sequence = sequence;
        sequence += reader->row_count;
        while (rc == ERR_OK && batch_next(reader, &row))
            rc = visit(context, &row);
    }
    return rc;
}

struct choice {
    const struct embedded_range *range;
    uint64_t sealed_sequence;
    embedded_row_visit *visit;
    void *context;
};

static int row_choose(void *context, const struct row *row)
{
    struct choice *c = context;
    if (row->sequence <= c->sealed_sequence || row->sequence < c->range->first ||
        row->sequence > c->range->last ||
        (c->range->partition.len && !slice_equal(row->context->partition, c->range->partition)))
        return ERR_OK;
    return c->visit(c->context, row);
}

static int journal_rows(struct view *view, struct choice *choice, struct err *err)
{
    struct journal_frame frame;
    struct batch_reader reader = {0};
    int rc;
    while ((rc = journal_scan_skip(view->journal, &frame, NULL, NULL, err)) == ERR_OK) {
        if (frame.row_count == 0 || frame.first_sequence + frame.row_count <= choice->range->first)
            continue;
        if (frame.first_sequence > choice->range->last)
            break;
        rc = journal_scan_read(view->journal, frame.begin, &frame, err);
        if (rc == ERR_OK)
            rc = embedded_frame_rows(&frame, &reader, row_choose, choice, err);
        if (rc)
            break;
    }
    batch_reader_free(&reader);
    return rc == ERR_END ? ERR_OK : rc;
}

int embedded_rows(struct view *view, const struct embedded_range *range, embedded_row_visit *visit,
                  void *context, struct err *err)
{
    struct choice choice = {range, view->sealed_sequence, visit, context};
    int rc = ERR_OK;
    for (uint32_t i = 0; i < view->segments.count && rc == ERR_OK; i++) {
        const struct catalog_segment *item = &view->segments.items[i];
        struct segment *segment = NULL;
        if (item->last_sequence < range->first || item->first_sequence > range->last ||
            (range->partition.len && !slice_equal(item->partition, range->partition)))
            continue;
        rc = segment_open(&segment, view->disk, item->path.data, err);
        if (rc == ERR_OK)
            rc = embedded_segment_rows(segment, range->first, range->last, visit, context, err);
        segment_close(&segment);
    }
    if (rc == ERR_OK && range->last > view->sealed_sequence)
        rc = journal_rows(view, &choice, err);
    return rc;
}

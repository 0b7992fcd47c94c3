/* Rows of a view by their sequence numbers: for embedded_*.c only. Threads: one. */
#pragma once
#include "store/store_embedded.h"

#define EMBEDDED_ROW_BYTES_MAX ((size_t)64 << 20) /* of a segment's values held at once */

/* visit: ERR_OK to go on; anything else ends the walk and is given back. */
typedef int embedded_row_visit(void *context, const struct row *row);

/* Rows [first, last] of one segment, in order. ERR_DAMAGED: some could not be read whole. */
MUST_CHECK int embedded_segment_rows(struct segment *s, uint64_t first, uint64_t last,
                                     embedded_row_visit *visit, void *context, struct err *err);
/* Rows [first, last] of a partition (empty: of all), from segments, then from the journal (once a
 * view). Rows of one partition come in order; those of several come by segment. */
struct embedded_range {
    struct slice partition;
    uint64_t first, last;
};
MUST_CHECK int embedded_rows(struct view *view, const struct embedded_range *range,
                             embedded_row_visit *visit, void *context, struct err *err);
/* Rows of a frame that was read whole. */
MUST_CHECK int embedded_frame_rows(const struct journal_frame *frame, struct batch_reader *reader,
                                   embedded_row_visit *visit, void *context, struct err *err);

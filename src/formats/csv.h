/* CSV rows (RFC 4180), named by the header row that the splitter kept.
 *
 * A cell is bare or in double quotes, where "" stands for one. Empty cells are empty strings.
 * Limits: those of record.h. Threads: any. Ownership: slices borrow from text, from the header
 * (names) or from the record's arena. */
#pragma once
#include "formats/format.h"

/* One row. ERR_SYNTAX without a header, with more or fewer cells than it has columns (the message
 * says both numbers), or with quotes that do not close. */
MUST_CHECK int csv_parse(struct record *r, struct slice text, const struct format_header *header,
                         struct err *err);
int csv_probe(struct slice head);

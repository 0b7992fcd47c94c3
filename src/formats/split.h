/* Splitter: cuts the bytes of one file into the texts of whole records, in order.
 *
 * Limits: RECORD_BYTES_MAX a record; SPLIT_JOIN_MAX audit serials open at a time (the oldest is
 * given out when one more comes). A record over its limit, or bytes that are no record, are
 * refused: counted, the first SPLIT_REFUSED_KEPT kept with line and reason, and reading goes on at
 * the next record. Threads: a splitter belongs to one. Ownership: span texts borrow from the block
 * that was given, or from the arena that was given. */
#pragma once
#include "formats/format.h"

#define SPLIT_JOIN_BYTES_MAX   ((size_t)64 << 20) /* of all open audit serials */
#define SPLIT_HEADER_BYTES_MAX ((size_t)16 << 20) /* of all header lines of a file */
enum { SPLIT_JOIN_MAX = 256, SPLIT_REFUSED_KEPT = 100 };

struct span {
    struct slice text;
    uint64_t line; /* 1-based line of its first byte; element number in an array; record number */
    const struct format_header *header; /* NULL when the format has none */
};

struct span_list {
    struct span *spans;
    size_t count, capacity;
};
void span_list_add(struct span_list *list, struct span span);
void span_list_free(struct span_list *list);

struct split_refused {
    uint64_t line;
    char reason[120];
};

struct split;
struct split *split_open(const struct format *format); /* never for SPLIT_EVTX */
/* Looks at block, which continues the stream after what was used before, and appends the whole
 * records in it. *used_bytes says how much of it is done with: the caller gives the rest again with
 * more behind it. last: nothing follows, so an unfinished last record is given out or refused. What
 * must outlive the block (joined lines) is copied to arena. */
void split_feed(struct split *s, struct slice block, bool last, struct arena *arena,
                struct span_list *out, size_t *used_bytes);
bool split_has_headers(const struct split *s); /* spans may point to headers */
uint64_t split_refused_count(const struct split *s);
const struct split_refused *split_refused_list(const struct split *s, size_t *count);
void split_close(struct split **s); /* headers that spans point to go with it */

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

/* Whether a span is a whole record. What is longer than its limit on a wire comes in parts. */
enum span_part {
    SPAN_WHOLE,
    SPAN_FIRST_PART, /* further parts follow */
    SPAN_LATER_PART, /* goes on where the part before it ended */
    SPAN_UNFINISHED  /* the sender went away inside of it */
};

struct span {
    struct slice text;
    uint64_t line; /* 1-based line of its first byte; element number in an array; record number */
    const struct format_header *header; /* NULL when the format has none */
    const struct format *format;        /* NULL: that of the file or listener */
    uint32_t joined;                    /* further lines of the stream that are in this one */
    uint8_t part;                       /* enum span_part */
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
/* How many records were cut from the stream so far, before anything is parsed: at any time the
 * spans given out + their `joined` + split_refused_count. Counted where they are cut, not from what
 * was given out. By kind:
 * - lines, CSV, W3C: each line or row that is not blank; not the header row, #Fields and its kin.
 *   A header that is refused counts. Behind a refused header row a CSV file has no more records.
 * - JSON: each value; of an array or a wrapper each member, not the brackets around them. An array
 *   that the file's end cuts off counts as one refused more.
 * - journal entries, records with a NUL byte behind each: each that is not empty.
 * - XML: each <Event>, also one that is cut off; nothing of what stands between them.
 * - auditd: each line that is not blank, once the record that it belongs to is given out (lines
 * that wait for the rest of their serial are not counted yet). An EOE line counts with its serial's
 *   lines, as joined; one that ends nothing is no record. */
uint64_t split_count(const struct split *s);
bool split_has_headers(const struct split *s); /* spans may point to headers */
uint64_t split_refused_count(const struct split *s);
const struct split_refused *split_refused_list(const struct split *s, size_t *count);
void split_close(struct split **s); /* headers that spans point to go with it */

/* The inside of a splitter, shared by the files split*.c only. Every feeder gets the block and
 * gives the count of bytes that are done with; it may leave a rest only when an unfinished record
 * needs it. */
#pragma once
#include "formats/split.h"

enum split_skip {
    SKIP_NONE,
    SKIP_LINE,  /* to the end of the line */
    SKIP_VALUE, /* JSON: to the end of the value that scan is in */
    SKIP_RESYNC /* JSON: to the next line that begins with { at resync_column or before it */
};

/* How far a JSON value was looked at: enough to go on in the next block. */
struct json_scan {
    uint64_t stack; /* one bit a level: 1 object */
    uint32_t depth;
    char previous; /* the newest character that is no blank, outside of strings */
    bool in_string, escaped;
    bool below_first_line; /* a line end was passed */
    bool opened_with_more; /* the value's first line holds more than its bracket */
};

struct split_json {
    struct json_scan scan;
    size_t column; /* of the first byte of the next block, from 0 */
    size_t resync_column;
    uint64_t element; /* array members so far */
    bool in_array, in_wrapper, in_tail;
    bool seen_value;
    bool several_a_line; /* the file's first value has another one behind it on its line */
};

struct split_journal {
    size_t looked_at; /* of the unfinished entry, from its start */
    uint64_t pass;    /* bytes of a value that are still to be passed over */
    bool in_value;    /* a value of known size, or its line end, comes */
    bool in_line;     /* within a line that nobody wants */
    bool dropping;    /* the entry was refused: to its end */
    bool sizes_lost;  /* its end is the next empty line, whatever stands before it */
};

struct split_join;

struct split {
    const struct format *format;
    uint64_t line; /* of the next byte */
    bool started, ended;
    enum split_skip skip;
    uint64_t count;      /* of records that were cut, also of those that wait in join */
    uint64_t open_count; /* of those the lines that wait in join */
    uint64_t refused_count;
    struct split_refused *refused;
    size_t refused_kept;
    struct arena header_arena;
    const struct format_header *header;
    struct split_json json;
    struct split_journal journal;
    struct split_join *join;
};

/* One record was cut: it goes out. */
static inline void split_give(struct split *s, struct span_list *out, struct span span)
{
    s->count++;
    span_list_add(out, span);
}

/* One record was cut: it is refused. */
void split_refuse(struct split *s, uint64_t line, const char *reason);
/* The next whole line without its end; its number is s->line - 1 afterwards. false: there is none
 * in the block. Lines that are too long are refused and passed over. */
bool split_next_line(struct split *s, struct slice block, bool last, size_t *at,
                     struct slice *line);
uint64_t split_count_lines(struct slice text); /* line ends in it */

size_t split_json_feed(struct split *s, struct slice block, bool last, struct span_list *out);
size_t split_csv_feed(struct split *s, struct slice block, bool last, struct span_list *out);
size_t split_w3c_feed(struct split *s, struct slice block, bool last, struct span_list *out);
size_t split_xml_feed(struct split *s, struct slice block, bool last, struct span_list *out);
size_t split_join_feed(struct split *s, struct slice block, bool last, struct arena *arena,
                       struct span_list *out);
size_t split_journal_feed(struct split *s, struct slice block, bool last, struct span_list *out);
void split_join_close(struct split_join **join);

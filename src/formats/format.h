/* Formats: the one table of the log formats that Canh reads, and what each of them gives.
 *
 * Reading has two steps, so that the second can run on any thread: the splitter (split.h) cuts a
 * byte stream into the texts of whole records; parse turns one text into one record. Adding a
 * format is: a reader file with its parse and probe, one row in format.c, a fuzz target, a unit
 * test, a row in docs/formats.md. */
#pragma once
#include "formats/record.h"

/* What a splitter learned from header lines (column names of CSV and W3C files): shared by the
 * spans that follow it, immutable, lives in the splitter until it is closed. */
struct format_header {
    struct slice *columns;
    uint32_t column_count;
    char separator;    /* CSV: , ; tab or | */
    struct slice date; /* W3C #Date, used when a row has a time and no date */
};

enum split_kind {
    SPLIT_LINES,   /* one record a line; empty lines are skipped */
    SPLIT_JSON,    /* JSON values: one a line, members of an array, or pretty-printed one after
                    * another;
                    * {"Records":[...]} and its kin are opened */
    SPLIT_CSV,     /* RFC 4180 rows, quoted ones may span lines; the first row is the header */
    SPLIT_W3C,     /* lines; #Fields and #Date make a new header */
    SPLIT_XML,     /* <Event>...</Event> one after another, whatever stands between them */
    SPLIT_AUDITD,  /* lines joined by audit serial */
    SPLIT_JOURNAL, /* journal export entries, an empty line behind each */
    SPLIT_NUL,     /* records with a NUL byte behind each */
    SPLIT_EVTX     /* not a stream: evtx.h gives one XML text a record */
};

struct format {
    const char *name;    /* as --format takes it */
    const char *summary; /* one line for --help and docs */
    enum split_kind split;
    /* One record's text into r (which is empty). text stays readable and unchanged until r is
     * reset. ERR_SYNTAX or ERR_LIMIT with what and where when it is not a record of this format. */
    int (*parse)(struct record *r, struct slice text, const struct format_header *header,
                 struct err *err);
    /* How sure the first bytes of a file look like this format: 0 no, 100 certainly. */
    int (*probe)(struct slice head);
};

extern const struct format format_table[];
extern const size_t format_count;

const struct format *format_find(struct slice name); /* NULL: no such format */
/* The format whose probe is surest; lines of plain text (`text`) when none says more than 0. */
const struct format *format_guess(struct slice head);
/* The format for one message of a syslog sender, for listeners where any device may send: `syslog`
 * for whatever has a header and for text, whose reader also opens the JSON, CEF, LEEF, key=value,
 * audit record, XML event or access log line inside; `json`, `winxml`, `auditd`, `cef` or `weblog`
 * when the message is one without a header. Looks at the beginning only, so nothing that an
 * attacker writes into a text further back chooses the format. */
const struct format *format_guess_record(struct slice text);

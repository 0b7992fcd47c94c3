/* The Journal Export Format: what `journalctl -o export` prints and systemd-journal-upload sends
 * (application/vnd.fdo.journal). An entry is a run of fields, each NAME=value and a line end, or
 * NAME, a line end, the value's size in 8 bytes (little-endian), the value and a line end; an empty
 * line ends it.
 *
 * Every field becomes a field of its name, one that comes twice comes twice. Values of the second
 * form are given byte by byte, whatever they hold.
 * Limits: those of record.h; JOURNAL_NAME_BYTES_MAX a name; the splitter passes over a value of up
 * to JOURNAL_VALUE_BYTES_MAX (journald's own limit), and past that no longer believes the sizes: it
 * goes on behind the next empty line. Threads: any. Ownership: slices borrow from text. */
#pragma once
#include "formats/format.h"

#define JOURNAL_VALUE_BYTES_MAX ((uint64_t)768 << 20)
enum { JOURNAL_NAME_BYTES_MAX = 256 };

MUST_CHECK int journal_export_parse(struct record *r, struct slice text,
                                    const struct format_header *header, struct err *err);
int journal_export_probe(struct slice head);
/* The value of __CURSOR, which journald puts first; the empty slice when there is none. */
struct slice journal_export_cursor(struct slice text);

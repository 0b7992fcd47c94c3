/* The header of a syslog line: what stands before its message.
 *
 * Limits: names of structured data SYSLOG_SD_NAME_BYTES_MAX each. Threads: any.
 * Ownership: slices borrow from text or the record's arena. */
#pragma once
#include "formats/record.h"

enum { SYSLOG_SD_NAME_BYTES_MAX = 255, SYSLOG_TAG_BYTES_MAX = 128 };

enum syslog_header_kind {
    SYSLOG_NO_HEADER, /* all of the text is the message */
    SYSLOG_PRI_ONLY,  /* <PRI> and perhaps a tag, no time */
    SYSLOG_BSD,       /* RFC 3164 and its kin */
    SYSLOG_5424
};

/* Adds the header's fields to r (facility, severity, sequence, timestamp, timezone, hostname,
 * appname, procid, msgid, sd.*; none for a nil value) and gives what follows as *message. Bytes
 * that are not as the RFC says begin the message: nothing is refused but by the record's limits
 * (ERR_LIMIT). kind may be NULL. */
MUST_CHECK int syslog_header_add(struct record *r, struct slice text, struct slice *message,
                                 enum syslog_header_kind *kind, struct err *err);
/* What kind of header text has, without a record. */
enum syslog_header_kind syslog_header_kind(struct slice text);

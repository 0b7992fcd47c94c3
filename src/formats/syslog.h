/* Syslog lines: RFC 5424, RFC 3164, what rsyslog and journald write to files, Cisco's variants; and
 * plain text lines.
 *
 * Fields: facility and severity (numbers, from PRI), timestamp, hostname, appname, procid, msgid,
 * sd.<id>.<param>, message; Cisco lines also sequence. A message that is itself JSON (`{`,
 * `@cee:`), CEF, LEEF, an audit record, a Windows event as XML, a web access log line or key=value
 * gives its own fields behind these. docs/formats.md has the
 * details. Limits: those of record.h. Threads: any. Ownership: slices borrow from text or the
 * record's arena. */
#pragma once
#include "formats/format.h"

/* One line. Only an empty text is ERR_SYNTAX: a line without any header is all message. */
MUST_CHECK int syslog_parse(struct record *r, struct slice text, const struct format_header *header,
                            struct err *err);
int syslog_probe(struct slice head);

/* Any text, whole, as the field `message`; an empty one is ERR_SYNTAX. */
MUST_CHECK int text_parse(struct record *r, struct slice text, const struct format_header *header,
                          struct err *err);

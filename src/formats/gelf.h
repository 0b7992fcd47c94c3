/* GELF 1.1 messages (Graylog Extended Log Format): JSON objects with `short_message`, `host`, a
 * `timestamp` in seconds, and additional fields whose names begin with `_`. Chunks of UDP are put
 * together by gelf_chunks.h; over TCP a NUL byte stands behind each message (SPLIT_NUL).
 *
 * As an event: `short_message` is `message`, `timestamp` is `@timestamp` (RFC 3339), additional
 * fields lose their `_`; a name that another member has already stays as it was sent. The rest is
 * kept as it is. Limits: those of json.h. Threads: any. */
#pragma once
#include "formats/format.h"

/* Appends the event as one JSON object; on an error out is as it was. */
MUST_CHECK int gelf_event(struct buf *out, struct slice text, struct err *err);
/* The same as a record. */
MUST_CHECK int gelf_parse(struct record *r, struct slice text, const struct format_header *header,
                          struct err *err);
int gelf_probe(struct slice head);

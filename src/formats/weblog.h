/* Web server access logs: common and combined (Apache httpd, nginx), and W3C extended (IIS and
 * others).
 *
 * Names are those of Sigma's webserver taxonomy; URIs stay as received, nothing is decoded.
 * Limits: those of record.h. Threads: any. Ownership: slices borrow from text, from the header
 * (names of W3C columns) or from the record's arena. */
#pragma once
#include "formats/format.h"

/* One common or combined line, with or without a virtual host before it and quoted fields after it:
 * cs-host, c-ip, cs-ident, cs-username, timestamp, cs-method, cs-uri, cs-uri-stem, cs-uri-query,
 * cs-version, sc-status, sc-bytes, cs-referer, cs-user-agent, extra. A request line that is none is
 * cs-uri as a whole. ERR_SYNTAX says which part is not as it should be. */
MUST_CHECK int weblog_parse(struct record *r, struct slice text, const struct format_header *header,
                            struct err *err);
int weblog_probe(struct slice head);
/* True when text looks like such a line of a client whose address is written as a number. */
bool weblog_begins(struct slice text);

/* One row of a W3C file by its #Fields; `-` is VALUE_NULL. Rows that have a time and no date also
 * give the date of the #Date line. ERR_SYNTAX without #Fields or with another number of values. */
MUST_CHECK int w3c_parse(struct record *r, struct slice text, const struct format_header *header,
                         struct err *err);
int w3c_probe(struct slice head);

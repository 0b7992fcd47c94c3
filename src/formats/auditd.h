/* Linux audit events: the lines of one serial, joined by \n, as one record.
 *
 * Fields: type (of each line, in order, one of a run of equal ones), node, timestamp (Unix seconds
 * with fraction), serial (once), then every key=value as written; msg='...' of user-space records
 * and { } of enriched addresses are opened into their own pairs; text between pairs is `message`.
 * Values that were written in hex because of their bytes are given decoded, in a proctitle with
 * blanks between the arguments; the received hex is not kept. A `key` that holds several gives
 * several. An argument in pieces (a2[0]=, a2[1]=) also gives a2 (FIELD_DERIVED). Limits: those of
 * record.h. Threads: any. Ownership: slices borrow from text or the record's arena. */
#pragma once
#include "formats/format.h"

/* ERR_SYNTAX when a line does not begin with `[node=N ]type=T msg=audit(S.MMM:N):`; the `msg=` may
 * be missing, as in what the kernel itself prints. */
MUST_CHECK int auditd_parse(struct record *r, struct slice text, const struct format_header *header,
                            struct err *err);
int auditd_probe(struct slice head);

/* True when text begins like the first line of an event. */
bool auditd_begins(struct slice text);
/* Adds the fields of text to what is in r. */
MUST_CHECK int auditd_add(struct record *r, struct slice text, struct err *err);
/* Whether an unquoted value of this key may be hex: those that are written as untrusted strings,
 * and a0, a1[2] ... of an EXECVE record. */
bool auditd_hex_key(struct slice key, struct slice record_type);

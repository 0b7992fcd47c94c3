/* key=value lines: FortiGate, Sophos, logfmt, sudo and their kin.
 *
 * Pairs stand apart by blanks, or by commas or semicolons before the next key; a value is bare or
 * in double quotes, where \" and \\ are the only escapes. Where ` ; ` parts the pairs (sudo) a
 * value runs up to it, blanks and all. Keys keep their spelling, repeated ones give several fields.
 * Limits: KEYVALUE_KEY_BYTES_MAX a key, a longer one is loose text; those of record.h.
 * Threads: any. Ownership: slices borrow from text or the record's arena. */
#pragma once
#include "formats/format.h"

enum { KEYVALUE_KEY_BYTES_MAX = 255, KEYVALUE_MOST_PAIRS = 3 };

/* One line; a syslog PRI before it is skipped. Text between the pairs is given as `message`, one a
 * run. ERR_SYNTAX when there is no pair. */
MUST_CHECK int keyvalue_parse(struct record *r, struct slice text,
                              const struct format_header *header, struct err *err);
int keyvalue_probe(struct slice head);

/* Adds the pairs of text to what is in r, nothing of the text between them; *pairs (may be NULL)
 * says how many. */
MUST_CHECK int keyvalue_add(struct record *r, struct slice text, uint32_t *pairs, struct err *err);
/* The same when there are at least KEYVALUE_MOST_PAIRS and they are more than half of the text;
 * else r stays as it was, as it does on ERR_LIMIT. */
MUST_CHECK int keyvalue_add_most(struct record *r, struct slice text, struct err *err);

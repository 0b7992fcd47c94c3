/* Row JSON: stored events as JSON, in the two forms that docs/query.md describes: for reading
 * (fields grouped by name) and for reading in again (exact). Limits: those of record.h. Threads:
 * any, a row's record by one. */
#pragma once
#include "detection/rule.h"
#include "store/row.h"

/* "id":..,"time":..,"received":..,"source":..,"partition":..,"file":..,"line":..,"mapping":..
 * without brackets. What is not known is null; "system", "registered", "sender" and "drill" stand
 * there only when they say something. */
void row_json_about(const struct row *row, uint32_t epoch, struct buf *out);
/* An object of the received fields, or of the derived ones: one value or a list a name, numbers as
 * their lexemes. Objects are given by their members. hidden: names left out; NULL: none. */
void row_json_fields(struct record *record, bool derived, const struct slice_list *hidden,
                     struct buf *out);
/* An object of what was received that gives, read again, the same fields in the same order. about:
 * a member `_canh` with what row_json_about says is the last one. */
void row_json_received(const struct row *row, bool about, uint32_t epoch, struct buf *out);

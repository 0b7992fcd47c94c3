/* Import rows: findings and refused records as rows of the internal partitions _findings and
 * _refused, in batches that follow the events' in their group.
 *
 * A finding's fields: rule.id, rule.title, rule.level, rule.author, rule.source, rule.tag and
 * rule.reference (each as often as the rule has them); of an event event.id ("epoch:sequence"),
 * event.time, event.file, event.line and matched.<name>; of a correlation event.id for each event
 * shown, group.<name>, value, count. A refused record's: reason, text, file, line. Threads: one.
 * Ownership: borrows rules and source. */
#pragma once
#include "program/import_worker.h"
#include "program/output.h"

struct import_rows;
struct import_rows *import_rows_open(const struct rule_list *rules,
                                     const struct import_source *source, uint32_t epoch);
void import_rows_close(struct import_rows **rows);
/* From here on rows are of this source (borrowed). */
void import_rows_source(struct import_rows *rows, const struct import_source *source);
void import_rows_begin(struct import_rows *rows, int64_t received_ns);
MUST_CHECK int import_rows_finding(struct import_rows *rows, const struct output_finding *finding,
                                   struct err *err);
struct import_refused {
    struct slice file, reason, text;
    uint64_t line;
};
MUST_CHECK int import_rows_refused(struct import_rows *rows, const struct import_refused *refused,
                                   struct err *err);
/* The batches since import_rows_begin, good until the next one. */
const struct batch *import_rows_end(struct import_rows *rows, uint32_t *count);

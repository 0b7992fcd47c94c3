/* Import rows: findings and refused records as rows of the internal partitions _findings and
 * _refused, in batches that follow the events' in their group; closed hours of the ledger as rows
 * of _ledger (at the hour's beginning; fields by ledger_cell_fields), and what is wrong with the
 * watch itself as findings: rule.id "canh-health-KIND", rule.title, rule.level, subject, state
 * (begins, ends), since, message_en, message_vi.
 *
 * A finding's fields: rule.version (of the set, its beginning), rule.id, rule.title, rule.level,
 * rule.author, rule.source, rule.tag and
 * rule.reference (each as often as the rule has them); of an event event.id ("epoch:sequence"),
 * event.time, event.file, event.line, mapping.id and mapping.version (when its
 * fields were named by a mapping) and matched.<name>; of a correlation event.id for each event
 * shown, group.<name>, value, count. A refused record's: reason, text, file, line. Threads: one.
 * Ownership: borrows rules and source. */
#pragma once
#include "watch/finding.h"
#include "watch/harvester.h"
#include "watch/health.h"

struct internal_rows;
struct internal_rows *internal_rows_open(const struct rule_list *rules, const struct origin *source,
                                         uint32_t epoch);
void internal_rows_close(struct internal_rows **rows);
/* From here on findings are of these rules (borrowed), whose set has this version ("": none). */
void internal_rows_rules(struct internal_rows *rows, const struct rule_list *rules,
                         const char *version);
/* From here on rows are of this source (borrowed). */
void internal_rows_source(struct internal_rows *rows, const struct origin *source);
void internal_rows_begin(struct internal_rows *rows, int64_t received_ns);
MUST_CHECK int internal_rows_finding(struct internal_rows *rows, const struct finding *finding,
                                     struct err *err);
struct internal_refused {
    struct slice file, reason, text;
    uint64_t line;
};
MUST_CHECK int internal_rows_refused(struct internal_rows *rows,
                                     const struct internal_refused *refused, struct err *err);
/* Of the rows' source (internal_rows_source). */
MUST_CHECK int internal_rows_ledger(struct internal_rows *rows, const struct ledger_cell *cell,
                                    struct err *err);
MUST_CHECK int internal_rows_health(struct internal_rows *rows, const struct health_change *change,
                                    struct err *err);
/* The batches since internal_rows_begin, good until the next one. */
const struct batch *internal_rows_end(struct internal_rows *rows, uint32_t *count);

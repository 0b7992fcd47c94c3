/* OTLP/HTTP logs (opentelemetry-proto v1, ExportLogsServiceRequest): the log records of a request
 * in protobuf or JSON, each as one JSON object that the format `json` reads.
 *
 * Its members, the first of a name stays: `@timestamp` (time_unix_nano, else the observed time; RFC
 * 3339), `severity_text`, `severity_number`, `trace_id`, `span_id` (hex), `event.name`, `body` (a
 * body of members is left to the end), the record's attributes under their names, the members of
 * the body, the resource's attributes, `otel.scope.name`. Bytes are base64.
 * A record that cannot be read is refused alone; a request whose frame does not hold is refused as
 * a whole and gives nothing.
 * Limits: OTLP_DEPTH_MAX levels of values; OTLP_RECORDS_MAX records and OTLP_OUTPUT_BYTES_MAX of
 * text a request (ERR_LIMIT past them); OTLP_RESOURCE_BYTES_MAX of attributes a resource, since
 * they go into each of its records, and RECORD_BYTES_MAX a record (refused past them).
 * Threads: any. Ownership: texts are the arena's. */
#pragma once
#include "formats/split.h"

#define OTLP_RESOURCE_BYTES_MAX ((size_t)64 << 10)
#define OTLP_OUTPUT_BYTES_MAX   ((size_t)128 << 20)
enum { OTLP_DEPTH_MAX = 32, OTLP_RECORDS_MAX = 1 << 20, OTLP_REASON_BYTES = 120 };

struct otlp_outcome {
    uint64_t received; /* records in the request: those given out and those refused */
    uint64_t refused;
    char reason[OTLP_REASON_BYTES]; /* of the first refused one */
};

/* Appends a span for each record, its line the record's number in the request from 1. On an error
 * out is as it was. */
MUST_CHECK int otlp_read_protobuf(struct slice body, struct arena *arena, struct span_list *out,
                                  struct otlp_outcome *outcome, struct err *err);
MUST_CHECK int otlp_read_json(struct slice body, struct arena *arena, struct span_list *out,
                              struct otlp_outcome *outcome, struct err *err);

/* The body of the answer (ExportLogsServiceResponse); refused 0: nothing was refused. */
void otlp_answer_protobuf(struct buf *out, uint64_t refused, const char *reason);
void otlp_answer_json(struct buf *out, uint64_t refused, const char *reason);

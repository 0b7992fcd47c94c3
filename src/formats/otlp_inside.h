/* What the two readers of OTLP share: how a log record becomes one JSON object. Private to
 * otlp*.c. */
#pragma once
#include "base/map.h"
#include "formats/json.h"
#include "formats/otlp.h"

/* A member of a resource or scope, rendered once for all of its records. */
struct otlp_member {
    struct slice name;
    size_t at, len; /* of its JSON text in otlp_writer.resource */
};

/* What stands in a record beside attributes and body. */
struct otlp_head {
    uint64_t time_ns, observed_ns; /* 0: not said */
    uint64_t severity_number;      /* 0: not said */
    struct slice severity_text, event_name;
    struct slice trace_id, span_id; /* hex */
};

struct otlp_writer {
    struct arena *arena;
    struct span_list *out;
    struct otlp_outcome *outcome;
    size_t spans_before, output_bytes;
    struct json_writer json; /* writes to text, or to resource */
    struct buf text, resource;
    struct map names; /* of the record's members */
    struct otlp_member *members;
    size_t member_count, member_capacity;
    bool resource_bad; /* its records are refused, for resource_reason */
    const char *resource_reason;
};

void otlp_open(struct otlp_writer *w, struct arena *arena, struct span_list *out,
               struct otlp_outcome *outcome);
/* With an error the spans go back. */
int otlp_close(struct otlp_writer *w, int rc);

/* A resource: its attributes are written between otlp_member_begin and otlp_member_end. */
void otlp_resource_begin(struct otlp_writer *w);
/* False: the resource has a member of that name already (or it is empty). */
bool otlp_member_begin(struct otlp_writer *w, struct slice name);
void otlp_member_end(struct otlp_writer *w, struct slice name);
/* A scope of the resource: its name goes into its records, until the cut to the count of members
 * that there were before. */
void otlp_scope(struct otlp_writer *w, struct slice name);
void otlp_members_cut(struct otlp_writer *w, size_t count);
void otlp_resource_refuse(struct otlp_writer *w, const char *reason);

/* A record: begin, then names and values, then end. */
void otlp_record_begin(struct otlp_writer *w, const struct otlp_head *head);
/* Writes the key; false: a member has that name already (or none), and its value is passed over. */
bool otlp_name(struct otlp_writer *w, struct slice name);
/* bad: why the record is refused; NULL: it is whole. ERR_LIMIT when the request gets too large. */
MUST_CHECK int otlp_record_end(struct otlp_writer *w, const char *bad, struct err *err);

void otlp_base64(struct json_writer *w, struct slice bytes);
void otlp_double(struct json_writer *w, double value);

/* Render: a stored row as what other systems read: ECS JSON, CEF, syslog messages, bulk lines.
 *
 * Pure: no sockets, files or clock; the same row and options give the same bytes, so that what is
 * sent again after a kill is what was sent before. Findings (rows of _findings), refused records
 * (_refused) and events are told apart by their partition. docs/outputs.md has the names.
 * Limits: named below; what goes past them is cut or left out, and the text says so (canh.cut).
 * What is not UTF-8 becomes U+FFFD. Threads: any. Ownership: borrows row and options; appends. */
#pragma once
#include "store/row.h"

#define RENDER_BYTES_MAX ((size_t)1 << 20) /* of one rendered row */

enum {
    RENDER_BYTES_MIN = 2048,             /* the least that bytes_max may say: every row fits */
    RENDER_DATAGRAM_BYTES = 2048,        /* what RFC 5426 asks every receiver of UDP to take */
    RENDER_VALUE_BYTES_MAX = 8192,       /* of one value: Lucene refuses terms over 32766 bytes */
    RENDER_VALUES_BYTES_MAX = 256 << 10, /* of all values of a row */
    RENDER_PAIRS_MAX = 512,              /* fields kept under their received names */
    RENDER_LIST_MAX = 64,                /* members of any other list: tags, event ids */
    RENDER_CEF_VALUE_BYTES_MAX = 1023,   /* of one value of CEF's dictionary */
    RENDER_CEF_EXTRA_MAX = 64,           /* ad.NAME keys */
    RENDER_INDEX_BYTES_MAX = 200         /* of an index pattern; Elasticsearch takes names of 255 */
};

struct render_options {
    struct slice node;    /* name of this node */
    struct slice version; /* of Canh */
    uint32_t epoch;       /* of the store: event ids are epoch:sequence */
    size_t bytes_max;     /* of the row's text; 0: RENDER_BYTES_MAX */
};

/* One JSON object with ECS names, on one line, without a line end. Values are shortened, then lists
 * left out, then all but the core, until it fits into bytes_max. False: something was cut or left
 * out, and canh.cut is true. */
bool render_ecs(const struct row *row, const struct render_options *options, struct buf *out);

/* One CEF:0 line, without a line end; made to fit as render_ecs does. False: as there, and
 * flexString2 (cut) is true. */
bool render_cef(const struct row *row, const struct render_options *options, struct buf *out);

enum render_format { RENDER_JSON, RENDER_CEF };

struct render_syslog {
    uint8_t facility;          /* 0 to 23 */
    enum render_format format; /* of the message */
    bool bom;                  /* RFC 5424 MSG-UTF8; many readers of JSON stumble over it */
    uint32_t process_id;       /* PROCID; 0: none */
};

/* The facility's number by its name (user, daemon, auth, authpriv, local0 ...); -1: none such. */
int render_facility(struct slice name);
/* A whole RFC 5424 message; options->bytes_max counts its header too. False: as render_ecs. */
bool render_syslog(const struct row *row, const struct render_options *options,
                   const struct render_syslog *syslog, struct buf *out);
/* RFC 6587 octet counting, for TCP and TLS: length, blank, message. */
void render_frame(struct slice message, struct buf *out);

enum render_action {
    RENDER_INDEX, /* what is sent again overwrites: indices */
    RENDER_CREATE /* what is sent again answers 409, which is fine: data streams */
};

/* Whether the pattern gives index names that Elasticsearch and OpenSearch take. %Y %m %d: UTC date
 * of when Canh received the row (not what its record says: a sender must not make indices). */
MUST_CHECK int render_index_check(struct slice pattern, struct err *err);
void render_index(struct slice pattern, int64_t received_ns, struct buf *out);
/* Two lines of a _bulk body; the document's _id is the event id. The pattern has passed
 * render_index_check. False: as render_ecs. */
bool render_bulk(const struct row *row, const struct render_options *options,
                 enum render_action action, struct slice index_pattern, struct buf *out);

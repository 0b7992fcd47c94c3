/* Row: one event as it is stored: its record, and what Canh knows of it.
 *
 * Contexts carry what many rows share. A row's canonical text is what evidence is made of: a digest
 * of it is a leaf of the Merkle tree (docs/store-format.md, "Canonical row"). Threads: one.
 * Ownership: slices borrow from whoever gave the row. DESIGN sections 5 and 6. */
#pragma once
#include "base/clock.h"
#include "base/digest.h"
#include "formats/record.h"

enum {
    ROW_CONTEXTS_MAX = 65535,  /* in one batch or segment */
    ROW_NAME_BYTES_MAX = 64,   /* of a partition */
    ROW_TEXT_BYTES_MAX = 4096, /* of every other text of a context */
    ROW_CONTEXT_TEXTS = 12,    /* of a context */
    ROW_CONTEXT_TEXTS_1 = 10   /* in ROW_CONTEXT_1 */
};

/* Forms in which batches and segments hold contexts: the first has neither host nor sender. */
enum row_context_form { ROW_CONTEXT_1 = 1, ROW_CONTEXT_2 };

enum row_context_flag {
    ROW_HISTORICAL = 1, /* imported: never alerts */
    ROW_INTERNAL = 2,   /* made by Canh itself: findings, refused items, closed hours */
    ROW_DRILL = 4       /* an exercise: shown as such, never alerts */
};

struct row_context {
    struct slice partition; /* [a-z0-9_-]; internal ones begin with '_' */
    struct slice source;    /* name of the configured source, or empty */
    struct slice system;    /* information system, or empty */
    struct slice unit;      /* agency's unit, or empty */
    struct slice file;      /* file or listener it came by; "a.zip!member" */
    struct slice mapping;   /* id of the mapping that read it, or empty */
    uint32_t mapping_version;
    uint32_t flags;       /* enum row_context_flag */
    uint64_t mapping_set; /* fingerprint of all mappings that were loaded then */
    /* the log source that was seen: product, category (several joined by '|'), service; may be
     * empty. `*` as category: the mapping does not say which there are */
    struct slice product, category, service;
    struct slice configured; /* log source that the source's settings say: p/c/s, or empty */
    struct slice host;       /* registered host that the event was attributed to, or empty */
    struct slice sender;     /* who sent it: token, certificate's name or address, or empty */
};

/* Internal partitions: what begins with '_' is not searched unless it is asked for. */
#define ROW_FINDINGS SLICE("_findings")
#define ROW_REFUSED  SLICE("_refused")
#define ROW_LEDGER   SLICE("_ledger")

struct row {
    uint64_t sequence;       /* the event id's second half: epoch:sequence; from 1, 0: none yet */
    int64_t time_ns;         /* of the event; CLOCK_NONE: it tells none */
    int64_t received_ns;     /* by Canh */
    uint64_t line;           /* in context->file: line, element or record number; 0: none */
    uint32_t context_number; /* in its batch or segment */
    const struct row_context *context;
    struct record *record; /* values are plain text (never FIELD_ESCAPED) */
};

/* When it is searched and counted: its own time, else when it was received. */
static inline int64_t row_time(const struct row *row)
{
    return row->time_ns == CLOCK_NONE ? row->received_ns : row->time_ns;
}

bool row_context_equal(const struct row_context *a, const struct row_context *b);
uint64_t row_context_hash(const struct row_context *context);
/* Its texts, the partition first, in the order in which they are held. */
void row_context_texts(struct row_context *context, struct slice *out[ROW_CONTEXT_TEXTS]);
/* A context as batches and segments hold it (docs/store-format.md, "Batch"), in the newest form;
 * texts are at most ROW_TEXT_BYTES_MAX long. Read borrows from the bytes; false: not one. */
void row_context_write(const struct row_context *context, struct buf *out);
struct bytes_in;
bool row_context_read(struct bytes_in *in, enum row_context_form form, struct row_context *context);
bool row_partition_name_ok(struct slice name);

/* The canonical text, appended to out; without the sequence number. */
void row_canonical(const struct row *row, struct buf *out);
/* SHA-256 of the canonical text (scratch is cleared and used). */
struct digest row_digest(const struct row *row, struct digester *d, struct buf *scratch);
/* The Merkle leaf: SHA-256 of a zero byte, the sequence number (8 bytes, big-endian) and the row's
 * digest. */
struct digest row_leaf(uint64_t sequence, const struct digest *row_digest, struct digester *d);

/* The inside of verify, shared by embedded_verify.c and verify_*.c only.
 *
 * The notary is read first, then the view: what it speaks of is then in the view. Rows are taken
 * from segments and the journal, their leaves, roots and heads made anew, and compared. Memory: 64
 * bytes an interval, a bit a row in stretches that are not complete. Threads: one. */
#pragma once
#include "base/map.h"
#include "store/embedded_rows.h"
#include "store/segment.h"

enum {
    VERIFY_TOLD_MAX = 100,       /* missing ranges that are named one by one */
    VERIFY_KEYS_MAX = 1024,      /* in a notary */
    VERIFY_CHUNKS_MAX = 1 << 22, /* of sequence numbers: 4.4e12 rows */
    VERIFY_CHUNK_ROWS = 1 << 20
};

struct verify_note { /* a root line */
    uint64_t number, first, last, rows;
    struct digest head;
    bool is_signed;
};

struct verify_partition {
    struct slice name;
    struct verify_note *notes; /* by number */
    uint32_t note_count, note_capacity, signed_count;
    struct digest noted_head; /* of the last note */
    /* rows, in order */
    struct merkle open;
    uint64_t open_first, open_last;
    int64_t open_minute_ns;
    uint64_t number; /* of the last interval that was checked; its head */
    struct digest head;
    bool lost; /* some of its rows could not be read: the next root cannot be told */
};

struct verify_key {
    char name[17];
    uint8_t public_key[SIGN_PUBLIC_BYTES];
};

struct verify_gone { /* a tombstone */
    struct slice partition, path;
    uint64_t first, last, rows;
};

struct verify_chunk { /* of VERIFY_CHUNK_ROWS sequence numbers */
    uint64_t *bits;   /* NULL: none of them seen, or all */
    uint32_t count;
};

struct verify {
    struct embedded *e;
    struct view view;
    struct store_verified *out;
    store_verify_visit *visit;
    void *context;
    struct err *err;
    struct slice anchor; /* the head that was given */
    struct arena arena;
    struct digester *digester;
    struct buf scratch, text;
    struct verify_partition partitions[CHAIN_PARTITIONS_MAX];
    uint32_t partition_count;
    /* notary */
    uint64_t lines, lines_before; /* read; of the first reading */
    struct verify_key keys[VERIFY_KEYS_MAX];
    uint32_t key_count;
    struct slice key_time; /* of a key line right before: the next line is of that time */
    char last_key[17];
    char digest[2 * DIGEST_BYTES + 1]; /* of the last heads line, hex */
    struct verify_gone *gone;
    struct map gone_paths;
    uint32_t gone_count, gone_capacity;
    uint64_t signed_sequence; /* that the last heads line names */
    /* rows */
    struct verify_chunk *chunks;
    uint64_t chunk_count, last_sequence;
    struct verify_partition *partition; /* of the segment that is read */
    struct segment *segment;
    uint32_t next_interval; /* of that segment */
    int64_t minute_ns;      /* of the journal */
};

void verify_problem(struct verify *v, const char *format, ...) PRINTF_LIKE(2, 3);
/* NULL: too many. */
struct verify_partition *verify_partition_of(struct verify *v, struct slice name);
const struct verify_note *verify_note_find(const struct verify_partition *p, uint64_t number);
/* Whether tombstones say that the partition's `rows` rows from first to last went. */
bool verify_is_gone(const struct verify *v, struct slice partition, uint64_t first, uint64_t last,
                    uint64_t rows);

int verify_notary(struct verify *v);       /* all lines, and keys/notary.pub */
int verify_notary_again(struct verify *v); /* what was written since, tombstones only */
void verify_notary_end(struct verify *v);

/* Rows and intervals (verify_chain.c). */
void verify_row_add(struct verify *v, struct verify_partition *p, const struct row *row);
void verify_interval(struct verify *v, struct verify_partition *p,
                     const struct segment_interval *interval);
void verify_journal_begin(struct verify *v);
void verify_journal_minute(struct verify *v, int64_t commit_ns);
void verify_journal_cut(struct verify *v);
void verify_chain_end(struct verify *v);

/* Sequence numbers (verify_sequence.c). False: it was there already. */
bool verify_sequence_add(struct verify *v, uint64_t sequence);
void verify_sequence_end(struct verify *v);
void verify_sequence_free(struct verify *v);

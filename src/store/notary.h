/* Notary: the text log of roots, signed heads and tombstones (docs/store-format.md, "Evidence").
 *
 * Lines are appended and synced; a torn last line is not counted and is ended by the next writer.
 * Threads: one. Limits: NOTARY_LINE_BYTES_MAX a line. */
#pragma once
#include "base/disk.h"
#include "base/sign.h"
#include "store/chain.h"

enum { NOTARY_LINE_BYTES_MAX = 8192 };

struct notary;
/* key NULL: lines are written without signatures ("-"). Reads the last heads line, for its digest,
 * and the last interval number noted of each partition; cuts off a torn last line. */
MUST_CHECK int notary_open(struct notary **out, struct disk *disk, const struct sign_key *key,
                           struct digester *d, struct err *err);
void notary_close(struct notary **n);
int64_t notary_time(const struct notary *n); /* of the last heads line; CLOCK_NONE: none */
/* Root lines of intervals that are not noted yet, then one signed line over all heads; one sync. */
MUST_CHECK int notary_sign(struct notary *n, const struct chain *chain, uint32_t epoch,
                           uint64_t sequence, int64_t now_ns, struct err *err);
struct notary_tombstone {
    struct slice partition, path;
    uint64_t first_sequence, last_sequence, row_count;
    const char *reason; /* one word */
};
MUST_CHECK int notary_bury(struct notary *n, const struct notary_tombstone *stone, int64_t now_ns,
                           struct err *err);
/* Every whole line of all files in order, without its newline, cut at blanks into at most 12 words.
 * A line that is none of the known kinds is visited, too. */
struct notary_line {
    struct slice text; /* whole */
    struct slice words[12];
    uint32_t word_count;
    const char *file;
    uint64_t number; /* in its file, from 1 */
    bool torn;       /* the end of a file without a newline: it does not count */
};
typedef int notary_visit(void *context, const struct notary_line *line);
MUST_CHECK int notary_read(struct disk *disk, notary_visit *visit, void *context, struct err *err);
/* First 16 hex digits of the digest of a public key. */
void notary_key_name(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct digester *d, char out[17]);

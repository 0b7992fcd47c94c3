/* Journal: the one log of all partitions; what is acknowledged stands here, durable, until it is
 * sealed into segments (docs/store-format.md, "Journal").
 *
 * A writer appends frames, one fdatasync each; a scan reads frames back, in this process or
 * another. Threads: a writer belongs to one thread; a scan to one; both may run at once, in other
 * processes, too. Errors: ERR_FULL (no room for a further file: nothing was accepted), ERR_IO
 * (read-only from now on), ERR_DAMAGED. DESIGN section 6. */
#pragma once
#include "base/clock.h"
#include "base/disk.h"

enum {
    JOURNAL_SECTOR_BYTES = 512,
    JOURNAL_FRAME_HEADER_BYTES = 64,
    JOURNAL_SECTIONS_MAX = 4096 /* of a frame */
};
#define JOURNAL_FILE_BYTES     ((uint64_t)64 << 20)
#define JOURNAL_FILE_BYTES_MIN ((uint64_t)64 << 10)
#define JOURNAL_FILE_BYTES_MAX ((uint64_t)4 << 30)
/* A frame larger than a file gets a larger file. RAW: of all its sections when unpacked. */
#define JOURNAL_FRAME_BYTES_MAX ((size_t)128 << 20)
#define JOURNAL_RAW_BYTES_MAX   ((size_t)256 << 20)

enum journal_section_kind { JOURNAL_BATCH = 1, JOURNAL_CARRY = 2, JOURNAL_CUT = 3 };

struct journal_identity { /* of the store: what headers and checksums are made with */
    uint8_t uuid[16];
    uint32_t epoch;
};

struct journal_place { /* behind the last byte that counts; file 0: the beginning */
    uint64_t file, offset;
};

enum { JOURNAL_SECTION_HEADER_BYTES = 16, JOURNAL_SECTION_ZSTD = 1 };
/* Appends a section, header and bytes: packed with zstd level 1 when they are many and become
 * fewer. */
void journal_section(struct buf *out, enum journal_section_kind kind, struct slice bytes);

struct journal_options {
    struct journal_identity identity;
    uint64_t file_bytes;    /* 0: JOURNAL_FILE_BYTES */
    uint64_t reserve_bytes; /* no new file when less room than this would be left on the disk */
};

/* Where a writer goes on: journal_scan_start says it. */
struct journal_start {
    uint64_t last_file;              /* highest number there is or was, in use or not */
    uint64_t next_sequence;          /* of the next row */
    struct journal_place begin, end; /* of the last frame that counts; begin.file 0: none found */
    int64_t commit_ns;               /* of that frame: none is before it */
};

struct journal;
/* Begins behind what is there: the next append goes to a new file, which makes void whatever old
 * files hold behind start->end. Makes the folder. */
MUST_CHECK int journal_open(struct journal **out, struct disk *disk,
                            const struct journal_options *options,
                            const struct journal_start *start, struct err *err);
void journal_close(struct journal **j);
/* One frame of whole sections, durable when ERR_OK. *first_sequence: of its first row. *commit_ns:
 * its time (now_ns, or the time of the frame before when the clock went back). After ERR_FULL the
 * journal goes on and the frame may be tried again; after ERR_IO every call fails: read-only. */
MUST_CHECK int journal_append(struct journal *j, const struct slice *sections, uint32_t count,
                              uint32_t row_count, int64_t now_ns, uint64_t *first_sequence,
                              int64_t *commit_ns, struct err *err);
uint64_t journal_next_sequence(const struct journal *j);
struct journal_place journal_end(const struct journal *j); /* behind the last durable frame */
/* Deletes files whose frames all end at or before place. */
MUST_CHECK int journal_forget(struct journal *j, struct journal_place place, struct err *err);
/* Makes the next file ahead of need (any time between appends; append does it otherwise). */
MUST_CHECK int journal_prepare(struct journal *j, struct err *err);
struct journal_stats {
    uint64_t frames, syncs, stored_bytes, rows, given_up_files;
    uint64_t sync_ns_total, sync_ns_max;
};
void journal_stats(const struct journal *j, struct journal_stats *out);

/* Reading. */
struct journal_frame {
    struct journal_place begin, end;
    uint64_t first_sequence;
    int64_t commit_ns;
    uint32_t row_count;
    const struct slice *sections; /* without their headers, unpacked */
    const uint16_t *kinds;
    uint32_t section_count;
};
struct journal_damage { /* what lies between two whole frames, or before the first */
    struct journal_place begin, end;
    /* rows [first_missing, next_sequence) are lost; none when they are equal (frames without rows,
     * or a file's header); first_missing 0: `from` was behind its file's begin, so that the caller
     * knows and the scan does not */
    uint64_t first_missing, next_sequence;
};
typedef void journal_damaged(void *context, const struct journal_damage *damage);

struct journal_scan;
/* Opens all files now (later deletions do not matter), then the durable page when live is set:
 * nothing behind it is given. from: frames that end at or before it are passed over. */
MUST_CHECK int journal_scan_open(struct journal_scan **out, struct disk *disk,
                                 const struct journal_identity *identity, struct journal_place from,
                                 bool live, struct err *err);
/* The next frame, good until the next call. ERR_END behind the last one. damaged may be NULL. */
MUST_CHECK int journal_scan_next(struct journal_scan *s, struct journal_frame *out,
                                 journal_damaged *damaged, void *context, struct err *err);
/* Only its header: sections are neither read, checked nor unpacked (section_count 0). For passing
 * over frames that are known to be durable. */
MUST_CHECK int journal_scan_skip(struct journal_scan *s, struct journal_frame *out,
                                 journal_damaged *damaged, void *context, struct err *err);
/* The frame that begins at a place that one of the two calls above gave; the scan itself stays
 * where it is. Good until the next call of the three. ERR_DAMAGED, ERR_NOT_FOUND. */
MUST_CHECK int journal_scan_read(struct journal_scan *s, struct journal_place begin,
                                 struct journal_frame *out, struct err *err);
/* What a writer starts with; good after ERR_END. next_sequence is 0 when there was no file in use,
 * end and last_file are those of `from` when there was nothing behind it. */
void journal_scan_start(const struct journal_scan *s, struct journal_start *out);
uint64_t journal_scan_bytes(const struct journal_scan *s); /* of all frames in reach, estimate */
void journal_scan_close(struct journal_scan **s);

/* The durable page of a real store: mapped by the writer, read by others; NULL on other disks. */
struct durable;
MUST_CHECK int durable_open(struct durable **out, struct disk *disk, bool write, struct err *err);
void durable_close(struct durable **d);
void durable_publish(struct durable *d, struct journal_place place, uint64_t last_sequence);
/* False: nothing was ever published. */
bool durable_read(const struct durable *d, struct journal_place *place, uint64_t *last_sequence);

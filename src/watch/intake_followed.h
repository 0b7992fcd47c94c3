/* Followed: one file that intake follows: its place, its cursor, its next records.
 *
 * The cursor's value: version, device, inode, offset, line, records, bytes of the head and their
 * hash. Formats without a state between records go on at the offset; others (a CSV with its header,
 * an array) are read again from the beginning and what is durable is passed over. Threads: one.
 * Ownership: owns descriptor and splitter. */
#pragma once
#include "watch/intake_file.h"

enum { FOLLOWED_BLOCK_BYTES = 1 << 20 };

struct followed_place {
    uint64_t offset;  /* behind the last record */
    uint64_t line;    /* lines before it */
    uint64_t records; /* before it */
};

struct followed {
    char *path;
    const struct live_source *source;
    struct input_file file; /* name: path; format NULL: nothing to tell it by yet */
    int fd;
    uint64_t device, inode;
    struct split *split; /* NULL: nothing was cut yet */
    struct buf carry;    /* read; the first `used` bytes are cut into records */
    size_t used;
    struct followed_place at, next; /* before the block, behind it */
    uint64_t skip, gone;            /* records still to be passed over; of this block */
    uint64_t line_base;             /* lines before the splitter's first */
    uint64_t told;                  /* refused by the splitter and durable */
    uint64_t head_bytes, head_hash;
    uint64_t quiet_ns; /* monotonic: since when nothing came; 0: something did */
    uint64_t term;     /* of the engine, that it goes on in */
    bool is_old;       /* another file has taken its path: it ends where it ends */
    bool is_renamed;   /* its name has no cursor yet */
    bool is_gone;      /* nobody will find it again: its cursor goes */
    const struct input_block *block;
    struct arena arena;     /* cursor */
    struct followed *older; /* had its path before, and is read first */
    struct followed *next_file;
};

/* Where to go on, as the engine's cursors say; from the beginning when they say nothing of it. */
void followed_resume(struct followed *f, struct intake_shared *shared);
/* Reads and cuts the next records into block. ERR_END: nothing new; ERR_BUSY: nothing whole, read
 * again. last: the file has ended, what is unfinished is a record. */
MUST_CHECK int followed_read(struct followed *f, struct input_block *block, bool last,
                             struct err *err);
/* For intake_block: context is the followed. */
void followed_cursors(void *context, uint64_t records, bool last, struct haul_head *head);
void followed_done(struct followed *f); /* the block is durable */
bool followed_is_unlinked(const struct followed *f);
/* By its source's settings, else by how it begins. */
void followed_find_format(struct followed *f);
void followed_free(struct followed **f);

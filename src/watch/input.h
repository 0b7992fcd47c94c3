/* Input: files, folders, archives and the standard input as blocks of whole records, in order.
 *
 * The reader of paths runs on one thread and only cuts; each block can be parsed on any other.
 * Files are recognised by their contents (EVTX, archives, UTF-16, then the formats' probes) unless
 * a format is given. What cannot be read is counted and told, and reading goes on. Limits:
 * INPUT_BLOCK_BYTES of text a block, more only while one record is longer (at most RECORD_BYTES_MAX
 * and a block); INPUT_REFUSED_KEPT refused items with place and reason; those of split.h, evtx.h
 * and archive.h. Threads: one for an input; a filled block belongs to whoever holds it. Ownership:
 * spans, headers and files of a block are good until the input is closed, their text until the
 * block is used again. */
#pragma once
#include "formats/split.h"

#define INPUT_BLOCK_BYTES ((size_t)1 << 20)
enum { INPUT_REFUSED_KEPT = 100, INPUT_PADDING_BYTES = 64 };

struct input_file {
    const char *name; /* as given; below a folder with its path; "a.zip!member"; "-" */
    const struct format *format;
    uint32_t number; /* 0, 1, 2 ... in the order of reading */
    /* How far reading is, for the reading thread only. */
    uint64_t blocks;  /* given out */
    uint64_t refused; /* by its splitter: all of them when it has ended */
    bool ended;       /* nothing more comes of it */
    bool damaged;     /* it could not be read, or not to its end */
};

struct input_block {
    struct span_list spans;
    struct arena arena; /* joined lines, XML of EVTX records */
    char *data; /* spans point into it, or into arena; INPUT_PADDING_BYTES zeros behind both */
    size_t data_bytes, capacity;
    const struct input_file *file;
};
void input_block_free(struct input_block *block); /* leaves an empty one that can be used again */

enum input_note {
    INPUT_NOTE_FORMAT,    /* which format a file was taken for */
    INPUT_NOTE_SKIPPED,   /* a file in a folder or archive that is no log */
    INPUT_NOTE_UNREADABLE /* could not be read, or not to its end: also counted */
};

struct input_opened {
    const struct input_file *file;
    const char *path;    /* on the disk: the file, or the archive that it is in */
    uint64_t size_bytes; /* of path */
    struct slice head;   /* its own first bytes, unpacked */
    bool streaming;      /* path is no regular file */
};
#define INPUT_PASS_OVER UINT64_MAX

struct input_options {
    const char *const *paths; /* files, folders, archives, "-" for the standard input */
    size_t path_count;
    const struct format *format; /* NULL: guessed for each file */
    void (*note)(void *context, enum input_note kind, const char *text); /* may be NULL */
    void *note_context;
    /* How many records at the beginning of a file are left out, or INPUT_PASS_OVER: it is not read
     * and takes no number. May be NULL. */
    uint64_t (*opened)(void *context, const struct input_opened *opened);
    void *opened_context;
};

struct input_refused {
    const struct input_file *file;
    uint64_t line;
    char reason[120];
};

struct input;
/* Options are borrowed until input_close. ERR_USAGE without any path; a path that does not exist,
 * or a folder without a file, is an unreadable one: reading goes on with the next. */
MUST_CHECK int input_open(struct input **out, const struct input_options *options, struct err *err);
/* Fills block (used before or zeroed) with the next records: at least one, all of one file. ERR_END
 * when there are no more; other codes only when nothing further can be read at all. */
MUST_CHECK int input_next(struct input *in, struct input_block *block, struct err *err);

/* Whether input_next would wait for the writer of a pipe: time to write out what is done. */
bool input_waits(const struct input *in);

uint64_t input_bytes(const struct input *in); /* of text so far, unpacked */
/* Of the files as they are on the disk; *total 0: not known. */
void input_progress(const struct input *in, uint64_t *done, uint64_t *total);
uint64_t input_file_count(const struct input *in); /* files and members that were read */
uint64_t input_unreadable_count(const struct input *in);
/* What the splitters refused. Records that do not parse are counted by who parses them. */
uint64_t input_refused_count(const struct input *in);
const struct input_refused *input_refused_list(const struct input *in, size_t *count);
void input_close(struct input **in);

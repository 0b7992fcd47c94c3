/* The inside of an input, shared by input.c (blocks) and input_next_file.c (what is read next). */
#pragma once
#include "formats/evtx.h"
#include "watch/input.h"
#include "watch/input_source.h"

struct input_path {
    const char *path;
    bool searched; /* found in a folder: what is no log is passed over */
    uint64_t size_bytes;
};

struct input {
    struct input_options options;
    struct arena names;
    struct input_path *paths;
    size_t path_count, path_capacity, next_path;

    struct source packed; /* of the archive that is open */
    struct archive_stream *archive, *inner;
    const char *archive_name;

    struct input_file *file; /* that is being read, or NULL */
    uint64_t skip_records;   /* still to be left out of it */
    struct source source;    /* its bytes; of an EVTX file only the copy that libevtx reads */
    struct split *split;
    struct evtx *evtx;
    struct buf carry; /* an unfinished record, for the next block */
    struct buf xml;
    bool source_ended;

    struct split **kept_splits; /* their headers are in use */
    size_t kept_count, kept_capacity;
    struct input_refused *refused;
    size_t refused_kept;
    uint64_t refused_count, unreadable_count, bytes;
    uint32_t file_count;
    uint64_t total_bytes, begun_bytes; /* on the disk: all paths; those before next_path */
    bool endless;                      /* a path has no size */
};

void input_note(struct input *in, enum input_note kind, const char *format, ...) PRINTF_LIKE(3, 4);
void input_unreadable(struct input *in, const char *name, const struct err *err);
void input_refuse(struct input *in, uint64_t line, const char *reason);

/* Folders become their files. */
void input_expand(struct input *in);
/* Opens what is read next: in->file is set. ERR_END: nothing is left. */
MUST_CHECK int input_next_file(struct input *in);
/* Closes the file (and its archive, when its last member was read). */
void input_close_file(struct input *in);
void input_close_archive(struct input *in);

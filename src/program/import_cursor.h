/* Import cursors: how far each file of an import is durable, so that the same import, started again
 * after a stop of any kind, goes on exactly there; and which run of correlations goes on.
 *
 * A file is known by where it is on the disk ("!member" in archives) and by its first bytes: one
 * that grew is the same, one that was replaced is not. The standard input and pipes have none. The
 * cursors stand in the store's carry (docs/import.md). Limits: CARRY_CURSORS_MAX files. Threads:
 * the reading one, which is the committer's too. Ownership: copies; borrows the store. */
#pragma once
#include <sys/stat.h>

#include "store/carry.h"
#include "watch/input.h"

struct import_file { /* being read, or to be told of at the end */
    const struct input_file *input;
    struct slice cursor; /* name; empty: none is kept */
    uint64_t records;    /* durable or in the group being made, refused ones too */
    uint64_t refused;    /* those by the splitter that are stored */
    uint64_t size_bytes, head_bytes, head_hash;
    uint64_t blocks; /* taken */
    uint32_t place;  /* number of its name, for correlations */
    bool changed;    /* since its cursor was written */
    bool done;       /* imported whole */
    bool told;       /* its end was dealt with */
};

struct import_cursors {
    const struct carry *carry; /* NULL: cursors are not looked at */
    struct slice name;         /* of the one file's cursor, given as "-"; empty: by its path */
    void (*note)(void *context, enum input_note kind, const char *text); /* may be NULL */
    void *note_context;
    struct arena arena;
    struct import_file **files;           /* by input_file.number */
    uint32_t count, capacity, first_open; /* files before first_open are done with */
    uint64_t resumed_records, passed_over;
};

/* For input_options.opened; context: struct import_cursors. */
uint64_t import_cursor_opened(void *context, const struct input_opened *opened);
struct import_file *import_cursor_file(struct import_cursors *c, const struct input_file *input);
/* Whether all blocks of the file were taken and no more will come. */
bool import_cursor_is_read(const struct import_file *file);
/* The cursor's value when `more` further records of the file are durable. */
void import_cursor_value(const struct import_file *file, uint64_t more, struct buf *out);
/* The cursor's item, when it changed. */
void import_cursor_put(struct import_file *file, struct buf *items);
void import_cursors_free(struct import_cursors *c);

/* What the cursor of a regular file is called that was given open, for a source: by what the file
 * is, since its path is not known for sure. */
struct slice import_cursor_of(struct arena *arena, struct slice source, const struct stat *about);
/* The text a run of an import is known by: "import:" and a hash of what is imported to where. */
void import_cursor_run(const char *const *paths, size_t count, struct slice partition,
                       struct slice source, struct buf *out);
